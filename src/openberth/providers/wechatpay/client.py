"""Carrying signed requests to WeChat Pay and proving its answers.

What is not proved is not believed: an unsigned error, a server error or a time-out leaves the outcome unknown, and the
caller asks again by the same number.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from openberth.contexts.payments.ports import ChannelRefused, ChannelUnreachable
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Problem
from openberth.kernel.time import HOUR_US, SECOND_US, Clock, Instant
from openberth.providers import exchange
from openberth.providers.connections import connections
from openberth.providers.exchange import exchanged
from openberth.providers.wechatpay import signing
from openberth.providers.wechatpay.signing import NAME

TOTAL_S = 8
ANSWER_BYTES = 256 * 1024
CERTIFICATES_US = 12 * HOUR_US
PUBLIC_KEY_PREFIX = "PUB_KEY_ID_"

T = TypeVar("T")
log = structlog.get_logger()


class Refusal(msgspec.Struct, frozen=True):
    """What an error says."""

    code: str
    message: str = ""


REFUSAL = Shape(Refusal)


class _Sealed(msgspec.Struct, frozen=True):
    nonce: str
    ciphertext: str
    associated_data: str = ""


class _Certificate(msgspec.Struct, frozen=True):
    serial_no: str
    encrypt_certificate: _Sealed


class _Certificates(msgspec.Struct, frozen=True):
    data: list[_Certificate]


_CERTIFICATES = Shape(_Certificates)


class Identity(NamedTuple):
    """Who asks: the merchant, or the service provider, whose key it is."""

    mchid: str
    serial: str
    key: RSAPrivateKey
    api_key: bytes


class Answer(NamedTuple):
    """A proved answer that is no error."""

    status: int
    body: bytes

    def read(self, shape: Shape[T]) -> T:
        """Return the body as a shape. Raises ``ChannelUnreachable("channel.unclear")``."""
        try:
            return shape.read(self.body)
        except (msgspec.MsgspecError, ValueError) as error:
            raise unclear() from error


class Client:
    """Requests of one identity. ``keys`` are WeChat Pay's keys by serial; with none of them the platform's certificates
    are fetched by a timer.
    """

    def __init__(
        self, *, base_url: str, identity: Identity, keys: Mapping[str, RSAPublicKey], clock: Clock,
        nonces: Callable[[], str],
    ) -> None:  # fmt: skip
        self._base_url = base_url
        self._me = identity
        self._clock = clock
        self._nonces = nonces
        self._fixed = dict(keys)
        self._fetched: dict[str, RSAPublicKey] = {}
        self._fetched_at: Instant | None = None
        self._wanted = next((serial for serial in keys if serial.startswith(PUBLIC_KEY_PREFIX)), None)
        self._http = connections(TOTAL_S)

    def __repr__(self) -> str:
        return f"Client({self._base_url!r}, mchid={self._me.mchid!r})"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    @property
    def keys(self) -> Mapping[str, RSAPublicKey]:
        """Return the keys that messages may be signed with: while WeChat Pay changes over, both kinds."""
        return self._fixed | self._fetched

    async def get(self, path: str, query: Mapping[str, str]) -> Answer:
        """Ask; raises ``ChannelUnreachable`` and ``ChannelRefused`` with WeChat Pay's own code."""
        await self._know_certificates()
        return await self._call("GET", f"{path}?{urlencode(query)}" if query else path)

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Ask for something to be done; raises as ``get`` does."""
        await self._know_certificates()
        return await self._call("POST", path, msgspec.json.encode(body))

    async def download(self, url: str, *, most_bytes: int) -> bytes:
        """Return a file that an answer pointed to, from WeChat Pay itself and nowhere else. It is not signed."""
        ours, theirs = urlsplit(self._base_url), urlsplit(url)
        if (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc):
            raise unclear()
        target = theirs.path + (f"?{theirs.query}" if theirs.query else "")
        status, _, body = await self._send("GET", target, b"", most_bytes)
        if status != 200:
            raise exchange.unreachable(NAME)
        return body

    async def _know_certificates(self) -> None:
        """Fetch the platform's certificates when they are wanted and old."""
        now = self._clock.now()
        if self._wanted is not None or (self._fetched_at is not None and now - self._fetched_at < CERTIFICATES_US):
            return
        status, headers, body = await self._send("GET", "/v3/certificates", b"", ANSWER_BYTES)
        if status != 200:
            raise self._problem(status, body, is_proved=False)
        found = Answer(status, body).read(_CERTIFICATES)
        keys = {one.serial_no: self._unsealed(one.encrypt_certificate) for one in found.data}
        # Only who holds our key can have sealed them, and one of them signed the answer.
        self._prove(keys, headers, body)
        self._fetched, self._fetched_at = keys, now

    def _unsealed(self, sealed: _Sealed) -> RSAPublicKey:
        try:
            pem = signing.unseal(
                self._me.api_key, nonce=sealed.nonce, ciphertext=sealed.ciphertext, associated=sealed.associated_data
            )
            return signing.public_key_of(pem.decode())
        except (Problem, ValueError) as error:
            raise unclear() from error

    async def _call(self, method: str, target: str, body: bytes = b"") -> Answer:
        status, headers, answer = await self._send(method, target, body, ANSWER_BYTES)
        is_proved = self._is_proved(headers, answer)
        if 200 <= status < 300 and is_proved:
            return Answer(status, answer)
        raise self._problem(status, answer, is_proved=is_proved)

    def _problem(self, status: int, answer: bytes, *, is_proved: bool) -> ChannelUnreachable | ChannelRefused:
        if status >= 500 or status in (408, 429):
            return exchange.unreachable(NAME)
        if not 400 <= status < 500 or not is_proved:
            return unclear()
        try:
            return ChannelRefused(channel=NAME, reason=REFUSAL.read(answer).code[:64])
        except (msgspec.MsgspecError, ValueError):
            return ChannelRefused(channel=NAME, reason=f"HTTP_{status}")

    def _is_proved(self, headers: Mapping[str, str], answer: bytes) -> bool:
        try:
            signing.verify(self.keys, headers, answer, now_s=self._clock.now() // SECOND_US)
        except Problem as problem:
            log.warning("wechatpay.answer_not_proved", code=problem.code, request=headers.get("request-id", "")[:80])
            return False
        return True

    def _prove(self, keys: Mapping[str, RSAPublicKey], headers: Mapping[str, str], answer: bytes) -> None:
        try:
            signing.verify(keys, headers, answer, now_s=self._clock.now() // SECOND_US)
        except Problem as error:
            raise unclear() from error

    async def _send(
        self, method: str, target: str, body: bytes, most_bytes: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        request = self._http.build_request(method, self._base_url + target, content=body or None)
        if body:
            request.headers["Content-Type"] = "application/json"
        if self._wanted is not None:
            request.headers["Wechatpay-Serial"] = self._wanted
        sent = request.url.raw_path.decode("ascii")  # what goes over the wire is what is signed
        request.headers["Authorization"] = await asyncio.to_thread(self._authorization, method, sent, body)
        status, headers, answer = await exchanged(
            self._http, request, channel=NAME, within_s=TOTAL_S, most_bytes=most_bytes
        )
        if status >= 400:
            # Its last number is the true reason, and what WeChat Pay asks for first.
            log.info("wechatpay.refused", status=status, request=headers.get("request-id", "")[:80])
        return status, headers, answer

    def _authorization(self, method: str, target: str, body: bytes) -> str:
        me, ts = self._me, str(self._clock.now() // SECOND_US)
        return signing.authorization(
            me.key, mchid=me.mchid, serial=me.serial, method=method, target=target, ts=ts, nonce=self._nonces(),
            body=body,
        )  # fmt: skip


def unclear() -> ChannelUnreachable:
    """Return what an answer is that cannot be understood."""
    return exchange.unclear(NAME)
