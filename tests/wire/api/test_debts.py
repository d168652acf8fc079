"""Debts over the operator API and on the driver's page of a lot."""

import pytest

from tests.waiting import eventually
from tests.wire.api.house import CAR, House


@pytest.fixture
def left(house: House) -> House:
    """A car was let out by hand and owes 7.50."""
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    assert house.post("/v1/lots/mall/lanes/out-1/open", {"reason": "道闸故障"}, key="k-open").status_code == 200
    return house


def debt(house: House) -> dict[str, object]:
    [found] = house.get("/v1/debts", lot="mall")["items"]
    assert house.get(f"/v1/debts/{found['id']}") == found
    return dict(found)


def test_a_debt_is_told_on_the_drivers_page_and_paid_there(left: House) -> None:
    owed = debt(left)
    assert (owed["amount"], owed["state"]) == ({"minor": 750, "currency": "CNY"}, "open")
    shown = left.stranger.post(left.code() + "/bills", json={"plate": CAR}).json()["bill"]
    assert (shown["id"], shown["due"]["minor"]) == (owed["bill"], 750)
    assert left.stranger.post(left.code() + "/pay", json={"bill": shown["id"]}).status_code == 201
    [number] = left.channel.orders
    assert left.notify(number, 750).status_code == 200
    assert debt(left)["state"] == "paid"
    told = left.get(f"/v1/bills/{owed['bill']}")
    assert (told["bill"]["state"], told["debt"], told["refunds"]) == ("settled", debt(left), [])
    assert [(each["number"], each["state"]) for each in told["attempts"]] == [(number, "paid")]
    assert told["receipts"] == left.get("/v1/receipts", lot="mall")["items"]
    assert eventually(lambda: left.get("/v1/exceptions", lot="mall")["items"] == [])
    assert left.stranger.post(left.code() + "/bills", json={"plate": CAR}).json()["bill"]["due"]["minor"] == 0


def test_a_disputed_debt_is_asked_of_nobody_until_it_stands_again(left: House) -> None:
    path = f"/v1/debts/{debt(left)['id']}"
    assert left.post(path + "/dispute", {"reason": "车已转让"}, key="k-1").json()["state"] == "disputed"
    assert left.stranger.post(left.code() + "/bills", json={"plate": CAR}).json()["bill"]["due"]["minor"] == 0
    assert left.post(path + "/uphold", {}, key="k-2").json()["state"] == "open"
    assert left.stranger.post(left.code() + "/bills", json={"plate": CAR}).json()["bill"]["due"]["minor"] == 750


def test_a_debt_is_waived_once_with_a_reason_and_written_down(left: House) -> None:
    path = f"/v1/debts/{debt(left)['id']}/waive"
    assert left.post(path, {"reason": ""}, key="k-1").status_code == 422
    for _ in range(2):  # the same request again
        assert left.post(path, {"reason": "设备故障"}, key="k-2").json()["state"] == "waived"
    again = left.post(path, {"reason": "设备故障"}, key="k-3")
    assert (again.status_code, again.json()["code"]) == (409, "debt.ended")
    assert eventually(lambda: left.get("/v1/exceptions", lot="mall")["items"] == [])
    assert [each["state"] for each in left.get("/v1/bills", lot="mall")["items"]] == ["written_off"]


def test_the_next_exit_asks_for_it_as_a_line_of_its_own(left: House) -> None:
    wrong = left.operator.put("/v1/settings/debts.at_exit", json={"level": "lot", "node": "mall", "value": "always"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "setting.word")
    asked = left.operator.put("/v1/settings/debts.at_exit", json={"level": "lot", "node": "mall", "value": "ask"})
    assert asked.json()["value"] == "ask"
    left.pass_minutes(600)
    left.arrive("in-1", CAR)
    left.pass_minutes(61)
    left.arrive("out-1", CAR)
    bill = left.stranger.get(left.code("out-1"), headers={"accept-language": "zh-CN"}).json()["waiting"]["bill"]
    assert bill["due"]["minor"] == 1500
    assert [line["text"][:4] for line in bill["lines"] if line["code"] == "bill.line.debt"] == ["以往欠费"]
    assert debt(left)["asked_on"] == bill["id"]
    assert left.stranger.post(left.code("out-1") + "/pay").status_code == 201
    [number] = left.channel.orders
    assert left.notify(number, 1500).status_code == 200
    assert eventually(lambda: left.waiting("out-1") is None)
    assert debt(left)["state"] == "paid"
    assert eventually(lambda: left.get("/v1/exceptions", lot="mall")["items"] == [])
