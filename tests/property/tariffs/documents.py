"""Random valid tariffs: bands tile every day of every season, tiers hold whole units, one plan always holds.

A document is thrown with plain dice instead of drawn choice by choice, which costs hypothesis fifty times as much; what
fails is made smaller by ``smaller.py``.
"""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from openberth.contexts.tariffs.model import (
    ACROSS_VISITS,
    ENDLESS_MINUTES,
    WEEKDAYS,
    Band,
    BandsBy,
    BeyondCalendar,
    Calendar,
    CalendarDay,
    Cap,
    CapKind,
    Choose,
    Condition,
    Counting,
    Cycle,
    CycleKind,
    DayKind,
    Free,
    FreeCounts,
    FreeMode,
    FreePer,
    Plan,
    RoundTotal,
    Season,
    SecondsPolicy,
    Tariff,
    Tax,
    Tier,
    Vehicle,
    VehicleClass,
    VehicleMatch,
)
from openberth.kernel.money import Money, Rate, Rounding

Value = TypeVar("Value")

CURRENCY = "CNY"
PRICES = ("0", "0.01", "0.035", "0.3333", "0.5", "1", "2.5", "3.75", "10", "25")
UNITS = (1, 7, 10, 15, 30, 45, 60, 120, 240, 600)
HOURS = (1, 2, 5, 12, 24, 36)
# Which words bands speak of; every set decides every day.
DAY_WORDS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("all",),),
    (("all",),),
    (("workday",), ("weekend",)),
    (("sat", "sun"), ("all",)),
    (("fri",), ("holiday", "weekend"), ("all",)),
    (("holiday",), ("makeup",), ("workday",), ("weekend",)),
    (("fair",), ("all",)),
    (("fri", "eve"), ("holiday", "sat"), ("all",)),
    (("2026-10-04", "2026-03-29"), ("fair", "holiday"), ("mon", "wed"), ("all",)),
    (WEEKDAYS[:5], WEEKDAYS[5:]),
)
SEASONS = (Season("summer", (4, 1), (10, 4)), Season("winter", (10, 5), (3, 31)))  # they fill the year
HIGH_DAYS = Season("high", (12, 20), (1, 10)), Season("gap", (2, 29), (3, 1))  # they do not


def _calendar() -> Calendar:
    """A calendar with days off by dice, so that every kind meets every weekday; it ends with 2030."""
    dice, days = Random(6), {}
    day = date(2005, 1, 1)
    while day < date(2031, 1, 1):
        kind = DayKind.WEEKEND if day.weekday() >= 5 else DayKind.WORKDAY
        if dice.random() < 0.3:
            kind = dice.choice(tuple(DayKind))
        days[day] = CalendarDay(kind, words=("fair",) if dice.random() < 0.15 else ())
        day += timedelta(days=1)
    return Calendar("cn", days, day)


CALENDAR = _calendar()


def maybe(dice: Random, chance: float, value: Value) -> Value | None:
    return value if dice.random() < chance else None


def price(dice: Random) -> Rate:
    return Rate.of(dice.choice(PRICES), CURRENCY)


def money(dice: Random) -> Money:
    return Money(dice.choice((dice.randint(1, 4000), dice.randint(0, 60) * 100)), CURRENCY)


def clock_time(dice: Random) -> int:
    return dice.choice((dice.randrange(48) * 30, dice.randrange(1440)))


def tiers(dice: Random) -> tuple[tuple[Tier, ...], int | None]:
    """Tiers, and the minutes after which they begin again."""
    found: list[Tier] = []
    at = 0
    for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
        unit, count = dice.choice(UNITS), dice.randint(1, 4)
        flat = dice.random() < 0.5
        at += unit * count
        unit = unit * count if flat else unit
        found.append(Tier(at, unit, price(dice), due_after(dice, unit), flat))
    ending = dice.choice(("open", "open", "open", "repeat", "repeat_open", "flat"))
    if ending == "flat":
        return (*found, Tier(None, ENDLESS_MINUTES, price(dice), 0, True)), None
    unit = dice.choice(UNITS)
    until = at + unit * dice.randint(1, 4)
    last = Tier(until if ending == "repeat" else None, unit, price(dice), due_after(dice, unit))
    return (*found, last), None if ending == "open" else until


