"""Prices, each explained: golden explanations of the ready-made tariffs and published fees."""

from pathlib import Path

import pytest

from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tariffs.engine import quote, single
from openberth.contexts.tariffs.model import (
    Band,
    Cap,
    CapKind,
    Free,
    FreeMode,
    NotComputable,
    Plan,
    Quote,
    SecondsPolicy,
    Segment,
    Tariff,
    Terms,
    Tier,
)
from openberth.infra.catalogue import catalogue
from openberth.kernel.money import Money, Rate
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant, Period, from_iso, later

ENTERED = from_iso("2026-11-23T01:00:00Z")
FOLDER = Path(__file__).parents[4] / "tariffs"
TARIFFS = {name: read_tariff((FOLDER / f"{name}.yaml").read_text("utf-8"), name=name) for name in
           ("mall", "community", "office", "vip")}  # fmt: skip


def tariff(
    unit: int = 30,
    price: str = "2.50",
    *,
    free: int = 0,
    deduct: bool = False,
    cap: str | None = None,
    down: bool = False,
    exact: bool = False,
    currency: str = "CNY",
    code: str = "t",
) -> Tariff:
    plan = Plan(
        (Band("all", (Tier(None, unit, Rate.of(price, currency), unit - 1 if down else 0),)),),
        Free(free, FreeMode.DEDUCT if deduct else FreeMode.THRESHOLD),
        () if cap is None else (Cap(CapKind.ROLLING_24H, Money.of(cap, currency)),),
    )
    seconds = SecondsPolicy.EXACT if exact else SecondsPolicy.TRUNCATE
    return Tariff(code, "demo", "测试", "test", currency, (plan,), seconds=seconds)


def stayed(minutes: int) -> Instant:
    return later(ENTERED, minutes * MINUTE_US)


def price(of: Tariff, minutes: int) -> str:
    return single(of, entered=ENTERED, until=stayed(minutes)).total.amount_text


def words(found: Quote, language: str = "zh") -> list[str]:
    return [
        f"{catalogue().text(line.code, language, **line.params)} = {line.amount.amount_text}" for line in found.lines
    ]


@pytest.mark.parametrize(
    ("name", "minutes", "total", "lines"),
    [
        ("mall", 0, "0.00", []),
        ("mall", 15, "0.00", ["15 分钟内免费 = 0.00"]),
        ("mall", 16, "2.50", ["1 个计费单位，每 30 分钟 2.50 = 2.50"]),
        ("mall", 90, "7.50", ["3 个计费单位，每 30 分钟 2.50 = 7.50"]),
        ("mall", 95, "10.00", ["4 个计费单位，每 30 分钟 2.50 = 10.00"]),
        ("mall", 480, "40.00", ["16 个计费单位，每 30 分钟 2.50 = 40.00"]),
        ("mall", 540, "40.00", ["18 个计费单位，每 30 分钟 2.50 = 45.00", "每 24 小时封顶 40.00，共 1 次 = -5.00"]),
        ("mall", 1500, "45.00", ["50 个计费单位，每 30 分钟 2.50 = 125.00", "每 24 小时封顶 40.00，共 1 次 = -80.00"]),
        ("mall", 2880, "80.00", ["96 个计费单位，每 30 分钟 2.50 = 240.00", "每 24 小时封顶 40.00，共 2 次 = -160.00"]),
        ("community", 60, "0.00", ["前 60 分钟免费 = 0.00"]),
        ("community", 61, "2.00", ["前 60 分钟免费 = 0.00", "1 个计费单位，每 60 分钟 2.00 = 2.00"]),
        ("community", 240, "6.00", ["前 60 分钟免费 = 0.00", "3 个计费单位，每 60 分钟 2.00 = 6.00"]),
        ("community", 720, "10.00", ["前 60 分钟免费 = 0.00", "11 个计费单位，每 60 分钟 2.00 = 22.00",
                                      "每 24 小时封顶 10.00，共 1 次 = -12.00"]),
        ("vip", 29, "0.00", ["不足一个计费单位的部分不计费 = 0.00"]),
        ("vip", 75, "12.00", ["2 个计费单位，每 30 分钟 6.00 = 12.00", "不足一个计费单位的部分不计费 = 0.00"]),
        ("office", 10, "0.00", ["10 分钟内免费 = 0.00"]),
        ("office", 60, "12.00", ["4 个计费单位，每 15 分钟 3.00 = 12.00"]),
        ("office", 600, "80.00", ["40 个计费单位，每 15 分钟 3.00 = 120.00", "每 24 小时封顶 80.00，共 1 次 = -40.00"]),
    ],
)  # fmt: skip
def test_golden_explanations(name: str, minutes: int, total: str, lines: list[str]) -> None:
    found = single(TARIFFS[name], entered=ENTERED, until=stayed(minutes))
    assert found.total.amount_text == total
    assert words(found) == lines
    assert found.minutes == minutes


