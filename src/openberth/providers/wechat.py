"""WeChat vouches for the users of a mini-program: who a login code is, which phone number a phone code stands for.

Wire: ``jscode2session``, ``stable_token`` and ``getuserphonenumber`` of api.weixin.qq.com. Every answer has status 200
and an ``errcode``, and some are JSON that says it is ``text/plain``: the bytes are read as JSON whatever they claim.

The interface token comes from ``stable_token``, which gives every process the same one while it holds, so processes
need not agree on who fetches. Inside a process one fetches at a time; five minutes before its end it is renewed; told
that it is not valid (40001, 42001), it is refreshed by force once and the call repeated once.
"""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import httpx2
import msgspec
import structlog

from openberth.kernel.errors import Denied, Overloaded, Problem, Refused, Unknown
from openberth.kernel.persons import InvalidPerson, Phone
from openberth.kernel.time import SECOND_US, Clock, Instant

CONNECT_S, TOTAL_S = 3, 5
ANSWER_BYTES = 64 * 1024
RENEWED_BEFORE_US = 300 * SECOND_US
FORCED_EVERY_US = 30 * SECOND_US  # WeChat refuses more
CODE_MAX = 200
BUSY = frozenset((-1, 45009, 45011))
WRONG_CODE = frozenset((40029, 40163))
WRONG_TOKEN = frozenset((40001, 40014, 42001))
BLOCKED: Final = 40226

log = structlog.get_logger()
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class Wechat:
    """One mini-program: a ``Vouching``. ``clock`` is the machine clock."""

    def __init__(self, *, base_url: str, appid: str, secret: str, clock: Clock) -> None:
        self._base_url = base_url.rstrip("/")
        self._appid = appid
        self._secret = secret
        self._clock = clock
        self._token: str | None = None
        self._token_until = Instant(0)
        self._forced_at: Instant | None = None
        self._fetching = asyncio.Lock()
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(TOTAL_S, connect=CONNECT_S, pool=CONNECT_S),
            limits=httpx2.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=3),
            headers={"Accept-Encoding": "identity", "User-Agent": "openberth"},
            trust_env=False,
        )

    def __repr__(self) -> str:
        return f"Wechat({self._base_url!r}, appid={self._appid!r})"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def openid_of(self, code: str) -> str:
        """Return who a login code stands for, as ``appid:openid``. The session key is dropped: we need none."""
        query = {
            "appid": self._appid, "secret": self._secret, "js_code": _checked(code), "grant_type": "authorization_code",
        }  # fmt: skip
        said = await self._ask("GET", "/sns/jscode2session", query=query)
        _raise_for(said)
        openid = said.get("openid")
        if not isinstance(openid, str) or not 1 <= len(openid) <= 128:
            raise _busy("openid")
        return f"{self._appid}:{openid}"

    async def phone_of(self, code: str) -> str:
        """Return the phone number that a phone code stands for, e.g. ``+8613800138000``."""
        said = await self._with_token("/wxa/business/getuserphonenumber", {"code": _checked(code)})
        _raise_for(said)
        info = said.get("phone_info")
        if not isinstance(info, dict) or not isinstance(info.get("watermark"), dict):
            raise _busy("phone_info")
        if info["watermark"].get("appid") != self._appid:
            raise Unknown("wechat.code")  # of another mini-program
        country, number = str(info.get("countryCode", "")), str(info.get("purePhoneNumber", ""))
        try:
            return Phone(f"+{country}{number}").text
        except InvalidPerson:
            raise _busy("phone_info") from None

    async def _with_token(self, path: str, body: Mapping[str, str]) -> Mapping[str, Any]:
        token = await self._fetched()
        said = await self._ask("POST", path, query={"access_token": token}, body=body)
        if said.get("errcode") in WRONG_TOKEN:
            token = await self._fetched(instead_of=token)
            said = await self._ask("POST", path, query={"access_token": token}, body=body)
        return said

    async def _fetched(self, *, instead_of: str | None = None) -> str:
        """Return the token; ``instead_of`` is one that was refused: unless somebody was faster, another is forced."""
        async with self._fetching:
            now = self._clock.now()
            if self._token is not None and self._token != instead_of and now < self._token_until:
                return self._token
            force = instead_of is not None and self._token == instead_of
            if force and self._forced_at is not None and now - self._forced_at < FORCED_EVERY_US:
                raise _busy("token")
            body = {
                "grant_type": "client_credential", "appid": self._appid, "secret": self._secret, "force_refresh": force,
            }  # fmt: skip
            said = await self._ask("POST", "/cgi-bin/stable_token", body=body)
            _raise_for(said)
            token, span = said.get("access_token"), said.get("expires_in")
            if not isinstance(token, str) or not isinstance(span, int) or not token:
                raise _busy("token")
            if force:
                self._forced_at = now
            self._token = token
            self._token_until = Instant(now + max(span * SECOND_US - RENEWED_BEFORE_US, SECOND_US))
            return token

    async def _ask(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(TOTAL_S):
                status, content = await self._received(method, path, query, body)
            said = _DECODER.decode(content)
        except (httpx2.HTTPError, TimeoutError, msgspec.DecodeError) as error:
            # "from None": the error quotes the address, which holds the secret.
            log.warning("wechat.unreachable", path=path, error=type(error).__name__)
            raise Overloaded("wechat.busy", retry_after_s=5) from None
        if status != 200 or not isinstance(said, dict):
            raise _busy(path)
        return said

    async def _received(
        self, method: str, path: str, query: Mapping[str, str] | None, body: object
    ) -> tuple[int, bytes]:
        content = b""
        async with self._http.stream(method, f"{self._base_url}{path}", params=query, json=body) as answer:
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > ANSWER_BYTES:
                    raise _busy("size")
        return answer.status_code, content


def _checked(code: str) -> str:
    if not 1 <= len(code) <= CODE_MAX or not code.isascii() or not code.isprintable():
        raise Unknown("wechat.code")
    return code


def _raise_for(said: Mapping[str, Any]) -> None:
    code = said.get("errcode", 0)
    if code == 0:
        return
    log.warning("wechat.refused", errcode=code)
    raise _problem(code)


def _problem(code: object) -> Problem:
    if code in WRONG_CODE:
        return Unknown("wechat.code")
    if code == BLOCKED:
        return Denied("wechat.blocked")
    if code in BUSY or code in WRONG_TOKEN:
        return Overloaded("wechat.busy", retry_after_s=60 if code == 45011 else 5)
    return Refused("wechat.refused", errcode=code if isinstance(code, int) else None)


def _busy(what: str) -> Overloaded:
    log.warning("wechat.unclear", what=what)
    return Overloaded("wechat.busy", retry_after_s=5)
