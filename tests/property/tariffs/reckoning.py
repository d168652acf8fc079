"""What a stay costs by docs/adr/0006-tariff-engine.md, minute by minute: slow, plain and without a thought of speed.

Nothing here knows the engine. The numbers in the comments are those of the page.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction

from openberth.contexts.tariffs.model import (
    Band,
    Cap,
    CapKind,
    Choose,
    Counting,
    Cycle,
    CycleKind,
    FreeCounts,
    FreeMode,
    FreePer,
    NestedCaps,
    NotComputable,
    Plan,
    SecondsPolicy,
    Segment,
    Tariff,
    Terms,
    Tier,
    Vehicle,
    VehicleMatch,
)
from openberth.kernel.money import Rounding, rounded
from openberth.kernel.time import HOUR_US, MINUTE_US, Instant
from tests.property.tariffs.clock import Book, condition_holds, tariff_day, walls
from tests.property.tariffs.visits import Visits, minute_begins

Lowering = Callable[[Fraction], Fraction]


@dataclass(frozen=True)
class Relieved:
    """Minutes that reliefs gave away, and what lowers a unit before caps; made anew for each pricing (purses empty)."""

    before: frozenset[int] = frozenset()
    after: frozenset[int] = frozenset()
    lowering: Callable[[], Lowering] = lambda: lambda price: price

    @property
    def minutes(self) -> frozenset[int]:
        return self.before | self.after


NOTHING = Relieved()


@dataclass
class Unit:
    """Counted minutes that cost one price together; ``due`` is the minute from which on it is owed, if it came."""

    band: Band
    tier: Tier
    length: int
    given_away: bool
    minutes: list[int] = field(default_factory=list)

    @property
    def due(self) -> int | None:
        return self.minutes[self.tier.due_after] if len(self.minutes) > self.tier.due_after else None

    @property
    def full(self) -> bool:
        return len(self.minutes) == self.length


@dataclass
class Own:
    """A tariff of a stay with the minutes it prices."""

    tariff: Tariff
    depth: int
    entered: Instant
    left: Instant
    visits: Visits
    minutes: list[int] = field(default_factory=list)
    book: Book = field(init=False)
    free: set[int] = field(init=False)

    @property
    def first(self) -> int:
        return self.minutes[0]

    @property
    def plan(self) -> Plan:
        return self.book.plan


@dataclass
class Stay:
    """A stay until an instant, taken apart."""

    terms: Terms
    entered: Instant
    origin: Instant  # where minute 1 begins
    owns: list[Own]
    outside: int
    length: int

    def begins(self, minute: int) -> int:
        return self.origin + (minute - 1) * MINUTE_US


def taken_apart(segments: Sequence[Segment], terms: Terms, now: Instant) -> Stay:
    """1, 2: minutes and whose they are; 3, 10: which plan prices them."""
    entered = segments[0].period.start
    rule = next((one.tariff.seconds for one in segments if one.tariff), SecondsPolicy.TRUNCATE)
    begun = [one for one in segments if one.period.start <= now]
    origin = entered // MINUTE_US * MINUTE_US if rule is SecondsPolicy.CLOCK else entered
    visits = Visits(terms.cap_uses, minute_begins(origin))
    owns: dict[Tariff, Own] = {}
    outside = reached = 0
    for segment in begun:
        end = now if segment.period.end is None else min(now, segment.period.end)
        upto = whole_minutes(entered, end, rule)
        minutes = range(reached + 1, upto + 1)
        reached = upto
        if segment.tariff is not None:
            new = Own(segment.tariff, segment.depth, segment.period.start, end, visits)
            own = owns.setdefault(segment.tariff, new)
            own.left = end
            own.minutes += minutes
        elif segment.right is None:
            raise NotComputable("no_tariff")
        else:
            outside += len(minutes)
    stay = Stay(terms, entered, Instant(origin), [own for own in owns.values() if own.minutes], outside, reached)
    for own in stay.owns:
        choose_plan(stay, own)
    return stay


def whole_minutes(entered: Instant, at: Instant, rule: SecondsPolicy) -> int:
    if rule is SecondsPolicy.CLOCK:
        return at // MINUTE_US - entered // MINUTE_US
    if rule is SecondsPolicy.EXACT:
        return -((entered - at) // MINUTE_US)
    return (at - entered) // MINUTE_US


def choose_plan(stay: Stay, own: Own) -> None:
    plans, choose = own.tariff.plans, own.tariff.choose
    for one in own.tariff.classes:
        if matches(one.match, stay.terms.vehicle):
            plans, choose = one.plans, one.choose
            break
    zone = own.tariff.zone or stay.terms.zone
    calendar = stay.terms.calendars.get(own.tariff.calendar)
    best: tuple[int, Book, set[int]] | None = None
    for plan in plans:
        if not condition_holds(
            plan.condition, own.tariff, calendar, zone, entered=own.entered, left=own.left, minutes=len(own.minutes)
        ):
            continue
        own.book = Book(own.tariff, plan, calendar, walls(zone, stay.origin), own.first)
        own.free = free_minutes(stay, own)
        alone = settled(own, priced([own], NestedCaps.SEPARATE, NOTHING)[0])
        if best is None or alone < best[0]:
            best = (alone, own.book, own.free)
        if choose is Choose.FIRST:
            break
    if best is None:
        raise NotComputable("no_plan")
    own.book, own.free = best[1], best[2]


def matches(match: VehicleMatch, vehicle: Vehicle) -> bool:
    """3: every field that is given must hold, what is unknown does not match."""
    wanted = [
        not match.colours or vehicle.colour in match.colours,
        match.new_energy is None or vehicle.new_energy == match.new_energy,
        not match.sizes or vehicle.size in match.sizes,
        match.seats_from is None or (vehicle.seats is not None and match.seats_from <= vehicle.seats),
        match.seats_upto is None or (vehicle.seats is not None and vehicle.seats <= match.seats_upto),
        match.disabled is None or vehicle.disabled == match.disabled,
        match.spaces_from is None or match.spaces_from <= vehicle.spaces,
        not match.tags or any(tag in vehicle.tags for tag in match.tags),
    ]
    return all(wanted)


def cycle_of(own: Own, minute: int) -> object:
    """6."""
    cycle: Cycle | None = own.plan.cycle
    if cycle is None:
        return None
    return own.book.day(minute) if cycle.kind is CycleKind.DAY else (minute - own.first) // (cycle.hours * 60)


def free_minutes(stay: Stay, own: Own) -> set[int]:
    """7: the own minutes that are given away, in free bands too where the whole span is."""
    free = own.plan.free
    used = stay.terms.free_used_at
    once = free.once_within_hours
    if once is not None and used is not None and stay.entered - used < once * HOUR_US:
        return set()
    if free.once_a_day and used is not None:
        zone = own.tariff.zone or stay.terms.zone
        days = {tariff_day(walls(zone, at).at(1), own.tariff.day_starts) for at in (used, stay.entered)}
        if len(days) == 1:
            return set()
    spans: dict[object, list[int]] = {}
    for minute in own.minutes:
        key: list[object] = []
        if free.per is FreePer.WINDOW:
            key.append(own.book.at(minute).window)
        if free.per is FreePer.DAY:
            key.append(own.book.day(minute))
        if own.plan.cycle is not None and own.plan.cycle.free_again:
            key.append(cycle_of(own, minute))
        spans.setdefault(tuple(key), []).append(minute)
    given: set[int] = set()
    for span in spans.values():
        counting = [m for m in span if free.counts is FreeCounts.STAY or own.book.band(m).tiers]
        if free.mode is FreeMode.DEDUCT:
            given.update(counting[: free.minutes])
        elif len(counting) <= free.minutes:
            given.update(span)
    return given


def counted_minutes(own: Own) -> list[int]:
    """8: own minutes in bands with tiers that are not free."""
    return [m for m in own.minutes if m not in own.free and own.book.band(m).tiers]


class Counters:
    """8: the counters of a tariff, and the units along them."""

    def __init__(self, own: Own, *, given_away: bool = False) -> None:
        self.own, self.given_away = own, given_away
        self.positions: dict[object, int] = {}
        self.running: dict[object, Unit] = {}
        self.units: list[Unit] = []

    def next_unit(self, minute: int) -> Unit:
        """The unit to which a minute belongs if it is counted next."""
        key, band = self._key(minute), self.own.book.band(minute)
        if key in self.running and not self.running[key].full:
            return self.running[key]
        return Unit(band, *tier_at(band, self.positions.get(key, 0)), self.given_away)

    def count(self, minute: int, unit: Unit) -> None:
        key = self._key(minute)
        if self.running.get(key) is not unit:
            self.running[key] = unit
            self.units.append(unit)
        unit.minutes.append(minute)
        self.positions[key] = self.positions.get(key, 0) + 1

    def _key(self, minute: int) -> object:
        band = self.own.book.band(minute)
        counter: object = "stay"
        if band.counting is Counting.BAND:
            counter = band.code
        if band.counting is Counting.WINDOW:
            counter = self.own.book.at(minute).window
        return (band.counting, counter, cycle_of(self.own, minute))


def units_of(own: Own, minutes: Iterable[int], *, given_away: bool = False) -> list[Unit]:
    counters = Counters(own, given_away=given_away)
    for minute in minutes:
        counters.count(minute, counters.next_unit(minute))
    return counters.units


def tier_at(band: Band, position: int) -> tuple[Tier, int]:
    """The tier of a unit that begins at a position, and how long the unit is: it ends with its tier at the latest."""
    if band.repeat_minutes is not None:
        position %= band.repeat_minutes
    tier = next(tier for tier in band.tiers if tier.up_to is None or position < tier.up_to)
    ends = [end - position for end in (tier.up_to, band.repeat_minutes) if end is not None]
    return tier, min([tier.unit_minutes, *ends])


def ordinal(own: Own, cap: Cap, minute: int) -> int:
    """9: the number of the cap's span, from 0, in which a minute lies."""
    book = own.book
    if cap.kind is CapKind.STAY:
        return 0
    if cap.kind in (CapKind.ROLLING, CapKind.ROLLING_24H):
        if cap.across_visits:
            return own.visits.rolling_span(own.tariff.code, cap, own.first, minute)
        hours = 24 if cap.kind is CapKind.ROLLING_24H else cap.hours
        begun = book.day_begun(minute) if cap.ends_with_day else own.first
        return (minute - begun) // (hours * 60) + 100 * (book.day(begun) - book.day(own.first)).days
    if cap.kind is CapKind.WINDOW:
        return book.windows_begun(minute, cap.bands) - 1
    first, day = book.day(own.first), book.day(minute)
    if cap.kind is CapKind.DAY:
        return (day - first).days
    if cap.kind is CapKind.WEEK:
        return (monday(day) - monday(first)).days // 7
    return (day.year * 12 + day.month) - (first.year * 12 + first.month)


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def caps_of(owns: list[Own], own: Own, unit: Unit, nested: NestedCaps) -> list[tuple[Own, Cap]]:
    """9: the caps a unit is under, own ones and lent ones."""
    found = [(own, cap) for cap in own.plan.caps if not cap.bands or unit.band.code in cap.bands]
    for other in owns:
        lends = (nested is NestedCaps.INNER_FIRST and other.depth < own.depth) or (
            nested is NestedCaps.OUTER_FIRST and other.depth > own.depth
        )
        if lends and unit.due is not None and unit.due >= other.first:
            found += [(other, cap) for cap in other.plan.caps if not cap.bands]
    return found


