"""Plates that accounts call their own, and which of them are proven. Pure.

Whoever knows a plate may bind it and pay for it, as at a sign. What the car did is shown to the one account that has
proven the plate. A photo of a lane's sign and a plate that was read in the street are soon had, so standing at a lane
once shows the visit of that moment; standing there at another visit, or the vehicle licence, shows all later ones, too.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


class Proof(StrEnum):
    """How somebody showed that a plate is its own. The texts stand in the catalogue as ``own_plate.proof.<code>``."""

    PRESENCE = "presence"  # scanned the code of the lane at which a car with this plate stood
    LICENCE = "licence"  # a person looked at the vehicle licence


@dataclass(frozen=True, slots=True)
class OwnPlate:
    """A plate of an account. ``value`` is the vault row of its own. Of visits that ended before ``sees_from`` nothing
    is shown, nor of those that began after ``sees_until``; None: the plate is proven for good. Both are business time.
    """

    id: Id
    account: Id
    value: Id
    bound_at: Instant
    verified_at: Instant | None
    proof: Proof | None
    sees_from: Instant | None
    sees_until: Instant | None

    @property
    def is_verified(self) -> bool:
        """Tell whether the account may see what the car does."""
        return self.verified_at is not None


@dataclass(frozen=True, slots=True)
class Sight:
    """What an account sees: visits of ``plate`` (as stays have it) that had not ended at ``since`` and had begun by
    ``until`` (business time; None: whenever they begin).
    """

    own_plate: Id
    plate: Id
    text: str
    since: Instant
    until: Instant | None

    def shows(self, entered_at: Instant, left_at: Instant | None) -> bool:
        """Tell whether a visit of the plate is shown; ``left_at`` is None while the car is inside."""
        begun = self.until is None or entered_at <= self.until
        return begun and (left_at is None or left_at >= self.since)


@dataclass(frozen=True, slots=True)
class PlateBound:
    """An account calls a plate its own. ``plate`` is the binding."""

    KIND: ClassVar[str] = "tenancy.plate_bound"
    VERSION: ClassVar[int] = 1
    account: Id
    plate: Id


@dataclass(frozen=True, slots=True)
class PlateVerified:
    """A plate is proven to be an account's; ``taken_from`` had it proven before."""

    KIND: ClassVar[str] = "tenancy.plate_verified"
    VERSION: ClassVar[int] = 1
    account: Id
    plate: Id
    proof: str
    taken_from: Id | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class PlateUnbound:
    """An account has a plate no more."""

    KIND: ClassVar[str] = "tenancy.plate_unbound"
    VERSION: ClassVar[int] = 1
    account: Id
    plate: Id
