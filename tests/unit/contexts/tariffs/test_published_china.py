"""Published tariffs of mainland China: what the sources say, and what the field decides where they leave it open.

Amounts are those of the sources or follow from their rules by hand; none comes from the engine.
"""

import pytest

from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tariffs.model import Tariff
from tests.unit.contexts.tariffs.cases import FOLDER, fee, ready, stated


def changed(code: str, old: str, new: str) -> Tariff:
    """Return a tariff of the library with one field changed: the one that decides what its source leaves open."""
    text = (FOLDER / f"{code}.yaml").read_text("utf-8")
    assert old in text
    return read_tariff(text.replace(old, new), name=code)


# Beijing on-street, by class: day 7-19 first hour and then per quarter hour, night 1 per 2 h, incomplete units free.
# yfs8.com, simonwener.
@pytest.mark.parametrize(
    ("at", "stay", "expected"),
    [
        ("10:00", "14 min", "0.00"),
        ("10:00", "15 min", "2.50"),
        ("10:00", "1 h", "10.00"),
        ("10:00", "2 h", "25.00"),
        ("10:00", "2 h 14 min", "25.00"),
        ("18:00", "4 h", "11.00"),
        ("20:00", "10 h", "5.00"),
        ("07:00", "24 h", "181.00"),
    ],
)
def test_beijing_class_1(at: str, stay: str, expected: str) -> None:
    assert fee(ready("beijing-street-1"), "Mon", at, stay) == expected


@pytest.mark.parametrize(
    ("code", "hour", "next_hour"), [(1, "10.00", "25.00"), (2, "6.00", "15.00"), (3, "2.00", "5.00")]
)
def test_beijing_by_class(code: int, hour: str, next_hour: str) -> None:
    tariff = ready(f"beijing-street-{code}")
    assert (fee(tariff, "Mon", "10:00", "1 h"), fee(tariff, "Mon", "10:00", "2 h")) == (hour, next_hour)


DAY_HOURS = 'hours: "07:00-19:00"'


@pytest.mark.parametrize(
    ("counting", "expected"),
    [
        ("window", "26.00"),  # 10 in the evening, 6 at night, and the first hour again: 10
        ("band", "31.00"),  # the morning is the second hour: 4 x 3.75
    ],
)
def test_beijing_whether_the_first_hour_begins_again_is_decided_by_counting(counting: str, expected: str) -> None:
    tariff = changed("beijing-street-1", DAY_HOURS, f"{DAY_HOURS}\n    counting: {counting}")
    assert fee(tariff, "Mon", "18:00", "14 h") == expected


@pytest.mark.parametrize(
    ("counting", "expected"),
    [
        ("window", "13.50"),  # 55 minutes hold 3 units, the 10 of the morning none; night 6
        ("band", "16.00"),  # 65 minutes hold 4 units
    ],
)
def test_beijing_whether_a_unit_goes_on_after_the_night_is_decided_by_counting(counting: str, expected: str) -> None:
    tariff = changed("beijing-street-1", DAY_HOURS, f"{DAY_HOURS}\n    counting: {counting}")
    assert fee(tariff, "Mon", "18:05", "13 h 5 min") == expected


# Shenzhen on-street, by class: workdays 7:30-20:00, other days 10-20, first 10 minutes free. szrtc.cn 2024-03.
@pytest.mark.parametrize(
    ("at", "stay", "expected"),
    [
        ("07:30", "12 h 30 min", "223.00"),  # the published check: 3 + 5 x 6 + 19 x 10
        ("10:00", "10 min", "0.00"),
        ("10:00", "11 min", "3.00"),
        ("10:00", "31 min", "9.00"),
        ("10:00", "1 h", "9.00"),
        ("10:00", "3 h", "33.00"),
        ("10:00", "3 h 1 min", "43.00"),
        ("06:00", "2 h", "3.00"),
    ],
)
def test_shenzhen_class_1_on_workdays(at: str, stay: str, expected: str) -> None:
    assert fee(ready("shenzhen-street-1"), "Mon", at, stay) == expected


# ≤ half an hour / to three hours / beyond, per half hour, on workdays and on other days.
SHENZHEN = [
    (1, "Mon", ("3.00", "9.00", "33.00", "43.00")), (1, "Sat", ("1.20", "3.60", "13.20", "17.20")),
    (2, "Mon", ("1.80", "5.40", "19.80", "24.80")), (2, "Sat", ("0.90", "2.40", "8.40", "10.90")),
    (3, "Mon", ("1.20", "3.60", "13.20", "17.20")), (3, "Sat", ("0.60", "1.50", "5.10", "6.60")),
]  # fmt: skip