def test_an_explanation_in_english() -> None:
    assert words(single(TARIFFS["mall"], entered=ENTERED, until=stayed(1500)), "en") == [
        "50 units of 30 minutes at 2.50 = 125.00",
        "at most 40.00 in each 24 hours, applied 1 time = -80.00",
    ]


@pytest.mark.parametrize(
    ("of", "minutes", "fee"),
    [
        # Published Singapore rates (LTA/URA data as collected in gtfoo/sg-carpark-rates, tests/rates.test.ts).
        (tariff(30, "3.03", currency="SGD"), 60, "6.06"),  # $3.03 half hourly
        (tariff(30, "1.20", currency="SGD"), 120, "4.80"),  # $1.20 per half hour
        (tariff(60, "1.65", cap="6.00", currency="SGD"), 120, "3.30"),  # $1.65 per hr, max $6.00
        (tariff(60, "1.65", cap="6.00", currency="SGD"), 480, "6.00"),
        (tariff(240, "5.35", currency="SGD"), 120, "5.35"),  # $5.35 every 4 hrs
        (tariff(240, "5.35", currency="SGD"), 300, "10.70"),
        (tariff(1, "0.06", currency="SGD"), 120, "7.20"),  # $0.06 per minute
        (tariff(15, "0.65", free=10, currency="SGD"), 10, "0.00"),  # Changi: 10 minutes' grace, then from minute 0
        (tariff(15, "0.65", free=10, currency="SGD"), 20, "1.30"),
        (tariff(15, "0.65", free=10, currency="SGD"), 60, "2.60"),
        (tariff(1, "0.035", cap="35", currency="SGD"), 1, "0.04"),  # Changi South: 3.5 cents a minute, cap $35 in 24 h
        (tariff(1, "0.035", cap="35", currency="SGD"), 2, "0.07"),
        (tariff(1, "0.035", cap="35", currency="SGD"), 999, "34.97"),
        (tariff(1, "0.035", cap="35", currency="SGD"), 1440, "35.00"),
        # A windowed engine's vectors, inside one window (agent-parksuit): 2 per 30 min, 30 min off, cap 6.
        (tariff(30, "2", free=30, deduct=True, cap="6"), 120, "6.00"),
        (tariff(30, "2"), 65, "6.00"),
    ],
)
def test_published_fees(of: Tariff, minutes: int, fee: str) -> None:
    assert price(of, minutes) == fee


def test_hangzhou_drops_a_remainder_of_fifteen_minutes() -> None:
    # The published table of core roads after the first hour is max(0, ceil((m - 15) / 30)) units: a deduction of 15.
    roads = tariff(30, "6", free=15, deduct=True)
    assert [price(roads, minutes) for minutes in (15, 45, 46, 75, 76)] == ["0.00", "6.00", "12.00", "12.00", "18.00"]


@pytest.mark.parametrize(
    ("exact", "seconds", "total"),
    [(False, 959, "0.00"), (False, 960, "2.50"), (True, 900, "0.00"), (True, 901, "2.50"), (True, 960, "2.50")],
)
def test_seconds_policy(exact: bool, seconds: int, total: str) -> None:
    of = tariff(free=15, exact=exact)
    found = single(of, entered=ENTERED, until=later(ENTERED, seconds * SECOND_US))
    assert found.total.amount_text == total


@pytest.mark.parametrize(
    ("of", "minutes", "change"),
    [
        (tariff(free=15), 0, 16),
        (tariff(free=15), 16, 31),
        (tariff(free=20, deduct=True), 3, 21),
        (tariff(free=20, down=True), 3, 30),
        (tariff(free=40, down=True), 3, 41),
        (tariff(down=True), 30, 60),
        (tariff(cap="5"), 31, 1441),  # the cap is reached: nothing more until the next day
        (tariff(cap="5"), 1440, 1441),
        (tariff(1, "0.0001"), 1, 50),  # half a fen is the first that rounds up
        (tariff(1, "0.0001"), 50, 150),
    ],
)
def test_next_change(of: Tariff, minutes: int, change: int) -> None:
    assert single(of, entered=ENTERED, until=stayed(minutes)).next_change_at == stayed(change)


def test_next_change_of_begun_minutes_is_the_microsecond_after() -> None:
    found = single(tariff(exact=True, free=15), entered=ENTERED, until=stayed(3))
    assert found.next_change_at == later(stayed(15), 1)


def test_what_costs_nothing_never_changes() -> None:
    assert single(tariff(price="0"), entered=ENTERED, until=stayed(3)).next_change_at is None


