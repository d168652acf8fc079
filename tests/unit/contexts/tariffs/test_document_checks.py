"""A tariff file without a price, or one that would not mean what it seems to say, is refused with place and remedy."""

from collections.abc import Mapping
from functools import partial

import pytest

from openberth.contexts.tariffs.document import read_tariff
from openberth.infra.catalogue import text as words
from openberth.infra.documents import DocumentError
from openberth.kernel.errors import Param

HEAD = "tariff: openberth/1\ncode: t\ncompany: demo\nname: {zh: 测, en: T}\ncurrency: CNY\n"
CHARGE = 'charge: {unit_minutes: 30, price: "2.50"}\n'


def said(language: str, code: str, params: Mapping[str, Param]) -> str:
    return words(code, language, **params)


def mistakes(body: str, head: str = HEAD) -> list[str]:
    """Return the mistakes of a file without its name and lines; each has words in both languages."""
    try:
        read_tariff(head + body, name="t")
    except DocumentError as error:
        for language in ("zh", "en"):
            for line in error.report(partial(said, language)):
                assert "{" not in line, line
        return [line.split(":", 2)[2].strip() for line in str(error).splitlines()]
    return []


CHARGES = [
    ("", "charge: tariff.charge_nothing"),
    ("free: false", "charge: tariff.charge_nothing"),
    ('unit_minutes: 30', "charge: tariff.charge_nothing"),
    ('price: "1"', "charge: document.missing(key=unit_minutes)"),
    ('price: "-1", unit_minutes: 30', "charge.price: document.negative(value=-1)"),
    ('price: "1.23456", unit_minutes: 30', "charge.price: document.price(value=1.23456)"),
    ('price: "1/0", unit_minutes: 30', "charge.price: document.price(value=1/0)"),
    ('price: 12345678901, unit_minutes: 30', "charge.price: document.price(value=12345678901)"),
    ('price: "999999999999/3", unit_minutes: 30', "charge.price: document.price(value=999999999999/3)"),
    ("price: [1], unit_minutes: 30", "charge.price: document.price(value=…)"),
    ('price: "1", unit_minutes: 0', "charge.unit_minutes: document.range(value=0, low=1, high=527040)"),
    ('price: "1", unit_minutes: 527041', "charge.unit_minutes: document.range(value=527041, low=1, high=527040)"),
    ('free: true, price: "1", unit_minutes: 30', "charge.price: tariff.two_ways(first=free, second=price)"),
    ('flat: "1", unit_minutes: 30', "charge.unit_minutes: tariff.key_unused(key=unit_minutes, way=flat)"),
    ("free: true, repeat_minutes: 30", "charge.repeat_minutes: tariff.key_unused(key=repeat_minutes, way=free)"),
    ('flat: "1", rounding: down', "charge: tariff.flat_down"),
    ('price: "1", unit_minutes: 30, rounding: half',
     "charge.rounding: document.choice(value=half, choices=up, down, forgive)"),
    ('price: "1", unit_minutes: 30, rounding: forgive', "charge: document.missing(key=forgive_minutes)"),
    ('price: "1", unit_minutes: 30, forgive_minutes: 5', "charge.forgive_minutes: tariff.forgive_unused"),
    ('price: "1", unit_minutes: 30, rounding: forgive, forgive_minutes: 30', "charge: tariff.forgive_long(unit=30)"),
    ('price: "1", unit_minutes: 30, repeat_minutes: 100', "charge: tariff.tier_units(minutes=100, unit=30)"),
    ("tiers: []", "charge.tiers: document.too_short(least=1)"),
    ("tiers: [" + ", ".join(["{percent: 1}"] * 33) + "]", "charge.tiers: document.too_long(most=32)"),
    ("unit_minutes: 30, tiers: [{}]", "charge.tiers[0]: tariff.tier_price"),
    ('unit_minutes: 30, tiers: [{price: "1", flat: "1"}]',
     "charge.tiers[0]: tariff.two_ways(first=price, second=flat)"),
    ('tiers: [{price: "1"}]', "charge.tiers[0]: document.missing(key=unit_minutes)"),
    ('unit_minutes: 30, tiers: [{price: "1"}, {price: "2"}]', "charge.tiers[0]: tariff.tier_end"),
    ('unit_minutes: 30, tiers: [{up_to_minutes: 60, price: "1"}, {up_to_minutes: 30, price: "2"}, {price: "3"}]',
     "charge.tiers[1].up_to_minutes: tariff.tier_order(value=30, before=60)"),
    ('unit_minutes: 30, tiers: [{up_to_minutes: 45, price: "1"}, {price: "2"}]',
     "charge.tiers[0]: tariff.tier_units(minutes=45, unit=30)"),
    ('unit_minutes: 30, tiers: [{up_to_minutes: 60, price: "1"}]',
     "charge.tiers[0].up_to_minutes: tariff.tier_gap(value=60)"),
    ('unit_minutes: 30, tiers: [{up_to_minutes: 60, price: "1"}], repeat_minutes: 90',
     "charge.repeat_minutes: tariff.repeat_differs(value=90, up_to=60)"),
    ('unit_minutes: 30, tiers: [{up_to_minutes: 60, price: "1"}, {price: "2"}], repeat_minutes: 60',
     "charge.repeat_minutes: tariff.repeat_short(value=60, before=60)"),
    ('tiers: [{flat: "1", unit_minutes: 30}]',
     "charge.tiers[0].unit_minutes: tariff.key_unused(key=unit_minutes, way=flat)"),
    ('unit_minutes: 30, tiers: [{percent: 50}]', "charge.tiers[0].percent: tariff.percent_base"),
    ('unit_minutes: 30, price: "1", tiers: [{percent: 1001}]',
     "charge.tiers[0].percent: document.range(value=1001, low=0, high=1000)"),
    ('unit_minutes: 30, price: "9999999999", tiers: [{percent: 200}]',
     "charge.tiers[0].percent: tariff.percent_price"),
    ('unit_minutes: 30, price: "1", tiers: [{price: "2"}]', "charge.price: tariff.price_unused"),
    ('unit_minutes: 30, rounding: down, tiers: [{price: "1", forgive_minutes: 5}]',
     "charge.tiers[0].forgive_minutes: tariff.forgive_unused"),
    ('ladder: [{up_to_minutes: 60, total: "5"}, {total: "4"}]',
     "charge.ladder[1].total: tariff.ladder_falls(total=4, before=5)"),
    ('ladder: [{up_to_minutes: 60, total: "5"}, {up_to_minutes: 120}, {total: "9"}]',
     "charge.ladder[1]: tariff.rung_total"),
    ('ladder: [{up_to_minutes: 60, total: "5"}, {total: "9", unit_minutes: 60, price: "1"}]',
     "charge.ladder[1]: tariff.two_ways(first=price, second=total)"),
    ('ladder: [{up_to_minutes: 60, total: "5"}, {total: "9", unit_minutes: 60}]',
     "charge.ladder[1].unit_minutes: tariff.key_unused(key=unit_minutes, way=total)"),
    ('ladder: [{up_to_minutes: 60, total: "5"}, {price: "1"}]', "charge.ladder[1]: document.missing(key=unit_minutes)"),
    ('ladder: [{up_to_minutes: 60, total: "5"}, {up_to_minutes: 120, unit_minutes: 60, price: "1"}, {total: "9"}]',
     "charge.ladder[1].price: tariff.ladder_price"),
    ('ladder: [{up_to_minutes: 60, total: "5"}]', "charge.ladder[0].up_to_minutes: tariff.tier_gap(value=60)"),
    ('ladder: [{up_to_minutes: 60, total: "5"}, {up_to_minutes: 60, total: "6"}], repeat_minutes: 60',
     "charge.ladder[1].up_to_minutes: tariff.tier_order(value=60, before=60)"),
    ('ladder: [{total: "5"}], rounding: up', "charge.rounding: tariff.key_unused(key=rounding, way=ladder)"),
    ('unit_minutes: 30, prise: "1"', "charge.prise: document.unknown_key_near(key=prise, near=price)"),
]  # fmt: skip


