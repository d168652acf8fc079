"""What the stand-in keeps: apps with their keys, trades, refunds, notifications, and the flow of each account.

Money is whole fen, instants are Unix microseconds of business time.
"""

from typing import Any, Literal

import msgspec

Mode = Literal["key", "certificate"]
Ids = Literal["open_id", "user_id"]


class App(msgspec.Struct):
    """An app at the open platform: of a merchant itself, or of a provider that merchants have authorised."""

    app_id: str
    pid: str  # the account (2088…) that gets the money; for a provider its own
    public_key: str  # PEM, or the app's certificate; empty: signs nothing, only its provider does
    alipay_key: str  # the channel's private key towards this app, PEM; empty, too, when it signs nothing
    mode: Mode = "key"
    alipay_certificate: str = ""
    mini_apps: list[str] = []  # mini-programs whose trades it may make, besides itself
    ids: Ids = "open_id"  # how payers are named
    fee_e4: int = 60  # what the channel keeps, in ten-thousandths
    restricted: bool = False  # may not collect


class Token(msgspec.Struct):
    """What a merchant's app has authorised a provider's app with."""

    token: str
    provider: str  # app_id
    app: str  # app_id
    until_us: int | None = None


class Trade(msgspec.Struct):
    """A trade, or what may become one: a code nobody has scanned and a page nobody has signed in to are none yet."""

    caller: str  # app_id that signed
    app: str  # app_id of the merchant
    pid: str
    number: str
    way: str  # create | precreate | wap
    body: dict[str, Any]  # as it came first; a repetition must be the same
    notify_url: str
    return_url: str
    status: str  # UNBORN | WAIT_BUYER_PAY | TRADE_SUCCESS | TRADE_FINISHED | TRADE_CLOSED
    total: int
    made_us: int  # when it was asked for
    code_until_us: int
    expires_us: int | None  # None: nothing will time out any more
    page: str  # where the page behind the code lies
    ticket: str  # what the code says
    trade_no: str | None = None
    born_us: int | None = None
    paid_us: int | None = None
    closed_us: int | None = None
    refunded_us: int | None = None
    buyer: str = ""
    buyer_paid: int = 0
    coupon: int = 0
    fee: int = 0
    refunded: int = 0  # all that has gone back; a refund that hangs is not in it
    promised: int = 0  # refunds that hang
    overlay: dict[str, Any] = {}  # what notifications say otherwise than the truth
    notes: list[str] = []  # failed tries to pay
    dead: bool = False  # cancelled before it was a trade: its code says nothing any more


class Refund(msgspec.Struct):
    """A refund. ``state``: done, hangs (will come later by itself), or failed (asked again, it is tried again)."""

    trade: int  # row of its trade
    number: str
    amount: int
    reason: str
    state: Literal["done", "hangs", "failed"]
    asked_us: int
    due_us: int | None = None
    done_us: int | None = None
    fee_back: int = 0


class Notice(msgspec.Struct):
    """Something to be told until it is acknowledged or the tries are used up."""

    id: str
    app: str  # whose key signs it
    url: str
    plain: dict[str, str]  # all but notify_time, sign_type and sign
    created_us: int
    due_us: int | None  # None: nothing more will be sent by itself
    state: str = "waiting"  # waiting | held | done | given_up | dropped
    tries: int = 0
    attempts: list[dict[str, Any]] = []


class Flow(msgspec.Struct):
    """One movement on the account of a merchant."""

    pid: str
    at_us: int
    number: str
    trade_no: str
    out_trade_no: str
    subject: str
    kind: str
    amount: int  # negative: went
    balance: int
    remark: str
