"""The interface of api.weixin.qq.com: asked in bounded time for answers of bounded size, its refusals in our words.

Every answer has status 200 and, unless all is well, an ``errcode``; some are JSON that says it is ``text/plain``, so
the bytes are read as JSON whatever they claim.
"""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import httpx2
import msgspec
import structlog

from openberth.kernel.errors import Denied, Overloaded, Problem, Refused, Unknown
from openberth.providers.connections import connections

TOTAL_S = 5
ANSWER_BYTES = 64 * 1024
CODE_MAX = 200
OPENID_MAX = 128
BUSY = frozenset((-1, 45009, 45011))
WRONG_CODE = frozenset((40029, 40163))
WRONG_TOKEN = frozenset((40001, 40014, 42001))
BLOCKED: Final = 40226

log = structlog.get_logger()
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class WeixinApi:
    """The connections to it; calls are never repeated by themselves."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = connections(TOTAL_S, accept=None)

    def __repr__(self) -> str:
        return f"WeixinApi({self._base_url!r})"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> Mapping[str, Any]:
        """Return what it says, a refusal included. Raises ``Overloaded("wechat.busy")`` for no usable answer."""
        try:
            async with asyncio.timeout(TOTAL_S):
                status, content = await self._received(method, path, query, body)
            said = _DECODER.decode(content)
        except (httpx2.HTTPError, TimeoutError, msgspec.DecodeError) as error:
            # "from None": the error quotes the address, which holds the secret.
            log.warning("wechat.unreachable", path=path, error=type(error).__name__)
            raise Overloaded("wechat.busy", retry_after_s=5) from None
        if status != 200 or not isinstance(said, dict):
            raise unusable(path)
        return said

    async def _received(
        self, method: str, path: str, query: Mapping[str, str] | None, body: object
    ) -> tuple[int, bytes]:
        content = b""
        async with self._http.stream(method, f"{self._base_url}{path}", params=query, json=body) as answer:
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > ANSWER_BYTES:
                    raise unusable("size")
        return answer.status_code, content


def checked_code(code: str) -> str:
    """Return a code that may be one. Raises ``Unknown("wechat.code")``."""
    if not 1 <= len(code) <= CODE_MAX or not code.isascii() or not code.isprintable():
        raise Unknown("wechat.code")
    return code


def openid_in(said: Mapping[str, Any]) -> str:
    """Return the user that an answer names. Raises ``Overloaded("wechat.busy")`` without a usable one."""
    openid = said.get("openid")
    if not isinstance(openid, str) or not 1 <= len(openid) <= OPENID_MAX or not openid.isascii():
        raise unusable("openid")
    return openid


def raise_for(said: Mapping[str, Any]) -> None:
    """Raise what an answer refuses: ``Unknown``, ``Denied``, ``Overloaded`` or ``Refused``, all ``wechat.*``."""
    code = said.get("errcode", 0)
    if code == 0:
        return
    log.warning("wechat.refused", errcode=code)
    raise _problem(code)


def unusable(what: str) -> Overloaded:
    """Return what an answer is that cannot be used."""
    log.warning("wechat.unclear", what=what)
    return Overloaded("wechat.busy", retry_after_s=5)


def _problem(code: object) -> Problem:
    if code in WRONG_CODE:
        return Unknown("wechat.code")
    if code == BLOCKED:
        return Denied("wechat.blocked")
    if code in BUSY or code in WRONG_TOKEN:
        return Overloaded("wechat.busy", retry_after_s=60 if code == 45011 else 5)
    return Refused("wechat.refused", errcode=code if isinstance(code, int) else None)
