"""Devices over MQTT and the house, on a real database: the same tests with our endpoint and with an outside broker."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from openberth.contexts import facility
from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.model import Device
from openberth.contexts.facility.reactions import DeviceDirectory, DeviceEntry, Presence, Strays
from openberth.contexts.facility.service import lots
from openberth.contexts.facility.service.waiting import PER_ADDRESS_MAX, waiting_devices
from openberth.gateways.mqtt import broker as broker_module
from openberth.gateways.mqtt.broker import OutsideBroker
from openberth.gateways.mqtt.link import MqttHub
from openberth.gateways.mqtt.ports import Delivery, Topics
from openberth.infra import alarms
from openberth.infra.database import Database
from openberth.infra.refusals import Refusal
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant
from tests.ports import free_port
from tests.service.acting import COMPANY, OTHER_COMPANY, following, ids_of, lot_file, read, write
from tests.service.facility.test_devices import credentials
from tests.waiting import PATIENCE_S, until
from tests.wire.mqtt_peer import Peer, connect, puback, publish
from tests.wire.mqtt_server import broker_address, own_broker

DELIVERED, ABSENT, UNCERTAIN = Delivery
HOME = (ip_network("127.0.0.0/8"),)


class Make:
    """Devices of a test, below a topic of this run."""

    kind = DeviceKind.GENERIC_MQTT

    def __init__(self) -> None:
        self.root = f"openberth-test-{secrets.token_hex(6)}"

    def topics(self, serial: str) -> Topics:
        return Topics((f"{self.root}/{serial}/up/#",), (f"{self.root}/{serial}/down/#",))

    def listens(self) -> tuple[str, ...]:
        return (f"{self.root}/+/up/#",)

    def serial_of(self, topic: str, payload: bytes) -> str | None:
        levels = topic.split("/")
        return levels[1] if len(levels) > 2 and levels[0] == self.root else None


@dataclass
class Ears:
    """What is told of devices by their codes; messages ``hang`` hang, ``fail`` fail once."""

    heard: list[tuple[str, str, bytes]] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    failed: bool = False
    hangs: bool = False
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def on_message(self, device: DeviceEntry, topic: str, payload: bytes, address: str) -> None:
        assert address == "127.0.0.1"
        if payload == b"hang":
            self.hangs = True
            await self.go_on.wait()
        if payload == b"fail" and not self.failed:
            self.failed = True
            raise OSError("the disk is full")
        self.heard.append((device.code, topic.partition("/up/")[2], payload))

    async def on_connected(self, device: DeviceEntry, address: str) -> None:
        self.there.append(device.code)

    async def on_gone(self, device: DeviceEntry, reason: str) -> None:
        self.there.remove(device.code)


@dataclass
class Stage:
    """A hub with two devices in the house; a third one has no credentials."""

    db: Database
    hub: MqttHub
    make: Make
    ears: Ears
    strays: Strays
    presence: Presence
    directory: DeviceDirectory
    address: tuple[str, int]
    lot: Id
    ids: dict[str, Id]
    passwords: dict[str, str]

    def connect(self, code: str) -> bytes:
        name = f"{self.make.root}-{code}"
        return connect(name, serial(code), self.passwords.get(code, "0" * 64), version=5)

    async def device(self, code: str) -> Peer:
        peer = await Peer.open(self.address, self.connect(code), 5)
        await peer.subscribed(f"{self.make.root}/{serial(code)}/down/#")
        await self.says(peer, code, b"here")
        return peer

    async def says(self, peer: Peer, code: str, payload: bytes, packet_id: int = 1, *, kept: bool = True) -> None:
        topic = f"{self.make.root}/{serial(code)}/up/x"
        peer.writer.write(publish(topic, payload, qos=1, packet_id=packet_id, version=5))
        if kept:
            await until(lambda: (code, "x", payload) in self.ears.heard)
            while (await peer.read())[0] != 4:
                continue

    async def send(self, code: str, payload: bytes, *, retain: bool = False, moves: bool = False) -> Delivery:
        now = self.db.clocks.machine.now()
        topic = f"{self.make.root}/{serial(code)}/down/x"
        life = Instant(now + 20 * SECOND_US) if moves else None
        return await self.hub.publish(
            self.ids[code], topic, payload, retain=retain, moves=moves, expires_at=life
        )  # fmt: skip


def serial(code: str) -> str:
    return f"serial-{code}"


def furnished(db: Database) -> tuple[Id, dict[str, Id], dict[str, str]]:
    lot = lot_file("mall")
    codes = ("first", "second", "third")
    devices = [Device(code, DeviceKind.GENERIC_MQTT, "in-2", HOME, serial(code), None) for code in codes]
    applied = write(db, facility.apply_lot, company=COMPANY, lot=replace(lot, devices=(*lot.devices, *devices))).lot
    issued = credentials(db, applied, "first", "second")
    return applied, dict(ids_of(db, applied)), dict(zip(codes, issued, strict=False))


@asynccontextmanager
async def staged(db: Database, carrier: str, noted: list[Refusal]) -> AsyncIterator[Stage]:
    lot, ids, passwords = await asyncio.to_thread(furnished, db)
    directory, presence, strays = DeviceDirectory(db), Presence(db), Strays(db, noted.append)
    hub = MqttHub(clock=db.clocks.machine, directory=directory, presence=presence, strays=strays)
    make, ears = Make(), Ears()
    hub.serve(make, ears)
    tasks = [asyncio.create_task(hub.run()), asyncio.create_task(directory.run())]
    async with following(db, directory.watch):
        await directory.reload()
        if carrier == "endpoint":
            address = await hub.endpoint.start("127.0.0.1", 0)
        else:
            address = broker_address()
            broker = hub.go_through(f"mqtt://{address[0]}:{address[1]}", client_id=make.root, may_connect=yes)
            tasks.append(asyncio.create_task(broker.run()))
            await asyncio.wait_for(broker.ready(), PATIENCE_S)
        try:
            yield Stage(db, hub, make, ears, strays, presence, directory, address, lot, ids, passwords)
        finally:
            ears.go_on.set()
            if carrier == "endpoint":
                await hub.carrier.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if carrier == "broker":
                await hub.carrier.stop()


async def yes() -> bool:
    return True


Scene = Callable[[Stage], Awaitable[None]]


@pytest.fixture
def noted() -> list[Refusal]:
    return []


def play(db: Database, carrier: str, noted: list[Refusal], scene: Scene) -> None:
    async def run() -> None:
        async with staged(db, carrier, noted) as stage:
            await scene(stage)

    asyncio.run(run())


@pytest.mark.parametrize("carrier", ["endpoint", "broker"])
class TestBoth:
    def test_devices_are_heard_and_told(self, db: Database, carrier: str, noted: list[Refusal]) -> None:
        async def scene(stage: Stage) -> None:
            peer = await stage.device("first")
            await stage.says(peer, "first", b"plate", 2)
            assert stage.ears.there == ["first"]
            assert stage.hub.is_connected(stage.ids["first"])
            for moves in (False, True):
                sending = asyncio.create_task(stage.send("first", b"open", moves=moves))
                got = await peer.message()
                assert (got.payload, got.qos, got.retain) == (b"open", 1, False)
                assert got.properties[:1] == (b"\x02" if moves else b"")
                peer.writer.write(puback(got.packet_id))
                assert await sending is DELIVERED
            peer.close()

        play(db, carrier, noted, scene)

    def test_what_moves_a_gate_does_not_wait_for_an_absent_device(
        self, db: Database, carrier: str, noted: list[Refusal]
    ) -> None:
        async def scene(stage: Stage) -> None:
            assert await stage.send("first", b"gate", moves=True) is ABSENT
            peer = await stage.device("first")
            assert await peer.silent()
            assert await stage.send("second", b"gate", moves=True) is ABSENT
            peer.close()

        play(db, carrier, noted, scene)

    def test_what_is_shown_is_given_to_whoever_comes(self, db: Database, carrier: str, noted: list[Refusal]) -> None:
        async def scene(stage: Stage) -> None:
            assert await stage.send("first", b"full", retain=True) is ABSENT
            peer = await Peer.open(stage.address, stage.connect("first"), 5)
            await peer.subscribed(f"{stage.make.root}/{serial('first')}/down/#")
            got = await peer.message()
            assert (got.payload, got.retain) == (b"full", True)
            peer.writer.write(puback(got.packet_id))
            peer.close()
            await stage.send("first", b"", retain=True)

        play(db, carrier, noted, scene)

    def test_a_device_that_hangs_costs_itself_alone(self, db: Database, carrier: str, noted: list[Refusal]) -> None:
        async def scene(stage: Stage) -> None:
            slow, quick = await stage.device("first"), await stage.device("second")
            for number in range(2, 60):
                await stage.says(slow, "first", b"hang", number, kept=False)
            for number in range(2, 40):
                await stage.says(quick, "second", str(number).encode(), number)
            assert not any(payload == b"hang" for _, _, payload in stage.ears.heard)
            slow.close()
            quick.close()

        play(db, carrier, noted, scene)

    def test_what_was_not_kept_comes_again(self, db: Database, carrier: str, noted: list[Refusal]) -> None:
        async def scene(stage: Stage) -> None:
            peer = await stage.device("first")
            await stage.says(peer, "first", b"fail", 2, kept=False)
            if carrier == "endpoint":
                assert await peer.hung_up() == b"\xe0\1\x89"
                again = await stage.device("first")
                await stage.says(again, "first", b"fail", 2)
                again.close()
            await until(lambda: ("first", "x", b"fail") in stage.ears.heard)
            peer.close()

        play(db, carrier, noted, scene)

    def test_somebody_unknown_waits_for_a_person(self, db: Database, carrier: str, noted: list[Refusal]) -> None:
        async def scene(stage: Stage) -> None:
            peer = await Peer.dial(stage.address, stage.connect("nobody"), 5)
            _, _, body = await peer.read()
            if carrier == "endpoint":
                assert body[1] == 0x86
            else:
                peer.writer.write(publish(f"{stage.make.root}/serial-nobody/up/x", b"?", version=5))
            await until(lambda: stage.strays._callers)
            await stage.strays.flush()
            peer.close()

        play(db, carrier, noted, scene)
        [one] = read(db, waiting_devices)
        assert (one.serial, one.kind, one.address) == ("serial-nobody", DeviceKind.GENERIC_MQTT, "127.0.0.1")

    def test_a_device_from_elsewhere_is_not_heard(self, db: Database, carrier: str, noted: list[Refusal]) -> None:
        async def scene(stage: Stage) -> None:
            lot = lot_file("mall")
            away = Device(
                "first", DeviceKind.GENERIC_MQTT, "in-2", (ip_network("192.0.2.0/24"),), serial("first"), None
            )
            moved = replace(lot, devices=(*lot.devices, away))
            await asyncio.to_thread(write, db, facility.apply_lot, company=COMPANY, lot=moved)
            await until(lambda: not stage.directory.by_id(stage.ids["first"]).networks.admits("127.0.0.1"))  # type: ignore[union-attr]
            peer = await Peer.dial(stage.address, stage.connect("first"), 5)
            _, _, body = await peer.read()
            if carrier == "endpoint":
                assert body[1] == 0x87
            else:
                topic = f"{stage.make.root}/{serial('first')}/up/x"
                peer.writer.write(publish(topic, b"?", qos=1, version=5))
                await peer.read()
            await until(lambda: noted)
            assert not stage.ears.heard
            peer.close()

        play(db, carrier, noted, scene)
        assert (noted[0].code, noted[0].route) == ("device.wrong_address", "mqtt")


# what only the endpoint decides


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ("serial-first", 0),
        ("generic/serial-first", 0),
        ("vzenith/serial-first", 0x86),
        ("serial-second", 0x86),
        ("serial-third", 0x86),
    ],
)
def test_the_user_name_is_the_serial_or_the_make_and_the_serial(
    db: Database, noted: list[Refusal], user: str, code: int
) -> None:
    async def scene(stage: Stage) -> None:
        data = connect("c", user, stage.passwords["first"], version=5)
        peer = await Peer.dial(stage.address, data, 5)
        assert (await peer.read())[2][1] == code
        assert not stage.strays._callers
        peer.close()

    play(db, "endpoint", noted, scene)


def test_an_unknown_serial_waits_as_the_make_it_names(db: Database, noted: list[Refusal]) -> None:
    async def scene(stage: Stage) -> None:
        peer = await Peer.dial(stage.address, connect("c", "vzenith/8a3f", "guess", version=5), 5)
        assert (await peer.read())[2][1] == 0x86
        await stage.strays.flush()
        peer.close()

    play(db, "endpoint", noted, scene)
    [one] = read(db, waiting_devices)
    assert (one.serial, one.kind) == ("8a3f", DeviceKind.VZENITH_MQTT)


def test_a_new_secret_hangs_up_who_is_connected_with_the_old_one(db: Database, noted: list[Refusal]) -> None:
    async def scene(stage: Stage) -> None:
        first, second = await stage.device("first"), await stage.device("second")
        await asyncio.to_thread(credentials, db, stage.lot, "first")
        assert await first.hung_up() == b"\xe0\1\x98"
        await stage.says(second, "second", b"still here", 2)
        first.close()
        second.close()

    play(db, "endpoint", noted, scene)


def test_a_message_that_moves_a_gate_needs_a_life(db: Database, noted: list[Refusal]) -> None:
    async def scene(stage: Stage) -> None:
        for retain, qos, life in ((True, 1, Instant(1)), (False, 0, Instant(1)), (False, 1, None)):
            with pytest.raises(ValueError, match="moves a gate"):
                await stage.hub.publish(
                    stage.ids["first"], "x", b"", qos=qos, retain=retain, moves=True, expires_at=life
                )  # fmt: skip

    play(db, "endpoint", noted, scene)


def test_a_broker_that_is_away_is_waited_for(db: Database, noted: list[Refusal]) -> None:
    async def run() -> None:
        hub = MqttHub(
            clock=db.clocks.machine, directory=DeviceDirectory(db), presence=Presence(db),
            strays=Strays(db, noted.append),
        )  # fmt: skip
        port = free_port()
        broker: OutsideBroker = hub.go_through(f"mqtt://127.0.0.1:{port}", client_id="x", may_connect=yes)
        task = asyncio.create_task(broker.run())
        await until(lambda: broker.counts["lost"] >= 1)
        assert await hub.publish(Id(int=1), "a", b"") is ABSENT
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_invented_serials_behind_a_broker_keep_no_new_device_out(db: Database, noted: list[Refusal]) -> None:
    async def scene(stage: Stage) -> None:
        peer = await Peer.open(stage.address, stage.connect("second"), 5)
        for code in (*(f"invented-{number}" for number in range(PER_ADDRESS_MAX + 2)), "genuine"):
            peer.writer.write(publish(f"{stage.make.root}/{serial(code)}/up/x", b"?", version=5))
        await until(lambda: len(stage.strays._callers) == PER_ADDRESS_MAX + 3)
        await stage.strays.flush()
        peer.close()

    play(db, "broker", noted, scene)
    assert "serial-genuine" in {each.serial for each in read(db, waiting_devices)}


def test_a_serial_of_two_companies_is_served_to_nobody_behind_a_broker(
    db: Database, noted: list[Refusal], monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = Device("theirs", DeviceKind.GENERIC_MQTT, "in-2", HOME, serial("first"), None)

    async def scene(stage: Stage) -> None:
        peer = await stage.device("first")
        mall = lot_file("mall")
        lot = replace(mall, devices=(*mall.devices, claimed))
        with monkeypatch.context() as patch:  # as rows were before another company's serial was refused
            patch.setattr(lots, "_check_serials", lambda *_: None)
            await asyncio.to_thread(write, db, facility.apply_lot, company=OTHER_COMPANY, lot=lot)
        await until(lambda: stage.directory.disputed(DeviceKind.GENERIC_MQTT, serial("first")))
        heard = len(stage.ears.heard)
        await stage.says(peer, "first", b"whose?", 2, kept=False)
        await until(lambda: len(stage.strays._seen) == 2)
        await stage.strays.flush()
        assert len(stage.ears.heard) == heard
        peer.close()

    play(db, "broker", noted, scene)
    standing = read(db, lambda reader: alarms.of_kind(reader, kind="device_twice"))
    assert {each.company for each in standing} == {COMPANY, OTHER_COMPANY}


@pytest.fixture
def roomy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A broker that gives as much at once as it may."""
    with own_broker(tmp_path, free_port()) as (host, port):
        monkeypatch.setenv("OPENBERTH_TEST_MQTT", f"{host}:{port}")
        yield


