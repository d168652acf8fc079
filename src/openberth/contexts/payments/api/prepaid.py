"""Routes of prepaid accounts, for operators: opened for people, filled, looked at, paid out."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.payments.api.money import ReceiptView, receipt_view
from openberth.contexts.payments.api.refunds import Reason, RefundView, refund_view
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.model.prepaid import (
    CODE_MAX,
    PLATES_MAX,
    PrepaidAccount,
    PrepaidState,
    Spending,
)
from openberth.contexts.payments.ports import Scene
from openberth.contexts.payments.reactions import Cashier
from openberth.contexts.payments.service import prepaid as service
from openberth.contexts.payments.service.receipts import take_cash
from openberth.contexts.payments.service.refunds import pay_out
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import MaskedPlate, MoneyView, View, When, instant, money
from openberth.infra.http.asks import Code, Form, LotName, MoneyForm, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.infra.http.plates import read_plate
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate

PrepaidPath = Annotated[Id, Path()]
PlateText = Annotated[Words, Field(min_length=1, max_length=20)]
Plates = Annotated[list[PlateText], Field(max_length=PLATES_MAX)]


class OpenPrepaidForm(Form):
    """An account to be opened: at a lot, which keeps its books, for cars by their plates."""

    lot: Code
    code: Annotated[Words, Field(min_length=1, max_length=CODE_MAX)]
    plates: Plates
    holder: Id | None = None
    spending: Spending = Spending.COMPANY
    pays_by_itself: bool = True


class PrepaidForm(Form):
    """An account as it shall be. Plates that are not named are taken off, null leaves them as they are; closing has a
    route of its own.
    """

    plates: Plates | None = None
    holder: Id | None
    spending: Spending
    pays_by_itself: bool
    state: Literal[PrepaidState.ACTIVE, PrepaidState.PAUSED]


class TopUpForm(Form):
    """What is put in. ``way``: taken in cash now, or asked of a channel; null: the bill only, paid like any other."""

    amount: MoneyForm
    way: Literal["cash"] | ChannelKind | None = None


class PayOutForm(Form):
    """What is paid out, null for all of it, and why: the payer reads the reason."""

    amount: MoneyForm | None = None
    reason: Reason


class ClosePrepaidForm(Form):
    """Why an account is closed."""

    reason: Reason


class PrepaidView(View):
    """An account. It can spend ``balance``; ``held`` is kept for something that is under way. Plates are masked, null
    for an erased one.
    """

    id: Id
    lot: Id
    code: str
    holder: Id | None
    spending: Spending
    pays_by_itself: bool
    state: PrepaidState
    balance: MoneyView
    held: MoneyView
    plates: list[MaskedPlate | None]
    opened_at: When


class TopUpView(View):
    """The bill that puts money in; with the receipt of cash, or the address to pay at and until when it is good."""

    bill: Id
    number: str
    amount: MoneyView
    receipt: ReceiptView | None
    pay_url: str | None
    expires_at: When | None


class MovementView(View):
    """A movement as the ledger has it: what the balance rose by, for which deed of which bill, hold or refund."""

    deed: str
    subject: Id
    by: MoneyView
    at: When


class PayOutView(View):
    """The refunds by which money is paid out."""

    refunds: list[RefundView]


class PrepaidApi:
    """Serves the routes."""

    def __init__(self, database: Database, cashier: Cashier) -> None:
        self._database = database
        self._cashier = cashier
        self.router = APIRouter(prefix="/v1", tags=["prepaid"])
        add = self.router.add_api_route
        add("/prepaid", self.accounts, methods=["GET"])
        add("/prepaid", self.open, methods=["POST"], status_code=201, response_model=PrepaidView)
        add("/prepaid/{prepaid}", self.account, methods=["GET"])
        add("/prepaid/{prepaid}", self.change, methods=["PUT"])
        add("/prepaid/{prepaid}/movements", self.movements, methods=["GET"])
        add("/prepaid/{prepaid}/top-ups", self.top_up, methods=["POST"], status_code=201, response_model=TopUpView)
        add("/prepaid/{prepaid}/pay-out", self.pay_out, methods=["POST"], status_code=201, response_model=PayOutView)
        add("/prepaid/{prepaid}/close", self.close, methods=["POST"], response_model=PrepaidView)

    async def accounts(
        self, lot: LotName, ask: Asked, by: Annotated[Caller, Depends(may("prepaid.read"))]
    ) -> Page[PrepaidView]:
        """Return the accounts that are kept at a lot, newest first."""
        return await self._database.read(partial(_accounts, lot=lot, ask=ask), by=by)

    async def open(
        self, form: OpenPrepaidForm, request: Request, by: Annotated[Caller, Depends(may("prepaid.write"))], key: Key
    ) -> Response:
        """Open an empty account. A plate has one account in a company."""
        plates = _plates(form.plates, request)

        def effect(unit: Unit) -> PrepaidView:
            lot = facility.lot_named(unit, name=form.lot)
            made = service.open_account(
                unit, lot=lot.id, code=form.code, plates=plates, holder=form.holder, spending=form.spending,
                pays_by_itself=form.pays_by_itself,
            )  # fmt: skip
            return _seen(unit, made.id)

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def account(self, prepaid: PrepaidPath, by: Annotated[Caller, Depends(may("prepaid.read"))]) -> PrepaidView:
        """Return an account."""
        return await self._database.read(partial(_seen, prepaid=prepaid), by=by)

    async def change(
        self, prepaid: PrepaidPath, form: PrepaidForm, request: Request,
        by: Annotated[Caller, Depends(may("prepaid.write"))],
    ) -> PrepaidView:  # fmt: skip
        """Change an account's plates, holder, where and how it pays; or pause and resume it."""
        plates = None if form.plates is None else _plates(form.plates, request)

        def effect(unit: Unit) -> PrepaidView:
            service.change_account(
                unit, account=prepaid, plates=plates, holder=form.holder, spending=form.spending,
                pays_by_itself=form.pays_by_itself, state=PrepaidState(form.state),
            )  # fmt: skip
            return _seen(unit, prepaid)

        return await self._database.write(effect, by=by)

    async def movements(
        self, prepaid: PrepaidPath, ask: Asked, by: Annotated[Caller, Depends(may("prepaid.read"))]
    ) -> Page[MovementView]:
        """Return what moved an account's balance, newest first, as the ledger has it."""
        return await self._database.read(partial(movements_page, prepaid=prepaid, ask=ask), by=by)

    async def top_up(
        self, prepaid: PrepaidPath, form: TopUpForm, by: Annotated[Caller, Depends(may("prepaid.fill"))], key: Key
    ) -> Response:
        """Put money in: in cash at once, by a code of a channel, or by a bill that is paid like any other."""
        amount = form.amount.value()

        def effect(unit: Unit) -> TopUpView:
            bill = service.top_up(unit, account=prepaid, amount=amount)
            taken = take_cash(unit, bill=bill.id, tendered=amount)[0] if form.way == "cash" else None
            return TopUpView(
                bill=bill.id, number=bill.number, amount=money(bill.due),
                receipt=None if taken is None else receipt_view(taken.receipt), pay_url=None, expires_at=None,
            )  # fmt: skip

        answer = await self._database.write(once(key, effect, status=201), by=by)
        if form.way is None or form.way == "cash":
            return answered(answer)
        asked = TopUpView.model_validate(answer.body)
        paying = await self._cashier.pay(bill=asked.bill, by=by, kind=ChannelKind(form.way), scene=Scene.CODE)
        where = {"pay_url": paying.attempt.pay_url, "expires_at": instant(paying.attempt.expires_at)}
        return answered(replace(answer, body={**answer.body, **where}))

    async def pay_out(
        self, prepaid: PrepaidPath, form: PayOutForm,
        by: Annotated[Caller, Depends(may("refund.write", fresh=True))], key: Key,
    ) -> Response:  # fmt: skip
        """Give money back to who put it in, by the latest payments first; of a closed account, too."""
        amount = None if form.amount is None else form.amount.value()

        def effect(unit: Unit) -> PayOutView:
            made = pay_out(unit, account=prepaid, amount=amount, reason=form.reason)
            return PayOutView(refunds=[refund_view(each) for each in made])

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def close(
        self, prepaid: PrepaidPath, form: ClosePrepaidForm, by: Annotated[Caller, Depends(may("prepaid.write"))],
        key: Key,
    ) -> Response:  # fmt: skip
        """Close an account for good. Its plates are free for another one; what lies in it can still be paid out."""

        def effect(unit: Unit) -> PrepaidView:
            service.close_account(unit, account=prepaid, reason=form.reason)
            return _seen(unit, prepaid)

        return answered(await self._database.write(once(key, effect), by=by))