def priced(owns: list[Own], nested: NestedCaps, relieved: Relieved) -> list[Fraction]:
    """9: what each tariff's units cost together once caps have limited them, in the order of due minutes."""
    due: list[tuple[int, Own, Unit]] = []
    for own in owns:
        counted = counted_minutes(own)
        units = units_of(own, [m for m in counted if m not in relieved.minutes])
        units += units_of(own, [m for m in counted if m in relieved.after], given_away=True)
        due += [(unit.due, own, unit) for unit in units if unit.due is not None]
    sums = {id(own): Fraction(0) for own in owns}
    left: dict[object, Fraction] = {}
    lower = relieved.lowering()
    for minute, own, unit in sorted(due, key=lambda one: one[0]):
        price = unit.tier.price.minor
        if not unit.given_away:
            price = lower(price)
        rooms = []
        for other, cap in caps_of(owns, own, unit, nested):
            span = ordinal(other, cap, minute)
            amounts = (cap.amount, *cap.later)
            if cap.times is not None and span >= cap.times:
                continue
            room = (id(other), other.plan.caps.index(cap), span)
            amount = Fraction(amounts[min(span, len(amounts) - 1)].minor)
            left.setdefault(room, max(Fraction(0), amount - other.visits.used(other.tariff.code, cap, minute)))
            rooms.append(room)
        price = min([price, *(left[room] for room in rooms)])
        for room in rooms:
            left[room] -= price
        if not unit.given_away:
            sums[id(own)] += price
    return [sums[id(own)] for own in owns]


