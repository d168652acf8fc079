"""The channels that drivers pay by, as their stand-ins show them: a code is scanned, money goes, totals are told.

What was paid and by which channel is known from where the money went, never from what OpenBerth says about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import msgspec

from openberth.simulator.api import Client, Refusal, shaped
from openberth.simulator.books import SANDPAY, WECHATPAY

_WECHAT_CODE = "weixin://"
_TOTALS = {SANDPAY: "/control/totals", WECHATPAY: "/__sandbox__/totals"}


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


class _Totals(msgspec.Struct, frozen=True):
    paid_minor: dict[str, int]


@dataclass(frozen=True, slots=True)
class Purse:
    """What is on a driver's phone: the app of every channel. The URLs are those of the stand-ins, None where there is
    none; Sandpay's codes, and WeChat Pay's plain ones, say themselves where it is.
    """

    sandpay: str | None = None
    wechatpay: str | None = None
    patience_s: float = 20

    def usable(self, channels: Sequence[str]) -> list[str]:
        """Return those of the offered channels that can be paid by here, in their order."""
        return [name for name in channels if name == SANDPAY or (name == WECHATPAY and self.wechatpay is not None)]

    async def pay(self, code: str) -> Payment | None:
        """Scan a code and pay; None when the channel did not take the money. Raises ``Refusal`` and ``NoAnswer``."""
        stand_in = self._wechat_behind(code)
        if stand_in is not None:
            return await self._by_wechat(stand_in, code)
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
        for method, url in ((SANDPAY, self.sandpay), (WECHATPAY, self.wechatpay)):
            if url is not None:
                channel = Client(url)
                try:
                    found[method] = shaped(_Totals, await channel.get(_TOTALS[method])).paid_minor
                finally:
                    await channel.close()
        return found

    def _wechat_behind(self, code: str) -> str | None:
        """Return the stand-in for WeChat Pay that made a code, None for another channel's code."""
        if code.startswith(_WECHAT_CODE):
            if self.wechatpay is None:
                raise Refusal(404, "no_wechatpay")
            return self.wechatpay
        parts = urlsplit(code)
        plain = parse_qs(parts.query).get("code_url", [""])[0].startswith(_WECHAT_CODE)
        return f"{parts.scheme}://{parts.netloc}" if plain else None

    async def _by_wechat(self, stand_in: str, code: str) -> Payment | None:
        channel = Client(stand_in, patience_s=self.patience_s)
        try:
            paid = shaped(_Wechatpaid, await channel.post("/__sandbox__/pay", {"code_url": code}))
        finally:
            await channel.close()
        return Payment(WECHATPAY, paid.total) if paid.state == "SUCCESS" else None
