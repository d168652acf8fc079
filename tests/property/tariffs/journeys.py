"""Random stays, mostly near something that happens to clocks, with reliefs."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

from openberth.contexts.tariffs.engine.clockwork import Clockwork
from openberth.contexts.tariffs.model import (
    AgainstCaps,
    CapKind,
    CapUse,
    NestedCaps,
    Policy,
    Relief,
    ReliefKind,
    ReliefRules,
    Segment,
    Tariff,
    Terms,
)
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant, Period, instant_of, later
from tests.property.tariffs.documents import CALENDAR, CURRENCY, maybe, money, tariff, vehicle

DAY = 1440
# Zones and a local time near which something happens: a clock changes, a month or the calendar ends, a leap day.
PLACES = (
    ("Asia/Shanghai", "2026-09-30T18:00"),
    ("Asia/Shanghai", "2028-02-28T20:00"),
    ("Asia/Shanghai", "2030-12-31T08:00"),
    ("Australia/Sydney", "2026-10-04T00:00"),
    ("Australia/Sydney", "2026-04-05T00:00"),
    ("Europe/London", "2026-03-29T00:00"),
    ("Europe/London", "2026-10-25T00:00"),
    ("Pacific/Auckland", "2026-09-27T00:00"),
    ("Pacific/Auckland", "2026-04-05T00:00"),
    ("America/Sao_Paulo", "2018-11-03T22:00"),  # midnight is skipped
    ("America/Sao_Paulo", "2018-02-17T20:00"),  # the last hour of the day comes twice
    ("America/St_Johns", "2008-11-01T20:00"),  # one minute past midnight the clock goes back to the day before
    ("Pacific/Apia", "2011-12-29T12:00"),  # a whole day is skipped
)


class Dice(Random):
    """Dice that say what they were made of, so that a failing test names the stay."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def __repr__(self) -> str:
        return f"Dice({self.number})"


@dataclass(frozen=True, repr=False)
class Journey:
    """A stay and all that prices it; ``number`` is that of the dice that made it."""

    segments: tuple[Segment, ...]
    terms: Terms
    now: Instant
    number: int = 0

    def __repr__(self) -> str:
        return f"Journey of Dice({self.number})"

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        """Hypothesis would print every field of a data class, a hundred kilobytes of them."""
        printer.text(repr(self))

    def told(self) -> str:
        """All of it, without the thousands of days of the calendar."""
        return f"{self.segments}\n{replace(self.terms, calendars={})}\nnow={self.now}"

    @property
    def entered(self) -> Instant:
        return self.segments[0].period.start

    @property
    def tariffs(self) -> list[Tariff]:
        """Each tariff of the stay, once, as they come."""
        return list(dict.fromkeys(one.tariff for one in self.segments if one.tariff))


def length(dice: Dice) -> int:
    """Minutes of a stay: rarely more than a day, for somebody walks through each of them."""
    most = dice.choice((30, 300, 600, DAY, DAY, 3 * DAY))
    return dice.choice((dice.randint(0, most), dice.randint(0, most), most))


def seconds(dice: Dice) -> int:
    return dice.choice((0, dice.randrange(60))) * SECOND_US


