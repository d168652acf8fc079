"""Money that goes back: every refund is carried to its channel by a job and asked after until it has an end."""

from functools import partial
from uuid import UUID

import structlog

from openberth.contexts.payments.model import Receipt, Refund, RefundState
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import (
    ChannelRefused,
    ChannelUnreachable,
    RefundingChannel,
    RefundOrder,
    RefundProgress,
)
from openberth.contexts.payments.ports import RefundState as ChannelRefund
from openberth.contexts.payments.reactions.cashier import channel_caller
from openberth.contexts.payments.reactions.channels import Channels
from openberth.contexts.payments.service import attempts, refunds
from openberth.infra.database import Database, Reader
from openberth.infra.jobs import Job, JobRunner, NotYet
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id, unix_ms_of
from openberth.kernel.time import DAY_US, MINUTE_US, SECOND_US

MILLISECOND_US = 1_000
FIRST_LOOK_US, LAST_LOOK_US = 2 * SECOND_US, 10 * MINUTE_US
UNANSWERED_US = MINUTE_US
GIVE_UP_US = 7 * DAY_US  # a channel that says "under way" for longer has lost it: a person asks there

log = structlog.get_logger()


class Refunding:
    """Carries refunds to their channels and their ends back; one per process."""

    def __init__(self, database: Database, channels: Channels) -> None:
        self._database = database
        self._channels = channels

    def register(self, runner: JobRunner) -> None:
        """Name the handler of the job."""
        runner.handle(refunds.JOB_REFUND, self.carry)

    async def carry(self, job: Job) -> None:
        """Ask for a refund, or what became of it; always by the same number, so asking twice refunds once."""
        found = await self._read(UUID(job.body["refund"]))
        if found is None:
            return
        refund, receipt, order = found
        if refund.state is RefundState.DONE:
            return
        channel = await self._channel_of(refund)
        if not isinstance(channel, RefundingChannel):
            await self._stuck(refund, "no_refunds")
            return
        asked = _asked_for(refund, receipt, order)
        if refund.state is RefundState.ASKED:
            await self._take_over(refund, await self._asked(channel, asked, refund))
        else:
            await self._look(channel, asked, refund)

    async def look_at(self, refund: Refund) -> bool:
        """Ask a channel about a refund now, and take it over when it is done; tells whether it is.

        It is not asked for. Raises ``ChannelUnreachable`` and ``ChannelRefused``.
        """
        found = await self._read(refund.id)
        if found is None or found[0].state is RefundState.DONE:
            return found is not None
        now, receipt, order = found
        channel = await self._channel_of(now)
        if not isinstance(channel, RefundingChannel):
            return False
        state = await channel.query_refund(_asked_for(now, receipt, order))
        if state.progress is RefundProgress.DONE:
            await self._take_over(now, state)
        return state.progress is RefundProgress.DONE

    async def _look(self, channel: RefundingChannel, order: RefundOrder, refund: Refund) -> None:
        """Look whether a channel made a refund that is stuck or was given up; it is not asked for again."""
        try:
            state = await channel.query_refund(order)
        except ChannelUnreachable as problem:
            raise NotYet(UNANSWERED_US) from problem
        except ChannelRefused:
            return
        if state.progress is RefundProgress.DONE:
            await self._take_over(refund, state)

    async def _channel_of(self, refund: Refund) -> object:
        kind = ChannelKind(refund.method.value)
        found = self._channels.of_kind(kind) if refund.account is None else self._channels.of(refund.account)
        return (await found).channel

    async def _asked(self, channel: RefundingChannel, order: RefundOrder, refund: Refund) -> ChannelRefund:
        """Query first, for an earlier request may have arrived without its answer; ask where there is none."""
        try:
            state = await channel.query_refund(order)
            if state.progress is RefundProgress.UNKNOWN:
                state = await channel.refund(order)
        except ChannelUnreachable as problem:
            log.warning("payments.refund_unanswered", method=refund.method.value, code=problem.code)
            raise NotYet(UNANSWERED_US) from problem
        except ChannelRefused as problem:
            return ChannelRefund(number=order.number, progress=RefundProgress.REFUSED, reason=problem.reason)
        return state

    async def _take_over(self, refund: Refund, state: ChannelRefund) -> None:
        if state.progress is RefundProgress.DONE:
            if state.refunded != refund.amount:
                await self._stuck(refund, "amount")
                return
            await self._database.write(
                partial(refunds.refund_went, refund=refund.id, channel_refund=state.channel_refund),
                by=channel_caller(refund.method.value),
            )
        elif state.progress in (RefundProgress.REFUSED, RefundProgress.ABNORMAL):
            await self._stuck(refund, state.reason or state.progress.value)
        elif (age := self._database.clocks.machine.now() - unix_ms_of(refund.id) * MILLISECOND_US) > GIVE_UP_US:
            await self._stuck(refund, "silent")
        else:
            raise NotYet(min(max(age // 4, FIRST_LOOK_US), LAST_LOOK_US))

    async def _stuck(self, refund: Refund, detail: str) -> None:
        await self._database.write(
            partial(refunds.refund_does_not_go, refund=refund.id, detail=detail),
            by=channel_caller(refund.method.value),
        )

    async def _read(self, refund: Id) -> tuple[Refund, Receipt, str] | None:
        try:
            return await self._database.read(partial(_refund_with_order, refund=refund), by=channel_caller("job"))
        except NotFound:
            log.error("payments.refund_missing", refund=str(refund))
            return None


def _asked_for(refund: Refund, receipt: Receipt, order: str) -> RefundOrder:
    return RefundOrder(
        number=refund.number, order=order, transaction=receipt.transaction, amount=refund.amount,
        paid=receipt.amount, reason=refund.reason,
    )  # fmt: skip


def _refund_with_order(reader: Reader, refund: Id) -> tuple[Refund, Receipt, str]:
    found = refunds.refund_by_id(reader, refund=refund)
    receipt = refunds.receipt_by_id(reader, receipt=found.receipt)
    order = "" if found.attempt is None else attempts.attempt_by_id(reader, attempt=found.attempt).number
    return found, receipt, order
