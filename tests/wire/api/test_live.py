"""The live page over HTTP: a snapshot, the feed's events after it, and the lanes they tell of."""

from tests.waiting import eventually
from tests.wire.api.house import CAR, OTHER_CAR, House


def test_a_page_goes_on_from_its_snapshot(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    found = house.get("/v1/live", lot="mall")
    [lot] = found["lots"]
    lanes = {each["code"]: each for each in lot["lanes"]}
    waits = lanes["out-1"]["passage"]
    assert (waits["plate"], waits["waiting"], waits["reason"]) == ("粤B·**345", True, "exit.unpaid")
    assert waits["captured_at"] == "2026-03-02T03:01:00.000000Z"
    assert (waits["decision"], waits["pictures"], waits["opening"]) == ("not paid yet; scan the code to pay", [], None)
    assert lanes["in-1"]["passage"]["opening"]["state"] == "waiting"
    assert (lot["occupied"], lot["exceptions"]["open"], lot["devices"]["never_seen"]) == (1, 0, 8)
    house.arrive("out-2", OTHER_CAR)
    told = house.get("/v1/events", after=found["position"])["items"]
    changed = sorted({each["body"]["lane"] for each in told if each["body"].get("lane")})
    assert changed == [house.lanes["out-2"]["id"]]
    [lane] = house.get("/v1/live/lanes", lanes=",".join(changed))["lanes"]
    assert (lane["lot"], lane["passage"]["reason"]) == (house.lot["id"], "exit.without_entry")
    [again] = house.get("/v1/live/lots", lots=f"mall,{house.lot['id']}")["lots"]
    assert (again["lanes"], again["exceptions"]["newest"]["text"]) == (None, "exit without an entry")


def test_money_is_told_with_how_far_it_goes(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    house.post(
        "/v1/lots/mall/lanes/out-1/cash",
        {"bill": house.waiting("out-1")["bill"]["id"], "received": {"minor": 1000, "currency": "CNY"}},
    )
    paid = next(
        each["position"] for each in house.get("/v1/events")["items"] if each["kind"] == "payments.receipt_recorded"
    )
    assert eventually(lambda: house.get("/v1/live")["money_position"] >= paid)
    money = house.get("/v1/live")["lots"][0]["money"]
    assert (money["billed"]["minor"], money["received"]["cash"]["minor"], money["day"]) == (750, 750, "2026-03-02")


def test_odd_names_are_answered_plainly(house: House) -> None:
    assert house.get("/v1/live/lots", lots="nowhere")["lots"] == []
    odd = house.operator.get("/v1/live/lanes", params={"lanes": "in-1"})
    assert (odd.status_code, odd.json()["errors"]) == (422, [{"place": "query.lanes", "problem": "uuid_parsing"}])
    many = house.operator.get("/v1/live/lots", params={"lots": ",".join(map(str, range(101)))})
    assert many.json()["errors"] == [{"place": "query.lots", "problem": "too_long"}]
    assert house.operator.get("/v1/live", params={"lot": "nowhere"}).json()["code"] == "lot.not_found"
