"""The fee against the length of a stay, exactly: a walk from one change of the price to the next, nothing sampled.

The price of a quote stays as it is before its ``next_change_at``, so the walk asks there again. Only plans with
conditions on leaving or length may make it fall in between; where a condition changes its answer, the walk asks, too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from openberth.contexts.tariffs.model import Condition, Quote, Tariff
from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US, MINUTE_US, Instant, as_datetime, instant_of, later

POINTS_MAX = 2_000
HORIZON_MAX_US = 62 * DAY_US
WORK_MAX = 200_000  # steps of pricing, as the engine counts them
_STEPS_MAX = 4 * POINTS_MAX  # edges of conditions at which nothing changes make no point, but a step

Price = Callable[[Instant], Quote]


@dataclass(frozen=True, slots=True)
class Point:
    """From ``at`` on a stay costs ``total``, until the next point."""

    at: Instant
    total: Money


@dataclass(frozen=True, slots=True)
class Curve:
    """The steps of a price from the entry up to ``until``, which is earlier than asked for when there were too many."""

    entered: Instant
    until: Instant
    points: tuple[Point, ...]
    complete: bool


def curve_of(
    price: Price, *, entered: Instant, until: Instant, edges: Iterator[Instant], work: Callable[[], int] = lambda: 0
) -> Curve:
    """Walk along a price from the entry to ``until``; ``edges`` are instants in order at which it may fall.

    ``work`` tells how much work the prices were so far: a curve ends early, incomplete, where it is too much.
    """
    points: list[Point] = []
    at = entered
    edge = next(edges, None)
    for _ in range(_STEPS_MAX):
        if work() > WORK_MAX:
            break
        quote = price(at)
        if not points or quote.total != points[-1].total:
            if len(points) == POINTS_MAX:
                return Curve(entered, at, tuple(points), complete=False)
            points.append(Point(at, quote.total))
        while edge is not None and edge <= at:
            edge = next(edges, None)
        change = quote.next_change_at
        coming = min((moment for moment in (change, edge) if moment is not None), default=None)
        if coming is not None and coming <= at:
            break  # too much work to look ahead
        if coming is None or coming > until:
            return Curve(entered, until, tuple(points), complete=True)
        at = coming
    return Curve(entered, at, tuple(points), complete=False)


def edges_of(tariff: Tariff, *, entered: Instant, until: Instant, zone: ZoneInfo) -> Iterator[Instant]:
    """Return the instants, in order, at which a condition on leaving or length may change its answer."""
    plans = [*tariff.plans, *(plan for each in tariff.classes for plan in each.plans)]
    found = {moment for plan in plans for moment in _edges_of(plan.condition, tariff, entered, until, zone)}
    # Whether a moment becomes a whole minute by its floor or its ceiling is the tariff's: both are looked at.
    spans = {moment - entered for moment in found if entered < moment <= until}
    exact = {later(entered, span) for span in spans}
    up = {later(entered, -(-span // MINUTE_US) * MINUTE_US) for span in spans}
    begun = {later(entered, span // MINUTE_US * MINUTE_US + 1) for span in spans}
    return iter(sorted(moment for moment in exact | up | begun if entered < moment <= until))


def _edges_of(
    condition: Condition, tariff: Tariff, entered: Instant, until: Instant, zone: ZoneInfo
) -> Iterator[Instant]:
    for minutes in (condition.min_stay_minutes, condition.max_stay_minutes):
        if minutes:
            # The minute itself and its neighbours: a condition may include its bound or not.
            yield from (later(entered, (minutes + beside) * MINUTE_US) for beside in (-1, 0, 1))
    clocks = {*(condition.leave or ()), *((tariff.day_starts,) if condition.same_day else ())}
    if not clocks:
        return
    day = as_datetime(entered, zone).date()
    last = as_datetime(until, zone).date()
    while day <= last:
        for minute in clocks:
            wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minute % (24 * 60))
            yield from (instant_of(wall.replace(fold=fold)) for fold in (0, 1))
        yield from _jumps(day, zone)
        day += timedelta(days=1)


def _jumps(day: date, zone: ZoneInfo) -> Iterator[Instant]:
    """Yield the instant at which the clock jumps on a day: hours are left out then, or come again."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    low, high = instant_of(midnight), instant_of(midnight + timedelta(days=1))
    before, after = as_datetime(low, zone).utcoffset(), as_datetime(high, zone).utcoffset()
    if before == after:
        return
    while high - low > MINUTE_US:
        middle = later(low, (high - low) // (2 * MINUTE_US) * MINUTE_US)
        low, high = (middle, high) if as_datetime(middle, zone).utcoffset() == before else (low, middle)
    yield high
