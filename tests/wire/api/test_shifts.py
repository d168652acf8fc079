"""Shifts over HTTP: two guards and a supervisor, each with a token of its own."""

from typing import Any

import pytest

from tests.wire.api.house import CAR, OTHER_CAR, House

PASSWORD = "plum-otter-canal-92"


def money(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


class Somebody:
    """A person of the mall's company who is signed in."""

    def __init__(self, house: House, login: str, role: str) -> None:
        form = {"login": login, "name": login, "password": PASSWORD, "company": "demo"}
        assert house.post("/v1/accounts", form, key=f"{login}-a").status_code == 201
        grant = {"account": login, "role": role, "level": "lot", "node": "mall"}
        assert house.post("/v1/grants", grant, key=f"{login}-g").status_code == 201
        signed = house.stranger.post("/v1/auth/sign-in", json={"login": login, "password": PASSWORD})
        self._http = house.client({"authorization": f"Bearer {signed.json()['access_token']}"})
        self._asked = 0

    def post(self, path: str, body: object) -> Any:
        self._asked += 1
        return self._http.post(path, json=body, headers={"idempotency-key": f"{id(self)}-{self._asked}"})

    def get(self, path: str, **query: str) -> Any:
        return self._http.get(path, params=query)


@pytest.fixture
def owing(house: House) -> list[str]:
    """Two cars wait at exits; returns their bills, over 7.50 each."""
    for lane, car in (("1", CAR), ("2", OTHER_CAR)):
        house.arrive(f"in-{lane}", car)
    house.pass_minutes(61)
    for lane, car in (("1", CAR), ("2", OTHER_CAR)):
        house.arrive(f"out-{lane}", car)
    return [house.waiting(f"out-{lane}")["bill"]["id"] for lane in ("1", "2")]


def test_a_shift_from_its_float_to_the_bank(house: House, owing: list[str]) -> None:
    li, wang = Somebody(house, "li", "guard"), Somebody(house, "wang", "guard")
    boss = Somebody(house, "boss", "lot_manager")
    fetched = {"kind": "fetched", "amount": money(20_000), "reference": "chg-1"}
    assert li.post("/v1/lots/mall/safe/moves", fetched).status_code == 403
    assert boss.post("/v1/lots/mall/safe/moves", fetched).status_code == 201
    opened = li.post("/v1/shifts", {"lot": "mall", "opening": money(20_000)})
    assert (opened.status_code, opened.json()["number"], opened.json()["holder"]["login"]) == (201, 1, "li")
    shift = opened.json()["id"]
    assert li.post("/v1/shifts", {"lot": "mall"}).json()["code"] == "shift.already_open"
    cash = {"bill": owing[0], "received": money(1_000)}
    assert li.post("/v1/lots/mall/lanes/out-1/cash", cash).json()["receipt"]["shift"] == shift
    slip = {"method": "pos", "terminal": "T1", "reference": "000123", "amount": money(750)}
    taken = li.post(f"/v1/bills/{owing[1]}/offline", slip)
    assert (taken.status_code, taken.json()["receipt"]["transaction"]) == (200, "T1/000123")
    assert li.post(f"/v1/bills/{owing[1]}/offline", slip).json()["repeated"] is True
    blind = li.get(f"/v1/my/shifts/{shift}").json()
    assert (blind["expected"], [each["taken"] for each in blind["methods"]]) == (None, [None, money(750)])
    assert boss.get(f"/v1/shifts/{shift}").json()["expected"] == money(20_750)
    for of_others in (wang.get(f"/v1/my/shifts/{shift}"), wang.post(f"/v1/shifts/{shift}/hand-over", {})):
        assert (of_others.status_code, of_others.json()["code"]) == (404, "shift.not_found")
    assert wang.get("/v1/shifts", lot="mall").status_code == 403
    wrong = {"counted": money(5), "pieces": [{"minor": 10_000, "pieces": 2}]}
    assert li.post(f"/v1/shifts/{shift}/hand-over", wrong).json()["code"] == "shift.count_differs"
    count = {"pieces": [{"minor": 10_000, "pieces": 2}, {"minor": 50, "pieces": 10}]}
    waits = li.post(f"/v1/shifts/{shift}/hand-over", count).json()
    assert (waits["state"], waits["variance"]) == ("counted", money(-250))
    theirs = wang.post("/v1/shifts", {"lot": "mall"}).json()["id"]
    onward = {"reason": "找零有误", "next": theirs, "passed": money(20_000)}
    sheet = li.post(f"/v1/shifts/{shift}/hand-over", onward).json()
    assert (sheet["state"], sheet["to_safe"], sheet["passed"]) == ("handed_over", money(500), money(20_000))
    assert sheet["next"]["holder"]["login"] == "wang"
    assert [(each["transaction"], each["method"]) for each in sheet["slips"]] == [("T1/000123", "pos")]
    correct = {"counted": money(20_600), "reason": "另有一元"}
    corrected = boss.post(f"/v1/shifts/{shift}/correct", correct).json()
    assert (corrected["counted"], corrected["found"], corrected["variance"]) == (
        money(20_500), money(20_600), money(-150),
    )  # fmt: skip
    confirmed = boss.post(f"/v1/shifts/{shift}/confirm", {}).json()
    assert [each["kind"] for each in confirmed["checks"]] == ["corrected", "confirmed"]
    assert boss.get("/v1/lots/mall/safe").json()["balances"] == [money(600)]
    deposit = {"kind": "deposited", "amount": money(600), "reference": "2026-1"}
    assert boss.post("/v1/lots/mall/safe/moves", deposit).status_code == 201
    assert boss.get("/v1/lots/mall/safe").json()["balances"] == [money(0)]
    moves = boss.get("/v1/lots/mall/safe/moves").json()["items"]
    assert [(each["kind"], each["by"]["login"]) for each in moves] == [("deposited", "boss"), ("fetched", "boss")]
    [listed] = boss.get("/v1/shifts", lot="mall", number="1").json()["items"]
    assert (listed["id"], listed["holder"]["login"]) == (shift, "li")


def test_a_lot_that_wants_shifts_says_what_to_do(house: House, owing: list[str]) -> None:
    setting = {"level": "lot", "node": "mall", "value": True}
    assert house.operator.put("/v1/settings/shifts.required", json=setting).status_code == 200
    cash = {"bill": owing[0], "received": money(1_000)}
    refused = house.post("/v1/lots/mall/lanes/out-1/cash", cash, key="k")
    assert (refused.status_code, refused.json()["code"]) == (409, "shift.none_open")
    assert "openberth shift open" in refused.json()["title"]
    assert house.post("/v1/shifts", {"lot": "mall", "booth": "nowhere"}, key="k2").json()["code"] == "booth.not_found"
    assert house.post("/v1/shifts", {"lot": "mall"}, key="k3").status_code == 201
    assert house.post("/v1/lots/mall/lanes/out-1/cash", cash, key="k4").status_code == 200


def test_no_count_is_more_than_a_safe_can_add_up(house: House) -> None:
    shift = house.post("/v1/shifts", {"lot": "mall"}, key="k1").json()["id"]
    much = {"pieces": [{"minor": 10**9, "pieces": 10**6}], "reason": "found it"}
    refused = house.post(f"/v1/shifts/{shift}/hand-over", much, key="k2")
    assert (refused.status_code, refused.json()["code"]) == (422, "shift.too_much")


def test_what_a_terminal_took_goes_back_by_hand(house: House, owing: list[str]) -> None:
    slip = {"method": "other", "reference": "TR-9", "amount": money(750), "note": "转账"}
    taken = house.post(f"/v1/bills/{owing[0]}/offline", slip, key="k1").json()
    back = {"amount_minor": 100, "currency": "CNY", "reason": "多收"}
    refund = house.post(f"/v1/receipts/{taken['receipt']['id']}/refunds", back, key="k2").json()
    assert (refund["state"], refund["detail"]) == ("stuck", "offline")
    made = house.post(f"/v1/refunds/{refund['id']}/made", {"reference": "TR-10"}, key="k3").json()
    assert made["state"] == "done"
    again = house.post(f"/v1/refunds/{refund['id']}/made", {"reference": "TR-11"}, key="k4")
    assert (again.status_code, again.json()["code"]) == (409, "refund.ended")