@pytest.mark.parametrize(("charge", "expected"), CHARGES)
def test_charges(charge: str, expected: str) -> None:
    assert mistakes(f"charge: {{{charge}}}") == [expected]


def bands(*lines: str, more: str = "") -> str:
    return "bands:\n" + "".join(f"  - {{{line}}}\n" for line in lines) + more


FREE = "charge: {free: true}"
BANDS = [
    (bands("code: a"), "bands[0].charge: document.missing(key=charge)"),
    (bands('code: a, hours: "7-19", ' + FREE), "bands[0].hours: document.hours(value=7-19)"),
    (bands('code: a, hours: "07:00-24:30", ' + FREE), "bands[0].hours: document.hours(value=07:00-24:30)"),
    (bands(f"code: a, {FREE}", f"code: a, days: [mon], {FREE}"), "bands[1].code: tariff.code_twice(value=a)"),
    # gaps and overlaps: which day, which hours
    (bands('code: a, hours: "07:00-19:00", ' + FREE, 'code: b, hours: "20:00-07:00", ' + FREE),
     "bands: tariff.gap(day=all, hours=19:00-20:00)"),
    (bands('code: a, hours: "08:00-19:00", ' + FREE, 'code: b, hours: "19:00-07:00", ' + FREE),
     "bands: tariff.gap(day=all, hours=07:00-08:00)"),
    (bands('code: a, hours: "00:00-19:00", ' + FREE), "bands: tariff.gap(day=all, hours=19:00-24:00)"),
    (bands('code: a, hours: "07:00-19:00", ' + FREE, 'code: b, hours: "18:00-07:00", ' + FREE),
     "bands[1].hours: tariff.overlap(day=all, hours=18:00-19:00, other=a)"),
    (bands('code: a, hours: "07:00-19:00", ' + FREE, 'code: b, hours: "19:00-07:30", ' + FREE),
     "bands[0].hours: tariff.overlap(day=all, hours=07:00-07:30, other=b)"),
    (bands(f"code: a, {FREE}", f"code: b, {FREE}"),
     "bands[1].hours: tariff.overlap(day=all, hours=00:00-24:00, other=a)"),
    # where a word is used it decides the whole day
    (bands(f'code: a, days: [mon, tue], hours: "07:00-17:00", {FREE}', f"code: b, {FREE}"),
     "bands: tariff.gap(day=mon, hours=00:00-07:00)"),
    # days without any band
    (bands(f"code: a, days: [workday], {FREE}"), "bands: tariff.day_gap(days=sat, sun, holiday, season=–)"),
    (bands(f"code: a, days: [mon, tue, wed, thu, fri], {FREE}", f"code: b, days: [weekend], {FREE}"),
     "bands: tariff.day_gap(days=makeup, season=–)"),
    (bands(f"code: a, days: [workday], {FREE}", f"code: b, days: [sat, sun], {FREE}"),
     "bands: tariff.day_gap(days=holiday, season=–)"),
    (bands(f"code: a, days: [fair], {FREE}"),
     "bands: tariff.day_gap(days=mon, tue, wed, thu, fri, sat, sun, season=–)"),
    # day words
    (bands(f"code: a, days: [monday], {FREE}"), "bands[0].days[0]: tariff.unknown_day_near(value=monday, near=mon)"),
    (bands(f"code: a, days: [all, workdya], {FREE}"),
     "bands[0].days[1]: tariff.unknown_day_near(value=workdya, near=workday)"),
    (bands(f"code: a, days: [all, 2026-02-30], {FREE}"), "bands[0].days[1]: document.date(value=2026-02-30)"),
    (bands(f"code: a, days: [], {FREE}"), "bands[0].days: document.too_short(least=1)"),
    # seasons
    (bands(f"code: a, seasons: [peek], {FREE}", more='seasons: [{code: peak, first: "04-01", last: "05-31"}]'),
     "bands[0].seasons[0]: tariff.unknown_season_near(value=peek, near=peak)"),
    (bands(f"code: a, seasons: [x], {FREE}"), "bands[0].seasons[0]: tariff.unknown_season(value=x, known=–)"),
    (bands(f"code: a, seasons: [peak], {FREE}", more='seasons: [{code: peak, first: "04-01", last: "05-31"}]'),
     "bands: tariff.day_gap(days=mon, tue, wed, thu, fri, sat, sun, season=–)"),
    (bands(f"code: a, {FREE}", f'code: b, seasons: [peak], hours: "07:00-09:00", {FREE}',
           more='seasons: [{code: peak, first: "04-01", last: "05-31"}]'),
     "bands[1].hours: tariff.overlap(day=all (peak), hours=07:00-09:00, other=a)"),
    (bands(f"code: a, {FREE}", more='seasons: [{code: peak, first: "02-30", last: "05-31"}]'),
     "seasons[0].first: document.month_day(value=02-30)"),
    (bands(f"code: a, {FREE}", more='seasons: [{code: s, first: "01-01", last: "01-02"}, '
           '{code: s, first: "02-01", last: "02-02"}]'), "seasons[1].code: tariff.code_twice(value=s)"),
    (bands(f'code: a, cap: "0.00", {FREE}'), "bands[0].cap: tariff.cap_zero"),
    (bands(f'code: a, cap: "1.005", {FREE}'), "bands[0].cap: tariff.digits(currency=CNY, digits=2)"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), BANDS)
