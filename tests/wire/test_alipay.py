"""The Alipay adapter against the stand-in, which shares no code with it: orders, refunds, notifications, bills."""

import asyncio
import datetime
import secrets
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization

from openberth.contexts.payments.ports import (
    ChannelOrder,
    ChannelRefused,
    ChannelSpec,
    ChannelUnreachable,
    NothingNew,
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
from openberth.kernel.errors import Unknown
from openberth.kernel.money import Money
from openberth.kernel.time import HOUR_US, MINUTE_US, SECOND_US, Instant
from openberth.providers.alipay import Alipay, AlipayMaker
from tests.wire.alipay_peer import KEY, Listener, Sandbox, Told

APP, PID = "2021000000000001", "2088000000000101"
CERTIFIED, CERTIFIED_PID = "2021000000000002", "2088000000000102"
PROVIDER, PROVIDER_PID = "2021000000000100", "2088000000000100"
SERVED, SERVED_PID = "2021000000000109", "2088000000000109"
BILLED, BILLED_PID = "2021000000000003", "2088000000000103"
NOWHERE = "http://127.0.0.1:9/x"
CLOCK = SystemClock()
MAKER = AlipayMaker(CLOCK)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
RUNNING: list[asyncio.Runner] = []
ADAPTERS: dict[tuple[str, str], Alipay] = {}


@pytest.fixture(scope="module")
def process() -> Iterator[Sandbox]:
    """One stand-in and one event loop for all: adapters keep their connections, and reading keys takes time."""
    with Sandbox() as started, asyncio.Runner() as runner:
        ADAPTERS.clear()
        RUNNING.append(runner)
        yield started
        RUNNING.remove(runner)
        for each in ADAPTERS.values():
            runner.run(each.aclose())


@pytest.fixture
def sandbox(process: Sandbox) -> Sandbox:
    process.control("faults", reset=True)
    return process


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listening:
        yield listening


def handed(sandbox: Sandbox, app_id: str, **more: Any) -> dict[str, Any]:
    """Return what an app is handed by Alipay; registered once, for a second time makes other keys."""
    known: dict[str, dict[str, Any]] = vars(sandbox).setdefault("handed", {})
    if app_id not in known:
        known[app_id] = sandbox.control("apps", app_id=app_id, **more)
    return known[app_id]


Shop = Callable[..., Alipay]


def direct(sandbox: Sandbox, url: str = NOWHERE, *, app: str = APP, pid: str = PID) -> Alipay:
    told = handed(sandbox, app, pid=pid, public_key=PUBLIC)
    params = {
        "app_id": app, "seller_id": pid, "alipay_public_key": told["alipay_public_key"], "url": sandbox.url,
    }  # fmt: skip
    return adapter(params, {}, url)


def certified(sandbox: Sandbox, url: str = NOWHERE) -> Alipay:
    told = handed(sandbox, CERTIFIED, pid=CERTIFIED_PID, public_key=PUBLIC, mode="certificate")
    params = {
        "app_id": CERTIFIED, "seller_id": CERTIFIED_PID, "app_cert": told["app_certificate"],
        "alipay_cert": told["alipay_certificate"], "alipay_root_cert": told["root_certificate"], "url": sandbox.url,
        "code_product": "QR_CODE_OFFLINE",
    }  # fmt: skip
    return adapter(params, {}, url)


def provider(sandbox: Sandbox, url: str = NOWHERE) -> Alipay:
    told = handed(sandbox, PROVIDER, pid=PROVIDER_PID, public_key=PUBLIC)
    token = handed(sandbox, SERVED, pid=SERVED_PID, served_only=True, provider=PROVIDER)["app_auth_token"]
    params = {
        "app_id": PROVIDER, "seller_id": SERVED_PID, "alipay_public_key": told["alipay_public_key"],
        "sys_service_provider_id": PROVIDER_PID, "op_app_id": SERVED, "url": sandbox.url,
    }  # fmt: skip
    return adapter(params, {"app_auth_token": token}, url)


def adapter(params: dict[str, str], held: dict[str, str], url: str) -> Alipay:
    secret, key = {"private_key": PRIVATE} | held, (params["app_id"], url)
    if key not in ADAPTERS:
        if url == NOWHERE:  # the others are made of the same
            MAKER.check(params, secret, production=False)
        ADAPTERS[key] = MAKER.make(ChannelSpec(params=params, secrets=secret, notify_url=url))
    return ADAPTERS[key]


@pytest.fixture(params=[direct, provider, certified], ids=["direct", "provider", "certificates"])
def shop(request: pytest.FixtureRequest, sandbox: Sandbox) -> Shop:
    """Return the adapter of a contract that is told at an address."""
    make: Callable[..., Alipay] = request.param
    return lambda url=NOWHERE: make(sandbox, url)


def an_order(minor: int = 750, **more: Any) -> ChannelOrder:
    values: dict[str, Any] = {
        "number": secrets.token_hex(16), "amount": Money(minor, "CNY"), "subject": "停车费",
        "expires_at": Instant(CLOCK.now() + 10 * MINUTE_US),
    }  # fmt: skip
    return ChannelOrder(**(values | more))


def a_refund(order: ChannelOrder, transaction: str | None, minor: int) -> RefundOrder:
    return RefundOrder(
        number=secrets.token_hex(16), order=order.number, transaction=transaction or "", amount=Money(minor, "CNY"),
        paid=order.amount, reason="多付退回",
    )  # fmt: skip


def ask(channel: Alipay, question: Callable[[Alipay], Awaitable[Any]]) -> Any:
    """Ask one thing."""

    async def asking() -> Any:
        return await question(channel)

    return RUNNING[-1].run(asking())


def state(channel: Alipay, order: ChannelOrder) -> Any:
    return ask(channel, lambda it: it.query(order.number))


def paid(sandbox: Sandbox, make: Shop, url: str = NOWHERE, **more: Any) -> tuple[ChannelOrder, str]:
    """Have an order paid by its code; return it with Alipay's number. Other tests have moved the clock there."""
    order = an_order(expires_at=Instant(CLOCK.now() + HOUR_US))
    code = ask(make(url), lambda it: it.open(order)).pay_url
    return order, sandbox.control("pay", qr_code=code, **more)["trade_no"]


def read(channel: Alipay, told: Told, **change: str) -> Any:
    return channel.read_notification("POST", told.path, {}, urlencode(told.form | change).encode())


def test_a_code_is_paid_and_the_payment_is_found(shop: Shop, sandbox: Sandbox) -> None:
    order = an_order()
    opened = ask(shop(), lambda it: it.open(order))
    assert ask(shop(), lambda it: it.open(order)).pay_url == opened.pay_url  # the same values, the same order
    assert state(shop(), order).state is OrderState.UNKNOWN  # nobody has scanned it
    sandbox.control("scan", qr_code=opened.pay_url)
    assert state(shop(), order).state is OrderState.OPEN
    trade = sandbox.control("pay", qr_code=opened.pay_url)["trade_no"]
    found = state(shop(), order)
    assert (found.state, found.paid, found.transaction) == (OrderState.PAID, order.amount, trade)
    assert abs(found.paid_at - CLOCK.now()) < 60 * SECOND_US
    assert ask(shop(), lambda it: it.close(order.number)).state is OrderState.PAID  # the payer was faster
    with pytest.raises(ChannelUnreachable):  # not refused: whoever asks for the order finds the money
        ask(shop(), lambda it: it.open(order))


def test_what_a_coupon_pays_counts_as_paid(sandbox: Sandbox) -> None:
    order, _ = paid(sandbox, lambda url: direct(sandbox, url), coupon=200)
    assert state(direct(sandbox), order).paid == order.amount


def test_an_order_is_closed_once_it_is_one(sandbox: Sandbox) -> None:
    """A code goes on working after a close that found nothing; asked again after the scan, it is closed."""
    order = an_order()
    code = ask(direct(sandbox), lambda it: it.open(order)).pay_url
    assert ask(direct(sandbox), lambda it: it.close(order.number)).state is OrderState.UNKNOWN
    sandbox.control("scan", qr_code=code)
    for _ in range(2):
        assert ask(direct(sandbox), lambda it: it.close(order.number)).state is OrderState.CLOSED
    assert "closed" in sandbox.refused("pay", qr_code=code)
    assert state(direct(sandbox), order).state is OrderState.CLOSED
    with pytest.raises(ChannelRefused) as caught:
        ask(direct(sandbox), lambda it: it.open(order))
    assert caught.value.reason == "ACQ.TRADE_HAS_CLOSE"


def test_the_same_number_with_another_price_is_refused(sandbox: Sandbox) -> None:
    order = an_order()
    ask(direct(sandbox), lambda it: it.open(order))
    other = an_order(751, number=order.number, expires_at=order.expires_at)
    with pytest.raises(ChannelRefused):
        ask(direct(sandbox), lambda it: it.open(other))


def test_alipay_itself_pays_by_the_trade(shop: Shop, sandbox: Sandbox) -> None:
    order = an_order(scene=Scene.APP, payer="openid-1")
    opened = ask(shop(), lambda it: it.open(order))
    assert opened.pay_url is None
    assert opened.client_fields == {"tradeNO": opened.channel_order}
    assert ask(shop(), lambda it: it.open(order)).client_fields == opened.client_fields
    assert "another user" in sandbox.refused("pay", trade_no=opened.channel_order, buyer="openid-2")
    sandbox.control("pay", trade_no=opened.channel_order, buyer="openid-1")
    assert state(shop(), order).transaction == opened.channel_order


def test_what_cannot_be_asked_for(sandbox: Sandbox) -> None:
    for order, reason in ((an_order(scene=Scene.APP), "PAYER"), (an_order(amount=Money(1, "JPY")), "CURRENCY")):
        with pytest.raises(ChannelRefused) as caught:
            ask(direct(sandbox), lambda it: it.open(order))  # noqa: B023 - asked at once
        assert caught.value.reason == reason


def test_a_browser_follows_a_signed_address(shop: Shop, sandbox: Sandbox) -> None:
    order = an_order(scene=Scene.PAGE)
    opened = ask(shop(), lambda it: it.open(order))
    assert 500 < len(opened.pay_url) <= 2_000  # as long as attempts keep
    assert state(shop(), order).state is OrderState.UNKNOWN  # nothing was sent
    page = sandbox.http.get(opened.pay_url, follow_redirects=True)
    assert (page.status_code, "7.50" in page.text) == (200, True)
    sandbox.http.post(str(page.url), data={"do": "pay"})
    assert state(shop(), order).paid == order.amount
    spoilt = sandbox.http.get(opened.pay_url.replace("7.50", "0.50"), follow_redirects=True)
    assert "isv.invalid-signature" in spoilt.text


def test_a_notification_is_proved_and_read(shop: Shop, sandbox: Sandbox, listener: Listener) -> None:
    order, trade = paid(sandbox, shop, listener.url)
    [told] = listener.wait_for(1)
    notice = read(shop(), told)
    assert isinstance(notice, PaidNotice)
    assert (notice.number, notice.transaction, notice.paid) == (order.number, trade, order.amount)
    assert notice.paid_at == state(shop(), order).paid_at
    for change in ({"total_amount": "0.01"}, {"buyer_id": "x"}, {"sign": told.form["sign"][::-1]}):
        with pytest.raises(Unknown, match=r"channel\.bad_signature"):
            read(shop(), told, **change)
    said = shop().acknowledgement()
    assert (said.status, said.body) == (200, b"success")


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("wrong_signature", "channel.bad_signature"), ("no_signature", "channel.bad_signature"),
        ("other_seller", "channel.not_ours"), ("other_app", "channel.not_ours"), ("keep_sign_type", None),
        ("other_amount", None),
    ],
)  # fmt: skip
def test_notifications_that_lie(how: str, code: str | None, sandbox: Sandbox, listener: Listener) -> None:
    sandbox.control("faults", telling={"hold": True})
    order, _ = paid(sandbox, lambda url: direct(sandbox, url), listener.url)
    held = sandbox.wait_for_notice("held", order.number)
    sandbox.control(f"notifications/{held['id']}", how=how)
    [told] = listener.wait_for(1)
    if code is not None:
        with pytest.raises(Unknown) as caught:
            read(direct(sandbox), told)
        assert caught.value.code == code
        return
    notice = read(direct(sandbox), told)
    assert (notice.number, notice.paid == order.amount) == (order.number, how != "other_amount")  # payments compares


