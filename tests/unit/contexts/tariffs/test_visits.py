"""Several visits of one vehicle: caps that they use up together, free minutes that one of them has, caps that end."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from openberth.contexts.tariffs.document import cap_uses_from_plain, cap_uses_to_plain
from openberth.contexts.tariffs.engine import quote, single
from openberth.contexts.tariffs.model import CapKind, CapUse, NestedCaps, NotComputable, Policy, Segment, Tariff, Terms
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, Instant, Period, later
from tests.unit.contexts.tariffs.cases import fee, minutes_of, moment, ready, stated

HOURLY = 'charge: {unit_minutes: 60, price: "5.00"}\n'
Visit = tuple[str, str, str]  # day, hour, length


def cny(body: str) -> Tariff:
    return stated(body, "CNY", "Asia/Shanghai")


def visited(tariff: Tariff, *visits: Visit) -> list[str]:
    """Price visits one after the other, each told what those before have used up."""
    prices, terms = [], Terms("CNY")
    for day, at, stay in visits:
        entered = moment(day, at, "Asia/Shanghai")
        found = single(tariff, entered=entered, until=later(entered, minutes_of(stay) * MINUTE_US), terms=terms)
        used_at = entered if found.free_used else terms.free_used_at
        terms = replace(terms, cap_uses=found.cap_uses, free_used_at=used_at)
        prices.append(found.total.amount_text)
    return prices


def cap(more: str) -> str:
    return f"{HOURLY}caps: [{{{more}, across_visits: true}}]"


@pytest.mark.parametrize(
    ("body", "visits", "prices"),
    [
        pytest.param(cap("kind: day, amount: 12"), [("Mon", "08:00", "1 h"), ("Mon", "12:00", "2 h"),
                     ("Mon", "23:00", "2 h"), ("Tue", "02:00", "2 h")], ["5.00", "7.00", "5.00", "7.00"], id="day"),
        pytest.param(f'day_starts: "07:00"\n{cap("kind: day, amount: 12")}', [("Mon", "08:00", "2 h"),
                     ("Tue", "02:00", "1 h"), ("Tue", "06:00", "2 h")], ["10.00", "2.00", "5.00"], id="day at seven"),
        pytest.param(cap("kind: rolling_24h, amount: 12"), [("Mon", "20:00", "2 h"), ("Tue", "10:00", "1 h"),
                     ("Tue", "19:30", "1 h 1 min"), ("Wed", "19:00", "2 h")], ["10.00", "2.00", "5.00", "10.00"],
                     id="24 h from the first entry"),
        pytest.param(cap("kind: rolling, hours: 12, amount: 6"), [("Mon", "08:00", "1 h"), ("Mon", "19:00", "3 h")],
                     ["5.00", "7.00"], id="12 h"),
        pytest.param(cap("kind: week, amount: 12"), [("Mon", "08:00", "2 h"), ("Sun", "08:00", "2 h"),
                     ("2026-11-30", "08:00", "1 h")], ["10.00", "2.00", "5.00"], id="week"),
        pytest.param(cap("kind: month, amount: 12"), [("2026-11-01", "08:00", "2 h"), ("2026-11-30", "22:00", "5 h"),
                     ("2026-12-31", "08:00", "1 h")], ["10.00", "14.00", "0.00"], id="month"),
        pytest.param('charge: {unit_minutes: 1, price: "0.035"}\ncaps: [{kind: day, amount: 12, across_visits: true}]',
                     [("Mon", "08:00", "5 min"), ("Mon", "09:00", "10 h")], ["0.18", "11.82"], id="rounded by visit"),
    ],
)  # fmt: skip
def test_visits_use_a_cap_up_together(body: str, visits: Sequence[Visit], prices: Sequence[str]) -> None:
    assert visited(cny(body), *visits) == prices


def test_a_street_where_all_visits_of_a_day_are_capped_together() -> None:
    visits = [("Mon", "09:00", "30 min"), ("Mon", "10:00", "6 h"), ("Mon", "18:00", "4 h"), ("Tue", "09:00", "31 min")]
    assert visited(ready("street-all-visits"), *visits) == ["0.00", "13.00", "7.00", "3.00"]


def test_a_cap_of_bands_is_used_up_by_their_charges_alone() -> None:
    body = """
bands:
  - {code: day, hours: "08:00-20:00", charge: {unit_minutes: 60, price: "5.00"}}
  - {code: night, hours: "20:00-08:00", charge: {unit_minutes: 60, price: "2.00"}}
