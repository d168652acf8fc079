"""What must hold for every price, whatever the tariff says."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from openberth.contexts.tariffs.engine import quote
from openberth.contexts.tariffs.model import Condition, NestedCaps, NotComputable, Plan, Policy, Segment
from openberth.kernel.time import DAY_US, MINUTE_US, Instant, Period, later
from tests.property.tariffs.agreeing import looks, quoted
from tests.property.tariffs.documents import tariff
from tests.property.tariffs.journeys import (
    Dice,
    Journey,
    dice,
    journey,
    journeys,
    relieved_journey,
    relieved_journeys,
    simple_journeys,
    steady_journeys,
)
from tests.property.tariffs.reckoning import reckoned, whole_minutes
from tests.property.tariffs.reliefs import relieved_price


def total_at(one: Journey, now: Instant) -> int | None:
    """The total by the engine; None: there is none."""
    try:
        return quoted(replace(one, now=now)).total.minor
    except NotComputable:
        return None


def reckoned_at(one: Journey, now: Instant) -> int | None:
    try:
        if one.terms.reliefs:
            return relieved_price(one.segments, one.terms, now)[0]
        return reckoned(one.segments, one.terms, now).total
    except NotComputable:
        return None


@looks(250)
@given(journeys)
def test_lines_add_up_and_no_minute_is_lost(one: Journey) -> None:
    it_adds_up(one)


@looks(50)
@given(relieved_journeys)
def test_lines_add_up_with_reliefs_too(one: Journey) -> None:
    it_adds_up(one)


def it_adds_up(one: Journey) -> None:
    try:
        found = quoted(one)
    except NotComputable:
        return
    assert sum(line.amount.minor for line in found.lines) == found.total.minor
    assert sum(line.minutes for line in found.lines) == found.minutes
    assert min(found.charged_minutes, found.free_minutes, found.outside_minutes, found.total.minor) >= 0
    assert all(line.minutes >= 0 for line in found.lines)
    rule = next(segment.tariff.seconds for segment in one.segments if segment.tariff) if one.tariffs else None
    if rule is not None:
        assert found.minutes == whole_minutes(found.entered, found.until, rule)
    assert found.total.minor == found.before_relief.minor - sum(use.value.minor for use in found.reliefs)
    assert quoted(one) == found


@looks(120)
@given(dice)
def test_the_price_never_falls(one_dice: Dice) -> None:
    one = journey(one_dice, conditional=False)
    moments = sorted(later(one.entered, one_dice.randint(0, 4 * DAY_US)) for _ in range(6))
    totals = [total for moment in moments if (total := total_at(one, moment)) is not None]
    assert totals == sorted(totals)


@looks(25)
@given(dice)
def test_the_price_never_falls_with_reliefs_either(one_dice: Dice) -> None:
    one = relieved_journey(one_dice, conditional=False)
    reliefs = tuple(replace(relief, from_total=None) for relief in one.terms.reliefs)
    one = replace(one, terms=replace(one.terms, reliefs=reliefs))
    moments = sorted(later(one.entered, one_dice.randint(0, DAY_US)) for _ in range(4))
    totals = [total for moment in moments if (total := total_at(one, moment)) is not None]
    assert totals == sorted(totals)


@looks(120)
@given(dice)
def test_cutting_a_stay_in_pieces_changes_nothing(one_dice: Dice) -> None:
    one = journey(one_dice)
    pieces: list[Segment] = []
    for segment in one.segments:
        end = segment.period.end or max(segment.period.start, one.now)
        cuts = sorted(one_dice.randint(segment.period.start, end) for _ in range(one_dice.randint(0, 3)))
        starts = [segment.period.start, *map(Instant, cuts)]
        ends: list[Instant | None] = [*starts[1:], segment.period.end]
        pieces += [replace(segment, period=Period(a, b)) for a, b in zip(starts, ends, strict=True)]
    cut = replace(one, segments=tuple(pieces))
    try:
        whole = quoted(one)
    except NotComputable:
        assert total_at(cut, one.now) is None
        return
    assert quoted(cut) == whole


@looks(30)
@given(st.one_of(simple_journeys, steady_journeys))
def test_the_next_change_is_the_first(one: Journey) -> None:
    the_change_is_right(one, steps=3)


@looks(6)
@given(relieved_journeys)
def test_the_next_change_is_the_first_with_reliefs_too(one: Journey) -> None:
    reliefs = tuple(replace(relief, from_total=None) for relief in one.terms.reliefs)
    the_change_is_right(replace(one, terms=replace(one.terms, reliefs=reliefs)), steps=2)


@looks(6)
@given(dice)
def test_the_next_change_is_the_first_minute_by_minute(one_dice: Dice) -> None:
    one = journey(one_dice, most=200)
    the_change_is_right(one, steps=120)


def the_change_is_right(one: Journey, steps: int) -> None:
    """Nothing is dearer between the present and the change, looked at in even steps and just before it; then it is."""
    try:
        found = quote(one.segments, one.terms, now=one.now)
    except NotComputable:
        return
    change, present = found.next_change_at, found.total.minor
    if change is None:
        for days in (1, 3):
            later_total = reckoned_at(one, later(one.now, days * DAY_US))
            assert later_total is not None
            assert later_total <= present
        return
    assert change > one.now
    ahead = change - one.now
    if ahead > DAY_US:
        # So far ahead the engine may also say until when it knows that nothing changes.
        assert total_at(one, later(change, -1)) in range(present + 1)
        return
    for moment in {later(one.now, ahead * step // steps) for step in range(steps)} | {later(change, -1)}:
        total = reckoned_at(one, moment)
        assert total is not None
        assert total <= present
    after = reckoned_at(one, change)
    assert after is None or after > present


@looks(12)
@given(dice)
def test_seconds_and_years(one_dice: Dice) -> None:
    """Stays of seconds cost what their minutes cost; stays of years have a price or say that they have none."""
    one = journey(one_dice, conditional=False, several=False)
    for seconds in (0, 1, 59, 60):
        at = later(one.entered, seconds * 1_000_000)
        assert total_at(one, at) == reckoned_at(one, at)
    years = later(one.entered, one_dice.randint(1, 5) * 365 * DAY_US)
    long, longer = total_at(one, years), total_at(one, later(years, MINUTE_US))
    assert long is None or longer is None or long <= longer


def test_a_plan_that_never_holds_is_no_gift() -> None:
    one = journey(Dice(3), several=False)
    never = Condition(min_stay_minutes=10**6)
    plans: tuple[Plan, ...] = tuple(replace(plan, condition=never) for plan in one.tariffs[0].plans)
    other = replace(tariff(Random(1)), plans=plans, classes=())
    stay = Segment(Period(one.entered), other)
    terms = replace(one.terms, policy=Policy(NestedCaps.SEPARATE))
    assert total_at(Journey((stay,), terms, one.now), later(one.entered, MINUTE_US)) is None
