"""The WeChat Pay adapter against the stand-in, which shares no code with it: orders, refunds, notifications, bills."""

import asyncio
import datetime
import secrets
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from openberth.contexts.payments.ports import (
    ChannelOrder,
    ChannelRefused,
    ChannelSpec,
    ChannelUnreachable,
    OrderState,
    PaidNotice,
    RefundNotice,
    RefundOrder,
    RefundProgress,
    RowKind,
    Scene,
    StatementNotReady,
)
from openberth.infra.clocks import SystemClock
from openberth.kernel.errors import Malformed, Unknown
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant
from openberth.providers.wechatpay import WechatPay, WechatPayMaker
from tests.wire.wechatpay_peer import APPID, SUB_APPID, Listener, Sandbox, Told

MCHID, PROVIDER, SUB, OLD = "1900000011", "1900000110", "1900000119", "1900000012"
CLOCK = SystemClock()
MAKER = WechatPayMaker(CLOCK, lambda: secrets.token_hex(16))


@pytest.fixture(scope="module")
def process() -> Iterator[Sandbox]:
    started = Sandbox()
    yield started
    started.close()


@pytest.fixture
def sandbox(process: Sandbox) -> Sandbox:
    process.control("faults", reset=True)
    return process


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listening:
        yield listening


def handed(sandbox: Sandbox, mchid: str, **more: Any) -> dict[str, Any]:
    """Return what a merchant is handed by WeChat Pay; registered once, for a second time makes other keys."""
    known: dict[str, dict[str, Any]] = vars(sandbox).setdefault("handed", {})
    if mchid not in known:
        known[mchid] = sandbox.control("merchants", mchid=mchid, **({"appids": [APPID]} | more))
    return known[mchid]


def contract(
    sandbox: Sandbox, mchid: str, notify_url: str = "http://127.0.0.1:9/x", *, params: Any = None, **more: Any
) -> WechatPay:
    """Make the adapter of a merchant from what it is handed."""
    told = handed(sandbox, mchid, **more)
    values = {"appid": APPID, "mchid": mchid, "serial_no": told["serial"], "url": sandbox.url, **(params or {})}
    for key in told["platform_keys"]:
        if key["kind"] == "public_key":
            values |= {"public_key_id": key["id"], "public_key": key["public_key"]}
    return adapter(values, {"private_key": told["private_key"], "api_v3_key": told["api_key"]}, notify_url)


def adapter(params: dict[str, str], held: dict[str, str], notify_url: str) -> WechatPay:
    MAKER.check(params, held, production=False)
    return MAKER.make(ChannelSpec(params=params, secrets=held, notify_url=notify_url))


def provider(sandbox: Sandbox, notify_url: str = "http://127.0.0.1:9/x") -> WechatPay:
    handed(sandbox, PROVIDER)
    handed(sandbox, SUB, appids=[SUB_APPID], providers=[PROVIDER], served_only=True)
    return contract(sandbox, PROVIDER, notify_url, params={"sub_mchid": SUB, "sub_appid": SUB_APPID})


def an_order(minor: int = 750, **more: Any) -> ChannelOrder:
    values: dict[str, Any] = {
        "number": secrets.token_hex(16), "amount": Money(minor, "CNY"), "subject": "停车费 粤B12345",
        "expires_at": Instant(CLOCK.now() + 10 * MINUTE_US),
    }  # fmt: skip
    return ChannelOrder(**(values | more))


def a_refund(order: ChannelOrder, transaction: str, minor: int) -> RefundOrder:
    return RefundOrder(
        number=secrets.token_hex(16), order=order.number, transaction=transaction, amount=Money(minor, "CNY"),
        paid=order.amount, reason="多付退回",
    )  # fmt: skip


def ask(channel: WechatPay, *asked: Callable[[], Awaitable[Any]]) -> Any:
    """Ask one thing after the other over one connection and return the last answer."""

    async def all_of_it() -> Any:
        answer = None
        try:
            for each in asked:
                answer = await each()
        finally:
            await channel.aclose()
        return answer

    return asyncio.run(all_of_it())


@pytest.fixture(params=["direct", "provider", "certificates"])
def shop(request: pytest.FixtureRequest, sandbox: Sandbox) -> Callable[..., WechatPay]:
    """Make the adapter anew for every question: a connection belongs to its event loop."""
    if request.param == "provider":
        return lambda url="http://127.0.0.1:9/x": provider(sandbox, url)
    if request.param == "certificates":
        return lambda url="http://127.0.0.1:9/x": contract(sandbox, OLD, url, mode="certificates")
    return lambda url="http://127.0.0.1:9/x": contract(sandbox, MCHID, url)