def test_money_goes_back_once_by_its_number(shop: Shop, sandbox: Sandbox, listener: Listener) -> None:
    order, trade = paid(sandbox, shop, listener.url)
    part, rest = a_refund(order, trade, 250), a_refund(order, trade, 500)
    assert ask(shop(), lambda it: it.query_refund(part)).progress is RefundProgress.UNKNOWN
    for _ in range(2):  # the second time nothing moves, and it is done all the same
        done = ask(shop(), lambda it: it.refund(part))
        assert (done.progress, done.refunded) == (RefundProgress.DONE, part.amount)
    assert read(shop(), listener.wait_for(2)[1]) == RefundNotice(number=part.number)  # a success, and no payment
    with pytest.raises(ChannelRefused) as caught:
        ask(shop(), lambda it: it.refund(a_refund(order, trade, 501)))
    assert caught.value.reason == "ACQ.REASON_TRADE_REFUND_FEE_ERR"
    done = ask(shop(), lambda it: it.refund(rest))
    assert done.refunded == rest.amount  # and not the sum of both
    assert ask(shop(), lambda it: it.query_refund(rest)).refunded == rest.amount
    assert read(shop(), listener.wait_for(3)[2]) == RefundNotice(number=rest.number)
    found = state(shop(), order)  # refunded since and closed, paid all the same
    assert (found.state, found.paid) == (OrderState.PAID, order.amount)