def numbers(stage: Stage) -> list[int]:
    return [int(payload) for code, _, payload in stage.ears.heard if code == "first" and payload.isdigit()]


@pytest.mark.usefixtures("roomy")
def test_a_backlog_at_the_broker_is_kept_and_not_thrown_away(db: Database, noted: list[Refusal]) -> None:
    async def scene(stage: Stage) -> None:
        peer, other = await stage.device("first"), await stage.device("second")
        await stage.says(peer, "first", b"hang", 2, kept=False)
        for number in range(300):
            await stage.says(peer, "first", str(number).encode(), 3 + number, kept=False)
        await stage.says(other, "second", b"meanwhile", 2)
        stage.ears.go_on.set()
        await until(lambda: len(numbers(stage)) >= 300)
        assert numbers(stage) == list(range(300))
        peer.close()
        other.close()

    play(db, "broker", noted, scene)


@pytest.mark.usefixtures("roomy")
def test_what_there_is_no_room_for_stays_at_the_broker_and_comes_again(
    db: Database, noted: list[Refusal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "BEHIND_MAX", 20)
    monkeypatch.setattr(broker_module, "AGAIN_FIRST_S", 0.2)

    async def scene(stage: Stage) -> None:
        broker = stage.hub.carrier
        assert isinstance(broker, OutsideBroker)
        peer, other = await stage.device("first"), await stage.device("second")
        await stage.says(peer, "first", b"hang", 2, kept=False)
        await until(lambda: stage.ears.hangs)  # from here on it does not wait itself
        for number in range(50):
            await stage.says(peer, "first", str(number).encode(), 3 + number, kept=False)
        await until(lambda: broker.counts["left"] == 30)
        await stage.says(other, "second", b"meanwhile", 2)
        assert broker.counts["asked_again"] == 0
        stage.ears.go_on.set()
        await until(lambda: set(numbers(stage)) == set(range(50)))
        assert broker.counts["asked_again"] >= 1
        peer.close()
        other.close()

    play(db, "broker", noted, scene)
