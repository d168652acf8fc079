"""A driver who is signed in: plates of its own, its visits, paying, receipts, debts, a prepaid account."""

from typing import Any

import httpx2
import pytest

from openberth.kernel.time import MINUTE_US
from tests.waiting import eventually
from tests.wire.api.house import CAR, OTHER_CAR, House

ABSENT = "01900000-0000-7000-8000-00000000dead"


def driver(house: House, phone: str) -> httpx2.Client:
    """Sign somebody in by its phone, and again whenever its token is over."""
    me = house.client({"accept-language": "zh-CN"})
    until = [0]

    def signed_in(request: httpx2.Request) -> httpx2.Request:
        if house.machine.now() >= until[0]:
            answer = house.stranger.post("/v1/auth/wechat", json={"phone_code": phone})
            assert answer.status_code == 200, answer.text
            me.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
            until[0] = house.machine.now() + 5 * MINUTE_US
        request.headers["authorization"] = me.headers["authorization"]
        return request

    me.auth = signed_in
    return me


def bind(me: httpx2.Client, plate: str = CAR) -> Any:
    answer = me.post("/v1/me/plates", json={"plate": plate})
    assert answer.status_code == 201, answer.text
    return answer.json()


def verify(house: House, me: httpx2.Client, plate: str = CAR) -> Any:
    """Have a plate verified by the licence."""
    bound = bind(me, plate)
    form = {"own_plate": bound["id"], "plate": plate, "reason": "showed the licence"}
    answer = house.post("/v1/plates/verify", form, key=str(form["own_plate"]))
    assert answer.status_code == 200, answer.text
    return bound


def told(me: httpx2.Client, kind: str) -> Any:
    """Return the notice of a kind once it is there."""

    def found() -> list[Any]:
        return [each for each in me.get("/v1/me/notices").json()["items"] if each["kind"] == kind]

    assert eventually(lambda: bool(found())), kind
    return found()[0]


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def me(house: House) -> httpx2.Client:
    return driver(house, "13800138000")


def test_a_plate_is_bound_verified_at_the_lane_and_shown_to_its_account_alone(house: House, me: httpx2.Client) -> None:
    bound = bind(me)
    assert (bound["plate"], bound["verified_at"], bound["proof"]) == (CAR, None, None)
    path = f"/v1/me/plates/{bound['id']}/verify"
    scan = {"lane_code": house.lanes["out-1"]["scan_code"]}
    assert code_of(me.post(path, json=scan)) == (409, "own_plate.not_here")
    assert code_of(me.post(path, json={"lane_code": house.lot["scan_code"]})) == (404, "code.not_found")
    house.arrive("in-1", CAR)
    assert me.get("/v1/me/stays/current").json() == {"items": []}
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    proven = me.post(path, json=scan).json()
    assert (proven["plate"], proven["proof"]) == (CAR, "presence")
    [seen] = me.get("/v1/me/stays/current").json()["items"]
    assert (seen["plate"], seen["lot"]["code"], seen["waits"]["code"], seen["waits"]["ask"]) == (
        CAR, "mall", "out-1", "pay",
    )  # fmt: skip
    other = driver(house, "13900139000")
    theirs = bind(other)
    assert code_of(other.post(f"/v1/me/plates/{theirs['id']}/verify", json=scan)) == (409, "own_plate.held")
    assert code_of(other.post(path, json=scan)) == (404, "own_plate.not_found")
    assert code_of(other.delete(f"/v1/me/plates/{bound['id']}")) == (404, "own_plate.not_found")
    assert other.get("/v1/me/stays/current").json() == {"items": []}
    assert code_of(other.get(f"/v1/me/stays/{seen['id']}")) == (404, "stay.not_found")
    form = {"own_plate": theirs["id"], "plate": CAR, "reason": "showed the licence"}
    assert code_of(house.post("/v1/plates/verify", form, key="stay")) == (409, "own_plate.held")
    moved = house.post("/v1/plates/verify", form | {"moves": True}, key="move")
    assert (moved.status_code, moved.json()["plate"]) == (200, "粤B·**345")
    assert me.get("/v1/me/stays/current").json() == {"items": []}
    assert code_of(me.get(f"/v1/me/stays/{seen['id']}")) == (404, "stay.not_found")
    assert [each["kind"] for each in me.get("/v1/me/notices").json()["items"]] == ["plate_moved", "plate_verified"]
    assert me.delete(f"/v1/me/plates/{bound['id']}").status_code == 204
    assert me.get("/v1/me/plates").json() == {"items": []}
    assert CAR not in str(house.get("/v1/audit", deed="own_plate.verified"))


