"""Our own calls to cameras over real sockets, against simulated ones with digest, a boom and manners of real ones."""

import asyncio
import contextlib
import gzip
import resource
from collections.abc import Coroutine
from typing import Any

import pytest

from openberth.contexts.facility import CommandKind, DeviceKind, Outcome
from openberth.gateways.cameras import calling_line, camera_client, hikvision_lists
from openberth.gateways.cameras.calling_line import QUEUE_MAX
from openberth.gateways.cameras.calls import Ask
from openberth.gateways.cameras.camera_client import ANSWER_MAX, CameraClient, NoAnswer
from openberth.gateways.cameras.pushes import Boom
from openberth.simulator.devices.served import GateServer, Manners, Page
from tests.waiting import PATIENCE_S, until
from tests.wire.called import Stage

FOREVER_S = 3_600.0


def played(scene: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(2 * PATIENCE_S):
            await scene

    asyncio.run(bounded())


def test_the_boom_that_is_seen_to_open_ends_the_command_and_the_nonce_is_used_again() -> None:
    async def scene() -> None:
        async with Stage() as stage:
            await stage.send()
            await until(lambda: Boom.OPEN in stage.desk.booms)
            await stage.send(CommandKind.CLOSE)
            await until(lambda: stage.desk.booms[-1] is Boom.CLOSED)
            assert stage.server.commands == ["open", "close"]
            assert (stage.server.challenges, stage.server.connections, stage.server.wrong) == (1, 1, 0)
            assert len(stage.server.asked) >= 4
            assert stage.desk.ends == {}  # the desk ends what the boom has shown
            assert stage.logins.said == ["taken"]

    played(scene())


def test_a_locked_gate_says_yes_and_does_not_move() -> None:
    async def scene() -> None:
        async with Stage() as stage:
            stage.arm.lock(True)
            command = await stage.send()
            await until(lambda: stage.desk.booms)
            stage.end_lives()
            assert await stage.end_of(command) == (Outcome.UNCERTAIN, "still_closed")
            assert stage.server.commands == ["open"]  # once, however long it stays closed

    played(scene())


def test_an_answer_that_is_lost_is_uncertain_and_nothing_is_sent_again() -> None:
    async def scene() -> None:
        async with Stage(manners=Manners(drops=True)) as stage:
            command = await stage.send()
            await until(lambda: stage.server.commands)
            stage.end_lives()
            assert await stage.end_of(command) == (Outcome.UNCERTAIN, "no_answer")
            assert stage.server.commands == ["open"]

    played(scene())


def test_a_lost_answer_to_a_gate_that_opened_is_seen() -> None:
    async def scene() -> None:
        async with Stage(manners=Manners(drops=True)) as stage:
            await stage.send()
            await until(lambda: stage.server.commands)
            stage.server.manners.drops = False
            await until(lambda: Boom.OPEN in stage.desk.booms)
            assert stage.server.commands == ["open"]

    played(scene())


def test_two_refused_logins_end_all_calls_and_are_told_of() -> None:
    async def scene() -> None:
        async with Stage(password="wrong") as stage:
            assert await stage.end_of(await stage.send()) == (Outcome.REJECTED, "login_refused")
            assert await stage.end_of(await stage.send()) == (Outcome.REJECTED, "login_refused")
            assert stage.logins.said == ["refused"]
            for _ in range(5):
                assert await stage.end_of(await stage.send()) == (Outcome.REJECTED, "login_paused")
            assert (stage.server.wrong, stage.server.locked_out) == (2, False)
            stage.pass_pause()  # after it one try, and one only
            assert await stage.end_of(await stage.send()) == (Outcome.REJECTED, "login_refused")
            assert await stage.end_of(await stage.send()) == (Outcome.REJECTED, "login_paused")
            assert stage.server.wrong == 3

    played(scene())


def test_a_password_that_is_changed_at_the_camera_is_shown_twice_and_not_five_times() -> None:
    async def scene() -> None:
        async with Stage() as stage:
            await stage.send()
            await until(lambda: Boom.OPEN in stage.desk.booms)
            stage.server._password = "changed"
            assert await stage.end_of(await stage.send()) == (Outcome.REJECTED, "login_refused")
            assert await stage.end_of(await stage.send()) == (Outcome.REJECTED, "login_paused")
            assert stage.server.wrong == 2
            assert stage.logins.said == ["taken", "refused"]

    played(scene())


def test_a_stale_nonce_is_no_refusal() -> None:
    async def scene() -> None:
        async with Stage(manners=Manners(nonce_uses=1)) as stage:
            for _ in range(2):
                await stage.send()
            await until(lambda: len(stage.server.commands) == 2 and Boom.OPEN in stage.desk.booms)
            assert (stage.server.wrong, stage.logins.said) == (0, ["taken"])

    played(scene())


def test_nobody_there_is_unreachable() -> None:
    async def scene() -> None:
        async with Stage() as stage:
            await stage.server.close()
            assert await stage.end_of(await stage.send()) == (Outcome.UNREACHABLE, "not_connected")

    played(scene())


def test_a_camera_that_does_not_answer_twice_is_told_of_once_and_again_when_it_answers() -> None:
    async def scene() -> None:
        async with Stage(manners=Manners(drops=True), idle_look_s=0.05) as stage:
            await until(lambda: stage.logins.said)
            asked = len(stage.server.asked)
            await until(lambda: len(stage.server.asked) >= asked + 3)
            assert stage.logins.said == ["no_answer"]
            stage.server.manners.drops = False
            await until(lambda: len(stage.logins.said) == 2)
            await stage.server.close()
            await until(lambda: len(stage.logins.said) == 3)
            assert stage.logins.said == ["no_answer", "taken", "not_connected"]

    played(scene())


LIST = "/ISAPI/ITC/Entrance/VCL"


def test_a_list_that_hangs_gives_way_to_the_gate_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling_line, "GRACE_S", 0.05)
    monkeypatch.setattr(camera_client, "WHOLE_S", FOREVER_S)

    async def scene() -> None:
        async with Stage(manners=Manners(hangs_at=(LIST,)), timeout_s=FOREVER_S) as stage:
            errand = asyncio.create_task(stage.line.errand(hikvision_lists.page(0)))
            await until(lambda: stage.server.hung)
            await stage.send()
            await until(lambda: stage.server.commands == ["open"])
            with pytest.raises(NoAnswer):
                await errand
            await until(lambda: stage.logins.said)  # the camera was told before its answer was read
            assert stage.logins.said == ["taken"]

    played(scene())