def test_a_code_is_paid_and_the_payment_is_found(shop: Callable[..., WechatPay], sandbox: Sandbox) -> None:
    order, channel = an_order(), shop()
    opened = ask(channel, lambda: channel.open(order))
    assert opened.pay_url is not None
    assert opened.pay_url.startswith("weixin://")
    again = shop()
    assert ask(again, lambda: again.open(order)).pay_url == opened.pay_url  # the same values, the same order
    asking = shop()
    assert ask(asking, lambda: asking.query(order.number)).state is OrderState.OPEN
    sandbox.control("pay", code_url=opened.pay_url)
    asking = shop()
    found = ask(asking, lambda: asking.query(order.number))
    assert (found.state, found.paid) == (OrderState.PAID, order.amount)
    assert found.transaction
    assert found.paid_at is not None
    assert abs(found.paid_at - CLOCK.now()) < 60 * SECOND_US
    closing = shop()
    assert ask(closing, lambda: closing.close(order.number)).state is OrderState.PAID  # the payer was faster


def test_what_a_coupon_pays_counts_as_paid(sandbox: Sandbox) -> None:
    order, channel = an_order(), contract(sandbox, MCHID)
    opened = ask(channel, lambda: channel.open(order))
    sandbox.control("pay", code_url=opened.pay_url, coupon=200)
    asking = contract(sandbox, MCHID)
    assert ask(asking, lambda: asking.query(order.number)).paid == order.amount


def test_an_order_is_closed_for_ever(shop: Callable[..., WechatPay]) -> None:
    order, channel = an_order(), shop()
    closed = ask(channel, lambda: channel.open(order), lambda: channel.close(order.number))
    assert closed.state is OrderState.CLOSED
    again = shop()
    assert ask(again, lambda: again.close(order.number)).state is OrderState.CLOSED
    reopening = shop()
    with pytest.raises(ChannelRefused):
        ask(reopening, lambda: reopening.open(order))
    nothing = shop()
    assert ask(nothing, lambda: nothing.query("nobodyknowsthis")).state is OrderState.UNKNOWN


def test_the_same_number_with_another_price_is_refused(sandbox: Sandbox) -> None:
    order = an_order()
    other = an_order(751, number=order.number, expires_at=order.expires_at)
    channel = contract(sandbox, MCHID)
    with pytest.raises(ChannelRefused):
        ask(channel, lambda: channel.open(order), lambda: channel.open(other))


def test_wechat_itself_pays_with_signed_fields(sandbox: Sandbox) -> None:
    """The phone proves what the app hands over, as WeChat does."""
    for channel, openid in ((contract(sandbox, MCHID), "o-direct"), (provider(sandbox), "o-sub")):
        order = an_order(scene=Scene.APP, payer=openid)
        opened = ask(channel, lambda: channel.open(order))  # noqa: B023 - asked at once
        assert opened.pay_url is None
        fields = dict(opened.client_fields)
        assert isinstance(fields["timeStamp"], str)
        sandbox.control("pay", client=fields, openid=openid)
        forged = {**fields, "paySign": fields["paySign"][:-4] + "AAA="}
        assert "sign" in sandbox.refused("pay", client=forged, openid=openid).lower()


def test_wechat_itself_wants_to_know_the_payer(sandbox: Sandbox) -> None:
    channel = contract(sandbox, MCHID)
    with pytest.raises(ChannelRefused) as caught:
        ask(channel, lambda: channel.open(an_order(scene=Scene.APP)))
    assert caught.value.reason == "PAYER"


def test_a_browser_follows_a_link(shop: Callable[..., WechatPay]) -> None:
    channel = shop()
    opened = ask(channel, lambda: channel.open(an_order(scene=Scene.PAGE, payer_address="203.0.113.7")))
    assert opened.pay_url is not None
    assert opened.pay_url.startswith("http")


def test_a_notification_is_proved_and_read(
    shop: Callable[..., WechatPay], sandbox: Sandbox, listener: Listener
) -> None:
    order, channel = an_order(), shop(listener.url)
    opened = ask(channel, lambda: channel.open(order))
    sandbox.control("pay", code_url=opened.pay_url)
    [told] = listener.wait_for(1)
    reading = shop(listener.url)
    ask(reading, lambda: reading.query(order.number))  # certificates are known from then on
    notice = read(reading, told)
    assert isinstance(notice, PaidNotice)
    assert (notice.number, notice.paid) == (order.number, order.amount)
    with pytest.raises(Unknown, match=r"channel\.bad_signature"):
        read(reading, Told(told.path, told.headers, told.body + b" "))
    with pytest.raises(Unknown, match=r"channel\.bad_signature"):
        read(reading, Told(told.path, told.headers | {"Wechatpay-Serial": "PUB_KEY_ID_0"}, told.body))


