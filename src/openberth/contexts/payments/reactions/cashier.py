"""The cashier: asks channels to open orders, asks what became of them, closes them, and takes notifications."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import structlog

from openberth.contexts.payments.model import LIVE, Attempt, AttemptState, Bill, PayPlace
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import (
    AppChannel,
    Channel,
    ChannelOrder,
    ChannelRefused,
    ChannelState,
    ChannelUnreachable,
    KnowingChannel,
    OrderState,
    PaidNotice,
    PayerKnown,
    RefundNotice,
    Scene,
)
from openberth.contexts.payments.reactions.channels import Channels, Contract
from openberth.contexts.payments.service import attempts, bills, channels, receipts, refunds
from openberth.infra.database import Database, Urgency
from openberth.infra.jobs import Job, JobRunner, NotYet
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import NotFound, Refused, Unknown
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, SECOND_US, later

log = structlog.get_logger()


CHECK_AGAIN_US = 10 * SECOND_US
# After a question without an answer: soon while somebody stands at a gate and has paid, then less often.
ASK_AGAIN_US, ASK_AGAIN_MOST_US = 4 * SECOND_US, 60 * SECOND_US
ASK_FOR_US = 7 * DAY_US


@dataclass(frozen=True, slots=True)
class Payable:
    """An attempt that can be paid now; ``client_fields`` go to the channel's own app as they are."""

    attempt: Attempt
    client_fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Knowing:
    """Who finds out who pays, and the contract that an order of that payer has to be made with."""

    account: Id
    payers: PayerKnown


