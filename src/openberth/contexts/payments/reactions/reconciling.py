"""Reading the statements of channels, day by day, and holding them against our books.

Every morning after ten o'clock in Beijing each contract's statements are read from the first day that was not read to
yesterday. What a channel was paid for an order of ours, or gave back by a refund of ours, and we never heard of is
asked for and taken over first.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import structlog

from openberth.contexts.payments.model import AttemptState, ReceiptMethod, Refund
from openberth.contexts.payments.model.channels import CURRENCY, ChannelAccount, ChannelKind
from openberth.contexts.payments.model.reconciling import (
    Confirmed,
    DifferenceKind,
    Found,
    Matching,
    Ours,
    RowKind,
    StatementRow,
    match,
)
from openberth.contexts.payments.model.refunds import ENDED
from openberth.contexts.payments.ports import (
    BillingChannel,
    ChannelRefused,
    ChannelUnreachable,
    Statement,
    StatementNotReady,
)
from openberth.contexts.payments.reactions.cashier import Cashier
from openberth.contexts.payments.reactions.channels import Channels, Contract
from openberth.contexts.payments.reactions.refunding import Refunding
from openberth.contexts.payments.service import attempts, channels, reconciling, refunds
from openberth.infra import jobs
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.jobs import Job, JobRunner
from openberth.kernel.authority import system
from openberth.kernel.ids import unix_ms_of
from openberth.kernel.money import Money, total
from openberth.kernel.time import BEIJING, DAY_US, HOUR_US, MINUTE_US, Instant, as_datetime

JOB_RECONCILE = "payments.reconcile"
DAYS_AT_ONCE = 31
TAKEN_OVER_MAX = 200  # of one day: more is no lost notification but another merchant's file
_READY_US = 10 * HOUR_US + 10 * MINUTE_US - 8 * HOUR_US  # 10:10 in Beijing, as a time of the UTC day

log = structlog.get_logger()


class Reconciling:
    """Reads and compares; one per process."""

    def __init__(self, database: Database, known: Channels, cashier: Cashier, refunding: Refunding) -> None:
        self._database = database
        self._channels = known
        self._cashier = cashier
        self._refunding = refunding
        self._by = system("reconciliation")

    def register(self, runner: JobRunner) -> None:
        """Name the handler of the daily job."""
        runner.handle(JOB_RECONCILE, self.work)

    async def start(self) -> None:
        """See to it that the next morning is planned."""
        await self._database.write(_plan, by=self._by)

    async def work(self, _job: Job) -> None:
        """Read what is there of every contract, then plan the next morning."""
        for account in await self._database.read(channels.accounts, by=self._by):
            try:
                await self.catch_up(account)
            except (ChannelUnreachable, ChannelRefused, StatementNotReady) as problem:
                # The next morning reads what this one did not: nothing is passed over.
                log.warning("reconciliation.waiting", account=str(account.id), code=problem.code)
        await self._database.write(_plan, by=self._by)

    async def catch_up(self, account: ChannelAccount) -> int:
        """Read the days of a contract that were not read yet, the oldest first; return how many."""
        contract = await self._channels.of(account.id)
        channel: object = contract.channel
        if not isinstance(channel, BillingChannel):
            return 0
        today = as_datetime(self._database.clocks.machine.now()).astimezone(BEIJING).date()
        last = await self._database.read(partial(reconciling.last_day, account=account.id), by=self._by)
        first = _made_on(account) if last is None else last + timedelta(days=1)
        days = [first + timedelta(days=number) for number in range(max(0, (today - first).days))][:DAYS_AT_ONCE]
        for day in days:
            await self._read(contract, await channel.statement(day))
        return len(days)

    async def _read(self, contract: Contract, statement: Statement) -> None:
        account, day, rows = contract.account, statement.day, statement.rows
        found = await self._matched(account, day, rows)
        if await self._take_over(contract, found):
            found = await self._matched(account, day, rows)
        found = await self._with_refunds_under_way(contract, found, rows)
        for start in range(0, len(found.confirmed), reconciling.CONFIRM_PAGE):
            page = found.confirmed[start : start + reconciling.CONFIRM_PAGE]
            confirm = partial(reconciling.confirm, account=account, day=day, page=page)
            await self._database.write(confirm, by=self._by, urgency=Urgency.BACKGROUND)
        finish = partial(
            reconciling.finish_day, account=account, day=day, found=found.differences, row_count=len(rows),
            paid=_sum(rows, RowKind.PAYMENT), refunded=_sum(rows, RowKind.REFUND),
            fee=total((row.fee for row in rows), CURRENCY),
        )  # fmt: skip
        await self._database.write(finish, by=self._by, urgency=Urgency.BACKGROUND)
        log.info("reconciliation.read", account=str(account.id), day=day.isoformat(), rows=len(rows))

    async def _matched(self, account: ChannelAccount, day: date, rows: Sequence[StatementRow]) -> Matching:
        """Match with what we have of the days around: clocks differ, and refunds take their time."""
        around = partial(
            reconciling.ours_between, account=account.id, first=day - timedelta(days=reconciling.REFUND_DAYS + 1),
            last=day + timedelta(days=1),
        )  # fmt: skip
        ours: list[Ours] = await self._database.report(around, by=self._by)
        return await asyncio.to_thread(match, rows, ours)

    async def _take_over(self, contract: Contract, found: Matching) -> bool:
        """Ask after orders and refunds of ours whose end we never heard of; tell whether any came.

        One that has come by now was told of while the statement was being compared: it came, too.
        """
        came = False
        unknown = [one for one in found.differences if one.kind is DifferenceKind.LONG]
        for one in unknown[:TAKEN_OVER_MAX]:
            look = self._refund_came if one.row is RowKind.REFUND else self._payment_came
            came = await look(contract.account.kind, one.number) or came
        return came

    async def _with_refunds_under_way(
        self, contract: Contract, found: Matching, rows: Sequence[StatementRow]
    ) -> Matching:  # fmt: skip
        """Confirm refunds of ours that the channel tells of and has not made yet.

        Some channels tell of a refund on the day on which it was asked for. It is known here, and whoever has to look
        at one that does not arrive is told by its own exception.
        """
        kind, fees = contract.account.kind, {row.number: row.fee for row in rows if row.kind is RowKind.REFUND}
        confirmed, rest = list(found.confirmed), list[Found]()
        for one in found.differences:
            refund = None
            if one.kind is DifferenceKind.LONG and one.row is RowKind.REFUND and len(rest) < TAKEN_OVER_MAX:
                refund = await self._refund_of(kind, one.number)
            if refund is not None and refund.state not in ENDED and refund.amount == one.theirs:
                confirmed.append(Confirmed(refund.id, fees[one.number]))
            else:
                rest.append(one)
        return Matching(tuple(confirmed), tuple(rest))

    async def _payment_came(self, kind: ChannelKind, number: str) -> bool:
        ask = partial(attempts.attempt_by_number, channel=kind.value, number=number)
        attempt = await self._database.read(ask, by=self._by)
        if attempt is None:
            return False
        return attempt.state is AttemptState.PAID or await self._cashier.look_at(attempt)

    async def _refund_came(self, kind: ChannelKind, number: str) -> bool:
        refund = await self._refund_of(kind, number)
        return refund is not None and await self._refunding.look_at(refund)

    async def _refund_of(self, kind: ChannelKind, number: str) -> Refund | None:
        ask = partial(refunds.refund_by_number, method=ReceiptMethod(kind.value), number=number)
        return await self._database.read(ask, by=self._by)


def _sum(rows: Sequence[StatementRow], kind: RowKind) -> Money:
    return total((row.amount for row in rows if row.kind is kind), CURRENCY)


def _made_on(account: ChannelAccount) -> date:
    made = as_datetime(Instant(unix_ms_of(account.id) * 1_000))
    return made.astimezone(BEIJING).date()


def _plan(unit: Unit) -> None:
    now = unit.machine_now
    due = Instant(now - now % DAY_US + _READY_US)
    due = Instant(due if due > now else due + DAY_US)
    # By its day: the job that plans the next one is still there, and would stand for it.
    jobs.schedule(unit, kind=JOB_RECONCILE, body={}, due_at=due, unique_key=f"day-{due // DAY_US}")
