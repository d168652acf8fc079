"""The keys of a tariff file, part by part. Guide: ``docs/guides/tariffs.md``."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from openberth.contexts.tariffs.document.values import Price
from openberth.contexts.tariffs.model import (
    DAY_MINUTES,
    BandsBy,
    CapKind,
    Choose,
    Counting,
    CycleKind,
    FreeCounts,
    FreeMode,
    FreePer,
)
from openberth.infra.documents import Amount, Between, Code, Hours, MonthDay, Names, Part, Truth, Whole
from openberth.kernel.money import Rounding

MAX_MINUTES = 366 * DAY_MINUTES
MAX_HOURS = 366 * 24

Minutes = Annotated[Whole, Between(0, MAX_MINUTES)]
SomeMinutes = Annotated[Whole, Between(1, MAX_MINUTES)]
SomeHours = Annotated[Whole, Between(1, MAX_HOURS)]
DayWords = Annotated[list[Code], Field(min_length=1, max_length=100)]
Codes = Annotated[list[Code], Field(max_length=64)]


class UnitRounding(StrEnum):
    """What becomes of a unit that has only begun."""

    UP = "up"  # it is charged
    DOWN = "down"  # it is not
    FORGIVE = "forgive"  # it is not while at most ``forgive_minutes`` of it have passed


class PlateColour(StrEnum):
    """The colours of plates."""

    BLUE = "blue"
    YELLOW = "yellow"
    GREEN = "green"
    YELLOW_GREEN = "yellow_green"
    WHITE = "white"
    BLACK = "black"


class FreePart(Part):
    """Minutes that cost nothing."""

    minutes: Minutes
    mode: FreeMode = FreeMode.THRESHOLD
    per: FreePer = FreePer.STAY
    counts: FreeCounts = FreeCounts.STAY
    once_within_hours: SomeHours | None = None
    once_a_day: Truth = False


class TierPart(Part):
    """A price up to a number of counted minutes: per unit, for the whole tier, or a share of the charge's."""

    up_to_minutes: SomeMinutes | None = None
    unit_minutes: SomeMinutes | None = None
    price: Price | None = None
    flat: Price | None = None
    percent: Amount | None = None
    rounding: UnitRounding | None = None
    forgive_minutes: SomeMinutes | None = None


class RungPart(Part):
    """What a stay costs altogether that is not longer than this; the last rung may say what each further unit adds."""

    up_to_minutes: SomeMinutes | None = None
    total: Price | None = None
    unit_minutes: SomeMinutes | None = None
    price: Price | None = None


class ChargePart(Part):
    """What time costs: nothing, once, per unit, by tiers or by a ladder of totals. Prices are in major units."""

    free: Truth | None = None
    flat: Price | None = None
    unit_minutes: SomeMinutes | None = None
    price: Price | None = None
    rounding: UnitRounding | None = None
    forgive_minutes: SomeMinutes | None = None
    tiers: Annotated[list[TierPart], Field(min_length=1, max_length=32)] | None = None
    ladder: Annotated[list[RungPart], Field(min_length=1, max_length=32)] | None = None
    repeat_minutes: SomeMinutes | None = None


class BandPart(Part):
    """What holds at some hours of some days. ``cap`` limits each time the band begins until it ends."""

    code: Code
    name: Names | None = None
    days: DayWords = Field(default=["all"])
    hours: Hours | None = None
    seasons: Codes = Field(default=[])
    counting: Counting = Counting.WINDOW
    charge: ChargePart
    cap: Amount | None = None


class CapPart(Part):
    """The most that a span of time costs; ``amounts`` are those of the first, the second … span, the last goes on.

    ``times``: it holds in so many spans only. ``across_visits``: all visits of a vehicle use it up together.
    ``ends_with_day``: a rolling span ends with the tariff day at the latest.
    """

    kind: CapKind
    amount: Amount | None = None
    amounts: Annotated[list[Amount], Field(min_length=1, max_length=31)] | None = None
    hours: SomeHours | None = None
    bands: Codes = Field(default=[])
    times: Annotated[Whole, Between(1, 1_000)] | None = None
    across_visits: Truth = False
    ends_with_day: Truth = False


class CyclePart(Part):
    """When units and tiers begin again; ``free_again`` gives the free minutes anew, too."""

    kind: CycleKind
    hours: SomeHours | None = None
    free_again: Truth = False


class SeasonPart(Part):
    """A part of the year, both days included; it may wrap the end of the year."""

    code: Code
    first: MonthDay
    last: MonthDay


class Body(Part):
    """How a stay is priced: the body of a tariff with one plan, of a plan, or what is different for a class."""

    free: FreePart | None = None
    charge: ChargePart | None = None
    bands: Annotated[list[BandPart], Field(min_length=1, max_length=64)] | None = None
    caps: Annotated[list[CapPart], Field(max_length=16)] | None = None
    minimum: Amount | None = None
    cycle: CyclePart | None = None
    bands_by: BandsBy | None = None
    seasons: Annotated[list[SeasonPart], Field(max_length=16)] | None = None


class WhenPart(Part):
    """When a plan may be used; every key that is given must hold."""

    enter: Hours | None = None
    leave: Hours | None = None
    days: Annotated[list[Code], Field(max_length=100)] = Field(default=[])
    same_day: Truth = False
    min_stay_minutes: Minutes = 0
    max_stay_minutes: SomeMinutes | None = None


class PlanHead(Part):
    """What a plan is called and when it may be used."""

    code: Code
    name: Names | None = None
    when: WhenPart | None = None


class PlanPart(Body, PlanHead):
    """One complete way to price a stay."""


Plans = Annotated[list[PlanPart], Field(min_length=1, max_length=16)]


class MatchPart(Part):
    """Which vehicles a class means: every key that is given must hold; what is unknown does not match."""

    colours: Annotated[list[PlateColour], Field(max_length=6)] = Field(default=[])
    new_energy: Truth | None = None
    sizes: Annotated[list[Code], Field(max_length=16)] = Field(default=[])
    seats_from: Annotated[Whole, Between(1, 200)] | None = None
    seats_upto: Annotated[Whole, Between(1, 200)] | None = None
    disabled: Truth | None = None
    spaces_from: Annotated[Whole, Between(2, 100)] | None = None
    tags: Annotated[list[Code], Field(max_length=32)] = Field(default=[])


class ClassHead(Part):
    """Which vehicles have a price of their own."""

    code: Code
    name: Names | None = None
    match: MatchPart
    factor: Amount | None = None
    choose: Choose | None = None
    plans: Plans | None = None


class ClassPart(Body, ClassHead):
    """Vehicles with a price of their own: other parts, other plans, or the tariff's prices and caps times a factor."""


class TaxPart(Part):
    """A tax: inside the prices, or added to the total."""

    percent: Amount
    included: Truth = True


class RoundPart(Part):
    """The total becomes a multiple of ``to``."""

    to: Amount
    rule: Rounding = Rounding.HALF_UP
