"""The cashier: asks channels to open orders, asks what became of them, closes them, and takes notifications."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from uuid import UUID

import structlog

from openberth.contexts.payments.model import LIVE, Attempt, AttemptState
from openberth.contexts.payments.ports import (
    Channel,
    ChannelOrder,
    ChannelRefused,
    ChannelState,
    ChannelUnreachable,
    OrderState,
    PaidNotice,
    RefundNotice,
)
from openberth.contexts.payments.service import attempts, bills, receipts, refunds
from openberth.infra.database import Database, Urgency
from openberth.infra.jobs import Job, JobRunner, NotYet
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, SECOND_US, later

log = structlog.get_logger()


CHECK_AGAIN_US = 10 * SECOND_US
ASK_AGAIN_US = 60 * SECOND_US
ASK_FOR_US = 7 * DAY_US


class Cashier:
    """Carries attempts to their channels and facts back; one per process."""

    def __init__(self, database: Database, channels: Mapping[str, Channel]) -> None:
        self._database = database
        self._channels = channels

    def register(self, runner: JobRunner) -> None:
        """Name the handlers of this context's jobs."""
        runner.handle(attempts.JOB_CHECK, self.check)
        runner.handle(bills.JOB_CLOSE, self.close)

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Return the channels by name."""
        return self._channels

    async def pay(self, *, bill: Id, by: Caller, channel: str | None = None) -> Attempt:
        """Begin an attempt for a bill and have its channel open it.

        Raises ``Refused("channel.none")`` without a channel, ``ChannelRefused``, and ``ChannelUnreachable``: then the
        attempt stays ``opening`` and is found out by its job.
        """
        name = channel or next(iter(self._channels), None)
        if name is None or name not in self._channels:
            raise Refused("channel.none")
        begun = await self._database.write(
            partial(attempts.begin_attempt, bill=bill, channel=name), by=by, urgency=Urgency.LANE
        )
        if begun.state is not AttemptState.OPENING:
            return begun
        order = ChannelOrder(
            number=begun.number, amount=begun.amount, subject="OpenBerth 停车费", expires_at=begun.expires_at
        )
        try:
            found = await self._channels[name].open(order)
        except ChannelRefused as refusal:
            await self._end(begun, AttemptState.FAILED, refusal.reason)
            raise
        return await self._database.write(
            partial(
                attempts.attempt_opened, attempt=begun.id, pay_url=found.pay_url, channel_order=found.channel_order
            ),
            by=by,
            urgency=Urgency.LANE,
        )

    async def check(self, job: Job) -> None:
        """Ask the channel what became of an order, until it has an end."""
        attempt = await self._attempt(job)
        if attempt is None or attempt.state not in LIVE:
            return
        state = await self._asked(attempt, self._channels[attempt.channel].query)
        if await self._take_over(attempt, state):
            return
        now = self._database.clocks.machine.now()
        over = now > later(attempt.expires_at, 30 * SECOND_US)
        if over and state.state in (OrderState.UNKNOWN, OrderState.CLOSED, OrderState.OPEN):
            if state.state is OrderState.OPEN:
                state = await self._asked(attempt, self._channels[attempt.channel].close)
                if await self._take_over(attempt, state):
                    return
            await self._end(attempt, AttemptState.EXPIRED, None)
            return
        if state.state is OrderState.CLOSED:
            await self._end(attempt, AttemptState.CLOSED, None)
            return
        raise NotYet(CHECK_AGAIN_US)

    async def close(self, job: Job) -> None:
        """Make an order unpayable because its bill no longer asks for it; money that was faster is counted."""
        attempt = await self._attempt(job)
        if attempt is None or attempt.state not in LIVE:
            return
        state = await self._asked(attempt, self._channels[attempt.channel].close)
        if not await self._take_over(attempt, state):
            await self._end(attempt, AttemptState.CLOSED, "withdrawn")

    async def notified(
        self, channel: str, *, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Channel:
        """Take a channel's notification over: proven, counted once, on disk before this returns.

        Raises what the channel's ``read_notification`` raises, and ``NotFound("attempt.not_found")``.
        """
        found = self._channels.get(channel)
        if found is None:
            raise NotFound("channel.none")
        notice = found.read_notification(method, path, headers, body)
        by = channel_caller(channel)
        if isinstance(notice, RefundNotice):
            await self._database.write(partial(refunds.look_at, method=channel, number=notice.number), by=by)
        if not isinstance(notice, PaidNotice):
            return found
        await self._database.write(
            partial(
                receipts.record_channel_payment,
                channel=channel,
                number=notice.number,
                amount=notice.paid,
                transaction=notice.transaction,
            ),
            by=by,
            urgency=Urgency.LANE,
        )
        return found

    async def _asked(self, attempt: Attempt, ask: Callable[[str], Awaitable[ChannelState]]) -> ChannelState:
        """Ask a channel about an order; while it does not answer, for days, ask again: money may lie there."""
        try:
            return await ask(attempt.number)
        except (ChannelUnreachable, ChannelRefused) as problem:
            if self._database.clocks.machine.now() > later(attempt.expires_at, ASK_FOR_US):
                raise
            log.warning("payments.channel_silent", channel=attempt.channel, code=problem.code)
            raise NotYet(ASK_AGAIN_US) from problem

    async def _take_over(self, attempt: Attempt, state: ChannelState) -> bool:
        if state.paid is None or state.transaction is None:
            return False
        await self._database.write(
            partial(
                receipts.record_channel_payment,
                channel=attempt.channel,
                number=attempt.number,
                amount=state.paid,
                transaction=state.transaction,
            ),
            by=channel_caller(attempt.channel),
            urgency=Urgency.LANE,
        )
        return True

    async def _end(self, attempt: Attempt, state: AttemptState, reason: str | None) -> None:
        await self._database.write(
            partial(attempts.end_attempt, attempt=attempt.id, state=state, reason=reason),
            by=channel_caller(attempt.channel),
        )

    async def _attempt(self, job: Job) -> Attempt | None:
        attempt_id = UUID(job.body["attempt"])
        try:
            return await self._database.read(
                partial(attempts.attempt_by_id, attempt=attempt_id), by=channel_caller("job")
            )
        except NotFound:
            log.error("payments.attempt_missing", attempt=str(attempt_id))
            return None


def channel_caller(channel: str) -> Caller:
    """Return who acts when a channel tells something."""
    return Caller(Actor(ActorKind.CHANNEL, channel), EVERYTHING)
