"""Routes of debts, for operators."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.payments.model.debts import WORDS_MAX, Debt, DebtState
from openberth.contexts.payments.service import debts
from openberth.contexts.payments.service.listing import listed_debts
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import MoneyView, View, When, instant, instant_or_none, money
from openberth.infra.http.asks import Form, LotNames, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import AskedList, AskForList, ListPage
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

DebtPath = Annotated[Id, Path()]


class ReasonForm(Form):
    """Why; it is kept with the debt and in the audit trail."""

    reason: Annotated[Words, Field(min_length=1, max_length=WORDS_MAX)]


class DebtView(View):
    """What a car that has left owes. ``subject`` is its stay; ``pictures`` are the names of what proves it.

    ``asked_on`` is the bill of a later visit that asks for it now; ``reason`` is why it is disputed or was waived;
    from ``lapses_at`` on nobody asks for it any more.
    """

    id: Id
    lot_id: Id
    bill: Id
    subject: Id
    amount: MoneyView
    state: DebtState
    passages: list[Id]
    pictures: list[str]
    raised_at: When
    lapses_at: When
    asked_on: Id | None
    reason: str | None
    ended_at: When | None


class DebtsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["payments"])
        add = self.router.add_api_route
        add("/debts", self.debts, methods=["GET"])
        add("/debts/{debt}", self.debt, methods=["GET"])
        add("/debts/{debt}/waive", self.waive, methods=["POST"], response_model=DebtView)
        add("/debts/{debt}/dispute", self.dispute, methods=["POST"], response_model=DebtView)
        add("/debts/{debt}/uphold", self.uphold, methods=["POST"], response_model=DebtView)

    async def debts(
        self, ask: AskedList, by: Annotated[Caller, Depends(may("bill.read"))], lots: LotNames = None,
        state: Annotated[DebtState | None, Query()] = None,
    ) -> ListPage[DebtView]:  # fmt: skip
        """Return debts of lots by when the cars left, the newest or the oldest first."""
        return await self._database.read(partial(_debts, names=lots, state=state, ask=ask), by=by)

    async def debt(self, debt: DebtPath, by: Annotated[Caller, Depends(may("bill.read"))]) -> DebtView:
        """Return a debt."""
        return debt_view(await self._database.read(partial(debts.debt_by_id, debt=debt), by=by))

    async def waive(
        self, debt: DebtPath, form: ReasonForm, by: Annotated[Caller, Depends(may("debt.waive", fresh=True))], key: Key
    ) -> Response:
        """Let a debt go: its bill is written off and takes no more money."""
        return answered(
            await self._database.write(
                once(key, lambda unit: debt_view(debts.waive_debt(unit, debt=debt, reason=form.reason))), by=by
            )
        )

    async def dispute(
        self, debt: DebtPath, form: ReasonForm, by: Annotated[Caller, Depends(may("debt.dispute"))], key: Key
    ) -> Response:
        """Note that a debt is disputed, and why: it is asked of nobody until the dispute is over. It can be paid."""
        return answered(
            await self._database.write(
                once(key, lambda unit: debt_view(debts.dispute_debt(unit, debt=debt, reason=form.reason))), by=by
            )
        )

    async def uphold(
        self, debt: DebtPath, by: Annotated[Caller, Depends(may("debt.dispute"))], key: Key
    ) -> Response:  # fmt: skip
        """End a dispute: the debt stands."""
        return answered(
            await self._database.write(once(key, lambda unit: debt_view(debts.uphold_debt(unit, debt=debt))), by=by)
        )


def debt_view(debt: Debt) -> DebtView:
    """Return a debt as it leaves."""
    return DebtView(
        id=debt.id, lot_id=debt.lot, bill=debt.bill, subject=debt.subject, amount=money(debt.amount), state=debt.state,
        passages=[Id(each) for each in debt.evidence["passages"]], pictures=debt.evidence["pictures"],
        raised_at=instant(debt.raised_at), lapses_at=instant(debt.lapses_at), asked_on=debt.carried_to,
        reason=debt.reason,
        ended_at=instant_or_none(debt.ended_at),
    )  # fmt: skip


def _debts(
    reader: Reader, names: list[str] | None, state: DebtState | None, ask: AskForList
) -> ListPage[DebtView]:  # fmt: skip
    lots = facility.lots_named(reader, names=names)
    found = listed_debts(reader, lots=lots, ask=ask.ask, state=state)
    return ask.page([debt_view(row) for row in found.items], found)
