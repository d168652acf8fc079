"""The MQTT endpoint over real sockets: what each version asks for, what a gate asks for, and what goes wrong."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import uvloop

from openberth.entrypoints.tls import context_of, trusting
from openberth.gateways.mqtt import connection as connection_module
from openberth.gateways.mqtt import desk as desk_module
from openberth.gateways.mqtt import door as door_module
from openberth.gateways.mqtt.desk import MESSAGES_HIGH
from openberth.gateways.mqtt.endpoint import MqttEndpoint, MqttLimits
from openberth.gateways.mqtt.mailbox import WAITING_MAX
from openberth.gateways.mqtt.ports import Delivery, MqttDevice, Topics
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant
from tests.waiting import PATIENCE_S, until
from tests.wire.mqtt_peer import (
    CONNACK,
    DISCONNECT,
    GOODBYE,
    PING,
    PINGRESP,
    PUBACK,
    UNSUBACK,
    Peer,
    Will,
    connect,
    packet,
    puback,
    publish,
    subscribe,
    text,
    unsubscribe,
)
from tests.wire.test_tls import make_pair

VERSIONS = pytest.mark.parametrize("version", [4, 5])
Loop = Callable[[], asyncio.AbstractEventLoop]
LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
DELIVERED, ABSENT, UNCERTAIN = Delivery


class Hand:
    """A clock that moves by hand only: no limit is over because the machine was busy."""

    def __init__(self) -> None:
        self.moved_us = 0

    def now(self) -> Instant:
        return Instant(SECOND_US + self.moved_us)


@dataclass
class Ears:
    """What devices said. ``hangs``: the device whose handler never returns; ``fails`` how often it raises."""

    heard: list[tuple[Id, str, bytes]] = field(default_factory=list)
    told: list[tuple[str, Id]] = field(default_factory=list)
    hangs: Id | None = None
    fails: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def on_connected(self, device_id: Id, address: str) -> None:
        self.told.append(("came", device_id))

    async def on_message(self, device_id: Id, topic: str, payload: bytes, address: str) -> None:
        if device_id == self.hangs:
            await self.gate.wait()
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the disk is full")
        self.heard.append((device_id, topic, payload))

    async def on_gone(self, device_id: Id, reason: str) -> None:
        self.told.append((reason, device_id))


def device(number: int) -> Id:
    return UUID(int=number)


class Book:
    """Devices dev-N with the password secret-N and topics of their own."""

    def find(self, user_name: str, password: bytes, address: str) -> MqttDevice | str:
        word, _, number = user_name.partition("-")
        if word != "dev":
            return "unknown_serial"
        if password != f"secret-{number}".encode():
            return "wrong_password"
        return MqttDevice(device(int(number)), Topics((f"up/{number}/#",), (f"down/{number}/#",)), password)


@dataclass
class Stage:
    endpoint: MqttEndpoint
    ears: Ears
    clock: Hand
    address: tuple[str, int]

    async def device(self, number: int = 1, version: int = 4, **more: Any) -> Peer:
        data = connect(f"c{number}", f"dev-{number}", f"secret-{number}", version=version, **more)
        return await Peer.open(self.address, data, version)

    async def send(self, payload: bytes = b"x", *, number: int = 1, qos: int = 1, retain: bool = False,
                   moves: bool = False, life_s: float | None = None, topic: str = "cmd") -> Delivery:  # fmt: skip
        expires_at = None if life_s is None else Instant(self.clock.now() + int(life_s * SECOND_US))
        return await self.endpoint.publish(
            device(number), f"down/{number}/{topic}", payload, qos=qos, retain=retain, moves=moves,
            expires_at=expires_at,
        )  # fmt: skip

    def sending(self, payload: bytes = b"x", **more: Any) -> "asyncio.Task[Delivery]":
        return asyncio.create_task(self.send(payload, **more))


@asynccontextmanager
async def staged(limits: MqttLimits | None = None) -> AsyncIterator[Stage]:
    clock, ears = Hand(), Ears()
    endpoint = MqttEndpoint(directory=Book(), observer=ears, clock=clock, limits=limits)
    address = await endpoint.start("127.0.0.1", 0)
    try:
        yield Stage(endpoint, ears, clock, address)
    finally:
        ears.gate.set()
        await endpoint.stop()


def play(scene: Callable[[Stage], Awaitable[None]], limits: MqttLimits | None = None) -> None:
    async def run() -> None:
        async with staged(limits) as stage:
            await scene(stage)

    asyncio.run(run())


# who may come


@VERSIONS
@pytest.mark.parametrize(
    ("user", "password", "v3", "v5"),
    [("nobody-1", "secret-1", 4, 0x86), ("dev-1", "wrong", 4, 0x86), ("dev-1", None, 4, 0x86), (None, None, 4, 0x86)],
)
def test_who_does_not_prove_itself_is_turned_away(
    version: int, user: str | None, password: str | None, v3: int, v5: int
) -> None:
    async def scene(stage: Stage) -> None:
        flags_allowed = not (version == 4 and user is None and password is not None)
        assert flags_allowed
        peer = await Peer.dial(stage.address, connect("c", user, password, version=version), version)
        kind, _, body = await peer.read()
        assert (kind, body[1]) == (CONNACK, v3 if version == 4 else v5)
        assert await peer.hung_up() == b""
        peer.close()

    play(scene)


@VERSIONS
def test_a_device_has_its_own_topics_and_no_others(version: int) -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device(version=version)
        granted = await peer.subscribed("down/1/#", "down/1/a", "down/2/a", "#", "down/+/a", "$share/g/down/1/#")
        refused = 0x80 if version == 4 else 0x87
        shared = 0x80 if version == 4 else 0x9E
        assert granted == bytes([1, 1, refused, refused, refused, shared])
        peer.writer.write(publish("up/1/a", b"mine", qos=1, packet_id=3, version=version))
        kind, _, body = await peer.read()
        assert (kind, body) == (PUBACK, b"\0\3")
        peer.writer.write(publish("up/2/a", b"not mine", qos=1, packet_id=4, version=version))
        if version == 4:
            assert await peer.hung_up() == b""
        else:
            assert await peer.read() == (PUBACK, 0, b"\0\4\x87")
        assert stage.ears.heard == [(device(1), "up/1/a", b"mine")]
        peer.close()

    play(scene)


@VERSIONS
def test_a_will_to_somebody_elses_topic_is_refused(version: int) -> None:
    async def scene(stage: Stage) -> None:
        data = connect(version=version, will=Will("up/2/gone", b""))
        peer = await Peer.dial(stage.address, data, version)
        _, _, body = await peer.read()
        assert body[1] == (5 if version == 4 else 0x87)
        peer.close()

    play(scene)


def test_no_more_devices_than_there_are_places() -> None:
    async def scene(stage: Stage) -> None:
        first = await stage.device(1)
        second = await Peer.dial(stage.address, connect("c", "dev-2", "secret-2"))
        assert await second.read() == (CONNACK, 0, b"\0\3")
        again = await stage.device(1)
        for peer in (first, second, again):
            peer.close()

    play(scene, MqttLimits(connections=1))


def test_strangers_take_no_places_of_devices() -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device(1)
        strangers = [await Peer.dial(stage.address) for _ in range(4)]
        await until(lambda: stage.endpoint.counts["ended.busy"])
        peer.writer.write(PING)
        assert (await peer.read())[0] == PINGRESP
        stage.clock.moved_us += 6 * SECOND_US
        assert [await each.hung_up() for each in strangers] == [b""] * 4
        assert stage.endpoint.counts["ended.handshake"] == 3
        for each in (*strangers, peer):
            each.close()

    play(scene, MqttLimits(handshakes_per_address=3))


# versions


def test_version_5_is_told_what_there_is_not() -> None:
    async def scene(stage: Stage) -> None:
        told = b"\x11" + struct.pack(">I", 10**6)
        peer = await Peer.dial(stage.address, connect("", version=5, clean=True, keep_alive=0, properties=told), 5)
        _, _, body = await peer.read()
        properties = body[3:]
        assert b"\x21\0\x20" in properties  # receive maximum
        assert b"\x24\x01" in properties  # maximum QoS 1
        assert b"\x29\0" in properties  # no subscription identifiers
        assert b"\x2a\0" in properties  # no shared subscriptions
        assert b"\x11" + struct.pack(">I", 86_400) in properties  # a session lives for a day
        assert b"\x13" + struct.pack(">H", 600) in properties  # keep alive
        assert b"\x12\0" in properties  # the client id that was assigned
        assert b"\x22" not in properties[:3]  # topic alias maximum stays 0
        peer.close()

    play(scene)


@pytest.mark.parametrize(
    ("packet_sent", "reason"),
    [
        (publish("up/1/a", b"", qos=2, version=5), 0x9B),
        (publish("up/1/a", b"", version=5, properties=b"\x23\0\1"), 0x94),
        (publish("", b"", version=5), 0x82),
        (publish("up/1/+", b"", version=5), 0x90),
        (subscribe("down/1/#/a", version=5), 0x8F),
        (packet(8, 2, b"\0\1\x02\x0b\x01" + text("down/1/a") + b"\1"), 0xA1),
        (packet(6, 2, b"\0\1"), 0x82),
        (packet(15, 0, b""), 0x82),
        (connect(version=5), 0x82),
        (packet(3, 6, b"\0\1a\0\1\0"), 0x81),
        (packet(8, 0, b"\0\1\0" + text("down/1/a") + b"\1"), 0x81),
        (b"\x30\xff\xff\xff\xff\x01", 0x81),
        (b"\x30\xff\xff\xff\x7f", 0x95),
        (publish("up/1/a", b"", version=5, properties=b"\x02\0\0\0\1\x02\0\0\0\1"), 0x82),
        (publish("up/1/a", b"", version=5, properties=b"\x21\0\1"), 0x82),
        (packet(14, 0, b"\0\x05\x11\0\0\0\x09"), 0x82),
    ],
)
def test_version_5_says_why_it_ends(packet_sent: bytes, reason: int) -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device(version=5)
        peer.writer.write(packet_sent)
        assert await peer.read() == (DISCONNECT, 0, bytes([reason]))
        assert await peer.hung_up() == b""
        assert stage.ears.heard == []
        peer.close()

    play(scene)


def test_version_3_hangs_up_at_qos_2() -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device()
        peer.writer.write(publish("up/1/a", b"", qos=2))
        assert await peer.hung_up() == b""
        peer.close()

    play(scene)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (connect("", clean=False), b"\x20\2\0\2"),
        (packet(1, 0, text("MQTT") + b"\x03\2\0\0" + text("c")), b"\x20\2\0\1"),
        (packet(1, 0, text("MQIsdp") + b"\x03\2\0\0" + text("c")), b"\x20\2\0\1"),
        (connect(version=5, will=Will("up/1/w", b"", qos=2)), b"\x20\3\0\x9b\0"),
        (connect(version=5, properties=b"\x15" + text("SCRAM")), b"\x20\3\0\x8c\0"),
        (packet(1, 0, text("HTTP") + b"\x04\2\0\0" + text("c")), b""),
        (PING, b""),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (packet(1, 0, bytes(9000)), b""),
    ],
)
def test_a_first_packet_that_will_not_do(data: bytes, said: bytes) -> None:
    async def scene(stage: Stage) -> None:
        peer = await Peer.dial(stage.address, data)
        assert await peer.hung_up() == said
        peer.close()

    play(scene)


@VERSIONS
def test_subscriptions_come_and_go(version: int) -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device(version=version)
        assert await stage.send() is ABSENT  # nobody listens
        await peer.subscribed("down/1/+")
        sending = stage.sending(b"one")
        got = await peer.message()
        assert (got.topic, got.payload, got.qos, got.retain, got.dup) == ("down/1/cmd", b"one", 1, False, False)
        peer.writer.write(puback(got.packet_id))
        assert await sending is DELIVERED
        peer.writer.write(unsubscribe("down/1/+", "down/1/other", version=version))
        kind, _, body = await peer.read()
        assert (kind, body) == (UNSUBACK, b"\0\x0a" if version == 4 else b"\0\x0a\0\0\x11")
        assert await stage.send() is ABSENT
        peer.close()

    play(scene)


def test_a_message_carries_what_is_left_of_its_life() -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device(version=5)
        await peer.subscribed("down/1/#")
        sending = stage.sending(b"open", moves=True, life_s=30)
        got = await peer.message()
        assert got.properties == b"\x02" + struct.pack(">I", 30)
        peer.writer.write(puback(got.packet_id))
        assert await sending is DELIVERED
        assert await stage.send(b"late", moves=True, life_s=-1) is ABSENT
        assert await peer.silent()
        peer.close()

    play(scene)


def test_no_more_in_flight_than_the_device_takes_and_nothing_longer() -> None:
    async def scene(stage: Stage) -> None:
        limits = b"\x21\0\2" + b"\x27" + struct.pack(">I", 200)
        peer = await stage.device(version=5, properties=limits)
        await peer.subscribed("down/1/#")
        assert await stage.send(bytes(500)) is ABSENT
        sending = [stage.sending(str(number).encode()) for number in range(4)]
        first, second = await peer.message(), await peer.message()
        assert await peer.silent()
        assert await asyncio.wait_for(stage.send(b"gate", moves=True, life_s=20), PATIENCE_S) is ABSENT  # it would wait
        peer.writer.write(puback(second.packet_id) + puback(first.packet_id))
        rest = [await peer.message(), await peer.message()]
        assert [each.payload for each in rest] == [b"2", b"3"]
        peer.writer.write(b"".join(puback(each.packet_id) for each in rest))
        assert await asyncio.gather(*sending) == [DELIVERED] * 4
        peer.close()

    play(scene)


def test_a_device_may_not_have_too_many_unconfirmed_messages() -> None:
    async def scene(stage: Stage) -> None:
        stage.ears.hangs = device(1)
        peer = await stage.device(version=5)
        peer.writer.write(b"".join(publish("up/1/a", b"", qos=1, packet_id=n, version=5) for n in range(1, 34)))
        assert await peer.read() == (DISCONNECT, 0, b"\x93")
        peer.close()

    play(scene)


# sessions


@VERSIONS
def test_a_session_goes_on_and_what_was_in_flight_comes_again(version: int) -> None:
    async def scene(stage: Stage) -> None:
        more: dict[str, Any] = {"clean": False, "properties": b"\x11\0\0\0\x64"}
        peer = await stage.device(version=version, **more)
        await peer.subscribed("down/1/#")
        sending = [stage.sending(b"shown"), stage.sending(b"gate", moves=True, life_s=20)]
        assert {(await peer.message()).payload for _ in sending} == {b"shown", b"gate"}
        peer.cut()
        assert await asyncio.gather(*sending) == [UNCERTAIN, UNCERTAIN]
        assert await stage.send(b"while away") is ABSENT
        assert await stage.send(b"gate", moves=True, life_s=20) is ABSENT
        assert await stage.send(b"no qos", qos=0) is ABSENT
        back = await Peer.dial(stage.address, connect("c1", version=version, **more), version)
        assert (await back.read())[2][0] == 1  # session present
        again, new = await back.message(), await back.message()
        assert (again.payload, again.dup) == (b"shown", True)
        assert (new.payload, new.dup) == (b"while away", False)
        assert await back.silent()  # no gate moves late
        back.writer.write(puback(again.packet_id) + puback(new.packet_id) + GOODBYE)
        assert await back.hung_up() == b""
        fresh = await Peer.dial(stage.address, connect("c1", version=version), version)
        assert (await fresh.read())[2][0] == 0
        assert await stage.send() is ABSENT
        for each in (peer, back, fresh):
            each.close()

    play(scene)


def test_a_session_is_over_after_its_time_and_with_another_client_id() -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device(version=5, properties=b"\x11\0\0\0\x0a")
        await peer.subscribed("down/1/#")
        peer.cut()
        await until(lambda: not stage.endpoint.is_connected(device(1)))
        stage.clock.moved_us += 11 * SECOND_US
        back = await Peer.dial(stage.address, connect("c1", version=5, clean=False), 5)
        assert (await back.read())[2][0] == 0
        back.close()
        kept = await stage.device(clean=False)
        await kept.subscribed("down/1/#")
        other = await Peer.dial(stage.address, connect("another", clean=False))
        assert (await other.read())[2][0] == 0
        for each in (peer, kept, other):
            each.close()

    play(scene)


def test_what_waits_for_an_absent_device_is_bounded_and_the_newest() -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device(clean=False)
        await peer.subscribed("down/1/#")
        peer.cut()
        await until(lambda: not stage.endpoint.is_connected(device(1)))
        for number in range(WAITING_MAX + 5):
            assert await stage.send(str(number).encode()) is ABSENT
        back = await Peer.open(stage.address, connect("c1", clean=False))
        got = []
        for _ in range(WAITING_MAX):
            one = await back.message()
            back.writer.write(puback(one.packet_id))
            got.append(int(one.payload))
        assert got == list(range(5, WAITING_MAX + 5))
        peer.close()
        back.close()

    play(scene)


@VERSIONS
def test_another_connection_of_a_device_takes_over(version: int) -> None:
    async def scene(stage: Stage) -> None:
        first = await stage.device(version=version, will=Will("up/1/gone", b"lost"))
        second = await stage.device(version=version)
        assert await first.hung_up() == (b"" if version == 4 else b"\xe0\1\x8e")
        await second.subscribed("down/1/#")
        sending = stage.sending()
        got = await second.message()
        second.writer.write(puback(got.packet_id))
        assert await sending is DELIVERED
        # The old one's will comes first, and nobody is told that the device had gone.
        assert stage.ears.heard == [(device(1), "up/1/gone", b"lost")]
        assert [what for what, _ in stage.ears.told] == ["came", "came"]
        first.close()
        second.close()

    play(scene)


# last will and keep-alive


@VERSIONS
def test_a_lost_device_leaves_its_will_and_one_that_says_goodbye_does_not(version: int) -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device(version=version, will=Will("up/1/gone", b"lost"))
        peer.writer.write(GOODBYE)
        assert await peer.hung_up() == b""
        peer.close()
        other = await stage.device(2, version=version, will=Will("up/2/gone", b"lost"))
        other.cut()
        await until(lambda: len(stage.ears.told) == 4)
        assert stage.ears.heard == [(device(2), "up/2/gone", b"lost")]
        assert [what for what, _ in stage.ears.told[:3]] == ["came", "goodbye", "came"]
        other.close()

    play(scene)


@VERSIONS
def test_silence_for_one_and_a_half_keep_alives_ends_with_the_will(version: int) -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device(version=version, keep_alive=10, will=Will("up/1/gone", b"lost"))
        stage.clock.moved_us += 14 * SECOND_US
        peer.writer.write(PING)
        assert (await peer.read())[0] == PINGRESP
        stage.clock.moved_us += 12 * SECOND_US
        assert await peer.silent(1.2)
        stage.clock.moved_us += 4 * SECOND_US
        assert await peer.hung_up() == (b"" if version == 4 else b"\xe0\1\x8d")
        assert stage.ears.heard == [(device(1), "up/1/gone", b"lost")]
        peer.close()

    play(scene)


def test_a_will_with_a_delay_is_taken_back_by_whoever_comes_back() -> None:
    async def scene(stage: Stage) -> None:
        more: dict[str, Any] = {
            "version": 5,
            "clean": False,
            "properties": b"\x11\0\0\0\x64",
            "will": Will("up/1/gone", b"", 1, 20),
        }
        peer = await stage.device(**more)
        peer.cut()
        await until(lambda: not stage.endpoint.is_connected(device(1)))
        back = await stage.device(**more)
        back.cut()
        await until(lambda: not stage.endpoint.is_connected(device(1)))
        assert stage.ears.heard == []
        stage.clock.moved_us += 21 * SECOND_US
        await until(lambda: stage.ears.heard)
        peer.close()
        back.close()

    play(scene)


def test_version_5_may_say_goodbye_with_its_will() -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device(version=5, will=Will("up/1/gone", b"meant"))
        peer.writer.write(packet(14, 0, b"\x04"))
        await until(lambda: stage.ears.heard)
        peer.close()

    play(scene)


# retained


def test_what_a_display_shows_is_given_to_whoever_subscribes() -> None:
    async def scene(stage: Stage) -> None:
        assert await stage.send(b"old", retain=True) is ABSENT
        assert await stage.send(b"new", retain=True) is ABSENT
        assert await stage.send(b"over", retain=True, topic="over", life_s=0) is ABSENT
        peer = await stage.device(version=5)
        await peer.subscribed("down/1/#")
        got = await peer.message()
        assert (got.payload, got.retain) == (b"new", True)
        assert await peer.silent()
        await peer.subscribed("down/1/#", options=0x10)  # only to a new subscription
        assert await peer.silent()
        peer.writer.write(puback(got.packet_id))
        sending = stage.sending(b"", retain=True)
        got = await peer.message()
        assert (got.payload, got.retain) == (b"", False)
        peer.writer.write(puback(got.packet_id))
        assert await sending is DELIVERED
        await peer.subscribed("down/1/#")
        assert await peer.silent()
        peer.close()

    play(scene)


def test_retained_messages_are_bounded() -> None:
    async def scene(stage: Stage) -> None:
        for number in range(40):
            await stage.send(b"x", retain=True, topic=str(number))
        await stage.send(bytes(200_000), retain=True, topic="0")
        assert stage.endpoint.counts["overflowed"] == 9
        peer = await stage.device()
        await peer.subscribed("down/1/#")
        got = [await peer.message() for _ in range(20)]
        peer.writer.write(b"".join(puback(each.packet_id) for each in got))
        got += [await peer.message() for _ in range(12)]
        assert {each.payload for each in got} == {b"x"}
        peer.close()

    play(scene)


# faults


def test_half_packets_are_put_together() -> None:
    async def scene(stage: Stage) -> None:
        peer = await Peer.dial(stage.address)
        data = connect() + subscribe("down/1/#") + publish("up/1/a", bytes(300), qos=1)
        for byte in data:
            peer.writer.write(bytes([byte]))
            await peer.writer.drain()
        assert [(await peer.read())[0] for _ in range(3)] == [CONNACK, 9, PUBACK]
        assert stage.ears.heard == [(device(1), "up/1/a", bytes(300))]
        peer.close()

    play(scene)


def test_garbage_ends_its_own_connection_only() -> None:
    async def scene(stage: Stage) -> None:
        dice = random.Random(7)
        good = await stage.device(1)
        for number in range(60):
            peer = await stage.device(2, version=dice.choice((4, 5))) if number % 2 else await Peer.dial(stage.address)
            peer.writer.write(dice.randbytes(dice.randrange(1, 200)))
            peer.writer.write_eof()
            await peer.hung_up()
            peer.close()
        good.writer.write(PING)
        assert (await good.read())[0] == PINGRESP
        good.close()

    play(scene)


def test_a_message_is_confirmed_when_it_is_kept() -> None:
    async def scene(stage: Stage) -> None:
        stage.ears.hangs = device(1)
        peer = await stage.device()
        peer.writer.write(publish("up/1/a", b"", qos=1))
        assert await peer.silent()
        stage.ears.gate.set()
        assert (await peer.read())[0] == PUBACK
        peer.close()

    play(scene)


@VERSIONS
def test_a_message_that_could_not_be_kept_is_sent_again(version: int, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(stage: Stage) -> None:
        stage.ears.fails = 1
        peer = await stage.device(version=version)
        both = [publish("up/1/a", bytes([n]), qos=1, packet_id=n, version=version) for n in (1, 2)]
        peer.writer.write(both[0] + both[1])
        assert await peer.hung_up() == (b"" if version == 4 else b"\xe0\1\x89")
        back = await stage.device(version=version)
        back.writer.write(both[0] + both[1])
        assert [(await back.read())[2] for _ in range(2)] == [b"\0\1", b"\0\2"]
        assert [payload for _, _, payload in stage.ears.heard] == [b"\1", b"\2"]
        peer.close()
        back.close()

    play(scene)
    assert "failed" in caplog.text


def test_a_device_whose_handler_hangs_holds_up_itself_alone() -> None:
    async def scene(stage: Stage) -> None:
        stage.ears.hangs = device(1)
        slow, quick = await stage.device(1), await stage.device(2)
        count = MESSAGES_HIGH * 4
        slow.writer.write(b"".join(publish("up/1/a", bytes(200_000), qos=1, packet_id=n + 1) for n in range(count)))
        for number in range(50):
            quick.writer.write(publish("up/2/a", str(number).encode(), qos=1, packet_id=number + 1))
            assert (await quick.read())[0] == PUBACK
        assert len(stage.ears.heard) == 50
        assert slow.writer.transport.get_write_buffer_size() > 0  # it is not read any more
        stage.clock.moved_us += 200 * SECOND_US  # and not blamed for its silence
        assert await slow.silent(0.7)
        stage.ears.gate.set()
        assert [(await slow.read())[0] for _ in range(count)] == [PUBACK] * count
        slow.close()
        quick.close()

    play(scene)


def test_a_device_that_does_not_read_is_not_read_from_and_dropped_in_the_end() -> None:
    async def scene(stage: Stage) -> None:
        slow, other = await stage.device(1), await stage.device(2)
        await slow.subscribed("down/1/#")
        await other.subscribed("down/2/#")
        slow.reader._transport.pause_reading()  # type: ignore[attr-defined]
        big, dropped = bytes(100_000), []
        while stage.endpoint.is_connected(device(1)):
            dropped.append(stage.sending(big, qos=0))
            await asyncio.sleep(0)
        assert stage.endpoint.counts["ended.slow"] == 1
        assert set(await asyncio.gather(*dropped)) == {UNCERTAIN, ABSENT}
        sending = stage.sending(number=2)
        other.writer.write(puback((await other.message()).packet_id))
        assert await sending is DELIVERED
        assert ("slow", device(1)) in stage.ears.told or await stage.send() is ABSENT
        slow.close()
        other.close()

    play(scene)


def test_a_gate_is_not_moved_through_a_connection_that_takes_no_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_BEHIND_US", 10 * SECOND_US)

    async def scene(stage: Stage) -> None:
        slow = await stage.device(1)
        await slow.subscribed("down/1/#")
        slow.reader._transport.pause_reading()  # type: ignore[attr-defined]
        [line] = [each for each in stage.endpoint._connections if each.device is not None]
        while line.takes:
            await stage.send(bytes(100_000), qos=0)
        assert await asyncio.wait_for(stage.send(b"gate", moves=True, life_s=30), PATIENCE_S) is ABSENT
        stage.clock.moved_us += 11 * SECOND_US
        await until(lambda: stage.endpoint.counts["ended.slow"])
        slow.close()

    play(scene)


def test_an_unconfirmed_message_is_uncertain_when_its_life_ends() -> None:
    async def scene(stage: Stage) -> None:
        peer = await stage.device()
        await peer.subscribed("down/1/#")
        sending = stage.sending(b"gate", moves=True, life_s=20)
        got = await peer.message()
        stage.clock.moved_us += 20 * SECOND_US
        assert await sending is UNCERTAIN
        peer.writer.write(puback(got.packet_id) + puback(77))  # late, and for nothing
        assert await stage.send(b"x", qos=0) is UNCERTAIN
        assert (await peer.message()).qos == 0
        peer.close()

    play(scene)


def test_a_storm_of_reconnects_leaves_one_connection() -> None:
    async def scene(stage: Stage) -> None:
        peers = [await Peer.dial(stage.address, connect("c1")) for _ in range(100)]
        await until(lambda: stage.endpoint.counts["welcomed"] == 100)
        await until(lambda: stage.endpoint.counts["ended.replaced"] == 99)
        last = peers[-1]
        await last.read()
        await last.subscribed("down/1/#")
        sending = stage.sending()
        last.writer.write(puback((await last.message()).packet_id))
        assert await sending is DELIVERED
        for each in peers:
            each.close()
        await until(lambda: stage.endpoint.connections == 0)

    play(scene)


def test_a_thousand_devices() -> None:
    async def scene(stage: Stage) -> None:
        peers = [await stage.device(number) for number in range(1, 1001)]
        for number, peer in enumerate(peers, 1):
            peer.writer.write(publish(f"up/{number}/a", b"here", qos=1) + subscribe(f"down/{number}/#"))
        for peer in peers:
            assert {(await peer.read())[0] for _ in range(2)} == {PUBACK, 9}
        sending = [stage.sending(number=number) for number in range(1, 1001)]
        for peer in peers:
            peer.writer.write(puback((await peer.message()).packet_id))
        assert set(await asyncio.gather(*sending)) == {DELIVERED}
        assert len({who for who, _, _ in stage.ears.heard}) == 1000
        for peer in peers:
            peer.close()

    play(scene)


def test_stopping_says_so() -> None:
    async def scene(stage: Stage) -> None:
        old, new = await stage.device(1), await stage.device(2, version=5)
        stopping = asyncio.create_task(stage.endpoint.stop())
        assert await old.hung_up() == b""
        assert await new.hung_up() == b"\xe0\1\x8b"
        old.close()
        new.close()
        await stopping

    play(scene)


@LOOPS
def test_a_device_dials_in_over_tls_and_is_told_why_it_has_to_go(loop: Loop, tmp_path: Path) -> None:
    tls = make_pair(tmp_path, "mqtt")

    async def run() -> None:
        clock, ears = Hand(), Ears()
        endpoint = MqttEndpoint(directory=Book(), observer=ears, clock=clock)
        host, port = await endpoint.start("127.0.0.1", 0, tls=context_of(tls, http=False))
        first, second = [
            Peer(*await asyncio.open_connection(host, port, ssl=trusting(tls)), version=5) for _ in range(2)
        ]
        first.writer.write(connect("c1", version=5))
        assert (await first.read())[0] == CONNACK
        first.writer.write(publish("up/1/a", bytes(200_000), qos=1, version=5))
        assert (await first.read())[0] == PUBACK
        second.writer.write(connect("c1", version=5))
        assert (await second.read())[0] == CONNACK
        assert await first.hung_up() == b"\xe0\1\x8e"
        assert [len(payload) for _, _, payload in ears.heard] == [200_000]
        first.close()
        second.close()
        await endpoint.stop()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


@LOOPS
def test_who_does_not_finish_its_tls_handshake_holds_a_strangers_place_and_not_for_long(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = make_pair(tmp_path, "mqtt")

    async def run() -> None:
        monkeypatch.setattr(door_module, "HANDSHAKE_S", 2 * PATIENCE_S)
        endpoint = MqttEndpoint(
            directory=Book(), observer=Ears(), clock=Hand(), limits=MqttLimits(handshakes_per_address=3)
        )
        address = await endpoint.start("127.0.0.1", 0, tls=context_of(tls, http=False))
        silent = [await Peer.dial(address) for _ in range(3)]
        fourth = await Peer.dial(address)
        assert await fourth.hung_up() == b""
        assert endpoint.counts["ended.busy"] == 1
        silent[0].cut()
        await until(lambda: endpoint.counts["ended.tls"] == 1)
        garbage = await Peer.dial(address, b"GET / HTTP/1.1\r\n\r\n")
        await garbage.hung_up()
        monkeypatch.setattr(door_module, "HANDSHAKE_S", 0.05)
        late = await Peer.dial(address)
        await late.hung_up()
        await until(lambda: endpoint.counts["ended.tls"] == 3)
        monkeypatch.setattr(door_module, "HANDSHAKE_S", 2 * PATIENCE_S)
        device = Peer(*await asyncio.open_connection(*address, ssl=trusting(tls)), version=5)
        device.writer.write(connect("c1", version=5))
        assert (await device.read())[0] == CONNACK
        await endpoint.stop()  # two are still silent
        for each in (*silent, fourth, garbage, late, device):
            each.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


def test_one_handler_that_never_returns_is_given_up_and_the_device_comes_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(desk_module, "TELL_US", 20 * SECOND_US)

    async def scene(stage: Stage) -> None:
        stage.ears.hangs = device(1)
        peer = await stage.device(version=5)
        peer.writer.write(publish("up/1/a", b"x", qos=1, version=5))
        assert await peer.silent(0.7)
        stage.clock.moved_us += 21 * SECOND_US
        assert await peer.hung_up() == b"\xe0\1\x89"
        stage.ears.hangs = None
        back = await stage.device(version=5)
        back.writer.write(publish("up/1/a", b"x", qos=1, version=5, dup=True))
        assert (await back.read())[0] == PUBACK
        peer.close()
        back.close()

    play(scene)
    assert "took too long" in caplog.text
