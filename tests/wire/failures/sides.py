"""The channels that payments go wrong with, each as its stand-in shows it: same deeds, own words."""

import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta, timezone
from typing import Any, ClassVar

from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import ChannelMaker
from openberth.kernel.time import Clock, Instant, as_datetime
from openberth.providers.alipay import AlipayMaker
from openberth.providers.wechatpay import WechatPayMaker
from tests.wire import alipay_peer, wechatpay_peer
from tests.wire.wechatpay_peer import APPID

MCHID, APP, PID = "1900000021", "2021000000000021", "2088000000000121"
RICH_FEN = 1_000_000
BEIJING = timezone(timedelta(hours=8))


class Side:
    """A channel and its stand-in, which is a process of its own."""

    kind: ClassVar[ChannelKind]
    params: dict[str, str]
    secrets: dict[str, str]
    lies: ClassVar[list[dict[str, str]]]  # notifications that name another merchant or app
    forgeries: ClassVar[tuple[str, ...]]  # notifications that prove nothing
    notes: ClassVar[str]
    between: ClassVar[str] = " "  # day and time
    zone: ClassVar[str] = ""
    owner: ClassVar[dict[str, str]]
    paths: ClassVar[Mapping[str, dict[str, str]]]  # of the requests to which rules apply
    too_poor: ClassVar[str]
    broken_amount: ClassVar[dict[str, Any]]  # no whole fen
    sandbox: Any

    def maker(self, clock: Clock) -> ChannelMaker:
        """Return what makes channels of this kind."""
        raise NotImplementedError

    def found(self, number: str) -> list[dict[str, Any]]:
        """Return the orders of a number as the channel has them."""
        raise NotImplementedError

    def there(self, number: str) -> dict[str, Any]:
        """Return the order of a number: exactly one."""
        [found] = self.found(number)
        return found

    def state(self, number: str) -> str:
        """Return what an order is there: open, paid, closed or refunded."""
        raise NotImplementedError

    def refunds(self, number: str) -> list[int]:
        """Return what went back of an order there, or is about to."""
        raise NotImplementedError

    def held(self, number: str) -> str:
        """Return the notification of an order that is held back."""
        raise NotImplementedError

    def fill(self, minor: int) -> None:
        """Let the merchant's account hold so much."""
        raise NotImplementedError

    def look_at_code(self, number: str) -> None:
        """Let the payer scan a code and do nothing more."""

    def reset(self, now: Instant) -> None:
        """Let nothing go wrong, and have the stand-in's business time begin at an instant."""
        self.faults(reset=True)
        self.fill(RICH_FEN)
        at = as_datetime(now).astimezone(BEIJING).replace(microsecond=0, tzinfo=None)
        self.sandbox.control("clock", now=f"{at.isoformat(sep=self.between)}{self.zone}")

    def faults(self, **wanted: Any) -> None:
        self.sandbox.control("faults", **wanted)

    def rule(self, request: str, do: str, **more: Any) -> None:
        """Let the next request of a kind (order, refund) go wrong."""
        self.faults(rules=[{"do": do, **self.paths[request], **more}])

    def pay(self, number: str, **how: Any) -> None:
        self.sandbox.control("pay", number=number, **self.owner, **how)

    def tell(self, note: str, **how: Any) -> int:
        """Send a notification now; return how many were acknowledged."""
        return int(self.sandbox.control(f"{self.notes}/{note}", **how)["acknowledged"])

    def release(self, order: str) -> None:
        self.sandbox.control(f"{self.notes}/release", order=order)

    def answers(self, number: str) -> list[dict[str, Any]]:
        """Return how we answered the notifications of an order."""
        found = self.sandbox.look(self.notes)[self.notes]
        return [one for each in found if each["plain"].get("out_trade_no") == number for one in each["attempts"]]

    def falsify(self, day: str, *edits: dict[str, Any]) -> None:
        """Let the statement of a day lie."""
        self.sandbox.control("bills", day=day, edits=list(edits), **self.owner)

    @staticmethod
    def amount_cells(yuan: str) -> dict[str, str]:
        """Return what stands in a statement for an amount."""
        raise NotImplementedError

    @staticmethod
    def number_cells(number: str, transaction: str) -> dict[str, str]:
        """Return what stands in a statement for another payment."""
        raise NotImplementedError


