"""The client of Sandpay, the sandbox payment channel (wire: ``docs/guides/sandpay.md``)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from openberth.contexts.payments.ports import (
    Acknowledgement,
    ChannelOrder,
    ChannelRefused,
    ChannelSpec,
    ChannelState,
    ChannelUnreachable,
    OpenedOrder,
    OrderState,
    PaidNotice,
    Scene,
)
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Malformed, Overloaded, Unknown
from openberth.kernel.money import Money
from openberth.kernel.time import SECOND_US, Clock, Instant
from openberth.providers import contracts, exchange
from openberth.providers.connections import connections
from openberth.providers.exchange import exchanged

NAME: Final = "sandpay"
SIGNATURE: Final = "Sandpay-Signature"
WINDOW_S = 300
TOTAL_S = 5
ANSWER_BYTES = 64 * 1024
NOTICE_BYTES = 16 * 1024
NONCES_HELD = 100_000

_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NONCE = re.compile(r"[A-Za-z0-9]{16,64}")
_TARGET = re.compile(r"/[!-~]{0,2047}")
_HEADER = re.compile(
    r"id=(?P<id>[A-Za-z0-9_-]{1,64}),ts=(?P<ts>[1-9][0-9]{0,11}),"
    r"nonce=(?P<nonce>[A-Za-z0-9]{16,64}),sig=(?P<sig>[A-Za-z0-9+/]{86}==)"
)

T = TypeVar("T")
_Minor = Annotated[int, msgspec.Meta(gt=0, le=10**15)]
_UnixSeconds = Annotated[int, msgspec.Meta(ge=0, le=10**11)]
_Transaction = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class _Opened(msgspec.Struct, frozen=True):
    order_id: str
    code_url: str
    state: str


_OPENED = Shape(_Opened)


class _Order(msgspec.Struct, frozen=True):
    out_trade_no: str
    state: str
    currency: str
    paid_minor: Annotated[int, msgspec.Meta(ge=0, le=10**15)]
    transaction_id: _Transaction | None = None
    paid_at: _UnixSeconds | None = None


_ORDER = Shape(_Order)


class _Notice(msgspec.Struct, frozen=True):
    event: str
    out_trade_no: str
    transaction_id: _Transaction
    amount_minor: _Minor
    currency: str
    paid_at: _UnixSeconds


_NOTICE = Shape(_Notice)


class _Refusal(msgspec.Struct, frozen=True):
    code: str


_REFUSAL = Shape(_Refusal)


class Sandpay:
    """One merchant's account at the sandbox channel: a ``Channel``.

    ``merchant_key`` is the merchant's Ed25519 private key and ``channel_key`` the channel's public key, both PEM.
    ``clock`` is the machine clock; ``nonces`` makes texts of 16-64 letters and digits that never repeat. Nonces of
    notifications are remembered in this process only: after a restart a replay is still recognised by its transaction.
    """

    def __init__(
        self,
        *,
        base_url: str,
        merchant: str,
        merchant_key: bytes,
        channel_key: bytes,
        notify_url: str,
        clock: Clock,
        nonces: Callable[[], str],
    ) -> None:
        private = serialization.load_pem_private_key(merchant_key, password=None)
        public = serialization.load_pem_public_key(channel_key)
        if not isinstance(private, Ed25519PrivateKey) or not isinstance(public, Ed25519PublicKey):
            raise ValueError("sandpay needs Ed25519 keys")
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or "@" in parts.netloc:
            raise ValueError("the address of sandpay is http(s)://HOST:PORT")
        if _NUMBER.fullmatch(merchant) is None:
            raise ValueError("a merchant id is 1-64 of [A-Za-z0-9_-]")
        self._base_url = base_url.rstrip("/")
        self._merchant = merchant
        self._private = private
        self._public = public
        self._notify_url = notify_url
        self._clock = clock
        self._nonces = nonces
        self._seen = _SeenNonces(NONCES_HELD)
        self._http = connections(TOTAL_S)

    def __repr__(self) -> str:
        return f"Sandpay({self._base_url!r}, merchant={self._merchant!r})"

    @property
    def name(self) -> str:
        """The word that attempts and receipts carry."""
        return NAME

    @property
    def scenes(self) -> frozenset[Scene]:
        """Where its payers stand: Sandpay has no app."""
        return frozenset((Scene.CODE, Scene.PAGE))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def open(self, order: ChannelOrder) -> OpenedOrder:
        """Make the order payable by its code; the scene ``app`` is refused, for Sandpay has no app."""
        if order.scene is Scene.APP:
            raise ChannelRefused(channel=NAME, reason="SCENE")
        wanted = {
            "out_trade_no": _checked_number(order.number),
            "amount_minor": order.amount.minor,
            "currency": order.amount.currency,
            "subject": order.subject,
            "notify_url": self._notify_url,
            "expires_at": order.expires_at // SECOND_US,
        }
        status, answer = await self._call("POST", "/v1/orders", msgspec.json.encode(wanted))
        if status != 201:
            raise _refused(status, answer)
        opened = _understood(answer, _OPENED)
        if opened.state == OrderState.CLOSED:
            raise ChannelRefused(channel=NAME, reason="ORDER_CLOSED")  # made before, and expired since
        if not opened.code_url.startswith(("http://", "https://")) or not opened.order_id:
            raise _unclear()
        url = opened.code_url
        if order.scene is Scene.PAGE and order.back is not None:
            url += "?" + urlencode({"return": order.back})
        return OpenedOrder(pay_url=url, channel_order=opened.order_id)

    async def query(self, number: str) -> ChannelState:
        """Ask what became of an order."""
        status, answer = await self._call("GET", f"/v1/orders/{_checked_number(number)}")
        return self._state(number, status, answer)

    async def close(self, number: str) -> ChannelState:
        """Make the order unpayable and return what it is then; a payer who was faster wins."""
        status, answer = await self._call("POST", f"/v1/orders/{_checked_number(number)}/close")
        if status == 409 and _reason(status, answer) == "ORDER_PAID":
            return await self.query(number)
        return self._state(number, status, answer)

    def read_notification(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> PaidNotice:
        """Prove and read a notification; see ``Channel``."""
        if len(body) > NOTICE_BYTES:
            raise Malformed("channel.bad_notice", channel=NAME)
        ts, nonce = self._proved(method, path, headers, body)
        now_s = self._clock.now() // SECOND_US
        if abs(now_s - ts) > WINDOW_S:
            raise Unknown("channel.stale", channel=NAME)
        if not self._seen.add(nonce, now_s, ts + WINDOW_S):
            raise Unknown("channel.replayed", channel=NAME)
        try:
            notice = _NOTICE.read(body)
            if notice.event != "order.paid":
                raise Malformed("channel.bad_notice", channel=NAME)
            paid = Money(notice.amount_minor, notice.currency)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Malformed("channel.bad_notice", channel=NAME) from error
        return PaidNotice(
            number=notice.out_trade_no,
            transaction=notice.transaction_id,
            paid=paid,
            paid_at=Instant(notice.paid_at * SECOND_US),
        )

    def acknowledgement(self) -> Acknowledgement:
        """Return the answer that ends the telling."""
        return Acknowledgement(200, "application/json", b'{"code":"SUCCESS"}')

    def _proved(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Return time stamp and nonce of a message that the channel signed, else raise ``Unknown``."""
        sent = [value for name, value in headers.items() if name.lower() == SIGNATURE.lower()]
        found = _HEADER.fullmatch(sent[0]) if len(sent) == 1 else None
        if found is None or found["id"] != NAME or _TARGET.fullmatch(path) is None:
            raise Unknown("channel.bad_signature", channel=NAME)
        try:
            signature = base64.b64decode(found["sig"], validate=True)
            if base64.b64encode(signature).decode() != found["sig"]:  # two spellings of one signature are one too many
                raise Unknown("channel.bad_signature", channel=NAME)
            self._public.verify(signature, signed_text(method, path, found["ts"], found["nonce"], body))
        except (binascii.Error, InvalidSignature) as error:
            raise Unknown("channel.bad_signature", channel=NAME) from error
        return int(found["ts"]), found["nonce"]

    def _state(self, number: str, status: int, answer: bytes) -> ChannelState:
        if status == 404 and _reason(status, answer) == "NO_ORDER":
            return ChannelState(number=number, state=OrderState.UNKNOWN)
        if status != 200:
            raise _refused(status, answer)
        order = _understood(answer, _ORDER)
        if order.out_trade_no != number:
            raise _unclear()
        if order.state in (OrderState.OPEN, OrderState.CLOSED):
            return ChannelState(number=number, state=OrderState(order.state))
        if (
            order.state != OrderState.PAID
            or order.transaction_id is None
            or order.paid_at is None
            or not order.paid_minor
        ):
            raise _unclear()
        try:
            paid = Money(order.paid_minor, order.currency)
        except ValueError as error:
            raise _unclear() from error
        return ChannelState(
            number=number,
            state=OrderState.PAID,
            paid=paid,
            transaction=order.transaction_id,
            paid_at=Instant(order.paid_at * SECOND_US),
        )

    async def _call(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send a signed request; return status and body of an answer that is one, else ``ChannelUnreachable``."""
        request = self._http.build_request(method, self._base_url + path, content=body or None)
        if body:
            request.headers["Content-Type"] = "application/json"
        target = request.url.raw_path.decode("ascii")  # what goes over the wire is what is signed
        request.headers[SIGNATURE] = self._signed(method, target, body)
        status, _, answer = await exchanged(
            self._http, request, channel=NAME, within_s=TOTAL_S, most_bytes=ANSWER_BYTES
        )
        if status >= 500 or status == 408:
            raise exchange.unreachable(NAME)
        if not (200 <= status < 300 or 400 <= status < 500):
            raise _unclear()
        return status, answer

    def _signed(self, method: str, target: str, body: bytes) -> str:
        ts, nonce = str(self._clock.now() // SECOND_US), self._nonces()
        if _NONCE.fullmatch(nonce) is None:
            raise ValueError("the nonce source must make 16-64 letters and digits")
        signature = base64.b64encode(self._private.sign(signed_text(method, target, ts, nonce, body))).decode()
        return f"id={self._merchant},ts={ts},nonce={nonce},sig={signature}"


class SandpayMaker:
    """Makes the channels of contracts with Sandpay: ``url``, ``merchant``, ``channel_key`` and the secret
    ``merchant_key``, keys as PEM. It is a sandbox, so production refuses it.
    """

    def __init__(self, clock: Clock, nonces: Callable[[], str]) -> None:
        self._clock = clock
        self._nonces = nonces

    def check(self, params: Mapping[str, Any], secrets: Mapping[str, str], *, production: bool) -> None:
        """Refuse what no channel can be made of; see ``ChannelMaker``."""
        if production:
            raise Malformed("channel.sandbox", channel=NAME)
        contracts.only(("url", "merchant", "channel_key"), params)
        contracts.only(("merchant_key",), secrets)
        contracts.web_address(params, "url", production=production)
        contracts.key("merchant_key", lambda: self.make(ChannelSpec(params=params, secrets=secrets, notify_url="")))

    def make(self, spec: ChannelSpec) -> Sandpay:
        """Return the channel of a contract."""
        return Sandpay(
            base_url=contracts.text(spec.params, "url"), merchant=contracts.text(spec.params, "merchant"),
            merchant_key=contracts.text(spec.secrets, "merchant_key", longest=3_000).encode(),
            channel_key=contracts.text(spec.params, "channel_key", longest=3_000).encode(),
            notify_url=spec.notify_url, clock=self._clock, nonces=self._nonces,
        )  # fmt: skip


class _SeenNonces:
    """The nonces of proven messages until they are too old to be accepted anyway, at most ``bound`` of them."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._forget_at: dict[str, int] = {}  # in the order of arrival

    def add(self, nonce: str, now_s: int, forget_at_s: int) -> bool:
        """Remember a nonce; False when it is known. Forgetting early would let replays in, so a full memory refuses."""
        if nonce in self._forget_at:
            return False
        for old in list(
            islice(self._forget_at, 2)
        ):  # two out for one in: the memory shrinks by itself, without a sweep
            if self._forget_at[old] < now_s:
                del self._forget_at[old]
        if len(self._forget_at) >= self._bound:
            raise Overloaded("channel.too_many_notices", channel=NAME)
        self._forget_at[nonce] = forget_at_s
        return True


def signed_text(method: str, target: str, ts: str, nonce: str, body: bytes) -> bytes:
    """Return what is signed: method, path with query, time stamp, nonce and hex SHA-256 of the body, each on a line."""
    return "\n".join((method, target, ts, nonce, hashlib.sha256(body).hexdigest(), "")).encode()


def _checked_number(number: str) -> str:
    if _NUMBER.fullmatch(number) is None:
        raise ValueError("an order number is 1-64 of [A-Za-z0-9_-]")
    return number


def _understood(answer: bytes, shape: Shape[T]) -> T:
    try:
        return shape.read(answer)
    except (msgspec.MsgspecError, ValueError) as error:
        raise _unclear() from error


def _reason(status: int, answer: bytes) -> str:
    try:
        return _REFUSAL.read(answer).code[:64]
    except (msgspec.MsgspecError, ValueError):
        return f"HTTP_{status}"


def _refused(status: int, answer: bytes) -> ChannelRefused | ChannelUnreachable:
    if 200 <= status < 300:
        return _unclear()
    return ChannelRefused(channel=NAME, reason=_reason(status, answer))


def _unclear() -> ChannelUnreachable:
    return exchange.unclear(NAME)
