"""The controller against a server written from the same page: handshake, at most once, locks, breaks."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from openberth.simulator.boom import Boom, BoomTiming
from openberth.simulator.counters import Counters
from openberth.simulator.devices.barrier import BarrierController, Redial
from tests.waiting import until
from tests.wire.simulator.fake_barrier import FakeBarrierServer, Link, frame

SERIAL, SECRET = "bar-1", bytes(range(32))
RESULT, STATUS = 0x11, 0x20
ACCEPTED, DONE, LOCKED, OBSTRUCTED, EXPIRED = 0, 1, 2, 3, 4


class Stage:
    def __init__(self, server: FakeBarrierServer, boom: Boom, device: BarrierController, counters: Counters) -> None:
        self.server = server
        self.boom = boom
        self.device = device
        self.counters = counters

    @property
    def link(self) -> Link:
        return self.server.links[SERIAL]

    @property
    def frames(self) -> list[tuple[int, bytes]]:
        return self.server.frames.get(SERIAL, [])

    def results(self, command: bytes) -> list[int]:
        return [payload[16] for kind, payload in self.frames if kind == RESULT and payload[:16] == command]


def play(scene: Callable[[Stage], Awaitable[None]], *, lie: bool = False, heartbeat_s: int = 60) -> None:
    async def run() -> None:
        server = FakeBarrierServer({SERIAL: SECRET}, lie=lie, heartbeat_s=heartbeat_s)
        await server.open()
        counters = Counters()
        boom = Boom(BoomTiming(move_s=0.01, hold_s=0.05, drive_s=0.005))
        device = BarrierController(
            serial=SERIAL,
            secret=SECRET,
            host="127.0.0.1",
            port=server.port,
            boom=boom,
            counters=counters,
            redial=Redial(0.02, 0.05),
        )
        running = asyncio.create_task(device.run())
        try:
            await scene(Stage(server, boom, device, counters))
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await server.close()

    asyncio.run(run())


async def connected(stage: Stage) -> None:
    await until(lambda: stage.device.connected and bool(stage.frames))


def test_it_tells_its_status_at_once_and_every_change() -> None:
    async def scene(stage: Stage) -> None:
        await connected(stage)
        assert stage.frames[0] == (STATUS, bytes((1, 0, 0, 0, 0, 0, 0)))
        stage.boom.car_arrives()
        command = stage.link.command(1)
        await until(lambda: stage.results(command) == [ACCEPTED, DONE])
        await stage.boom.drive_through()
        await until(lambda: stage.frames[-1] == (STATUS, bytes((1, 0, 0, 0, 0, 0, 1))))
        told = [payload for kind, payload in stage.frames if kind == STATUS]
        assert [(status[0], status[2]) for status in told] == [
            (1, 0),  # closed
            (1, 1),  # a car before it
            (2, 1),  # opening
            (3, 1),  # open
            (3, 3),  # the car is under it
            (3, 0),  # and through
            (4, 0),  # closing
            (1, 0),
        ]

    play(scene)


def test_a_command_is_carried_out_once_over_connections_too() -> None:
    async def scene(stage: Stage) -> None:
        await connected(stage)
        stage.boom.car_arrives()
        command = stage.link.command(1)
        await until(lambda: stage.results(command) == [ACCEPTED, DONE])
        await stage.boom.drive_through()
        stage.link.command(1, command=command)
        await until(lambda: len(stage.results(command)) == 3)
        first = stage.link
        stage.device.cut()
        await until(lambda: stage.device.connected and stage.server.links.get(SERIAL, first) is not first)
        stage.link.command(1, command=command)
        await until(lambda: stage.results(command) == [ACCEPTED, DONE, DONE, DONE])
        assert stage.boom.state.name == "CLOSED"
        assert stage.counters.barrier_commands == 1
        assert stage.counters.barrier_repeats == 2

    play(scene)


def test_the_result_of_a_command_survives_a_break() -> None:
    async def scene(stage: Stage) -> None:
        await connected(stage)
        stage.boom.car_arrives()
        changed = stage.boom.on_change

        def cut_in_the_midst() -> None:
            changed()
            if stage.boom.state.name == "OPENING":
                stage.device.cut()

        stage.boom.on_change = cut_in_the_midst
        command = stage.link.command(1)
        await until(lambda: DONE in stage.results(command))
        assert stage.server.handshakes == 2

    play(scene)


def test_locks_obstructions_and_old_commands_are_refused() -> None:
    async def scene(stage: Stage) -> None:
        await connected(stage)
        stage.boom.lock(True)
        locked = stage.link.command(1)
        await until(lambda: stage.results(locked) == [LOCKED])
        stage.boom.lock(False)
        stage.boom.car_arrives()
        stage.boom.car_under = True
        stage.link.command(1)
        obstructed = stage.link.command(2)
        await until(lambda: stage.results(obstructed) == [OBSTRUCTED])
        stage.boom.car_under = False
        expired = stage.link.command(1, life_ms=0)
        await until(lambda: stage.results(expired) == [EXPIRED])

    play(scene)


def test_locked_open_stays_open_until_unlocked() -> None:
    async def scene(stage: Stage) -> None:
        await connected(stage)
        hold = stage.link.command(4)
        await until(lambda: stage.results(hold) == [ACCEPTED, DONE])
        await asyncio.sleep(0.1)
        assert stage.boom.state.name == "OPEN"
        close, stop, unlock = (stage.link.command(operation) for operation in (2, 3, 5))
        await until(lambda: stage.results(unlock) == [ACCEPTED, DONE])
        assert (stage.results(close), stage.results(stop)) == ([LOCKED], [DONE])
        await until(lambda: stage.boom.state.name == "CLOSED")

    play(scene)


def test_a_server_that_cannot_prove_itself_gets_nothing() -> None:
    async def scene(stage: Stage) -> None:
        await until(lambda: stage.server.handshakes >= 3)
        assert not stage.frames
        assert not stage.device.connected
        assert stage.counters.barrier_links == 0

    play(scene, lie=True)


def test_a_forged_frame_a_refusal_and_garbage_end_the_connection_and_move_nothing() -> None:
    async def scene(stage: Stage) -> None:
        spoils: list[Callable[[Link], None]] = [
            lambda link: link.send(0x10, os.urandom(16) + bytes((1, 0, 0, 255, 255)), mac=bytes(8)),
            lambda link: link.writer.write(frame(0x05, 9, b"\x06")),
            lambda link: link.writer.write(b"\xa6\xff\xff"),
            lambda link: link.send(0x99, b""),
        ]
        for number, spoil in enumerate(spoils, 1):
            await until(lambda: stage.device.connected and SERIAL in stage.server.links)
            assert stage.server.handshakes == number
            spoil(stage.link)
            await until(lambda: not stage.device.connected)
        assert stage.boom.state.name == "CLOSED"
        assert stage.counters.barrier_refusals == 1
        assert stage.counters.barrier_commands == 0

    play(scene)


def test_pings_are_answered_with_their_sequence_and_silence_ends_the_connection() -> None:
    async def scene(stage: Stage) -> None:
        await connected(stage)
        stage.link.send(0x30, b"", sequence=4711)
        await until(lambda: (0x31, b"") in stage.frames)
        await until(lambda: [kind for kind, _ in stage.frames].count(STATUS) >= 3)  # each heartbeat

    play(scene, heartbeat_s=1)


def test_changes_that_follow_too_fast_are_told_together() -> None:
    async def scene(stage: Stage) -> None:
        await connected(stage)
        for _ in range(200):
            stage.boom.car_arrives()
            stage.boom.car_backs_out()
        stage.boom.car_arrives()
        await until(lambda: len(stage.frames) > 100 and stage.frames[-1] == (STATUS, bytes((1, 0, 1, 0, 0, 0, 0))))
        told = [payload for kind, payload in stage.frames if kind == STATUS]
        assert 100 < len(told) < 200

    play(scene)
