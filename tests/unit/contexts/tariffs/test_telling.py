"""A tariff in words: everything it says is told in both languages, and what its author should know."""

from datetime import date

import pytest

from openberth.contexts.tariffs.model import (
    ENDLESS_MINUTES,
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
    DayWord,
    Free,
    FreeCounts,
    FreeMode,
    FreePer,
    Plan,
    PriceChange,
    RoundTotal,
    Season,
    SecondsPolicy,
    Tariff,
    Tax,
    Tier,
    VehicleClass,
    VehicleMatch,
)
from openberth.contexts.tariffs.telling import Warned, sayings, warnings_of
from openberth.contexts.tariffs.telling.warnings import covers
from openberth.infra.catalogue import LANGUAGES, Language, catalogue
from openberth.kernel.money import Money, Rate, Rounding

TODAY = date(2026, 11, 25)


def yuan(text: str) -> Money:
    return Money.of(text, "CNY")


def tier(price: str, unit: int, up_to: int | None = None, due_after: int = 0, flat: bool = False) -> Tier:
    return Tier(up_to, unit, Rate.of(price, "CNY"), due_after, flat)


def tariff(*plans: Plan, **changes: object) -> Tariff:
    values = {"code": "road", "company_code": "demo", "name_zh": "路内", "name_en": "Road", "currency": "CNY"}
    return Tariff(**(values | {"plans": plans} | changes))  # type: ignore[arg-type]


DAY = Band(
    "day", (tier("2.50", 15, 60, 14), tier("3.75", 15, None, 14)), 7 * 60, 19 * 60, name_zh="日间", name_en="day"
)
NIGHT = Band("night", (tier("1.00", 120, None, 119),), 19 * 60, 7 * 60)


def words(value: Tariff, language: Language = "en") -> str:
    return "\n".join(f"{'  ' * each.level}{each.text}" for each in sayings(value, language))


def test_bands_and_tiers_are_told() -> None:
    told = words(tariff(Plan((DAY, NIGHT))))
    assert "tariff Road (road) of company demo, amounts in CNY" in told
    assert (
        "  every day 07:00-19:00:\n"
        "    the first 1 h: 2.50 for each full 15 min\n"
        "    after 1 h: 3.75 for each full 15 min\n"
        "  every day 19:00-07:00: 1.00 for each full 2 h\n"
    ) in told
    assert "每天 07:00-19:00：\n    前 1 小时：每满 15 分钟收 2.50" in words(tariff(Plan((DAY, NIGHT))), "zh")


def test_steps_that_add_up_say_so() -> None:
    ladder = Band("all", (tier("0", 60, 60), tier("5.00", 60, 120, flat=True), tier("3.00", 1320, 1440, flat=True)),
                  repeat_minutes=1440)  # fmt: skip
    told = words(tariff(Plan((ladder,))))
    assert "the first 1 h: free" in told
    assert "from 1 h to 2 h: another 5.00 once" in told
    assert "and so on, anew every 24 h" in told


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (("mon", "tue", "wed", "thu", "fri", "sat"), "Mondays to Saturdays"),
        (("sun", "fri"), "Sundays, Fridays"),
        (("mon", "tue", "thu"), "Mondays, Tuesdays, Thursdays"),
        (("mon", "tue", "wed", "holiday"), "Mondays, Tuesdays, Wednesdays, public holidays"),
    ],
)
def test_days_in_a_row(days: tuple[str, ...], told: str) -> None:
    band = Band("a", (tier("1", 30),), days=days)
    assert f"  {told} all day: 1.00 for" in words(tariff(Plan((band,))))


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (tier("2.50", 30), "2.50 for each begun 30 min"),
        (tier("2.50", 30, None, 29), "2.50 for each full 30 min"),
        (tier("2.50", 30, None, 15), "2.50 for each 30 min, a rest of up to 15 min is not charged"),
        (tier("0.035", 1), "0.035 a minute"),
        (tier("5.00", ENDLESS_MINUTES, None, 0, True), "5.00 once"),
        (tier("0", 30), "free"),
    ],
)
def test_what_a_unit_costs(one: Tier, told: str) -> None:
    assert f"at any time: {told}\n" in words(tariff(Plan((Band("all", (one,)),))))


