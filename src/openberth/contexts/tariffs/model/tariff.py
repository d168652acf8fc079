"""What a tariff says: values without a clock, one per version of a tariff file.

How they are priced is defined in docs/adr/0006-tariff-engine.md, section by section in the order of these classes.
Minutes are whole, prices exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from openberth.kernel.money import Money, Rate, Rounding

DAY_MINUTES = 24 * 60
ENDLESS_MINUTES = 1_000_000_000  # the unit of a flat tier without end: longer than any stay


class FreeMode(StrEnum):
    """What free minutes mean once a car stays longer."""

    THRESHOLD = "threshold"  # longer than that: everything is charged, from the first minute
    DEDUCT = "deduct"  # the first minutes stay free


class FreePer(StrEnum):
    """How often free minutes are given."""

    STAY = "stay"
    WINDOW = "window"  # each time a band begins
    DAY = "day"  # each tariff day


class FreeCounts(StrEnum):
    """Which minutes use free minutes up."""

    STAY = "stay"  # all that pass, those in free bands too
    CHARGEABLE = "chargeable"  # only those in bands that have a price


@dataclass(frozen=True, slots=True)
class Free:
    """Minutes that cost nothing.

    With ``once_within_hours`` a vehicle gets them once in that span, with ``once_a_day`` once in each tariff day.
    """

    minutes: int = 0
    mode: FreeMode = FreeMode.THRESHOLD
    per: FreePer = FreePer.STAY
    counts: FreeCounts = FreeCounts.STAY
    once_within_hours: int | None = None
    once_a_day: bool = False


@dataclass(frozen=True, slots=True)
class Tier:
    """A price for every ``unit_minutes`` until ``up_to`` counted minutes (None: without end).

    A unit is due once more than ``due_after`` of its minutes have passed: 0 charges a begun unit, ``unit_minutes - 1``
    only a full one, a number between forgives a short remainder. ``flat`` says that the unit is the whole tier:
    ``unit_minutes`` is the tier's length then, ``ENDLESS_MINUTES`` when it has no end.
    """

    up_to: int | None
    unit_minutes: int
    price: Rate
    due_after: int = 0
    flat: bool = False


class Counting(StrEnum):
    """Over which minutes units and tiers count."""

    WINDOW = "window"  # anew each time the band begins; a unit under way ends with the window
    BAND = "band"  # over all minutes of the stay in this band; a unit under way goes on after an interruption
    STAY = "stay"  # one count for all bands that say so; a unit has the price of the band it begins in


@dataclass(frozen=True, slots=True)
class Band:
    """What holds at some hours of some days. No tiers: free.

    ``days`` are day words (see ``DayWord``), names of weekdays or ISO dates; ``start`` and ``end`` are minutes of the
    wall clock, ``start == end`` means the whole day; ``seasons`` are names of the plan's seasons, empty: all.
    After ``repeat_minutes`` counted minutes the tiers begin again; the last tier ends there.
    """

    code: str
    tiers: tuple[Tier, ...]
    start: int = 0
    end: int = 0
    days: tuple[str, ...] = ("all",)
    seasons: tuple[str, ...] = ()
    counting: Counting = Counting.WINDOW
    repeat_minutes: int | None = None
    name_zh: str = ""
    name_en: str = ""


class DayWord(StrEnum):
    """What a band may say of days besides weekdays (mon … sun) and dates; the most specific word used decides."""

    HOLIDAY = "holiday"
    EVE = "eve"  # the day before a holiday that is none itself
    MAKEUP = "makeup"  # a weekend day on which people work
    WORKDAY = "workday"
    WEEKEND = "weekend"  # any day off, holidays too unless a band speaks of holidays
    ALL = "all"


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Season:
    """A part of the year, both days included, as (month, day); it may wrap the end of the year."""

    code: str
    first: tuple[int, int]
    last: tuple[int, int]


class CapKind(StrEnum):
    """Over which span a cap holds."""

    STAY = "stay"
    ROLLING_24H = "rolling_24h"  # each 24 h counted from the first minute under the tariff
    ROLLING = "rolling"  # the same with ``hours``
    DAY = "day"  # each tariff day
    WINDOW = "window"  # each time a band begins until it ends, also across midnight
    WEEK = "week"  # from Monday's tariff day on
    MONTH = "month"  # each calendar month of tariff days


# The spans that have a beginning of their own, whichever visit it is: a cap may hold in them across visits.
ACROSS_VISITS = frozenset({CapKind.ROLLING_24H, CapKind.ROLLING, CapKind.DAY, CapKind.WEEK, CapKind.MONTH})


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``amount`` in each span of the kind; ``later`` are the amounts of the second, third … span.

    The last amount goes on. ``bands`` names the bands whose charges it limits; empty: all. ``times``: it holds in so
    many spans from the first on, and no longer. ``across_visits``: all visits of a vehicle use one amount up; a rolling
    span begins with the visit that finds none going on. ``ends_with_day``: a rolling span ends with the tariff day at
    the latest, and the next one begins with the following day.
    """

    kind: CapKind
    amount: Money
    later: tuple[Money, ...] = ()
    hours: int = 24
    bands: tuple[str, ...] = ()
    times: int | None = None
    across_visits: bool = False
    ends_with_day: bool = False

    @property
    def span_name(self) -> str:
        """Return what tells this cap from the others, whatever its amount: ``rolling-24``, ``day:night``."""
        kind = CapKind.ROLLING if self.kind is CapKind.ROLLING_24H else self.kind
        name = f"{kind.value}-{self.hours}" if kind is CapKind.ROLLING else kind.value
        return ":".join((name, *sorted(self.bands)))


class CycleKind(StrEnum):
    """When counting begins anew whatever the bands say."""

    ROLLING = "rolling"  # every ``hours`` from the first minute under the tariff
    DAY = "day"  # with each tariff day