def test_a_list_that_is_a_little_slow_is_told_to_its_end_and_then_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling_line, "GRACE_S", PATIENCE_S)

    async def scene() -> None:
        async with Stage(manners=Manners(delay_s=0.05)) as stage:
            errand = asyncio.create_task(stage.line.errand(hikvision_lists.page(0)))
            await until(lambda: stage.server.challenges)
            await stage.send()
            assert stage.line.heard(await errand).accepted
            await until(lambda: stage.server.commands == ["open"])

    played(scene())


ENTRANCE = "/ISAPI/ITC/Entrance/barrierGateCtrl"
TRAFFIC = "/ISAPI/Traffic/channels/1/entranceAndExit/barrierGate/1/control"


@pytest.mark.parametrize(("path", "tries"), [(ENTRANCE, 2), (TRAFFIC, 3)])
def test_another_way_is_tried_when_the_camera_says_that_it_does_not_know_one(path: str, tries: int) -> None:
    async def scene() -> None:
        async with Stage(manners=Manners(supports=frozenset({path}))) as stage:
            for _ in range(2):  # and the way that was found is remembered
                await stage.send()
            await until(lambda: len(stage.server.commands) == 2)
            assert [target for method, target in stage.server.asked if method == "PUT"][tries - 1 :] == [path, path]

    played(scene())


def test_another_way_is_not_tried_for_any_other_refusal() -> None:
    def refuses(server: GateServer, method: str, target: str, body: bytes) -> Page:
        return Page(500, "<ResponseStatus><statusCode>3</statusCode></ResponseStatus>")

    async def scene() -> None:
        async with Stage() as stage:
            stage.server._answer = refuses
            assert await stage.end_of(await stage.send()) == (Outcome.REJECTED, "refused")
            assert len(stage.server.asked) == 1

    played(scene())


def test_the_way_that_the_lot_file_names_is_the_only_one() -> None:
    async def scene() -> None:
        async with Stage(gate="traffic", manners=Manners(supports=frozenset({ENTRANCE}))) as stage:
            assert await stage.end_of(await stage.send()) == (Outcome.REJECTED, "not_supported")
            assert [target for _, target in stage.server.asked] == [TRAFFIC]

    played(scene())


