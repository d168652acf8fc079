"""How figures become words: money, spans, clock times, bars, widths."""

import pytest
from rich.cells import cell_len

from openberth.entrypoints.cli.top.words import age_text, bar, clock_text, fitted, milliseconds_text, money_text
from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US, HOUR_US, MINUTE_US, SECOND_US, from_iso


@pytest.mark.parametrize(
    ("money", "words"),
    [
        (Money(0, "CNY"), "¥0.00"),
        (Money(124_050, "CNY"), "¥1,240.50"),
        (Money(-5, "CNY"), "-¥0.05"),
        (Money(1_250, "HKD"), "12.50 HKD"),
        (Money(1_234_567, "JPY"), "1,234,567 JPY"),
        (Money(-100, "SGD"), "-1.00 SGD"),
    ],
)
def test_money(money: Money, words: str) -> None:
    assert money_text(money) == words


@pytest.mark.parametrize(
    ("us", "words"),
    [
        (-5 * SECOND_US, "0 s"),
        (59 * SECOND_US + 999_999, "59 s"),
        (MINUTE_US, "1 min"),
        (HOUR_US - 1, "59 min"),
        (3 * HOUR_US, "3 h"),
        (50 * HOUR_US, "2 d"),
        (400 * DAY_US, "400 d"),
    ],
)
def test_spans_take_their_largest_unit(us: int, words: str) -> None:
    assert age_text(us, "en") == words


def test_clock_times_are_those_of_the_zone() -> None:
    instant = from_iso("2026-11-20T23:30:05Z")
    assert clock_text(instant, "Asia/Shanghai") == "07:30:05"
    assert clock_text(instant, "No/Where") == "23:30:05Z"


@pytest.mark.parametrize(("us", "words"), [(0, "0.0 ms"), (850, "0.8 ms"), (9_999, "9.9 ms"), (10_000, "10 ms")])
def test_milliseconds(us: int, words: str) -> None:
    assert milliseconds_text(us) == words


@pytest.mark.parametrize(
    ("part", "whole", "drawn"),
    [
        (0, 100, "    "),
        (1, 10_000, "▏   "),  # one car is seen in the largest lot
        (50, 100, "██  "),
        (54, 100, "██▏ "),
        (100, 100, "████"),
        (140, 100, "████"),
        (-3, 100, "    "),
        (5, 0, "    "),
    ],
)
def test_bars(part: int, whole: int, drawn: str) -> None:
    assert bar(part, whole, 4) == drawn


def test_a_bar_without_room_is_nothing() -> None:
    assert bar(1, 2, 0) == ""


def test_texts_are_cut_by_cells_not_by_characters() -> None:
    assert fitted("翠湖花园", 8) == "翠湖花园"
    for width in range(1, 8):
        assert cell_len(fitted("翠湖花园", width)) <= width
        assert fitted("翠湖花园", width).endswith("…")
    assert fitted("abc", 0) == ""
