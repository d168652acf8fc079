"""The channels that drivers pay by, as their stand-ins show them: a code is scanned, money goes, totals are told.

What was paid and by which channel is known from where the money went, never from what OpenBerth says about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import msgspec

from openberth.simulator.api import Client, Refusal, shaped
from openberth.simulator.books import ALIPAY, SANDPAY, WECHATPAY

_TOTALS = {SANDPAY: "/control/totals", WECHATPAY: "/__sandbox__/totals", ALIPAY: "/__sandbox__/totals"}


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that a channel took; ``minor`` in the currency of the order."""

    method: str
    minor: int


class _Sandpaid(msgspec.Struct, frozen=True):
    state: str
    amount_minor: int
    paid_minor: int | None = None


class _Wechatpaid(msgspec.Struct, frozen=True):
    state: str
    total: int


class _Alipaid(msgspec.Struct, frozen=True):
    status: str
    total: int


class _Totals(msgspec.Struct, frozen=True):
    paid_minor: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Codes:
    """The codes of a channel that only its app opens: how they begin, and where a plain one carries such a code."""

    method: str
    begin: str
    parameter: str


_APPS = (_Codes(WECHATPAY, "weixin://", "code_url"), _Codes(ALIPAY, "https://qr.alipay.com/", "qr_code"))


@dataclass(frozen=True, slots=True)
class Purse:
    """What is on a driver's phone: the app of every channel. The URLs are those of the stand-ins, None where there is
    none; Sandpay's codes, and the plain ones of WeChat Pay and Alipay, say themselves where it is.
    """

    sandpay: str | None = None
    wechatpay: str | None = None
    alipay: str | None = None
    patience_s: float = 20

    def usable(self, channels: Sequence[str]) -> list[str]:
        """Return those of the offered channels that can be paid by here, in their order."""
        return [name for name in channels if name == SANDPAY or self._stand_in(name) is not None]

    async def pay(self, code: str) -> Payment | None:
        """Scan a code and pay; None when the channel did not take the money. Raises ``Refusal`` and ``NoAnswer``."""
        for app in _APPS:
            stand_in = self._behind(app, code)
            if stand_in is not None:
                return await self._by_app(app, stand_in, code)
        parts = urlsplit(code)
        channel = Client(code, patience_s=self.patience_s)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            paid = shaped(_Sandpaid, await channel.get(target))
        finally:
            await channel.close()
        minor = paid.amount_minor if paid.paid_minor is None else paid.paid_minor
        return Payment(SANDPAY, minor) if paid.state == "paid" else None

    async def totals(self) -> Mapping[str, Mapping[str, int]]:
        """Return what the stand-ins took in all, in minor units by method and currency. Raises ``NoAnswer``."""
        found: dict[str, Mapping[str, int]] = {}
        for method, target in _TOTALS.items():
            url = self._stand_in(method)
            if url is not None:
                channel = Client(url)
                try:
                    found[method] = shaped(_Totals, await channel.get(target)).paid_minor
                finally:
                    await channel.close()
        return found

    def _stand_in(self, method: str) -> str | None:
        return {SANDPAY: self.sandpay, WECHATPAY: self.wechatpay, ALIPAY: self.alipay}.get(method)

    def _behind(self, app: _Codes, code: str) -> str | None:
        """Return the stand-in that made a code of an app, None for another channel's code."""
        if code.startswith(app.begin):
            stand_in = self._stand_in(app.method)
            if stand_in is None:
                raise Refusal(404, f"no_{app.method}")
            return stand_in
        parts = urlsplit(code)
        plain = parse_qs(parts.query).get(app.parameter, [""])[0].startswith(app.begin)
        return f"{parts.scheme}://{parts.netloc}" if plain else None

    async def _by_app(self, app: _Codes, stand_in: str, code: str) -> Payment | None:
        channel = Client(stand_in, patience_s=self.patience_s)
        try:
            told = await channel.post("/__sandbox__/pay", {app.parameter: code})
        finally:
            await channel.close()
        if app.method == WECHATPAY:
            by_wechat = shaped(_Wechatpaid, told)
            return Payment(WECHATPAY, by_wechat.total) if by_wechat.state == "SUCCESS" else None
        by_alipay = shaped(_Alipaid, told)
        return Payment(ALIPAY, by_alipay.total) if by_alipay.status == "TRADE_SUCCESS" else None