def test_nothing_that_a_tariff_says_is_left_out() -> None:
    everything = Plan(
        (DAY, NIGHT),
        free=Free(15, FreeMode.DEDUCT, FreePer.WINDOW, FreeCounts.CHARGEABLE, 24),
        caps=(Cap(CapKind.DAY, yuan("40.00"), (yuan("30.00"), yuan("20.00")), bands=("day",)),),
        minimum=yuan("3.00"),
        cycle=Cycle(CycleKind.ROLLING, 24, free_again=True),
        bands_by=BandsBy.ENTRY,
    )
    told = words(
        tariff(
            everything, zone="Asia/Hong_Kong", day_starts=7 * 60, seconds=SecondsPolicy.CLOCK, reentry_minutes=60,
            price_change=PriceChange.CHANGE, tax=Tax(95_000, included=False),
            round_total=RoundTotal(yuan("0.50"), Rounding.DOWN), grace_after_payment_minutes=20,
        )
    )  # fmt: skip
    for expected in (
        "the first 15 min are free", "given anew each time a band begins", "only minutes in bands with a price",
        "once in 24 h", "each day costs at most 40.00, 30.00, then 20.00 (only the bands: day)", "at least 3.00",
        "anew every 24 h from the entry, the free minutes too", "the band of the entry", "Asia/Hong_Kong",
        "a day begins at 07:00", "read without their seconds", "20 min to leave", "prices its own minutes",
        "coming back within 1 h", "down to a multiple of 0.50", "9.5 % tax is added",
    ):  # fmt: skip
        assert expected in told, expected


def test_plans_conditions_and_classes_are_told() -> None:
    early = Condition(enter=(360, 570), leave=(900, 1140), days=("workday",), same_day=True, min_stay_minutes=60,
                      max_stay_minutes=720)  # fmt: skip
    flat = Band("bird", (tier("12.00", ENDLESS_MINUTES, None, 0, True),))
    bird = Plan((flat,), condition=early, code="bird", name_en="early bird", name_zh="早鸟")
    large = VehicleClass(
        "large", VehicleMatch(colours=("yellow",), seats_from=20), (Plan((NIGHT, DAY)),), Choose.FIRST, "大车", "large"
    )
    told = words(tariff(Plan((DAY, NIGHT)), bird, classes=(large,)))
    for expected in (
        "2 plans, the cheapest that may be used holds", "plan early bird", "only when entered 06:00-09:30",
        "only when left 15:00-19:00", "only when entered on: working days", "left on the day of the entry",
        "at least 1 h", "at most 12 h", "vehicle class large: yellow plate and 20 seats or more",
    ):  # fmt: skip
        assert expected in told, expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_is_built_has_a_text(language: Language) -> None:
    """Whatever can be said is said in words and never as a code."""
    match = VehicleMatch(("blue", "purple"), True, ("large",), 7, 20, True, 2, ("taxi",))
    unmatch = VehicleMatch(new_energy=False, disabled=False)
    season = Season("summer", (6, 1), (8, 31))
    plans = [
        Plan(
            (Band("a", (tier("1", 30),), days=tuple(DayWord), seasons=("summer",), counting=counting),
             Band("b", (), 60, 120, days=("mon", "tue", "wed", "thu", "fri", "sat", "sun", "2026-10-01", "fair"))),
            free=Free(30, mode, per), caps=(Cap(kind, yuan("1.00")),), seasons=(season,),
            cycle=Cycle(cycle, free_again=mode is FreeMode.DEDUCT),
        )
        for counting in Counting
        for mode in FreeMode
        for per in FreePer
        for kind in CapKind
        for cycle in CycleKind
    ]  # fmt: skip
    for choose in Choose:
        for number, (seconds, change, rule, beyond) in enumerate(
            [(a, b, c, d) for a in SecondsPolicy for b in PriceChange for c in Rounding for d in BeyondCalendar]
        ):
            value = tariff(
                *plans[number::20], choose=choose, seconds=seconds, price_change=change, beyond_calendar=beyond,
                round_total=RoundTotal(yuan("0.10"), rule), tax=Tax(90_000),
                classes=(VehicleClass("a", match, (plans[0],)), VehicleClass("b", unmatch, (plans[0],))),
            )  # fmt: skip
            told = words(value, language)
            assert "tariff." not in told, told
            assert "{" not in told, told


