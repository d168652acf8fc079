"""WeChat vouches for the users of a mini-program: who a login code is, which phone number a phone code stands for.

Wire: ``jscode2session``, ``stable_token`` and ``getuserphonenumber`` of api.weixin.qq.com.

The interface token comes from ``stable_token``, which gives every process the same one while it holds, so processes
need not agree on who fetches. Inside a process one fetches at a time; five minutes before its end it is renewed; told
that it is not valid (40001, 42001), it is refreshed by force once and the call repeated once.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from openberth.kernel.errors import Unknown
from openberth.kernel.persons import InvalidPerson, Phone
from openberth.kernel.time import SECOND_US, Clock, Instant
from openberth.providers.weixin_api import WRONG_TOKEN, WeixinApi, checked_code, openid_in, raise_for, unusable

RENEWED_BEFORE_US = 300 * SECOND_US
FORCED_EVERY_US = 30 * SECOND_US  # WeChat refuses more


class Wechat:
    """One mini-program: a ``Vouching``. ``clock`` is the machine clock."""

    def __init__(self, *, base_url: str, appid: str, secret: str, clock: Clock) -> None:
        self._api = WeixinApi(base_url)
        self._appid = appid
        self._secret = secret
        self._clock = clock
        self._token: str | None = None
        self._token_until = Instant(0)
        self._forced_at: Instant | None = None
        self._fetching = asyncio.Lock()

    def __repr__(self) -> str:
        return f"Wechat({self._api!r}, appid={self._appid!r})"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._api.aclose()

    async def openid_of(self, code: str) -> str:
        """Return who a login code stands for, as ``appid:openid``. The session key is dropped: we need none."""
        query = {
            "appid": self._appid, "secret": self._secret, "js_code": checked_code(code),
            "grant_type": "authorization_code",
        }  # fmt: skip
        said = await self._api.ask("GET", "/sns/jscode2session", query=query)
        raise_for(said)
        return f"{self._appid}:{openid_in(said)}"

    async def phone_of(self, code: str) -> str:
        """Return the phone number that a phone code stands for, e.g. ``+8613800138000``."""
        said = await self._with_token("/wxa/business/getuserphonenumber", {"code": checked_code(code)})
        raise_for(said)
        info = said.get("phone_info")
        if not isinstance(info, dict) or not isinstance(info.get("watermark"), dict):
            raise unusable("phone_info")
        if info["watermark"].get("appid") != self._appid:
            raise Unknown("wechat.code")  # of another mini-program
        country, number = str(info.get("countryCode", "")), str(info.get("purePhoneNumber", ""))
        try:
            return Phone(f"+{country}{number}").text
        except InvalidPerson:
            raise unusable("phone_info") from None

    async def _with_token(self, path: str, body: Mapping[str, str]) -> Mapping[str, Any]:
        token = await self._fetched()
        said = await self._api.ask("POST", path, query={"access_token": token}, body=body)
        if said.get("errcode") in WRONG_TOKEN:
            token = await self._fetched(instead_of=token)
            said = await self._api.ask("POST", path, query={"access_token": token}, body=body)
        return said

    async def _fetched(self, *, instead_of: str | None = None) -> str:
        """Return the token; ``instead_of`` is one that was refused: unless somebody was faster, another is forced."""
        async with self._fetching:
            now = self._clock.now()
            if self._token is not None and self._token != instead_of and now < self._token_until:
                return self._token
            force = instead_of is not None and self._token == instead_of
            if force and self._forced_at is not None and now - self._forced_at < FORCED_EVERY_US:
                raise unusable("token")
            body = {
                "grant_type": "client_credential", "appid": self._appid, "secret": self._secret, "force_refresh": force,
            }  # fmt: skip
            said = await self._api.ask("POST", "/cgi-bin/stable_token", body=body)
            raise_for(said)
            token, span = said.get("access_token"), said.get("expires_in")
            if not isinstance(token, str) or not isinstance(span, int) or not token:
                raise unusable("token")
            if force:
                self._forced_at = now
            self._token = token
            self._token_until = Instant(now + max(span * SECOND_US - RENEWED_BEFORE_US, SECOND_US))
            return token
