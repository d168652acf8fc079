"""What the control side may be asked for, body by body; fields that are not here are refused."""

from typing import Any, Literal

import msgspec

from openberth.sandbox.wechatpay import faults as wrong
from openberth.sandbox.wechatpay.bank import SOMEBODY
from openberth.sandbox.wechatpay.codepay import Behaviour
from openberth.sandbox.wechatpay.records import Mode


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A body of the control side."""


class ClockChange(_Strict):
    """Set business time, move it on, or change its speed."""

    now: str | None = None
    advance_s: int = 0
    scale: int | None = None


class FaultChange(_Strict):
    """What is given replaces what was; ``reset`` first takes away everything."""

    reset: bool = False
    seed: int | None = None
    rules: list[wrong.Rule] | None = None
    dice: wrong.Dice | None = None
    telling: wrong.Telling | None = None
    refunds: wrong.RefundPlan | None = None
    refuse_replays: bool | None = None


class Rotation(_Strict):
    """Another key of the channel, used at once or only announced."""

    kind: Literal["public_key", "certificate"]
    signs: bool = True


class MerchantChange(_Strict):
    """What is given is changed."""

    mode: Mode | None = None
    public_key_percent: int | None = None
    rotate: Rotation | None = None
    use: str | None = None
    retire: str | None = None
    restricted: bool | None = None
    unusable: bool | None = None
    api_key: str | None = None


class Tap(_Strict):
    """An order, named in one of four ways, and what its payer does with it."""

    number: str | None = None
    mchid: str | None = None  # whose number it is; the only such order when absent
    code_url: str | None = None
    prepay_id: str | None = None  # of jsapi, app and h5 orders; no signature is looked at
    client: dict[str, object] | None = None  # the signed fields of jsapi or app, proved as the WeChat app does
    openid: str | None = None
    amount: int | None = None
    coupon: int = 0
    cash: bool = True
    bank: str = "OTHERS"
    overlay: dict[str, Any] = {}
    tell: bool = True
    late: bool = False  # pays although the order is closed or its code expired
    why: str = "余额不足"


class Sending(_Strict):
    """How to send a callback now."""

    how: str = "good"
    copies: int = 1


class Release(_Strict):
    """In which order callbacks that were held are sent, one after the other."""

    order: Literal["same", "reverse", "random"] = "same"


class Becoming(_Strict):
    """What a refund becomes now."""

    state: Literal["SUCCESS", "ABNORMAL", "CLOSED"]


class Account(_Strict):
    """What an account shall hold, fen."""

    balance: int


class Edit(_Strict):
    """A falsified row, found by the merchant's number of its order or refund."""

    do: Literal["drop", "add", "set"]
    number: str = ""
    cells: dict[str, str] = {}


class Falsify(_Strict):
    """How the file of a day lies; without edits it tells the truth again."""

    mchid: str
    day: str
    edits: list[Edit] = []


class Code(_Strict):
    """A payer who shows a code."""

    openid: str = SOMEBODY
    behaviour: Behaviour = "pay"
