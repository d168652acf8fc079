"""Rights to park: who, what kind, when. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import Instant, Period

ALWAYS = Period(Instant(0))  # a permit without dates


class PermitKind(StrEnum):
    """What a permit means; the value is the word a quote gives for a segment that costs nothing.

    Parking costs nothing under a right, unless the lot file says by which tariff cars of its kind are priced.
    """

    RESIDENT = "resident"
    MONTHLY = "monthly"  # a card that was bought
    INTERNAL = "internal"
    FREE = "free"
    BLOCKED = "blocked"  # not let in

    @property
    def admits(self) -> bool:
        """Tell whether the kind is a right and not its refusal."""
        return self is not PermitKind.BLOCKED


@dataclass(frozen=True, slots=True)
class Permit:
    """A car's right in one lot. ``code`` identifies it for ever; ``plate`` is personal data and masked in ``repr``."""

    code: str
    plate: Plate
    kind: PermitKind
    valid: Period = ALWAYS

    def holds_at(self, instant: Instant) -> bool:
        """Tell whether the permit holds at an instant."""
        return self.valid.contains(instant)


@dataclass(frozen=True, slots=True)
class GrantedPermit:
    """A permit as others use it, without its plate. When it was retired, ``valid`` ends at that instant."""

    id: Id
    code: str
    kind: PermitKind
    valid: Period


@dataclass(frozen=True, slots=True)
class ListedPermit:
    """A permit as people see it in a list: the plate is masked, None when it was erased."""

    id: Id
    code: str
    plate: str | None
    kind: PermitKind
    valid: Period
    holder: Id | None
    version: int


@dataclass(frozen=True, slots=True)
class PermitChanges:
    """What applying a list changes, by code; each in the order of the list, retired ones in their old order."""

    added: tuple[Permit, ...]
    changed: tuple[Permit, ...]
    retired: tuple[Permit, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.retired)


def diff(existing: tuple[Permit, ...], wanted: tuple[Permit, ...]) -> PermitChanges:
    """Compare the active permits of a lot with a list; applying the same list twice changes nothing."""
    before = {permit.code: permit for permit in existing}
    after = {permit.code for permit in wanted}
    return PermitChanges(
        tuple(permit for permit in wanted if permit.code not in before),
        tuple(permit for permit in wanted if permit.code in before and before[permit.code] != permit),
        tuple(permit for permit in existing if permit.code not in after),
    )


@dataclass(frozen=True, slots=True)
class PermitsApplied:
    """A permit list was applied to a lot and changed something. Counts only: plates stay in the vault."""

    KIND: ClassVar[str] = "permits.list_applied"
    VERSION: ClassVar[int] = 1

    added: int
    changed: int
    retired: int


@dataclass(frozen=True, slots=True)
class PermitHeld:
    """A permit is somebody's from now on, or nobody's."""

    KIND: ClassVar[str] = "permits.permit_held"
    VERSION: ClassVar[int] = 1

    permit: Id
    holder: Id | None
