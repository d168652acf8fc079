"""``openberth tariff`` without a server: what is asked, how it is drawn, and what a person reads in both languages."""

import io
import re
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len
from rich.console import Console

from openberth.entrypoints.cli.app import run
from openberth.entrypoints.cli.pricing import what_if
from openberth.entrypoints.cli.pricing.asking import (
    Marks,
    ask,
    is_file,
    read_coupon,
    read_length,
    read_moment,
    read_month,
    read_visit,
    read_zone,
)
from openberth.entrypoints.cli.pricing.drawing import Steps, length_text, svg, terminal
from openberth.entrypoints.cli.session import Session
from openberth.infra.catalogue import LANGUAGES, Language
from openberth.kernel.errors import Malformed
from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US, HOUR_US, MINUTE_US

ROOT = Path(__file__).parents[4]
MALL = str(ROOT / "tariffs" / "mall.yaml")
SHANGHAI = ZoneInfo("Asia/Shanghai")
NINE = datetime(2026, 11, 20, 9, tzinfo=SHANGHAI)


def said(capsys: pytest.CaptureFixture[str], *line: str, status: int = 0) -> str:
    assert run(list(line)) == status
    return capsys.readouterr().out


# what is asked


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T10:30", NINE + timedelta(minutes=90)),
        ("2026-11-20T02:30:00Z", NINE + timedelta(minutes=90)),
        ("+1d2h30m", NINE + timedelta(hours=26, minutes=30)),
        ("+95m", NINE + timedelta(minutes=95)),
        ("+95min", NINE + timedelta(minutes=95)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert read_moment(text, SHANGHAI, NINE) == moment


def test_a_day_lasts_24_hours_when_the_clocks_are_changed() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    evening = datetime(2026, 10, 24, 20, tzinfo=berlin)
    assert f"{read_moment('+1d', berlin, evening):%d %H:%M}" == "25 19:00"


@pytest.mark.parametrize("text", ["", "+", "tomorrow", "2026-13-01T00:00", "+5x", "+9999d9999h999999m" * 2])
def test_no_moment(text: str) -> None:
    with pytest.raises(Malformed, match=r"cli\.moment"):
        read_moment(text, SHANGHAI, NINE)


def test_a_month_is_one() -> None:
    assert read_month("2026-10") == "2026-10"
    for text in ("2026-13", "2026-00", "26-10", "2026-10-01", "october", ""):
        with pytest.raises(Malformed, match=r"what_if\.month"):
            read_month(text)


def test_lengths_and_zones() -> None:
    assert read_length("1d12h").groups() == ("1", "12", None)
    assert read_length("+90m").groups() == (None, None, "90")
    for wrong in ("", "+", "24", "1w"):
        with pytest.raises(Malformed, match=r"cli\.length"):
            read_length(wrong)
    assert read_zone(None, {"zone": "Asia/Hong_Kong"}).key == "Asia/Hong_Kong"
    assert read_zone("Europe/Paris", {"zone": "Asia/Hong_Kong"}).key == "Europe/Paris"
    assert read_zone(None, {"zone": None}).key == "Asia/Shanghai"
    with pytest.raises(Malformed, match=r"cli\.zone"):
        read_zone("Mars", None)


@pytest.mark.parametrize(
    ("text", "relief"),
    [
        ("amount:5", {"kind": "amount", "amount": {"minor": 500, "currency": "CNY"}}),
        ("amount:0.50", {"kind": "amount", "amount": {"minor": 50, "currency": "CNY"}}),
        ("minutes:60", {"kind": "minutes", "minutes": 60}),
        ("percent:20", {"kind": "percent", "percent": "20"}),
        ("percent:12.5%", {"kind": "percent", "percent": "12.5"}),
        ("until:2026-11-20T18:00", {"kind": "until", "until": "2026-11-20T10:00:00.000000Z"}),
        ("until:+1h", {"kind": "until", "until": "2026-11-20T02:00:00.000000Z"}),
        ("free", {"kind": "free"}),
    ],
)
def test_coupons(text: str, relief: dict[str, Any]) -> None:
    assert read_coupon(text, 1, "CNY", SHANGHAI, NINE) == {"id": "1", **relief}


@pytest.mark.parametrize(
    "text", ["", "free:1", "amount:", "amount:0.001", "amount:-5", "minutes:1.5", "minutes:９", "percent:101", "kiss:1"]
)
def test_no_coupon(text: str) -> None:
    with pytest.raises(Malformed):
        read_coupon(text, 1, "CNY", SHANGHAI, NINE)


def test_visits() -> None:
    asked = read_visit("2026-11-20T08:00/+1h30m", SHANGHAI)
    assert asked == {"start": "2026-11-20T00:00:00.000000Z", "end": "2026-11-20T01:30:00.000000Z"}
    for text in ("2026-11-20T08:00", "08:00/09:00", "2026-11-20T08:00/", "/+1h"):
        with pytest.raises(Malformed):
            read_visit(text, SHANGHAI)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_price_after_other_visits(language: Language, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shared.yaml"
    file.write_text(Path(MALL).read_text("utf-8").replace("caps: [{", "caps: [{across_visits: true, "), "utf-8")
    told = said(
        capsys, "tariff", "quote", str(file), "--from", "2026-11-20T15:00", "--to", "+5h",
        "--visit", "2026-11-20T08:00/+6h", "--language", language,
    )  # fmt: skip
    assert re.findall(r"¥([\d.]+)", told)[0] == "30.00"
    assert re.findall(r"¥([\d.]+)", told)[-1] == "10.00"
    assert "tariff." not in told


def test_a_file_or_a_code(tmp_path: Path) -> None:
    (tmp_path / "odd").write_text("x")
    assert is_file("mall.yaml")
    assert is_file("./mall")
    assert is_file(str(tmp_path / "odd"))
    assert not is_file("mall")


def test_marks_of_a_vehicle_are_asked_for() -> None:
    asked = ask(NINE, NINE, Marks("large", "green", True, "small", 7, True, 2, ["taxi"]), SHANGHAI)
    assert asked["vehicle_class"] == "large"
    assert asked["vehicle"] == {
        "colour": "green", "new_energy": True, "size": "small", "seats": 7, "disabled": True, "spaces": 2,
        "tags": ["taxi"],
    }  # fmt: skip


# how it is drawn


def steps(*points: tuple[int, int], length_us: int = DAY_US) -> Steps:
    return Steps([(after, Money(minor, "CNY")) for after, minor in points], length_us)


STAIRS = steps((0, 0), (16 * MINUTE_US, 250), (6 * HOUR_US, 2000), (12 * HOUR_US, 4000))


def test_the_terminal_shows_every_step() -> None:
    lines = terminal(STAIRS, 60, 8)
    assert len(lines) == 10
    assert all(cell_len(line) <= 60 for line in lines)
    assert lines[0].startswith("40.00 ┤")
    assert lines[4].startswith("20.00 ┤")
    assert lines[8].startswith(" 0.00 └")
    assert lines[9].split() == ["0", "4h", "8h", "12h", "16h", "20h"]
    half = len(lines[0]) // 2
    assert "█" not in lines[0][:half]
    assert lines[0].endswith("█")
    assert lines[7].strip("┤ 0.") != ""  # the lowest price is seen


def test_a_free_tariff_and_an_empty_span_are_drawn() -> None:
    assert "█" not in "".join(terminal(steps((0, 0)), 40, 4))
    assert terminal(steps((0, 100), length_us=0), 40, 4)
    assert "<svg" in svg(steps((0, 0), length_us=0), "t", "s")


def test_the_picture_is_svg_with_steps_where_they_lie() -> None:
    picture = svg(STAIRS, "mall <1> & more", "below")
    tree = ElementTree.fromstring(picture)
    texts = [each.text for each in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:2] == ["mall <1> & more", "below"]
    assert "40.00" in texts
    assert "12h" in texts
    (path,) = tree.iter("{http://www.w3.org/2000/svg}path")
    assert path.get("d") == "M90 420 H99 V398 H300 V240 H510 V60 H930"


@pytest.mark.parametrize(
    ("us", "text"),
    [(0, "0"), (45 * MINUTE_US, "45m"), (2 * HOUR_US, "2h"), (30 * HOUR_US, "1d6h"), (DAY_US + MINUTE_US, "1d1m")],
)
def test_lengths_on_an_axis(us: int, text: str) -> None:
    assert length_text(us) == text


# what a person reads


def test_a_file_is_checked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    told = said(capsys, "tariff", "check", MALL, "--language", "en")
    assert "  up to 15 min are free; a longer stay is charged from its first minute\n" in told
    assert told.endswith("no mistakes, 0 warnings\n")
    broken = tmp_path / "broken.yaml"
    broken.write_text(Path(MALL).read_text("utf-8").replace("price:", "prise:").replace("caps:", "cups:"))
    assert run(["tariff", "check", str(broken), "--language", "en"]) == 1
    errors = capsys.readouterr().err
    assert re.search(rf"{re.escape(str(broken))}:\d+: charge\.prise: there is no key prise; is price meant\?", errors)
    assert "cups" in errors
    assert "mistakes" in errors.splitlines()[-1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_price_adds_up(language: Language, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(
        capsys, "tariff", "quote", MALL, "--from", "2026-11-20T09:00", "--to", "+1d2h", "--coupon", "minutes:60",
        "--coupon", "amount:5", "--language", language,
    )  # fmt: skip
    rows = [re.findall(r"(?:(\d+)\s+)?(-?)¥([\d.]+)\s*$", line) for line in told.splitlines()]
    figures = [found[0] for found in rows if found]
    money = [int(amount.replace(".", "")) * (-1 if sign else 1) for _, sign, amount in figures]
    minutes = [int(number or 0) for number, _, _ in figures]
    assert len(figures) >= 4
    assert sum(money[:-1]) == money[-1]
    assert sum(minutes[:-1]) == minutes[-1] == 1560
    assert "2026-11-21 11:01:00" in told
    assert "tariff.line" not in told


def test_a_class_and_a_zone(capsys: pytest.CaptureFixture[str]) -> None:
    hospital = str(ROOT / "tariffs" / "hospital.yaml")
    line = ["tariff", "quote", hospital, "--from", "2026-11-20T09:00", "--to", "+2h", "--language", "en"]
    assert "¥6.00" in said(capsys, *line, "--class", "large")
    assert "¥6.00" in said(capsys, *line, "--size", "large")
    assert "Europe/Paris" in said(capsys, *line, "--zone", "Europe/Paris")
    assert run([*line, "--class", "truck"]) == 1
    assert "known are" in capsys.readouterr().err


def test_a_curve_as_picture_and_as_data(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = ["tariff", "curve", MALL, "--from", "2026-11-20T09:00", "--language", "en"]
    drawn = said(capsys, *line, "--svg", str(tmp_path / "mall.svg"), "--csv", str(tmp_path / "mall.csv"))
    assert "17 prices in all" in drawn
    assert re.search(r"\n +4h +¥20\.00\n", drawn)
    assert ElementTree.parse(tmp_path / "mall.svg").getroot().tag.endswith("svg")
    written = (tmp_path / "mall.csv").read_text()
    assert written.splitlines()[:3] == [
        "at,minutes,total,currency",
        "2026-11-20T01:00:00.000000Z,0,0.00,CNY",
        "2026-11-20T01:16:00.000000Z,16,2.50,CNY",
    ]
    assert said(capsys, *line, "--csv", "-") == written
    assert run([*line, "--csv", str(tmp_path / "no" / "where.csv")]) == 1


def test_what_a_month_would_have_brought() -> None:
    def yuan(minor: int) -> dict[str, Any]:
        return {"minor": minor, "currency": "CNY"}

    answer = {
        "lot": "mall", "month": "2026-10", "tariff": "mall",
        "result": {
            "stays": 1234, "with_draft": 1200, "then": yuan(100_000), "paid": yuan(95_000), "draft": yuan(90_050),
            "difference": yuan(-9_950), "refused_then": yuan(750),
            "refused": [{"reason": "no_plan", "text": "none of the plans may be used", "stays": 3}],
            "buckets": [
                {"above_minutes": 0, "upto_minutes": 30, "stays": 4, "then": yuan(0), "draft": yuan(100)},
                {"above_minutes": 1440, "upto_minutes": None, "stays": 2, "then": yuan(900), "draft": yuan(800)},
            ],
        },
    }  # fmt: skip
    out = io.StringIO()
    what_if.show(answer, Session("en", out=Console(file=out, width=100)))
    told = out.getvalue()
    assert re.search(r"difference +-¥99\.50 \(-10\.0 %\)", told)  # -9.95 % of 1 000.00
    assert re.search(r"≤ 30m +4 +¥0\.00 +¥1\.00 +\+¥1\.00", told)
    assert re.search(r"> 1d +2 +¥9\.00 +¥8\.00 +-¥1\.00", told)
    assert "3 stays have no price: none of the plans may be used" in told


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(655, 12_345, " (+5.3 %)"), (-655, 12_345, " (-5.3 %)"), (0, 100, " (0.0 %)"), (5, 0, ""), (1, 3, " (+33.3 %)")],
)
def test_shares(part: int, whole: int, text: str) -> None:
    assert what_if.share(Money(part, "CNY"), Money(whole, "CNY")) == text
