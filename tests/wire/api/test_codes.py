"""What drivers reach by scanning a code: paying, coming in without a plate, leaving with a pass. No token anywhere."""

import re
from functools import partial

import httpx2
import pytest

from tests.waiting import eventually
from tests.wire.api.house import CAR, OTHER_CAR, House

NOWHERE = "01900000-0000-7000-8000-000000000000"
BROWSER = {"accept": "text/html,application/xhtml+xml,application/json;q=0.5,*/*;q=0.8", "accept-language": "zh-CN"}


@pytest.fixture
def waiting(house: House) -> House:
    """A car waits at an exit to pay 7.50."""
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    return house


def test_a_lanes_code_shows_who_waits(waiting: House) -> None:
    shown = waiting.stranger.get(waiting.code("out-1")).json()
    assert (shown["kind"], shown["lot"], shown["lane"], shown["direction"]) == ("lane", "mall", "out-1", "exit")
    car = shown["waiting"]
    assert (car["plate"], car["ask"], car["bill"]["due"]) == ("粤B·**345", "pay", {"minor": 750, "currency": "CNY"})
    assert "stay" not in car
    quiet = waiting.stranger.get(waiting.code("out-2")).json()
    assert quiet["waiting"] is None
    assert waiting.stranger.get(waiting.code("out-1").lower().replace("/C/", "/c/")).status_code == 200


def test_paying_at_the_lane_opens_it(waiting: House) -> None:
    order = waiting.stranger.post(waiting.code("out-1") + "/pay")
    assert order.status_code == 201
    told = order.json()
    assert (told["due"]["minor"], told["pay_url"].startswith("https://pay.example/")) == (750, True)
    again = waiting.stranger.post(waiting.code("out-1") + "/pay").json()
    assert again == told  # the same try, not another one
    [number] = waiting.channel.orders
    assert "粤" not in waiting.channel.orders[number].subject
    paid = waiting.notify(number, 750)
    assert (paid.status_code, paid.json()) == (200, {"code": "SUCCESS"})
    assert waiting.channel.paths == [f"{waiting.hook}?lot=%6Dall"]
    assert eventually(lambda: waiting.waiting("out-1") is None)
    [receipt] = waiting.get("/v1/receipts", lot="mall")["items"]
    assert (receipt["method"], receipt["amount"]["minor"], receipt["transaction"]) == ("sandpay", 750, "t-1")
    [bill] = waiting.get("/v1/bills", lot="mall")["items"]
    assert (bill["state"], bill["left"]["minor"], bill["id"]) == ("settled", 0, receipt["bill"])
    assert waiting.notify(number, 750).status_code == 200  # told twice, counted once
    assert len(waiting.get("/v1/receipts", lot="mall")["items"]) == 1
    gone = waiting.stranger.post(waiting.code("out-1") + "/pay")
    assert (gone.status_code, gone.json()["code"]) == (409, "lane.nobody_waiting")


def test_a_channels_address_takes_genuine_notices_only(waiting: House) -> None:
    forged = waiting.stranger.post(waiting.hook, json={"number": "x", "transaction": "t", "minor": 1})
    assert (forged.status_code, forged.json()["code"]) == (401, "channel.bad_signature")
    assert waiting.notify("nobody", 1).status_code == 404
    assert waiting.stranger.post("/hooks/otherpay/1", json={}).status_code == 404
    assert waiting.stranger.get(waiting.hook).status_code == 405


def test_a_silent_channel_is_told_as_such(waiting: House) -> None:
    waiting.channel.silent = True
    answer = waiting.stranger.post(waiting.code("out-1") + "/pay")
    assert (answer.status_code, answer.json()["code"]) == (503, "channel.unreachable")


