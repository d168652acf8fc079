"""The channel's own signatures, books (in memory) and pages."""

import base64
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openberth.sandbox.sandpay import pages, signing
from openberth.sandbox.sandpay.signing import SignatureRefused
from openberth.sandbox.sandpay.store import RETRY_S, AlreadyPaid, Conflict, Full, Notification, OrderRequest, Store

NOW = 1_790_000_000
WANTED = OrderRequest("A1", 500, "CNY", "停车费", "http://127.0.0.1:2/n", NOW + 60)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(Path(":memory:"), max_orders=3)
    yield opened
    opened.close()


def test_the_signed_text_is_the_one_of_the_guide() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of nothing, FIPS 180-2
    assert (
        signing.message("GET", "/v1/orders/A1?x=1", "12", "n", b"")
        == f"GET\n/v1/orders/A1?x=1\n12\nn\n{empty}\n".encode()
    )


@pytest.mark.parametrize(
    "header",
    [
        "",
        "id=a",
        "id=a,ts=1,nonce=0123456789abcdef,sig=",
        f"id=a,ts=1,nonce=short,sig={'A' * 86}==",
        f"id=a,ts=01,nonce=0123456789abcdef,sig={'A' * 86}==",
        f"id=a,ts=1,nonce=0123456789abcdef,sig={'A' * 85}B==",  # not canonical
        f"id=a,ts=1,nonce=0123456789abcdef,sig={'A' * 86}==,",
        f"id=a,ts=1,nonce=0123456789abcdef,sig={'A' * 86}==\n",
        f"id=a,ts=\u0661,nonce=0123456789abcdef,sig={'A' * 86}==",
        f"ts=1,id=a,nonce=0123456789abcdef,sig={'A' * 86}==",
    ],
)
def test_a_header_in_another_spelling_is_refused(header: str) -> None:
    with pytest.raises(SignatureRefused):
        signing.parse(header)