@pytest.mark.parametrize(("area", "day", "expected"), SHENZHEN)
def test_shenzhen_by_class_and_day(area: int, day: str, expected: tuple[str, ...]) -> None:
    tariff = ready(f"shenzhen-street-{area}")
    stays = ("30 min", "1 h", "3 h", "3 h 30 min")
    assert tuple(fee(tariff, day, "11:00", stay) for stay in stays) == expected


@pytest.mark.parametrize(("counts", "expected"), [("chargeable", "0.00"), ("stay", "3.00")])
def test_shenzhen_whether_the_free_minutes_run_before_half_past_seven(counts: str, expected: str) -> None:
    tariff = changed("shenzhen-street-1", "counts: chargeable", f"counts: {counts}")
    assert fee(tariff, "Mon", "07:25", "13 min") == expected  # 8 of them are charged minutes


# Hangzhou roads, core / I / II: every row of the published table. bbs.xiashahot.com.
HANGZHOU = [
    ((16, 30), ("5.00", "3.00", "2.00")), ((31, 45), ("5.00", "3.00", "2.00")), ((46, 60), ("10.00", "6.00", "4.00")),
    ((61, 75), ("10.00", "6.00", "4.00")), ((76, 90), ("16.00", "10.00", "7.00")),
    ((106, 120), ("22.00", "14.00", "10.00")), ((136, 150), ("28.00", "18.00", "13.00")),
    ((166, 180), ("34.00", "22.00", "16.00")), ((1, 15), ("0.00", "0.00", "0.00")),
]  # fmt: skip


@pytest.mark.parametrize(("row", "expected"), HANGZHOU)
def test_hangzhou(row: tuple[int, int], expected: tuple[str, ...]) -> None:
    for minutes in row:
        found = [fee(ready(f"hangzhou-street-{area}"), "Mon", "10:00", f"{minutes} min") for area in ("core", "1", "2")]
        assert tuple(found) == expected


def test_hangzhou_nights_and_large_vehicles() -> None:
    core = ready("hangzhou-street-core")
    assert fee(core, "Mon", "20:00", "12 h") == "5.00"
    assert fee(core, "Mon", "20:00", "12 h", "size large") == "10.00"
    assert fee(core, "Mon", "10:00", "76 min", "size large") == "32.00"


# West Lake: 30/20/10 per hour by season class, up to an hour counts as one, then half hours; night 5 a visit.
@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-04-06", ("30.00", "45.00")), ("2026-07-06", ("20.00", "30.00")), ("2026-12-07", ("10.00", "15.00"))],
)
def test_west_lake(day: str, expected: tuple[str, str]) -> None:
    tariff = ready("west-lake")
    assert (fee(tariff, day, "10:00", "1 h"), fee(tariff, day, "10:00", "61 min")) == expected
    assert fee(tariff, day, "20:30", "2 h") == "5.00"


# Funing hospital: 30 minutes free, a visit of up to 4 h 5, longer 8 a day; large 6 / 10; EV 1 h, disabled 3 h free.
@pytest.mark.parametrize(
    ("stay", "vehicle", "expected"),
    [
        ("30 min", "", "0.00"),
        ("31 min", "", "5.00"),
        ("4 h", "", "5.00"),
        ("4 h 1 min", "", "8.00"),
        ("48 h", "", "16.00"),
        ("4 h", "size large", "6.00"),
        ("5 h", "size large", "10.00"),
        ("1 h", "new_energy", "0.00"),
        ("5 h", "new_energy", "8.00"),
        ("3 h", "disabled", "0.00"),
        ("4 h", "disabled", "5.00"),
    ],
)
def test_funing_hospital(stay: str, vehicle: str, expected: str) -> None:
    assert fee(ready("hospital"), "Mon", "10:00", stay, vehicle) == expected


@pytest.mark.parametrize(("days", "expected"), [("rolling_24h", "8.00"), ("day", "16.00")])
def test_funing_hospital_whether_a_day_is_24_hours_or_a_date_is_decided_by_the_cycle(days: str, expected: str) -> None:
    cycle = "{kind: rolling, hours: 24}" if days == "rolling_24h" else "{kind: day}"
    body = f'charge: {{unit_minutes: 1440, price: "8.00"}}\ncycle: {cycle}'
    assert fee(stated(body, "CNY", "Asia/Shanghai"), "Mon", "20:00", "8 h") == expected


