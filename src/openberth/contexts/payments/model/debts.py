"""Debts: bills of cars that have left, with what proves them and an end (ADR 0008)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from openberth.contexts.payments.model.entities import Bill
from openberth.contexts.payments.model.events import DebtDisputed, DebtEnded, DebtRaised
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US, Instant

WORDS_MAX = 200


class DebtState(StrEnum):
    """What became of a debt. An open and a disputed one are owed; each can still be paid."""

    OPEN = "open"
    DISPUTED = "disputed"
    WAIVED = "waived"  # a person let it go, for a reason
    PAID = "paid"
    LAPSED = "lapsed"  # its limitation is over


OWED = frozenset((DebtState.OPEN, DebtState.DISPUTED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """What a car that has left still owes, once for each bill.

    ``plate`` is the vault's id of its plate, ``evidence`` the passages and the names of their pictures. ``reason`` is
    why it is disputed or was waived. Instants are business time; from ``lapses_at`` on nobody asks for it any more.

    While a later visit asks for it, ``carried_to`` is the bill that does and ``carried_minor`` how much of it; ``bill``
    is superseded then. ``credited_minor`` is what was paid on such bills.
    """

    id: Id
    company: Id
    lot: Id
    bill: Id
    subject: Id
    plate: Id | None
    amount: Money
    evidence: Mapping[str, Any]
    state: DebtState
    raised_at: Instant
    lapses_at: Instant
    reason: str | None = None
    ended_at: Instant | None = None
    version: int = 1
    carried_to: Id | None = None
    carried_minor: int = 0
    credited_minor: int = 0

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise ValueError("a debt is more than nothing")
        if (self.state in OWED) != (self.ended_at is None):
            raise ValueError("a debt that has ended knows when, and only that")

    @property
    def is_owed(self) -> bool:
        """Tell whether it may still be asked for."""
        return self.state in OWED


def raised(
    bill: Bill,
    *,
    id: Id,  # noqa: A002 - named as the field it becomes
    plate: Id | None,
    passages: Sequence[Id],
    pictures: Sequence[str],
    days: int,
    now: Instant,
) -> tuple[Debt, Event]:
    """Make a debt of what is left of an open bill, for so many days."""
    debt = Debt(
        id=id, company=bill.company, lot=bill.lot, bill=bill.id, subject=bill.subject_id, plate=plate,
        amount=bill.left, evidence={"passages": [str(each) for each in passages], "pictures": list(pictures)},
        state=DebtState.OPEN, raised_at=now, lapses_at=Instant(now + days * DAY_US),
    )  # fmt: skip
    return debt, DebtRaised(id, bill.id, bill.subject_id, bill.left.minor, bill.left.currency, int(debt.lapses_at))


def carried(debt: Debt, *, onto: Id, minor: int) -> Debt:
    """Have a bill of a later visit ask for what is left of a debt."""
    return replace(debt, carried_to=onto, carried_minor=minor)


def credited(debt: Debt, minor: int) -> Debt:
    """Take a debt off the bill of a later visit, on which so much of it was paid."""
    return replace(debt, carried_to=None, carried_minor=0, credited_minor=debt.credited_minor + minor)


def disputed(debt: Debt, reason: str) -> tuple[Debt, tuple[Event, ...]]:
    """Take note that a debt is contested. Raises ``Refused("debt.ended")`` and ``Malformed("debt.reason")``."""
    _still_owed(debt)
    words = _checked(reason)
    if (debt.state, debt.reason) == (DebtState.DISPUTED, words):
        return debt, ()
    told = DebtDisputed(debt.id, debt.bill, words)
    return replace(debt, state=DebtState.DISPUTED, reason=words), (told,)


def upheld(debt: Debt) -> Debt:
    """Take a dispute back: the debt stands. Raises ``Refused("debt.not_disputed")``."""
    if debt.state is not DebtState.DISPUTED:
        raise Refused("debt.not_disputed")
    return replace(debt, state=DebtState.OPEN)


def waived(debt: Debt, now: Instant, reason: str) -> tuple[Debt, tuple[Event, ...]]:
    """Let a debt go. Raises ``Refused("debt.ended")`` and ``Malformed("debt.reason")``."""
    _still_owed(debt)
    return ended(debt, DebtState.WAIVED, now, _checked(reason))


def ended(debt: Debt, state: DebtState, now: Instant, reason: str | None = None) -> tuple[Debt, tuple[Event, ...]]:
    """End a debt; the first end stays."""
    if not debt.is_owed:
        return debt, ()
    after = replace(debt, state=state, ended_at=now, reason=reason if reason is not None else debt.reason)
    told = DebtEnded(debt.id, debt.bill, debt.subject, debt.amount.minor, debt.amount.currency, state.value, reason)
    return after, (told,)


def _still_owed(debt: Debt) -> None:
    if not debt.is_owed:
        raise Refused("debt.ended")


def _checked(reason: str) -> str:
    words = reason.strip()
    if not 0 < len(words) <= WORDS_MAX:
        raise Malformed("debt.reason", longest=WORDS_MAX)
    return words