def test_bands(body: str, expected: str) -> None:
    assert expected in mistakes(body)[:2]
    # The hours of a day are a circle: where the tariff day begins shifts no gap and hides none.
    assert mistakes(f'day_starts: "03:00"\n{body}') == mistakes(body)


SOUND = [
    bands('code: a, hours: "07:00-19:00", ' + FREE, 'code: b, hours: "19:00-07:00", ' + FREE),
    bands(f"code: a, days: [mon, tue, wed, thu, fri, makeup], {FREE}", f"code: b, days: [weekend], {FREE}"),
    bands(f"code: a, days: [fair], {FREE}", f"code: b, {FREE}"),
    bands(f"code: a, days: [workday], {FREE}", f"code: b, days: [sat, sun, holiday], {FREE}"),
    bands(f"code: a, seasons: [s], {FREE}", f"code: b, seasons: [w], {FREE}",
          more='seasons: [{code: s, first: "04-01", last: "10-31"}, {code: w, first: "11-01", last: "03-31"}]'),
    bands(f"code: a, seasons: [s], days: [sat], {FREE}", f"code: b, seasons: [s], {FREE}",
          f"code: c, seasons: [w], {FREE}",
          more='seasons: [{code: s, first: "04-01", last: "10-31"}, {code: w, first: "01-01", last: "12-31"}]'),
]  # fmt: skip


