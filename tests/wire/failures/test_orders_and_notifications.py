"""How orders and notifications go wrong: one test for each entry of the catalogue, against every channel it concerns.

Stand-ins are processes of their own and the server a real one: orders, queries and notifications go over real sockets,
signed and sealed. Entries are numbered as in ``docs/guides/payment-failures.md``.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import httpx2
import pytest

from openberth.contexts.payments.model import PayPlace
from openberth.contexts.payments.service.attempts import begin_attempt
from openberth.kernel.time import MINUTE_US
from tests.waiting import PATIENCE_S, eventually
from tests.wire.api.house import OTHER_CAR
from tests.wire.failures.shop import BY, DUE, STEP_S, Shop

DAY_S = 86_400


def test_01_the_same_callback_many_times_at_once(shop: Shop) -> None:
    shop.side.faults(telling={"hold": True})
    number = shop.order()
    shop.side.pay(number)
    told = shop.side.held(number)
    assert shop.side.tell(told, copies=16) == 16  # the second and the sixteenth are told that all is well
    shop.settles()
    assert shop.side.tell(told, copies=2) == 2
    shop.settles()
    shop.balanced()


def test_02_a_callback_before_the_answer_to_the_order_itself(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"openberth.providers.{shop.side.kind.value}.client.TOTAL_S", PATIENCE_S)
    shop.side.rule("order", "hold", seconds=6.0)
    with ThreadPoolExecutor(1) as pool:
        pressed = pool.submit(shop.press_pay)
        number = shop.opening()
        assert eventually(lambda: bool(shop.side.found(number)))
        shop.side.pay(number)
        shop.settles()
        assert not pressed.done()
        assert pressed.result().status_code == 201
    shop.settles()  # the late answer takes nothing back


def test_02_an_order_whose_answer_was_lost_is_paid_all_the_same(shop: Shop) -> None:
    shop.side.rule("order", "bad_gateway")
    assert shop.press_pay().json()["code"] == "channel.unreachable"
    shop.side.pay(shop.opening())
    shop.settles()


def test_03_a_callback_that_never_comes(shop: Shop) -> None:
    shop.side.faults(telling={"drop_percent": 100})
    shop.side.pay(shop.order())
    shop.settles_not()
    shop.later(STEP_S)
    shop.settles()


def test_03_a_code_that_nobody_has_scanned_yet_is_no_order_there(alipay_shop: Shop) -> None:
    """Alipay does not know it, and that means nothing: it is asked after again, and found when it was paid."""
    shop = alipay_shop
    shop.side.faults(telling={"drop_percent": 100})
    number = shop.order()
    shop.later(STEP_S)
    assert eventually(lambda: shop.asked_after(number) > 0)
    assert shop.attempt_state(number) == "open"
    shop.side.pay(number)
    shop.later(STEP_S + 10)
    shop.settles(in_time=True)


def test_04_an_order_that_is_paid_while_it_is_closed(shop: Shop) -> None:
    """The channel is asked to close before anybody believes that it is closed, and says that the payer was faster."""
    number = shop.order()
    shop.side.pay(number, tell=False)
    shop.take_cash()
    assert eventually(lambda: shop.refund_states() != [])
    shop.refunded(DUE)
    assert shop.side.state(number) == "refunded"
    shop.opened_once()


def test_04_money_for_an_order_that_is_closed_goes_back(shop: Shop) -> None:
    number = shop.order()
    shop.side.look_at_code(number)
    shop.take_cash()
    assert eventually(lambda: shop.side.state(number) == "closed")
    shop.side.pay(number, late=True)
    assert eventually(lambda: len(shop.all("receipts")) == 2)
    shop.refunded(DUE)
    assert [each["reason"] for each in shop.all("refunds")] == ["重复或多付，自动退款"]
    shop.opened_once()


def test_05_one_bill_is_paid_twice(shop: Shop) -> None:
    """By two orders at the same channel: the first settles, the second goes back by itself."""
    first = shop.order()
    shop.later(9 * 60)  # hardly a minute is left to pay the first: the phone is given another order
    second = shop.order()
    assert first != second
    for number in (first, second):
        shop.side.pay(number)
    assert eventually(lambda: len(shop.all("receipts")) == 2)
    shop.refunded(DUE)
    assert [each["state"] for each in shop.all("bills")] == ["settled"]
    assert sorted(shop.side.state(number) for number in (first, second)) == ["paid", "refunded"]
    shop.opened_once()


def test_05_one_bill_is_paid_by_both_channels(both: Shop) -> None:
    orders = {side.kind.value: both.order(side) for side in both.sides}
    for side in both.sides:
        side.pay(orders[side.kind.value])
    assert eventually(lambda: len(both.all("receipts")) == 2)
    assert sorted(each["method"] for each in both.all("receipts")) == sorted(orders)
    both.refunded(DUE)
    states = [side.state(orders[side.kind.value]) for side in both.sides]
    assert sorted(states) == ["paid", "refunded"]
    both.opened_once()


def test_06_the_price_rises_between_order_and_payment(alipay_shop: Shop) -> None:
    """Who pays pays the price that was shown; who stays on is asked for the difference, and nothing goes back."""
    shop = alipay_shop
    house = shop.house
    house.arrive("in-2", OTHER_CAR)
    house.business.advance(61 * MINUTE_US)
    bill = house.stranger.post(house.code() + "/bills", json={"plate": OTHER_CAR}).json()["bill"]
    order = house.stranger.post(house.code() + "/pay", json={"bill": bill["id"]}).json()
    house.business.advance(90 * MINUTE_US)
    shop.side.pay(UUID(order["attempt"]).hex)
    assert eventually(lambda: "settled" in [each["state"] for each in shop.all("bills")])
    house.arrive("out-2", OTHER_CAR)
    rest = house.waiting("out-2")["bill"]["due"]["minor"]
    assert rest > 0
    due = {each["id"]: each["due"]["minor"] for each in shop.all("bills")}
    assert due[bill["id"]] == DUE
    assert shop.all("refunds") == []
    shop.balanced()


def test_07_another_amount_settles_nothing(shop: Shop) -> None:
    shop.side.pay(shop.order(), amount=1)
    shop.differs(told=1)


def test_07_another_amount_is_told(alipay_shop: Shop) -> None:
    """A notification, rightly signed, that tells of another sum than the trade's."""
    alipay_shop.side.pay(alipay_shop.order(), overlay={"total_amount": "0.02"})
    alipay_shop.differs(told=2)