def test_a_car_without_a_plate_comes_in_and_leaves_with_its_pass(house: House) -> None:
    house.arrive("in-1", None)
    assert house.stranger.get(house.code("in-1")).json()["waiting"]["ask"] == "enter"
    claim = {"claim": "0123456789abcdef0123456789abcdef"}
    first = house.stranger.post(house.code("in-1") + "/enter", json=claim)
    assert first.status_code == 201
    token = first.json()["pass"]
    assert re.fullmatch("[A-Za-z0-9_-]{16}", token)
    assert (
        house.stranger.post(house.code("in-1") + "/enter", json=claim).json() == first.json()
    )  # the phone asked twice
    for other in ({}, {"claim": "f" * 32}):
        late = house.stranger.post(house.code("in-1") + "/enter", json=other)
        assert (late.status_code, late.json()["code"]) == (409, "lane.nobody_waiting")
    assert house.stranger.post(house.code("in-1") + "/enter", json={"claim": "guessable"}).status_code == 422
    house.pass_minutes(61)
    house.arrive("out-1", None)
    wrong = house.stranger.post(house.code("out-1") + "/leave", json={"pass": "AAAAAAAAAAAAAAAA"})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "stay.not_found")
    known = house.stranger.post(house.code("out-1") + "/leave", json={"pass": token})
    assert known.status_code == 200
    assert (known.json()["waiting"]["ask"], known.json()["waiting"]["bill"]["due"]["minor"]) == ("pay", 750)
    assert token not in known.text
    assert house.get("/v1/stays", lot="mall", plate=token)["items"][0]["state"] == "open"


def test_a_pass_does_not_make_another_car_its_own(waiting: House) -> None:
    """Whoever holds a pass stands beside a car that was read: paying for a cheaper stay must not let it out."""
    waiting.arrive("in-2", None)
    token = waiting.stranger.post(waiting.code("in-2") + "/enter").json()["pass"]
    answer = waiting.stranger.post(waiting.code("out-1") + "/leave", json={"pass": token}).json()
    assert (answer["waiting"]["plate"], answer["waiting"]["bill"]["due"]["minor"]) == ("粤B·**345", 750)
    entry = waiting.stranger.post(waiting.code("in-1") + "/leave", json={"pass": token})
    assert (entry.status_code, entry.json()["code"]) == (409, "lane.not_an_exit")
    assert waiting.stranger.post(waiting.code("out-1") + "/enter").json()["code"] == "lane.not_an_entry"


def test_paying_before_going_to_the_car(house: House) -> None:
    house.arrive("in-1", CAR)
    lot = house.stranger.get(house.code()).json()
    assert (lot["kind"], lot["lot"], lot["free"], lot["state"]) == ("lot", "mall", 399, "open")
    assert lot["zone"] == house.stranger.get(house.code("in-1")).json()["zone"] == "Asia/Shanghai"
    early = house.stranger.post(house.code() + "/bills", json={"plate": CAR}).json()["bill"]
    assert (early["due"]["minor"], early["id"], early["state"]) == (0, "", "nothing_due")
    house.pass_minutes(61)
    bill = house.stranger.post(house.code() + "/bills", json={"plate": "粤B·12345"}).json()["bill"]
    assert (bill["due"]["minor"], bill["quoted_at"]) == (750, "2026-03-02T03:01:00.000000Z")
    assert house.stranger.post(house.code() + "/bills", json={}).json()["code"] == "bill.plate_or_pass"
    order = house.stranger.post(house.code() + "/pay", json={"bill": bill["id"]})
    assert order.status_code == 201
    [number] = house.channel.orders
    assert house.notify(number, 750).status_code == 200
    paid = house.stranger.post(house.code() + "/bills", json={"plate": CAR}).json()["bill"]
    unknown = house.stranger.post(house.code() + "/bills", json={"plate": OTHER_CAR}).json()["bill"]
    assert early | {"quoted_at": unknown["quoted_at"]} == paid == unknown  # free, paid and not here look alike
    settled = house.stranger.post(house.code() + "/pay", json={"bill": bill["id"]})
    assert (settled.status_code, settled.json()["code"]) == (409, "bill.settled")
    assert house.arrive("out-1", CAR).reason == "exit.nothing_due"