@dataclass(frozen=True, slots=True)
class Cycle:
    """Where units and tiers begin again; ``free_again`` gives the free minutes anew, too."""

    kind: CycleKind
    hours: int = 24
    free_again: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """When a plan may be used. Hours are (start, end) minutes of the wall clock, half-open, and may wrap midnight."""

    enter: tuple[int, int] | None = None
    leave: tuple[int, int] | None = None
    days: tuple[str, ...] = ()  # of the entry
    same_day: bool = False  # left on the tariff day of the entry
    min_stay_minutes: int = 0
    max_stay_minutes: int | None = None


class BandsBy(StrEnum):
    """Which band prices a minute."""

    MINUTE = "minute"  # the one that holds when the minute begins
    ENTRY = "entry"  # the one that held when the car entered, for the whole stay


@dataclass(frozen=True, slots=True)
class Plan:
    """One complete way to price a stay. Its bands cover every minute of every day exactly once."""

    bands: tuple[Band, ...]
    free: Free = Free()
    caps: tuple[Cap, ...] = ()
    minimum: Money | None = None  # as soon as anything is charged
    cycle: Cycle | None = None
    bands_by: BandsBy = BandsBy.MINUTE
    seasons: tuple[Season, ...] = ()
    condition: Condition = Condition()
    code: str = "standard"
    name_zh: str = ""
    name_en: str = ""


class Choose(StrEnum):
    """Which of the plans that may be used is used."""

    CHEAPEST = "cheapest"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Vehicle:
    """What is known of a vehicle. ``colour`` is the plate's; ``tags`` are words a lot gives (``taxi``)."""

    colour: str | None = None
    new_energy: bool | None = None
    size: str | None = None
    seats: int | None = None
    disabled: bool = False
    spaces: int = 1
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class VehicleMatch:
    """Which vehicles a class means: every field that is given must hold; what is unknown does not match."""

    colours: tuple[str, ...] = ()
    new_energy: bool | None = None
    sizes: tuple[str, ...] = ()
    seats_from: int | None = None
    seats_upto: int | None = None
    disabled: bool | None = None
    spaces_from: int | None = None
    tags: tuple[str, ...] = ()  # one of them is enough

    def means(self, vehicle: Vehicle) -> bool:
        """Tell whether a vehicle is one of those that are meant."""
        seats = vehicle.seats
        return (
            (not self.colours or vehicle.colour in self.colours)
            and self.new_energy in (None, vehicle.new_energy)
            and (not self.sizes or vehicle.size in self.sizes)
            and (self.seats_from is None or (seats is not None and seats >= self.seats_from))
            and (self.seats_upto is None or (seats is not None and seats <= self.seats_upto))
            and self.disabled in (None, vehicle.disabled)
            and (self.spaces_from is None or vehicle.spaces >= self.spaces_from)
            and (not self.tags or not vehicle.tags.isdisjoint(self.tags))
        )


@dataclass(frozen=True, slots=True)
class VehicleClass:
    """Vehicles with plans of their own; the first class that matches is used, else the tariff's plans."""

    code: str
    match: VehicleMatch
    plans: tuple[Plan, ...]
    choose: Choose = Choose.CHEAPEST
    name_zh: str = ""
    name_en: str = ""


class SecondsPolicy(StrEnum):
    """How a moment becomes a whole minute of the stay."""

    TRUNCATE = "truncate"  # the seconds of the duration do not count
    EXACT = "exact"  # a begun minute counts
    CLOCK = "clock"  # entry and exit are read without their seconds


class PriceChange(StrEnum):
    """Which version prices a stay during which a new one came into force (the version of the entry decides)."""

    ENTRY = "entry"
    CHANGE = "change"  # each its own minutes
    EXIT = "exit"


class BeyondCalendar(StrEnum):
    """What happens on a day whose type the calendar does not know."""

    REFUSE = "refuse"  # no price
    WEEKDAY = "weekday"  # Monday to Friday are workdays


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax (18.375 % is 183 750 millionths): inside the prices, or added to the total and rounded half up."""

    millionths: int
    included: bool = True


@dataclass(frozen=True, slots=True)
class RoundTotal:
    """The total becomes a multiple of ``to``."""

    to: Money
    rule: Rounding


@dataclass(frozen=True, slots=True)
class Tariff:
    """One version of a tariff of a company; equal values are the same version.

    ``zone`` None: the lot's. ``day_starts`` is the minute of the wall clock at which a tariff day begins.
    """

    code: str
    company_code: str
    name_zh: str
    name_en: str
    currency: str
    plans: tuple[Plan, ...]
    choose: Choose = Choose.CHEAPEST
    classes: tuple[VehicleClass, ...] = ()
    zone: str | None = None
    day_starts: int = 0
    calendar: str = "cn"
    beyond_calendar: BeyondCalendar = BeyondCalendar.REFUSE
    seconds: SecondsPolicy = SecondsPolicy.TRUNCATE
    grace_after_payment_minutes: int = 15
    price_change: PriceChange = PriceChange.ENTRY
    reentry_minutes: int = 0  # coming back within so many minutes continues the stay
    tax: Tax | None = None
    round_total: RoundTotal | None = None


class DayKind(StrEnum):
    """What a day is for people who work."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day's kind and, for holidays, its name. ``words`` are an operator's own day words (``fair``, ``match``)."""

    kind: DayKind
    name_zh: str = ""
    name_en: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The day types of a region. Compared by identity, for it is made anew when it is edited.

    ``days`` holds every date it knows; ``ends`` is the first date it does not know.
    """

    code: str
    days: Mapping[date, CalendarDay] = field(default_factory=dict)
    ends: date | None = None
