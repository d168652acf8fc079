"""The tariff file: read exactly, written back the same; every earlier file keeps its meaning."""

import json
from fractions import Fraction

import pytest

from openberth.contexts.stays.recognition import PlateColour as SeenColour
from openberth.contexts.tariffs.document import quote_to_plain, read_tariff, tariff_from_plain, tariff_to_plain
from openberth.contexts.tariffs.document.parts import PlateColour
from openberth.contexts.tariffs.model import (
    ENDLESS_MINUTES,
    Band,
    BandsBy,
    BeyondCalendar,
    Cap,
    CapKind,
    Choose,
    Condition,
    Counting,
    Cycle,
    CycleKind,
    Free,
    FreeCounts,
    FreeMode,
    FreePer,
    Line,
    Plan,
    PriceChange,
    Quote,
    ReliefKind,
    ReliefUse,
    RoundTotal,
    Season,
    SecondsPolicy,
    Tariff,
    Tax,
    Tier,
    VehicleClass,
    VehicleMatch,
)
from openberth.kernel.money import Money, Rate, Rounding
from openberth.kernel.time import from_iso

HEAD = """tariff: openberth/1
code: t
company: demo
name: {zh: 测, en: T}
currency: CNY
"""
OLD = (
    HEAD
    + """free: {minutes: 15, mode: threshold}
charge: {unit_minutes: 30, price: "2.50", rounding: up}
caps: [{kind: rolling_24h, amount: "40.00"}]
seconds: exact
grace_after_payment_minutes: 20
"""
)


def read(body: str) -> Tariff:
    found = read_tariff(HEAD + body, name="t.yaml")
    stored = json.loads(json.dumps(tariff_to_plain(found)))
    assert tariff_from_plain(stored) == found
    assert read_tariff(json.dumps(stored), name="t.json") == found  # what is shown may be published again
    return found


def plan(body: str) -> Plan:
    (only,) = read(body).plans
    return only


def tiers(charge: str) -> tuple[Tier, ...]:
    return plan(f"charge: {{{charge}}}").bands[0].tiers


def yuan(text: str) -> Rate:
    return Rate.of(text, "CNY")


def test_a_file_of_the_first_form_means_what_it_meant() -> None:
    tier = Tier(None, 30, yuan("2.50"))
    expected = Tariff(
        "t", "demo", "测", "T", "CNY",
        (Plan((Band("all", (tier,)),), Free(15, FreeMode.THRESHOLD), (Cap(CapKind.ROLLING_24H, Money(4000, "CNY")),)),),
        seconds=SecondsPolicy.EXACT, grace_after_payment_minutes=20,
    )  # fmt: skip
    assert read_tariff(OLD, name="x") == expected


def test_a_stored_version_of_the_first_form_means_what_it_meant() -> None:
    stored = {
        "tariff": "openberth/1", "code": "t", "company": "demo", "name": {"zh": "测", "en": "T"}, "currency": "CNY",
        "free": {"minutes": 15, "mode": "threshold"},
        "charge": {"unit_minutes": 30, "price": "2.50", "rounding": "up"},
        "caps": [{"kind": "rolling_24h", "amount": "40.00"}], "seconds": "exact", "grace_after_payment_minutes": 20,
    }  # fmt: skip
    assert tariff_from_plain(stored) == read_tariff(OLD, name="x")


def test_what_is_not_written_has_its_default() -> None:
    found = read('charge: {unit_minutes: 30, price: "2.50"}')
    band = Band("all", (Tier(None, 30, yuan("2.50")),))
    assert found == Tariff("t", "demo", "测", "T", "CNY", (Plan((band,)),))


HALF = (
    "price: 5, unit_minutes: 60, "
    "tiers: [{up_to_minutes: 120, price: 0}, {up_to_minutes: 240, percent: 50}, {percent: 100}]"
)