def entry(dice: Dice) -> tuple[str, Instant]:
    zone, near = dice.choice(PLACES)
    moment = datetime.fromisoformat(near).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return zone, later(instant_of(moment), dice.randint(-DAY // 2, DAY // 2) * MINUTE_US + seconds(dice))


def journey(dice: Dice, *, conditional: bool = True, several: bool = True, most: int | None = None) -> Journey:
    """A stay of one tariff, or of up to five segments under two tariffs (one maybe inside the other) and rights."""
    zone, entered = entry(dice)
    first = tariff(dice, "a", conditional=conditional)
    lasted = length(dice) if most is None else dice.randint(0, most)
    now = later(entered, lasted * MINUTE_US + seconds(dice))
    owners: list[tuple[Tariff | None, str | None, int]] = [(first, None, 0)]
    if several and dice.random() < 0.4:
        inner = (tariff(dice, "b", conditional=conditional), None, dice.randint(0, 1))
        choices = (owners[0], inner, inner, (first, "monthly", 0), (None, "resident", 0))
        owners = [dice.choice(choices) for _ in range(dice.randint(2, 5))]
    starts = [entered, *sorted(later(entered, dice.randint(0, lasted) * MINUTE_US + seconds(dice)) for _ in owners[1:])]
    last = maybe(dice, 0.3, max(starts[-1], later(now, dice.randint(-30, 30) * MINUTE_US)))
    ends = [*starts[1:], last]
    segments = tuple(
        Segment(Period(start, end), charge, right, depth)
        for (charge, right, depth), start, end in zip(owners, starts, ends, strict=True)
    )
    policy = Policy(dice.choice(tuple(NestedCaps)))
    used = maybe(dice, 0.5, later(entered, -dice.randint(0, 2 * DAY) * MINUTE_US))
    charges = dict.fromkeys(charge for charge, _, _ in owners if charge)
    uses = tuple(use for charge in charges for use in cap_uses(dice, charge, zone, entered))
    terms = Terms(CURRENCY, zone, vehicle(dice), {"cn": CALENDAR}, policy, (), used, uses)
    return Journey(segments, terms, now, dice.number)


def cap_uses(dice: Dice, charge: Tariff, zone: str, entered: Instant) -> list[CapUse]:
    """What visits before may have used up of a tariff's caps across visits."""
    every = [*charge.plans, *(plan for each in charge.classes for plan in each.plans)]
    caps = {cap.span_name: cap for plan in every for cap in plan.caps if cap.across_visits}
    found = []
    for name, cap in sorted(caps.items()):
        if dice.random() < 0.3:
            continue
        if cap.kind in (CapKind.ROLLING, CapKind.ROLLING_24H):
            begins = later(entered, -dice.randint(0, 2 * DAY) * MINUTE_US + seconds(dice))
            ends = later(begins, dice.choice((60, DAY, 2 * DAY)) * MINUTE_US)
        else:
            begins, ends = days_around(cap.kind, charge, zone, entered)
        found.append(CapUse(charge.code, name, begins, ends, money(dice)))
    return found


def days_around(kind: CapKind, charge: Tariff, zone: str, entered: Instant) -> tuple[Instant, Instant]:
    """The tariff day, week or month in which a car comes."""
    clock = Clockwork(charge.plans[0], charge, charge.zone or zone, None)
    day = date.fromordinal(clock.day_at(entered))
    first, following = day, day + timedelta(days=1)
    if kind is CapKind.WEEK:
        first = day - timedelta(days=day.weekday())
        following = first + timedelta(days=7)
    elif kind is CapKind.MONTH:
        first = day.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
    return Instant(clock.starts(first.toordinal())), Instant(clock.starts(following.toordinal()))


def relief(dice: Dice, entered: Instant, number: int) -> Relief:
    """A relief of any kind near a stay's first day."""
    kind = dice.choice(tuple(ReliefKind))
    start = later(entered, dice.randint(-60, 600) * MINUTE_US + seconds(dice))
    bare = Relief(
        f"r{number}",
        kind,
        group=dice.choice(("", "", "mall")),
        caps=dice.choice(tuple(AgainstCaps)),
        from_total=maybe(dice, 0.15, money(dice)),
        most=maybe(dice, 0.3, money(dice)),
    )
    if kind is ReliefKind.MINUTES:
        return replace(bare, minutes=dice.choice((1, 20, 60, 120, 300)))
    if kind is ReliefKind.UNTIL:
        return replace(bare, until=start)
    if kind is ReliefKind.PERIOD:
        return replace(bare, period=Period(start, later(start, dice.randint(0, 400) * MINUTE_US)))
    if kind is ReliefKind.AMOUNT:
        return replace(bare, amount=money(dice))
    if kind is ReliefKind.PERCENT:
        return replace(bare, percent=dice.choice((Fraction(20), Fraction(50), Fraction(100), Fraction(100, 3))))
    if kind is ReliefKind.TARIFF:
        return replace(bare, tariff=tariff(dice, "r", conditional=False))
    return bare


def relief_rules(dice: Dice) -> ReliefRules:
    kinds = tuple(ReliefKind)
    pairs = frozenset((dice.choice(kinds), dice.choice(kinds)) for _ in range(30))
    order = dice.sample(kinds, len(kinds) - dice.choice((0, 0, 1)))
    minimum = Money(dice.choice((100, 500)), CURRENCY)
    return ReliefRules(
        dice.randint(1, 4), maybe(dice, 0.3, pairs), tuple(order), maybe(dice, 0.3, minimum), dice.random() < 0.5
    )


def relieved_journey(dice: Dice, *, conditional: bool = True) -> Journey:
    """A stay of at most a day with up to four reliefs."""
    one = journey(dice, conditional=conditional, most=dice.choice((300, 700, DAY)))
    given = tuple(relief(dice, one.entered, number) for number in range(dice.randint(1, 4)))
    rules = relief_rules(dice) if dice.random() < 0.5 else ReliefRules()
    policy = Policy(one.terms.policy.nested_caps, rules)
    return replace(one, terms=replace(one.terms, policy=policy, reliefs=given))


dice = st.integers(0, 2**40).map(Dice)
journeys = dice.map(journey)
simple_journeys = dice.map(lambda one: journey(one, several=False))
steady_journeys = dice.map(lambda one: journey(one, conditional=False))
relieved_journeys = dice.map(relieved_journey)