def test_a_refund_that_hangs_is_under_way(sandbox: Sandbox) -> None:
    order, trade = paid(sandbox, lambda url: direct(sandbox, url))
    back = a_refund(order, trade, 750)
    sandbox.control("faults", refunds={"becomes": "hangs", "after_s": 3600, "times": 1})
    for _ in range(2):
        assert ask(direct(sandbox), lambda it: it.refund(back)).progress is RefundProgress.UNDER_WAY
    sandbox.control(f"refunds/{back.number}", state="done")
    assert ask(direct(sandbox), lambda it: it.query_refund(back)).refunded == back.amount


def test_an_empty_account_is_for_a_person_and_the_same_number(sandbox: Sandbox) -> None:
    order, trade = paid(sandbox, lambda url: direct(sandbox, url))
    back = a_refund(order, trade, 750)
    sandbox.control(f"accounts/{PID}", balance=0)
    poor = ask(direct(sandbox), lambda it: it.refund(back))
    assert (poor.progress, poor.reason) == (RefundProgress.ABNORMAL, "ACQ.SELLER_BALANCE_NOT_ENOUGH")
    sandbox.control(f"accounts/{PID}", balance=1_000_000)
    assert ask(direct(sandbox), lambda it: it.refund(back)).progress is RefundProgress.DONE


