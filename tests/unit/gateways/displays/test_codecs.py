"""Frames of displays: the published ones byte for byte, their bounds, and what has no form in GBK."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from openberth.contexts.facility.document import read_lot
from openberth.contexts.facility.document.writing import lot_text
from openberth.contexts.facility.model.displays import PLACES, Maker
from openberth.gateways.displays import fk, kf, remaining
from openberth.gateways.displays.texts import Unshowable, fitted, gbk, shown, width
from openberth.simulator.devices.display import Display

PUBLISHED = json.loads((Path(__file__).parents[3] / "vectors/displays.json").read_text())["frames"]
COLOURS = {"red": kf.RED, "green": kf.GREEN}


def _lines(says: dict[str, Any]) -> bytes:
    lines = [kf.Line(text, COLOURS[colour], kf.Mode(mode), stays) for text, colour, mode, stays in says["lines"]]
    return (kf.lines_old if says.get("old") else kf.lines)(lines, says["voice"])


def _code(says: dict[str, Any]) -> bytes:
    return kf.payment_code(says["code"], says["below"], seconds=says["seconds"], small=says["small"])


MADE: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "brightness": lambda says: kf.brightness(says["brightness"]),
    "volume": lambda says: kf.volume(says["volume"]),
    "speak": lambda says: kf.speak(says["speak"], kf.Say(says["say"])),
    "stop": lambda _: kf.stop_speaking(),
    "line": lambda says: kf.line(says["line"]["number"], kf.Line(says["line"]["text"])),
    "advert": lambda says: kf.advert(says["advert"]["number"], kf.Line(says["advert"]["text"], mode=kf.Mode.MOVING)),
    "lines": _lines,
    "code": _code,
    "number": lambda says: remaining.show(says["number"], remaining.Colour(says["colour"])),
}


@pytest.mark.parametrize("frame", PUBLISHED, ids=lambda frame: str(frame["name"]))
def test_published_frames_byte_for_byte(frame: dict[str, Any]) -> None:
    says, expected = frame["says"], bytes.fromhex(frame["hex"])
    if "time" in says:  # its weekday is misprinted: everything else, and the sum of what was printed, must hold
        made = kf.set_time(datetime.fromisoformat(says["time"]))
        assert made[:10] + bytes((says["weekday_printed"],)) + made[11:-2] == expected[:-2]
    else:
        assert next(make for word, make in MADE.items() if word in says)(says) == expected
    display = Display()
    display.read(expected)
    assert (display.frames, display.broken) == (1, 0)


def test_a_week_begins_on_sunday() -> None:
    assert [kf.set_time(datetime(2026, 11, day, tzinfo=UTC))[10] for day in (22, 23, 28)] == [1, 2, 7]


def test_second_maker_frames_as_the_software_that_drives_them_builds_them() -> None:
    spoken = fk.speak(["粤B12345", fk.Phrase.WELCOME], sequence=7)
    assert spoken[:8].hex() == "aa55076400220009"
    assert spoken[8:-3] == "粤B12345".encode("gbk") + b"\x01"
    assert spoken[-1] == 0xAF
    four = fk.show([fk.Line("粤B12345", fk.Colour.RED), fk.Line("临时车")], seconds=120, sequence=100)
    assert four[8:-3] == bytes((120, 1, 8)) + "粤B12345".encode("gbk") + bytes((120, 2, 6)) + "临时车".encode("gbk") + (
        bytes((120, 2, 0)) * 2
    )
    assert fk.volume(6, sequence=1)[5:9] == bytes((0xF0, 0, 1, 6))
    assert fk.advert(0, fk.Line("余位 12"), sequence=1)[8:11] == bytes((1, 2, 0))


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0"), (7, "7"), (10, "1十"), (12, "1十2"), (100, "1百"), (105, "1百05"), (110, "1百1十"), (1005, "1千05"),
     (2050, "2千05十"), (9999, "9千9百9十9")],
)  # fmt: skip
def test_numbers_are_spelt_with_their_units(number: int, said: str) -> None:
    assert fk.spelt(number) == said


@pytest.mark.parametrize(
    "make",
    [
        lambda: kf.line(4, kf.Line("x")),
        lambda: kf.line(-1, kf.Line("x")),
        lambda: kf.line(0, kf.Line("x" * 237)),
        lambda: kf.advert(0, kf.Line("x" * 236)),
        lambda: kf.lines([]),
        lambda: kf.lines([kf.Line("x")] * 5),
        lambda: kf.lines([kf.Line("车" * 17)]),
        lambda: kf.lines_old([kf.Line("车" * 16)] * 4, "车" * 40),
        lambda: kf.speak("车" * 128),
        lambda: kf.brightness(9),
        lambda: kf.volume(101),
        lambda: kf.payment_code("x" * 222),
        lambda: kf.payment_code("x" * 200, "y" * 22),
        lambda: kf.payment_code("x", seconds=256),
        lambda: kf.set_time(datetime(2100, 1, 1, tzinfo=UTC)),
        lambda: fk.speak(["车" * 128], sequence=1),
        lambda: fk.speak([], sequence=0),
        lambda: fk.speak([], sequence=101),
        lambda: fk.show([fk.Line("")] * 5, seconds=1, sequence=1),
        lambda: fk.show([fk.Line("x" * 61)], seconds=1, sequence=1),
        lambda: fk.show([], seconds=0, sequence=1),
        lambda: fk.show([], seconds=256, sequence=1),
        lambda: fk.advert(4, fk.Line(""), sequence=1),
        lambda: fk.volume(11, sequence=1),
        lambda: fk.spelt(10_000),
        lambda: remaining.show(-1),
        lambda: remaining.show(65_536),
    ],
)
def test_what_does_not_fit_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(Unshowable):
        make()


def test_a_refusal_says_nothing_of_the_text() -> None:
    with pytest.raises(Unshowable) as refused:
        kf.line(0, kf.Line("粤B12345" * 40))
    assert "粤" not in str(refused.value)
    assert "12345" not in str(refused.value)


def test_what_gbk_does_not_know_stands_there_as_a_box() -> None:
    assert shown("€5 𠮷 粤B\u20ac") == "□5 □ 粤B□"
    assert shown("a\nb\x00c\x1bd\u202ee") == "a b□c□d□e"
    assert gbk("车□", most=4) == b"\xb3\xb5\xa1\xf5"


def test_a_line_is_cut_between_characters() -> None:
    assert fitted("粤B12345", 6) == "粤B123"
    assert fitted("车车车", 5) == "车车"
    assert width("粤B12345") == 8


PAGE = (Path(__file__).parents[4] / "docs/devices/displays.md").read_text("utf-8")


def test_frames_of_the_guide_are_what_the_codecs_make() -> None:
    calls = re.findall(r"^((?:kf|remaining)\.\w+\(.*\)) {2,}((?:[0-9A-F]{2} ?)+)$", PAGE, re.MULTILINE)
    assert len(calls) == 6
    for call, expected in calls:
        made = eval(call, {"kf": kf, "remaining": remaining})
        assert made == bytes.fromhex(expected), call


def test_lot_files_of_the_guide_are_read_and_written_alike() -> None:
    mall = (Path(__file__).parents[4] / "lots/mall.yaml").read_text("utf-8")
    bare = re.sub(r"^displays:.*?(?=^plan:)", "", mall, flags=re.MULTILINE | re.DOTALL)
    parts = re.findall(r"```yaml\n(displays:.*?)```", PAGE, re.DOTALL)
    assert len(parts) == 3
    for part in parts:
        lot = read_lot(bare + part, name="guide")
        assert lot.displays.screens
        assert read_lot(lot_text(lot), name="again").displays == lot.displays


def test_the_guide_names_every_maker_and_moment() -> None:
    assert all(f"`{maker.value}`" in PAGE for maker in Maker)
    for moment, places in PLACES.items():
        (row,) = [
            line for line in PAGE.splitlines() if line.startswith("| `") and f"`{moment.value}`" in line.split("|")[1]
        ]
        named = set(re.findall(r"`(\w+)`", row.split("|")[3]))
        assert named <= places - {"lot", "lane", "free"} | {"days"}
        assert places - {"lot", "lane", "free", "days"} <= named
