"""A contract with WeChat Pay as payments knows it: orders, refunds, notifications and the statement of a day.

Direct: ``appid`` and ``mchid`` are the merchant's. Service provider: they are the provider's (``sp_appid`` and
``sp_mchid`` on the wire), with ``sub_mchid`` and perhaps ``sub_appid`` of the merchant. Whatever is told must name
exactly these.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import msgspec

from openberth.contexts.payments.ports import (
    Acknowledgement,
    ChannelOrder,
    ChannelRefused,
    ChannelState,
    NothingNew,
    Notice,
    OpenedOrder,
    OrderState,
    PaidNotice,
    RefundNotice,
    RefundOrder,
    RefundProgress,
    RefundState,
    Scene,
    Statement,
)
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Malformed, Unknown
from openberth.kernel.money import Money
from openberth.kernel.time import BEIJING, SECOND_US, Clock, Instant, as_datetime, from_iso
from openberth.providers.wechatpay import signing, statement
from openberth.providers.wechatpay.client import Client, Identity, unclear
from openberth.providers.wechatpay.payers import OfficialAccount
from openberth.providers.wechatpay.signing import NAME

NOTICE_BYTES = 64 * 1024
CURRENCY = "CNY"

T = TypeVar("T")

_Fen = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
_PAID = frozenset(("SUCCESS", "REFUND"))  # what was refunded since was paid all the same
_OPEN = frozenset(("NOTPAY", "USERPAYING", "ACCEPT"))
_CLOSED = frozenset(("CLOSED", "REVOKED", "PAYERROR"))
_PAID_ALREADY = frozenset(("ORDERPAID", "ORDER_PAID", "TRADE_PAID"))
_REFUNDS = {
    "SUCCESS": RefundProgress.DONE, "PROCESSING": RefundProgress.UNDER_WAY, "CLOSED": RefundProgress.REFUSED,
    "ABNORMAL": RefundProgress.ABNORMAL,
}  # fmt: skip
# The number is good and the money is not there: a person tops the account up and has the same number tried again.
_LATER = frozenset(("NOT_ENOUGH", "ACCOUNT_ERROR", "USER_ACCOUNT_ABNORMAL"))


class _Amount(msgspec.Struct, frozen=True):
    total: _Fen = 0
    currency: str = CURRENCY


class _Order(msgspec.Struct, frozen=True):
    out_trade_no: str
    trade_state: str
    transaction_id: str | None = None
    success_time: str | None = None
    amount: _Amount | None = None
    appid: str | None = None
    mchid: str | None = None
    sp_appid: str | None = None
    sp_mchid: str | None = None
    sub_mchid: str | None = None


_ORDER = Shape(_Order)


class _RefundAmount(msgspec.Struct, frozen=True):
    refund: _Fen
    total: _Fen
    currency: str = CURRENCY


class _Refund(msgspec.Struct, frozen=True):
    out_refund_no: str
    status: str
    amount: _RefundAmount
    refund_id: str | None = None


_REFUND = Shape(_Refund)


class _Resource(msgspec.Struct, frozen=True):
    nonce: str
    ciphertext: str
    algorithm: str = ""
    associated_data: str = ""


class _Told(msgspec.Struct, frozen=True):
    event_type: str
    resource: _Resource


_TOLD = Shape(_Told)


class _RefundTold(msgspec.Struct, frozen=True):
    out_refund_no: str


_REFUND_TOLD = Shape(_RefundTold)


class _Opened(msgspec.Struct, frozen=True):
    code_url: str | None = None
    h5_url: str | None = None
    prepay_id: str | None = None


_OPENED = Shape(_Opened)


@dataclass(frozen=True, slots=True)
class Merchant:
    """Whose money it is: ``appid`` and ``mchid``, for a service provider ``sub_mchid`` and perhaps ``sub_appid``."""

    appid: str
    mchid: str
    sub_mchid: str | None = None
    sub_appid: str | None = None

    @property
    def is_sub(self) -> bool:
        """Tell whether a service provider asks for somebody."""
        return self.sub_mchid is not None

    @property
    def app_of_payers(self) -> str:
        """The app to which payers inside WeChat are known."""
        return self.sub_appid or self.appid

    def owns(self, order: _Order) -> bool:
        """Tell whether an order names exactly this merchant."""
        if self.is_sub:
            return (order.sp_appid, order.sp_mchid, order.sub_mchid) == (self.appid, self.mchid, self.sub_mchid)
        return (order.appid, order.mchid) == (self.appid, self.mchid)


class WechatPay:
    """One contract: a ``Channel`` that refunds, tells of whole days and may find out who pays."""

    def __init__(
        self, *, client: Client, identity: Identity, merchant: Merchant, notify_url: str, clock: Clock,
        nonces: Callable[[], str], payers: OfficialAccount | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self._payers = payers
        self._me = identity
        self._merchant = merchant
        self._notify_url = notify_url
        self._clock = clock
        self._nonces = nonces
        self._orders = "/v3/pay/partner/transactions" if merchant.is_sub else "/v3/pay/transactions"

    def __repr__(self) -> str:
        return f"WechatPay({self._client!r}, {self._merchant!r})"

    @property
    def name(self) -> str:
        """The word that attempts and receipts carry."""
        return NAME

    @property
    def scenes(self) -> frozenset[Scene]:
        """Codes (Native), phones' browsers (H5), and WeChat itself (JSAPI)."""
        return frozenset(Scene)

    @property
    def app_of_payers(self) -> str:
        """The app to which payers inside WeChat are known."""
        return self._merchant.app_of_payers

    @property
    def payers(self) -> OfficialAccount | None:
        """Who finds out who pays, where the contract names an official account for it."""
        return self._payers

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        if self._payers is not None:
            await self._payers.aclose()

    # -- orders --------------------------------------------------------------------------------------------------------

    async def open(self, order: ChannelOrder) -> OpenedOrder:
        """Make the order payable where the payer stands. WeChat itself wants the payer, a browser the address.

        One that is paid already is ``ChannelUnreachable("channel.unclear")``: who asks by its number finds the money.
        """
        try:
            return await self._opened(order)
        except ChannelRefused as refusal:
            if refusal.reason in _PAID_ALREADY:
                raise unclear() from refusal
            raise

    async def _opened(self, order: ChannelOrder) -> OpenedOrder:
        if order.amount.currency != CURRENCY:
            raise ChannelRefused(channel=NAME, reason="CURRENCY")
        asked = self._asked(order)
        if order.scene is Scene.CODE:
            opened = (await self._client.post(f"{self._orders}/native", asked)).read(_OPENED)
            return OpenedOrder(pay_url=_there(opened.code_url))
        if order.scene is Scene.PAGE:
            asked["scene_info"] = {
                "payer_client_ip": _given(order.payer_address, "PAYER_ADDRESS"), "h5_info": {"type": "Wap"},
            }  # fmt: skip
            opened = (await self._client.post(f"{self._orders}/h5", asked)).read(_OPENED)
            back = "" if order.back is None else "&" + urlencode({"redirect_url": order.back})
            return OpenedOrder(pay_url=_there(opened.h5_url) + back)
        asked["payer"] = self._payer(_given(order.payer, "PAYER"))
        prepay = _there((await self._client.post(f"{self._orders}/jsapi", asked)).read(_OPENED).prepay_id)
        return OpenedOrder(pay_url=None, channel_order=prepay[:80], client_fields=self._client_fields(prepay))

    async def query(self, number: str) -> ChannelState:
        """Ask what became of an order."""
        try:
            answer = await self._client.get(f"{self._orders}/out-trade-no/{number}", self._whose())
        except ChannelRefused as refusal:
            if refusal.reason in ("ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"):
                return ChannelState(number=number, state=OrderState.UNKNOWN)
            raise
        return self._state(number, answer.read(_ORDER))

    async def close(self, number: str) -> ChannelState:
        """Make the order unpayable and return what it is then; a payer who was faster wins."""
        try:
            await self._client.post(f"{self._orders}/out-trade-no/{number}/close", self._whose())
        except ChannelRefused as refusal:
            if refusal.reason in _PAID_ALREADY:
                return await self.query(number)
            if refusal.reason in ("ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"):
                return ChannelState(number=number, state=OrderState.UNKNOWN)
            if refusal.reason not in ("ORDER_CLOSED", "ORDERCLOSED"):
                raise
        return ChannelState(number=number, state=OrderState.CLOSED)

    # -- refunds -------------------------------------------------------------------------------------------------------

    async def refund(self, order: RefundOrder) -> RefundState:
        """Ask for a refund, by the same number as often as it takes."""
        asked: dict[str, Any] = {
            "transaction_id": order.transaction, "out_refund_no": order.number, "reason": order.reason[:80],
            "notify_url": self._notify_url,
            "amount": {"refund": order.amount.minor, "total": order.paid.minor, "currency": order.amount.currency},
        }  # fmt: skip
        if self._merchant.is_sub:
            asked["sub_mchid"] = self._merchant.sub_mchid
        try:
            answer = await self._client.post("/v3/refund/domestic/refunds", asked)
        except ChannelRefused as refusal:
            if refusal.reason in _LATER:
                return RefundState(number=order.number, progress=RefundProgress.ABNORMAL, reason=refusal.reason)
            raise
        return _refund_state(order, answer.read(_REFUND))

    async def query_refund(self, order: RefundOrder) -> RefundState:
        """Ask what became of a refund."""
        query = {"sub_mchid": self._merchant.sub_mchid} if self._merchant.sub_mchid else {}
        try:
            answer = await self._client.get(f"/v3/refund/domestic/refunds/{order.number}", query)
        except ChannelRefused as refusal:
            if refusal.reason in ("RESOURCE_NOT_EXISTS", "REFUND_NOT_EXIST"):
                return RefundState(number=order.number, progress=RefundProgress.UNKNOWN)
            raise
        return _refund_state(order, answer.read(_REFUND))

    # -- what WeChat Pay tells -----------------------------------------------------------------------------------------

    def read_notification(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Notice:
        """Prove and read a notification; see ``Channel``. Proved first, opened second."""
        del method, path  # not part of what is signed
        if len(body) > NOTICE_BYTES:
            raise Malformed("channel.bad_notice", channel=NAME)
        signing.verify(self._client.keys, headers, body, now_s=self._clock.now() // SECOND_US)
        told = _understood(body, _TOLD)
        sealed = told.resource
        plain = signing.unseal(
            self._me.api_key, nonce=sealed.nonce, ciphertext=sealed.ciphertext, associated=sealed.associated_data
        )
        if told.event_type.startswith("REFUND."):
            return RefundNotice(number=_understood(plain, _REFUND_TOLD).out_refund_no)
        if told.event_type != "TRANSACTION.SUCCESS":
            return NothingNew()
        order = _understood(plain, _ORDER)
        if not self._merchant.owns(order):
            raise Unknown("channel.not_ours", channel=NAME, order=order.out_trade_no[:32])
        paid = _paid(order)
        if paid is None:
            return NothingNew()
        amount, transaction, at = paid
        return PaidNotice(number=order.out_trade_no, transaction=transaction, paid=amount, paid_at=at)

    def acknowledgement(self) -> Acknowledgement:
        """Return the answer that ends the telling."""
        return Acknowledgement(200, "application/json", b'{"code":"SUCCESS","message":"OK"}')

    async def statement(self, day: date) -> Statement:
        """Return the trade bill of a day, ready on the next one from ten o'clock in Beijing."""
        return await statement.fetched(
            self._client,
            day,
            sub_mchid=self._merchant.sub_mchid,
            now=as_datetime(self._clock.now()).astimezone(BEIJING),
        )

    # -- how it is asked -----------------------------------------------------------------------------------------------

    def _asked(self, order: ChannelOrder) -> dict[str, Any]:
        expires = datetime.fromtimestamp(order.expires_at // SECOND_US, UTC).astimezone(BEIJING)
        merchant = self._merchant
        who: dict[str, Any] = {"appid": merchant.appid, "mchid": merchant.mchid}
        if merchant.is_sub:
            who = {"sp_appid": merchant.appid, "sp_mchid": merchant.mchid, "sub_mchid": merchant.sub_mchid}
            if merchant.sub_appid:
                who["sub_appid"] = merchant.sub_appid
        return {
            **who, "description": order.subject[:127], "out_trade_no": order.number,
            "time_expire": expires.isoformat(timespec="seconds"), "notify_url": self._notify_url,
            "amount": {"total": order.amount.minor, "currency": order.amount.currency},
        }  # fmt: skip

    def _payer(self, openid: str) -> dict[str, str]:
        if not self._merchant.is_sub:
            return {"openid": openid}
        return {"sub_openid" if self._merchant.sub_appid else "sp_openid": openid}

    def _whose(self) -> dict[str, str]:
        merchant = self._merchant
        if merchant.sub_mchid is not None:
            return {"sp_mchid": merchant.mchid, "sub_mchid": merchant.sub_mchid}
        return {"mchid": merchant.mchid}

    def _client_fields(self, prepay: str) -> dict[str, str]:
        """Return what the mini-program hands to ``wx.requestPayment``, signed with the merchant's key."""
        appid = self._merchant.app_of_payers
        ts, nonce, package = str(self._clock.now() // SECOND_US), self._nonces(), f"prepay_id={prepay}"
        signature = signing.sign(self._me.key, signing.lines(appid, ts, nonce, package))
        return {
            "appId": appid, "timeStamp": ts, "nonceStr": nonce, "package": package, "signType": "RSA",
            "paySign": signature,
        }  # fmt: skip

    def _state(self, number: str, order: _Order) -> ChannelState:
        if order.out_trade_no != number or not self._merchant.owns(order):
            raise unclear()
        if order.trade_state in _OPEN:
            return ChannelState(number=number, state=OrderState.OPEN)
        if order.trade_state in _CLOSED:
            return ChannelState(number=number, state=OrderState.CLOSED)
        paid = _paid(order)
        if paid is None:
            raise unclear()
        amount, transaction, at = paid
        return ChannelState(number=number, state=OrderState.PAID, paid=amount, transaction=transaction, paid_at=at)


def _paid(order: _Order) -> tuple[Money, str, Instant] | None:
    """Return amount, transaction and time of an order that was paid. What the payer's coupons covered counts, too."""
    if order.trade_state not in _PAID or order.amount is None or not order.amount.total:
        return None
    if not order.transaction_id or not order.success_time:
        return None
    try:
        return Money(order.amount.total, order.amount.currency), order.transaction_id, from_iso(order.success_time)
    except ValueError:
        return None


def _refund_state(order: RefundOrder, found: _Refund) -> RefundState:
    progress = _REFUNDS.get(found.status)
    if progress is None or found.out_refund_no != order.number:
        raise unclear()
    if progress is not RefundProgress.DONE:
        return RefundState(number=order.number, progress=progress, reason=found.status)
    refunded = Money(found.amount.refund, found.amount.currency)
    return RefundState(number=order.number, progress=progress, refunded=refunded, channel_refund=found.refund_id)


def _understood(text: bytes, shape: Shape[T]) -> T:
    try:
        return shape.read(text)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Malformed("channel.bad_notice", channel=NAME) from error


def _there(text: str | None) -> str:
    if not text:
        raise unclear()
    return text


def _given(text: str | None, reason: str) -> str:
    if not text:
        raise ChannelRefused(channel=NAME, reason=reason)
    return text