def segments(*parts: tuple[int, Tariff | str]) -> list[Segment]:
    """Build the segments of a stay from their lengths in minutes; the last is open."""
    result = []
    at = 0
    for index, (minutes, what) in enumerate(parts):
        end = None if index == len(parts) - 1 else stayed(at + minutes)
        is_right = isinstance(what, str)
        result.append(
            Segment(Period(stayed(at), end), None if is_right else what, what if is_right else None)  # type: ignore[arg-type]
        )
        at += minutes
    return result


def at(parts: list[Segment], minutes: int) -> Quote:
    return quote(parts, Terms("CNY"), now=stayed(minutes))


def test_a_resident_costs_nothing_and_the_lines_say_why() -> None:
    found = at(segments((60, "resident")), 60)
    assert found.total == Money(0, "CNY")
    assert words(found) == ["按通行权限（resident）免费 60 分钟 = 0.00"]
    assert (found.outside_minutes, found.minutes, found.next_change_at) == (60, 60, None)


def test_a_permit_that_ends_during_the_stay_is_charged_from_its_end() -> None:
    stay = segments((600, "resident"), (120, TARIFFS["mall"]))
    assert words(at(stay, 660)) == [
        "按通行权限（resident）免费 600 分钟 = 0.00",
        "2 个计费单位，每 30 分钟 2.50 = 5.00",
    ]
    assert at(stay, 615).total == Money(0, "CNY")
    assert at(stay, 30).next_change_at == stayed(616), "the end of the permit is known before it comes"


def test_a_permit_that_begins_during_the_stay_stops_the_price() -> None:
    stay = segments((40, TARIFFS["mall"]), (100, "free"))
    assert at(stay, 20).next_change_at == stayed(31)
    assert at(stay, 31).next_change_at is None
    assert at(stay, 500).total.amount_text == "5.00"


def test_an_inner_area_is_priced_by_itself_and_the_outer_one_runs_on() -> None:
    stay = segments((20, TARIFFS["mall"]), (75, TARIFFS["vip"]), (20, TARIFFS["mall"]))
    found = at(stay, 115)
    assert words(found) == [
        "2 个计费单位，每 30 分钟 2.50 = 5.00",
        "2 个计费单位，每 30 分钟 6.00 = 12.00",
        "不足一个计费单位的部分不计费 = 0.00",
    ]
    assert (found.charged_minutes, found.free_minutes, found.outside_minutes) == (100, 15, 0)


def test_the_span_of_a_cap_begins_with_its_tariff() -> None:
    stay = segments((1000, "resident"), (9999, TARIFFS["mall"]))
    assert at(stay, 2440).total.amount_text == "40.00"
    assert at(stay, 2441).total.amount_text == "42.50"


def test_a_moment_under_a_tariff_does_not_begin_the_span_of_its_cap() -> None:
    stay = segments((0, TARIFFS["mall"]), (1000, "resident"), (9999, TARIFFS["mall"]))
    assert at(stay, 2440).total.amount_text == "40.00"


def test_a_stay_that_has_ended_is_priced_to_its_end() -> None:
    done = [Segment(Period(ENTERED, stayed(95)), TARIFFS["mall"])]
    found = at(done, 4000)
    assert (found.total.amount_text, found.until, found.next_change_at) == ("10.00", stayed(95), None)


@pytest.mark.parametrize(
    ("stay", "now", "reason"),
    [
        ([], 10, "segments"),
        ([Segment(Period(ENTERED), None)], 10, "no_tariff"),
        (segments((10, "resident"), (10, TARIFFS["mall"]))[1:], 5, "before_entry"),
        ([Segment(Period(ENTERED, stayed(5)), TARIFFS["mall"]), Segment(Period(stayed(6)), TARIFFS["mall"])], 9, "gap"),
        ([Segment(Period(ENTERED), TARIFFS["mall"]), Segment(Period(stayed(6)), TARIFFS["mall"])], 9, "gap"),
        ([Segment(Period(ENTERED), tariff(currency="SGD"))], 10, "currency"),
        ([Segment(Period(ENTERED), tariff(unit=0))], 10, "tier"),
        ([Segment(Period(ENTERED), tariff(price="-1"))], 10, "tier"),
        ([Segment(Period(ENTERED), tariff(cap="-1"))], 10, "tariff"),
    ],
)
def test_what_cannot_be_priced_is_an_error_and_never_zero(stay: list[Segment], now: int, reason: str) -> None:
    with pytest.raises(NotComputable) as caught:
        quote(stay, Terms("CNY"), now=stayed(now))
    assert caught.value.code == "tariff.not_computable"
    assert caught.value.params["reason"] == reason