class Cashier:
    """Carries attempts to their channels and facts back; one per process."""

    def __init__(self, database: Database, channels: Channels) -> None:
        self._database = database
        self._channels = channels

    def register(self, runner: JobRunner) -> None:
        """Name the handlers of this context's jobs."""
        runner.handle(attempts.JOB_CHECK, self.check)
        runner.handle(bills.JOB_CLOSE, self.close)
        runner.handle(channels.JOB_QUIET, self.quiet)

    async def pay(
        self, *, bill: Id, by: Caller, kind: ChannelKind | None = None, scene: Scene = Scene.CODE,
        payer: str | None = None, place: PayPlace = PayPlace.PREPAY, account: Id | None = None,
        app: str | None = None, back: str | None = None,
    ) -> Payable:  # fmt: skip
        """Begin an attempt for a bill and have a channel of its lot open it, of a kind when one is named.

        ``account`` names the very contract, for a ``payer`` who is known to it alone; ``app`` the app that knows the
        payer, where any contract of that app will do. ``back`` is where a browser goes afterwards. Raises
        ``Refused("channel.none")`` without a channel, ``ChannelRefused``, and ``ChannelUnreachable``: then the attempt
        stays ``opening`` and is found out by its job.
        """
        found = await self._database.read(partial(bills.bill_by_id, bill=bill), by=by)
        contract = await self._contract_for(found, kind, scene, account, app)
        begun = await self._database.write(
            partial(
                attempts.begin_attempt, bill=bill, channel=contract.account.kind.value, account=contract.account.id,
                scene=scene.value, payer=payer, place=place,
            ),
            by=by, urgency=Urgency.LANE,
        )  # fmt: skip
        if begun.state is not AttemptState.OPENING and scene is not Scene.APP:
            return Payable(begun)  # an app wants fresh signatures: the order is asked for again, by the same number
        order = ChannelOrder(
            number=begun.number, amount=begun.amount, subject="OpenBerth 停车费", expires_at=begun.expires_at,
            scene=scene, payer=payer, payer_address=by.actor.address, back=back,
        )  # fmt: skip
        try:
            opened = await contract.channel.open(order)
        except ChannelRefused as refusal:
            await self._end(begun, AttemptState.FAILED, refusal.reason)
            raise
        after = await self._database.write(
            partial(
                attempts.attempt_opened, attempt=begun.id, pay_url=opened.pay_url, channel_order=opened.channel_order
            ),
            by=by, urgency=Urgency.LANE,
        )  # fmt: skip
        return Payable(after, opened.client_fields)

    async def kinds_for(self, *, company: Id, lot: Id) -> list[ChannelKind]:
        """Return the kinds of channels by which a lot can be paid now, the first one being taken by itself."""
        return await self._channels.kinds_for(company=company, lot=lot)

    async def knowing(self, *, bill: Id, by: Caller, kind: ChannelKind) -> Knowing | None:
        """Return who finds out who pays a bill inside a channel's own app; None where the contract that would take the
        money names no account for it.
        """
        found = await self._database.read(partial(bills.bill_by_id, bill=bill), by=by)
        contract = await self._contract_for(found, kind, Scene.APP)
        payers = contract.channel.payers if isinstance(contract.channel, KnowingChannel) else None
        return None if payers is None else Knowing(contract.account.id, payers)

    async def _contract_for(
        self, bill: Bill, kind: ChannelKind | None, scene: Scene, account: Id | None = None, app: str | None = None
    ) -> Contract:
        for contract in await self._channels.for_lot(company=bill.company, lot=bill.lot):
            if account is not None and contract.account.id != account:
                continue
            if app is not None and not _is_of(contract.channel, app):
                continue
            if (kind is None or contract.account.kind is kind) and scene in contract.channel.scenes:
                return contract
        raise Refused("channel.none")

    async def check(self, job: Job) -> None:
        """Ask the channel what became of an order, until it has an end."""
        attempt = await self._attempt(job)
        if attempt is None or attempt.state not in LIVE:
            return
        state = await self._asked(attempt, (await self._channel_of(attempt)).query)
        if await self._take_over(attempt, state):
            return
        over = self._is_over(attempt)
        if over and state.state in (OrderState.UNKNOWN, OrderState.CLOSED, OrderState.OPEN):
            if state.state is OrderState.OPEN:
                state = await self._asked(attempt, (await self._channel_of(attempt)).close)
                if await self._take_over(attempt, state):
                    return
            await self._end(attempt, AttemptState.EXPIRED, None)
            return
        if state.state is OrderState.CLOSED:
            await self._end(attempt, AttemptState.CLOSED, None)
            return
        raise NotYet(CHECK_AGAIN_US)

    async def close(self, job: Job) -> None:
        """Make an order unpayable because its bill no longer asks for it; money that was faster is counted.

        An order that its channel does not know yet cannot be closed and may still come to be, as a code that somebody
        scans: it is tried again until nobody can.
        """
        attempt = await self._attempt(job)
        if attempt is None or attempt.state not in LIVE:
            return
        state = await self._asked(attempt, (await self._channel_of(attempt)).close)
        if await self._take_over(attempt, state):
            return
        if state.state is OrderState.UNKNOWN and not self._is_over(attempt):
            raise NotYet(CHECK_AGAIN_US)
        await self._end(attempt, AttemptState.CLOSED, "withdrawn")

    async def quiet(self, job: Job) -> None:
        """End the alarm of a contract that was told of others' payments and is so no more."""
        account = UUID(job.body["account"])
        await self._database.write(partial(channels.told_of_others_no_more, account=account), by=channel_caller("job"))

    async def notified(
        self, kind: str, account: str, *, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Channel:
        """Take a channel's notification over: proven, counted once, on disk before this returns.

        Raises what the channel's ``read_notification`` raises, and ``NotFound``: ``channel.not_found``,
        ``attempt.not_found``.
        """
        contract = await self._told_by(kind, account)
        by = channel_caller(kind)
        try:
            notice = contract.channel.read_notification(method, path, headers, body)
        except Unknown as problem:
            if problem.code == "channel.not_ours":  # right signature, wrong merchant: only a person can know why
                log.error("payments.not_ours", account=account, **problem.params)
                await self._database.write(partial(channels.told_of_others, account=contract.account.id), by=by)
            raise
        if isinstance(notice, RefundNotice):
            await self._database.write(partial(refunds.look_at, method=kind, number=notice.number), by=by)
        elif isinstance(notice, PaidNotice):
            await self._database.write(
                partial(
                    receipts.record_channel_payment, channel=kind, account=contract.account.id, number=notice.number,
                    amount=notice.paid, transaction=notice.transaction,
                ),
                by=by, urgency=Urgency.LANE,
            )  # fmt: skip
        return contract.channel

    async def _told_by(self, kind: str, account: str) -> Contract:
        try:
            contract = await self._channels.of(UUID(account))
        except ValueError:
            raise NotFound("channel.not_found") from None
        if contract.account.kind.value != kind:
            raise NotFound("channel.not_found")
        return contract

    async def _channel_of(self, attempt: Attempt) -> Channel:
        if attempt.account is None:
            return (await self._channels.of_kind(ChannelKind(attempt.channel))).channel
        return (await self._channels.of(attempt.account)).channel

    def _is_over(self, attempt: Attempt) -> bool:
        """Tell whether nobody can begin to pay any more, whatever little the clocks differ."""
        return self._database.clocks.machine.now() > later(attempt.expires_at, 30 * SECOND_US)

    async def look_at(self, attempt: Attempt) -> bool:
        """Ask the channel about an order now, and take a payment over. Tells whether there was one."""
        return await self._take_over(attempt, await (await self._channel_of(attempt)).query(attempt.number))

    async def _asked(self, attempt: Attempt, ask: Callable[[str], Awaitable[ChannelState]]) -> ChannelState:
        """Ask a channel about an order; while it does not answer, for days, ask again: money may lie there."""
        try:
            return await ask(attempt.number)
        except (ChannelUnreachable, ChannelRefused) as problem:
            if self._database.clocks.machine.now() > later(attempt.expires_at, ASK_FOR_US):
                raise
            log.warning("payments.channel_silent", channel=attempt.channel, code=problem.code)
            age = self._database.clocks.machine.now() - attempt.expires_at + attempts.ATTEMPT_LIFE_US
            raise NotYet(min(max(age // 4, ASK_AGAIN_US), ASK_AGAIN_MOST_US)) from problem

    async def _take_over(self, attempt: Attempt, state: ChannelState) -> bool:
        if state.paid is None or state.transaction is None:
            return False
        await self._database.write(
            partial(
                receipts.record_channel_payment,
                channel=attempt.channel,
                account=attempt.account,
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


def _is_of(channel: Channel, app: str) -> bool:
    return isinstance(channel, AppChannel) and channel.app_of_payers == app
