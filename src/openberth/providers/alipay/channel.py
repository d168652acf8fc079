"""A contract with Alipay as payments knows it: orders, refunds, notifications and the statement of a day.

A code that nobody has scanned and a page that nobody has opened are no orders at Alipay yet: it says
``ACQ.TRADE_NOT_EXIST`` to ``query`` and to ``close``. That is ``unknown`` here and not ``closed``, for the code can be
scanned until its ``time_expire``. Who withdraws such an order asks again until then; once scanned it can be closed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from openberth.contexts.payments.ports import (
    Acknowledgement,
    ChannelOrder,
    ChannelRefused,
    ChannelState,
    Notice,
    OpenedOrder,
    OrderState,
    RefundOrder,
    RefundProgress,
    RefundState,
    Scene,
    Statement,
)
from openberth.infra.shapes import Shape
from openberth.kernel.time import BEIJING, Clock, as_datetime
from openberth.providers.alipay import notices, statement
from openberth.providers.alipay.amounts import CURRENCY, beijing, wall_text, yuan
from openberth.providers.alipay.client import Client, unclear
from openberth.providers.alipay.signing import NAME, Trust

SUBJECT_MAX, REASON_MAX = 256, 80
NOT_THERE, HAS_SUCCESS, HAS_CLOSED = "ACQ.TRADE_NOT_EXIST", "ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE"
_PAID = frozenset(("TRADE_SUCCESS", "TRADE_FINISHED"))
_OPEN, _CLOSED = "WAIT_BUYER_PAY", "TRADE_CLOSED"
# The number is good and the money is not there: a person tops the account up and has the same number tried again.
_LATER = frozenset(("ACQ.SELLER_BALANCE_NOT_ENOUGH", "ACQ.REASON_TRADE_BEEN_FREEZEN"))
_REFUNDS = {
    "REFUND_SUCCESS": RefundProgress.DONE, "REFUND_PROCESSING": RefundProgress.UNDER_WAY,
    "REFUND_FAIL": RefundProgress.REFUSED,
}  # fmt: skip
_USER_ID = re.compile(r"2088[0-9]{12}", re.ASCII)  # older merchants know payers so, newer ones by an open id


class _Opened(msgspec.Struct, frozen=True):
    out_trade_no: str
    qr_code: str | None = None
    trade_no: str | None = None


_OPENED = Shape(_Opened)


class _Trade(msgspec.Struct, frozen=True):
    out_trade_no: str
    trade_status: str
    trade_no: str | None = None
    total_amount: str | None = None
    send_pay_date: str | None = None


_TRADE = Shape(_Trade)


class _Closed(msgspec.Struct, frozen=True):
    out_trade_no: str | None = None


_CLOSED_TRADE = Shape(_Closed)


class _Refunded(msgspec.Struct, frozen=True):
    fund_change: str
    trade_no: str | None = None


_REFUNDED = Shape(_Refunded)


class _Refund(msgspec.Struct, frozen=True):
    out_request_no: str | None = None
    refund_status: str | None = None
    refund_amount: str | None = None
    trade_no: str | None = None


_REFUND = Shape(_Refund)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """Whose money it is: the seller, the app that asks, and how it asks.

    ``code_product`` is the product of codes on screens (``FACE_TO_FACE_PAYMENT`` or ``QR_CODE_OFFLINE``), ``mini_app``
    the mini-program that payers pay in, ``provider`` the service provider's own seller id, ``quit_url`` where a browser
    goes that gives up.
    """

    app_id: str
    seller_id: str
    code_product: str
    mini_app: str
    quit_url: str
    provider: str | None = None


class Alipay:
    """One contract: a ``Channel`` that refunds and tells of whole days."""

    def __init__(self, *, client: Client, merchant: Merchant, trust: Trust, notify_url: str, clock: Clock) -> None:
        self._client = client
        self._merchant = merchant
        self._trust = trust
        self._notify_url = notify_url
        self._clock = clock

    def __repr__(self) -> str:
        return f"Alipay({self._client!r}, {self._merchant!r})"

    @property
    def name(self) -> str:
        """The word that attempts and receipts carry."""
        return NAME

    @property
    def scenes(self) -> frozenset[Scene]:
        """Codes (precreate), phones' browsers (wap), and Alipay itself (create)."""
        return frozenset(Scene)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    # -- orders --------------------------------------------------------------------------------------------------------

    async def open(self, order: ChannelOrder) -> OpenedOrder:
        """Make the order payable where the payer stands. Alipay itself wants the payer.

        A browser's page is an address that we sign: Alipay learns of it when it is opened.
        """
        if order.amount.currency != CURRENCY:
            raise ChannelRefused(channel=NAME, reason="CURRENCY")
        asked = self._asked(order)
        if order.scene is Scene.PAGE:
            asked |= {"product_code": "QUICK_WAP_WAY", "quit_url": self._merchant.quit_url}
            return OpenedOrder(
                pay_url=await self._client.page(
                    "alipay.trade.wap.pay", asked, notify_url=self._notify_url, return_url=order.back
                )
            )
        if order.scene is Scene.CODE:
            asked["product_code"] = self._merchant.code_product
            return OpenedOrder(pay_url=_there((await self._opened("alipay.trade.precreate", order, asked)).qr_code))
        asked |= {"product_code": "JSAPI_PAY", "op_app_id": self._merchant.mini_app, **_buyer(order.payer)}
        trade = _there((await self._opened("alipay.trade.create", order, asked)).trade_no)
        return OpenedOrder(pay_url=None, channel_order=trade[:80], client_fields={"tradeNO": trade})

    async def query(self, number: str) -> ChannelState:
        """Ask what became of an order."""
        try:
            found = await self._client.call("alipay.trade.query", {"out_trade_no": number}, _TRADE)
        except ChannelRefused as refusal:
            if refusal.reason == NOT_THERE:
                return ChannelState(number=number, state=OrderState.UNKNOWN)
            raise
        return _state(number, found)

    async def close(self, number: str) -> ChannelState:
        """Make the order unpayable and return what it is then; a payer who was faster wins."""
        try:
            closed = await self._client.call("alipay.trade.close", {"out_trade_no": number}, _CLOSED_TRADE)
        except ChannelRefused as refusal:
            if refusal.reason == NOT_THERE:
                return ChannelState(number=number, state=OrderState.UNKNOWN)
            # Paid, closed before, or in some state that cannot be closed: the trade itself says which.
            state = await self.query(number)
            if state.state in (OrderState.PAID, OrderState.CLOSED):
                return state
            raise
        if closed.out_trade_no not in (None, number):
            raise unclear()
        return ChannelState(number=number, state=OrderState.CLOSED)

    # -- refunds -------------------------------------------------------------------------------------------------------

    async def refund(self, order: RefundOrder) -> RefundState:
        """Ask for a refund, by the same number as often as it takes.

        ``fund_change`` N says that this request moved nothing: an earlier one did, or it is not done yet.
        """
        asked = {
            "trade_no": order.transaction, "out_request_no": order.number, "refund_amount": order.amount.amount_text,
            "refund_reason": order.reason[:REASON_MAX],
        }  # fmt: skip
        try:
            answer = await self._client.call("alipay.trade.refund", asked, _REFUNDED)
        except ChannelRefused as refusal:
            if refusal.reason in _LATER:
                return RefundState(number=order.number, progress=RefundProgress.ABNORMAL, reason=refusal.reason)
            raise
        if answer.trade_no not in (None, order.transaction):
            raise unclear()
        if answer.fund_change == "Y":  # refund_fee beside it is the sum of all refunds so far, not of this one
            return RefundState(number=order.number, progress=RefundProgress.DONE, refunded=order.amount)
        state = await self.query_refund(order)
        if state.progress is RefundProgress.UNKNOWN:
            return RefundState(number=order.number, progress=RefundProgress.UNDER_WAY, reason="FUND_CHANGE_N")
        return state

    async def query_refund(self, order: RefundOrder) -> RefundState:
        """Ask what became of a refund. An answer without its state is ``unknown``: the same number may be asked for."""
        asked = {"trade_no": order.transaction, "out_request_no": order.number}
        found = await self._client.call("alipay.trade.fastpay.refund.query", asked, _REFUND)
        if not found.refund_status:
            return RefundState(number=order.number, progress=RefundProgress.UNKNOWN)
        progress = _REFUNDS.get(found.refund_status)
        is_ours = found.out_request_no == order.number and found.trade_no in (None, order.transaction)
        if progress is None or not is_ours:
            raise unclear()
        if progress is not RefundProgress.DONE:
            return RefundState(number=order.number, progress=progress, reason=found.refund_status)
        try:
            refunded = yuan(found.refund_amount or "")
        except ValueError as error:
            raise unclear() from error
        return RefundState(number=order.number, progress=progress, refunded=refunded)

    # -- what Alipay tells ---------------------------------------------------------------------------------------------

    def read_notification(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Notice:
        """Prove and read a notification; see ``Channel``. One may come for more than a day, with a new time each."""
        del method, path, headers  # not part of what is signed
        merchant = self._merchant
        return notices.read(body, self._trust, app_id=merchant.app_id, seller_id=merchant.seller_id)

    def acknowledgement(self) -> Acknowledgement:
        """Return the answer that ends the telling: these seven letters and nothing else."""
        return Acknowledgement(200, "text/plain", b"success")

    async def statement(self, day: date) -> Statement:
        """Return the trade bill of a day, ready on the next one from ten o'clock in Beijing."""
        now = as_datetime(self._clock.now()).astimezone(BEIJING)
        return await statement.fetched(self._client, day, now=now)

    # -- how it is asked -----------------------------------------------------------------------------------------------

    def _asked(self, order: ChannelOrder) -> dict[str, Any]:
        """Return what all scenes ask for. The end is an instant and no span: asked again, it is no later."""
        asked: dict[str, Any] = {
            "out_trade_no": order.number, "total_amount": order.amount.amount_text,
            "subject": order.subject[:SUBJECT_MAX], "time_expire": wall_text(order.expires_at),
            "seller_id": self._merchant.seller_id,
        }  # fmt: skip
        if self._merchant.provider is not None:
            asked["extend_params"] = {"sys_service_provider_id": self._merchant.provider}
        return asked

    async def _opened(self, method: str, order: ChannelOrder, asked: Mapping[str, Any]) -> _Opened:
        try:
            opened = await self._client.call(method, asked, _OPENED, notify_url=self._notify_url)
        except ChannelRefused as refusal:
            if refusal.reason == HAS_SUCCESS:  # no failure at all: it was paid, and asking for it finds the money
                raise unclear() from refusal
            raise
        if opened.out_trade_no != order.number:
            raise unclear()
        return opened


def _state(number: str, found: _Trade) -> ChannelState:
    if found.out_trade_no != number:
        raise unclear()
    if found.trade_status == _OPEN:
        return ChannelState(number=number, state=OrderState.OPEN)
    if found.trade_status == _CLOSED and not found.send_pay_date:
        return ChannelState(number=number, state=OrderState.CLOSED)
    if found.trade_status not in _PAID and found.trade_status != _CLOSED:
        raise unclear()
    # Paid; a trade that was paid and is closed was refunded since.
    try:
        paid, at = yuan(found.total_amount or ""), beijing(found.send_pay_date or "")
    except ValueError as error:
        raise unclear() from error
    if paid.minor <= 0:
        raise unclear()
    transaction = _there(found.trade_no)
    return ChannelState(number=number, state=OrderState.PAID, paid=paid, transaction=transaction, paid_at=at)


def _buyer(payer: str | None) -> dict[str, str]:
    if not payer:
        raise ChannelRefused(channel=NAME, reason="PAYER")
    return {"buyer_id" if _USER_ID.fullmatch(payer) else "buyer_open_id": payer}


def _there(text: str | None) -> str:
    if not text:
        raise unclear()
    return text