caps: [{kind: rolling_24h, amount: "6.00", bands: [night], across_visits: true}]
"""
    visits = [("Mon", "10:00", "2 h"), ("Mon", "20:00", "2 h"), ("Mon", "23:00", "4 h")]
    assert visited(cny(body), *visits) == ["10.00", "4.00", "2.00"]


def test_what_is_kept_is_what_goes_on_and_survives_being_written_down() -> None:
    tariff, entered = cny(cap("kind: day, amount: 12")), moment("Mon", "22:00", "Asia/Shanghai")
    before = CapUse("another", "week", entered, later(entered, 600 * MINUTE_US), Money(100, "CNY"))
    over = replace(before, tariff="over", ends=later(entered, 60 * MINUTE_US))
    terms = Terms("CNY", cap_uses=(before, over))
    found = single(tariff, entered=entered, until=later(entered, 181 * MINUTE_US), terms=terms)
    midnight = moment("Tue", "00:00", "Asia/Shanghai")
    today = CapUse("case", "day", midnight, later(midnight, 1440 * MINUTE_US), Money(1000, "CNY"))
    assert found.cap_uses == (before, today)
    assert tuple(cap_uses_from_plain(cap_uses_to_plain(found.cap_uses))) == found.cap_uses


def test_the_next_change_is_where_the_next_span_begins() -> None:
    tariff, entered = cny(cap("kind: rolling_24h, amount: 10")), moment("Mon", "08:00", "Asia/Shanghai")
    first = single(tariff, entered=entered, until=later(entered, 120 * MINUTE_US), terms=Terms("CNY"))
    again = later(entered, 20 * 60 * MINUTE_US)
    found = single(tariff, entered=again, until=again, terms=Terms("CNY", cap_uses=first.cap_uses))
    assert found.total.minor == 0
    assert found.next_change_at == later(entered, (24 * 60 + 1) * MINUTE_US)


def test_the_explanation_says_that_visits_are_counted_together() -> None:
    tariff, entered = cny(cap("kind: day, amount: 12")), moment("Mon", "08:00", "Asia/Shanghai")
    found = single(tariff, entered=entered, until=later(entered, 180 * MINUTE_US), terms=Terms("CNY"))
    assert [(line.code, line.amount.minor) for line in found.lines][-1] == ("tariff.line.cap_day_visits", -300)


def test_an_inner_area_may_be_under_a_cap_across_visits_of_the_outer() -> None:
    outer, inner = cny(cap("kind: day, amount: 12")), cny(HOURLY.replace("5.00", "9.00"))
    inner = replace(inner, code="inner")
    start = moment("Mon", "08:00", "Asia/Shanghai")

    def at(minutes: int) -> Instant:
        return later(start, minutes * MINUTE_US)

    terms = Terms("CNY", policy=Policy(NestedCaps.INNER_FIRST))
    first = quote([Segment(Period(at(0)), outer)], terms, now=at(60))
    again = [Segment(Period(at(100), at(110)), outer), Segment(Period(at(110)), inner, depth=1)]
    found = quote(again, replace(terms, cap_uses=first.cap_uses), now=at(120))
    assert (first.total.minor, found.total.minor) == (500, 700)
    assert found.cap_uses[0].used == Money(1200, "CNY")


def test_free_minutes_once_a_day() -> None:
    body = f"free: {{minutes: 30, once_a_day: true}}\n{HOURLY}"
    visits = [("Mon", "08:00", "20 min"), ("Mon", "23:50", "20 min"), ("Tue", "00:30", "20 min"),
              ("Tue", "08:00", "20 min")]  # fmt: skip
    assert visited(cny(body), *visits) == ["0.00", "5.00", "0.00", "5.00"]
    assert visited(cny(f'day_starts: "07:00"\n{body}'), *visits) == ["0.00", "5.00", "5.00", "0.00"]


@pytest.mark.parametrize(("stay", "price"), [("24 h", "30.00"), ("25 h", "35.00"), ("48 h", "150.00")])
def test_a_cap_that_holds_once(stay: str, price: str) -> None:
    assert fee(cny(f"{HOURLY}caps: [{{kind: rolling_24h, amount: 30, times: 1}}]"), "Mon", "10:00", stay) == price


@pytest.mark.parametrize(
    ("day_starts", "at", "stay", "price"),
    [
        ("00:00", "22:00", "2 h", "20.00"),
        ("00:00", "22:00", "3 h", "30.00"),  # 20 until midnight, then 10 of the next span
        ("00:00", "22:00", "7 h", "50.00"),
        ("00:00", "22:00", "8 h", "60.00"),  # five hours after midnight the second span of that day begins
        ("00:00", "22:00", "26 h", "170.00"),  # 20, and five spans of the next day
        ("00:00", "22:00", "27 h", "180.00"),
        ("00:00", "10:00", "20 h", "130.00"),  # three spans, then one, and an hour of the next
        ("07:00", "22:00", "9 h", "60.00"),  # 22-3 and 3-7
        ("07:00", "22:00", "10 h", "70.00"),
    ],
)
def test_spans_that_end_with_the_day(day_starts: str, at: str, stay: str, price: str) -> None:
    body = (
        'charge: {unit_minutes: 60, price: "10.00"}\ncaps: [{kind: rolling, hours: 5, amount: 30, ends_with_day: true}]'
    )
    assert fee(cny(f'day_starts: "{day_starts}"\n{body}'), "Mon", at, stay) == price


@pytest.mark.parametrize("kind", [CapKind.STAY, CapKind.WINDOW])
def test_a_span_within_one_visit_is_not_shared(kind: CapKind) -> None:
    good = cny(cap("kind: day, amount: 12"))
    wrong = replace(good.plans[0].caps[0], kind=kind)
    bad = replace(good, plans=(replace(good.plans[0], caps=(wrong,)),))
    with pytest.raises(NotComputable):
        fee(bad, "Mon", "10:00", "1 h")
