"""Who pays inside WeChat's own browser: the silent OAuth of an official account.

Wire: the page ``/connect/oauth2/authorize`` of open.weixin.qq.com (scope ``snsapi_base``: nobody is asked anything),
then ``/sns/oauth2/access_token`` of api.weixin.qq.com. Of the answer only the openid is used; it is known to this
account's appid alone, so orders have to name the same one.
"""

from urllib.parse import urlencode

from openberth.kernel.errors import Refused
from openberth.providers.weixin_api import WeixinApi, checked_code, openid_in, raise_for

PAGES, API = "https://open.weixin.qq.com", "https://api.weixin.qq.com"


class OfficialAccount:
    """An official account that knows its visitors: a ``PayerKnown``. ``url`` is the address of a sandbox."""

    def __init__(self, *, appid: str, secret: str, url: str | None = None) -> None:
        self._appid = appid
        self._secret = secret
        self._pages = url or PAGES
        self._api = WeixinApi(url or API)

    def __repr__(self) -> str:
        return f"OfficialAccount({self._appid!r})"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._api.aclose()

    def way(self, *, back: str, state: str) -> str:
        """Return where the browser goes; see ``PayerKnown``. WeChat wants the parameters in exactly this order."""
        asked = {
            "appid": self._appid, "redirect_uri": back, "response_type": "code", "scope": "snsapi_base", "state": state,
        }  # fmt: skip
        return f"{self._pages}/connect/oauth2/authorize?{urlencode(asked)}#wechat_redirect"

    async def payer_of(self, code: str) -> str:
        """Return the openid behind a code; see ``PayerKnown``.

        In WeChat's preview of a page the person is a made-up one that cannot pay: ``Refused("wechat.snapshot")``.
        """
        asked = {
            "appid": self._appid, "secret": self._secret, "code": checked_code(code),
            "grant_type": "authorization_code",
        }  # fmt: skip
        said = await self._api.ask("GET", "/sns/oauth2/access_token", query=asked)
        raise_for(said)
        if said.get("is_snapshotuser"):
            raise Refused("wechat.snapshot")
        return openid_in(said)