def test_a_running_stay_tells_its_fee_the_next_change_and_the_minutes_to_leave(house: House, me: httpx2.Client) -> None:
    bound = verify(house, me)
    house.arrive("in-1", CAR)
    [free] = me.get("/v1/me/stays/current").json()["items"]
    assert (free["now"]["due"]["minor"], free["now"]["leave_by"], free["bill"]) == (0, None, None)
    assert free["now"]["changes_at"] is not None
    house.pass_minutes(61)
    [dear] = me.get("/v1/me/stays/current").json()["items"]
    assert (dear["now"]["total"], dear["now"]["due"]["minor"]) == ({"minor": 750, "currency": "CNY"}, 750)
    assert dear["now"]["lines"][0]["text"]
    due = me.post(f"/v1/me/plates/{bound['id']}/bill", json={}).json()
    assert (due["bill"]["due"]["minor"], due["channels"]) == (750, ["sandpay"])
    assert me.post(f"/v1/me/plates/{bound['id']}/bill", json={}).json() == due
    order = me.post(f"/v1/me/bills/{due['bill']['id']}/pay", json={"way": "page"})
    assert (order.status_code, order.json()["due"]["minor"]) == (201, 750)
    assert me.post(f"/v1/me/bills/{due['bill']['id']}/pay", json={"way": "page"}).json() == order.json()
    [number] = house.channel.orders
    assert (house.channel.orders[number].back or "").endswith(f"/app/?bill={due['bill']['id']}")
    house.notify(number, 750)
    polled = me.get(f"/v1/me/bills/{due['bill']['id']}").json()
    assert (polled["bill"]["state"], polled["barrier"], polled["bill"]["lot"]["name"]["en"]) == (
        "settled", None, house.lot["name"]["en"],
    )  # fmt: skip
    assert house.stranger.get(polled["receipts"][0]["url"].removeprefix(house.settings.public_base)).status_code == 200
    assert told(me, "bill_settled")["text"] == "车牌 粤B·**345 的停车费 7.50 CNY 已支付。"
    [paid] = me.get("/v1/me/stays/current").json()["items"]
    assert (paid["now"]["due"]["minor"], paid["now"]["paid"]["minor"]) == (0, 750)
    assert paid["now"]["leave_by"] is not None
    house.arrive("out-1", CAR)
    assert me.get("/v1/me/stays/current").json() == {"items": []}
    [over] = me.get("/v1/me/stays").json()["items"]
    assert (over["state"], over["price"]["minor"], over["paid"]["minor"], over["now"]) == ("closed", 750, 750, None)
    assert over == me.get(f"/v1/me/stays/{over['id']}").json()
    [receipt] = me.get("/v1/me/receipts").json()["items"]
    assert (receipt["receipt"], receipt["stay"], receipt["plate"]) == (over["receipts"][0], over["id"], CAR)


