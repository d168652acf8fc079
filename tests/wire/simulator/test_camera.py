"""The camera against a scripted server: acknowledgement, resending, the store and its replay, comet commands."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from fractions import Fraction
from random import Random
from typing import Any

from openberth.simulator.clock import BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.vzenith import Patience, VzenithCamera
from openberth.simulator.devices.vzenith_wire import Reading
from openberth.simulator.faults import Faults
from openberth.simulator.web import Address
from tests.waiting import PATIENCE_S, until
from tests.wire.simulator.fake_http import FakeHttp, Reply, Request

PATIENCE = Patience(
    answer_s=PATIENCE_S, resend_s=0.01, resend_most_s=0.03, comet_s=PATIENCE_S, beat_s=0.02, lost_s=0.02
)
CAR = Reading("粤B12345", known=True)
OK = {"info": "ok", "content": "retransfer_stop"}
WAIT = {"info": "wait", "content": "retransfer_stop"}
MORE = {"info": "wait", "content": "retransfer_stop", "ContinuePushOffline": {"plateid": 0, "continue": 1}}


class Stage:
    """A camera and a server that answers recognitions with the next scripted answer, the last one for ever."""

    def __init__(self, *script: Any, faults: tuple[str, ...] = (), comet: bool = True) -> None:
        self.script = list(script)
        self.seen: list[dict[str, Any]] = []
        self.inputs: list[dict[str, int]] = []
        self.beats = 0
        self.commands: list[dict[str, Any]] = []
        self.opened = 0
        self.closed = 0
        self.counters = Counters()
        self.faults = Faults.parse(faults)
        self.comet = comet
        self.delay_s = 0.0
        self.http = FakeHttp(self._answer)
        self.camera: VzenithCamera

    async def _answer(self, request: Request) -> Reply | None:
        assert request.path.startswith("/devices/vzenith/secret/")
        if request.headers["content-type"].startswith("multipart/"):
            self.beats += 1
            await asyncio.sleep(0.01)
            inner = self.commands.pop(0) if self.commands else {"info": "wait"}
            return Reply(200, {"Response_AlarmInfoPlate": inner})
        body = request.json()
        if "AlarmGioIn" in body:
            self.inputs.append(body["AlarmGioIn"]["result"]["TriggerResult"])
            return Reply(200, {})
        self.seen.append(body["AlarmInfoPlate"]["result"]["PlateResult"])
        await asyncio.sleep(self.delay_s)
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if answer is None or isinstance(answer, Reply):
            return answer
        return Reply(200, {"Response_AlarmInfoPlate": answer})

    def _open(self) -> None:
        self.opened += 1

    def _close(self) -> None:
        self.closed += 1

    def play(self, scene: Callable[[VzenithCamera], Awaitable[None]]) -> None:
        async def run() -> None:
            await self.http.open()
            clock = BusinessClock()
            clock.follow(time.time_ns() // 1000, Fraction(1), clock.machine_ns(), clock.machine_ns())
            self.camera = VzenithCamera(
                serial="s-1",
                server=Address.of(self.http.url),
                path="/devices/vzenith/secret",
                comet=self.comet,
                clock=clock,
                counters=self.counters,
                faults=self.faults,
                rng=Random(1),
                patience=PATIENCE,
                on_open=self._open,
                on_close=self._close,
            )
            running = asyncio.create_task(self.camera.run())
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await scene(self.camera)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                await self.http.close()

        asyncio.run(run())


def test_an_answer_opens_once_and_stops_the_resending() -> None:
    stage = Stage(OK)

    async def scene(camera: VzenithCamera) -> None:
        shown = await camera.recognise(CAR)
        assert (shown.delivered, shown.opens) == (True, True)
        assert shown.sight.sent_us <= shown.sight.answered_us
        await asyncio.sleep(0.05)

    stage.play(scene)
    assert (len(stage.seen), stage.opened) == (1, 1)
    assert stage.seen[0]["isoffline"] == 0


def test_without_an_acknowledgement_the_same_record_comes_again_and_opens_once() -> None:
    stage = Stage(None, Reply(503, None, (("Retry-After", "0"),)), {"info": "ok"}, OK)

    async def scene(camera: VzenithCamera) -> None:
        assert (await camera.recognise(CAR)).opens
        assert await camera.idle(PATIENCE_S)

    stage.play(scene)
    # A connection that breaks under the very first request is not asked again behind the camera's back.
    assert len(stage.seen) == 4
    assert len({record["plateid"] for record in stage.seen}) == 1
    assert stage.opened == 1
    assert stage.counters.camera_refusals == 1


def test_it_gives_up_after_four_resends_and_replays_the_record_later() -> None:
    stage = Stage(*[{"info": "wait"}] * 5, MORE)

    async def scene(camera: VzenithCamera) -> None:
        shown = await camera.recognise(CAR)
        assert (shown.delivered, shown.opens) == (False, False)
        assert await camera.drained(PATIENCE_S)

    stage.play(scene)
    assert [record["isoffline"] for record in stage.seen] == [0, 0, 0, 0, 0, 1]
    assert len({record["plateid"] for record in stage.seen}) == 1
    assert stage.opened == 0
    assert (stage.counters.retransmissions, stage.counters.stored_offline, stage.counters.replayed) == (4, 1, 1)


def test_some_cameras_never_stop_by_themselves() -> None:
    stage = Stage(*[{"info": "wait"}] * 12, WAIT, faults=("retransmit-forever",))

    async def scene(camera: VzenithCamera) -> None:
        assert (await camera.recognise(CAR)).delivered

    stage.play(scene)
    assert len(stage.seen) == 13
    assert {record["isoffline"] for record in stage.seen} == {0}


def test_an_answer_that_is_lost_has_no_effect_and_makes_a_duplicate() -> None:
    stage = Stage(OK, faults=("lost-ack=1",))
    stage.delay_s = 0.05

    async def scene(camera: VzenithCamera) -> None:
        future = camera.recognise(CAR)
        await until(lambda: len(stage.seen) == 3)
        assert stage.opened == 0
        stage.faults.set("lost-ack", 0)
        assert (await future).opens

    stage.play(scene)
    assert stage.opened == 1
    assert stage.counters.lost_answers == 2


def test_without_network_it_opens_by_its_own_list_and_replays_one_by_one() -> None:
    stage = Stage(MORE)

    async def scene(camera: VzenithCamera) -> None:
        camera.set_online(False)
        for text in ("粤B00001", "粤B00002"):
            shown = await camera.recognise(Reading(text, known=True))
            assert (shown.delivered, shown.sight.sent_us) == (False, 0)
        await camera.recognise(Reading("_无_"))
        camera.report_input(0, 1)
        assert stage.opened == 2
        assert camera.pending == 3
        await asyncio.sleep(0.1)
        assert stage.seen == []
        camera.set_online(True)
        assert await camera.drained(PATIENCE_S)

    stage.play(scene)
    assert [record["license"] for record in stage.seen] == ["粤B00001", "粤B00002", "_无_"]
    assert [record["isoffline"] for record in stage.seen] == [1, 1, 1]
    assert [record["gioouts"][0]["ctrltype"] for record in stage.seen] == [2, 2, 1]
    assert stage.inputs == []
    assert stage.opened == 2  # an answer to a stored record opens nothing


def test_a_live_record_goes_before_the_stored_ones() -> None:
    stage = Stage(MORE)
    stage.delay_s = 0.05

    async def scene(camera: VzenithCamera) -> None:
        camera.set_online(False)
        for number in range(5):
            await camera.recognise(Reading(f"粤B0000{number}", known=True))
        camera.set_online(True)
        await until(lambda: len(stage.seen) >= 1)
        await camera.recognise(CAR)
        assert await camera.drained(PATIENCE_S)

    stage.play(scene)
    assert [record["license"] for record in stage.seen].index(CAR.text) == 1


def test_the_next_stored_record_waits_until_it_is_asked_for() -> None:
    stage = Stage(WAIT)  # acknowledged, but not "continue"

    async def scene(camera: VzenithCamera) -> None:
        camera.set_online(False)
        for number in range(3):
            await camera.recognise(Reading(f"粤B0000{number}", known=True))
        camera.set_online(True)
        begun = asyncio.get_running_loop().time()
        assert await camera.drained(PATIENCE_S)
        assert asyncio.get_running_loop().time() - begun >= 2 * PATIENCE.lost_s

    stage.play(scene)
    assert len(stage.seen) == 3


def test_a_second_trigger_reports_the_same_car_under_another_number() -> None:
    stage = Stage(OK, faults=("duplicate=1",))

    async def scene(camera: VzenithCamera) -> None:
        await camera.recognise(CAR)
        assert await camera.idle(PATIENCE_S)

    stage.play(scene)
    first, second = stage.seen
    assert first["license"] == second["license"]
    assert first["plateid"] != second["plateid"]
    assert (first["triggerType"], second["triggerType"] in (2, 8)) == (1, True)


def test_a_wrong_clock_shows_in_every_stamp() -> None:
    stage = Stage(OK)

    async def scene(camera: VzenithCamera) -> None:
        camera.skew_us = -300_000_000
        await camera.recognise(CAR)

    stage.play(scene)
    assert 295 < time.time() - stage.seen[0]["timeStamp"]["Timeval"]["sec"] < 310


def test_commands_come_with_the_answers_to_heartbeats() -> None:
    stage = Stage(OK)
    stage.commands = [{"info": "ok", "is_pay": "true"}, {"ivs_ioctrl": {"io": 1, "value": 2, "delay": 500}}]

    async def scene(camera: VzenithCamera) -> None:
        await until(lambda: stage.beats >= 4)
        camera.report_input(0, 1)
        camera.report_input(0, 0)
        assert await camera.idle(PATIENCE_S)

    stage.play(scene)
    assert (stage.opened, stage.closed) == (1, 1)
    assert stage.inputs == [{"source": 0, "value": 1}, {"source": 0, "value": 0}]


def test_a_plain_heartbeat_keeps_its_interval() -> None:
    stage = Stage(OK, comet=False)

    async def scene(camera: VzenithCamera) -> None:
        begun = asyncio.get_running_loop().time()
        await until(lambda: stage.beats >= 5)
        assert asyncio.get_running_loop().time() - begun >= 4 * PATIENCE.beat_s

    stage.play(scene)