def test_a_lots_code_pays_bills_of_this_lot_only(waiting: House) -> None:
    assert waiting.put_file("/v1/lots/community", "lots/community.yaml").status_code == 201
    bill = waiting.waiting("out-1")["bill"]["id"]
    other = waiting.get("/v1/lots/community")["scan_code"]
    answer = waiting.stranger.post(f"/c/{other}/pay", json={"bill": bill})
    assert (answer.status_code, answer.json()["code"]) == (404, "bill.not_found")
    assert waiting.stranger.post(waiting.code() + "/pay", json={"bill": NOWHERE}).status_code == 404
    assert waiting.channel.orders == {}


def test_unknown_codes_and_bodies_are_refused(house: House) -> None:
    for code in ("AAAAAAAAAA", "short", "x" * 300, "../v1/lots"):
        answer = house.stranger.get(f"/c/{code}")
        assert (answer.status_code, answer.json()["code"]) in ((404, "code.not_found"), (404, "request.not_found"),
                                                               (401, "auth.required"))  # fmt: skip
    sent: list[tuple[bytes, str, int]] = [
        (b"{", "application/json", 422), (b'{"bill": 5}', "application/json", 422), (b"[]", "application/json", 422),
        (b"bill=5", "application/x-www-form-urlencoded", 422), (b"\xff=\xff", "application/x-www-form-urlencoded", 422),
        (b"<a/>", "text/xml", 415), (b"[" * 5_000, "application/json", 422), (b'{"bill": "\\ud800"}', "", 422),
    ]  # fmt: skip
    for body, kind, status in sent:
        answer = house.stranger.post(house.code() + "/pay", content=body, headers={"content-type": kind})
        assert answer.status_code == status, body[:20]


