"""Which tariff prices whom: what a lot file says of tariffs beside their codes. What tariffs mean is not known here.

Rules are looked at from the area outwards: those of the area, then its ``tariff``, then the same of the area around it,
and of the lot last. A rule that names kinds of permits prices cars with such a permit, which else cost nothing; one
that names none prices cars without a permit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from openberth.kernel.ids import Id


class PlateColour(StrEnum):
    """The colour of a plate, as rules name it."""

    BLUE = "blue"
    YELLOW = "yellow"
    WHITE = "white"
    BLACK = "black"
    GREEN = "green"
    YELLOW_GREEN = "yellow_green"


class PermitWord(StrEnum):
    """Kinds of permits that a rule may price."""

    RESIDENT = "resident"
    MONTHLY = "monthly"
    INTERNAL = "internal"
    FREE = "free"


class CapOrder(StrEnum):
    """How the caps of an outer and an inner area's tariffs work together."""

    SEPARATE = "separate"
    INNER_FIRST = "inner_first"
    OUTER_FIRST = "outer_first"


class ReliefWord(StrEnum):
    """Kinds of reliefs: what a coupon, a merchant or a charger gives."""

    MINUTES = "minutes"
    UNTIL = "until"
    PERIOD = "period"
    AMOUNT = "amount"
    PERCENT = "percent"
    TARIFF = "tariff"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class VehicleRule:
    """Which vehicles a rule means: every field that is given must hold; what is unknown does not match."""

    colours: tuple[PlateColour, ...] = ()
    new_energy: bool | None = None
    sizes: tuple[str, ...] = ()
    seats_from: int | None = None
    seats_upto: int | None = None
    disabled: bool | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TariffRule:
    """Some cars are priced by a tariff of their own."""

    tariff: str
    vehicles: VehicleRule = VehicleRule()
    permits: tuple[PermitWord, ...] = ()


@dataclass(frozen=True, slots=True)
class ReliefPolicy:
    """What a lot allows of reliefs: how many, which kinds together, in which order, and what is paid in any case.

    ``together`` None allows all; ``order`` empty is the usual one. ``minimum_pay`` is in minor units.
    """

    at_most: int = 3
    together: tuple[tuple[ReliefWord, ReliefWord], ...] | None = None
    order: tuple[ReliefWord, ...] = ()
    minimum_pay: int | None = None


@dataclass(frozen=True, slots=True)
class Pricing:
    """What a lot decides about prices beside its tariff."""

    tariffs: tuple[TariffRule, ...] = ()
    nested_caps: CapOrder = CapOrder.SEPARATE
    reliefs: ReliefPolicy = ReliefPolicy()


@dataclass(frozen=True, slots=True)
class Level:
    """The rules of an area or of the lot, and the tariff that holds there for all other cars without a permit."""

    rules: tuple[TariffRule, ...]
    tariff: str | None


@dataclass(frozen=True, slots=True)
class LotPricing:
    """Everything that pricing has to know of a lot; areas by id, retired ones too, for cars may still stand there."""

    zone: str
    currency: str
    lot: Level  # its tariff is never None
    pricing: Pricing
    areas: Mapping[Id, Level]
    around: Mapping[Id, Id | None]

    def levels(self, area: Id) -> Iterator[Level]:
        """Yield the levels that hold in an area, the nearest first and the lot last."""
        for each in self._outwards(area):
            yield self.areas[each]
        yield self.lot

    def tariff_of(self, area: Id) -> str:
        """Return the tariff that holds in an area for cars that no rule means: its own, or the next one outwards."""
        return next(level.tariff for level in self.levels(area) if level.tariff is not None)

    def depth(self, area: Id) -> int:
        """Return how deep an area lies: 0 in the lot itself, 1 in an area inside of another."""
        return max(sum(1 for _ in self._outwards(area)) - 1, 0)

    def _outwards(self, area: Id) -> Iterator[Id]:
        current: Id | None = area
        for _ in self.areas:  # the file is checked for cycles; a bound costs nothing
            if current is None or current not in self.areas:
                return
            yield current
            current = self.around[current]
