"""Several visits one after the other: what each is told of those before, and what all of them cost together."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given

from openberth.contexts.tariffs.model import Cap, CapKind, CapUse, NotComputable, Plan, SecondsPolicy, Tariff, Terms
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, Instant, later
from tests.property.tariffs.agreeing import looks, quoted
from tests.property.tariffs.clock import tariff_day, walls
from tests.property.tariffs.documents import CURRENCY, money
from tests.property.tariffs.journeys import DAY, Dice, Journey, dice, journey
from tests.property.tariffs.reckoning import reckoned

Visit = tuple[Instant, Instant]


def with_one_cap(charge: Tariff, cap: Cap) -> Tariff:
    """The tariff with one cap across visits and nothing that comes after caps, so that totals are what it used up."""
    plain = tuple(replace(plan, caps=(cap,), minimum=None) for plan in charge.plans)
    return replace(charge, plans=plain, classes=(), tax=None, round_total=None)


def visits_of(one: Dice, start: Instant) -> list[Visit]:
    found = []
    for _ in range(one.randint(2, 4)):
        start = later(start, one.randint(0, 600) * MINUTE_US)
        end = later(start, one.randint(0, 500) * MINUTE_US)
        found.append((start, end))
        start = end
    return found


def moved(one: Journey, charge: Tariff, terms: Terms, visit: Visit) -> Journey:
    """A stay under the tariff alone from one instant to another."""
    segment = replace(one.segments[0], tariff=charge, period=replace(one.segments[0].period, start=visit[0], end=None))
    return Journey((segment,), terms, visit[1])


@looks(60)
@given(dice)
def test_visits_of_a_day_cost_at_most_its_cap(one_dice: Dice) -> None:
    """Days by the clock of the reckoning; what a visit is told is made of the totals that the reckoning found."""
    one = journey(one_dice, conditional=False, several=False)
    cap = Cap(CapKind.DAY, money(one_dice), across_visits=True)
    charge = with_one_cap(one.tariffs[0], cap)
    zone = charge.zone or one.terms.zone
    told = replace(one.terms, cap_uses=())
    spent: dict[date, int] = {}
    for visit in within_days(visits_of(one_dice, one.entered), zone, charge.day_starts):
        day = day_of(visit[0], zone, charge.day_starts)
        stay = moved(one, charge, told, visit)
        try:
            found = quoted(stay)
            assert found.total.minor == reckoned(stay.segments, stay.terms, stay.now).total
        except NotComputable:
            return
        spent[day] = spent.get(day, 0) + found.total.minor
        assert spent[day] <= cap.amount.minor + 1  # each visit's part is rounded
        if found.minutes:
            assert [use.used.minor for use in found.cap_uses if use.begins <= visit[0] < use.ends] in ([], [spent[day]])
        told = replace(told, cap_uses=found.cap_uses)


def within_days(visits: Sequence[Visit], zone: str, day_starts: int) -> list[Visit]:
    """The visits that lie in one day."""
    return [one for one in visits if day_of(one[0], zone, day_starts) == day_of(one[1], zone, day_starts)]


def day_of(at: Instant, zone: str, day_starts: int) -> date:
    return tariff_day(walls(zone, at).at(1), day_starts)


@looks(60)
@given(dice)
def test_a_span_that_a_visit_began_goes_on_for_the_next(one_dice: Dice) -> None:
    """24 hours from the first entry: the reckoning is told of a span that begins there, whatever the engine says."""
    one = journey(one_dice, conditional=False, several=False)
    charge = with_one_cap(one.tariffs[0], Cap(CapKind.ROLLING_24H, money(one_dice), across_visits=True))
    visits = [visit for visit in visits_of(one_dice, one.entered) if visit[1] - visit[0] >= MINUTE_US]
    if not visits:
        return
    entered = visits[0][0]
    told = replace(one.terms, cap_uses=())
    begins = entered - entered % MINUTE_US if charge.seconds is SecondsPolicy.CLOCK else entered
    ends = begins + DAY * MINUTE_US
    used, uses = 0, told.cap_uses
    for visit in visits:
        if visit[1] >= ends:
            return
        stay = moved(one, charge, replace(told, cap_uses=uses), visit)
        try:
            found = quoted(stay)
            known = CapUse(charge.code, "rolling-24", Instant(begins), Instant(ends), Money(used, CURRENCY))
            by_hand = replace(told, cap_uses=(known,) if uses else ())
            assert found.total.minor == reckoned(stay.segments, by_hand, stay.now).total
        except NotComputable:
            return
        used, uses = used + found.total.minor, found.cap_uses
        assert [(use.begins, use.ends, use.used.minor) for use in uses] == [(begins, ends, used)]


def test_the_day_after_begins_with_an_empty_cap() -> None:
    one = journey(Dice(5), conditional=False, several=False)
    plan: Plan = one.tariffs[0].plans[0]
    charge = with_one_cap(
        replace(one.tariffs[0], plans=(plan,)), Cap(CapKind.DAY, Money(100, CURRENCY), across_visits=True)
    )
    first = quoted(
        moved(one, charge, replace(one.terms, cap_uses=()), (one.entered, later(one.entered, 60 * MINUTE_US)))
    )
    again = later(one.entered, timedelta(days=2) // timedelta(microseconds=1))
    told = replace(one.terms, cap_uses=first.cap_uses, free_used_at=None)
    alone = replace(one.terms, cap_uses=(), free_used_at=None)
    visit = (again, later(again, 60 * MINUTE_US))
    assert quoted(moved(one, charge, told, visit)) == quoted(moved(one, charge, alone, visit))
