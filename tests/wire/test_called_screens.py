"""The LCD and the voice of a camera that is called, over real sockets: told after the gate, and never in its way."""

from base64 import b64encode
from functools import partial
from io import BytesIO

import pytest
import segno

from openberth.contexts.facility import CommandKind, DeviceKind, Outcome
from openberth.contexts.facility.model.displays import Moment, Said, Saying, Shown, Tone
from openberth.contexts.facility.reactions import DeviceEntry
from openberth.gateways.cameras import calling_display, calling_line, camera_client
from openberth.gateways.cameras.pushes import Boom
from openberth.gateways.displays.ports import Showing
from openberth.simulator.boom import BoomState
from openberth.simulator.devices.served import Manners
from tests.waiting import PATIENCE_S, until
from tests.wire.called import Stage
from tests.wire.test_camera_calls import FOREVER_S, played

CAR, LINK = "粤B12345", "https://parking.example.com/c/ABC"
LCD, DISPLAY, VOICE = "/ISAPI/Parking/channels/1/LCD", "/ISAPI/System/LCDScreen", "/ISAPI/Parking/channels/1/voice"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A display that answers slowly, because the machine is busy, is not taken for one that hangs."""
    monkeypatch.setattr(calling_line, "BOUND_S", PATIENCE_S)
    monkeypatch.setattr(calling_display, "VOICE_LIFE_S", 3 * PATIENCE_S)


def standing(*lines: str, moment: Moment = Moment.IDLE_ENTRY, free: int | None = 400) -> Showing:
    return Showing(lines, None, "", (), Shown(moment, Tone.TELL, lines), 70, free)


def told(car: str = CAR, *, loud: int = 70) -> Showing:
    lines = (f"{car[:2]}·{car[2:]}", "请付 15.00元", "停车 3小时0分")
    said = (Said(Saying.PLATE, car), Said(Saying.PLEASE_PAY, "15", 1500))
    return Showing(lines, LINK, f"{car},请交费15元", (), Shown(Moment.PAY, Tone.STOP, lines, said, LINK), loud)


def asked(stage: Stage, beginning: str) -> int:
    return len([target for _, target in stage.server.asked if target.startswith(beginning)])


def has_said(stage: Stage, times: int) -> bool:
    return len(stage.server.screen.spoken) == times


def test_what_a_car_is_told_stands_on_the_cameras_own_display_and_is_said_as_loud_as_it_is_to_be() -> None:
    async def scene() -> None:
        async with Stage() as stage:
            screen = stage.server.screen
            assert stage.line.show(standing("海港城", "余位 400"))
            await until(lambda: screen.scene == 10)
            assert (screen.words, screen.free, screen.mode, screen.modes_set) == (
                "海港城 余位 400",
                "400",
                "platform",
                1,
            )
            stage.line.show(told())
            await until(lambda: screen.spoken)
            assert (screen.scene, screen.plate, screen.amount) == (4, CAR, "15")
            assert screen.words == "请付 15.00元 停车 3小时0分"
            drawn = BytesIO()
            segno.make_qr(LINK, error="m").save(drawn, kind="png", scale=6, border=4)
            assert b64encode(screen.code) == b64encode(drawn.getvalue())
            stage.line.show(told("京A11111", loud=5))
            await until(lambda: len(screen.spoken) == 2)
            assert screen.spoken == [(7, f"{CAR},请交费15元"), (1, "京A11111,请交费15元")]
            assert (screen.modes_set, screen.broken) == (1, 0)  # taken over once, and all of it made sense

    played(scene())


def test_only_the_newest_is_told_and_nothing_before_the_gate() -> None:
    async def scene() -> None:
        async with Stage() as stage:
            stage.line.show(told("京A11111"))
            stage.line.show(told())
            await stage.send()
            await until(lambda: stage.server.screen.spoken)
            assert stage.server.asked[0][1].endswith("/barrierGate")
            assert (stage.server.screen.told, stage.server.screen.spoken) == (1, [(7, f"{CAR},请交费15元")])

    played(scene())


def test_a_hanging_display_gives_way_to_the_gate_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling_line, "BOUND_S", FOREVER_S)
    monkeypatch.setattr(camera_client, "WHOLE_S", FOREVER_S)

    async def scene() -> None:
        async with Stage(manners=Manners(hangs_at=(LCD,)), timeout_s=FOREVER_S) as stage:
            stage.line.show(told())
            await until(lambda: stage.server.hung)
            await stage.send()
            await until(lambda: stage.server.boom.state is not BoomState.CLOSED)
            assert stage.server.commands == ["open"]
            await until(lambda: len(stage.server.hung) == 2)  # once more, after the gate

    played(scene())


def test_a_hanging_display_rests_and_says_nothing_of_the_voice_and_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling_line, "BOUND_S", 4.0)

    async def scene() -> None:
        async with Stage(manners=Manners(hangs_at=(LCD,))) as stage:
            for number, car in enumerate((CAR, "京A11111"), 1):
                stage.line.show(told(car))
                await until(partial(has_said, stage, number))
            assert (len(stage.server.hung), stage.came, stage.logins.said) == (1, [], ["taken"])

    played(scene())


def test_a_command_that_comes_between_two_requests_to_the_display_is_next() -> None:
    async def scene() -> None:
        async with Stage() as stage:

            async def guard_opens(_entry: DeviceEntry) -> None:
                await stage.send()

            stage.logins.taken = guard_opens  # type: ignore[method-assign]
            stage.line.show(told())
            await until(lambda: stage.server.screen.spoken)
            targets = [target.partition("?")[0] for _, target in stage.server.asked]
            assert targets[:3] == [LCD, "/ISAPI/Parking/channels/1/barrierGate", LCD]

    played(scene())


def test_words_that_a_command_cuts_short_are_not_said_again() -> None:
    async def scene() -> None:
        async with Stage(manners=Manners(hangs_at=(VOICE,))) as stage:
            stage.line.show(told())
            await until(lambda: stage.server.hung)
            stage.server.manners.hangs_at = ()
            await stage.send()
            await until(lambda: Boom.OPEN in stage.desk.booms)
            stage.line.show(standing("海港城"))
            await until(lambda: stage.server.screen.scene == 10)
            assert stage.server.screen.spoken == []

    played(scene())


def test_a_camera_without_a_display_is_asked_once_and_speaks_all_the_same() -> None:
    async def scene() -> None:
        async with Stage(idle_look_s=0.1) as stage:
            stage.server.screen.has_display = False
            for number, car in enumerate((CAR, "京A11111", "沪A22222"), 1):
                stage.line.show(told(car))
                await until(partial(has_said, stage, number))
            assert (asked(stage, LCD), asked(stage, DISPLAY)) == (1, 0)
            stage.server.screen.has_voice, stage.server.screen.has_display = False, True
            stage.line.show(told())
            await until(lambda: asked(stage, VOICE) == 4)
            stage.line.show(told())
            stage.server.manners.drops = True  # it starts anew, as another model
            await until(lambda: "no_answer" in stage.logins.said)
            stage.server.manners.drops = False
            await until(lambda: stage.came == ["cam"])
            stage.line.show(told())
            await until(lambda: stage.server.screen.scene == 4)
            assert len(stage.server.screen.spoken) == 3

    played(scene())


def has_asked(stage: Stage, more_than: int) -> bool:
    return len(stage.server.asked) > more_than


def has_moved(stage: Stage, times: int) -> bool:
    return len(stage.server.commands) == times


def test_a_display_that_wants_another_login_costs_no_gate_and_is_left_alone() -> None:
    async def scene() -> None:
        async with Stage(manners=Manners(denies_at=(LCD, VOICE)), idle_look_s=0.1) as stage:
            display = stage.display
            assert display is not None
            for number, car in enumerate((CAR, "京A11111", "沪A22222"), 1):
                stage.line.show(told(car))
                await until(lambda: display.due_in() is None)
                await until(partial(has_asked, stage, len(stage.server.asked)))
                await stage.send(CommandKind.OPEN if number % 2 else CommandKind.CLOSE)
                await until(partial(has_moved, stage, number))
            assert asked(stage, LCD) + asked(stage, VOICE) <= 2  # under an old challenge and a new one
            assert (stage.logins.said, stage.server.wrong) == (["taken"], 0)

    played(scene())


def test_after_a_restart_the_display_is_asked_when_the_camera_is_there_again() -> None:
    async def scene() -> None:
        async with Stage() as stage:
            stage.server.screen.has_display = False
            stage.line.show(told())
            await until(lambda: asked(stage, VOICE) == 1)
            assert await stage.end_of(await stage.send(CommandKind.RESTART)) == (Outcome.DONE, "accepted")
            stage.line.show(told())  # nothing in the minute that it takes
            await stage.send()
            await until(lambda: stage.server.commands == ["reboot", "open"])
            assert (asked(stage, LCD), asked(stage, VOICE)) == (1, 1)

    played(scene())


def test_a_dahua_camera_has_no_display_that_is_called() -> None:
    async def scene() -> None:
        async with Stage(DeviceKind.DAHUA) as stage:
            assert not stage.line.show(told())

    played(scene())
