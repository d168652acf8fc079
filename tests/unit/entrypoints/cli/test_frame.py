"""The live view fits its terminal exactly, says what matters, and never shows old figures as fresh."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from openberth.contexts.facility import LotState
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.top.frame import STATE_STYLES, frame, natural_height
from openberth.entrypoints.cli.top.model import Board
from openberth.entrypoints.cli.top.reading import passages_of
from openberth.infra.catalogue import LANGUAGES, Language
from openberth.kernel.money import Money
from tests.unit.entrypoints.cli.boards import board, lane, lot, passage, waiting


def drawn(board: Board, width: int = 80, height: int = 24, language: Language = "en", now_s: float = 101.0,
          extra: tuple[Text, ...] = ()) -> list[str]:  # fmt: skip
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None, force_terminal=True)
    picture = frame(board, Session(language), width=width, height=height, now_s=now_s, extra=extra)
    lines = console.render_lines(picture, console.options.update(width=width, height=height), pad=False)
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "height"), [(60, 12), (80, 24), (100, 30), (118, 20), (140, 40), (220, 60)])
def test_a_frame_fits_exactly(width: int, height: int, language: Language) -> None:
    many = board(100.0, *(lot(f"lot-{number}") for number in range(9)))
    for full in (board(), many):
        lines = drawn(full, width, height, language, extra=(Text("town"),))
        assert len(lines) == height
        assert max(cell_len(line) for line in lines) <= width
        assert not any("┌" in line or "╭" in line for line in lines)  # rich's placeholder for empty content


def test_it_says_what_matters() -> None:
    text = "\n".join(drawn(board(), 140, 40))
    for words in (
        "09:30:00 ×60", "Harbour Mall (mall)", "148/400", "¥1,240.50", "mall/out-1", "粤B·**911", "has to pay ¥5.00",
        "12 s", "casual parking, let in", "4 min", "plate not read", "1 silent: mall/bar-in-1", "● live",
    ):  # fmt: skip
        assert words in text, words


def test_it_says_it_in_chinese_too() -> None:
    text = "\n".join(drawn(board(), 140, 40, "zh"))
    for words in ("海港城", "开放", "请扫码付款 ¥5.00", "未识别到车牌", "待处理异常 1", "● 实时"):
        assert words in text, words


def test_old_figures_are_said_to_be_old() -> None:
    assert "● live" in drawn(board(at_s=100.0), now_s=102.9)[0]
    stale = drawn(board(at_s=100.0), now_s=112.4)[0]
    assert "no answer for 12 s, figures are old" in stale
    assert "live" not in stale


def test_a_lost_feed_is_said() -> None:
    without = board()
    without.feed_live = False
    assert "feed reconnecting" in drawn(without)[0]


def test_before_the_first_answer_it_says_why_there_is_none() -> None:
    empty = Board(trouble="openberth: nobody there")
    assert "nobody there" in "\n".join(drawn(empty))
    assert "waiting for the first answer" in drawn(empty)[0]


def test_a_car_that_was_held_and_let_through_is_no_longer_shown_as_held() -> None:
    seen = board()
    seen.take_passages("mall", passages_of({"items": [passage(9, action="hold", reason="exit.unpaid")]}))
    assert "waited, then let through" in "\n".join(drawn(seen))
    seen.take_passages(
        "mall", passages_of({"items": [passage(9, action="hold", reason="exit.unpaid", state="waiting")]})
    )
    assert "not paid yet" in "\n".join(drawn(seen, 140, 40))


def test_waiting_cars_come_first_when_not_all_lanes_fit() -> None:
    lanes = [lane(f"in-{number}", "entry") for number in range(30)] + [lane("out-9", "exit", waiting())]
    lines = drawn(board(100.0, lot(lanes=lanes)), 80, 24)
    assert any("mall/out-9" in line for line in lines)
    assert any("and " in line and " more" in line for line in lines)


def test_the_money_line_adds_up_in_itself() -> None:
    counted = board()
    counted.takings["mall"] = {"cash": Money(1_000, "CNY"), "sandpay": Money(200, "CNY")}
    text = "\n".join(drawn(counted, 140, 40))
    assert "today ¥12.00 · cash ¥10.00 · sandpay ¥2.00 · due ¥5.00" in text


def test_no_method_of_the_money_line_is_cut_off() -> None:
    counted = board()
    methods = ("alipay", "cash", "pos", "prepaid", "sandpay", "wechatpay")
    counted.takings["mall"] = {method: Money(1_234_500, "CNY") for method in methods}
    text = "\n".join(drawn(counted, 80, 40))
    for words in ("Alipay", "cash", "card terminal", "Prepaid accounts", "sandpay", "WeChat Pay"):
        assert f"{words} ¥12,345.00" in text
    assert "today ¥74,070.00" in text
    assert "due ¥5.00" in text


def test_a_terminal_that_is_too_small_is_told_so() -> None:
    assert "too small" in drawn(board(), 59, 24)[0]
    assert "too small" in drawn(board(), 80, 11)[0]


@pytest.mark.parametrize("width", [80, 140])
def test_the_natural_height_hides_no_lane(width: int) -> None:
    lanes = [lane(f"in-{number}", "entry") for number in range(25)]
    full = board(100.0, lot(lanes=lanes))
    lines = drawn(full, width, natural_height(full, width=width))
    assert sum("mall/in-" in line and "no car" in line for line in lines) >= 24
    assert not any(" more" in line for line in lines)


def test_every_state_of_a_lot_has_a_style() -> None:
    assert set(STATE_STYLES) == {state.value for state in LotState}


@pytest.mark.parametrize(("width", "height"), [(60, 12), (80, 24), (140, 40)])
def test_alarms_have_a_line_as_long_as_they_stand(width: int, height: int) -> None:
    full = board()
    assert not any("alarms" in line for line in drawn(full, width, height))
    full.alarms = ("The calendar cn ends with 2026-12-31. " + "Set the days. " * 9, "another")
    lines = drawn(full, width, height)
    assert len(lines) == height
    assert max(cell_len(line) for line in lines) <= width
    assert [line for line in lines if line.startswith("alarms 2: The calendar cn ends")]
    assert any(line.startswith("告警 2 条：") for line in drawn(full, width, height, "zh"))
