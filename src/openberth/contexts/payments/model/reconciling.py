"""Holding a channel's statement of a day against what we know: every row on either side has a partner, or a reason.

What we have of a day may stand in the channel's file of the next one, for clocks differ around midnight: so it is
missed only when that file has been read, too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant


class RowKind(StrEnum):
    """What a row of a channel's statement tells of."""

    PAYMENT = "payment"
    REFUND = "refund"


class DifferenceKind(StrEnum):
    """How a statement and our rows differ."""

    LONG = "long"  # the channel has money that we do not know
    SHORT = "short"  # we have what the channel does not tell of
    AMOUNT = "amount"


class DifferenceState(StrEnum):
    """What became of a difference."""

    OPEN = "open"
    GONE = "gone"  # it went by itself: the other side was found later
    DECIDED = "decided"  # a person said what it was


class DayState(StrEnum):
    """What became of a day of a contract. A closed day never changes."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """One row of a channel's statement of a day.

    ``number`` is our order's (of a refund: our refund's), ``transaction`` the channel's payment; ``amount`` is positive
    for both kinds; ``fee`` is what the channel keeps of it (negative: gives back). ``state`` is the channel's own word.
    """

    kind: RowKind
    number: str
    transaction: str
    amount: Money
    fee: Money
    at: Instant
    state: str


@dataclass(frozen=True, slots=True)
class Ours:
    """A receipt or a refund that was made, as it has to stand in a statement."""

    kind: RowKind
    id: Id
    number: str
    transaction: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Found:
    """A difference as it is found: what the channel says of it and what we do, one of them perhaps nothing."""

    kind: DifferenceKind
    row: RowKind
    number: str
    transaction: str
    theirs: Money | None
    ours: Money | None
    subject: Id | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A receipt or a refund that a statement confirms, and what the channel keeps of it (negative: gives back)."""

    subject: Id
    fee: Money


@dataclass(frozen=True, slots=True)
class Matching:
    """What became of a statement: whom of ours it confirms, and what differs."""

    confirmed: tuple[Confirmed, ...]
    differences: tuple[Found, ...]


def match(statement: Sequence[StatementRow], ours: Iterable[Ours]) -> Matching:
    """Find the partner of every row of a statement, by the channel's number, then by ours.

    What of ours has no partner is not told here: it may stand in the next statement, see ``missed``.
    """
    by_transaction, by_number = {}, {}
    for one in ours:
        if one.kind is RowKind.PAYMENT:
            by_transaction[one.transaction] = one
        by_number[one.kind, one.number] = one
    confirmed: list[Confirmed] = []
    differences: list[Found] = []
    for row in statement:
        known = by_transaction.get(row.transaction) if row.kind is RowKind.PAYMENT else None
        partner = known or by_number.get((row.kind, row.number))
        if partner is None:
            differences.append(
                Found(DifferenceKind.LONG, row.kind, row.number, row.transaction, row.amount, None, None)
            )
            continue
        confirmed.append(Confirmed(partner.id, row.fee))
        if partner.amount != row.amount:
            differences.append(
                Found(
                    DifferenceKind.AMOUNT, row.kind, row.number, row.transaction, row.amount, partner.amount, partner.id
                )
            )
    return Matching(tuple(confirmed), tuple(differences))


def missed(ours: Iterable[Ours], confirmed: frozenset[Id]) -> list[Found]:
    """Return what no statement confirms, of a day whose own statement and the next one have been read."""
    return [
        Found(DifferenceKind.SHORT, one.kind, one.number, one.transaction, None, one.amount, one.id)
        for one in ours
        if one.id not in confirmed
    ]


def check_open(state: DayState, day: date) -> None:
    """Refuse to change a day that is closed. Raises ``Refused("reconciliation.day_closed")``."""
    if state is DayState.CLOSED:
        raise Refused("reconciliation.day_closed", day=day.isoformat())