class Wechatpay(Side):
    """WeChat Pay, a direct merchant that proves it by its public key."""

    kind = ChannelKind.WECHATPAY
    lies: ClassVar = [{"mchid": "1900009999"}, {"appid": "wx0000000000000009"}]
    forgeries = ("wrong_signature", "old_signature", "unknown_serial", "probe")
    notes = "callbacks"
    between, zone = "T", "+08:00"
    owner: ClassVar = {"mchid": MCHID}
    paths: ClassVar = {"order": {"path": "/v3/pay"}, "refund": {"path": "/v3/refund", "method": "POST"}}
    too_poor = "NOT_ENOUGH"
    broken_amount: ClassVar = {"amount": {"total": 7.5}}

    def __init__(self) -> None:
        self.sandbox = wechatpay_peer.Sandbox()
        told = self.sandbox.control("merchants", mchid=MCHID, appids=[APPID])
        [key] = [one for one in told["platform_keys"] if one["kind"] == "public_key"]
        self.params = {
            "appid": APPID, "mchid": MCHID, "serial_no": told["serial"], "url": self.sandbox.url,
            "public_key_id": key["id"], "public_key": key["public_key"],
        }  # fmt: skip
        self.secrets = {"private_key": told["private_key"], "api_v3_key": told["api_key"]}

    def maker(self, clock: Clock) -> ChannelMaker:
        return WechatPayMaker(clock, lambda: secrets.token_hex(16))

    def found(self, number: str) -> list[dict[str, Any]]:
        return list(self.sandbox.look(f"orders?number={number}")["orders"])

    def state(self, number: str) -> str:
        told = {"NOTPAY": "open", "SUCCESS": "paid", "REFUND": "refunded", "CLOSED": "closed"}
        return told[self.there(number)["state"]]

    def refunds(self, number: str) -> list[int]:
        return [each["refund"] for each in self.there(number)["refunds"]]

    def held(self, number: str) -> str:
        return str(self.sandbox.wait_for_callback("held", number)["id"])

    def fill(self, minor: int) -> None:
        self.sandbox.control(f"accounts/{MCHID}", balance=minor)

    @staticmethod
    def amount_cells(yuan: str) -> dict[str, str]:
        return {"订单金额": yuan, "应结订单金额": yuan}

    @staticmethod
    def number_cells(number: str, transaction: str) -> dict[str, str]:
        return {"商户订单号": number, "微信订单号": transaction}


class Alipay(Side):
    """Alipay, a merchant's own app with plain keys. A code is no trade there until somebody scans it."""

    kind = ChannelKind.ALIPAY
    lies: ClassVar = [{"seller_id": "2088999999999999"}, {"app_id": "2021999999999999"}]
    forgeries = ("wrong_signature", "no_signature")
    notes = "notifications"
    owner: ClassVar = {"pid": PID}
    paths: ClassVar = {"order": {"method": "alipay.trade.precreate"}, "refund": {"method": "alipay.trade.refund"}}
    too_poor = "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    broken_amount: ClassVar = {"total_amount": "7.505"}

    def __init__(self) -> None:
        self.sandbox = alipay_peer.Sandbox()
        told = self.sandbox.control("apps", app_id=APP, pid=PID)
        self.params = {
            "app_id": APP, "seller_id": PID, "alipay_public_key": told["alipay_public_key"], "url": self.sandbox.url,
        }  # fmt: skip
        self.secrets = {"private_key": told["private_key"]}

    def maker(self, clock: Clock) -> ChannelMaker:
        return AlipayMaker(clock)

    def found(self, number: str) -> list[dict[str, Any]]:
        return list(self.sandbox.look(f"trades?number={number}")["trades"])

    def state(self, number: str) -> str:
        found = self.there(number)
        if found["status"] == "TRADE_CLOSED":
            return "refunded" if found["refunded"] else "closed"
        return "paid" if found["paid_us"] else "open"

    def refunds(self, number: str) -> list[int]:
        return [each["amount"] for each in self.there(number)["refunds"]]

    def held(self, number: str) -> str:
        return str(self.sandbox.wait_for_notice("held", number)["id"])

    def fill(self, minor: int) -> None:
        self.sandbox.control(f"accounts/{PID}", balance=minor)

    def look_at_code(self, number: str) -> None:
        self.sandbox.control("scan", number=number, **self.owner)

    @staticmethod
    def amount_cells(yuan: str) -> dict[str, str]:
        return {"订单金额（元）": yuan, "商家实收（元）": yuan}

    @staticmethod
    def number_cells(number: str, transaction: str) -> dict[str, str]:
        return {"商户订单号": number, "支付宝交易号": transaction}


SIDES: Mapping[str, Callable[[], Side]] = {"wechatpay": Wechatpay, "alipay": Alipay}
