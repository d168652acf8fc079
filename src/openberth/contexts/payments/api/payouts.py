"""Routes of what channels owe us and pay out to the bank."""

from datetime import date
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.responses import Response

from openberth.contexts.payments.model.channels import CURRENCY
from openberth.contexts.payments.model.payouts import Owed, Payout, PayoutState, Share
from openberth.contexts.payments.service import payouts as service
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import MoneyView, View, When, instant, instant_or_none, money
from openberth.infra.http.asks import Form, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.infra.http.spending import HEAVY
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id
from openberth.kernel.money import MINOR_DIGITS, Money

Reason = Annotated[Words, Field(min_length=1, max_length=200)]


class PayoutForm(Form):
    """What arrived at the bank: the sum in minor units, the bank's day and reference. ``reason`` says why it is more
    than the channel owes by our books.
    """

    amount_minor: Annotated[int, Field(gt=0, le=10**12)]
    currency: Annotated[str, Field(min_length=3, max_length=3)] = CURRENCY
    day: date
    reference: Annotated[Words, Field(min_length=1, max_length=64)]
    reason: Reason | None = None


class WithdrawForm(Form):
    """What was wrong with what was written down."""

    reason: Reason


class OwedShareView(View):
    """What a channel owes for one lot; negative: it took back more than it had."""

    company: Id
    lot: Id
    owed: MoneyView


class BalanceView(View):
    """What a channel owes by a contract: what it took, less its fees, refunds and payouts."""

    channel: Id
    owed: MoneyView
    lots: list[OwedShareView]


class PayoutView(View):
    """Money that a channel paid out. ``excess`` is what it was more than the channel owed by our books."""

    id: Id
    channel: Id
    amount: MoneyView
    excess: MoneyView
    day: date
    reference: str
    state: PayoutState
    reason: str | None
    recorded_at: When
    recorded_by: str
    withdrawn_at: When | None
    withdrawn_by: str | None


class PayoutDetailView(View):
    """A payout with what of it is whose."""

    payout: PayoutView
    lots: list[OwedShareView]


class PayoutsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["payouts"])
        add = self.router.add_api_route
        add("/channels/{account}/balance", self.balance, methods=["GET"])
        add("/channels/{account}/payouts", self.payouts, methods=["GET"])
        add("/channels/{account}/payouts", self.record, methods=["POST"], status_code=201, response_model=PayoutView)
        add("/payouts/{payout}", self.payout, methods=["GET"])
        add("/payouts/{payout}/withdraw", self.withdraw, methods=["POST"], response_model=PayoutView)

    async def balance(
        self, account: Annotated[Id, Path()], by: Annotated[Caller, Depends(may("bill.read", rate=HEAVY))]
    ) -> BalanceView:
        """Return what a channel owes by a contract, lot by lot."""
        owed = await self._database.report(partial(service.owed_by, account=account), by=by)
        return BalanceView(channel=account, owed=money(owed.total), lots=_places(owed))

    async def payouts(
        self, account: Annotated[Id, Path()], ask: Asked, by: Annotated[Caller, Depends(may("bill.read"))]
    ) -> Page[PayoutView]:
        """Return the payouts of a contract, those written down last first."""
        return await self._database.read(partial(_payouts, account=account, ask=ask), by=by)

    async def payout(
        self, payout: Annotated[Id, Path()], by: Annotated[Caller, Depends(may("bill.read"))]
    ) -> PayoutDetailView:
        """Return a payout with what of it is whose."""
        return await self._database.read(partial(_payout, payout=payout), by=by)

    async def record(
        self, account: Annotated[Id, Path()], form: PayoutForm,
        by: Annotated[Caller, Depends(may("payout.write", fresh=True, rate=HEAVY))], key: Key,
    ) -> Response:  # fmt: skip
        """Write down that a channel paid out; the sum is shared out over the lots by what each is owed."""
        if form.currency not in MINOR_DIGITS:
            raise Malformed("payout.currency", currency=CURRENCY)
        # Added up before, for a unit would hold up the lanes: it looks that no other payout came between.
        owed = await self._database.read(partial(service.owed_by, account=account), by=by)

        def effect(unit: Unit) -> PayoutView:
            made = service.record_payout(
                unit, account=account, owed=owed, amount=Money(form.amount_minor, form.currency), day=form.day,
                reference=form.reference, reason=form.reason,
            )  # fmt: skip
            return payout_view(made)

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def withdraw(
        self, payout: Annotated[Id, Path()], form: WithdrawForm,
        by: Annotated[Caller, Depends(may("payout.write", fresh=True))], key: Key,
    ) -> Response:  # fmt: skip
        """Take back what was written down by mistake."""

        def effect(unit: Unit) -> PayoutView:
            return payout_view(service.withdraw_payout(unit, payout=payout, reason=form.reason))

        return answered(await self._database.write(once(key, effect), by=by))


def payout_view(payout: Payout) -> PayoutView:
    """Return a payout as it leaves."""
    return PayoutView(
        id=payout.id, channel=payout.account, amount=money(payout.amount), excess=money(payout.excess), day=payout.day,
        reference=payout.reference, state=payout.state, reason=payout.reason, recorded_at=instant(payout.recorded_at),
        recorded_by=payout.recorded_by, withdrawn_at=instant_or_none(payout.withdrawn_at),
        withdrawn_by=payout.withdrawn_by,
    )  # fmt: skip


def _places(owed: Owed) -> list[OwedShareView]:
    return [
        OwedShareView(company=company, lot=lot, owed=money(Money(minor, owed.currency)))
        for (company, lot), minor in owed.places.items()
    ]


def _share(share: Share) -> OwedShareView:
    return OwedShareView(company=share.company, lot=share.lot, owed=money(share.amount))


def _payouts(reader: Reader, account: Id, ask: Ask) -> Page[PayoutView]:
    rows = service.payouts_of(reader, account=account, before=ask.before, limit=ask.limit)
    return page_of([payout_view(row) for row in rows], last_of(rows, ask.limit, lambda row: row.id))


def _payout(reader: Reader, payout: Id) -> PayoutDetailView:
    found = service.payout_by_id(reader, payout=payout)
    return PayoutDetailView(
        payout=payout_view(found), lots=[_share(one) for one in service.shares(reader, payout=payout)]
    )