@pytest.mark.parametrize("which", [0, 1])
def test_07_another_merchant_settles_nothing_and_raises_an_alarm(shop: Shop, which: int) -> None:
    shop.side.pay(shop.order(), overlay=shop.side.lies[which])
    assert eventually(lambda: [each["kind"] for each in shop.alarms()] == ["channel_not_ours"])
    assert shop.side.kind.value in shop.alarms()[0]["text"]
    shop.settles_not()
    shop.later(STEP_S)  # asked for itself, the channel tells the truth
    shop.settles()


def test_08_success_is_told_after_the_refund(shop: Shop) -> None:
    shop.side.faults(telling={"hold": True})
    number = shop.order()
    shop.side.pay(number)
    shop.later(STEP_S)  # found by asking
    shop.settles()
    shop.gives_back(DUE)
    assert eventually(lambda: bool(shop.side.refunds(number)))
    shop.refunded(DUE)
    shop.side.release(order="reverse")  # the refund first, the payment last
    shop.settles()
    shop.refunded(DUE)


def test_13_forged_old_and_probing_callbacks(shop: Shop) -> None:
    shop.side.faults(telling={"hold": True})
    number = shop.order()
    shop.side.pay(number)
    told = shop.side.held(number)
    for how in shop.side.forgeries:
        assert shop.side.tell(told, how=how, copies=2) == 0
    assert {each["status"] for each in shop.side.answers(number)} == {401}
    shop.settles_not()
    assert shop.side.tell(told) == 1
    shop.settles()


