"""Corners of ADR 0006 in which the engine once differed from the reckoning of tests/property/tariffs."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from openberth.contexts.tariffs.engine import quote
from openberth.contexts.tariffs.model import (
    Band,
    BandsBy,
    BeyondCalendar,
    Calendar,
    CalendarDay,
    Cap,
    CapKind,
    Condition,
    Counting,
    Cycle,
    CycleKind,
    DayKind,
    Free,
    NotComputable,
    Plan,
    Quote,
    Relief,
    ReliefKind,
    Segment,
    Tariff,
    Terms,
    Tier,
)
from openberth.kernel.money import Money, Rate
from openberth.kernel.time import Period, from_iso

SHANGHAI_EIGHT = "2026-11-23T00:00:00Z"
SHANGHAI_NINE = "2026-11-23T01:00:00Z"


def band(code: str, start: int, end: int, unit: int, price: str, **more: Any) -> Band:
    tiers = (Tier(None, unit, Rate.of(price, "CNY")),) if unit else ()
    return Band(code, tiers, start * 60, end * 60, **more)


def tariff(*bands: Band, **plan: Any) -> Tariff:
    return Tariff("t", "demo", "测", "t", "CNY", (Plan(bands, **plan),))


def priced(charge: Tariff, entered: str, until: str, **terms: Any) -> Quote:
    segment = Segment(Period(from_iso(entered)), charge)
    return quote((segment,), Terms("CNY", **terms), now=from_iso(until))


def total(*given: Any, **terms: Any) -> int:
    return priced(*given, **terms).total.minor


def test_a_unit_under_way_keeps_the_band_it_began_in() -> None:
    day = band("day", 8, 9, 120, "5", counting=Counting.STAY)
    night = band("night", 9, 8, 60, "1", counting=Counting.STAY)
    found = priced(tariff(day, night), "2026-11-23T00:30:00Z", "2026-11-23T02:31:00Z")
    assert found.total.minor == 600  # two hours at the price of the day, the minute after them at that of the night
    assert [line.minutes for line in found.lines] == [120, 1]


def test_a_unit_ends_with_its_tier() -> None:
    day = Band("day", (Tier(120, 120, Rate.of("5", "CNY"), 0, True), Tier(None, 60, Rate.of("1", "CNY"))),
               9 * 60, 8 * 60, counting=Counting.STAY)  # fmt: skip
    first = band("first", 8, 9, 30, "2", counting=Counting.STAY)
    # Half an hour of the first band, then the rest of the flat two hours, then an hour.
    assert total(tariff(first, day), "2026-11-23T00:30:00Z", "2026-11-23T02:31:00Z") == 800


def test_the_day_after_a_skipped_day_has_its_bands() -> None:
    charge = tariff(band("early", 0, 2, 60, "1"), band("late", 2, 0, 60, "7"))
    # In Apia the 29th of December 2011 was followed by the 31st: one late hour, two early ones, one late one.
    entered, until = "2011-12-30T09:00:00Z", "2011-12-30T13:00:00Z"
    assert total(charge, entered, until, zone="Pacific/Apia") == 700 + 200 + 700


def test_a_window_cap_begins_with_the_first_window_of_its_bands() -> None:
    cap = Cap(CapKind.WINDOW, Money(1000, "CNY"), (Money(2000, "CNY"),), bands=("day",))
    charge = tariff(band("day", 8, 20, 60, "30"), band("night", 20, 8, 0, "0"), caps=(cap,))
    entered = "2026-11-22T22:00:00Z"  # six in the morning
    assert total(charge, entered, "2026-11-23T04:00:00Z") == 1000
    assert total(charge, entered, "2026-11-24T04:00:00Z") == 3000


def test_the_band_of_the_entry_asks_no_calendar_later() -> None:
    calendar = Calendar("cn", {date(2026, 11, 23): CalendarDay(DayKind.WORKDAY)}, date(2026, 11, 24))
    working = band("working", 0, 0, 60, "1", days=("workday",))
    off = band("off", 0, 0, 60, "2", days=("weekend",))
    caps = (Cap(CapKind.DAY, Money(500, "CNY")),)
    known = {"calendars": {"cn": calendar}}
    until = "2026-11-24T00:00:00Z"
    by_entry = tariff(working, off, caps=caps, bands_by=BandsBy.ENTRY)
    assert total(by_entry, SHANGHAI_EIGHT, until, **known) == 1000  # 16 hours of one day, 8 of the next
    with pytest.raises(NotComputable):
        priced(tariff(working, off, caps=caps), SHANGHAI_EIGHT, until, **known)
    one = band("one", 0, 0, 60, "1", days=("workday", "weekend"))  # the same with one band that is not for all days
    assert total(tariff(one, caps=caps, bands_by=BandsBy.ENTRY), SHANGHAI_EIGHT, until, **known) == 1000


def test_the_eve_of_a_day_that_nobody_knows_is_not_known_where_it_matters() -> None:
    calendar = Calendar("cn", {date(2026, 11, 23): CalendarDay(DayKind.WORKDAY)}, date(2026, 11, 24))
    eve, rest = band("eve", 0, 0, 60, "3", days=("eve",)), band("rest", 0, 0, 60, "1")
    known = {"calendars": {"cn": calendar}}
    with pytest.raises(NotComputable):
        priced(tariff(eve, rest), SHANGHAI_EIGHT, SHANGHAI_NINE, **known)
    lenient = replace(tariff(eve, rest), beyond_calendar=BeyondCalendar.WEEKDAY)
    assert total(lenient, SHANGHAI_EIGHT, SHANGHAI_NINE, **known) == 100


def test_a_tariff_as_a_relief_takes_what_the_total_it_finds_is_above_it() -> None:
    cheap = tariff(band("all", 0, 0, 60, "6"))
    reliefs = (
        Relief("half", ReliefKind.PERCENT, percent=Fraction(50)),
        Relief("other", ReliefKind.TARIFF, tariff=cheap),
    )
    dear = tariff(band("all", 0, 0, 60, "10"))
    found = priced(dear, SHANGHAI_EIGHT, "2026-11-23T01:00:00Z", reliefs=reliefs)
    assert found.total.minor == 500  # half of it is less than the other tariff already
    assert [use.id for use in found.reliefs] == ["half"]


def test_minutes_are_taken_where_they_would_be_counted() -> None:
    tiers = (Tier(30, 15, Rate.of("1", "CNY")), Tier(None, 240, Rate.of("0", "CNY")))
    charge = tariff(Band("all", tiers, counting=Counting.BAND))
    coupon = Relief("hour", ReliefKind.MINUTES, minutes=60)
    assert total(charge, SHANGHAI_EIGHT, "2026-11-23T00:31:00Z", reliefs=(coupon,)) == 0


def test_the_next_change_is_seen_before_a_cheaper_plan_begins() -> None:
    dear = Plan((band("all", 0, 0, 60, "5"),))
    evening = replace(dear, bands=(band("all", 0, 0, 600, "1"),), condition=Condition(leave=(660, 1439)), code="e")
    charge = replace(tariff(), plans=(evening, dear))
    found = priced(charge, SHANGHAI_EIGHT, "2026-11-23T00:30:00Z")
    assert (found.total.minor, found.next_change_at) == (500, from_iso("2026-11-23T01:01:00Z"))


def test_free_minutes_that_come_again_do_not_hang_the_outlook() -> None:
    """Free minutes every two hours and a cap that was reached: each free span would have to be walked anew."""
    charge = tariff(
        band("all", 0, 0, 15, "25"),
        free=Free(30),
        cycle=Cycle(CycleKind.ROLLING, 1, free_again=True),
        caps=(Cap(CapKind.STAY, Money(100, "CNY")),),
    )
    found = priced(charge, SHANGHAI_EIGHT, "2026-11-23T03:00:00Z")
    assert (found.total.minor, found.next_change_at) == (100, None)


def test_a_tariff_as_a_relief_that_has_no_price_takes_nothing() -> None:
    offered = replace(tariff(band("all", 0, 0, 60, "1.00")), currency="SGD")
    relief = Relief("r", ReliefKind.TARIFF, tariff=offered)
    found = quote(
        (Segment(Period(from_iso(SHANGHAI_EIGHT)), tariff(band("all", 0, 0, 60, "5.00"))),),
        Terms("CNY", reliefs=(relief,)), now=from_iso("2026-11-23T01:00:00Z"),
    )  # fmt: skip
    assert (found.total.minor, found.reliefs) == (500, ())
    assert found.next_change_at is not None