# Taiyuan, draft for electric cars: hubs and hospitals 1 h free; elsewhere 2 h free, 2-4 h at 50 %, then full.
@pytest.mark.parametrize(
    ("stay", "expected"), [("2 h", "0.00"), ("3 h", "3.00"), ("4 h", "6.00"), ("5 h", "12.00"), ("6 h", "18.00")]
)
def test_taiyuan(stay: str, expected: str) -> None:
    assert fee(ready("taiyuan-ev"), "Mon", "10:00", stay, "new_energy") == expected  # 6.00 an hour is full


def test_taiyuan_hubs_and_nights() -> None:
    hub = stated('free: {minutes: 60, mode: deduct}\ncharge: {unit_minutes: 60, price: "6.00"}', "CNY")
    assert [fee(hub, "Mon", "10:00", stay) for stay in ("1 h", "61 min", "2 h")] == ["0.00", "6.00", "6.00"]
    assert fee(ready("taiyuan-ev"), "Mon", "23:00", "7 h", "new_energy") == "0.00"


# Residential ladders: 新贵华城; wenke99; Minhang; 186177.
@pytest.mark.parametrize(
    ("stay", "vehicle", "expected"),
    [
        ("1 h", "", "0.00"),
        ("2 h", "", "5.00"),
        ("2 h 1 min", "", "10.00"),
        ("8 h", "", "10.00"),
        ("8 h 1 min", "", "15.00"),
        ("12 h", "", "15.00"),
        ("12 h 1 min", "", "20.00"),
        ("24 h", "", "20.00"),
        ("26 h", "", "25.00"),  # 20 per day and the remainder by the same table
        ("48 h", "", "40.00"),
        ("1 h", "tag owner", "0.00"),
        ("2 h", "tag owner", "5.00"),
        ("24 h", "tag owner", "5.00"),
        ("48 h", "tag owner", "10.00"),
    ],
)
def test_residential_ladder(stay: str, vehicle: str, expected: str) -> None:
    assert fee(ready("residential-ladder"), "Mon", "10:00", stay, vehicle) == expected


@pytest.mark.parametrize(
    ("stay", "expected"),
    [("2 h", "0.00"), ("12 h", "5.00"), ("24 h", "10.00"), ("26 h", "10.00"), ("36 h", "15.00"), ("48 h", "20.00")],
)
def test_residential_steps(stay: str, expected: str) -> None:
    assert fee(ready("residential-steps"), "Mon", "10:00", stay) == expected


@pytest.mark.parametrize(
    ("stay", "expected"), [("1 h", "0.00"), ("61 min", "2.00"), ("4 h", "6.00"), ("6 h", "10.00"), ("24 h", "10.00")]
)
def test_community_186177(stay: str, expected: str) -> None:
    assert fee(ready("community"), "Mon", "10:00", stay) == expected


@pytest.mark.parametrize(("stay", "expected"), [("1 h", "0.00"), ("8 h", "5.00"), ("9 h", "10.00"), ("24 h", "10.00")])
def test_community_in_minhang(stay: str, expected: str) -> None:
    rungs = '{up_to_minutes: 60, total: "0"}, {up_to_minutes: 480, total: "5"}, {up_to_minutes: 1440, total: "10"}'
    body = f"charge: {{ladder: [{rungs}], repeat_minutes: 1440}}"
    assert fee(stated(body, "CNY", "Asia/Shanghai"), "Mon", "10:00", stay) == expected


# Shanghai on-street: 7:30-19:30 first hour 15, then 10 per half hour; night 10 per visit; large +5.
@pytest.mark.parametrize(
    ("at", "stay", "vehicle", "expected"),
    [
        ("10:00", "1 h", "", "15.00"),
        ("10:00", "90 min", "", "25.00"),
        ("10:00", "3 h", "", "55.00"),
        ("22:00", "9 h", "", "10.00"),
        ("10:00", "1 h", "size large", "20.00"),
        ("22:00", "9 h", "size large", "15.00"),
    ],
)
def test_shanghai(at: str, stay: str, vehicle: str, expected: str) -> None:
    assert fee(ready("shanghai-street"), "Mon", at, stay, vehicle) == expected
