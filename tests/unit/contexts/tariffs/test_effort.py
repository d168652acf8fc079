"""A price is bounded work: a stay is priced or refused after so many steps, and looking ahead ends early."""

import pytest

from openberth.contexts.tariffs.curve import WORK_MAX, curve_of
from openberth.contexts.tariffs.engine import Quoting, effort, quote, single
from openberth.contexts.tariffs.model import (
    AgainstCaps,
    Band,
    Condition,
    Cycle,
    CycleKind,
    Free,
    FreePer,
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
from openberth.kernel.time import DAY_US, HOUR_US, Instant, Period, from_iso, later

ENTERED = from_iso("2026-01-05T00:00:00+08:00")
YEARS = later(ENTERED, 5 * 365 * DAY_US)


def tariff(*plans: Plan) -> Tariff:
    return Tariff("t", "demo", "测", "t", "CNY", plans)


def band(code: str, hours: tuple[int, int] = (0, 0), price: str = "0.01", steps: int = 1) -> Band:
    tiers = tuple(Tier(each, 1, Rate.of(price, "CNY")) for each in range(1, steps + 1))
    if steps == 1:
        return Band(code, (Tier(None, 1, Rate.of(price, "CNY")),), *hours)
    return Band(code, tiers, *hours, repeat_minutes=steps)


QUARTERS = tuple(band(f"b{n}", (n * 15, (n + 1) * 15 % 1440), f"0.{n + 10}") for n in range(96))
MINUTES = tariff(Plan((band("all", steps=32),)))
RELIEFS = tuple(
    Relief(f"r{n}", ReliefKind.PERIOD, period=Period(later(ENTERED, n * HOUR_US), later(ENTERED, (n + 9) * HOUR_US)),
           caps=AgainstCaps.AFTER if n % 2 else AgainstCaps.BEFORE)
    for n in range(12)
)  # fmt: skip
BOMBS = {
    "a tier a minute": (MINUTES, ()),
    "a band every quarter of an hour": (tariff(Plan(QUARTERS)), ()),
    "free minutes in each of them": (tariff(Plan(QUARTERS, Free(7, per=FreePer.WINDOW))), ()),
    "plans": (tariff(*[Plan((band("all", steps=9),), code=f"p{n}") for n in range(16)]), ()),
    "reliefs": (tariff(Plan((band("a", (0, 720)), band("b", (720, 0))))), RELIEFS),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_stay_that_is_too_much_work_has_no_price(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of, reliefs = BOMBS[name]
    spent = 0
    spend = effort.Effort.spend

    def counted(self: effort.Effort, steps: int) -> None:
        nonlocal spent
        spent += steps
        spend(self, steps)

    monkeypatch.setattr(effort.Effort, "spend", counted)
    with pytest.raises(NotComputable) as caught:
        single(of, entered=ENTERED, until=YEARS, terms=Terms("CNY", reliefs=reliefs))
    assert caught.value.params["reason"] == "too_long"
    assert spent <= effort.PRICE_STEPS + 100


def test_years_under_an_honest_tariff_have_a_price() -> None:
    day, night = band("day", (480, 1200), "0.02"), band("night", (1200, 480))
    assert single(tariff(Plan((day, night))), entered=ENTERED, until=YEARS).total == Money(1825 * 21_60, "CNY")


def test_the_next_change_is_told_too_early_rather_than_worked_out_for_ever() -> None:
    # Every plan is free until its last minute, and whether it may be used turns with the hours of leaving.
    free = (Band("all", ()),)
    plans = [Plan(free, condition=Condition(leave=(n * 60, n * 60 + 59)), code=f"p{n}") for n in range(24)]
    of = tariff(*plans, Plan(free, Free(1000), cycle=Cycle(CycleKind.ROLLING, 1, free_again=True)))
    quoting = Quoting((Segment(Period(ENTERED), of),), Terms("CNY"))
    found = quoting.quote(later(ENTERED, HOUR_US))
    assert found.next_change_at is not None
    assert quoting.steps <= effort.PRICE_STEPS + effort.AHEAD_STEPS + 100


def test_a_price_of_the_future_that_nobody_knows_yet_is_a_change_and_not_an_error() -> None:
    workdays = tariff(Plan((Band("w", (), days=("workday",)), Band("o", (), days=("weekend",)))))
    tomorrow = later(ENTERED, DAY_US)
    free = tariff(Plan((Band("all", ()),)))
    segments = (Segment(Period(ENTERED, tomorrow), free), Segment(Period(tomorrow), workdays))
    found = quote(segments, Terms("CNY"), now=later(ENTERED, HOUR_US))
    assert (found.total, found.next_change_at) == (Money(0, "CNY"), tomorrow)


def test_a_curve_that_is_too_much_work_ends_early() -> None:
    quoting = Quoting((Segment(Period(ENTERED), MINUTES),), Terms("CNY"))

    def work() -> int:
        return quoting.steps * 20

    until = later(ENTERED, 2 * DAY_US)
    found = curve_of(quoting.quote, entered=ENTERED, until=until, edges=iter(()), work=work)
    assert not found.complete
    assert ENTERED < found.until < until
    assert WORK_MAX < work() < WORK_MAX + 20 * (effort.PRICE_STEPS + effort.AHEAD_STEPS)


def test_a_curve_that_cannot_look_ahead_does_not_stand_still() -> None:
    calls: list[Instant] = []
    nothing = Money(0, "CNY")

    def price(at: Instant) -> Quote:
        calls.append(at)
        return Quote((), nothing, ENTERED, at, at, 0, 0, 0, nothing)

    found = curve_of(price, entered=ENTERED, until=YEARS, edges=iter(()))
    assert (len(calls), found.complete, found.until) == (1, False, ENTERED)
