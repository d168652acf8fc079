"""What the asyncio glue does with a peer that does not read: on a paper transport, as kernels buffer megabytes."""

import asyncio
from typing import Any
from uuid import UUID

from openberth.gateways.barriers import (
    BarrierCommand,
    BarrierDevice,
    BarrierLimits,
    BarrierServer,
    BarrierStatus,
    CommandReport,
    Operation,
)
from openberth.gateways.barriers.connection import Connection
from openberth.infra.http.limits import ANYWHERE
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant
from tests.wire.barrier_peer import Peer

DEVICE = BarrierDevice(UUID(int=1), bytes(32), ANYWHERE)


class HandClock:
    def __init__(self) -> None:
        self.at = 1_000 * SECOND_US

    def now(self) -> Instant:
        return Instant(self.at)


class PaperTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("10.0.0.9", 4711)})
        self.written: list[bytes] = []
        self.reads: list[bool] = [True]
        self.done: list[str] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high is not None
        assert high <= 8192

    def pause_reading(self) -> None:
        self.reads.append(False)

    def resume_reading(self) -> None:
        self.reads.append(True)

    def listens(self) -> bool:
        return self.reads[-1]

    def write_eof(self) -> None:
        self.done.append("eof")

    def abort(self) -> None:
        self.done.append("abort")

    def is_closing(self) -> bool:
        return "abort" in self.done


class Deaf:
    async def find(self, serial: str) -> BarrierDevice | None:
        return DEVICE

    async def on_connected(self, device_id: Id, address: str) -> None:
        pass

    async def on_status(self, device_id: Id, status: BarrierStatus) -> None:
        pass

    async def on_result(self, device_id: Id, report: CommandReport) -> None:
        pass

    async def on_disconnected(self, device_id: Id, reason: str) -> None:
        pass


def feed(connection: Connection, data: bytes) -> None:
    buffer = connection.get_buffer(-1)
    buffer[: len(data)] = data
    connection.buffer_updated(len(data))


async def connected(clock: HandClock) -> tuple[BarrierServer, Connection, PaperTransport, Peer]:
    server = BarrierServer(directory=Deaf(), observer=Deaf(), clock=clock, heartbeat_s=2)
    connection, transport, peer = Connection(server), PaperTransport(), Peer(bytes(32))
    connection.connection_made(transport)
    feed(connection, peer.hello())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    feed(connection, peer.proof(transport.written[0]))
    peer.welcomed(transport.written[1])
    return server, connection, transport, peer


def test_a_peer_that_does_not_read_gets_no_commands_is_not_read_from_and_is_cut_off() -> None:
    async def scene() -> None:
        clock = HandClock()
        server, connection, transport, _ = await connected(clock)
        connection.pause_writing()
        assert not transport.listens()
        command = BarrierCommand(UUID(int=5), Operation.OPEN, Instant(clock.at + SECOND_US))
        assert not server.send(DEVICE.id, command)
        connection.resume_writing()
        assert transport.listens()
        assert server.send(DEVICE.id, command)
        connection.pause_writing()
        clock.at += 6 * SECOND_US
        connection.tick(clock.now())
        assert transport.done == ["abort"]
        assert not server.is_connected(DEVICE.id)
        await asyncio.sleep(0)

    asyncio.run(scene())


def test_reading_goes_on_only_when_both_the_peer_and_the_observer_keep_up() -> None:
    async def scene() -> None:
        _, connection, transport, _ = await connected(HandClock())
        connection.pause_writing()
        connection.hold_for_observer(held=True)
        connection.resume_writing()
        assert not transport.listens()
        connection.hold_for_observer(held=False)
        assert transport.listens()
        await asyncio.sleep(0)

    asyncio.run(scene())


def test_a_refused_peer_has_a_second_to_go() -> None:
    async def scene() -> None:
        clock = HandClock()
        server, connection, transport, _ = await connected(clock)
        feed(connection, b"nonsense")
        assert transport.done == ["eof"]
        assert transport.listens()
        clock.at += SECOND_US - 1
        connection.tick(clock.now())
        assert transport.done == ["eof"]
        clock.at += 1
        connection.tick(clock.now())
        assert transport.done == ["eof", "abort"]
        connection.connection_lost(None)
        assert server.connections == 0
        assert server.counts["ended.broken_start"] == 1
        await asyncio.sleep(0)

    asyncio.run(scene())


def test_far_too_many_are_cut_without_a_word() -> None:
    async def scene() -> None:
        limits = BarrierLimits(handshakes=1, lingering=3)
        server = BarrierServer(directory=Deaf(), observer=Deaf(), clock=HandClock(), limits=limits)
        transports = [PaperTransport() for _ in range(6)]
        for transport in transports:
            Connection(server).connection_made(transport)
        assert [transport.done for transport in transports] == [[]] + [["eof"]] * 3 + [["abort"]] * 2

    asyncio.run(scene())
