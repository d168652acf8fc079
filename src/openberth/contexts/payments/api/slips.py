"""Routes of money that people take and give back without a channel: card terminals, transfers, vouchers."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from openberth.contexts.payments.api.money import BillView, ReceiptView, bill_view, receipt_view
from openberth.contexts.payments.api.refunds import RefundView, refund_view
from openberth.contexts.payments.model import ReceiptMethod
from openberth.contexts.payments.service import refunds
from openberth.contexts.payments.service.receipts import take_slip
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.http.answers import View
from openberth.infra.http.asks import Form, MoneyForm, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

Number = Annotated[str, Field(min_length=1, max_length=40)]


class SlipForm(Form):
    """All that is left of a bill, as a slip says it: its number, for a card the number of the terminal, else a note."""

    method: Literal["pos", "other"]
    amount: MoneyForm
    reference: Number
    terminal: Number | None = None
    note: Annotated[Words, Field(max_length=200)] | None = None


class SlipView(View):
    """What that did; ``repeated`` when the slip was known."""

    receipt: ReceiptView
    bill: BillView
    repeated: bool


class MadeForm(Form):
    """The number of the slip by which money was given back."""

    reference: Number


class SlipsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["payments"])
        add = self.router.add_api_route
        add("/bills/{bill}/offline", self.take, methods=["POST"], response_model=SlipView)
        add("/refunds/{refund}/made", self.made, methods=["POST"], response_model=RefundView)

    async def take(
        self, bill: Annotated[Id, Path()], form: SlipForm, request: Request,
        by: Annotated[Caller, Depends(may("cash.take"))], key: Key,
    ) -> Response:  # fmt: skip
        """Count what a card terminal took for a bill, or what came otherwise: once, by the number of its slip."""
        language = language_of_scope(request.scope)

        def effect(unit: Unit) -> SlipView:
            taken = take_slip(
                unit, bill=bill, method=ReceiptMethod(form.method), amount=form.amount.value(),
                reference=form.reference, terminal=form.terminal, note=form.note,
            )  # fmt: skip
            return SlipView(
                receipt=receipt_view(taken.receipt), bill=bill_view(taken.bill, language), repeated=taken.repeated
            )

        return answered(await self._database.write(once(key, effect), by=by, urgency=Urgency.LANE))

    async def made(
        self, refund: Annotated[Id, Path()], form: MadeForm,
        by: Annotated[Caller, Depends(may("refund.write", fresh=True))], key: Key,
    ) -> Response:  # fmt: skip
        """Say that one gave back what a card terminal took or what came otherwise."""

        def effect(unit: Unit) -> RefundView:
            return refund_view(refunds.give_by_hand(unit, refund=refund, reference=form.reference))

        return answered(await self._database.write(once(key, effect), by=by))