@pytest.mark.parametrize("body", SOUND)
def test_bands_that_cover_every_day(body: str) -> None:
    assert mistakes(body) == []


CAP_KINDS = "stay, rolling_24h, rolling, day, window, week, month"
BODIES = [
    ("", ": tariff.nothing_priced"),
    (CHARGE + bands(f"code: a, {FREE}"), "bands: tariff.two_ways(first=charge, second=bands)"),
    (CHARGE + 'caps: [{kind: perday, amount: "1"}]',
     "caps[0].kind: document.choice_near(value=perday, choices=" + CAP_KINDS + ", near=day)"),
    (CHARGE + 'caps: [{kind: day, amount: "40.005"}]', "caps[0].amount: tariff.digits(currency=CNY, digits=2)"),
    (CHARGE + 'caps: [{kind: day, amount: "0.00"}]', "caps[0].amount: tariff.cap_zero"),
    (CHARGE + "caps: [{kind: day}]", "caps[0]: tariff.cap_amount"),
    (CHARGE + 'caps: [{kind: day, amount: "1", amounts: ["1"]}]', "caps[0]: tariff.cap_amount"),
    (CHARGE + 'caps: [{kind: day, amounts: ["3", "2.001"]}]',
     "caps[0].amounts[1]: tariff.digits(currency=CNY, digits=2)"),
    (CHARGE + 'caps: [{kind: stay, amounts: ["3", "4"]}]', "caps[0].amounts[1]: tariff.cap_one_span"),
    (CHARGE + 'caps: [{kind: day, amount: "1"}, {kind: day, amount: "2"}]',
     "caps[1].kind: tariff.cap_twice(kind=day)"),
    (CHARGE + 'caps: [{kind: rolling_24h, amount: "1"}, {kind: rolling, hours: 24, amount: "2"}]',
     "caps[1].kind: tariff.cap_twice(kind=rolling)"),
    (CHARGE + 'caps: [{kind: day, amount: "1", hours: 12}]', "caps[0].hours: tariff.key_unused(key=hours, way=day)"),
    (CHARGE + 'caps: [{kind: window, amount: "1", bands: [al]}]',
     "caps[0].bands[0]: tariff.unknown_band_near(value=al, near=all)"),
    (bands(f"code: day, {FREE}", more='caps: [{kind: window, amount: "1", bands: [night]}]'),
     "caps[0].bands[0]: tariff.unknown_band(value=night, known=day)"),
    (CHARGE + "cycle: {kind: day, hours: 12}", "cycle.hours: tariff.key_unused(key=hours, way=day)"),
    (CHARGE + 'minimum: "0.00"', "minimum: tariff.amount_zero(key=minimum)"),
    (CHARGE + 'minimum: "0.001"', "minimum: tariff.digits(currency=CNY, digits=2)"),
    (CHARGE + "zone: Asia/Shangai", "zone: document.zone_near(value=Asia/Shangai, near=Asia/Shanghai)"),
    (CHARGE + "zone: Moon/Base", "zone: document.zone(value=Moon/Base)"),
    (CHARGE + 'day_starts: "24:00"', "day_starts: document.clock(value=24:00)"),
    (CHARGE + "free: {mode: deduct}", "free.minutes: document.missing(key=minutes)"),
    (CHARGE + "free: {minutes: 527041}", "free.minutes: document.range(value=527041, low=0, high=527040)"),
    (CHARGE + 'round_total: {to: "0"}', "round_total.to: tariff.amount_zero(key=to)"),
    (CHARGE + "tax: {percent: 100.01}", "tax.percent: tariff.tax_percent(value=100.01)"),
    (CHARGE + "second: exact", "second: document.unknown_key_near(key=second, near=seconds)"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), BODIES)