def read(channel: WechatPay, told: Told) -> Any:
    return channel.read_notification("POST", told.path, told.headers, told.body)


@pytest.mark.parametrize("how", ["wrong_signature", "old_signature", "unknown_serial", "probe"])
def test_callbacks_that_prove_nothing_are_refused(how: str, sandbox: Sandbox, listener: Listener) -> None:
    sandbox.control("faults", telling={"hold": True})
    order, channel = an_order(), contract(sandbox, MCHID, listener.url)
    opened = ask(channel, lambda: channel.open(order))
    sandbox.control("pay", code_url=opened.pay_url)
    held = sandbox.wait_for_callback("held", order.number)
    sandbox.control(f"callbacks/{held['id']}", how=how)
    [told] = listener.wait_for(1)
    with pytest.raises(Unknown) as caught:
        read(channel, told)
    assert caught.value.code == ("channel.stale" if how == "old_signature" else "channel.bad_signature")


def test_a_notification_about_somebody_else_settles_nothing(sandbox: Sandbox, listener: Listener) -> None:
    """Right signature, right key, and another merchant's ids inside."""
    channel = contract(sandbox, MCHID, listener.url)
    opened = ask(channel, lambda: channel.open(an_order()))
    sandbox.control("pay", code_url=opened.pay_url, overlay={"mchid": "1900009999"})
    [told] = listener.wait_for(1)
    with pytest.raises(Unknown, match=r"channel\.not_ours"):
        read(channel, told)


def test_a_notification_too_large_is_not_opened(sandbox: Sandbox) -> None:
    channel = contract(sandbox, MCHID)
    with pytest.raises(Malformed):
        channel.read_notification("POST", "/", {}, b"x" * 70_000)


def test_money_goes_back_once_by_its_number(
    shop: Callable[..., WechatPay], sandbox: Sandbox, listener: Listener
) -> None:
    order, channel = an_order(), shop(listener.url)
    opened = ask(channel, lambda: channel.open(order))
    sandbox.control("pay", code_url=opened.pay_url, tell=False)
    asking = shop()
    transaction = ask(asking, lambda: asking.query(order.number)).transaction
    assert transaction is not None
    back = a_refund(order, transaction, 250)
    asking = shop()
    assert ask(asking, lambda: asking.query_refund(back)).progress is RefundProgress.UNKNOWN
    for _ in range(2):
        asking = shop(listener.url)
        assert ask(asking, lambda: asking.refund(back)).progress is RefundProgress.UNDER_WAY  # noqa: B023
    sandbox.control(f"refunds/{back.number}", state="SUCCESS")
    asking = shop()
    done = ask(asking, lambda: asking.query_refund(back))
    assert (done.progress, done.refunded) == (RefundProgress.DONE, Money(250, "CNY"))
    [told] = listener.wait_for(1)
    assert read(asking, told) == RefundNotice(number=back.number)
    too_much = a_refund(order, transaction, 501)
    asking = shop()
    with pytest.raises(ChannelRefused):
        ask(asking, lambda: asking.refund(too_much))
    asking = shop()
    assert ask(asking, lambda: asking.query(order.number)).state is OrderState.PAID  # refunded since, paid all the same


@pytest.mark.parametrize(
    ("becomes", "progress"), [("ABNORMAL", RefundProgress.ABNORMAL), ("CLOSED", RefundProgress.REFUSED)]
)
def test_refunds_that_do_not_arrive(sandbox: Sandbox, becomes: str, progress: RefundProgress) -> None:
    order, channel = an_order(), contract(sandbox, MCHID)
    opened = ask(channel, lambda: channel.open(order))
    sandbox.control("pay", code_url=opened.pay_url, tell=False)
    asking = contract(sandbox, MCHID)
    transaction = ask(asking, lambda: asking.query(order.number)).transaction or ""
    back = a_refund(order, transaction, 750)
    asking = contract(sandbox, MCHID)
    ask(asking, lambda: asking.refund(back))
    sandbox.control(f"refunds/{back.number}", state=becomes)
    asking = contract(sandbox, MCHID)
    assert ask(asking, lambda: asking.query_refund(back)).progress is progress


