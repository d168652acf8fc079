"""Routes of bills, receipts and refunds, for operators."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from openberth.contexts import facility
from openberth.contexts.payments.model import Bill, BillState, PayPlace, Receipt, ReceiptMethod
from openberth.contexts.payments.service.listing import listed_bills, listed_receipts
from openberth.contexts.tariffs.api import LineView, lines_view
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import MoneyView, View, When, instant, instant_or_none, money
from openberth.infra.http.asks import LotNames
from openberth.infra.http.auth import may
from openberth.infra.http.pages import AskedList, AskForList, ListPage
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id


class BillView(View):
    """A bill with the lines of its price. ``left`` is what may still be paid, nothing unless it is open."""

    id: Id
    lot_id: Id
    number: str
    subject_kind: str
    subject: Id
    state: BillState
    due: MoneyView
    paid: MoneyView
    left: MoneyView
    issued_at: When
    quoted_at: When
    valid_until: When
    settled_at: When | None
    lines: list[LineView]


class ReceiptView(View):
    """Money that came. ``surplus`` is the part that the bill did not owe; ``place`` is where the payer stood and
    ``grace_minutes`` what the lot gave from there to leave in (null: what the tariff says). ``shift`` is the one in
    which a person took it, ``note`` what that person said about it.
    """

    id: Id
    lot_id: Id
    bill: Id
    attempt: Id | None
    method: ReceiptMethod
    amount: MoneyView
    surplus: MoneyView
    transaction: str
    received_at: When
    place: PayPlace | None
    grace_minutes: int | None
    shift: Id | None
    note: str | None


class PaymentsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["payments"])
        self.router.add_api_route("/bills", self.bills, methods=["GET"])
        self.router.add_api_route("/receipts", self.receipts, methods=["GET"])

    async def bills(
        self, ask: AskedList, request: Request, by: Annotated[Caller, Depends(may("bill.read"))],
        lots: LotNames = None, state: Annotated[BillState | None, Query()] = None,
    ) -> ListPage[BillView]:  # fmt: skip
        """Return bills of lots by when they were issued, the newest or the oldest first."""
        language = language_of_scope(request.scope)
        ready = partial(_bills, names=lots, state=state, ask=ask, language=language)
        return await self._database.read(ready, by=by)

    async def receipts(
        self, ask: AskedList, by: Annotated[Caller, Depends(may("bill.read"))], lots: LotNames = None,
        method: Annotated[ReceiptMethod | None, Query()] = None,
    ) -> ListPage[ReceiptView]:  # fmt: skip
        """Return receipts of lots by when the money came, the newest or the oldest first."""
        return await self._database.read(partial(_receipts, names=lots, method=method, ask=ask), by=by)


def bill_view(bill: Bill, language: Language) -> BillView:
    """Return a bill as it leaves."""
    return BillView(
        id=bill.id, lot_id=bill.lot, number=bill.number, subject_kind=bill.subject_kind, subject=bill.subject_id,
        state=bill.state,
        due=money(bill.due), paid=money(bill.paid), left=money(bill.left), issued_at=instant(bill.issued_at),
        quoted_at=instant(bill.quoted_at), valid_until=instant(bill.valid_until),
        settled_at=instant_or_none(bill.settled_at), lines=lines_view(bill.quote.get("lines", []), language),
    )  # fmt: skip


def receipt_view(receipt: Receipt) -> ReceiptView:
    """Return a receipt as it leaves."""
    return ReceiptView(
        id=receipt.id, lot_id=receipt.lot, bill=receipt.bill, attempt=receipt.attempt, method=receipt.method,
        amount=money(receipt.amount),
        surplus=money(receipt.surplus), transaction=receipt.transaction, received_at=instant(receipt.received_at),
        place=receipt.place, grace_minutes=receipt.grace_minutes, shift=receipt.shift,
        note=receipt.note,
    )  # fmt: skip


def _bills(
    reader: Reader, names: list[str] | None, state: BillState | None, ask: AskForList, language: Language
) -> ListPage[BillView]:
    lots = facility.lots_named(reader, names=names)
    found = listed_bills(reader, lots=lots, ask=ask.ask, state=state)
    return ask.page([bill_view(row, language) for row in found.items], found)


def _receipts(
    reader: Reader, names: list[str] | None, method: ReceiptMethod | None, ask: AskForList
) -> ListPage[ReceiptView]:
    lots = facility.lots_named(reader, names=names)
    found = listed_receipts(reader, lots=lots, ask=ask.ask, method=method)
    return ask.page([receipt_view(row) for row in found.items], found)
