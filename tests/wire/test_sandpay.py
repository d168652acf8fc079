"""The provider against the real channel: a process of its own, its wire, its faults and its death."""

import asyncio
import base64
import contextlib
import http.client
import json
import secrets
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openberth.contexts.payments.ports import (
    ChannelOrder,
    ChannelRefused,
    ChannelUnreachable,
    OpenedOrder,
    OrderState,
    PaidNotice,
    Scene,
)
from openberth.kernel.errors import Unknown
from openberth.kernel.money import Money
from openberth.kernel.time import SECOND_US, Instant, later
from openberth.providers.sandpay import SIGNATURE, Sandpay, signed_text
from tests.waiting import PATIENCE_S
from tests.wire.sandpay_process import Merchant, Process, Told

FIVE = Money(500, "CNY")
T = TypeVar("T")


class MachineClock:
    def now(self) -> Instant:
        return Instant(time.time_ns() // 1000)


def pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip


def public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


MERCHANT_KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    (tmp_path / "merchant.pub").write_bytes(public_pem(MERCHANT_KEY))
    channel = Process(tmp_path)
    try:
        channel.start()
        yield channel
    finally:
        channel.stop(signal.SIGKILL)


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with Merchant() as listening:
        yield listening


def provider(process: Process, notify_url: str = "http://127.0.0.1:9/n", **changed: Any) -> Sandpay:
    options: dict[str, Any] = {
        "base_url": process.url,
        "merchant": "openberth",
        "merchant_key": pem(MERCHANT_KEY),
        "channel_key": process.public_key,
        "notify_url": notify_url,
        "clock": MachineClock(),
        "nonces": lambda: secrets.token_hex(16),
    }
    return Sandpay(**options | changed)


def alone(base_url: str) -> Sandpay:
    """Return a provider whose channel is not the real one."""
    return Sandpay(
        base_url=base_url, merchant="openberth", merchant_key=pem(MERCHANT_KEY), channel_key=public_pem(MERCHANT_KEY),
        notify_url="http://127.0.0.1:9/n", clock=MachineClock(), nonces=lambda: secrets.token_hex(16),
    )  # fmt: skip


def calling(channel: Sandpay, work: Callable[[Sandpay], Awaitable[T]]) -> T:
    """Do some work with a provider, then close it: its connections belong to one event loop."""

    async def whole() -> T:
        try:
            return await work(channel)
        finally:
            await channel.aclose()

    return asyncio.run(whole())


def an_order(number: str = "A1", seconds: int = 60) -> ChannelOrder:
    expires_at = later(MachineClock().now(), seconds * SECOND_US)
    return ChannelOrder(number=number, amount=FIVE, subject="停车费 Parking", expires_at=expires_at)


def opened(process: Process, merchant: Merchant, number: str = "A1", seconds: int = 60) -> str:
    order = calling(provider(process, merchant.url), lambda it: it.open(an_order(number, seconds)))
    assert order.pay_url is not None
    return order.pay_url


def state(process: Process, number: str = "A1") -> OrderState:
    return calling(provider(process), lambda it: it.query(number)).state


def scan(url: str, accept: str = "application/json") -> httpx2.Response:
    return httpx2.get(url, headers={"Accept": accept}, trust_env=False, timeout=PATIENCE_S)


def read(process: Process, told: Told) -> PaidNotice:
    return provider(process).read_notification(told.method, told.path, told.headers, told.body)


def test_open_pay_notify_query(process: Process, merchant: Merchant) -> None:
    async def journey(it: Sandpay) -> None:
        order = an_order()
        made = await it.open(order)
        assert await it.open(order) == made  # the same again is the same order
        assert made.channel_order
        assert made.pay_url is not None
        assert made.pay_url.startswith(process.url)
        assert (await it.query("A1")).state is OrderState.OPEN
        page = await asyncio.to_thread(scan, made.pay_url, "text/html,*/*")
        assert page.status_code == 200
        assert "支付成功" in page.text
        assert "Paid" in page.text
        assert "¥5.00" in page.text
        assert scan(made.pay_url).json()["state"] == "paid"
        after = await it.query("A1")
        assert (after.state, after.paid) == (OrderState.PAID, FIVE)
        [told] = merchant.wait_for(1)
        notice = it.read_notification(told.method, told.path, told.headers, told.body)
        assert notice == PaidNotice(
            number="A1", transaction=after.transaction or "", paid=FIVE, paid_at=after.paid_at or Instant(0)
        )
        assert abs(notice.paid_at - MachineClock().now()) < PATIENCE_S * SECOND_US
        with pytest.raises(Unknown, match=r"channel\.replayed"):
            it.read_notification(told.method, told.path, told.headers, told.body)
        assert (await it.close("A1")) == after  # a payer who was faster wins

    calling(provider(process, merchant.url), journey)
    assert process.totals() == {"paid_minor": {"CNY": 500}, "orders_paid": 1}
    assert len(merchant.told) == 1


def test_a_notification_is_repeated_until_it_is_acknowledged(process: Process, merchant: Merchant) -> None:
    merchant.answers = [(500, b""), (200, b'{"code":"FAIL"}')]
    started = time.monotonic()
    scan(opened(process, merchant))
    told = merchant.wait_for(3)
    assert time.monotonic() - started > 2.9  # after pauses of 1 s and 2 s
    assert len({one.headers[SIGNATURE] for one in told}) == 3  # each signed anew
    channel = provider(process)
    notices = [channel.read_notification(one.method, one.path, one.headers, one.body) for one in told]
    assert len(set(notices)) == 1


def test_duplicates_on_demand_are_separate_genuine_messages(process: Process, merchant: Merchant) -> None:
    process.control(notify_duplicates=2)
    scan(opened(process, merchant))
    channel = provider(process)
    notices = {channel.read_notification(t.method, t.path, t.headers, t.body) for t in merchant.wait_for(3)}
    assert len(notices) == 1
    assert process.totals()["orders_paid"] == 1


def test_a_delayed_notification_comes_late(process: Process, merchant: Merchant) -> None:
    process.control(notify_delay_ms=700)
    url = opened(process, merchant)
    paid = time.monotonic()
    scan(url)
    merchant.wait_for(1)
    assert 0.6 < time.monotonic() - paid < PATIENCE_S


def test_a_lost_notification_is_found_by_query(process: Process, merchant: Merchant) -> None:
    process.control(notify_drop=True)
    scan(opened(process, merchant))
    process.control(notify_drop=False)
    scan(opened(process, merchant, "A2"))
    [told] = merchant.wait_for(1)
    assert read(process, told).number == "A2"
    assert state(process, "A1") is OrderState.PAID


@pytest.mark.parametrize("delay_ms", [2_000, 0])
def test_a_kill_between_payment_and_notification_loses_nothing(
    process: Process, merchant: Merchant, delay_ms: int
) -> None:
    process.control(notify_delay_ms=delay_ms)
    url = opened(process, merchant)
    if delay_ms == 0:
        merchant.answers = [(503, b"")]  # told once in vain before the kill
    assert scan(url).json()["state"] == "paid"
    if delay_ms == 0:
        merchant.wait_for(1)
    assert process.stop(signal.SIGKILL) == -signal.SIGKILL
    before = process.public_key
    process.start()
    assert process.public_key == before
    told = merchant.wait_for(2 if delay_ms == 0 else 1)[-1]
    notice = read(process, told)
    assert (notice.number, notice.paid) == ("A1", FIVE)
    assert process.totals() == {"paid_minor": {"CNY": 500}, "orders_paid": 1}
    assert state(process) is OrderState.PAID


def test_a_closed_order_cannot_be_paid(process: Process, merchant: Merchant) -> None:
    url = opened(process, merchant)
    assert calling(provider(process), lambda it: it.close("A1")).state is OrderState.CLOSED
    page = scan(url, "text/html")
    assert page.status_code == 410
    assert "订单已关闭" in page.text
    refused = scan(url)
    assert (refused.status_code, refused.json()["code"]) == (410, "ORDER_CLOSED")
    assert calling(provider(process), lambda it: it.close("A1")).state is OrderState.CLOSED
    assert process.totals() == {"paid_minor": {}, "orders_paid": 0}


def test_an_expired_order_is_closed(process: Process, merchant: Merchant) -> None:
    order = an_order(seconds=5)
    made = calling(provider(process, merchant.url), lambda it: it.open(order))
    assert made.pay_url is not None
    while MachineClock().now() < order.expires_at:
        time.sleep(0.02)
    assert state(process) is OrderState.CLOSED
    assert scan(made.pay_url).status_code == 410
    with pytest.raises(ChannelRefused) as caught:
        calling(provider(process, merchant.url), lambda it: it.open(order))
    assert caught.value.reason == "ORDER_CLOSED"


def test_refusals_are_not_unknown_outcomes(process: Process, merchant: Merchant) -> None:
    opened(process, merchant)

    def reason(order: ChannelOrder) -> str:
        with pytest.raises(ChannelRefused) as caught:
            calling(provider(process, merchant.url), lambda it: it.open(order))
        return caught.value.reason

    assert reason(replace(an_order(), amount=Money(501, "CNY"))) == "ORDER_EXISTS"
    assert reason(an_order("A2", seconds=-5)) == "PARAM_ERROR"
    assert reason(replace(an_order("A2"), amount=Money(0, "CNY"))) == "PARAM_ERROR"
    assert reason(replace(an_order("A2"), subject="a\nb")) == "PARAM_ERROR"
    assert reason(replace(an_order("A2"), scene=Scene.APP)) == "SCENE"
    process.control(refuse_orders=True)
    assert reason(an_order("A2")) == "ORDERS_REFUSED"
    assert state(process, "A2") is OrderState.UNKNOWN
    assert calling(provider(process), lambda it: it.close("A2")).state is OrderState.UNKNOWN
    process.control(refuse_orders=False)
    opened(process, merchant, "A2")


def test_a_wrong_merchant_is_refused(process: Process) -> None:
    strangers = (
        provider(process, merchant_key=pem(Ed25519PrivateKey.generate())),
        provider(process, merchant="stranger"),
        provider(process, clock=SkewedClock(-301 * SECOND_US)),
        provider(process, clock=SkewedClock(302 * SECOND_US)),
    )
    for stranger in strangers:
        with pytest.raises(ChannelRefused) as caught:
            calling(stranger, lambda it: it.open(an_order()))
        assert caught.value.reason == "SIGN_ERROR"
    assert state(process) is OrderState.UNKNOWN


class SkewedClock(MachineClock):
    def __init__(self, by_us: int) -> None:
        self.by_us = by_us

    def now(self) -> Instant:
        return later(super().now(), self.by_us)


def test_a_repeated_nonce_is_refused_even_after_a_restart(process: Process) -> None:
    nonce = secrets.token_hex(16)
    assert calling(provider(process, nonces=lambda: nonce), lambda it: it.query("A1")).state is OrderState.UNKNOWN
    process.stop()
    process.start()
    with pytest.raises(ChannelRefused) as caught:
        calling(provider(process, nonces=lambda: nonce), lambda it: it.query("A1"))
    assert caught.value.reason == "SIGN_ERROR"


def test_altered_requests_are_refused(process: Process) -> None:
    body = json.dumps({"a": 1}).encode()
    ts, nonce = str(int(time.time())), "n" * 16

    def send(method: str, target: str, content: bytes, headers: list[tuple[str, str]]) -> httpx2.Response:
        return httpx2.request(
            method, process.url + target, content=content, headers=headers, trust_env=False, timeout=PATIENCE_S
        )

    def header(of: bytes) -> tuple[str, str]:
        return SIGNATURE, f"id=openberth,ts={ts},nonce={nonce},sig={base64.b64encode(MERCHANT_KEY.sign(of)).decode()}"

    good = header(signed_text("POST", "/v1/orders", ts, nonce, body))
    for answer in (
        send("POST", "/v1/orders", body + b" ", [good]),
        send("POST", "/v1/orders?x=1", body, [good]),
        send("POST", "/v1/orders/A1/close", body, [good]),
        send("POST", "/v1/orders", body, []),
        send("POST", "/v1/orders", body, [good, good]),
        send("POST", "/v1/orders", body, [header(b"something else")]),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
        assert answer.json()["message"]
    # None of these used the nonce up, and the genuine request is understood (and then found wanting).
    answer = send("POST", "/v1/orders", body, [good])
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert send("POST", "/v1/orders", body, [good]).status_code == 401


def test_a_notification_from_a_stranger_or_altered_is_refused(process: Process, merchant: Merchant) -> None:
    scan(opened(process, merchant))
    [told] = merchant.wait_for(1)
    altered = replace(told, body=told.body.replace(b"500", b"100"))
    for forged in (altered, replace(told, path="/channels/sandpay/notify?lot=other"), replace(told, method="PUT")):
        with pytest.raises(Unknown, match=r"channel\.bad_signature"):
            read(process, forged)
    stranger = provider(process, channel_key=public_pem(Ed25519PrivateKey.generate()))
    with pytest.raises(Unknown, match=r"channel\.bad_signature"):
        stranger.read_notification(told.method, told.path, told.headers, told.body)
    assert read(process, told).number == "A1"


def test_no_answer_is_an_unknown_outcome(process: Process) -> None:
    channel = provider(process)
    process.stop(signal.SIGKILL)
    with pytest.raises(ChannelUnreachable) as caught:
        calling(channel, lambda it: it.open(an_order()))
    assert caught.value.code == "channel.unreachable"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "channel.unreachable"),  # accepted and hung up
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "channel.unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "channel.unclear"),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\n<htm>", "channel.unclear"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", "channel.unclear"),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 99999\r\n\r\n" + b" " * 99_999, "channel.unclear"),
        (b"nonsense\r\n\r\n", "channel.unreachable"),
    ],
)
def test_an_answer_that_is_none_is_an_unknown_outcome(answer: bytes, code: str) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async def ask() -> OpenedOrder:
        server = await asyncio.start_server(once, "127.0.0.1", 0)
        async with server:
            channel = alone(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            try:
                return await channel.open(an_order())
            finally:
                await channel.aclose()

    with pytest.raises(ChannelUnreachable) as caught:
        asyncio.run(ask())
    assert caught.value.code == code


def test_a_channel_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openberth.providers.sandpay.TOTAL_S", 0.5)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            for _ in range(1_000):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def ask() -> None:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        async with server:
            channel = alone(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            try:
                async with asyncio.timeout(PATIENCE_S):  # before it has dripped all
                    await channel.query("A1")
            finally:
                await channel.aclose()

    with pytest.raises(ChannelUnreachable, match=r"channel\.unreachable"):
        asyncio.run(ask())


def test_bounds_and_wrong_requests_get_clear_answers(process: Process, merchant: Merchant) -> None:
    def post(target: str, content: bytes) -> tuple[int, str]:
        answer = httpx2.post(process.url + target, content=content, trust_env=False, timeout=PATIENCE_S)
        return answer.status_code, answer.json()["code"]

    assert post("/control", b" " * 20_000) == (413, "BODY_TOO_LARGE")
    assert post("/v1/orders", b" " * 20_000) == (413, "BODY_TOO_LARGE")
    for wrong in (b"", b"[]", b"\xff", b"[" * 10_000, b'{"notify_drop":1}', b'{"notify_delay_ms":true}',
                  b'{"notify_delay_ms":600001}', b'{"notify_duplicates":-1}', b'{"other":1}'):  # fmt: skip
        assert post("/control", wrong) == (400, "PARAM_ERROR")
    assert post("/nowhere", b"") == (404, "NOT_FOUND")
    url = opened(process, merchant)
    assert httpx2.head(url, trust_env=False, timeout=PATIENCE_S).status_code == 200
    assert state(process) is OrderState.OPEN  # looking is not paying
    assert scan(process.url + "/pay/nothing", "text/html").status_code == 404
    assert scan(process.url + "/pay/nothing").json()["code"] == "NO_ORDER"


def test_an_idle_connection_outlives_those_of_its_clients(process: Process) -> None:
    """Whoever keeps a connection for five seconds, as clients do, never asks over one that is just being closed."""
    line = http.client.HTTPConnection("127.0.0.1", process.port, timeout=PATIENCE_S)
    with contextlib.closing(line):
        for pause_s in (5.5, 0):
            line.request("GET", "/control/totals")
            assert line.getresponse().read()
            assert line.sock is not None, "it was told that the connection stays"
            time.sleep(pause_s)


def test_it_stops_with_status_0_and_starts_where_it_stopped(process: Process, merchant: Merchant) -> None:
    scan(opened(process, merchant))
    merchant.wait_for(1)
    assert process.stop(signal.SIGTERM) == 0
    process.start()
    assert process.totals()["orders_paid"] == 1
    assert process.stop(signal.SIGINT) == 0
    process.start()
    time.sleep(0.3)
    assert len(merchant.told) == 1  # what was acknowledged is not told again


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({}, "cannot listen on 127.0.0.1:"),
        ({"port": 0}, "is another sandpay using them?"),
        ({"merchant": "sandpay"}, "is not ID=PUBLIC_KEY_FILE"),
        ({"merchant": "a=b"}, "the key of merchant a cannot be read"),
    ],
)
def test_it_says_in_one_sentence_why_it_cannot_start(
    process: Process, changed: dict[str, Any], sentence: str
) -> None:  # fmt: skip
    again = replace(process, **changed)
    done = subprocess.run(again.command(), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert sentence in done.stderr
    assert done.stderr.startswith("sandpay: ")
    assert done.stderr.count("\n") == 1