def settled(own: Own, exact: Fraction) -> int:
    """10: from the exact sum of a tariff to its total."""
    plan, tariff = own.plan, own.tariff
    if plan.minimum is not None and exact > 0:
        exact = max(exact, Fraction(plan.minimum.minor))
    minor = rounded(exact, Rounding.HALF_UP)
    if tariff.round_total is not None:
        to = tariff.round_total.to.minor
        minor = rounded(Fraction(minor, to), tariff.round_total.rule) * to
    if tariff.tax is not None and not tariff.tax.included:
        minor += rounded(Fraction(minor * tariff.tax.millionths, 1_000_000), Rounding.HALF_UP)
    return minor


def total_of(stay: Stay, relieved: Relieved = NOTHING) -> int:
    nested = stay.terms.policy.nested_caps
    sums = priced(stay.owns, nested, relieved)
    return sum(settled(own, exact) for own, exact in zip(stay.owns, sums, strict=True))


@dataclass(frozen=True)
class Reckoned:
    total: int
    charged: int
    free: int
    outside: int
    free_used: bool


def reckoned(segments: Sequence[Segment], terms: Terms, now: Instant) -> Reckoned:
    """Price a stay without reliefs."""
    stay = taken_apart(segments, terms, now)
    charged = used = 0
    for own in stay.owns:
        used += sum(1 for minute in own.free if own.book.band(minute).tiers)
        for unit in units_of(own, counted_minutes(own)):
            if unit.due is not None and unit.tier.price.minor > 0:
                charged += len(unit.minutes)
    free = stay.length - stay.outside - charged
    return Reckoned(total_of(stay), charged, free, stay.outside, used > 0)


def without_reliefs(terms: Terms) -> Terms:
    return replace(terms, reliefs=())
