"""The barrier server on real sockets against a device written from the document alone (``barrier_peer``)."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

import pytest

from openberth.gateways.barriers import (
    BarrierCommand,
    BarrierDevice,
    BarrierLimits,
    BarrierServer,
    BarrierStatus,
    Boom,
    CommandOutcome,
    CommandReport,
    Operation,
)
from openberth.infra.http.limits import AddressRange
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant
from tests.waiting import PATIENCE_S, until
from tests.wire.barrier_peer import Peer

SECRET = bytes(range(32))
DEVICE = UUID(int=1)
ELSEWHERE = UUID(int=2)
SECOND = UUID(int=3)


class Hand:
    """A clock that moves by hand only: no limit is over because the machine was busy."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> Instant:
        return Instant(SECOND_US + self.ahead)


class Directory:
    def __init__(self) -> None:
        self.wait: asyncio.Event | None = None
        self.broken = False

    async def find(self, serial: str) -> BarrierDevice | None:
        if self.wait is not None:
            await self.wait.wait()
        if self.broken:
            raise RuntimeError("no database")
        if serial == "elsewhere":
            return BarrierDevice(ELSEWHERE, SECRET, AddressRange.parse(["10.0.0.0/8"]))
        known = {"bar-1": DEVICE, "bar-2": SECOND}.get(serial)
        return BarrierDevice(known, SECRET, AddressRange.parse(["127.0.0.0/8"])) if known else None


class Observer:
    def __init__(self) -> None:
        self.told: list[object] = []
        self.gate: asyncio.Event | None = None
        self.fails = 0

    async def tell(self, what: object) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            self.fails -= 1
            raise RuntimeError("no database")
        self.told.append(what)

    async def on_connected(self, device_id: Id, address: str) -> None:
        await self.tell(("connected", device_id, address))

    async def on_status(self, device_id: Id, status: BarrierStatus) -> None:
        await self.tell(status)

    async def on_result(self, device_id: Id, report: CommandReport) -> None:
        await self.tell(report)

    async def on_disconnected(self, device_id: Id, reason: str) -> None:
        await self.tell(("disconnected", device_id, reason))


