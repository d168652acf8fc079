"""What the control side may be asked for, body by body; fields that are not here are refused."""

from typing import Literal

import msgspec

from openberth.sandbox.alipay import faults as wrong


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A body of the control side."""


class ClockChange(_Strict):
    """Set business time (``yyyy-MM-dd HH:mm:ss``, Beijing), move it on, or change its speed."""

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


class AppChange(_Strict):
    """What an app may do."""

    restricted: bool


class Authorisation(_Strict):
    """A merchant's app authorises a provider's, for so many seconds of business time or for ever."""

    provider: str
    app_id: str
    life_s: int | None = None


class Tap(_Strict):
    """A trade, named in one of three ways, and what its payer does with it."""

    number: str | None = None
    pid: str | None = None  # whose number it is; the only such trade when absent
    qr_code: str | None = None
    trade_no: str | None = None
    buyer: str | None = None
    amount: int | None = None  # fen; another one than the trade's
    coupon: int = 0
    overlay: dict[str, str] = {}
    tell: bool = True
    late: bool = False  # pays although the trade is closed or its code expired
    why: str = "余额不足"


class Sending(_Strict):
    """How to send a notification now."""

    how: str = "good"
    copies: int = 1


class Release(_Strict):
    """In which order notifications that were held are sent, one after the other."""

    order: Literal["same", "reverse", "random"] = "same"


class Becoming(_Strict):
    """What a refund that hangs, or failed, becomes now."""

    state: Literal["done", "failed"]


class Account(_Strict):
    """What an account shall hold, fen."""

    balance: int


class Edit(_Strict):
    """A falsified row, found by the merchant's number of its refund or trade."""

    do: Literal["drop", "add", "set"]
    number: str = ""
    cells: dict[str, str] = {}


class Falsify(_Strict):
    """How the file of a day (``yyyy-MM-dd``) lies; without edits it tells the truth again."""

    pid: str
    day: str
    edits: list[Edit] = []
