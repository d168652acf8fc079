"""The signature text and the reading of notifications, without a socket.

The key pair is test 1 of RFC 8032 section 7.1; the signature was made by ``openssl pkeyutl -sign -rawin``.
"""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from openberth.contexts.payments.ports import Acknowledgement, ChannelState, OrderState, PaidNotice
from openberth.kernel.errors import Malformed, Overloaded, Problem, Unknown
from openberth.kernel.money import Money
from openberth.kernel.time import SECOND_US, Instant
from openberth.providers import sandpay
from openberth.providers.sandpay import Sandpay, signed_text

PRIVATE = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
PUBLIC = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
"""
PATH = "/channels/sandpay/notify?lot=1"
BODY = (
    b'{"event":"order.paid","out_trade_no":"A1","transaction_id":"ST1","amount_minor":500,"currency":"CNY",'
    b'"paid_at":1790000000}'
)
SIGNED = (
    "id=sandpay,ts=1790000001,nonce=0123456789abcdef,"
    "sig=oDqA0DuhNYRCXGLECpu5lzVw3ZUpS6Yen50CEZAYFdTsZYSZqCwumc6vkgsVOmKQXBkmn2yWUaDw5YPt7I2nBQ=="
)
NOTICE = PaidNotice(
    number="A1", transaction="ST1", paid=Money(500, "CNY"), paid_at=Instant(1_790_000_000 * SECOND_US)
)  # fmt: skip


class FixedClock:
    def __init__(self, seconds: int = 1_790_000_001) -> None:
        self.seconds = seconds

    def now(self) -> Instant:
        return Instant(self.seconds * SECOND_US)


def a_channel(clock: FixedClock | None = None, **changed: Any) -> Sandpay:
    options: dict[str, Any] = {
        "base_url": "http://127.0.0.1:1",
        "merchant": "openberth",
        "merchant_key": PRIVATE,
        "channel_key": PUBLIC,
        "notify_url": f"http://127.0.0.1:2{PATH}",
        "clock": clock or FixedClock(),
        "nonces": lambda: "0" * 16,
    }
    return Sandpay(**options | changed)


def signed(body: bytes, nonce: str = "f" * 16, ts: str = "1790000001") -> dict[str, str]:
    key = serialization.load_pem_private_key(PRIVATE, None)
    assert isinstance(key, Ed25519PrivateKey)
    signature = base64.b64encode(key.sign(signed_text("POST", PATH, ts, nonce, body))).decode()
    return {"Sandpay-Signature": f"id=sandpay,ts={ts},nonce={nonce},sig={signature}"}


def refused(call: Callable[[], object], kind: type[Problem], code: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.params == {"channel": "sandpay"}


def test_the_signed_text_is_the_one_of_the_guide() -> None:
    digest = "ba9145bbbd5427c45242c9368cc55850b6341794ee975a53857068db263e42d6"
    expected = f"POST\n{PATH}\n1790000001\n0123456789abcdef\n{digest}\n".encode()
    assert signed_text("POST", PATH, "1790000001", "0123456789abcdef", BODY) == expected


@pytest.mark.parametrize("header", ["Sandpay-Signature", "sandpay-signature"])
def test_a_notification_signed_elsewhere_is_read(header: str) -> None:
    assert a_channel().read_notification("POST", PATH, {header: SIGNED, "Host": "x"}, BODY) == NOTICE


@pytest.mark.parametrize(
    ("method", "path", "header", "body"),
    [
        ("PUT", PATH, SIGNED, BODY),
        ("POST", PATH.replace("lot=1", "lot=2"), SIGNED, BODY),
        ("POST", "/channels/sandpay/notify", SIGNED, BODY),
        ("POST", PATH, SIGNED, BODY.replace(b"500", b"501")),
        ("POST", PATH, SIGNED.replace("1790000001", "1790000002"), BODY),
        ("POST", PATH, SIGNED.replace("abcdef", "abcdeg"), BODY),
        ("POST", PATH, SIGNED.replace("id=sandpay", "id=openberth"), BODY),
        ("POST", PATH, SIGNED.replace("nBQ==", "nBR=="), BODY),  # the same 64 bytes in another spelling
        ("POST", PATH, SIGNED.replace("ts=17", "ts=017"), BODY),
        ("POST", PATH, SIGNED + " ", BODY),
        ("POST", PATH, SIGNED + "\n", BODY),
        ("POST", PATH, SIGNED.replace("oDqA", "AAAA"), BODY),
        ("POST", PATH, "", BODY),
        ("POST", PATH + "\n", SIGNED, BODY),
    ],
)
def test_an_altered_notification_is_not_proved(method: str, path: str, header: str, body: bytes) -> None:
    channel = a_channel()
    headers = {"Sandpay-Signature": header}
    refused(lambda: channel.read_notification(method, path, headers, body), Unknown, "channel.bad_signature")


def test_two_signatures_or_none_prove_nothing() -> None:
    channel = a_channel()
    both = {"Sandpay-Signature": SIGNED, "sandpay-signature": SIGNED}
    refused(lambda: channel.read_notification("POST", PATH, both, BODY), Unknown, "channel.bad_signature")
    refused(lambda: channel.read_notification("POST", PATH, {}, BODY), Unknown, "channel.bad_signature")


@pytest.mark.parametrize(("offset", "taken"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_a_notification_is_taken_within_300_seconds(offset: int, taken: bool) -> None:
    channel = a_channel(FixedClock(1_790_000_001 + offset))
    headers = {"Sandpay-Signature": SIGNED}
    if taken:
        assert channel.read_notification("POST", PATH, headers, BODY) == NOTICE
    else:
        refused(lambda: channel.read_notification("POST", PATH, headers, BODY), Unknown, "channel.stale")


def test_a_replayed_notification_is_refused_as_long_as_it_is_fresh() -> None:
    clock = FixedClock(1_790_000_001 - 300)
    channel = a_channel(clock)
    headers = {"Sandpay-Signature": SIGNED}
    channel.read_notification("POST", PATH, headers, BODY)
    for n in range(20):  # others in between do not make it forget
        channel.read_notification("POST", PATH, signed(BODY, f"{n:016d}", str(clock.seconds)), BODY)
    for seconds in (clock.seconds, 1_790_000_001, 1_790_000_301):
        clock.seconds = seconds
        refused(lambda: channel.read_notification("POST", PATH, headers, BODY), Unknown, "channel.replayed")
    clock.seconds = 1_790_000_302
    refused(lambda: channel.read_notification("POST", PATH, headers, BODY), Unknown, "channel.stale")


def test_the_memory_of_nonces_is_bounded_and_never_forgets_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandpay, "NONCES_HELD", 3)
    clock = FixedClock()
    channel = a_channel(clock)

    def read(nonce: str) -> PaidNotice:
        return channel.read_notification("POST", PATH, signed(BODY, nonce * 16, str(clock.seconds)), BODY)

    for nonce in "abc":
        read(nonce)
    refused(lambda: read("d"), Overloaded, "channel.too_many_notices")
    refused(lambda: read("a"), Unknown, "channel.replayed")
    clock.seconds += 301
    assert read("d") == NOTICE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        BODY.replace(b"order.paid", b"order.lost"),
        BODY.replace(b"500", b"-5"),
        BODY.replace(b"500", b"0"),
        BODY.replace(b"500", b"5.0"),
        BODY.replace(b"500", b'"500"'),
        BODY.replace(b"500", b"1" * 30),
        BODY.replace(b"1790000000", b"9" * 15),
        BODY.replace(b'"ST1"', b'""'),
        BODY.replace(b'"ST1"', b"null"),
        BODY.replace(b"CNY", b"XXX"),
        b"[" * 5000,
        b" " * 20_000,
    ],
)
def test_a_proved_notification_that_makes_no_sense_is_malformed(body: bytes) -> None:
    channel = a_channel()
    refused(lambda: channel.read_notification("POST", PATH, signed(body), body), Malformed, "channel.bad_notice")


def test_the_answer_that_ends_the_telling() -> None:
    assert a_channel().acknowledgement() == Acknowledgement(200, "application/json", b'{"code":"SUCCESS"}')
    assert a_channel().name == "sandpay"


def test_no_secret_is_shown() -> None:
    assert repr(a_channel()) == "Sandpay('http://127.0.0.1:1', merchant='openberth')"


def other_keys() -> Iterator[dict[str, Any]]:
    rsa = generate_private_key(65537, 2048)
    no_password = serialization.NoEncryption()
    yield {
        "merchant_key": rsa.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    }
    yield {
        "channel_key": rsa.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    }
    yield {"merchant_key": b"nonsense"}
    yield {"merchant": "a b"}
    for url in ("ftp://x", "http://", "http://user:word@x", "http://x?y", "x"):
        yield {"base_url": url}


def test_nonsense_settings_are_refused_at_once() -> None:
    for changed in other_keys():
        with pytest.raises(ValueError, match=r".") as caught:
            a_channel(**changed)
        assert "word" not in str(caught.value)


def test_a_channel_state_cannot_be_half_paid() -> None:
    with pytest.raises(ValueError, match="paid order"):
        ChannelState(number="A1", state=OrderState.PAID)
    with pytest.raises(ValueError, match="paid order"):
        ChannelState(number="A1", state=OrderState.OPEN, transaction="T")
