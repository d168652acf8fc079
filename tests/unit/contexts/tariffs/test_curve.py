"""A curve is exact: it has every step of the price and nothing between them."""

from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

from openberth.contexts.tariffs.curve import HORIZON_MAX_US, POINTS_MAX, Price, curve_of, edges_of
from openberth.contexts.tariffs.model import Band, Condition, Plan, Quote, Tariff
from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US, HOUR_US, MINUTE_US, Instant, from_iso, later, to_iso

ENTERED = from_iso("2026-11-20T09:00:00+08:00")
SHANGHAI = ZoneInfo("Asia/Shanghai")
TARIFF = Tariff("t", "c", "价", "price", "CNY", (Plan((Band("all", ()),)),))


def steps(unit_us: int, most: int = 10**9, calls: list[Instant] | None = None) -> Price:
    """Return a price that grows by 1.00 with every begun unit, at most to a number of units."""

    def price(at: Instant) -> Quote:
        if calls is not None:
            calls.append(at)
        units = min(-(-(at - ENTERED) // unit_us), most)
        total = Money(units * 100, "CNY")
        change = later(ENTERED, units * unit_us + 1) if units < most else None
        return Quote((), total, ENTERED, at, change, 0, 0, 0, total)

    return price


def nothing() -> Iterator[Instant]:
    return iter(())


def curve(price: Price, until: Instant, edges: Iterator[Instant] | None = None) -> list[tuple[int, int]]:
    found = curve_of(price, entered=ENTERED, until=until, edges=edges or nothing())
    assert found.complete
    return [(point.at - ENTERED, point.total.minor) for point in found.points]


def test_every_step_and_nothing_else() -> None:
    calls: list[Instant] = []
    found = curve(steps(HOUR_US, 3, calls), later(ENTERED, DAY_US))
    assert found == [(0, 0), (1, 100), (HOUR_US + 1, 200), (2 * HOUR_US + 1, 300)]
    assert len(calls) == 4


def test_it_ends_where_asked() -> None:
    assert curve(steps(HOUR_US), later(ENTERED, HOUR_US)) == [(0, 0), (1, 100)]
    assert curve(steps(HOUR_US), later(ENTERED, HOUR_US + 1))[-1] == (HOUR_US + 1, 200)


def test_too_many_steps_are_cut_and_told() -> None:
    found = curve_of(steps(MINUTE_US), entered=ENTERED, until=later(ENTERED, HORIZON_MAX_US), edges=nothing())
    assert len(found.points) == POINTS_MAX
    assert not found.complete
    assert found.until == later(ENTERED, (POINTS_MAX - 1) * MINUTE_US + 1)


def test_a_price_that_falls_is_seen_at_the_edges() -> None:
    """An evening flat for those who leave from 18:00 on: nothing announces that the price falls then."""
    evening = from_iso("2026-11-20T18:00:00+08:00")
    hourly = steps(HOUR_US)

    def price(at: Instant) -> Quote:
        quote = hourly(at)
        if at < evening:
            return quote
        return replace(quote, total=Money(500, "CNY"), next_change_at=None)

    tariff = replace(TARIFF, plans=(replace(TARIFF.plans[0], condition=Condition(leave=(18 * 60, 0))),))
    until = later(ENTERED, 20 * HOUR_US)
    found = curve(price, until, edges_of(tariff, entered=ENTERED, until=until, zone=SHANGHAI))
    assert found[-2:] == [(8 * HOUR_US + 1, 900), (9 * HOUR_US, 500)]


def test_edges_of_conditions() -> None:
    condition = Condition(same_day=True, min_stay_minutes=60)
    tariff = replace(TARIFF, day_starts=7 * 60, plans=(replace(TARIFF.plans[0], condition=condition),))
    until = later(ENTERED, DAY_US)
    found = [to_iso(each) for each in edges_of(tariff, entered=ENTERED, until=until, zone=SHANGHAI)]
    assert "2026-11-20T02:00:00.000000Z" in found  # an hour after the entry
    assert "2026-11-20T23:00:00.000000Z" in found  # the tariff day ends
    assert found == sorted(found)
    assert list(edges_of(TARIFF, entered=ENTERED, until=until, zone=SHANGHAI)) == []


def test_clocks_that_jump_are_edges_of_hours() -> None:
    """On 25 October 2026 Berlin shows the hour from two to three twice, on 28 March 2027 not at all."""
    condition = Condition(leave=(90, 150))
    tariff = replace(TARIFF, plans=(replace(TARIFF.plans[0], condition=condition),))
    for begin, jump in (
        ("2026-10-24T20:00:00Z", "2026-10-25T01:00:00"),
        ("2027-03-27T20:00:00Z", "2027-03-28T01:00:00"),
    ):
        start = from_iso(begin)
        until = later(start, DAY_US)
        edges = list(edges_of(tariff, entered=start, until=until, zone=ZoneInfo("Europe/Berlin")))
        assert f"{jump}.000000Z" in [to_iso(each) for each in edges]