def test_bodies(body: str, expected: str) -> None:
    assert mistakes(body) in ([expected], [expected.removeprefix(": ")])


def plans(*lines: str, more: str = "") -> str:
    return "plans:\n" + "".join(f"  - {{{line}}}\n" for line in lines) + more


LAST = f"code: z, {FREE}"
PLANS = [
    (CHARGE + plans(LAST), "charge: tariff.body_and_plans(key=charge)"),
    (plans("code: a"), "plans[0]: tariff.nothing_priced"),
    (plans(LAST, LAST), "plans[1].code: tariff.code_twice(value=z)"),
    (plans('code: a, when: {enter: "06:00-09:00"}, ' + FREE), "plans[0].when: tariff.plan_last"),
    (plans("code: a, when: {}, " + FREE, LAST), "plans[0].when: tariff.when_empty"),
    (plans('code: a, when: {leave: "00:00-24:00"}, ' + FREE, LAST),
     "plans[0].when.leave: tariff.when_all_day(key=leave)"),
    (plans("code: a, when: {days: [sunday]}, " + FREE, LAST),
     "plans[0].when.days[0]: tariff.unknown_day_near(value=sunday, near=sun)"),
    (plans("code: a, when: {min_stay_minutes: 60, max_stay_minutes: 30}, " + FREE, LAST),
     "plans[0].when.max_stay_minutes: tariff.when_never(most=30, least=60)"),
    ("choose: first\n" + plans(f"code: a, {FREE}", LAST), "plans[1]: tariff.plan_never(value=z, earlier=a)"),
    ("choose: first\n" + plans("code: a, when: {days: [sat, sun]}, " + FREE,
                               "code: b, when: {days: [sun], same_day: true}, " + FREE, LAST),
     "plans[1]: tariff.plan_never(value=b, earlier=a)"),
    ("choose: first\n" + plans("code: a, when: {max_stay_minutes: 60}, " + FREE,
                               "code: b, when: {max_stay_minutes: 30}, " + FREE, LAST),
     "plans[1]: tariff.plan_never(value=b, earlier=a)"),
    (plans(*[f"code: p{number}, {FREE}" for number in range(17)]), "plans: document.too_long(most=16)"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), PLANS)
def test_plans(body: str, expected: str) -> None:
    assert mistakes(body) == [expected]


@pytest.mark.parametrize(
    "body",
    [
        "choose: first\n" + plans("code: a, when: {max_stay_minutes: 30}, " + FREE,
                                  "code: b, when: {max_stay_minutes: 60}, " + FREE, LAST),
        "choose: first\n" + plans("code: a, when: {days: [sun]}, " + FREE, "code: b, when: {same_day: true}, " + FREE,
                                  LAST),
        plans(f"code: a, {FREE}", LAST),
    ],
)  # fmt: skip
def test_plans_that_some_stay_uses(body: str) -> None:
    assert mistakes(body) == []


