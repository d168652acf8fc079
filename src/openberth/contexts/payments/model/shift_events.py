"""What payments tells the others about shifts and the cash of a lot. Holders are a kind of actor and its name."""

from dataclasses import dataclass
from typing import ClassVar

from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class ShiftOpened:
    """Somebody begins to take cash at a lot, with a float."""

    KIND: ClassVar[str] = "payments.shift_opened"
    VERSION: ClassVar[int] = 1
    shift: Id
    number: int
    holder: str
    booth: Id | None
    float_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class ShiftCounted:
    """The cash of a shift was counted; from now on it takes none."""

    KIND: ClassVar[str] = "payments.shift_counted"
    VERSION: ClassVar[int] = 1
    shift: Id
    number: int
    counted_minor: int
    variance_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class ShiftHandedOver:
    """The cash of a shift went into the safe and, ``passed_minor`` of it, to the ``next`` shift."""

    KIND: ClassVar[str] = "payments.shift_handed_over"
    VERSION: ClassVar[int] = 1
    shift: Id
    number: int
    holder: str
    by: str
    expected_minor: int
    counted_minor: int
    variance_minor: int
    currency: str
    reason: str | None
    to_safe_minor: int
    passed_minor: int
    next: Id | None


@dataclass(frozen=True, slots=True)
class ShiftConfirmed:
    """A supervisor found what was counted."""

    KIND: ClassVar[str] = "payments.shift_confirmed"
    VERSION: ClassVar[int] = 1
    shift: Id
    number: int
    by: str
    counted_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class ShiftCorrected:
    """A supervisor counted something else."""

    KIND: ClassVar[str] = "payments.shift_corrected"
    VERSION: ClassVar[int] = 1
    shift: Id
    number: int
    by: str
    before_minor: int
    after_minor: int
    currency: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class CashDeposited:
    """Cash was carried from a lot's safe to the bank."""

    KIND: ClassVar[str] = "payments.cash_deposited"
    VERSION: ClassVar[int] = 1
    move: Id
    safe: Id
    amount_minor: int
    currency: str
    reference: str


@dataclass(frozen=True, slots=True)
class SafeFilled:
    """Cash came into a lot's safe: change ``fetched`` from the bank, or ``collected`` from the lot's common till."""

    KIND: ClassVar[str] = "payments.safe_filled"
    VERSION: ClassVar[int] = 1
    move: Id
    safe: Id
    move_kind: str
    amount_minor: int
    currency: str
    reference: str
