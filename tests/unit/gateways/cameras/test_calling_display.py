"""What a called camera's display and voice are asked, and when they are asked again after they were refused."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from openberth.contexts.facility.model.displays import Moment, Shown, Tone
from openberth.gateways.cameras import calling_display, hikvision_screens
from openberth.gateways.cameras.calling_display import CalledDisplay
from openberth.gateways.cameras.calls import Ask, Told
from openberth.gateways.cameras.camera_client import NoAnswer
from openberth.gateways.cameras.hikvision_calling import heard
from openberth.gateways.displays.ports import Showing

OK, OURS = Told(200, b'{"statusCode": 1}'), Told(200, b'{"LCD": {"ctrlMode": "platform"}}')
NOT_THERE = Told(403, b'{"statusCode": 4, "subStatusCode": "notSupport"}')
REFUSED = Told(400, b'{"statusCode": 6, "subStatusCode": "badParameters"}')
SHOWING = Showing(("粤B·12345", "一路平安"), None, "一路平安", (), Shown(Moment.GOODBYE, Tone.GO, ()), 70)


class Camera:
    """Answers by address, in a time of its own."""

    def __init__(self, *, display: Told | None = OK, voice: Told | None = OK) -> None:
        self.now = 1_000.0
        self.asked: list[str] = []
        self.answers = {"LCD": OURS if display is OK else display, "displayInfo": display, "voiceBroadcastInfo": voice}
        self.display = CalledDisplay(hikvision_screens, heard, now=lambda: self.now, name="cam")

    async def _ask(self, ask: Ask) -> Told:
        name = ask.target.partition("?")[0].rpartition("/")[2]
        self.asked.append(name)
        answer = self.answers[name]
        if answer is None:
            raise NoAnswer
        return answer

    def shows(self, after_s: float = 0.0, showing: Showing = SHOWING) -> list[str]:
        """Return what is asked when something is shown so much later."""
        self.now += after_s
        self.asked.clear()
        self.display.show(showing)
        self.now += 1
        asyncio.run(self.display.tell(self._ask))
        return self.asked


def test_the_display_is_found_to_be_ours_once() -> None:
    camera = Camera()
    assert camera.shows() == ["LCD", "displayInfo", "voiceBroadcastInfo"]
    assert camera.shows() == ["displayInfo", "voiceBroadcastInfo"]
    camera.display.forget()
    assert camera.shows() == ["LCD", "displayInfo", "voiceBroadcastInfo"]
    assert camera.display.due_in() is None


@pytest.mark.parametrize(
    ("answer", "rest_s"),
    [
        (NOT_THERE, calling_display.UNSUPPORTED_S),
        (Told(404), calling_display.UNSUPPORTED_S),
        (REFUSED, calling_display.REFUSED_S),
        (Told(403), calling_display.REFUSED_S),
        (None, calling_display.SILENT_S),
    ],
)
def test_what_is_refused_is_left_for_as_long_as_it_is_of_no_use(answer: Told | None, rest_s: float) -> None:
    camera = Camera(display=answer)
    assert camera.shows()[0] == "LCD"
    assert camera.shows() == ["voiceBroadcastInfo"]
    assert camera.shows(rest_s - 5) == ["voiceBroadcastInfo"]
    assert camera.shows(5)[-1] == "voiceBroadcastInfo"
    assert len(camera.asked) > 1
    silent = Camera(voice=answer)
    assert silent.shows()[-1] == "voiceBroadcastInfo"
    assert silent.shows() == ["displayInfo"]
    silent.display.forget()
    assert silent.shows()[-1] == "voiceBroadcastInfo"


def test_words_that_came_too_late_are_not_said() -> None:
    camera = Camera()
    camera.display.show(SHOWING)
    camera.now += calling_display.VOICE_LIFE_S + 1
    asyncio.run(camera.display.tell(camera._ask))
    assert camera.asked == ["LCD", "displayInfo"]


def test_a_moment_passes_before_anything_is_told() -> None:
    camera = Camera()
    assert camera.display.due_in() is None
    camera.display.show(SHOWING)
    assert camera.display.due_in() == pytest.approx(0.15)
    camera.now += 1
    assert camera.display.due_in() == 0.0


def test_what_comes_meanwhile_waits_its_own_moment_and_is_shown_before_it_is_said() -> None:
    camera = Camera()
    newer = Showing(("京A·11111",), None, "京A11111", (), Shown(Moment.WELCOME, Tone.GO, ()), 70)

    async def interrupted(ask: Ask) -> Told:
        if ask.target.startswith("/ISAPI/System/LCDScreen") and len(camera.asked) == 1:
            camera.display.show(newer)
        return await camera._ask(ask)

    camera.display.show(SHOWING)
    camera.now += 1
    asyncio.run(camera.display.tell(interrupted))
    assert camera.asked == ["LCD", "displayInfo"]
    assert camera.display.due_in() == pytest.approx(calling_display.SETTLE_S)
    camera.now += 1
    asyncio.run(camera.display.tell(interrupted))
    assert camera.asked == ["LCD", "displayInfo", "displayInfo", "voiceBroadcastInfo"]


# Bodies


def setups() -> Iterator[tuple[str, str | None]]:
    yield '{"LCD": {"a": [1], "ctrlMode": "camera"}}', '{"LCD":{"a":[1],"ctrlMode":"platform"}}'
    yield '{"ctrlMode": "camera"}', '{"ctrlMode":"platform"}'
    for nothing in (
        '{"LCD": {"ctrlMode": "platform"}}',
        '{"LCD": {}}',
        '{"LCD": 1}',
        "[]",
        "1",
        "",
        "<LCD/>",
        "\udcff",
        '{"LCD": ' + "[" * 20_000 + "]" * 20_000 + "}",
    ):
        yield nothing, None


@pytest.mark.parametrize(("setup", "change"), tuple(setups()))
def test_what_was_read_is_written_back_with_nothing_changed_but_whose_it_is(setup: str, change: str | None) -> None:
    ask = hikvision_screens.taken_over(Told(200, setup.encode("utf-8", "surrogateescape")))
    assert (None if ask is None else ask.body.decode()) == change


@pytest.mark.parametrize(
    ("moment", "scene"),
    [
        (Moment.WELCOME, 1), (Moment.SCAN_TO_ENTER, 2), (Moment.PAY, 4), (Moment.SCAN_TO_LEAVE, 5),
        (Moment.IDLE_EXIT, 10), (Moment.FULL, 10), (None, 1),
    ],
)  # fmt: skip
def test_every_moment_has_its_scene(moment: Moment | None, scene: int) -> None:
    shown = Shown(moment, Tone.TELL, ("请倒车",))
    body = json.loads(hikvision_screens.displayed(Showing(("请倒车",), None, "", (), shown)).body)["DisplayInfo"]
    assert body["sence"] == scene
    assert "QRCodeBase64" not in body
    assert (body.get("license", ""), body["customInfo"]) == (("", "请倒车") if scene == 10 else ("请倒车", ""))


@pytest.mark.parametrize(("loud", "mark"), [(1, "[v1]"), (30, "[v3]"), (70, "[v7]"), (75, "[v8]"), (100, "[v10]")])
def test_the_voice_is_as_loud_as_it_is_to_be(loud: int, mark: str) -> None:
    ask = hikvision_screens.voiced(Showing((), None, "[v10]a<b&c\x07\ufffe", (), None, loud))
    assert f"<TTSInfo>{mark} v10 a&lt;b&amp;c  </TTSInfo>" in ask.body.decode()


def test_nothing_known_is_an_empty_display() -> None:
    body = json.loads(hikvision_screens.displayed(Showing((), None, "", ())).body)
    assert body == {"DisplayInfo": {"sence": 1, "license": "", "notice": "", "customInfo": ""}}


def test_answers_in_json_are_read_as_those_in_xml() -> None:
    assert heard(OK).accepted
    assert not heard(NOT_THERE).supported
    assert heard(REFUSED).detail == "refused"
    assert heard(Told(200, b'{"statusCode": "2"}')).detail == "busy"
    deep = b'{"statusCode": 1, "a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    for nothing in (b"{", deep):  # the status of HTTP is all there is
        assert heard(Told(200, nothing)).accepted
