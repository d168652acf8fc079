"""What a request's body may hold, field by field, from the published field lists. Anything else is refused.

A name ending in ``*`` must be there. A value that is absent, null or of another kind is a mistake of the client; the
real one neither converts nor ignores.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from openberth.sandbox.wechatpay.refusals import Refusal, Why

MAX_FEN = 10**11
BODY_BYTES = 64 * 1024


class Kind(Protocol):
    """How one value is judged; raises ``Refusal``."""

    def judge(self, value: object, where: str) -> None:
        """Judge a value found at a JSON pointer."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A text of at most so many characters; ``one_of`` or a pattern narrow it."""

    longest: int
    shortest: int = 1
    pattern: str | None = None
    one_of: tuple[str, ...] = ()

    def judge(self, value: object, where: str) -> None:
        """Judge a value."""
        if not isinstance(value, str):
            raise Refusal(Why.PARAMETER, "应为字符串", where)
        if not self.shortest <= len(value) <= self.longest:
            raise Refusal(Why.PARAMETER, f"长度应为{self.shortest}至{self.longest}个字符", where)
        if self.pattern is not None and re.fullmatch(self.pattern, value) is None:
            raise Refusal(Why.PARAMETER, "格式不正确", where)
        if self.one_of and value not in self.one_of:
            raise Refusal(Why.PARAMETER, "不是可选的值", where)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number; true and 1.0 are none."""

    least: int = 0
    most: int = MAX_FEN

    def judge(self, value: object, where: str) -> None:
        """Judge a value."""
        if type(value) is not int:
            raise Refusal(Why.PARAMETER, "应为整数", where)
        if not self.least <= value <= self.most:
            raise Refusal(Why.RANGE, f"应在{self.least}至{self.most}之间", where)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false; ``"Y"`` is neither."""

    def judge(self, value: object, where: str) -> None:
        """Judge a value."""
        if not isinstance(value, bool):
            raise Refusal(Why.PARAMETER, "应为布尔值", where)


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    of: Kind
    most: int = 6000

    def judge(self, value: object, where: str) -> None:
        """Judge a value."""
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            raise Refusal(Why.PARAMETER, "应为数组", where)
        for at, item in enumerate(value):
            self.of.judge(item, f"{where}/{at}")


class Group:
    """An object."""

    def __init__(self, fields: Mapping[str, Kind]) -> None:
        self._fields = {name.rstrip("*"): kind for name, kind in fields.items()}
        self._needed = [name[:-1] for name in fields if name.endswith("*")]

    def judge(self, value: object, where: str) -> None:
        """Judge a value."""
        if not isinstance(value, dict):
            raise Refusal(Why.PARAMETER, "应为对象", where)
        for name in value:
            if name not in self._fields:
                raise Refusal(Why.EXTRA, f"{where}/{name}", f"{where}/{name}")
        for name in self._needed:
            if name not in value:
                raise Refusal(Why.PARAMETER, "缺少必填参数", f"{where}/{name}")
        for name, inner in value.items():
            self._fields[name].judge(inner, f"{where}/{name}")


def read(body: bytes, group: Group) -> dict[str, Any]:
    """Read a body that must be one JSON object of this shape. Raises ``Refusal``."""
    try:
        value = json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Refusal(Why.PARAMETER, "请求体不是合法的JSON") from None
    group.judge(value, "")
    assert isinstance(value, dict)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


ID = Text(32, pattern=r"[0-9A-Za-z_-]+")
NUMBER = Text(32, 6, pattern=r"[0-9A-Za-z_\-*|]+")
REFUND_NUMBER = Text(64, pattern=r"[0-9A-Za-z_\-|*@]+")
TIME = Text(64)
URL = Text(255, pattern=r"https?://[!-~]+")
OPENID = Text(128, pattern=r"[!-~]+")
CURRENCY = Text(16, one_of=("CNY",))