@pytest.mark.parametrize(
    ("charge", "expected"),
    [
        ("free: true", ()),
        ('flat: "5.00"', (Tier(None, ENDLESS_MINUTES, yuan("5"), flat=True),)),
        ('flat: "5.00", rounding: forgive, forgive_minutes: 15', (Tier(None, ENDLESS_MINUTES, yuan("5"), 15, True),)),
        ('flat: "5.00", repeat_minutes: 1440', (Tier(1440, 1440, yuan("5"), flat=True),)),
        ("unit_minutes: 1, price: 0.035", (Tier(None, 1, yuan("0.035")),)),
        ('unit_minutes: 30, price: "10/3"', (Tier(None, 30, Rate(Fraction(1000, 3), "CNY")),)),
        ('unit_minutes: 30, price: "1", rounding: down', (Tier(None, 30, yuan("1"), 29),)),
        ('unit_minutes: 1, price: "1", rounding: down', (Tier(None, 1, yuan("1"), 0),)),
        ('unit_minutes: 30, price: "1", rounding: forgive, forgive_minutes: 5', (Tier(None, 30, yuan("1"), 5),)),
        (
            'unit_minutes: 15, rounding: down, tiers: [{up_to_minutes: 60, price: "2.50"}, {price: "3.75"}]',
            (Tier(60, 15, yuan("2.50"), 14), Tier(None, 15, yuan("3.75"), 14)),
        ),
        (
            "repeat_minutes: 120, tiers: [{up_to_minutes: 60, flat: 3}, {unit_minutes: 20, price: 1, rounding: down}]",
            (Tier(60, 60, yuan("3"), flat=True), Tier(120, 20, yuan("1"), 19)),
        ),
        (
            HALF,
            (Tier(120, 60, yuan("0")), Tier(240, 60, yuan("2.50")), Tier(None, 60, yuan("5"))),
        ),
        (
            'unit_minutes: 60, price: "0.0333", tiers: [{percent: 33.3333}]',
            (Tier(None, 60, Rate(Fraction(333 * 333333, 10**4 * 10**4), "CNY")),),
        ),
        (
            'ladder: [{up_to_minutes: 60, total: "0"}, {up_to_minutes: 120, total: "5"}, {total: "10.50"}]',
            (
                Tier(60, 60, yuan("0"), flat=True),
                Tier(120, 60, yuan("5"), flat=True),
                Tier(None, ENDLESS_MINUTES, yuan("5.50"), flat=True),
            ),
        ),
        (
            'ladder: [{up_to_minutes: 60, total: "4"}, {unit_minutes: 30, price: "1.5"}]',
            (Tier(60, 60, yuan("4"), flat=True), Tier(None, 30, yuan("1.5"))),
        ),
        (
            'ladder: [{up_to_minutes: 240, total: "5"}, {total: "8"}], repeat_minutes: 1440',
            (Tier(240, 240, yuan("5"), flat=True), Tier(1440, 1200, yuan("3"), flat=True)),
        ),
    ],
)
def test_charges(charge: str, expected: tuple[Tier, ...]) -> None:
    assert tiers(charge) == expected


def test_a_band_with_everything() -> None:
    found = plan("""
seasons: [{code: peak, first: "10-01", last: "03-31"}]
bands:
  - {code: day, name: {zh: 白天, en: Day}, days: [mon, holiday, 2026-10-01], hours: "07:00-19:00", seasons: [peak],
     counting: stay, charge: {unit_minutes: 15, price: "1", repeat_minutes: 60}, cap: "9.00"}
  - {code: night, hours: "19:00-07:00", seasons: [peak], days: [mon, holiday, 2026-10-01], charge: {free: true}}
  - {code: else, hours: "00:00-24:00", charge: {free: true}}
caps: [{kind: day, amount: "20.00"}]
""")
    assert found.seasons == (Season("peak", (10, 1), (3, 31)),)
    assert found.bands == (
        Band(
            "day", (Tier(60, 15, yuan("1")),), 420, 1140, ("mon", "holiday", "2026-10-01"), ("peak",), Counting.STAY,
            60, "白天", "Day",
        ),
        Band("night", (), 1140, 420, ("mon", "holiday", "2026-10-01"), ("peak",)),
        Band("else", ()),
    )  # fmt: skip
    assert found.caps == (
        Cap(CapKind.DAY, Money(2000, "CNY")),
        Cap(CapKind.WINDOW, Money(900, "CNY"), bands=("day",)),
    )