def due_after(dice: Random, unit: int) -> int:
    return dice.choice((0, 0, unit - 1, unit // 2))


def bands(dice: Random, seasons: tuple[tuple[str, ...], ...]) -> tuple[Band, ...]:
    """Bands that tile the days of all seasons; some hold on several kinds of days, so that windows cross midnights."""
    found: list[Band] = []
    for names in seasons:
        groups, shared = dice.choice(DAY_WORDS), dice.random() < 0.5
        cuts, first = day_cuts(dice), len(found)
        for number, words in enumerate(groups):
            if number and not shared:
                cuts = day_cuts(dice)
            for at, start in enumerate(cuts):
                end = cuts[(at + 1) % len(cuts)]
                if number and shared and at == len(cuts) - 1:  # one night for all days
                    band = found[first + at]
                    found[first + at] = replace(band, days=(*band.days, *words))
                    continue
                charge, repeat = ((), None) if dice.random() < 0.2 else tiers(dice)
                counting = dice.choice(tuple(Counting))
                found.append(Band(f"b{len(found)}", charge, start, end, words, names, counting, repeat))
    return tuple(found)


def day_cuts(dice: Random) -> list[int]:
    return sorted({clock_time(dice) for _ in range(dice.choice((1, 1, 2, 2, 3, 4)))})


def cap(dice: Random, codes: list[str]) -> Cap:
    named = dice.sample(codes, dice.randint(1, min(3, len(codes)))) if dice.random() < 0.4 else ()
    later = tuple(money(dice) for _ in range(dice.choice((0, 0, 1, 2))))
    kind, hours = dice.choice(tuple(CapKind)), dice.choice(HOURS)
    if kind in ACROSS_VISITS and dice.random() < 0.25:
        return Cap(kind, money(dice), (), hours, tuple(named), across_visits=True)
    if kind in (CapKind.ROLLING, CapKind.ROLLING_24H) and dice.random() < 0.4:
        return Cap(kind, money(dice), (), hours, tuple(named), ends_with_day=True)
    return Cap(kind, money(dice), later, hours, tuple(named), maybe(dice, 0.15, dice.choice((1, 2, 3))))


def free(dice: Random) -> Free:
    if dice.random() < 0.4:
        return Free()
    return Free(
        dice.choice((5, 15, 30, 60, 200, 1500)),
        dice.choice(tuple(FreeMode)),
        dice.choice(tuple(FreePer)),
        dice.choice(tuple(FreeCounts)),
        maybe(dice, 0.3, 24),
        dice.random() < 0.15,
    )


def condition(dice: Random) -> Condition:
    return Condition(
        maybe(dice, 0.4, (clock_time(dice), clock_time(dice))),
        maybe(dice, 0.3, (clock_time(dice), clock_time(dice))),
        dice.choice(((), (), ("workday",), ("sat", "holiday"), ("fair", "mon", "tue"), ("eve", "sun"))),
        dice.random() < 0.2,
        dice.choice((0, 0, 30, 240)),
        dice.choice((None, None, 300, 2000)),
    )


def plan(dice: Random, code: str = "standard", when: Condition | None = None) -> Plan:
    kind = dice.random()
    seasons: tuple[Season, ...] = ()
    names: tuple[tuple[str, ...], ...] = ((),)
    if kind < 0.2:
        seasons, names = SEASONS, (("summer",), ("winter",))
    held = bands(dice, names)
    if 0.2 <= kind < 0.3:  # special days of a season beside bands that hold in all
        seasons = HIGH_DAYS
        held += tuple(
            Band(f"h{n}", (Tier(None, 20, price(dice)),) * n, start, end, ("2011-12-31", "2028-02-29"), ("high", "gap"))
            for n, (start, end) in enumerate(((360, 1200), (1200, 360)))
        )
    return Plan(
        held,
        free(dice),
        tuple(cap(dice, [band.code for band in held]) for _ in range(dice.choice((0, 1, 1, 2, 3)))),
        maybe(dice, 0.2, money(dice)),
        maybe(dice, 0.3, Cycle(dice.choice(tuple(CycleKind)), dice.choice(HOURS), dice.random() < 0.5)),
        BandsBy.ENTRY if dice.random() < 0.2 else BandsBy.MINUTE,
        seasons,
        when or Condition(),
        code,
    )


def plans(dice: Random, *, conditional: bool) -> tuple[Plan, ...]:
    """One plan mostly; else some with conditions before one that always holds."""
    extra = dice.choice((0, 0, 1, 2)) if conditional else 0
    return (*(plan(dice, f"p{n}", condition(dice)) for n in range(extra)), plan(dice))


def tariff(dice: Random, code: str = "t", *, conditional: bool = True) -> Tariff:
    classes: tuple[VehicleClass, ...] = ()
    if dice.random() < 0.2:
        classes = (VehicleClass("special", match(dice), plans(dice, conditional=False)),)
    return Tariff(
        code, "demo", "测", "test", CURRENCY,
        plans(dice, conditional=conditional),
        dice.choice(tuple(Choose)),
        classes,
        zone=dice.choice((None, None, None, "Asia/Shanghai", "Australia/Lord_Howe")),
        day_starts=dice.choice((0, 0, 120, 150, 420, 1380)),
        beyond_calendar=dice.choice(tuple(BeyondCalendar)),
        seconds=dice.choice(tuple(SecondsPolicy)),
        tax=maybe(dice, 0.25, Tax(dice.choice((0, 60_000, 183_750)), dice.random() < 0.5)),
        round_total=maybe(
            dice, 0.2, RoundTotal(Money(dice.choice((10, 50, 300)), CURRENCY), dice.choice(tuple(Rounding)))
        ),
    )  # fmt: skip


def match(dice: Random) -> VehicleMatch:
    return VehicleMatch(
        dice.choice(((), ("green",), ("blue", "yellow"))),
        maybe(dice, 0.3, dice.random() < 0.5),
        dice.choice(((), (), ("small",), ("large",))),
        maybe(dice, 0.2, 5),
        maybe(dice, 0.2, 8),
        maybe(dice, 0.2, dice.random() < 0.5),
        maybe(dice, 0.2, 2),
        dice.choice(((), (), ("taxi", "registered"))),
    )


def vehicle(dice: Random) -> Vehicle:
    return Vehicle(
        dice.choice((None, "green", "blue")),
        dice.choice((None, True, False)),
        dice.choice((None, "small", "large")),
        dice.choice((None, 4, 5, 9)),
        dice.random() < 0.3,
        dice.choice((1, 2)),
        frozenset({"taxi"} if dice.random() < 0.5 else ()),
    )