_GOODS: dict[str, Kind] = {
    "merchant_goods_id*": Text(32), "goods_name": Text(256), "quantity*": Whole(1), "unit_price*": Whole(),
}  # fmt: skip
_COSTS: dict[str, Kind] = {"cost_price": Whole(), "invoice_id": Text(32)}
_DETAIL = Group({**_COSTS, "goods_detail": Many(Group({**_GOODS, "wechatpay_goods_id": Text(32)}))})
_STORE = Group({"id": Text(32), "name*": Text(256), "area_code*": Text(32), "address*": Text(512)})
_SCENE: dict[str, Kind] = {"device_id": Text(32), "store_info": _STORE}
_H5 = Group({
    "type*": Text(32, one_of=("Wap", "iOS", "Android")), "app_name": Text(64), "app_url": Text(128),
    "bundle_id": Text(128), "package_name": Text(128),
})  # fmt: skip
_IDENTITY = Group({"type*": Text(32), "number*": Text(512), "name*": Text(512)})
_PLAN = Group({"subsidy_installment_num*": Whole(3, 12), "subsidy_percent*": Whole(0, 100)})
_SUBSIDY = Group({
    "subsidy_detail": Many(Group({
        "subsidy_period_type*": Text(32, one_of=("DAILY", "PERIOD")), "subsidy_plan*": Many(_PLAN),
    })),
})  # fmt: skip
_SETTLE: dict[str, Kind] = {"profit_sharing": Flag()}
_AMOUNT = Group({"total*": Whole(1), "currency": CURRENCY})
_BASE: dict[str, Kind] = {
    "description*": Text(127), "out_trade_no*": NUMBER, "time_expire": TIME, "attach": Text(128), "notify_url*": URL,
    "goods_tag": Text(32), "limit_pay": Many(Text(32)), "support_fapiao": Flag(), "amount*": _AMOUNT, "detail": _DETAIL,
}  # fmt: skip
DIRECT: dict[str, Kind] = {"appid*": ID, "mchid*": ID}
PARTNER: dict[str, Kind] = {"sp_appid*": ID, "sp_mchid*": ID, "sub_appid": ID, "sub_mchid": ID}
_CODEPAY: dict[str, Kind] = {
    "description*": Text(127), "out_trade_no*": NUMBER, "attach": Text(128), "goods_tag": Text(32),
    "support_fapiao": Flag(), "payer*": Group({"auth_code*": Text(18, 18, pattern=r"1[0-5][0-9]{16}")}),
    "amount*": _AMOUNT,
    "detail": Group({**_COSTS, "goods_detail*": Many(Group({**_GOODS, "wxpay_goods_id": Text(32)}))}),
    "scene_info*": Group({
        "device_id": Text(32), "device_ip": Text(45), "store_info*": Group({"id": Text(32), "out_id": Text(32)}),
    }),
}  # fmt: skip


def order(way: str, partner: bool) -> Group:
    """Return the shape of an order by one of the ways ``jsapi | app | h5 | native | codepay``.

    ``openid`` and ``sub_mchid`` are not marked as needed: their absence has reasons of their own.
    """
    who = PARTNER if partner else DIRECT
    if way == "codepay":
        if partner:  # here alone a provider need not name its app
            who = {name.replace("sp_appid*", "sp_appid"): kind for name, kind in PARTNER.items()}
        return Group({**who, **_CODEPAY, "settle_info": Group(_SETTLE)})
    settle = Group({**_SETTLE, "subsidy_amount": Whole()} if partner else _SETTLE)
    payer: dict[str, Kind] = {"identity": _IDENTITY}
    if way == "jsapi":
        payer |= {"sp_openid": OPENID, "sub_openid": OPENID} if partner else {"openid": OPENID}
    fields: dict[str, Kind] = {**who, **_BASE, "settle_info": settle, "payer": Group(payer)}
    if way in ("jsapi", "app"):
        fields["subsidy_info"] = _SUBSIDY
    if way == "h5":
        fields["scene_info*"] = Group({**_SCENE, "payer_client_ip*": Text(45), "h5_info*": _H5})
    else:
        fields["scene_info"] = Group({**_SCENE, "payer_client_ip": Text(45)})
    return Group(fields)


CLOSE = Group({"mchid*": ID})
CLOSE_PARTNER = Group({"sp_mchid*": ID, "sub_mchid": ID})
REVERSE = Group({"appid*": ID, "mchid*": ID})
REVERSE_PARTNER = Group({"sp_appid": ID, "sp_mchid*": ID, "sub_appid": ID, "sub_mchid": ID})
REFUND = Group({
    "sub_mchid": ID, "transaction_id": Text(32), "out_trade_no": NUMBER, "out_refund_no*": REFUND_NUMBER,
    "reason": Text(80), "notify_url": URL, "funds_account": Text(32, one_of=("AVAILABLE", "UNSETTLED")),
    "amount*": Group({
        "refund*": Whole(1), "total*": Whole(1), "currency*": CURRENCY,
        "from": Many(Group({"account*": Text(32, one_of=("AVAILABLE", "UNAVAILABLE")), "amount*": Whole(1)})),
    }),
    "goods_detail": Many(Group({
        "merchant_goods_id*": Text(32), "wechatpay_goods_id": Text(32), "goods_name": Text(256),
        "unit_price*": Whole(), "refund_amount*": Whole(1), "refund_quantity*": Whole(1),
    })),
})  # fmt: skip
ABNORMAL_REFUND = Group({
    "sub_mchid": ID, "out_refund_no*": REFUND_NUMBER,
    "type*": Text(32, one_of=("USER_BANK_CARD", "MERCHANT_BANK_CARD")),
    "bank_type": Text(32, pattern=r"[A-Z]+_DEBIT"), "bank_account": Text(1024), "real_name": Text(1024),
})  # fmt: skip
