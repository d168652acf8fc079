"""What a display keeps in its own memory is written when it changed, and not again and again."""

import pytest

from openberth.contexts.facility.model.displays import Maker, Screen
from openberth.gateways.displays import makers
from openberth.gateways.displays.adverts import REST_US, Advert
from openberth.kernel.time import SECOND_US, Instant
from openberth.simulator.devices.display import Display

SCREEN = Screen("in-1", Maker.KF)
LINES = ("海港城", "减速慢行")
NOON = Instant(1_795_305_600_000_000)


def kept_by(screen: Screen, lines: tuple[str, ...]) -> str:
    """Return the mark of what a display keeps once it was written."""
    advert = Advert(screen, lines)
    advert.found("?")
    advert.due(NOON, 1)
    return advert.to_remember() or ""


def test_the_published_frame_byte_for_byte() -> None:
    small = Screen("in-1", Maker.KF_LINES, port=1, lines=1, columns=12)
    [frame] = makers.adverts(small, ("自动识别减速慢行",), sequence=1)
    assert frame.hex() == "0064ffff672400000c15010005150103ff000000000000001000d7d4b6afcab6b1f0bcf5cbd9c2fdd0d084f9"
    assert frame.port == 1


@pytest.mark.parametrize("maker", list(Maker))
def test_every_maker_keeps_all_lines_and_empties_the_others(maker: Maker) -> None:
    display = Display(adverts=["x"] * 4)
    for frame in makers.adverts(Screen("in-1", maker), LINES, sequence=97):
        display.read(bytes(frame))
    assert display.adverts == (["x"] * 4 if maker is Maker.PLAIN else [*LINES, "", ""])
    assert display.broken == 0


def test_it_is_written_once() -> None:
    advert = Advert(SCREEN, LINES)
    assert advert.is_open(NOON)
    assert advert.due(NOON, 1) == ()  # nobody knows yet what it keeps
    advert.found("")
    assert len(advert.due(NOON, 1)) == 4
    assert advert.due(NOON, 1) == ()
    assert advert.to_remember() == kept_by(SCREEN, LINES)
    advert.remembered(NOON)
    assert (advert.to_remember(), advert.is_open(Instant(NOON + 10 * REST_US))) == (None, False)


def test_a_text_that_is_changed_back_and_forth_is_not_written_each_time() -> None:
    kept, kept_at, written = "", None, 0
    for minute in range(60):
        now = Instant(NOON + minute * 60 * SECOND_US)
        advert = Advert(SCREEN, LINES[minute % 2 :])  # as each lot file that is applied hangs it anew
        advert.found(kept, kept_at)
        if advert.due(now, 1):
            kept, kept_at, written = advert.to_remember() or "", now, written + 1
            advert.remembered(now)
    assert written == 6
    last = Advert(SCREEN, LINES)
    last.found("?", kept_at)
    assert not last.is_open(Instant((kept_at or 0) + REST_US - 1))
    assert last.is_open(Instant((kept_at or 0) + REST_US))
    assert last.is_open(Instant((kept_at or 0) - 1)), "a clock that was put back holds nothing up"


def test_a_text_that_changes_before_the_last_one_is_remembered_waits_as_well() -> None:
    first, then, last = Advert(SCREEN, LINES), Advert(SCREEN, ()), Advert(SCREEN, ("海港城",))
    first.found("")
    assert first.due(NOON, 1)
    then.follow(first)
    last.follow(then)
    last.found("")
    assert not last.due(Instant(NOON + REST_US - 1), 1)
    assert last.due(Instant(NOON + REST_US), 1)


def test_a_text_is_written_when_another_one_may_stand_there_that_nobody_remembers() -> None:
    first, back = Advert(SCREEN, ()), Advert(SCREEN, LINES)
    first.found(kept_by(SCREEN, LINES))
    assert first.due(NOON, 1)
    back.follow(first)
    back.found(kept_by(SCREEN, LINES))
    assert back.due(Instant(NOON + REST_US), 1)
    back.remembered(NOON)
    assert not back.is_open(Instant(NOON + 10 * REST_US))
    again = Advert(SCREEN, LINES)
    again.follow(back)
    again.found(kept_by(SCREEN, LINES))
    assert not again.is_open(Instant(NOON + 10 * REST_US))


def test_a_write_that_did_not_leave_is_tried_again_after_a_while() -> None:
    advert = Advert(SCREEN, LINES)
    advert.found("")
    advert.due(NOON, 1)
    advert.missed()
    assert advert.to_remember() is None
    assert advert.due(Instant(NOON + REST_US - 1), 1) == ()
    assert advert.due(Instant(NOON + REST_US), 1)


def test_a_camera_that_comes_and_goes_does_not_wear_the_memory_out() -> None:
    advert = Advert(SCREEN, LINES)
    advert.found("")
    written, minutes = 0, 60 * 24 * 30
    for minute in range(minutes):
        written += bool(advert.due(Instant(NOON + minute * 60 * SECOND_US), 1))
        advert.missed()
    assert 5 < written < 20


def test_what_it_keeps_already_is_not_written() -> None:
    advert = Advert(SCREEN, LINES)
    advert.found(kept_by(SCREEN, LINES))
    assert not advert.is_open(NOON)
    assert advert.due(NOON, 1) == ()


def test_whatever_makes_it_another_one_is_a_change() -> None:
    others = [
        (SCREEN, ("海港城",)), (Screen("in-1", Maker.FK), LINES), (Screen("in-1", Maker.KF, port=1), LINES),
        (Screen("in-1", Maker.KF, lines=2), LINES), (Screen("in-1", Maker.KF, columns=4), LINES),
    ]  # fmt: skip
    assert len({kept_by(screen, lines) for screen, lines in [(SCREEN, LINES), *others]}) == 6
    assert kept_by(Screen("in-1", Maker.KF, brightness=50), LINES) == kept_by(SCREEN, LINES)


def test_a_text_that_is_gone_is_taken_off_and_then_nothing_is_remembered() -> None:
    nothing = Advert(SCREEN, ())
    nothing.found("")
    assert not nothing.is_open(NOON)  # nobody ever wrote there
    gone = Advert(SCREEN, ())
    gone.found(kept_by(SCREEN, LINES))
    display = Display(adverts=["x"] * 4)
    for frame in gone.due(NOON, 1):
        display.read(bytes(frame))
    assert display.adverts == [""] * 4
    assert gone.to_remember() == ""