def test_of_two_cars_with_its_plate_a_driver_names_its_own(house: House, me: httpx2.Client) -> None:
    """Both are shown to whoever has the plate verified; by the sign alone nobody is told of two, and none is billed."""
    bound = verify(house, me)
    house.arrive("in-1", CAR)
    house.pass_minutes(5)
    house.arrive("in-2", CAR)
    [case] = house.get("/v1/exceptions", lots="mall")["items"]
    let_in = {"action": "other_car", "reason": "both pictures"}
    assert house.post(f"/v1/exceptions/{case['id']}/resolve", let_in, key="other").status_code == 200
    house.pass_minutes(120)
    later, earlier = me.get("/v1/me/stays/current").json()["items"]
    ask = f"/v1/me/plates/{bound['id']}/bill"
    assert code_of(me.post(ask, json={})) == (409, "stay.which")
    assert code_of(me.post(ask, json={"lot_code": house.lot["scan_code"], "stay": later["id"]})) == (
        409,
        "stay.several",
    )
    assert code_of(me.post(ask, json={"stay": bound["id"]})) == (404, "stay.not_found")
    dues = [me.post(ask, json={"stay": each["id"]}).json()["bill"] for each in (later, earlier)]
    assert [each["due"]["minor"] for each in dues] == [1000, 1250]
    assert me.post(f"/v1/me/bills/{dues[0]['id']}/pay", json={"way": "page"}).status_code == 201
    [number] = house.channel.orders
    house.notify(number, 1000)
    left = {each["id"]: each["now"]["due"]["minor"] for each in me.get("/v1/me/stays/current").json()["items"]}
    assert left == {later["id"]: 0, earlier["id"]: 1250}


def test_after_paying_at_the_lane_the_app_sees_the_barrier(house: House, me: httpx2.Client) -> None:
    verify(house, me)
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    [seen] = me.get("/v1/me/stays/current").json()["items"]
    me.post(f"/v1/me/bills/{seen['bill']}/pay", json={})
    [number] = house.channel.orders
    house.notify(number, 750)
    place = f"/v1/me/bills/{seen['bill']}"
    assert eventually(lambda: me.get(place).json()["barrier"] == "opening")
    [attempt] = house.get("/v1/receipts", lot="mall")["items"]
    assert attempt["place"] == "exit"


def test_a_payer_who_looks_late_finds_where_the_money_for_a_replaced_bill_went(house: House, me: httpx2.Client) -> None:
    bound = verify(house, me)
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    first = me.post(f"/v1/me/plates/{bound['id']}/bill", json={}).json()["bill"]["id"]
    assert me.post(f"/v1/me/bills/{first}/pay", json={}).status_code == 201
    [number] = house.channel.orders
    house.pass_minutes(31)  # the price has changed meanwhile
    house.arrive("out-1", CAR)
    old = me.get(f"/v1/me/bills/{first}").json()["bill"]
    newer = old["replaced_by"]
    assert (old["state"], newer == first) == ("superseded", False)
    house.notify(number, 750)
    followed = me.get(f"/v1/me/bills/{newer}").json()["bill"]
    assert (followed["state"], followed["paid"]["minor"], followed["left"]["minor"]) == ("open", 750, 250)
    me.post(f"/v1/me/bills/{newer}/pay", json={})
    [rest] = set(house.channel.orders) - {number}
    house.notify(rest, 250, "t-2")
    assert me.get(f"/v1/me/bills/{first}").json()["bill"]["replaced_by"] == newer
    assert me.get(f"/v1/me/bills/{newer}").json()["bill"]["state"] == "settled"


def test_a_plate_that_is_only_bound_is_paid_for_and_shows_nothing(house: House, me: httpx2.Client) -> None:
    bound = bind(me)
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    path = f"/v1/me/plates/{bound['id']}/bill"
    assert code_of(me.post(path, json={})) == (422, "bill.lot_code")
    due = me.post(path, json={"lot_code": house.lot["scan_code"]}).json()
    assert due["bill"]["due"]["minor"] == 750
    bill = due["bill"]["id"]
    assert me.post(f"/v1/me/bills/{bill}/pay", json={}).status_code == 201
    [number] = house.channel.orders
    house.notify(number, 750)
    polled = me.get(f"/v1/me/bills/{bill}").json()
    assert (polled["bill"]["state"], polled["receipts"]) == ("settled", [])
    for place in ("/v1/me/stays", "/v1/me/stays/current", "/v1/me/receipts", "/v1/me/debts"):
        assert me.get(place).json()["items"] == [], place
    nothing = me.post(path, json={"lot_code": house.lot["scan_code"]}).json()
    assert (nothing["bill"]["state"], nothing["bill"]["lines"], nothing["channels"]) == ("nothing_due", [], [])
    stranger = driver(house, "13900139000")
    for place in (f"/v1/me/bills/{bill}", f"/v1/me/bills/{ABSENT}"):
        assert code_of(stranger.get(place)) == (404, "bill.not_found")
    assert code_of(stranger.post(f"/v1/me/bills/{bill}/pay", json={})) == (404, "bill.not_found")


