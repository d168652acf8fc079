"""Barriers that are connected follow what people do to their devices, on a real database and real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from typing import Any

from openberth.contexts import facility
from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import CommandDispatcher, DeviceDirectory, Presence, Strays
from openberth.contexts.facility.service.waiting import waiting_devices
from openberth.gateways.barriers.link import BarrierLink
from openberth.infra.database import Database
from openberth.infra.refusals import Refusal
from openberth.kernel.ids import Id
from tests.service.acting import COMPANY, following, ids_of, lot_file, mall, read, write
from tests.service.facility.test_devices import credentials
from tests.waiting import PATIENCE_S
from tests.wire.barrier_peer import Peer

NOTED: list[Refusal] = []


class Dialled:
    """A barrier that has dialled in and was welcomed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def welcomed(cls, address: tuple[str, int], secret: str, serial: str) -> "Dialled":
        made = cls(*await asyncio.open_connection(*address))
        peer = Peer(bytes.fromhex(secret), serial)
        made._writer.write(peer.hello())
        made._writer.write(peer.proof(await made._frame()))
        peer.welcomed(await made._frame())
        return made

    async def hung_up(self) -> bool:
        async with asyncio.timeout(PATIENCE_S):
            return await self._reader.read() == b""

    def close(self) -> None:
        self._writer.close()

    async def _frame(self) -> bytes:
        head = await asyncio.wait_for(self._reader.readexactly(3), PATIENCE_S)
        return head + await self._reader.readexactly(int.from_bytes(head[1:], "big") + 3)


@asynccontextmanager
async def listening(db: Database) -> AsyncIterator[tuple[BarrierLink, tuple[str, int]]]:
    directory = DeviceDirectory(db)
    link = BarrierLink(
        database=db, directory=directory, presence=Presence(db), dispatcher=CommandDispatcher(db),
        strays=Strays(db, NOTED.append),
    )  # fmt: skip
    async with following(db, directory.watch):
        await directory.reload()
        address = await link.server.start("127.0.0.1", 0)
        task = asyncio.create_task(directory.run())
        try:
            yield link, address
        finally:
            await link.server.stop()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def apart(act: Callable[..., Any], *args: Any, **params: Any) -> Any:
    return await asyncio.to_thread(act, *args, **params)


def play(db: Database, change: Callable[[Id], Any], *, stays: bool) -> None:
    """Let two barriers dial in, change something, and see the first one hung up, or not, and the other one never."""
    lot = mall(db)
    ids = ids_of(db, lot)
    first, second = credentials(db, lot, "bar-in-1", "bar-out-1")

    async def run() -> None:
        async with listening(db) as (link, address):
            one = await Dialled.welcomed(address, first, "mall-bar-in-1")
            other = await Dialled.welcomed(address, second, "mall-bar-out-1")
            await apart(change, lot)
            if stays:
                await asyncio.sleep(0.3)
            else:
                assert await one.hung_up()
                assert link.server.counts["ended.outdated"] == 1
            assert link.server.is_connected(ids["bar-in-1"]) is stays
            assert link.server.is_connected(ids["bar-out-1"])
            one.close()
            other.close()

    asyncio.run(run())


def test_a_barrier_that_nobody_knows_waits_for_a_person(db: Database) -> None:
    async def run() -> None:
        async with listening(db) as (link, address):
            dialled = Dialled(*await asyncio.open_connection(*address))
            peer = Peer(bytes(32), "of-nobody")
            dialled._writer.write(peer.hello())
            dialled._writer.write(peer.proof(await dialled._frame()))
            await dialled._reader.read()
            assert link.server.counts["ended.unknown_serial"] == 1
            await link._strays.flush()
            dialled.close()

    asyncio.run(run())
    [one] = read(db, waiting_devices)
    assert (one.serial, one.kind, one.address) == ("of-nobody", DeviceKind.BARRIER_TCP, "127.0.0.1")


def test_a_new_secret_hangs_up_who_is_connected_with_the_old_one(db: Database) -> None:
    play(db, lambda lot: credentials(db, lot, "bar-in-1"), stays=False)


def test_a_retired_barrier_is_hung_up(db: Database) -> None:
    file = lot_file("mall")
    fewer = replace(file, devices=tuple(one for one in file.devices if one.code != "bar-in-1"))
    play(db, lambda lot: write(db, facility.apply_lot, company=COMPANY, lot=fewer), stays=False)


def test_another_file_that_leaves_the_barrier_alone_leaves_its_connection_alone(db: Database) -> None:
    file = replace(lot_file("mall"), capacity=lot_file("mall").capacity - 1)
    play(db, lambda lot: write(db, facility.apply_lot, company=COMPANY, lot=file), stays=True)


def test_a_barrier_with_the_old_secret_stays_connected_while_it_holds(db: Database) -> None:
    lot = mall(db)
    ids = ids_of(db, lot)
    (old,) = credentials(db, lot, "bar-in-1")
    new = "ab" * 32

    async def run() -> None:
        async with listening(db) as (link, address):
            one = await Dialled.welcomed(address, old, "mall-bar-in-1")
            issue = partial(facility.issue_credentials, lot=lot, device_code="bar-in-1", secret=new, old_for_s=600)
            await apart(write, db, issue)
            await asyncio.sleep(0.3)
            assert link.server.is_connected(ids["bar-in-1"])
            one.close()
            for secret in (old, new):
                again = await Dialled.welcomed(address, secret, "mall-bar-in-1")
                again.close()

    asyncio.run(run())


def test_a_barrier_from_outside_its_network_is_noted(db: Database) -> None:
    file = lot_file("mall")
    outside = tuple(replace(each, networks=(ip_network("10.9.0.0/16"),)) for each in file.devices)
    lot = mall(db)
    (secret,) = credentials(db, lot, "bar-in-1")
    write(db, facility.apply_lot, company=COMPANY, lot=replace(file, devices=outside))
    NOTED.clear()

    async def run() -> None:
        async with listening(db) as (link, address):
            peer, made = Peer(bytes.fromhex(secret), "mall-bar-in-1"), Dialled(*await asyncio.open_connection(*address))
            made._writer.write(peer.hello())
            made._writer.write(peer.proof(await made._frame()))
            refused = await made._frame()
            assert refused[3] == 0x05
            assert link.server.counts["ended.address"] == 1
            made.close()

    asyncio.run(run())
    assert [(each.actor_name, each.route, each.code) for each in NOTED] == [
        ("mall/bar-in-1", "barrier link", "device.wrong_address")
    ]
