"""What the stand-in keeps: merchants with their keys, orders, refunds, callbacks, and the flow of each account.

Money is whole fen, instants are Unix microseconds of business time.
"""

from typing import Any, Literal

import msgspec

Mode = Literal["public_key", "certificates", "switching"]
TRADE_TYPES = {"jsapi": "JSAPI", "native": "NATIVE", "app": "APP", "h5": "MWEB", "codepay": "MICROPAY"}


class PlatformKey(msgspec.Struct):
    """A key of the channel towards one merchant: a public key with an id, or a certificate with a serial number."""

    id: str
    private: str
    certificate: str | None
    effective_us: int  # machine time, as is the end
    expire_us: int
    signs: bool = True  # False: announced only, so that merchants fetch it before it is used


class Merchant(msgspec.Struct):
    """A merchant (a direct one, a provider, or one that a provider serves)."""

    mchid: str
    appids: list[str]
    api_key: str  # 32 ASCII characters; empty: never set, so nothing is told
    keys: dict[str, str]  # serial number of an API certificate -> public key, PEM
    mode: Mode
    platform: list[PlatformKey]
    public_key_percent: int = 0  # while switching: so many of a hundred callbacks are signed by the public key
    providers: list[str] = []
    fee_e4: int = 60  # what the channel keeps, in ten-thousandths
    restricted: bool = False
    unusable: bool = False

    def by_id(self, serial: str) -> PlatformKey | None:
        """Return the key of this id or serial number, if this merchant may be answered by it."""
        return next((key for key in self.platform if key.id == serial and self.may(key)), None)

    def may(self, key: PlatformKey) -> bool:
        """Tell whether the mode allows a key at all."""
        return self.mode == "switching" or (key.certificate is None) == (self.mode == "public_key")

    def newest(self, *, public: bool) -> PlatformKey:
        """Return the key that signs now, of one of the two kinds."""
        return [key for key in self.platform if key.signs and (key.certificate is None) == public][-1]


class Order(msgspec.Struct):
    """An order, and the payment of it when it is paid."""

    caller: str  # who signed: the merchant, or the provider
    payee: str
    number: str
    way: str
    body: dict[str, Any]  # as it came first; a repetition must be the same
    state: str
    created_us: int
    expires_us: int
    ticket: str
    ticket_until_us: int
    description: str
    total: int
    serial: str  # of the merchant's key that signed the order; the client's signature is proved by the same key
    page: str  # where the page behind the code lies
    transaction_id: str | None = None
    paid_us: int | None = None
    payer: dict[str, str] = {}
    payer_total: int = 0
    coupon: int = 0
    coupon_cash: bool = True
    bank: str = "OTHERS"
    fee: int = 0
    overlay: dict[str, Any] = {}  # what the callback says otherwise than the truth
    notes: list[str] = []  # failed tries to pay

    @property
    def partner(self) -> bool:
        """Whether a provider made it."""
        return "sp_mchid" in self.body

    @property
    def settled(self) -> int:
        """What the merchant is owed for it before the fee: coupons that somebody has paid for count."""
        return self.total if self.coupon_cash else self.payer_total


class Refund(msgspec.Struct):
    """A refund."""

    caller: str
    payee: str
    number: str
    refund_id: str
    order: int  # row of its order
    body: dict[str, Any]
    refund: int
    payer_refund: int
    settlement_refund: int
    fee_back: int
    status: str
    created_us: int
    due_us: int | None  # when it becomes what is planned
    becomes: str
    success_us: int | None = None
    channel: str = "ORIGINAL"
    account: str = "支付用户零钱"
    notify_url: str | None = None


class Callback(msgspec.Struct):
    """Something to be told until it is acknowledged or the tries are used up."""

    id: str
    mchid: str
    event: str
    summary: str
    original_type: str
    url: str
    plain: dict[str, Any]
    created_us: int
    due_us: int | None  # None: nothing more will be sent by itself
    state: str = "waiting"  # waiting | held | done | given_up | dropped
    tries: int = 0
    attempts: list[dict[str, Any]] = []


class Flow(msgspec.Struct):
    """One movement on the account of a merchant."""

    payee: str
    at_us: int
    business_number: str
    flow_number: str
    name: str
    kind: str
    income: bool
    amount: int
    balance: int
    applicant: str
    remark: str
    voucher: str
