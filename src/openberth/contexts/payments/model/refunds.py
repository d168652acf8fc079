"""Refunds: money that goes back, by a number that never changes (ADR 0008)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from openberth.contexts.payments.model.entities import SLIPS, Receipt, ReceiptMethod
from openberth.contexts.payments.model.events import RefundAsked, RefundEnded, RefundMade, RefundStuck
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.money import Money, total
from openberth.kernel.time import Instant

BY_PERSON = "offline"  # a detail: nobody but a person can give it back
AFTER_ALL = "after_all"  # a detail: made by its channel although it was given up
REASON_MAX = 80  # what a channel shows to the payer


class RefundCause(StrEnum):
    """Why money goes back."""

    SURPLUS = "surplus"  # nobody owed it
    BY_HAND = "by_hand"  # a person decided so
    PAY_OUT = "pay_out"  # money of a prepaid account goes back to who put it in


class RefundState(StrEnum):
    """What became of a refund. ``stuck`` waits for a person; it may still be done."""

    ASKED = "asked"  # written down; the channel has not confirmed it
    STUCK = "stuck"
    DONE = "done"
    GIVEN_UP = "given_up"  # a person says that it will never be made by this number


ENDED = frozenset((RefundState.DONE, RefundState.GIVEN_UP))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A part of a receipt that goes back. ``number`` is ours at the channel; instants are business time.

    ``reason`` is shown to the payer; ``detail`` is why it is stuck or was given up, in the channel's or a person's
    word. ``asked_by`` is whose hand asked for it, None for what goes back by itself (and from before it was kept).
    ``shift`` is the one in which a person gave it back.
    """

    id: Id
    company: Id
    lot: Id
    receipt: Id
    bill: Id
    attempt: Id | None
    account: Id | None
    method: ReceiptMethod
    number: str
    amount: Money
    cause: RefundCause
    reason: str
    state: RefundState
    asked_at: Instant
    ended_at: Instant | None = None
    channel_refund: str | None = None
    detail: str | None = None
    version: int = 1
    asked_by: str | None = None
    shift: Id | None = None

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise ValueError("a refund is more than nothing")
        if (self.state in ENDED) != (self.ended_at is not None):
            raise ValueError("a refund that has ended knows when, and only that")


def ask(
    receipt: Receipt,
    before: Sequence[Refund],
    *,
    id: Id,  # noqa: A002 - named as the field it becomes
    amount: Money,
    cause: RefundCause,
    reason: str,
    now: Instant,
    by: str | None = None,
) -> tuple[Refund, tuple[Event, ...]]:
    """Decide that money goes back, never more of a receipt than came; ``by`` is whose hand asks for it.

    ``before`` are all refunds of the receipt. Surplus goes back from the part that nobody owed, all else from the part
    that paid. Raises ``Malformed``: ``refund.not_positive``, ``refund.reason``; ``Refused``: ``refund.currency``,
    ``refund.too_much`` with what is left.
    """
    words = reason.strip()
    if not 0 < len(words) <= REASON_MAX:
        raise Malformed("refund.reason", longest=REASON_MAX)
    if amount.minor <= 0:
        raise Malformed("refund.not_positive")
    if amount.currency != receipt.amount.currency:
        raise Refused("refund.currency", currency=receipt.amount.currency)
    left = refundable(receipt, before, cause)
    if amount > left:
        raise Refused("refund.too_much", left=left.amount_text)
    refund = Refund(
        id=id, company=receipt.company, lot=receipt.lot, receipt=receipt.id, bill=receipt.bill, attempt=receipt.attempt,
        account=receipt.account, method=receipt.method, number=id.hex, amount=amount, cause=cause, reason=words,
        state=RefundState.ASKED, asked_at=now, asked_by=by,
    )  # fmt: skip
    asked = RefundAsked(id, receipt.id, receipt.bill, amount.minor, amount.currency, cause.value)
    return refund, (asked,)


