"""Pricing against a slow, plain reckoning minute by minute, and what must hold for every stay."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from openberth.contexts.tariffs.document import tariff_from_plain, tariff_to_plain
from openberth.contexts.tariffs.model import (
    Cap,
    CapKind,
    Charge,
    Free,
    FreeMode,
    Payment,
    SecondsPolicy,
    Segment,
    Tariff,
    UnitRounding,
)
from openberth.contexts.tariffs.pricing import MAX_GRACES, quote, settlement
from openberth.kernel.money import Money, Rate, Rounding, rounded
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant, Period, later

ENTERED = Instant(1_764_000_000_000_000)
DAY = 1440

prices = st.builds(
    lambda whole, part: Rate.of(f"{whole}.{part:04d}", "CNY"),
    st.integers(0, 30),
    st.sampled_from([0, 5000, 333, 1, 9999]),
)
tariffs = st.builds(
    lambda code, unit, price, up, free, mode, cap, exact: Tariff(
        code, "demo", "测", "t", "CNY", Charge(unit, price, UnitRounding.UP if up else UnitRounding.DOWN),
        Free(free, mode), () if cap is None else (Cap(CapKind.ROLLING_24H, Money(cap, "CNY")),),
        SecondsPolicy.EXACT if exact else SecondsPolicy.TRUNCATE, 15,
    ),
    st.sampled_from("ab"), st.sampled_from([1, 7, 15, 30, 60, 240, 1500]), prices, st.booleans(),
    st.sampled_from([0, 10, 15, 60, 1500]), st.sampled_from(FreeMode), st.none() | st.integers(0, 9000), st.booleans(),
)  # fmt: skip
spans = st.integers(0, 4 * DAY * 60).map(lambda seconds: seconds * SECOND_US) | st.integers(0, 4 * DAY).map(
    lambda minutes: minutes * MINUTE_US
)


@st.composite
def stays(draw: st.DrawFn) -> list[Segment]:
    """A stay of up to five segments under two tariffs and a right; the last may be open."""
    choice = [draw(tariffs), draw(tariffs), None]
    edges = sorted(draw(st.lists(spans, min_size=0, max_size=4)))
    starts = [ENTERED, *(later(ENTERED, edge) for edge in edges)]
    last = draw(st.none() | spans.map(lambda span: later(starts[-1], span)))
    ends: list[Instant | None] = [*starts[1:], last]
    return [
        Segment(Period(start, end), tariff, None if tariff else "resident")
        for start, end in zip(starts, ends, strict=True)
        for tariff in [draw(st.sampled_from(choice))]
    ]


def price(stay: list[Segment], now: Instant) -> int:
    return quote(stay, currency="CNY", now=now).total.minor


def reckoned(stay: list[Segment], now: Instant) -> int:
    """Price a stay the slow way: walk every minute, put each unit into its day, cap the days."""
    exact = next((s.tariff.seconds is SecondsPolicy.EXACT for s in stay if s.tariff), False)
    minutes: dict[Tariff, list[int]] = {}
    reached = 0
    for segment in stay:
        end = now if segment.period.end is None else min(now, segment.period.end)
        span = max(0, end - ENTERED)
        upto = -(-span // MINUTE_US) if exact else span // MINUTE_US
        if segment.tariff is not None and segment.period.start <= now:
            minutes.setdefault(segment.tariff, []).extend(range(reached + 1, upto + 1))
            if not minutes[segment.tariff]:
                del minutes[segment.tariff]
        reached = max(reached, upto)
    return sum(reckoned_tariff(tariff, which) for tariff, which in minutes.items())


def reckoned_tariff(tariff: Tariff, minutes: list[int]) -> int:
    """Price the given minutes of a stay (numbered from 1) under one tariff."""
    threshold = tariff.free.mode is FreeMode.THRESHOLD
    if threshold and len(minutes) <= tariff.free.minutes:
        return 0
    charged = minutes if threshold else minutes[tariff.free.minutes :]
    days: dict[int, Fraction] = {}
    for number, minute in enumerate(charged, start=1):
        at = number % tariff.charge.unit_minutes
        due = at == 1 % tariff.charge.unit_minutes if tariff.charge.rounding is UnitRounding.UP else at == 0
        if due:
            day = (minute - minutes[0]) // DAY
            days[day] = days.get(day, Fraction(0)) + tariff.charge.price.minor
    cap = tariff.caps[0].amount.minor if tariff.caps else None
    return rounded(
        sum((d if cap is None else min(d, Fraction(cap)) for d in days.values()), Fraction(0)), Rounding.HALF_UP
    )


@settings(max_examples=150, deadline=None)
@given(stays(), spans)
def test_the_formulas_agree_with_counting(stay: list[Segment], span: int) -> None:
    now = later(ENTERED, span)
    assert price(stay, now) == reckoned(stay, now)


@settings(max_examples=300)
@given(stays(), spans)
def test_lines_add_up_and_no_minute_is_lost(stay: list[Segment], span: int) -> None:
    found = quote(stay, currency="CNY", now=later(ENTERED, span))
    assert sum(line.amount.minor for line in found.lines) == found.total.minor
    assert sum(line.minutes for line in found.lines) == found.minutes
    assert found.charged_minutes + found.free_minutes + found.outside_minutes == found.minutes
    assert min(found.charged_minutes, found.free_minutes, found.outside_minutes) >= 0
    exact = next((s.tariff.seconds is SecondsPolicy.EXACT for s in stay if s.tariff), False)
    stayed = found.until - found.entered
    assert found.minutes == (-(-stayed // MINUTE_US) if exact else stayed // MINUTE_US)


@settings(max_examples=300)
@given(stays(), spans, spans)
def test_the_price_never_falls(stay: list[Segment], one: int, other: int) -> None:
    early, late = sorted((one, other))
    assert 0 <= price(stay, later(ENTERED, early)) <= price(stay, later(ENTERED, late))


@settings(max_examples=300)
@given(stays(), spans)
def test_the_next_change_is_exact(stay: list[Segment], span: int) -> None:
    now = later(ENTERED, span)
    found = quote(stay, currency="CNY", now=now)
    change = found.next_change_at
    if change is None:
        assert price(stay, later(now, 400 * DAY * MINUTE_US)) == found.total.minor
    else:
        assert change > now
        assert price(stay, change) > found.total.minor
        assert price(stay, later(change, -1)) == found.total.minor


@settings(max_examples=200)
@given(tariffs, spans)
def test_a_cap_holds_in_each_day(tariff: Tariff, span: int) -> None:
    stay = [Segment(Period(ENTERED), tariff)]
    total = price(stay, later(ENTERED, span))
    if tariff.caps:
        assert total <= tariff.caps[0].amount.minor * -(-span // (DAY * MINUTE_US))


@settings(max_examples=200)
@given(tariffs, spans, st.lists(spans, max_size=4))
def test_cutting_a_stay_in_pieces_changes_nothing(tariff: Tariff, span: int, cuts: list[int]) -> None:
    now = later(ENTERED, span)
    starts = [ENTERED, *(later(ENTERED, cut) for cut in sorted(cuts))]
    ends: list[Instant | None] = [*starts[1:], None]
    cut = [Segment(Period(start, end), tariff) for start, end in zip(starts, ends, strict=True)]
    whole = quote([Segment(Period(ENTERED), tariff)], currency="CNY", now=now)
    assert quote(cut, currency="CNY", now=now) == whole


@settings(max_examples=200)
@given(tariffs, spans)
def test_a_cap_out_of_reach_is_no_cap(tariff: Tariff, span: int) -> None:
    free = Tariff(
        tariff.code, "demo", "测", "t", "CNY", tariff.charge, tariff.free, (), tariff.seconds
    )  # fmt: skip
    high = Tariff(
        tariff.code, "demo", "测", "t", "CNY", tariff.charge, tariff.free,
        (Cap(CapKind.ROLLING_24H, Money(10**9, "CNY")),), tariff.seconds,
    )  # fmt: skip
    now = later(ENTERED, span)
    assert price([Segment(Period(ENTERED), free)], now) == price([Segment(Period(ENTERED), high)], now)


@given(tariffs)
def test_a_tariff_survives_its_document(tariff: Tariff) -> None:
    if any(not cap.amount for cap in tariff.caps):
        return
    assert tariff_from_plain(tariff_to_plain(tariff)) == tariff


payments = st.lists(st.tuples(st.integers(0, 5000), spans), max_size=6)


@settings(max_examples=200, deadline=None)
@given(stays(), spans, payments, st.sampled_from([0, 15, 60]))
def test_a_settlement_balances(stay: list[Segment], span: int, given_: list[tuple[int, int]], grace: int) -> None:
    now = later(ENTERED, span)
    paid = [Payment(Money(minor, "CNY"), later(ENTERED, at)) for minor, at in given_]
    found = settlement(stay, paid, currency="CNY", now=now, grace_minutes=grace)
    again = settlement(stay, reversed(paid), currency="CNY", now=now, grace_minutes=grace)
    assert found.quote.total + found.surplus == found.paid + found.due
    assert found.due.minor == 0 or found.surplus.minor == 0
    assert found.due.minor <= max(0, price(stay, now) - found.paid.minor)
    assert found.graces <= MAX_GRACES
    assert (again.due, again.paid) == (found.due, found.paid) or len({at for _, at in given_}) < len(given_)
    if found.holds_until is not None:
        assert found.holds_until > now
        before = settlement(stay, paid, currency="CNY", now=later(found.holds_until, -1), grace_minutes=grace)
        if all(payment.at <= now for payment in paid):
            assert before.due == found.due