def _plates(texts: list[str], request: Request) -> list[Plate]:
    return [read_plate(each, language_of_scope(request.scope)) for each in texts]


def _seen(reader: Reader, prepaid: Id) -> PrepaidView:
    found, plates = service.account_seen(reader, account=prepaid)
    return _view(found, plates)


def _view(account: PrepaidAccount, plates: list[str | None]) -> PrepaidView:
    return PrepaidView(
        id=account.id, lot=account.lot, code=account.code, holder=account.holder, spending=account.spending,
        pays_by_itself=account.pays_by_itself, state=account.state, balance=money(account.balance),
        held=money(account.held), plates=plates, opened_at=instant(account.opened_at),
    )  # fmt: skip


def _accounts(reader: Reader, lot: str, ask: Ask) -> Page[PrepaidView]:
    found = facility.lot_named(reader, name=lot)
    rows = service.accounts_of_lot(reader, lot=found.id, before=ask.before, limit=ask.limit)
    views = [_view(row, service.plates_shown(reader, row.id)) for row in rows]
    return page_of(views, last_of(rows, ask.limit, lambda row: row.id))


def movements_page(reader: Reader, *, prepaid: Id, ask: Ask) -> Page[MovementView]:
    """Return a page of what moved an account's balance."""
    currency = service.account_by_id(reader, account=prepaid).balance.currency
    rows = service.movements(reader, account=prepaid, before=ask.before, limit=ask.limit)
    views = [
        MovementView(deed=deed, subject=subject, by=MoneyView(minor=by, currency=currency), at=instant(at))
        for _, deed, subject, by, at in rows
    ]
    return page_of(views, last_of(rows, ask.limit, lambda row: row[0]))
