"""Every frame that a codec makes is read by a decoder that shares no code with it, and says what was meant."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from openberth.gateways.displays import fk, kf, remaining
from openberth.gateways.displays.texts import Unshowable, fitted, shown, width
from openberth.simulator.devices.display import Display

YEARS = datetime(1970, 1, 1), datetime(2099, 12, 31)  # noqa: DTZ001 - a wall clock
anything = st.text(max_size=60)
lines = st.lists(
    st.builds(kf.Line, st.text(max_size=16), st.sampled_from((kf.RED, kf.GREEN, kf.YELLOW)), st.sampled_from(kf.Mode)),
    min_size=1, max_size=4,
)  # fmt: skip
plates = st.text("京粤沪港澳ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", min_size=1, max_size=10)


def read(*frames: bytes) -> Display:
    display = Display()
    for frame in frames:
        display.read(frame)
    assert (display.frames, display.broken) == (len(frames), 0)
    return display


@given(anything, st.sampled_from(kf.Say))
def test_what_is_said_is_heard(text: str, say: kf.Say) -> None:
    assert read(kf.speak(text, say)).heard[-1] == shown(text).strip()


@given(st.integers(0, 3), anything)
def test_lines_stand_where_they_belong(number: int, text: str) -> None:
    display = read(kf.line(number, kf.Line(text, kf.GREEN)), kf.advert(number, kf.Line(text)))
    assert display.lines[number] == display.adverts[number] == shown(text).strip()
    assert display.colours[number] == "green"


@given(lines, st.text(max_size=20), st.booleans())
def test_several_lines_are_shown_in_order(those: list[kf.Line], voice: str, old: bool) -> None:
    try:
        frame = (kf.lines_old if old else kf.lines)(those, voice)
    except Unshowable:
        assert sum(width(one.text) for one in those) + width(voice) > 255 - 3 - 13 * 4 - 3
        return
    display = read(frame)
    assert display.lines == [shown(one.text).strip() for one in those] + [""] * (4 - len(those))
    assert list(display.heard) == ([shown(voice).strip()] if voice else [])


@given(st.text(max_size=40), st.text(max_size=20), st.integers(0, 255), st.booleans(), st.booleans())
def test_codes_carry_their_words(code: str, below: str, seconds: int, small: bool, aloud: bool) -> None:
    display = read(kf.payment_code(code, below, seconds=seconds, small=small, aloud=aloud))
    assert (display.code, display.below_code) == (shown(code).strip(), shown(below).strip())
    assert list(display.heard) == ([shown(below).strip()] if aloud else [])
    display.read(kf.hide_code())
    assert (display.code, display.broken) == ("", 0)


@given(st.datetimes(*YEARS), st.integers(10, 100), st.integers(10, 100))
def test_settings_arrive(local: datetime, light: int, volume: int) -> None:
    display = read(kf.set_time(local), kf.brightness(light), kf.volume(volume))
    assert (display.brightness, display.volume) == (light, volume)
    weekday = (local.weekday() + 1) % 7 + 1
    assert display.clock == (local.year, local.month, local.day, weekday, local.hour, local.minute, local.second)


@given(st.lists(st.tuples(st.text(max_size=20), st.sampled_from(fk.Colour)), max_size=4), st.integers(1, 100))
def test_the_second_maker_shows_four_lines(those: list[tuple[str, fk.Colour]], sequence: int) -> None:
    display = read(fk.show([fk.Line(text, colour) for text, colour in those], seconds=9, sequence=sequence))
    assert display.lines == [shown(text).strip() for text, _ in those] + [""] * (4 - len(those))
    assert display.colours[: len(those)] == [colour.name.lower() for _, colour in those]


@given(plates, st.sampled_from(fk.Phrase), st.integers(0, 9_999), st.integers(1, 100))
def test_the_second_maker_speaks(plate: str, phrase: fk.Phrase, number: int, sequence: int) -> None:
    heard = read(fk.speak([plate, phrase, fk.spelt(number)], sequence=sequence)).heard[-1]
    assert heard.startswith(plate)
    assert heard.endswith(fk.spelt(number))
    assert len(heard) > len(plate) + len(fk.spelt(number))


@given(st.integers(0, 65_535), st.sampled_from(remaining.Colour))
def test_boards_show_numbers(number: int, colour: remaining.Colour) -> None:
    display = read(remaining.show(number, colour))
    assert (display.number, display.number_colour) == (number, colour)


@given(st.binary(max_size=80))
def test_a_display_bears_anything(noise: bytes) -> None:
    display = Display()
    display.read(noise)
    assert display.frames + display.broken >= bool(noise)


@given(st.text(), st.integers(0, 64))
def test_what_is_cut_fits_and_is_the_beginning(text: str, most: int) -> None:
    kept = fitted(text, most)
    assert width(kept) <= most
    assert shown(text).startswith(kept)