def test_13_a_callback_of_yesterday_changes_nothing(alipay_shop: Shop) -> None:
    """Alipay tells for more than a day, so an old one is believed; what it says was counted long ago."""
    shop = alipay_shop
    shop.side.faults(telling={"hold": True})
    number = shop.order()
    shop.side.pay(number)
    assert shop.side.tell(told := shop.side.held(number)) == 1
    shop.settles()
    shop.later(DAY_S)
    assert shop.side.tell(told) == 1
    shop.settles()
    assert shop.refund_states() == []


def test_14_killed_between_the_books_and_the_call(wechatpay_shop: Shop) -> None:
    """What is written down before the channel is called is found again: the same number, one order."""
    shop = wechatpay_shop
    house, kind = shop.house, shop.side.kind.value
    bill = UUID(house.waiting("out-1")["bill"]["id"])
    account = next(each for each in house.get("/v1/channels")["items"] if each["kind"] == kind)
    begin = partial(begin_attempt, bill=bill, channel=kind, account=UUID(account["id"]), place=PayPlace.EXIT)
    begun = house.database.write_now(begin, by=BY)
    assert shop.order() == begun.number
    shop.side.pay(begun.number)
    shop.settles()


def test_14_killed_between_the_answer_and_the_books(shop: Shop) -> None:
    """An order that its channel knows and we do not: nobody pays it, so it ends, and the bill can be paid again."""
    shop.side.rule("order", "no_signature")
    assert shop.press_pay().status_code == 503
    lost = shop.opening()
    shop.later(11 * 60)
    assert eventually(lambda: shop.attempt_state(lost) == "expired")
    again = shop.order()
    assert again != lost
    shop.side.pay(again)
    shop.settles()


def test_19_our_clock_is_wrong(wechatpay_shop: Shop) -> None:
    """Then nothing is proved in either direction: nothing is believed, and nothing is lost."""
    shop = wechatpay_shop
    shop.side.faults(telling={"hold": True})
    number = shop.order()
    shop.side.pay(number)
    shop.clock.seconds = 400
    assert shop.side.tell(shop.side.held(number)) == 0
    shop.later(STEP_S)
    shop.settles_not()
    shop.clock.seconds = 0
    shop.later(61)
    shop.settles(in_time=True)


def test_19_our_clock_is_wrong_and_alipay_refuses_what_we_ask(alipay_shop: Shop) -> None:
    """Notifications carry no time that counts, so money is still believed; nothing can be asked for meanwhile."""
    shop = alipay_shop
    number = shop.order()
    shop.clock.seconds = 2 * DAY_S
    shop.later(9 * 60)
    assert shop.press_pay().status_code in (409, 503)
    shop.side.pay(number)
    shop.settles()


def test_20_an_amount_that_is_no_whole_fen_is_not_understood(shop: Shop) -> None:
    number = shop.order()
    shop.side.pay(number, overlay=shop.side.broken_amount)
    assert eventually(lambda: [each["status"] for each in shop.side.answers(number)] == [422])
    shop.settles_not()


def test_20_an_amount_of_another_currency_settles_nothing(wechatpay_shop: Shop) -> None:
    shop = wechatpay_shop
    shop.side.pay(shop.order(), overlay={"amount": {"total": DUE, "currency": "USD"}})
    shop.differs(told=DUE)


def test_21_the_phone_is_gone_after_paying(alipay_shop: Shop) -> None:
    """The driver closes the page before even the code has come: nothing depends on the phone."""
    shop = alipay_shop
    shop.side.rule("order", "hold", seconds=6.0)
    phone = httpx2.Client(base_url=shop.house.url, trust_env=False, timeout=2)
    with phone, pytest.raises(httpx2.TimeoutException):
        phone.post(shop.house.code("out-1") + "/pay")
    number = shop.opening()
    assert eventually(lambda: bool(shop.side.found(number)))
    shop.side.pay(number)
    shop.settles()