def classes(*lines: str, base: str = CHARGE) -> str:
    return base + "classes:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


LARGE = "code: large, match: {sizes: [large]}"
COLOURS = "blue, yellow, green, yellow_green, white, black"
CLASSES = [
    (classes("code: a"), "classes[0].match: document.missing(key=match)"),
    (classes("code: a, match: {}"), "classes[0].match: tariff.match_all"),
    (classes("code: a, match: {colours: [read]}"),
     f"classes[0].match.colours[0]: document.choice(value=read, choices={COLOURS})"),
    (classes("code: a, match: {seats_from: 9, seats_upto: 8}"),
     "classes[0].match.seats_upto: tariff.match_seats(least=9, most=8)"),
    (classes(LARGE, "code: large, match: {disabled: true}"), "classes[1].code: tariff.code_twice(value=large)"),
    (classes(LARGE, "code: b, match: {sizes: [large], new_energy: true}"),
     "classes[1].match: tariff.class_never(value=b, earlier=large)"),
    (classes("code: a, match: {seats_from: 8}", "code: b, match: {seats_from: 20, tags: [bus]}"),
     "classes[1].match: tariff.class_never(value=b, earlier=a)"),
    (classes(LARGE + ", factor: 0"), "classes[0].factor: tariff.factor(value=0, most=1000)"),
    (classes(LARGE + ", factor: 1001"), "classes[0].factor: tariff.factor(value=1001, most=1000)"),
    (classes(LARGE + ", factor: -2"), "classes[0].factor: document.negative(value=-2)"),
    (classes(LARGE + ", factor: 1.5", base=CHARGE + 'caps: [{kind: day, amount: "0.01"}]\n'),
     "classes[0].factor: tariff.factor_digits(amount=0.01, part=caps, currency=CNY)"),
    (classes(LARGE + ", factor: 1.5", base=bands(f'code: a, cap: "0.01", {FREE}')),
     "classes[0].factor: tariff.factor_digits(amount=0.01, part=bands, currency=CNY)"),
    (classes(LARGE + ", factor: 2", base='charge: {flat: "9999999999"}\n'), "classes[0].factor: tariff.factor_price"),
    (classes(LARGE + ", factor: 2, plans: [{code: p, charge: {free: true}}]"),
     "classes[0].factor: tariff.body_and_plans(key=factor)"),
    (classes(LARGE + ", free: {minutes: 5}, plans: [{code: p, charge: {free: true}}]"),
     "classes[0].free: tariff.body_and_plans(key=free)"),
    (classes(LARGE + ", plans: [{code: p}]"), "classes[0].plans[0]: tariff.nothing_priced"),
    (classes(LARGE + ", charge: {flat: 1}, bands: [{code: a, charge: {free: true}}]"),
     "classes[0].bands: tariff.two_ways(first=charge, second=bands)"),
    (classes(LARGE + ", charge: {tiers: [{}]}"), "classes[0].charge.tiers[0]: tariff.tier_price"),
    (classes(LARGE + ', bands: [{code: a, hours: "07:00-08:00", charge: {free: true}}]'),
     "classes[0].bands: tariff.gap(day=all, hours=00:00-07:00)"),
    # What a class takes over must fit what it says: here the tariff's cap speaks of a band that the class replaced.
    (classes(LARGE + ", charge: {free: true}",
             base=bands(f"code: day, {FREE}", more='caps: [{kind: window, amount: "1", bands: [day]}]\n')),
     "caps[0].bands[0]: tariff.unknown_band(value=day, known=all)"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), CLASSES)
def test_classes(body: str, expected: str) -> None:
    assert mistakes(body)[0] == expected


@pytest.mark.parametrize(
    "body",
    [
        classes(LARGE, "code: b, match: {sizes: [large, huge]}", "code: c, match: {new_energy: true}"),
        classes("code: a, match: {seats_upto: 8}", "code: b, match: {seats_upto: 20}"),
        classes("code: a, match: {spaces_from: 3}", "code: b, match: {spaces_from: 2}"),
        classes("code: a, match: {tags: [taxi]}", "code: b, match: {tags: [bus], disabled: true}"),
        classes(LARGE + ', factor: 1.5, caps: [{kind: day, amount: "0.02"}]',
                base=CHARGE + 'caps: [{kind: day, amount: "0.01"}]\n'),
    ],
)  # fmt: skip
def test_classes_that_some_vehicle_belongs_to(body: str) -> None:
    assert mistakes(body) == []