@pytest.mark.parametrize(("offset", "taken"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_a_signature_is_good_for_300_seconds(offset: int, taken: bool) -> None:
    key = Ed25519PrivateKey.generate()
    signature = signing.parse(signing.sign(key, "POST", "/n", b"x"))
    assert signature.id == "sandpay"
    assert base64.b64encode(signature.raw)
    now = int(signature.ts) + offset
    if taken:
        signing.verify(key.public_key(), signature, "POST", "/n", b"x", now)
    else:
        with pytest.raises(SignatureRefused, match="time stamp"):
            signing.verify(key.public_key(), signature, "POST", "/n", b"x", now)


def test_keys_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first = signing.own_key(tmp_path)
    assert signing.own_key(tmp_path).private_bytes_raw() == first.private_bytes_raw()
    assert (tmp_path / "sandpay.key").stat().st_mode & 0o777 == 0o600
    assert signing.merchant_key(tmp_path / "sandpay.pub") == first.public_key()


def test_an_order_is_made_once(store: Store) -> None:
    made = store.open("m1", WANTED, NOW)
    assert (made.state, made.request, made.paid_at) == ("open", WANTED, None)
    assert store.open("m1", WANTED, NOW + 1) == made
    with pytest.raises(Conflict):
        store.open("m1", replace(WANTED, amount_minor=501), NOW)
    assert store.open("m2", WANTED, NOW).order_id != made.order_id
    assert store.find("m3", "A1", NOW) is None


def test_orders_are_bounded(store: Store) -> None:
    for n in range(3):
        store.open("m1", replace(WANTED, out_trade_no=f"A{n}"), NOW)
    with pytest.raises(Full):
        store.open("m1", replace(WANTED, out_trade_no="A4"), NOW)
    assert store.open("m1", replace(WANTED, out_trade_no="A2"), NOW).state == "open"


def test_an_order_is_paid_once_and_not_closed_then(store: Store) -> None:
    code = store.open("m1", WANTED, NOW).code
    paid = store.pay(code, NOW + 1, 0, 1)
    assert paid is not None
    assert (paid.state, paid.paid_at) == ("paid", NOW + 1)
    assert store.pay(code, NOW + 2, 0, 1) == paid
    assert store.totals() == ({"CNY": 500}, 1)
    assert len(store.due(1, 10, set())[0]) == 1
    with pytest.raises(AlreadyPaid):
        store.close_order("m1", "A1", NOW + 2)


def test_an_order_expires_at_its_second(store: Store) -> None:
    code = store.open("m1", WANTED, NOW).code
    before, after = store.by_code(code, NOW + 59), store.by_code(code, NOW + 60)
    assert before is not None
    assert after is not None
    assert (before.state, after.state) == ("open", "closed")
    paid = store.pay(code, NOW, 0, 1)  # a clock set back does not open it again
    assert paid is not None
    assert paid.state == "closed"
    assert store.totals() == ({}, 0)
    assert store.pay("nothing", NOW, 0, 1) is None


def test_a_closed_order_stays_closed(store: Store) -> None:
    code = store.open("m1", WANTED, NOW).code
    for _ in range(2):
        closed = store.close_order("m1", "A1", NOW)
        assert closed is not None
        assert closed.state == "closed"
    paid = store.pay(code, NOW, 0, 1)
    assert paid is not None
    assert paid.state == "closed"
    assert store.close_order("m1", "A2", NOW) is None


def test_a_telling_is_tried_after_the_pauses_of_the_guide(store: Store) -> None:
    store.pay(store.open("m1", WANTED, NOW).code, NOW, 0, 1)
    at, pauses = 0, []
    while True:
        (due,), _ = store.due(at, 10, set())
        assert store.due(at, 10, {due.id}) == ([], None)
        store.told(due, at, False)
        _, following = store.due(at, 10, set())
        if following is None:
            break
        assert store.due(following - 1, 10, set()) == ([], following)
        pauses.append((following - at) // 1000)
        at = following
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64, 64] == list(RETRY_S)


def test_a_telling_ends_with_success(store: Store) -> None:
    store.pay(store.open("m1", WANTED, NOW).code, NOW, 5, 2)
    assert store.due(4, 10, set()) == ([], 5)
    first, second = store.due(5, 10, set())[0]
    assert isinstance(first, Notification)
    store.told(first, 5, True)
    assert store.due(5, 10, set()) == ([second], None)
    assert store.due(5, 0, set()) == ([], None)


def test_a_nonce_is_good_once_until_it_is_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openberth.sandbox.sandpay.store.MAX_NONCES", 2)
    assert store.use_nonce("m1", "a", NOW, NOW + 10)
    assert not store.use_nonce("m1", "a", NOW + 10, NOW + 20)
    assert store.use_nonce("m2", "a", NOW, NOW + 10)
    with pytest.raises(Full):
        store.use_nonce("m1", "b", NOW, NOW + 10)
    assert store.use_nonce("m1", "b", NOW + 11, NOW + 20)
    assert store.use_nonce("m1", "c", NOW + 11, NOW + 20)


def test_pages_show_what_was_paid_and_nothing_of_others(store: Store) -> None:
    order = store.open("m1", replace(WANTED, subject="<script>alert(1)</script>"), NOW)
    for page in (pages.paid(replace(order, paid_at=int(time.time()))), pages.closed(order), pages.ready(order)):
        assert "¥5.00" in page
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        assert "http" not in page
        assert 'lang="zh-CN"' in page
    assert "支付成功" in pages.paid(order)
    assert "Paid" in pages.paid(order)
    assert "没有这个订单" in pages.nowhere()


@pytest.mark.parametrize(
    ("minor", "currency", "text"), [(5, "CNY", "¥0.05"), (1234, "JPY", "¥1234"), (100, "MYR", "MYR 1.00")]
)
def test_amounts_are_written_as_people_read_them(minor: int, currency: str, text: str) -> None:
    assert pages.amount_text(minor, currency) == text