def calendar(*days: tuple[date, CalendarDay], ends: date | None) -> Calendar:
    return Calendar("cn", dict(days), ends)


HOLIDAYS = Band("holiday", (tier("5", 60),), days=("holiday",))
FAIR = Band("fair", (tier("9", 60),), days=("fair",))


def test_a_calendar_that_ends_soon_is_told() -> None:
    known = (date(2026, 10, 1), CalendarDay(DayKind.HOLIDAY, "国庆节"))
    value = tariff(Plan((HOLIDAYS, DAY, NIGHT)))
    ends = calendar(known, ends=date(2027, 1, 1))
    assert warnings_of(value, ends, TODAY) == [
        Warned("tariff.warns.calendar_ends_refuse", {"calendar": "cn", "date": "2027-01-01"})
    ]
    assert warnings_of(value, ends, date(2026, 11, 2)) == []  # sixty days are enough
    assert warnings_of(tariff(Plan((DAY, NIGHT))), None, TODAY) == []
    by_weekday = tariff(Plan((HOLIDAYS, DAY)), beyond_calendar=BeyondCalendar.WEEKDAY)
    assert [each.code for each in warnings_of(by_weekday, None, TODAY)] == ["tariff.warns.no_calendar_weekday"]


def test_a_day_that_no_calendar_has_is_told() -> None:
    known = (date(2026, 10, 1), CalendarDay(DayKind.HOLIDAY, words=("match",)))
    told = warnings_of(tariff(Plan((FAIR, HOLIDAYS, DAY))), calendar(known, ends=date(2028, 1, 1)), TODAY)
    assert told == [Warned("tariff.warns.unknown_day", {"calendar": "cn", "word": "fair"})]


def test_classes_that_nobody_reaches_are_told() -> None:
    plans = (Plan((DAY, NIGHT)),)
    classes = (
        VehicleClass("large", VehicleMatch(seats_from=10), plans),
        VehicleClass("bus", VehicleMatch(colours=("yellow",), seats_from=20), plans),
        VehicleClass("all", VehicleMatch(), plans),
    )
    told = warnings_of(tariff(*plans, classes=classes), None, TODAY)
    assert [(each.code, each.params["class"]) for each in told] == [
        ("tariff.warns.class_never", "bus"), ("tariff.warns.class_always", "all"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wide", "narrow", "is_covered"),
    [
        (VehicleMatch(), VehicleMatch(disabled=True), True),
        (VehicleMatch(disabled=True), VehicleMatch(), False),
        (VehicleMatch(colours=("green", "blue")), VehicleMatch(colours=("green",)), True),
        (VehicleMatch(colours=("green",)), VehicleMatch(colours=("green", "blue")), False),
        (VehicleMatch(seats_upto=9), VehicleMatch(seats_upto=7), True),
        (VehicleMatch(seats_upto=7), VehicleMatch(seats_upto=9), False),
        (VehicleMatch(seats_upto=7), VehicleMatch(), False),
        (VehicleMatch(new_energy=False), VehicleMatch(new_energy=True), False),
        (VehicleMatch(tags=("taxi",)), VehicleMatch(tags=("taxi",), spaces_from=2), True),
    ],
)
def test_which_class_covers_which(wide: VehicleMatch, narrow: VehicleMatch, is_covered: bool) -> None:
    assert covers(wide, narrow) is is_covered


def test_every_warning_has_words() -> None:
    codes = {
        f"tariff.warns.{kind}_{beyond.value}" for kind in ("no_calendar", "calendar_ends") for beyond in BeyondCalendar
    }
    assert {*codes, "tariff.warns.unknown_day"} <= catalogue().codes()
