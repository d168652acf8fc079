"""Shifts: the cash of one person at one lot, from a float to a hand-over (ADR 0008).

Whoever hands over counts blind: what should be in the till is told once the count is written down. A count never
changes; a supervisor confirms it or counts otherwise by a row of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from openberth.contexts.payments.model.shift_events import (
    ShiftConfirmed,
    ShiftCorrected,
    ShiftCounted,
    ShiftHandedOver,
    ShiftOpened,
)
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import HOUR_US, Instant

PIECES_MAX = 10**6
COUNT_MAX = 10**12  # minor units: no till holds more, and safes and ledgers add many of them up
LEFT_OPEN_US = 24 * HOUR_US


class ShiftState(StrEnum):
    """Where a shift is. Only an open one takes and gives cash."""

    OPEN = "open"
    COUNTED = "counted"  # the count stands; why it differs has to be said before the cash goes on
    HANDED_OVER = "handed_over"


class CheckKind(StrEnum):
    """What a supervisor says about a count."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose shift it is: a kind of actor and its name (the id of an account), never personal data."""

    kind: str
    name: str

    @property
    def text(self) -> str:
        """Return both in one word."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Count:
    """Cash that somebody counted: its sum and, if told, how many pieces of each denomination in minor units."""

    amount: Money
    pieces: Mapping[int, int] | None = None

    @classmethod
    def of(cls, amount: Money | None, pieces: Mapping[int, int] | None, currency: str) -> "Count | None":
        """Return a count that was told as a sum, as pieces, or both; None when nothing was counted.

        Raises ``Malformed``: ``shift.pieces``, ``shift.too_much``, ``shift.count_differs`` when pieces and sum are two
        things; and ``Refused("shift.currency")``.
        """
        if amount is None and pieces is None:
            return None
        if amount is not None and amount.currency != currency:
            raise Refused("shift.currency", currency=currency)
        for worth, many in (pieces or {}).items():
            if worth <= 0 or not 0 <= many <= PIECES_MAX:
                raise Malformed("shift.pieces")
        laid = None if pieces is None else Money(sum(worth * many for worth, many in pieces.items()), currency)
        if amount is not None and laid is not None and amount != laid:
            raise Malformed("shift.count_differs", counted=amount.amount_text, pieces=laid.amount_text)
        found = laid if amount is None else amount
        assert found is not None
        if found.minor > COUNT_MAX:
            raise Malformed("shift.too_much", most=Money(COUNT_MAX, currency).amount_text)
        return cls(found, None if pieces is None else dict(sorted(pieces.items(), reverse=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A shift. ``number`` counts the shifts of a company's lot; instants are business time.

    ``opening`` is the float that was counted in. From the count on it knows what was ``expected`` and ``counted``, and
    its ``totals`` by method, which are a document and change no more. ``passed`` of the count went to the ``next``
    shift, the rest into the safe.
    """

    id: Id
    company: Id
    lot: Id
    number: int
    holder: Holder
    booth: Id | None
    opening: Money
    opened_at: Instant
    state: ShiftState = ShiftState.OPEN
    expected: Money | None = None
    counted: Money | None = None
    pieces: Mapping[int, int] | None = None
    totals: Sequence[Mapping[str, Any]] | None = None
    counted_at: Instant | None = None
    closed_at: Instant | None = None
    closed_by: Holder | None = None
    reason: str | None = None
    passed: Money | None = None
    next: Id | None = None
    version: int = 1

    def __post_init__(self) -> None:
        if self.opening.minor < 0 or self.number < 1:
            raise ValueError("a float is nothing or more, and shifts are counted from one")
        is_open = self.state is ShiftState.OPEN
        if is_open != (self.counted is None) or is_open != (self.expected is None):
            raise ValueError("a shift that is no longer open was counted, and only that")
        if (self.state is ShiftState.HANDED_OVER) != (self.closed_at is not None):
            raise ValueError("a shift that was handed over knows when, and only that")

    @property
    def variance(self) -> Money | None:
        """Return how much more was counted than expected; None before the count."""
        return None if self.counted is None or self.expected is None else self.counted - self.expected

    @property
    def to_safe(self) -> Money:
        """Return how much of the count went into the safe."""
        nothing = Money(0, self.opening.currency)
        return nothing if self.counted is None else self.counted - (self.passed or nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a supervisor found of a count that was handed over; rows are added, never changed."""

    id: Id
    shift: Id
    number: int
    kind: CheckKind
    counted: Money
    pieces: Mapping[int, int] | None
    reason: str | None
    by: Holder
    at: Instant


def opened(shift: Shift) -> tuple[Event, ...]:
    """Return what a new shift tells."""
    told = ShiftOpened(
        shift.id, shift.number, shift.holder.text, shift.booth, shift.opening.minor, shift.opening.currency
    )
    return (told,)


def counted(
    shift: Shift, count: Count, *, expected: Money, totals: Sequence[Mapping[str, Any]], now: Instant
) -> tuple[Shift, tuple[Event, ...]]:
    """Write a count down, once. Raises ``Refused``: ``shift.closed``, ``shift.counted`` for another count after it."""
    if shift.state is ShiftState.HANDED_OVER:
        raise Refused("shift.closed", shift=shift.number)
    if shift.state is ShiftState.COUNTED:
        if count.amount != shift.counted:
            raise Refused("shift.counted", shift=shift.number)
        return shift, ()
    after = replace(
        shift, state=ShiftState.COUNTED, expected=expected, counted=count.amount, pieces=count.pieces, totals=totals,
        counted_at=now,
    )  # fmt: skip
    told = ShiftCounted(shift.id, shift.number, count.amount.minor, (count.amount - expected).minor, expected.currency)
    return after, (told,)


def wants_reason(shift: Shift, *, threshold: int) -> bool:
    """Tell whether a count differs so much (in minor units) that somebody has to say why."""
    return shift.variance is not None and shift.variance.minor != 0 and abs(shift.variance.minor) >= threshold


def handed_over(
    shift: Shift, *, by: Holder, reason: str | None, onto: Shift | None, passed: Money | None, now: Instant
) -> tuple[Shift, tuple[Event, ...]]:
    """Let the counted cash of a shift go: ``passed`` to an open shift of the same lot, the rest into the safe.

    Without ``passed`` all of it goes to the next shift, if there is one. Raises ``Refused``: ``shift.next_not_open``,
    ``shift.passed_too_much`` with what was counted.
    """
    assert shift.counted is not None, "it is counted first"
    assert shift.variance is not None, "it is counted first"
    if onto is not None and (onto.state is not ShiftState.OPEN or onto.lot != shift.lot or onto.id == shift.id):
        raise Refused("shift.next_not_open")
    if onto is None:
        passed = None
    elif passed is None:
        passed = shift.counted
    elif passed.currency != shift.counted.currency:
        raise Refused("shift.currency", currency=shift.counted.currency)
    elif passed > shift.counted:
        raise Refused("shift.passed_too_much", counted=shift.counted.amount_text)
    after = replace(
        shift, state=ShiftState.HANDED_OVER, closed_at=now, closed_by=by, reason=reason, passed=passed,
        next=None if onto is None else onto.id,
    )  # fmt: skip
    assert after.expected is not None, "it is counted first"
    told = ShiftHandedOver(
        shift.id, shift.number, shift.holder.text, by.text, after.expected.minor, shift.counted.minor,
        shift.variance.minor, shift.counted.currency, reason, after.to_safe.minor,
        0 if passed is None else passed.minor, after.next,
    )  # fmt: skip
    return after, (told,)


def found_now(shift: Shift, checks: Sequence[Check]) -> Money:
    """Return what a shift's cash is believed to have been: as it was counted last."""
    assert shift.counted is not None, "it is counted first"
    return checks[-1].counted if checks else shift.counted


def checked(
    shift: Shift,
    before: Sequence[Check],
    count: Count | None,
    *,
    id: Id,  # noqa: A002 - named as the field it becomes
    by: Holder,
    reason: str | None,
    now: Instant,
) -> tuple[Check, tuple[Event, ...]]:
    """Confirm the count of a shift that was handed over, or correct it (``count``), by somebody else than its holder.

    Raises ``Refused``: ``shift.not_handed_over``, ``shift.own``, ``shift.confirmed`` for confirming twice,
    ``shift.passed_on`` for a correction below what the next shift has got.
    """
    if shift.state is not ShiftState.HANDED_OVER:
        raise Refused("shift.not_handed_over")
    if by in (shift.holder, shift.closed_by):
        raise Refused("shift.own")
    now_believed = found_now(shift, before)
    amount = now_believed if count is None else count.amount
    if count is None and before and before[-1].kind is CheckKind.CONFIRMED:
        raise Refused("shift.confirmed", shift=shift.number)
    if shift.passed is not None and amount < shift.passed:
        raise Refused("shift.passed_on", passed=shift.passed.amount_text)
    check = Check(
        id=id, shift=shift.id, number=len(before) + 1,
        kind=CheckKind.CONFIRMED if amount == now_believed else CheckKind.CORRECTED, counted=amount,
        pieces=None if count is None else count.pieces, reason=reason, by=by, at=now,
    )  # fmt: skip
    told: Event
    if check.kind is CheckKind.CONFIRMED:
        told = ShiftConfirmed(shift.id, shift.number, by.text, amount.minor, amount.currency)
    else:
        told = ShiftCorrected(
            shift.id, shift.number, by.text, now_believed.minor, amount.minor, amount.currency, reason
        )
    return check, (told,)
