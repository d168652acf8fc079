"""Carrying signed requests to Alipay's gateway and proving its answers.

What is not proved is not believed: an unsigned error (Alipay sends them), a server error or a time-out leaves the
outcome unknown, and the caller asks again by the same number.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx2
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from openberth.contexts.payments.ports import ChannelRefused, ChannelUnreachable
from openberth.infra.shapes import Shape
from openberth.kernel.time import Clock
from openberth.providers import exchange
from openberth.providers.alipay import envelope, signing
from openberth.providers.alipay.amounts import wall_text
from openberth.providers.alipay.signing import NAME, Trust
from openberth.providers.connections import connections
from openberth.providers.exchange import exchanged

TOTAL_S = 8
ANSWER_BYTES = 256 * 1024
CHARSET, GATEWAY = "utf-8", "/gateway.do"
DONE, UNKNOWN = "10000", "20000"
FILES = (".alipay.com", ".alipaydev.com")  # the bill centre has a name of its own

T = TypeVar("T")
log = structlog.get_logger()


class Refusal(msgspec.Struct, frozen=True):
    """What every answer says about itself; ``sub_code`` is the reason of a refusal."""

    code: str
    sub_code: str = ""


REFUSAL = Shape(Refusal)


class Identity(NamedTuple):
    """Who asks. ``token`` is a merchant's consent to a service provider; the serials are those of certificate mode."""

    app_id: str
    key: RSAPrivateKey
    token: str | None = None
    certificate: str | None = None
    roots: str | None = None


class Client:
    """Requests of one identity."""

    def __init__(self, *, base_url: str, identity: Identity, trust: Trust, clock: Clock) -> None:
        self._base_url = base_url
        self._gateway = base_url + GATEWAY
        self._me = identity
        self._trust = trust
        self._clock = clock
        self._http = connections(TOTAL_S, accept=None)

    def __repr__(self) -> str:
        return f"Client({self._base_url!r}, app_id={self._me.app_id!r})"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(self, method: str, asked: Mapping[str, Any], shape: Shape[T], *, notify_url: str = "") -> T:
        """Ask and return the proved answer as a shape.

        Raises ``ChannelUnreachable``, and ``ChannelRefused`` with Alipay's own ``sub_code``.
        """
        form = await asyncio.to_thread(self._signed, method, asked, {"notify_url": notify_url})
        body = await self._send("POST", f"{self._gateway}?charset={CHARSET}", form, ANSWER_BYTES)
        return self._read(method, body, shape)

    async def page(self, method: str, asked: Mapping[str, Any], *, notify_url: str, return_url: str | None) -> str:
        """Return a signed address that a browser opens; nothing is sent and nothing is known of it yet."""
        more = {"notify_url": notify_url} | ({} if return_url is None else {"return_url": return_url})
        form = await asyncio.to_thread(self._signed, method, asked, more)
        return f"{self._gateway}?{urlencode(form)}"

    async def download(self, url: str, *, most_bytes: int) -> bytes:
        """Return a file that a proved answer pointed to, from Alipay and nowhere else. It is not signed."""
        return await self._send("GET", self._of_alipay(url), None, most_bytes)

    def _of_alipay(self, url: str) -> str:
        try:
            ours, theirs = urlsplit(self._base_url), urlsplit(url)
            host = theirs.hostname or ""
            if (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc):
                return url
            if host.endswith(FILES) and theirs.netloc == host and theirs.scheme in ("http", "https"):
                return urlunsplit(theirs._replace(scheme="https"))  # the bill centre is still named in plain http
        except ValueError:
            pass
        raise unclear()

    def _signed(self, method: str, asked: Mapping[str, Any], more: Mapping[str, str]) -> dict[str, str]:
        me = self._me
        fields = {
            "app_id": me.app_id, "method": method, "format": "JSON", "charset": CHARSET, "version": "1.0",
            "sign_type": signing.SIGN_TYPE, "timestamp": wall_text(self._clock.now()),
            "app_auth_token": me.token or "", "app_cert_sn": me.certificate or "",
            "alipay_root_cert_sn": me.roots or "", **more, "biz_content": msgspec.json.encode(asked).decode(),
        }  # fmt: skip
        given = {name: value for name, value in fields.items() if value}
        return {**given, "sign": signing.sign(me.key, signing.content(given))}

    def _read(self, method: str, body: bytes, shape: Shape[T]) -> T:
        try:
            answer = envelope.opened(body, method)
            said = REFUSAL.read(answer.node)
        except (msgspec.MsgspecError, ValueError) as error:
            raise unclear() from error
        if not self._trust.prove(answer.signed, answer.signature, answer.certificate):
            log.warning("alipay.answer_not_proved", method=method, code=said.code[:16], sub_code=said.sub_code[:64])
            raise unclear()
        if said.code != DONE:
            raise _problem(said)
        try:
            return shape.read(answer.node)
        except (msgspec.MsgspecError, ValueError) as error:
            raise unclear() from error

    async def _send(self, verb: str, url: str, form: Mapping[str, str] | None, most_bytes: int) -> bytes:
        try:
            request = self._http.build_request(verb, url, data=form)
        except httpx2.InvalidURL as error:
            raise exchange.unreachable(NAME) from error
        status, _, answer = await exchanged(self._http, request, channel=NAME, within_s=TOTAL_S, most_bytes=most_bytes)
        if status != 200:
            raise exchange.unreachable(NAME)
        return answer


def unclear() -> ChannelUnreachable:
    """Return what an answer is that cannot be understood."""
    return exchange.unclear(NAME)


def _problem(said: Refusal) -> ChannelUnreachable | ChannelRefused:
    """Return what a proved answer means that is none: Alipay does not always know itself what it has done."""
    reason = said.sub_code or said.code
    if said.code == UNKNOWN or reason.endswith("SYSTEM_ERROR") or reason.startswith("isp.unknow"):
        return exchange.unreachable(NAME)
    return ChannelRefused(channel=NAME, reason=reason[:64])