class Wire:
    """One connection of a peer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer) -> None:
        self.reader = reader
        self.writer = writer
        self.peer = peer

    async def frame(self) -> bytes:
        head = await asyncio.wait_for(self.reader.readexactly(3), PATIENCE_S)
        (length,) = struct.unpack(">H", head[1:])
        return head + await self.reader.readexactly(length + 3)

    async def shake(self) -> "Wire":
        self.writer.write(self.peer.hello())
        self.writer.write(self.peer.proof(await self.frame()))
        assert self.peer.welcomed(await self.frame()) == 2
        return self

    async def refusal(self) -> int:
        kind, _, payload = self.peer.open(await self.frame())
        assert kind == 0x05
        assert await asyncio.wait_for(self.reader.read(), PATIENCE_S) == b""
        return payload[0]

    async def gone(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE_S) == b""
        except ConnectionError:
            return True

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


class House:
    """A running server with everything around it."""

    def __init__(self, limits: BarrierLimits | None = None) -> None:
        self.clock = Hand()
        self.directory = Directory()
        self.observer = Observer()
        self.server = BarrierServer(
            directory=self.directory, observer=self.observer, clock=self.clock, heartbeat_s=2, limits=limits
        )
        self.address = ("", 0)
        self.wires: list[Wire] = []

    async def dial(self, secret: bytes = SECRET, serial: str = "bar-1") -> Wire:
        reader, writer = await asyncio.open_connection(*self.address)
        wire = Wire(reader, writer, Peer(secret, serial))
        self.wires.append(wire)
        return wire

    def command(self, number: int = 1, operation: Operation = Operation.OPEN, life_s: int = 30) -> BarrierCommand:
        return BarrierCommand(UUID(int=number), operation, Instant(self.clock.now() + life_s * SECOND_US))

    async def told(self, what: object) -> None:
        await until(lambda: what in self.observer.told)


def play(scene: Callable[[House], Awaitable[None]], limits: BarrierLimits | None = None) -> House:
    async def run() -> House:
        house = House(limits)
        house.address = await house.server.start("127.0.0.1", 0)
        try:
            await scene(house)
        finally:
            if house.observer.gate is not None:
                house.observer.gate.set()
            for wire in house.wires:
                await wire.close()
            await house.server.stop()
        assert house.server.connections == 0
        return house

    return asyncio.run(run())


def test_a_barrier_connects_reports_and_obeys() -> None:
    async def scene(house: House) -> None:
        wire = await (await house.dial()).shake()
        peer = wire.peer
        wire.writer.write(peer.status(boom=1, loops=3, passes=9))
        status = BarrierStatus(Boom.CLOSED, locked=False, loop_before=True, loop_under=True, passes=9)
        await house.told(status)
        assert house.server.is_connected(DEVICE)
        command = house.command()
        assert house.server.send(DEVICE, command)
        sent_id, operation, life_ms = peer.open_command(await wire.frame())
        assert (sent_id, operation) == (command.id.bytes, 1)
        assert life_ms == 30_000
        wire.writer.write(peer.result(sent_id, 0))
        wire.writer.write(peer.status(boom=2, passes=9))
        wire.writer.write(peer.result(sent_id, 1))
        await house.told(CommandReport(command.id, CommandOutcome.DONE, "result"))
        await wire.close()
        await house.told(("disconnected", DEVICE, "closed"))
        assert house.observer.told == [
            ("connected", DEVICE, "127.0.0.1"),
            status,
            CommandReport(command.id, CommandOutcome.ACCEPTED, "result"),
            BarrierStatus(Boom.OPENING, locked=False, loop_before=False, loop_under=False, passes=9),
            CommandReport(command.id, CommandOutcome.DONE, "result"),
            ("disconnected", DEVICE, "closed"),
        ]
        assert not house.server.is_connected(DEVICE)

    house = play(scene)
    assert house.server.counts == {"connected": 1, "welcomed": 1, "sent": 1, "ended.closed": 1}


@pytest.mark.parametrize(
    ("secret", "serial", "code", "counted"),
    [
        pytest.param(bytes(32), "bar-1", 2, "ended.wrong_proof", id="wrong secret"),
        pytest.param(SECRET, "nobody", 2, "ended.unknown_serial", id="unknown serial"),
        pytest.param(SECRET, "elsewhere", 3, "ended.address", id="wrong address"),
    ],
)
def test_strangers_are_refused(secret: bytes, serial: str, code: int, counted: str) -> None:
    async def scene(house: House) -> None:
        wire = await house.dial(secret, serial)
        wire.writer.write(wire.peer.hello())
        wire.writer.write(wire.peer.proof(await wire.frame()))
        assert await wire.refusal() == code

    house = play(scene)
    assert house.server.counts[counted] == 1
    assert house.observer.told == []


def test_garbage_is_refused_and_counted() -> None:
    async def scene(house: House) -> None:
        wire = await house.dial()
        wire.writer.write(b"GET / HTTP/1.1\r\nHost: barrier\r\n\r\n" * 1000)
        assert await wire.refusal() == 5
        wire = await (await house.dial()).shake()
        damaged = bytearray(wire.peer.status())
        damaged[8] ^= 1
        wire.writer.write(bytes(damaged))
        assert await wire.refusal() == 5

    house = play(scene)
    assert house.server.counts["ended.broken_start"] == 1
    assert house.server.counts["ended.broken_crc"] == 1


def test_a_replayed_frame_ends_the_connection() -> None:
    async def scene(house: House) -> None:
        wire = await (await house.dial()).shake()
        status = wire.peer.status()
        wire.writer.write(status + status)
        assert await wire.refusal() == 4
        await house.told(("disconnected", DEVICE, "mac"))

    house = play(scene)
    assert sum(isinstance(told, BarrierStatus) for told in house.observer.told) == 1


def test_the_handshake_must_end_in_time_even_while_the_directory_is_slow() -> None:
    async def scene(house: House) -> None:
        house.directory.wait = asyncio.Event()
        asked = await house.dial()
        asked.writer.write(asked.peer.hello())
        mute = await house.dial()
        await until(lambda: house.server.connections == 2)
        house.clock.ahead += 5 * SECOND_US
        assert await asked.refusal() == 5
        assert await mute.refusal() == 5

    house = play(scene)
    assert house.server.counts["ended.handshake_timeout"] == 2


def test_a_failing_directory_turns_away_and_goes_on() -> None:
    async def scene(house: House) -> None:
        house.directory.broken = True
        wire = await house.dial()
        wire.writer.write(wire.peer.hello())
        assert await wire.refusal() == 6
        house.directory.broken = False
        await (await house.dial()).shake()

    assert play(scene).server.counts["directory_failed"] == 1


def test_a_second_connection_takes_over_when_it_is_welcomed_and_not_before() -> None:
    async def scene(house: House) -> None:
        first = await (await house.dial()).shake()
        stranger = await house.dial(bytes(32))
        stranger.writer.write(stranger.peer.hello())
        stranger.writer.write(stranger.peer.proof(await stranger.frame()))
        assert await stranger.refusal() == 2
        first.writer.write(first.peer.status(passes=1))
        await until(lambda: len(house.observer.told) == 2)
        second = await (await house.dial()).shake()
        assert await first.gone()
        assert house.server.send(DEVICE, house.command())
        second.peer.open_command(await second.frame())
        await first.close()
        assert house.server.is_connected(DEVICE)

    house = play(scene)
    kinds = [told[0] for told in house.observer.told if isinstance(told, tuple)]
    assert kinds == ["connected", "connected", "disconnected"]
    assert house.server.counts["ended.replaced"] == 1


def test_nothing_is_queued_for_an_absent_barrier() -> None:
    async def scene(house: House) -> None:
        assert not house.server.send(DEVICE, house.command(1))
        wire = await (await house.dial()).shake()
        assert not house.server.send(DEVICE, house.command(2, life_s=0))
        assert not house.server.send(ELSEWHERE, house.command(3))
        await wire.close()
        await until(lambda: not house.server.is_connected(DEVICE))
        assert not house.server.send(DEVICE, house.command(4))
        wire = await (await house.dial()).shake()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(wire.reader.read(1), 0.3)

    assert play(scene).server.counts["unreachable"] == 4


def test_a_command_is_never_sent_twice() -> None:
    async def scene(house: House) -> None:
        wire = await (await house.dial()).shake()
        command = house.command()
        assert house.server.send(DEVICE, command)
        with pytest.raises(Refused, match=r"barrier\.command_repeated"):
            house.server.send(DEVICE, command)
        wire.peer.open_command(await wire.frame())
        house.clock.ahead += 2 * SECOND_US
        assert wire.peer.open_signed(await wire.frame())[0] == 0x30, "the next frame is a PING, not the command again"

    play(scene)


def test_accepted_alone_is_uncertain_and_a_late_result_is_marked() -> None:
    async def scene(house: House) -> None:
        wire = await (await house.dial()).shake()
        command = house.command(life_s=3)
        assert house.server.send(DEVICE, command)
        sent_id, _, _ = wire.peer.open_command(await wire.frame())
        wire.writer.write(wire.peer.result(sent_id, 0))
        await house.told(CommandReport(command.id, CommandOutcome.ACCEPTED, "result"))
        house.clock.ahead += 3 * SECOND_US
        await house.told(CommandReport(command.id, CommandOutcome.UNCERTAIN, "no_evidence"))
        wire.writer.write(wire.peer.result(sent_id, 1))
        await house.told(CommandReport(command.id, CommandOutcome.DONE, "result", late=True))

    play(scene)


def test_a_result_over_the_next_connection_still_counts() -> None:
    async def scene(house: House) -> None:
        wire = await (await house.dial()).shake()
        first, second = house.command(1), house.command(2)
        assert house.server.send(DEVICE, first)
        assert house.server.send(DEVICE, second)
        await wire.close()
        wire = await (await house.dial()).shake()
        wire.writer.write(wire.peer.result(first.id.bytes, 1))
        await house.told(CommandReport(first.id, CommandOutcome.DONE, "result"))
        house.clock.ahead += 2 * SECOND_US
        wire.writer.write(wire.peer.status())
        house.clock.ahead += 5 * SECOND_US
        wire.writer.write(wire.peer.status())
        house.clock.ahead += 23 * SECOND_US
        await house.told(CommandReport(second.id, CommandOutcome.UNCERTAIN, "no_evidence"))

    play(scene)


def test_stopping_makes_open_commands_uncertain_and_says_goodbye() -> None:
    async def scene(house: House) -> None:
        await (await house.dial()).shake()
        assert house.server.send(DEVICE, house.command())
        await house.server.stop()

    house = play(scene)
    assert house.observer.told[1:] == [
        ("disconnected", DEVICE, "stopped"),
        CommandReport(UUID(int=1), CommandOutcome.UNCERTAIN, "stopped"),
    ]


def test_silence_ends_a_connection() -> None:
    async def scene(house: House) -> None:
        wire = await (await house.dial()).shake()
        house.clock.ahead += 2 * SECOND_US
        assert wire.peer.open_signed(await wire.frame())[0] == 0x30
        house.clock.ahead += 4 * SECOND_US
        assert await wire.gone()
        await house.told(("disconnected", DEVICE, "silence"))

    play(scene)


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(BarrierLimits(handshakes=100, handshakes_per_address=3), id="of an address"),
        pytest.param(BarrierLimits(handshakes=3, handshakes_per_address=100), id="overall"),
    ],
)
def test_strangers_in_handshake_are_bounded_and_leave_connected_barriers_alone(limits: BarrierLimits) -> None:
    async def scene(house: House) -> None:
        barrier = await (await house.dial()).shake()
        mute = [await house.dial() for _ in range(3)]
        await until(lambda: house.server.connections == 4)
        turned_away = await house.dial()
        assert await turned_away.refusal() == 6
        barrier.writer.write(barrier.peer.status(passes=1))
        await until(lambda: len(house.observer.told) == 2)
        await mute[0].close()
        await turned_away.close()
        await until(lambda: house.server.connections == 3)
        await (await house.dial()).shake()

    play(scene, limits)


def test_strangers_use_up_no_place_of_a_barrier() -> None:
    async def scene(house: House) -> None:
        mute = [await house.dial() for _ in range(5)]
        await until(lambda: house.server.connections == 5)
        await (await house.dial()).shake()
        full = await house.dial(serial="bar-2")
        full.writer.write(full.peer.hello())
        full.writer.write(full.peer.proof(await full.frame()))
        full.peer.welcomed(await full.frame())
        assert await full.refusal() == 6
        await (await house.dial()).shake()  # it takes the place of its own older connection
        house.clock.ahead += 5 * SECOND_US
        assert await mute[0].refusal() == 5

    house = play(scene, BarrierLimits(connections=1))
    assert house.server.counts["welcomed"] == 2


def test_a_barrier_whose_secret_is_not_valid_any_more_is_hung_up_in_handshake_too() -> None:
    async def scene(house: House) -> None:
        kept = await (await house.dial(serial="bar-2")).shake()
        welcomed = await (await house.dial()).shake()
        challenged = await house.dial()
        challenged.writer.write(challenged.peer.hello())
        challenge = await challenged.frame()
        reviewed: list[tuple[Id, str]] = []

        def is_current(device: BarrierDevice, address: str) -> bool:
            reviewed.append((device.id, address))
            return device.id != DEVICE

        house.server.review(is_current)
        assert await welcomed.gone()
        challenged.writer.write(challenged.peer.proof(challenge))
        assert await challenged.gone()
        await house.told(("disconnected", DEVICE, "outdated"))
        assert not house.server.is_connected(DEVICE)
        assert house.server.is_connected(SECOND)
        assert sorted(reviewed) == [(DEVICE, "127.0.0.1")] * 2 + [(SECOND, "127.0.0.1")]
        await kept.close()

    play(scene)


def test_a_slow_observer_holds_back_its_device_and_nothing_is_lost() -> None:
    async def scene(house: House) -> None:
        house.observer.gate = asyncio.Event()
        wire = await (await house.dial()).shake()
        sent = 1_000
        for passes in range(1, sent + 1):
            wire.writer.write(wire.peer.status(passes=passes))
        await asyncio.sleep(0.3)
        house.clock.ahead += 60 * SECOND_US
        await asyncio.sleep(0.3)
        assert house.server.is_connected(DEVICE)
        house.observer.gate.set()
        await until(lambda: len(house.observer.told) > sent or not house.server.is_connected(DEVICE))
        seen = [told.passes for told in house.observer.told if isinstance(told, BarrierStatus)]
        assert seen == list(range(1, sent + 1))

    play(scene)


def test_a_failing_observer_is_counted_and_does_not_break_the_link() -> None:
    async def scene(house: House) -> None:
        house.observer.fails = 2
        wire = await (await house.dial()).shake()
        wire.writer.write(wire.peer.status(passes=1) + wire.peer.status(passes=2))
        await until(lambda: len(house.observer.told) == 1)

    assert play(scene).server.counts["observer_failed"] == 2