def test_a_flaw_of_the_tariff_is_told_once_however_many_classes_take_it_over() -> None:
    base = bands('code: a, hours: "07:00-19:00", ' + FREE)
    assert mistakes(classes(LARGE, "code: b, match: {disabled: true}", base=base)) == [
        "bands: tariff.gap(day=all, hours=00:00-07:00)"
    ]


def test_a_ladder_that_falls_is_told_however_classes_multiply_it() -> None:
    falls = 'charge: {ladder: [{up_to_minutes: 60, total: "5"}, {total: "4"}]}'
    assert mistakes(classes('code: large, match: {sizes: [large]}, factor: "2"', base=falls + "\n")) == [
        "charge.ladder[1].total: tariff.ladder_falls(total=4, before=5)"
    ]


def test_every_mistake_is_told_at_its_line() -> None:
    body = CHARGE + "caps:\n  - {kind: day, amount: 0}\n  - {kind: week, amount: 0}\n"
    with pytest.raises(DocumentError) as caught:
        read_tariff(HEAD + body, name="t.yaml")
    assert str(caught.value).splitlines() == [
        "t.yaml:8: caps[0].amount: tariff.cap_zero",
        "t.yaml:9: caps[1].amount: tariff.cap_zero",
    ]


BOMB = "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}' if n else '1'] * 9)}]\n" for n in range(9))
HOSTILE = {
    "aliases": (HEAD + BOMB + CHARGE, "document.alias"),
    "deep": (HEAD + "charge: " + "{free: " * 5000 + "1" + "}" * 5000, "document.deep"),
    "many bands": (HEAD + bands(*[f"code: b{n}, {FREE}" for n in range(5000)]), "document.too_long"),
    "many days": (HEAD + bands(f"code: a, days: [{', '.join(['mon'] * 5000)}], {FREE}"), "document.too_long"),
    "many classes": (HEAD + classes(*[f"code: c{n}, match: {{tags: [t{n}]}}" for n in range(40)]),
                     "document.too_long"),
    "long": (HEAD + CHARGE + "#" * 1_000_001, "document.large"),
    "huge number": (HEAD + "charge: {flat: " + "9" * 5000 + "}", "document.price"),
    "minute tiers": (HEAD + "charge: {unit_minutes: 1, repeat_minutes: 16, tiers: ["
                     + ", ".join(f"{{up_to_minutes: {n}, price: {n}}}" for n in range(1, 17)) + "]}", "tariff.work"),
    "fractions": (HEAD + "charge: {unit_minutes: 1, tiers: ["
                  + ", ".join(f'{{up_to_minutes: {n}, price: "1/{10**19 + 6 * n + 1}"}}' for n in range(1, 32))
                  + ", {price: 1}]}", "tariff.fractions"),
    "long fraction": (HEAD + 'charge: {flat: "1/' + "9" * 5000 + '"}', "document.price"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(60)  # of the wall clock on a busy machine; alone it takes a second or two
def test_hostile_files_are_refused_in_no_time(name: str) -> None:
    text, code = HOSTILE[name]
    with pytest.raises(DocumentError) as caught:
        read_tariff(text, name="t")
    assert code in {mistake.code for mistake in caught.value.mistakes}
    assert len(str(caught.value)) < 100_000


@pytest.mark.timeout(60)  # of the wall clock on a busy machine; alone it takes a second or two
def test_a_very_large_file_is_checked_in_no_time() -> None:
    every = ", ".join(f"2026-{1 + n // 28:02d}-{1 + n % 28:02d}" for n in range(20))
    hours = [f"{n // 4:02d}:{n % 4 * 15:02d}" for n in range(64)] + ["24:00"]
    day = [f'{{code: b{n}, days: [all, {every}], hours: "{hours[n]}-{hours[n + 1]}", {FREE}}}' for n in range(64)]
    parts = [f"{{code: c{n}, match: {{tags: [t{n}]}}, bands: [{', '.join(day)}]}}" for n in range(16)]
    assert mistakes(bands(*[line[1:-1] for line in day], more=f"classes: [{', '.join(parts)}]")) == []
