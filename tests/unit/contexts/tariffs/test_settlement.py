"""What is still owed after payments: graces, differences, and no endless free quarter of an hour."""

from dataclasses import replace

import pytest

from openberth.contexts.tariffs.engine import settlement
from openberth.contexts.tariffs.model import (
    Band,
    Cap,
    CapKind,
    Free,
    NotComputable,
    Payment,
    Plan,
    Segment,
    Settlement,
    Tariff,
    Terms,
    Tier,
)
from openberth.kernel.money import Money, Rate
from openberth.kernel.time import MINUTE_US, Instant, Period, from_iso, later

ENTERED = from_iso("2026-11-23T01:00:00Z")
PLAN = Plan((Band("all", (Tier(None, 30, Rate.of("2.50", "CNY")),)),), Free(15))
TARIFF = Tariff("t", "demo", "测", "t", "CNY", (PLAN,))
TERMS = Terms("CNY")
STAY = (Segment(Period(ENTERED), TARIFF),)


def at(minutes: int) -> Instant:
    return later(ENTERED, minutes * MINUTE_US)


def settle(now: int, *payments: tuple[int, int], grace: int = 15) -> Settlement:
    """Settle at a minute with payments given as (minor units, minute)."""
    paid = [Payment(Money(minor, "CNY"), at(minute)) for minor, minute in payments]
    return settlement(STAY, paid, TERMS, now=at(now), grace_minutes=grace)


def test_without_payments_the_price_is_due() -> None:
    found = settle(40)
    assert (found.due.minor, found.paid.minor, found.surplus.minor, found.grace_until) == (500, 0, 0, None)
    assert found.holds_until == at(61)


def test_within_the_free_minutes_nothing_is_due() -> None:
    found = settle(10)
    assert (found.due.minor, found.holds_until) == (0, at(16))


def test_paid_and_gone_within_the_grace_costs_no_more() -> None:
    # Paid at 55, the price rises at 61; the grace holds the price of the payment until 70.
    found = settle(69, (500, 55))
    assert (found.due.minor, found.surplus.minor) == (0, 0)
    assert found.quote.total.minor == 500
    assert (found.grace_until, found.holds_until, found.graces) == (at(70), at(70), 1)


def test_after_the_grace_only_the_difference_is_due() -> None:
    found = settle(70, (500, 55))
    assert (found.due.minor, found.quote.total.minor, found.grace_until) == (250, 750, None)


def test_a_grace_that_ends_before_the_price_rises_costs_nothing_yet() -> None:
    found = settle(50, (500, 32))
    assert (found.due.minor, found.grace_until, found.holds_until) == (0, None, at(61))


def test_the_difference_paid_opens_another_grace_but_not_for_ever() -> None:
    often = ((500, 55), (250, 70), (250, 91), (250, 121))
    assert settle(84, *often[:2]).due.minor == 0
    assert settle(105, *often[:3]).grace_until == at(106)
    fourth = settle(121, *often)
    assert (fourth.graces, fourth.grace_until, fourth.due.minor) == (3, None, 0)
    assert settle(151, *often).due.minor == 250, "the fourth payment opened no grace"


def test_a_part_payment_opens_no_grace() -> None:
    found = settle(56, (400, 55))
    assert (found.due.minor, found.grace_until, found.graces) == (100, None, 0)


def test_nothing_paid_opens_no_grace() -> None:
    assert settle(16, (0, 10)).due.minor == 250


def test_too_much_is_a_surplus_that_holds_until_it_is_used_up() -> None:
    found = settle(80, (1000, 20))
    assert (found.due.minor, found.surplus.minor, found.holds_until) == (0, 250, at(121))
    assert settle(121, (1000, 20)).due.minor == 250


@pytest.mark.parametrize(("days", "holds"), [(300, True), (30_000, False)])
def test_a_surplus_of_years_is_reckoned_at_once(days: int, holds: bool) -> None:
    plan = replace(PLAN, caps=(Cap(CapKind.ROLLING_24H, Money(1, "CNY")),))
    stay = [Segment(Period(ENTERED), replace(TARIFF, plans=(plan,)))]
    found = settlement(stay, [Payment(Money(days, "CNY"), at(20))], TERMS, now=at(80), grace_minutes=15)
    assert found.holds_until == (at(days * 1440 + 1) if holds else None), "nothing is said about years from now"


def test_money_counts_even_when_its_stamp_lies_outside_the_stay() -> None:
    assert settle(40, (500, 41)).due.minor == 0
    assert settle(40, (500, 41)).grace_until == at(55), "taken as paid now"
    assert settle(40, (500, -3)).due.minor == 0


def test_a_payment_may_give_minutes_of_its_own() -> None:
    def due(now: int, minutes: int | None) -> int:
        paid = [Payment(Money(500, "CNY"), at(55), None, minutes)]
        return settlement(STAY, paid, TERMS, now=at(now), grace_minutes=15).due.minor

    assert [due(now, 40) for now in (94, 95)] == [0, 500]
    assert [due(now, 7) for now in (61, 62)] == [0, 250]
    assert [due(now, 0) for now in (60, 61)] == [0, 250]
    assert [due(now, None) for now in (69, 70)] == [0, 250]


def test_money_told_of_late_counts_from_when_it_covers_the_price_last() -> None:
    """It was asked for at 32 minutes and its price stood until 47; it is told of later."""

    def grace(told: int) -> Instant | None:
        paid = [Payment(Money(500, "CNY"), at(47), at(32), None, at(told))]
        return settlement(STAY, paid, TERMS, now=at(61), grace_minutes=15).grace_until

    assert grace(60) == at(75), "it covers the price of that moment, too"
    assert grace(61) == at(62), "paid while its price stood"


def test_no_grace_at_all() -> None:
    found = settle(61, (500, 60), grace=0)
    assert (found.due.minor, found.grace_until) == (250, None)


def test_money_of_another_currency_is_not_mixed() -> None:
    with pytest.raises(NotComputable):
        settlement(STAY, [Payment(Money(1, "SGD"), at(3))], TERMS, now=at(5), grace_minutes=15)