def refundable(receipt: Receipt, before: Sequence[Refund], cause: RefundCause) -> Money:
    """Return how much of a receipt may still go back for a cause: nothing where a channel made a refund after all that
    had been given up, and the same money had gone back otherwise.
    """
    part = receipt.surplus if cause is RefundCause.SURPLUS else receipt.applied
    gone = [one.amount for one in before if one.cause is cause and one.state is not RefundState.GIVEN_UP]
    return max(part - total(gone, part.currency), Money(0, part.currency))


def done(refund: Refund, now: Instant, *, channel_refund: str | None) -> tuple[Refund, tuple[Event, ...]]:
    """Take note that the money went back. It wins over every other state: what a channel has done is a fact, also
    when a person had given the refund up, and perhaps given the money back another way.
    """
    if refund.state is RefundState.DONE:
        return refund, ()
    detail = AFTER_ALL if refund.state is RefundState.GIVEN_UP else None
    after = replace(refund, state=RefundState.DONE, ended_at=now, channel_refund=channel_refund, detail=detail)
    return after, (_ended(after),)


def made(refund: Refund, *, tariff_version: Id | None) -> RefundMade:
    """Tell of the money of a refund that is done. ``tariff_version`` is that of its bill."""
    if refund.ended_at is None or refund.state is not RefundState.DONE:
        raise ValueError("money went back when the refund is done")
    return RefundMade(
        refund.id, refund.receipt, refund.bill, refund.method.value, refund.account, refund.cause.value,
        refund.amount.minor, refund.amount.currency, tariff_version, refund.asked_by, int(refund.ended_at),
    )  # fmt: skip


def by_hand(refund: Refund, reference: str, shift: Id | None) -> Refund:
    """Return a refund that a person says to have made, by the number of a slip, as it can be ``done``.

    Raises ``Refused``: ``refund.not_offline`` for one that a channel makes, ``refund.ended`` for one that was given up
    or was made by another number. The same again is the very same refund.
    """
    if refund.method not in SLIPS:
        raise Refused("refund.not_offline")
    if refund.state in ENDED:
        if refund.state is RefundState.DONE and refund.channel_refund == reference:
            return refund
        raise Refused("refund.ended")
    return replace(refund, shift=shift)


def stuck(refund: Refund, detail: str) -> tuple[Refund, tuple[Event, ...]]:
    """Take note that a refund does not go on by itself; the same again changes nothing."""
    if refund.state in ENDED or (refund.state is RefundState.STUCK and refund.detail == detail):
        return refund, ()
    after = replace(refund, state=RefundState.STUCK, detail=detail)
    told = RefundStuck(refund.id, refund.receipt, refund.bill, refund.amount.minor, refund.amount.currency, detail)
    return after, (told,)


def again(refund: Refund) -> Refund:
    """Let a stuck refund be tried again, by the same number.

    Raises ``Refused``: ``refund.not_stuck``, ``refund.offline`` for one that a person makes.
    """
    if refund.state is not RefundState.STUCK:
        raise Refused("refund.not_stuck")
    if refund.method in SLIPS:
        raise Refused("refund.offline")
    return replace(refund, state=RefundState.ASKED, detail=None)


def given_up(refund: Refund, now: Instant, reason: str) -> tuple[Refund, tuple[Event, ...]]:
    """End a stuck refund for good: the money stays, or went back another way.

    Raises ``Refused("refund.not_stuck")``.
    """
    if refund.state is not RefundState.STUCK:
        raise Refused("refund.not_stuck")
    after = replace(refund, state=RefundState.GIVEN_UP, ended_at=now, detail=reason)
    return after, (_ended(after),)


def _ended(refund: Refund) -> RefundEnded:
    return RefundEnded(
        refund.id, refund.receipt, refund.bill, refund.amount.minor, refund.amount.currency, refund.state.value,
        refund.detail,
    )  # fmt: skip
