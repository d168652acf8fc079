"""The safe of a lot: cash that was handed over and waits for the bank. It never holds less than nothing."""

from dataclasses import dataclass
from enum import StrEnum

from openberth.contexts.payments.model.shift_events import CashDeposited, SafeFilled
from openberth.contexts.payments.model.shifts import Holder
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant


class MoveKind(StrEnum):
    """How cash comes into the safe and leaves it, beside shifts."""

    DEPOSITED = "deposited"  # to the bank
    FETCHED = "fetched"  # change, from the bank
    COLLECTED = "collected"  # from the lot's common till


@dataclass(frozen=True, slots=True)
class Safe:
    """The safe of a company's lot for one currency."""

    id: Id
    company: Id
    lot: Id
    balance: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeMove:
    """Cash that a person carried into or out of a safe. ``reference`` is unique for a safe and a kind."""

    id: Id
    company: Id
    lot: Id
    safe: Id
    kind: MoveKind
    amount: Money
    reference: str
    by: Holder
    at: Instant

    @property
    def event(self) -> Event:
        """Return what it tells."""
        moved, currency = self.amount.minor, self.amount.currency
        if self.kind is MoveKind.DEPOSITED:
            return CashDeposited(self.id, self.safe, moved, currency, self.reference)
        return SafeFilled(self.id, self.safe, self.kind.value, moved, currency, self.reference)