def test_a_debt_is_disputed_once_and_paid_by_its_bill(house: House, me: httpx2.Client) -> None:
    verify(house, me)
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    house.post("/v1/lots/mall/lanes/out-1/open", {"reason": "fire engine"}, key="open-1")
    [debt] = me.get("/v1/me/debts").json()["items"]
    assert (debt["state"], debt["left"]["minor"], debt["plate"]) == ("open", 750, CAR)
    assert told(me, "debt_recorded")["text"]
    stranger = driver(house, "13900139000")
    bind(stranger)
    path = f"/v1/me/debts/{debt['id']}/dispute"
    assert code_of(stranger.post(path, json={"reason": "no"})) == (404, "debt.not_found")
    disputed = me.post(path, json={"reason": f"{OTHER_CAR} was it"}).json()
    assert (disputed["state"], OTHER_CAR in disputed["reason"]) == ("disputed", False)
    assert house.post(f"/v1/debts/{debt['id']}/uphold", {}).status_code == 200
    assert code_of(me.post(path, json={"reason": "still no"})) == (409, "debt.decided")
    me.post(f"/v1/me/bills/{debt['bill']}/pay", json={})
    [number] = house.channel.orders
    house.notify(number, 750)
    assert me.get("/v1/me/debts").json()["items"][0]["state"] == "paid"


def test_the_holder_of_a_prepaid_account_fills_it_and_sees_what_moved_it(house: House, me: httpx2.Client) -> None:
    account = me.get("/v1/auth/me").json()["account"]
    form = {"lot": "mall", "code": "A-1", "plates": [CAR], "holder": account}
    opened = house.post("/v1/prepaid", form)
    assert opened.status_code == 201, opened.text
    place = f"/v1/me/prepaid/{opened.json()['id']}"
    asked = {"amount": {"minor": 10_000, "currency": "CNY"}}
    bill = me.post(f"{place}/top-ups", json=asked, headers={"idempotency-key": "t-1"})
    assert (bill.status_code, bill.json()["left"]["minor"]) == (201, 10_000)
    me.post(f"/v1/me/bills/{bill.json()['id']}/pay", json={})
    [number] = house.channel.orders
    house.notify(number, 10_000)
    [mine] = me.get("/v1/me/prepaid").json()["items"]
    assert (mine["balance"]["minor"], mine["code"], mine["plates"]) == (10_000, "A-1", ["粤B·**345"])
    [moved] = me.get(f"{place}/movements").json()["items"]
    assert moved["by"]["minor"] == 10_000
    assert "A-1" in told(me, "topped_up")["text"]
    [receipt] = me.get("/v1/me/receipts").json()["items"]
    assert (receipt["stay"], receipt["receipt"]["amount"]["minor"]) == (None, 10_000)
    stranger = driver(house, "13900139000")
    assert stranger.get("/v1/me/prepaid").json() == {"items": []}
    assert code_of(stranger.get(f"{place}/movements")) == (404, "prepaid.not_found")
    assert code_of(stranger.post(f"{place}/top-ups", json=asked)) == (404, "prepaid.not_found")


def test_whoever_is_not_signed_in_has_nothing_of_its_own(house: House) -> None:
    for place in ("plates", "stays", "stays/current", "receipts", "debts", "prepaid"):
        assert house.stranger.get(f"/v1/me/{place}").status_code == 401
        assert code_of(house.operator.get(f"/v1/me/{place}")) == (409, "auth.no_session")
