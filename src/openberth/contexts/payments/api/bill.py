"""The route of one bill with all that became of it, for operators."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.requests import Request

from openberth.contexts.payments.api.debts import DebtView, debt_view
from openberth.contexts.payments.api.money import BillView, ReceiptView, bill_view, receipt_view
from openberth.contexts.payments.api.refunds import RefundView, refund_view
from openberth.contexts.payments.model import Attempt, AttemptState, PayPlace
from openberth.contexts.payments.service.attempts import attempts_of
from openberth.contexts.payments.service.bills import bill_by_id
from openberth.contexts.payments.service.debts import debt_of_bill
from openberth.contexts.payments.service.receipts import receipts_of
from openberth.contexts.payments.service.refunds import refunds_of
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import MoneyView, View, When, instant, instant_or_none, money
from openberth.infra.http.auth import may
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id


class AttemptView(View):
    """A try to pay: an order at a channel by its ``number`` there, under the contract ``account``. ``place`` is where
    the payer stood, ``reason`` why it ended without money.
    """

    id: Id
    number: str
    channel: str
    account: Id | None
    scene: str
    amount: MoneyView
    state: AttemptState
    place: PayPlace
    created_at: When
    expires_at: When
    ended_at: When | None
    reason: str | None


class BillDetailView(View):
    """A bill with the tries to pay it, the money that came, what of that goes back, and its debt if it became one."""

    bill: BillView
    lot: Id
    attempts: list[AttemptView]
    receipts: list[ReceiptView]
    refunds: list[RefundView]
    debt: DebtView | None


class BillApi:
    """Serves the route."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["payments"])
        self.router.add_api_route("/bills/{bill}", self.bill, methods=["GET"])

    async def bill(
        self, bill: Annotated[Id, Path()], request: Request, by: Annotated[Caller, Depends(may("bill.read"))]
    ) -> BillDetailView:
        """Return a bill with all that became of it."""
        language = language_of_scope(request.scope)
        return await self._database.read(partial(_detail, bill=bill, language=language), by=by)


def _detail(reader: Reader, bill: Id, language: Language) -> BillDetailView:
    found = bill_by_id(reader, bill=bill)
    receipts = receipts_of(reader, bill=bill)
    debt = debt_of_bill(reader, bill=bill)
    return BillDetailView(
        bill=bill_view(found, language), lot=found.lot,
        attempts=[_attempt_view(each) for each in attempts_of(reader, bill=bill)],
        receipts=[receipt_view(each) for each in receipts],
        refunds=[refund_view(each) for receipt in receipts for each in refunds_of(reader, receipt=receipt.id)],
        debt=None if debt is None else debt_view(debt),
    )  # fmt: skip


def _attempt_view(attempt: Attempt) -> AttemptView:
    return AttemptView(
        id=attempt.id, number=attempt.number, channel=attempt.channel, account=attempt.account, scene=attempt.scene,
        amount=money(attempt.amount), state=attempt.state, place=attempt.place,
        created_at=instant(attempt.created_at), expires_at=instant(attempt.expires_at),
        ended_at=instant_or_none(attempt.ended_at), reason=attempt.reason,
    )  # fmt: skip