def test_a_body_with_everything() -> None:
    found = plan("""
charge: {unit_minutes: 30, price: "1"}
free: {minutes: 10, mode: deduct, per: day, counts: chargeable, once_within_hours: 24}
caps: [{kind: rolling, hours: 12, amounts: ["30", "40", "50"], bands: [all]}, {kind: week, amount: "100"}]
minimum: "2.00"
cycle: {kind: rolling, hours: 48, free_again: true}
bands_by: entry
""")
    assert found == Plan(
        (Band("all", (Tier(None, 30, yuan("1")),)),),
        Free(10, FreeMode.DEDUCT, FreePer.DAY, FreeCounts.CHARGEABLE, 24),
        (
            Cap(CapKind.ROLLING, Money(3000, "CNY"), (Money(4000, "CNY"), Money(5000, "CNY")), 12, ("all",)),
            Cap(CapKind.WEEK, Money(10000, "CNY")),
        ),
        Money(200, "CNY"),
        Cycle(CycleKind.ROLLING, 48, True),
        BandsBy.ENTRY,
    )


def test_a_head_with_everything() -> None:
    found = read("""
charge: {unit_minutes: 30, price: "1"}
zone: Asia/Singapore
day_starts: "07:00"
calendar: sg
beyond_calendar: weekday
seconds: clock
price_change: change
reentry_minutes: 60
tax: {percent: 9, included: false}
round_total: {to: "0.10", rule: down}
""")
    assert (found.zone, found.day_starts, found.calendar) == ("Asia/Singapore", 420, "sg")
    assert (found.beyond_calendar, found.seconds) == (BeyondCalendar.WEEKDAY, SecondsPolicy.CLOCK)
    assert (found.price_change, found.reentry_minutes) == (PriceChange.CHANGE, 60)
    assert (found.tax, found.round_total) == (Tax(90_000, False), RoundTotal(Money(10, "CNY"), Rounding.DOWN))


PLANS = """
choose: first
plans:
  - code: early
    name: {zh: 早鸟, en: Early bird}
    when: {enter: "06:00-09:30", leave: "15:00-24:00", days: [workday], same_day: true, min_stay_minutes: 60,
           max_stay_minutes: 900}
    charge: {flat: "12"}
  - {code: casual, charge: {unit_minutes: 60, price: "3"}, caps: [{kind: day, amount: "50"}], minimum: "1"}
"""


def test_plans_and_when_they_hold() -> None:
    found = read(PLANS)
    assert found.choose is Choose.FIRST
    early, casual = found.plans
    assert (early.code, early.name_en) == ("early", "Early bird")
    assert early.condition == Condition((360, 570), (900, 0), ("workday",), True, 60, 900)
    assert (casual.code, casual.condition) == ("casual", Condition())


def test_one_plan_with_a_name_of_its_own() -> None:
    assert read('plans: [{code: only, charge: {flat: "2"}}]').plans[0].code == "only"


def test_a_class_takes_over_what_it_does_not_say() -> None:
    found = read("""
charge: {unit_minutes: 30, price: "2"}
free: {minutes: 15}
minimum: "1.00"
caps: [{kind: day, amounts: ["10.00", "20.00"]}]
classes:
  - {code: large, name: {zh: 大车, en: Large}, match: {sizes: [large], seats_from: 20}, factor: 1.5}
  - {code: green, match: {new_energy: true, colours: [green, yellow_green]}, free: {minutes: 60}}
  - {code: other, match: {disabled: true, spaces_from: 2, seats_upto: 9, tags: [taxi]}, charge: {flat: "3"},
     factor: 2}
""")
    base = found.plans[0]
    large, green, other = found.classes
    assert large.match == VehicleMatch(sizes=("large",), seats_from=20)
    assert large.plans == (
        Plan(
            (Band("all", (Tier(None, 30, yuan("3")),)),), base.free,
            (Cap(CapKind.DAY, Money(1500, "CNY"), (Money(3000, "CNY"),)),), Money(150, "CNY"),
        ),
    )  # fmt: skip
    assert green == VehicleClass(
        "green", VehicleMatch(("green", "yellow_green"), True),
        (Plan(base.bands, Free(60), base.caps, base.minimum),),
    )  # fmt: skip
    # What a class says itself stands as it is written; the factor is for what it takes over.
    assert other.plans[0].bands[0].tiers == (Tier(None, ENDLESS_MINUTES, yuan("3"), flat=True),)
    assert other.plans[0].caps[0].amount == Money(2000, "CNY")