@pytest.mark.parametrize(
    "rule",
    [
        {"do": "bad_gateway"}, {"do": "wrong_signature"}, {"do": "no_signature"}, {"do": "refuse"},
        {"do": "refuse", "reason": "LIMITED"},
    ],
    ids=lambda rule: "-".join(rule.values()),
)  # fmt: skip
def test_an_answer_that_proves_nothing_leaves_the_outcome_open(sandbox: Sandbox, rule: dict[str, Any]) -> None:
    """The order exists all the same: asking by its number finds it."""
    sandbox.control("faults", rules=[{"method": "alipay.trade.create", "times": 1, **rule}])
    order = an_order(scene=Scene.APP, payer="openid-1")
    with pytest.raises(ChannelUnreachable):
        ask(direct(sandbox), lambda it: it.open(order))
    assert state(direct(sandbox), order).state is OrderState.OPEN


def test_some_answers_begin_with_their_signature(sandbox: Sandbox) -> None:
    order, _ = paid(sandbox, lambda url: direct(sandbox, url))
    sandbox.control("faults", rules=[{"do": "sign_first"}])
    assert state(direct(sandbox), order).state is OrderState.PAID


def test_nobody_pays_by_a_code_of_yesterday(sandbox: Sandbox, listener: Listener) -> None:
    """The end is an instant for the trade: a code that is scanned late makes none that can be paid."""
    order = an_order()
    code = ask(direct(sandbox, listener.url), lambda it: it.open(order)).pay_url
    scanned = an_order()
    sandbox.control("scan", qr_code=ask(direct(sandbox, listener.url), lambda it: it.open(scanned)).pay_url)
    sandbox.control("clock", advance_s=601)
    assert sandbox.refused("pay", qr_code=code)
    assert state(direct(sandbox), order).state in (OrderState.UNKNOWN, OrderState.CLOSED)
    assert state(direct(sandbox), scanned).state is OrderState.CLOSED
    assert read(direct(sandbox), listener.wait_for(1)[0]) == NothingNew()  # that nobody paid is told, too


