"""Displays in the lot file: good by default, and every mistake at its line with what to write."""

import pytest

from openberth.contexts.facility.document import read_lot
from openberth.contexts.facility.document.writing import lot_text
from openberth.contexts.facility.model.displays import Board, Displays, Maker, Screen, Tongue, Volume, filled
from openberth.infra.catalogue import LANGUAGES, text
from openberth.infra.documents import DocumentError
from tests.unit.contexts.facility.test_lot_document import MALL

GOOD = """\
displays:
  screens:
    - {lane: in-1, maker: kf}
    - {lane: out-1, maker: fk, device: cam-out-1, port: 2, lines: 2, columns: 12, languages: [en], brightness: 50,
       code: true, volume: {day: 60, night: 0, night_from: "21:30", night_to: "06:00"}}
  boards:
    - {lane: in-1, area: vip, scarce: 3}
    - {lane: vip-in, port: 0}
  texts:
    - {moment: pay, lanes: [out-1], zh: ["{plate}", "{fee}"], en: ["{plate}", "{fee}"]}
"""


def test_a_display_needs_nothing_but_its_lane_and_maker() -> None:
    displays = read_lot(MALL + GOOD, name="mall").displays
    assert displays.screens[0] == Screen("in-1", Maker.KF)
    assert displays.screens[1].languages == (Tongue.EN,)
    assert displays.screens[1].volume == Volume(60, 0, 21 * 60 + 30, 6 * 60)
    assert displays.boards == (Board("in-1", area="vip", scarce=3), Board("vip-in", port=0))
    assert read_lot(MALL, name="mall").displays == Displays()


def test_it_is_written_as_it_was_read() -> None:
    lot = read_lot(MALL + GOOD, name="mall")
    assert read_lot(lot_text(lot), name="again") == lot
    assert "displays" not in lot_text(read_lot(MALL, name="mall"))


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("lane: in-1, maker", "lane: in-9, maker", "lot.no_lane", "displays.screens[0].lane"),
        ("maker: kf", "maker: kfc", "document.choice_near", "displays.screens[0].maker"),
        ("out-1, maker: fk, device: cam-out-1", "in-1, maker: fk", "lot.second_display", "displays.screens[1].lane"),
        ("device: cam-out-1", "device: cam-in-1", "lot.no_device_at_lane", "displays.screens[1].device"),
        ("area: vip, scarce: 3", "area: vip, port: 0", "lot.port_taken", "displays.boards[0].port"),
        ("area: vip,", "area: roof,", "lot.no_area", "displays.boards[0].area"),
        ("languages: [en]", "languages: [en, en]", "lot.language_twice", "displays.screens[1].languages"),
        ("lanes: [out-1]", "lanes: [out-9]", "lot.no_lane", "displays.texts[0].lanes[0]"),
        ('zh: ["{plate}"', 'zh: ["{plat}"', "lot.display_place", "displays.texts[0].zh[0]"),
        ('zh: ["{plate}"', 'zh: ["{days} {plate}"', "lot.display_place", "displays.texts[0].zh[0]"),
        ('zh: ["{plate}"', 'zh: ["{plate"', "lot.display_braces", "displays.texts[0].zh[0]"),
        ('zh: ["{plate}"', 'zh: ["€ {plate}"', "lot.display_character", "displays.texts[0].zh[0]"),
        ('zh: ["{plate}"', f'zh: ["{"车" * 17}"', "lot.display_line", "displays.texts[0].zh[0]"),
        ("brightness: 50", "brightness: 5", "document.range", "displays.screens[1].brightness"),
        ('"21:30"', '"24:30"', "document.clock", "displays.screens[1].volume.night_from"),
    ],
)  # fmt: skip
def test_mistakes_stand_at_their_line(old: str, new: str, code: str, place: str) -> None:
    assert old in GOOD
    with pytest.raises(DocumentError) as refused:
        read_lot(MALL + GOOD.replace(old, new, 1), name="mall")
    found = [mistake for mistake in refused.value.mistakes if mistake.path == place]
    assert [mistake.code for mistake in found] == [code]
    for language in LANGUAGES:
        assert text(code, language, **found[0].params) != code


def test_nothing_hangs_behind_a_camera_whose_port_nobody_reaches() -> None:
    camera = "{code: cam-out-1, kind: vzenith_http, lane: out-1, addresses: [127.0.0.0/8], heartbeat: plain}"
    assert camera in MALL
    mute = MALL.replace(camera, "{code: cam-out-1, kind: hikvision, lane: out-1, addresses: [127.0.0.0/8]}")
    with pytest.raises(DocumentError) as refused:
        read_lot(mute + GOOD, name="mall")
    assert [(one.path, one.code) for one in refused.value.mistakes] == [("displays.screens[1]", "lot.device_mute")]
    own = GOOD.replace("maker: fk, device: cam-out-1, port: 2", "maker: plain, device: cam-out-1")
    assert read_lot(mute + own, name="mall").displays.screens[1].maker is Maker.PLAIN
    with pytest.raises(DocumentError) as refused:  # a make that shows nothing by itself either
        read_lot(mute.replace("kind: hikvision, lane: out-1", "kind: dahua, lane: out-1") + own, name="mall")
    assert [(one.path, one.code) for one in refused.value.mistakes] == [("displays.screens[1]", "lot.device_mute")]


def test_the_night_may_go_over_midnight_or_not_be_there() -> None:
    night = Volume(70, 20, 22 * 60, 7 * 60)
    assert [night.at(hour * 60) for hour in (21, 22, 23, 0, 6, 7, 12)] == [70, 20, 20, 20, 20, 70, 70]
    noon = Volume(70, 20, 12 * 60, 14 * 60)
    assert [noon.at(hour * 60) for hour in (11, 12, 13, 14)] == [70, 20, 20, 70]
    assert {Volume(70, 20, 0, 0).at(minute) for minute in range(0, 1_440, 7)} == {70}


def test_a_line_without_its_value_is_left_out() -> None:
    assert filled("{plate} 剩{days}天", {"plate": "粤B12345", "days": "3"}) == "粤B12345 剩3天"
    assert filled("{plate} 剩{days}天", {"plate": "粤B12345"}) is None
    assert filled("减速慢行", {}) == "减速慢行"
