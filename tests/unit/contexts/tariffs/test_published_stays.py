"""Stays that the field knows to be hard: permits that end, shared spaces, areas inside areas, charging, coupons, grace.

Amounts follow by hand from the tariffs of the library. Re-entry, turning back at the entry lane and passages uploaded
after the exit decide which minutes a stay has; they are tested with stays.
"""

import pytest

from openberth.contexts.tariffs.engine import quote, settlement
from openberth.contexts.tariffs.model import (
    AgainstCaps,
    Payment,
    Quote,
    Relief,
    ReliefKind,
    Segment,
    Terms,
)
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, Instant, Period, later
from tests.unit.contexts.tariffs.cases import moment, ready

MALL, VIP, COMMUNITY = ready("mall"), ready("vip"), ready("community")


def at(clock: str) -> Instant:
    return moment("Mon", clock, "Asia/Shanghai")


def priced(segments: list[Segment], until: str, *reliefs: Relief) -> Quote:
    return quote(segments, Terms("CNY", reliefs=reliefs), now=at(until))


def test_a_monthly_card_that_ends_during_the_stay_charges_only_what_comes_after() -> None:
    card = Segment(Period(at("10:00"), at("12:00")), None, "monthly")
    found = priced([card, Segment(Period(at("12:00")), MALL)], "14:00")
    assert (found.total, found.outside_minutes) == (Money(1000, "CNY"), 120)


def test_a_card_that_ends_does_not_take_the_free_minutes_of_what_comes_after() -> None:
    card = Segment(Period(at("10:00"), at("12:00")), None, "monthly")
    assert priced([card, Segment(Period(at("12:00")), MALL)], "12:15").total == Money(0, "CNY")


def test_the_second_car_on_one_space_pays_from_its_own_entry_until_the_space_is_free() -> None:
    waiting = Segment(Period(at("10:00"), at("11:00")), MALL)
    found = priced([waiting, Segment(Period(at("11:00")), None, "resident")], "15:00")
    assert (found.total, found.charged_minutes, found.outside_minutes) == (Money(500, "CNY"), 60, 240)


def test_three_hours_in_an_inner_area_and_one_outside() -> None:
    stay = [
        Segment(Period(at("10:00"), at("10:30")), MALL),
        Segment(Period(at("10:30"), at("13:30")), VIP, depth=1),
        Segment(Period(at("13:30")), MALL),
    ]
    found = priced(stay, "14:00")
    assert found.total == Money(500 + 6 * 600, "CNY")  # an hour of the mall, and 6 full half hours


def test_charging_relieves_40_of_95_minutes() -> None:
    relief = Relief("c", ReliefKind.PERIOD, "charging", period=Period(at("10:20"), at("11:00")))
    found = priced([Segment(Period(at("10:00")), MALL)], "11:35", relief)
    assert (found.before_relief, found.total) == (Money(1000, "CNY"), Money(500, "CNY"))  # 55 minutes: 2 half hours


@pytest.mark.parametrize(
    ("caps", "expected"),
    [
        (AgainstCaps.AFTER, 2500),  # the capped 40.00 less the two hours (10.00) less the voucher
        (AgainstCaps.BEFORE, 3500),  # the other 8 hours reach the cap by themselves: only the voucher counts
    ],
)
def test_two_hours_and_a_voucher_on_a_capped_day_are_decided_by_caps(caps: AgainstCaps, expected: int) -> None:
    hours = Relief("h", ReliefKind.MINUTES, minutes=120, caps=caps)
    voucher = Relief("v", ReliefKind.AMOUNT, amount=Money(500, "CNY"))
    found = priced([Segment(Period(at("09:00")), MALL)], "19:00", hours, voucher)
    assert found.before_relief == Money(4000, "CNY")
    assert found.total == Money(expected, "CNY")


@pytest.mark.parametrize(("clock", "due"), [("12:14", 0), ("12:16", 250)])
def test_paid_at_noon_and_out_at_sixteen_past_with_fifteen_minutes_of_grace(clock: str, due: int) -> None:
    paid = Payment(Money(1000, "CNY"), at("12:00"))
    stay = [Segment(Period(at("10:00")), MALL)]
    found = settlement(stay, [paid], Terms("CNY"), now=at(clock), grace_minutes=MALL.grace_after_payment_minutes)
    assert found.due == Money(due, "CNY")  # only the difference


def test_the_price_of_a_stay_cut_in_two_is_the_price_of_the_whole() -> None:
    whole = priced([Segment(Period(at("10:00")), COMMUNITY)], "16:40").total
    cut = later(at("10:00"), 77 * MINUTE_US)
    parts = [Segment(Period(at("10:00"), cut), COMMUNITY), Segment(Period(cut), COMMUNITY)]
    assert priced(parts, "16:40").total == whole