def test_the_bill_of_a_day_holds_every_payment_and_refund(sandbox: Sandbox) -> None:
    def make(url: str = NOWHERE, *, ahead_h: int = 0) -> Alipay:
        made = direct(sandbox, url, app=BILLED, pid=BILLED_PID)
        made._clock = Later(ahead_h)  # requests keep the machine's time, which Alipay compares
        return made

    # Other tests have moved the clock there: the day that it is now.
    today = datetime.datetime.fromisoformat(sandbox.control("clock")["now"]).date()
    (first, trade), (second, _) = paid(sandbox, make), paid(sandbox, make)
    back = a_refund(first, trade, 250)
    ask(make(), lambda it: it.refund(back))
    with pytest.raises(StatementNotReady):
        ask(make(), lambda it: it.statement(today))
    sandbox.control("clock", advance_s=36 * 3600)  # this test is the last one
    found = ask(make(ahead_h=37), lambda it: it.statement(today))
    rows = {(row.kind, row.number, row.amount.minor, row.fee.minor) for row in found.rows}
    assert rows == {
        (RowKind.PAYMENT, first.number, 750, 5), (RowKind.PAYMENT, second.number, 750, 5),
        (RowKind.REFUND, back.number, 250, -1),
    }  # fmt: skip
    assert {row.transaction for row in found.rows if row.number != second.number} == {trade}
    nothing = ask(make(ahead_h=37), lambda it: it.statement(today - datetime.timedelta(days=1)))
    assert nothing.rows == ()
    lie = {"do": "drop", "number": second.number}
    sandbox.control("bills", pid=BILLED_PID, day=today.isoformat(), edits=[lie])
    lying = ask(make(ahead_h=37), lambda it: it.statement(today))
    assert len(lying.rows) == 2


class Later(SystemClock):
    """A clock that is ahead, by hours."""

    def __init__(self, hours: int) -> None:
        self._ahead = hours * HOUR_US

    def now(self) -> Instant:
        return Instant(super().now() + self._ahead)