def test_codes_are_not_tried_at_the_databases_cost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has used up the share of unknown codes is turned away before anything is read; drivers are not."""
    assert house.stranger.get(house.code("in-1")).status_code == 200
    for number in range(60):
        answer = house.stranger.get(f"/c/{22222222 + number % 5:08d}".replace("0", "A").replace("1", "B") + "ZZ")
        assert answer.status_code == 404
    monkeypatch.setattr(house.database, "read", None)
    more = house.stranger.get("/c/ZZZZZZZZZZ")
    assert (more.status_code, more.json()["code"]) == (429, "request.too_many")
    assert house.stranger.get("/c/nonsense").status_code == 429
    monkeypatch.undo()
    assert house.stranger.get(house.code("in-1")).status_code == 200


def test_plates_are_not_tried_until_one_is_found(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    for number in range(10):
        assert house.stranger.post(house.code() + "/bills", json={"plate": CAR}).status_code == 200  # costs nothing
        assert house.stranger.post(house.code() + "/bills", json={"plate": f"粤A{10_000 + number}"}).status_code == 200
    more = house.stranger.post(house.code() + "/bills", json={"plate": OTHER_CAR})
    assert (more.status_code, more.json()["code"], more.headers["retry-after"]) == (429, "request.too_many", "6")
    bill = house.stranger.post(house.code() + "/bills", json={"plate": CAR}).json()["bill"]
    house.stranger.post(house.code() + "/pay", json={"bill": bill["id"]})
    [order] = house.channel.orders
    house.notify(order, bill["due"]["minor"])
    for _ in range(3):  # whether the payment has arrived may be asked again and again
        paid = house.stranger.post(house.code() + "/bills", json={"plate": CAR})
        assert paid.json()["bill"]["state"] == "nothing_due"
    house.machine.advance(6_000_000)
    assert house.stranger.post(house.code() + "/bills", json={"plate": OTHER_CAR}).status_code == 200


def test_thirty_requests_a_minute_and_no_more(house: House) -> None:
    for _ in range(30):
        assert house.stranger.get(house.code("in-1")).status_code == 200
    more = house.stranger.get(house.code("in-1"))
    assert (more.status_code, more.json()["code"], more.headers["retry-after"]) == (429, "request.too_many", "2")
    assert house.stranger.get(house.code("in-2")).status_code == 200
    house.machine.advance(2_000_000)
    assert house.stranger.get(house.code("in-1")).status_code == 200


# in a browser


def page(answer: httpx2.Response, status: int = 200) -> str:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert not re.search(r"(src|href)=\"(https?:)?//", answer.text)
    assert 'name="viewport"' in answer.text
    return answer.text


def test_a_browser_pays_on_a_page(waiting: House) -> None:
    browser = waiting.client(BROWSER)
    shown = page(browser.get(waiting.code("out-1")))
    assert "粤B·**345" in shown
    assert CAR not in shown
    assert "7.50 CNY" in shown
    assert "去付款" in shown
    english = page(browser.get(waiting.code("out-1"), params={"lang": "en"}))
    assert ">Pay<" in english
    assert "This amount holds until 11:16" in english  # in the lot's own zone
    paid = browser.post(waiting.code("out-1") + "/pay", content=b"")
    [number] = waiting.channel.orders
    assert (paid.status_code, paid.headers["location"]) == (303, f"https://pay.example/{number}")
    nobody = page(browser.post(waiting.code("out-2") + "/pay"), 409)
    assert "该通道当前没有等待的车辆" in nobody


def contract(house: House, kind: str, rank: int) -> str:
    form = {
        "level": "lot", "node": "mall", "kind": kind, "name": kind, "params": {"merchant": "m"},
        "secrets": {"merchant_key": "a key of the tests"}, "rank": rank,
    }  # fmt: skip
    made = house.post("/v1/channels", form)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_a_lot_with_several_channels_offers_them_all(waiting: House) -> None:
    assert waiting.stranger.get(waiting.code("out-1")).json()["waiting"]["channels"] == ["sandpay"]
    made = contract(waiting, "wechatpay", 10)
    lane, browser = waiting.code("out-1"), waiting.client(BROWSER)
    assert waiting.stranger.get(lane).json()["waiting"]["channels"] == ["wechatpay", "sandpay"]
    assert waiting.stranger.get(waiting.code("out-2")).json()["waiting"] is None
    shown = page(browser.get(lane))
    assert re.findall(r'name="channel" value="(\w+)"', shown) == ["wechatpay", "sandpay"]
    assert "微信支付" in shown
    assert "Pay with Sandpay" in page(browser.get(lane, params={"lang": "en"}))
    asked = waiting.stranger.post(waiting.code() + "/bills", json={"plate": CAR}).json()
    assert asked["channels"] == ["wechatpay", "sandpay"]
    priced = page(browser.post(waiting.code() + "/bills", data={"plate": CAR}))
    assert re.findall(r'name="channel" value="(\w+)"', priced) == ["wechatpay", "sandpay"]
    for wanted, taken in (
        (None, "wechatpay"),
        ({"channel": "sandpay"}, "sandpay"),
        ({"channel": "wechatpay"}, "wechatpay"),
    ):
        assert waiting.stranger.post(lane + "/pay", json=wanted or {}).json()["channel"] == taken
    early = waiting.stranger.post(waiting.code() + "/pay", json={"bill": asked["bill"]["id"], "channel": "sandpay"})
    assert early.json()["channel"] == "sandpay"
    assert [order.scene for order in waiting.channel.orders.values()] == ["code", "code"]
    assert browser.post(lane + "/pay", data={"channel": "wechatpay"}).status_code == 303
    assert [order.scene for order in waiting.channel.orders.values()] == ["code", "code", "page"]
    paused = waiting.operator.put(f"/v1/channels/{made}/state", json={"state": "paused"})
    assert paused.status_code == 200, paused.text
    assert waiting.stranger.get(lane).json()["waiting"]["channels"] == ["sandpay"]
    assert 'name="channel"' not in page(browser.get(lane))


def test_a_channel_that_the_lot_has_not_is_refused(waiting: House) -> None:
    lane = waiting.code("out-1")
    none = waiting.stranger.post(lane + "/pay", json={"channel": "alipay"})
    assert (none.status_code, none.json()["code"]) == (409, "channel.none")
    wrong = waiting.stranger.post(lane + "/pay", json={"channel": "gold"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "request.malformed")
    assert waiting.channel.orders == {}


def test_a_browser_keeps_its_pass(house: House) -> None:
    browser = house.client(BROWSER)
    house.arrive("in-1", None)
    assert "入场" in page(browser.get(house.code("in-1")))
    claim = browser.cookies["scanner"]
    welcome = page(browser.post(house.code("in-1") + "/enter"))
    token = browser.cookies["pass"]
    assert token in welcome
    assert token in page(browser.post(house.code("in-1") + "/enter"))  # reloaded
    assert "当前没有车辆等待" in page(browser.get(house.code("in-1")))
    assert browser.cookies["scanner"] == claim
    assert token in page(browser.post(house.code("in-1") + "/enter"))
    bystander = house.client(BROWSER)
    page(bystander.get(house.code("in-1")))
    assert bystander.cookies["scanner"] != claim
    assert token not in page(bystander.post(house.code("in-1") + "/enter"), 409)
    house.pass_minutes(61)
    priced = page(browser.post(house.code() + "/bills", content=b"",
                               headers={"content-type": "application/x-www-form-urlencoded"}))  # fmt: skip
    assert "7.50 CNY" in priced
    assert token not in priced
    house.arrive("out-1", None)
    assert "使用本手机保存的凭证" in page(browser.get(house.code("out-1")))
    known = page(browser.post(house.code("out-1") + "/leave",
                              headers={"content-type": "application/x-www-form-urlencoded"}))  # fmt: skip
    assert "去付款" in known


def test_a_browser_asks_the_price_by_plate(house: House) -> None:
    browser = house.client(BROWSER)
    assert "空位" in page(browser.get(house.code()))
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    priced = page(browser.post(house.code() + "/bills", data={"plate": CAR}))
    assert "7.50 CNY" in priced
    bill = re.search('name="bill" value="([0-9a-f-]{36})"', priced)
    assert bill
    assert browser.post(house.code() + "/pay", data={"bill": bill[1]}).status_code == 303
    wrong = page(browser.post(house.code() + "/bills", data={"plate": "<b>粤B1</b>"}), 422)
    assert "<b>" not in wrong


def test_a_program_learns_what_became_of_its_order(waiting: House) -> None:
    exit_, lot = waiting.code("out-1"), waiting.code()
    order = waiting.stranger.post(exit_ + "/pay", json={"way": "page"}).json()
    [number] = waiting.channel.orders
    assert waiting.channel.orders[number].back == f"{waiting.settings.public_base}/app/?c={exit_.removeprefix('/c/')}"
    asks = partial(waiting.stranger.get, params={"order": order["order"]})
    open_ = asks(exit_ + "/payment").json()
    assert open_ == {"state": "open", "due": {"minor": 750, "currency": "CNY"}, "receipt": None, "barrier": None}
    for other in ("", "x" + order["order"], order["order"][:-2]):
        assert waiting.stranger.get(exit_ + "/payment", params={"order": other}).status_code == 404
    waiting.notify(number, 750)
    assert eventually(lambda: waiting.waiting("out-1") is None)  # a code may be asked a few times a minute only
    paid = asks(exit_ + "/payment").json()
    assert (paid["state"], paid["receipt"]) == ("paid", order["receipt"])
    assert paid["barrier"] in ("opening", "open", "unknown")  # as far as the gate has told by now
    assert asks(lot + "/payment").json()["barrier"] is None  # no lane, no barrier
    waiting.arrive("out-1", OTHER_CAR)
    assert asks(exit_ + "/payment").json()["barrier"] == "left"