def test_an_empty_account_is_for_a_person_and_the_same_number(sandbox: Sandbox) -> None:
    order, channel = an_order(), contract(sandbox, MCHID)
    opened = ask(channel, lambda: channel.open(order))
    sandbox.control("pay", code_url=opened.pay_url, tell=False)
    asking = contract(sandbox, MCHID)
    back = a_refund(order, ask(asking, lambda: asking.query(order.number)).transaction or "", 750)
    sandbox.control(f"accounts/{MCHID}", balance=0)
    asking = contract(sandbox, MCHID)
    poor = ask(asking, lambda: asking.refund(back))
    assert (poor.progress, poor.reason) == (RefundProgress.ABNORMAL, "NOT_ENOUGH")
    sandbox.control(f"accounts/{MCHID}", balance=1_000_000)
    asking = contract(sandbox, MCHID)
    assert ask(asking, lambda: asking.refund(back)).progress is RefundProgress.UNDER_WAY


@pytest.mark.parametrize("do", ["bad_gateway", "wrong_signature", "no_signature", "old_signature", "unknown_serial"])
def test_an_answer_that_proves_nothing_leaves_the_outcome_open(sandbox: Sandbox, do: str) -> None:
    """The order exists all the same: asking by its number finds it."""
    sandbox.control("faults", rules=[{"do": do, "path": "/v3/pay", "times": 1}])
    order, channel = an_order(), contract(sandbox, MCHID)
    with pytest.raises(ChannelUnreachable):
        ask(channel, lambda: channel.open(order))
    asking = contract(sandbox, MCHID)
    assert ask(asking, lambda: asking.query(order.number)).state is OrderState.OPEN


def test_a_switch_of_keys_is_followed_message_by_message(sandbox: Sandbox, listener: Listener) -> None:
    """While WeChat Pay changes a merchant over, callbacks come signed by either key: both are known at once."""
    mchid = "1900000013"
    told = handed(sandbox, mchid, mode="certificates")
    switched = sandbox.control(f"merchants/{mchid}", mode="switching", public_key_percent=50)
    [key] = [one for one in switched["platform_keys"] if one["kind"] == "public_key"]
    given = {"public_key_id": key["id"], "public_key": key["public_key"]}
    assert told["mchid"] == mchid
    for percent, params in ((0, {}), (100, given)):
        sandbox.control(f"merchants/{mchid}", public_key_percent=percent)
        order, channel = an_order(), contract(sandbox, mchid, listener.url, params=params)
        opened = ask(channel, lambda: channel.open(order))  # noqa: B023
        sandbox.control("pay", code_url=opened.pay_url)
        told_now = listener.wait_for(1 if percent == 0 else 2)[-1]
        assert told_now.headers["Wechatpay-Serial"].startswith("PUB_KEY_ID_") == (percent == 100)
        assert isinstance(read(channel, told_now), PaidNotice)


def test_the_bill_of_a_day_holds_every_payment_and_refund(sandbox: Sandbox) -> None:
    mchid = "1900000014"
    paid = []
    for minor in (750, 1234):
        order, channel = an_order(minor), contract(sandbox, mchid)
        opened = ask(channel, lambda: channel.open(order))  # noqa: B023
        sandbox.control("pay", code_url=opened.pay_url, tell=False)
        paid.append(order)
    asking = contract(sandbox, mchid)
    back = a_refund(paid[0], ask(asking, lambda: asking.query(paid[0].number)).transaction or "", 250)
    asking = contract(sandbox, mchid)
    ask(asking, lambda: asking.refund(back))
    sandbox.control(f"refunds/{back.number}", state="SUCCESS")
    today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()
    early = contract(sandbox, mchid)
    with pytest.raises(StatementNotReady):
        ask(early, lambda: early.statement(today))
    sandbox.control("clock", advance_s=36 * 3600)  # this test is the last one
    later = contract(sandbox, mchid)
    later._clock = Later(36 * 3600)
    found = ask(later, lambda: later.statement(today))
    kinds = sorted((row.kind, row.number, row.amount.minor) for row in found.rows)
    assert kinds == sorted(
        [(RowKind.PAYMENT, one.number, one.amount.minor) for one in paid] + [(RowKind.REFUND, back.number, 250)]
    )


class Later(SystemClock):
    """A clock that is ahead."""

    def __init__(self, seconds: int) -> None:
        self._ahead = seconds * SECOND_US

    def now(self) -> Instant:
        return Instant(super().now() + self._ahead)