def test_what_a_camera_cannot_be_told_is_refused_without_asking() -> None:
    async def scene() -> None:
        async with Stage() as stage:
            assert await stage.end_of(await stage.send(CommandKind.LOCK_OPEN)) == (Outcome.REJECTED, "not_supported")
            assert stage.server.asked == []

    played(scene())


def test_a_redirect_is_not_followed() -> None:
    def elsewhere(server: GateServer, method: str, target: str, body: bytes) -> Page:
        return Page(302)

    async def scene() -> None:
        async with Stage() as stage:
            stage.server._answer = elsewhere
            assert await stage.end_of(await stage.send()) == (Outcome.REJECTED, "refused")
            assert len(stage.server.asked) == 1

    played(scene())


def test_a_hanging_camera_holds_its_own_commands_only_and_none_is_sent_late() -> None:
    async def scene() -> None:
        async with Stage(manners=Manners(hangs=True), timeout_s=2) as ill, Stage() as well:
            held = [await ill.send() for _ in range(QUEUE_MAX)]
            await well.send()
            await until(lambda: Boom.OPEN in well.desk.booms)
            assert not ill.desk.ends, "the other one hangs"
            await until(lambda: ill.server.hung)
            ill.end_lives()
            ends = [await ill.end_of(one) for one in held]
            assert ends[0][0] is Outcome.UNCERTAIN
            assert set(ends[1:]) <= {(Outcome.UNREACHABLE, "expired"), (Outcome.UNCERTAIN, "no_answer")}
            assert ill.server.commands == []

    played(scene())


def test_too_many_commands_at_once_are_not_sent() -> None:
    async def scene() -> None:
        async with Stage(manners=Manners(hangs=True)) as stage:
            sent = [await stage.send() for _ in range(QUEUE_MAX + 3)]
            assert (Outcome.UNREACHABLE, "busy") in [stage.desk.ends.get(one.id) for one in sent]

    played(scene())


def test_a_dahua_opens_and_cannot_say_so() -> None:
    async def scene() -> None:
        async with Stage(DeviceKind.DAHUA) as stage:
            command = await stage.send()
            await until(lambda: stage.server.commands == ["open"])
            stage.end_lives()
            assert await stage.end_of(command) == (Outcome.UNCERTAIN, "expired")
            assert "plate" not in stage.server.asked[0][1].lower()

    played(scene())


def test_clock_and_restart() -> None:
    async def scene() -> None:
        async with Stage() as hikvision, Stage(DeviceKind.DAHUA) as dahua:
            for stage in (hikvision, dahua):
                for kind in (CommandKind.SET_TIME, CommandKind.RESTART):
                    assert await stage.end_of(await stage.send(kind)) == (Outcome.DONE, "accepted")
            assert hikvision.server.commands == ["time", "reboot"]
            assert dahua.server.commands == ["setCurrentTime", "reboot"]
            assert dahua.server.asked[0][1].endswith("time=2026-11-22%2008:00:00")

    played(scene())


def test_a_gate_that_is_moved_by_hand_is_seen() -> None:
    async def scene() -> None:
        async with Stage(idle_look_s=0.1) as stage:
            await until(lambda: stage.desk.booms == [Boom.CLOSED])
            stage.arm.raise_()
            await until(lambda: stage.desk.booms == [Boom.CLOSED, Boom.OPEN])

    played(scene())


def test_a_refusal_that_is_packed_or_endless_costs_nothing() -> None:
    async def scene() -> None:
        bomb = gzip.compress(bytes(200_000_000), 9)  # 200 KB on the wire
        heads = (b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(bomb), b"")
        bodies = (bomb, b"x" * (4 * ANSWER_MAX))
        for head, body in zip(heads, bodies, strict=True):

            async def answer(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes = head, body: bytes = body
            ) -> None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b'HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm="c", nonce="1", qop="auth"\r\n' + head)
                writer.write(b"\r\n" + body)
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
                writer.close()

            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            client = CameraClient(
                endpoint=f"http://127.0.0.1:{port}", user="a", password="b", now=asyncio.get_running_loop().time
            )
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            with pytest.raises(NoAnswer):
                await client.ask(Ask("GET", "/"))
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kilobytes"
            await client.aclose()
            server.close()
            await server.wait_closed()

    played(scene())
