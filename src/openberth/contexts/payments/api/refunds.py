"""Routes of refunds, for operators."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.payments.model import ReceiptMethod, Refund, RefundCause, RefundState
from openberth.contexts.payments.service import refunds
from openberth.contexts.payments.service.listing import listed_refunds
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import MoneyView, View, When, instant, instant_or_none, money
from openberth.infra.http.asks import Form, LotNames, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import AskedList, AskForList, ListPage
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id
from openberth.kernel.money import MINOR_DIGITS, Money

Reason = Annotated[Words, Field(min_length=1, max_length=80)]


class RefundForm(Form):
    """How much of a receipt goes back, in minor units of its currency, and why: the payer reads the reason."""

    amount_minor: Annotated[int, Field(gt=0, le=10**12)]
    currency: Annotated[str, Field(min_length=3, max_length=3)]
    reason: Reason


class GiveUpForm(Form):
    """Why a stuck refund will never be made."""

    reason: Reason


class RefundView(View):
    """Money that goes back. ``detail`` says why it is stuck or was given up."""

    id: Id
    lot_id: Id
    number: str
    receipt: Id
    bill: Id
    method: ReceiptMethod
    amount: MoneyView
    cause: RefundCause
    reason: str
    state: RefundState
    detail: str | None
    asked_at: When
    ended_at: When | None


class RefundsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["payments"])
        add = self.router.add_api_route
        add("/refunds", self.refunds, methods=["GET"])
        add("/receipts/{receipt}/refunds", self.refund, methods=["POST"], status_code=201, response_model=RefundView)
        add("/refunds/{refund}/retry", self.retry, methods=["POST"], response_model=RefundView)
        add("/refunds/{refund}/give-up", self.give_up, methods=["POST"], response_model=RefundView)

    async def refunds(
        self, ask: AskedList, by: Annotated[Caller, Depends(may("bill.read"))], lots: LotNames = None,
        state: Annotated[RefundState | None, Query()] = None, method: Annotated[ReceiptMethod | None, Query()] = None,
        cause: Annotated[RefundCause | None, Query()] = None,
    ) -> ListPage[RefundView]:  # fmt: skip
        """Return refunds of lots by when they were asked for, the newest or the oldest first."""
        ready = partial(_refunds, names=lots, state=state, method=method, cause=cause, ask=ask)
        return await self._database.read(ready, by=by)

    async def refund(
        self, receipt: Annotated[Id, Path()], form: RefundForm,
        by: Annotated[Caller, Depends(may("refund.write", fresh=True))], key: Key,
    ) -> Response:  # fmt: skip
        """Give back a part of what paid a bill; the bill stays settled."""

        def effect(unit: Unit) -> RefundView:
            if form.currency not in MINOR_DIGITS:
                raise Malformed("refund.currency")
            amount = Money(form.amount_minor, form.currency)
            return refund_view(refunds.refund(unit, receipt=receipt, amount=amount, reason=form.reason))

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def retry(
        self, refund: Annotated[Id, Path()], by: Annotated[Caller, Depends(may("refund.write", fresh=True))], key: Key
    ) -> Response:
        """Try a stuck refund again, by the same number at its channel."""
        return answered(
            await self._database.write(
                once(key, lambda unit: refund_view(refunds.try_again(unit, refund=refund))), by=by
            )
        )

    async def give_up(
        self, refund: Annotated[Id, Path()], form: GiveUpForm,
        by: Annotated[Caller, Depends(may("refund.write", fresh=True))], key: Key,
    ) -> Response:  # fmt: skip
        """End a stuck refund that its channel will never make."""
        return answered(
            await self._database.write(
                once(key, lambda unit: refund_view(refunds.give_up(unit, refund=refund, reason=form.reason))), by=by
            )
        )


def refund_view(refund: Refund) -> RefundView:
    """Return a refund as it leaves."""
    return RefundView(
        id=refund.id, lot_id=refund.lot, number=refund.number, receipt=refund.receipt, bill=refund.bill,
        method=refund.method, amount=money(refund.amount), cause=refund.cause, reason=refund.reason, state=refund.state,
        detail=refund.detail, asked_at=instant(refund.asked_at), ended_at=instant_or_none(refund.ended_at),
    )  # fmt: skip


def _refunds(
    reader: Reader, names: list[str] | None, state: RefundState | None, method: ReceiptMethod | None,
    cause: RefundCause | None, ask: AskForList,
) -> ListPage[RefundView]:  # fmt: skip
    lots = facility.lots_named(reader, names=names)
    found = listed_refunds(reader, lots=lots, ask=ask.ask, state=state, method=method, cause=cause)
    return ask.page([refund_view(row) for row in found.items], found)
