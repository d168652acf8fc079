"""Routes of reconciliation: days that were read, what differs on them, decisions, closing."""

from datetime import date
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.responses import Response

from openberth.contexts.payments.model.reconciling import DayState, DifferenceKind, DifferenceState, RowKind
from openberth.contexts.payments.service import reconciling as service
from openberth.contexts.payments.store.reconciling import Day, Difference
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import MoneyView, View, When, instant, instant_or_none, money
from openberth.infra.http.asks import Form, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id
from openberth.kernel.money import Money


class DecisionForm(Form):
    """What a difference was, in words."""

    reason: Annotated[Words, Field(min_length=1, max_length=200)]


class DayView(View):
    """A day of a contract, with the sums of the channel's statement.

    ``undecided`` differences keep it from being closed. ``unbooked_fee`` is what of the fees stands in no book of ours:
    that of money we do not know; null for days that were read before fees were booked.
    """

    id: Id
    channel: Id
    day: date
    state: DayState
    rows: int
    undecided: int
    paid: MoneyView
    refunded: MoneyView
    fee: MoneyView
    unbooked_fee: MoneyView | None
    read_at: When
    closed_at: When | None
    closed_by: str | None


class DifferenceView(View):
    """A difference; ``theirs`` is what the channel says, ``ours`` what we have, one of them perhaps nothing."""

    id: Id
    channel: Id
    day: date
    kind: DifferenceKind
    row: RowKind
    number: str
    transaction: str
    theirs: MoneyView | None
    ours: MoneyView | None
    subject: Id | None
    state: DifferenceState
    reason: str | None
    decided_by: str | None
    decided_at: When | None


class DayDetailView(View):
    """A day with everything that differs, at most 1 000."""

    day: DayView
    differences: list[DifferenceView]


class ReconciliationApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["reconciliation"])
        add = self.router.add_api_route
        add("/reconciliation", self.days, methods=["GET"])
        add("/reconciliation/{day}", self.day, methods=["GET"])
        add("/reconciliation/{day}/close", self.close, methods=["POST"], response_model=DayView)
        add("/differences/{difference}/decide", self.decide, methods=["POST"], response_model=DifferenceView)

    async def days(
        self, ask: Asked, by: Annotated[Caller, Depends(may("bill.read"))],
        channel: Annotated[Id | None, Query()] = None, state: Annotated[DayState | None, Query()] = None,
    ) -> Page[DayView]:  # fmt: skip
        """Return the days whose statements were read, the last ones first."""
        return await self._database.read(partial(_days, ask=ask, channel=channel, state=state), by=by)

    async def day(self, day: Annotated[Id, Path()], by: Annotated[Caller, Depends(may("bill.read"))]) -> DayDetailView:
        """Return a day with what differs."""
        return await self._database.read(partial(_day, day=day), by=by)

    async def close(
        self, day: Annotated[Id, Path()], by: Annotated[Caller, Depends(may("reconciliation.write"))], key: Key
    ) -> Response:
        """Close a day whose differences are all decided: it never changes again."""
        effect = once(key, lambda unit: day_view(service.close_day(unit, day=day), undecided=0))
        return answered(await self._database.write(effect, by=by))

    async def decide(
        self, difference: Annotated[Id, Path()], form: DecisionForm,
        by: Annotated[Caller, Depends(may("reconciliation.write"))], key: Key,
    ) -> Response:  # fmt: skip
        """Say what a difference was."""

        def effect(unit: Unit) -> DifferenceView:
            return difference_view(service.decide(unit, difference=difference, reason=form.reason))

        return answered(await self._database.write(once(key, effect), by=by))


def day_view(day: Day, *, undecided: int) -> DayView:
    """Return a day as it leaves."""
    currency = day.currency
    return DayView(
        id=day.id, channel=day.account, day=day.day, state=day.state, rows=day.row_count,
        undecided=undecided,
        paid=money(Money(day.paid_minor, currency)), refunded=money(Money(day.refunded_minor, currency)),
        fee=money(Money(day.fee_minor, currency)),
        unbooked_fee=None if day.unbooked_fee_minor is None else money(Money(day.unbooked_fee_minor, currency)),
        read_at=instant(day.read_at),
        closed_at=instant_or_none(day.closed_at), closed_by=day.closed_by,
    )  # fmt: skip


def difference_view(one: Difference) -> DifferenceView:
    """Return a difference as it leaves."""
    return DifferenceView(
        id=one.id, channel=one.account, day=one.day, kind=one.kind, row=one.row, number=one.number,
        transaction=one.transaction, theirs=None if one.theirs is None else money(one.theirs),
        ours=None if one.ours is None else money(one.ours), subject=one.subject, state=one.state, reason=one.reason,
        decided_by=one.decided_by, decided_at=instant_or_none(one.decided_at),
    )  # fmt: skip


def _days(reader: Reader, ask: Ask, channel: Id | None, state: DayState | None) -> Page[DayView]:
    rows = service.days(reader, before=ask.before, limit=ask.limit, account=channel, state=state)
    undecided = service.open_differences(reader)
    items = [day_view(row, undecided=undecided.get((row.account, row.day.isoformat()), 0)) for row in rows]
    return page_of(items, last_of(rows, ask.limit, lambda row: row.id))


def _day(reader: Reader, day: Id) -> DayDetailView:
    found = service.day_by_id(reader, day=day)
    undecided = service.open_differences(reader).get((found.account, found.day.isoformat()), 0)
    return DayDetailView(
        day=day_view(found, undecided=undecided),
        differences=[difference_view(one) for one in service.differences_of(reader, day=found)],
    )
