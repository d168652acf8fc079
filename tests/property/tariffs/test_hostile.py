"""Documents and stays at every bound end within a bound of work: with a price, or by saying that there is none."""

import time

import pytest

from openberth.contexts.tariffs.engine import quote
from openberth.contexts.tariffs.model import (
    Band,
    Cap,
    CapKind,
    Condition,
    Counting,
    Cycle,
    CycleKind,
    Free,
    FreePer,
    NestedCaps,
    NotComputable,
    Plan,
    Policy,
    Relief,
    ReliefKind,
    Segment,
    Tariff,
    Terms,
    Tier,
)
from openberth.kernel.money import Money, Rate
from openberth.kernel.time import DAY_US, HOUR_US, Instant, Period, later

ENTERED = Instant(1_790_000_000_000_000)
YEARS = later(ENTERED, 5 * 365 * DAY_US)
CPU_SECONDS = 20  # a busy test machine; alone it is a tenth of that


def tariff(*plans: Plan, code: str = "hostile") -> Tariff:
    return Tariff(code, "demo", "恶", "Hostile", "CNY", plans)


def many_bands(counting: Counting, when: Condition | None = None) -> Plan:
    """64 bands a day, a price of its own for each minute, free minutes for each window, many caps."""
    edges = [number * 1440 // 64 for number in range(64)]
    bands = tuple(
        Band(f"b{number}", (Tier(3, 1, Rate.of("0.001", "CNY")), Tier(None, 1, Rate.of(f"0.0{number + 1}", "CNY"))),
             start, edges[(number + 1) % 64], counting=counting, repeat_minutes=7)
        for number, start in enumerate(edges)
    )  # fmt: skip
    caps = tuple(Cap(kind, Money(10**6 + at, "CNY"), hours=1) for at in range(4) for kind in CapKind)
    cycle = Cycle(CycleKind.ROLLING, 1, free_again=True)
    return Plan(bands, Free(5, per=FreePer.WINDOW), caps, cycle=cycle, condition=when or Condition())


def ends(segments: tuple[Segment, ...], terms: Terms, now: Instant) -> None:
    begun = time.process_time()
    try:
        found = quote(segments, terms, now=now)
    except NotComputable:
        pass
    else:
        assert sum(line.amount.minor for line in found.lines) == found.total.minor
        assert sum(line.minutes for line in found.lines) == found.minutes
    assert time.process_time() - begun < CPU_SECONDS


def test_sixty_four_bands_for_five_years() -> None:
    ends((Segment(Period(ENTERED), tariff(many_bands(Counting.WINDOW))),), Terms("CNY"), YEARS)


def test_plans_that_depend_on_leaving_every_minute_of_a_month() -> None:
    plans = [many_bands(Counting.WINDOW, Condition(leave=(at * 90, at * 90 + 1))) for at in range(8)]
    ends((Segment(Period(ENTERED), tariff(*plans, many_bands(Counting.STAY))),), Terms("CNY"), later(ENTERED, DAY_US))


def test_many_segments_inside_each_other() -> None:
    outer, inner = tariff(many_bands(Counting.BAND)), tariff(many_bands(Counting.STAY), code="inner")
    starts = [later(ENTERED, number * HOUR_US) for number in range(300)]
    segments = tuple(
        Segment(Period(start, later(start, HOUR_US)), (outer, inner)[number % 2], depth=number % 2)
        for number, start in enumerate(starts)
    )
    ends(segments, Terms("CNY", policy=Policy(NestedCaps.INNER_FIRST)), YEARS)


@pytest.mark.parametrize("count", [8, 40])
def test_a_wallet_full_of_coupons(count: int) -> None:
    reliefs = tuple(Relief(f"r{number}", ReliefKind.MINUTES, minutes=number + 1) for number in range(count))
    plan = many_bands(Counting.WINDOW)
    ends((Segment(Period(ENTERED), tariff(plan)),), Terms("CNY", reliefs=reliefs), later(ENTERED, 6 * HOUR_US))