def test_a_factor_also_changes_the_caps_of_bands() -> None:
    found = read("""
bands: [{code: night, charge: {flat: "5"}, cap: "5.00"}]
classes: [{code: large, match: {sizes: [large]}, factor: "0.5"}]
""")
    assert found.classes[0].plans[0].caps == (Cap(CapKind.WINDOW, Money(250, "CNY"), bands=("night",)),)


def test_a_class_changes_every_plan_and_chooses_as_the_tariff_does() -> None:
    found = read(PLANS + "classes: [{code: large, match: {sizes: [large]}, factor: 2, free: {minutes: 5}}]")
    (large,) = found.classes
    assert large.choose is Choose.FIRST
    assert [plan.code for plan in large.plans] == ["early", "casual"]
    assert [plan.bands[0].tiers[0].price for plan in large.plans] == [yuan("24"), yuan("6")]
    assert [plan.free for plan in large.plans] == [Free(5), Free(5)]
    assert large.plans[0].condition == found.plans[0].condition


def test_a_class_may_have_plans_of_its_own() -> None:
    found = read(PLANS + "classes: [{code: vip, match: {tags: [vip]}, plans: [{code: v, charge: {free: true}}]}]")
    assert found.classes[0].plans == (Plan((Band("all", ()),), code="v"),)
    assert found.classes[0].choose is Choose.CHEAPEST


def test_a_factor_is_written_out_exactly() -> None:
    found = read("""
charge: {unit_minutes: 1, price: "0.0355"}
classes: [{code: large, match: {sizes: [large]}, factor: "1.5001"}]
""")
    assert found.classes[0].plans[0].bands[0].tiers[0].price.minor == Fraction("3.55") * Fraction("1.5001")


def test_currencies_without_minor_units() -> None:
    text = HEAD.replace("CNY", "JPY") + "charge: {unit_minutes: 30, price: 100.5}\ncaps: [{kind: day, amount: 900}]"
    found = read_tariff(text, name="x")
    assert found.plans[0].bands[0].tiers[0].price.minor == Fraction(201, 2)
    assert tariff_from_plain(tariff_to_plain(found)) == found


def test_hours_of_a_whole_day_mean_the_same_wherever_they_begin() -> None:
    found = plan('bands: [{code: x, hours: "07:00-07:00", charge: {free: true}}]')
    assert (found.bands[0].start, found.bands[0].end) == (0, 0)


def test_plates_have_the_colours_that_cameras_tell() -> None:
    assert {colour.value for colour in PlateColour} == {colour.value for colour in SeenColour} - {"unknown"}


def test_a_quote_as_plain_data() -> None:
    entered, until, change = (from_iso(f"2026-11-23T0{hour}:00:00Z") for hour in (1, 2, 3))
    total = Money(300, "CNY")
    quote = Quote(
        (Line("tariff.line.units", {"units": 2}, 60, Money(500, "CNY")),
         Line("tariff.line.relief", {}, 0, Money(-200, "CNY"))),
        total, entered, until, change, 50, 6, 4, Money(500, "CNY"),
        (ReliefUse("c-1", ReliefKind.AMOUNT, Money(200, "CNY")),),
    )  # fmt: skip
    assert json.loads(json.dumps(quote_to_plain(quote))) == {
        "total": {"minor": 300, "currency": "CNY"},
        "entered": "2026-11-23T01:00:00.000000Z",
        "until": "2026-11-23T02:00:00.000000Z",
        "next_change_at": "2026-11-23T03:00:00.000000Z",
        "minutes": 60,
        "charged_minutes": 50,
        "free_minutes": 6,
        "outside_minutes": 4,
        "before_relief": {"minor": 500, "currency": "CNY"},
        "reliefs": [{"id": "c-1", "kind": "amount", "value": {"minor": 200, "currency": "CNY"}}],
        "lines": [
            {"code": "tariff.line.units", "params": {"units": 2}, "minutes": 60,
             "amount": {"minor": 500, "currency": "CNY"}},
            {"code": "tariff.line.relief", "params": {}, "minutes": 0, "amount": {"minor": -200, "currency": "CNY"}},
        ],
    }  # fmt: skip
