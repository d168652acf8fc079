"""Which app's own browser a page is shown in, and what can be paid there.

WeChat's and Alipay's scanners open a sign in their own browsers. Each pays by its own app only: WeChat's shows neither
H5 orders nor Alipay's pages, and Alipay's does not open WeChat. What cannot be paid there is shown as a code.
"""

from collections.abc import Sequence
from enum import StrEnum

from starlette.requests import Request

from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import Scene


class Browser(StrEnum):
    """Whose browser it is."""

    WECHAT = "wechat"
    ALIPAY = "alipay"
    OTHER = "other"


_OWN = {Browser.WECHAT: ChannelKind.WECHATPAY, Browser.ALIPAY: ChannelKind.ALIPAY}


def browser_of(request: Request) -> Browser:
    """Return whose browser asks, by what it says of itself."""
    says = request.headers.get("user-agent", "")
    if "MicroMessenger" in says:
        return Browser.WECHAT
    return Browser.ALIPAY if "AlipayClient" in says else Browser.OTHER


def own_first(kinds: Sequence[ChannelKind], browser: Browser) -> list[ChannelKind]:
    """Return the channels in the order in which a page offers them: first the one whose browser it is."""
    own = _OWN.get(browser)
    return sorted(kinds, key=lambda kind: kind is not own)


def scene_in(browser: Browser, kind: ChannelKind) -> Scene:
    """Return how a channel is paid in a browser: inside its own app, on its page, or by a code that another scans."""
    own = _OWN.get(browser)
    if own is kind:
        return Scene.APP if browser is Browser.WECHAT else Scene.PAGE
    return Scene.PAGE if own is None or kind not in _OWN.values() else Scene.CODE
