"""Clients of others at the MQTT endpoint: Mosquitto's command line and paho, in both versions of the protocol."""

import asyncio
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from openberth.gateways.mqtt.ports import Delivery
from tests.waiting import until
from tests.wire.test_mqtt_endpoint import Stage, device, play

MOSQUITTO = pytest.mark.skipif(
    shutil.which("mosquitto_pub") is None or shutil.which("mosquitto_sub") is None,
    reason="Mosquitto's clients are not installed (Debian: mosquitto-clients)",
)
CLI_VERSIONS = pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
PAHO_VERSIONS = pytest.mark.parametrize("version", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5])


def listens(stage: Stage) -> bool:
    desk = stage.endpoint._desks.get(device(1))
    return desk is not None and desk.mailbox is not None and desk.mailbox.wants("down/1/a") is not None


async def run(program: str, stage: Stage, version: str, *more: str) -> asyncio.subprocess.Process:
    host, port = stage.address
    return await asyncio.create_subprocess_exec(
        program, "-h", host, "-p", str(port), "-V", version, "-i", "c1", "-u", "dev-1", "-P", "secret-1", *more,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@MOSQUITTO
@CLI_VERSIONS
@pytest.mark.parametrize("qos", ["0", "1"])
def test_mosquitto_publishes(version: str, qos: str) -> None:
    async def scene(stage: Stage) -> None:
        process = await run("mosquitto_pub", stage, version, "-t", "up/1/a", "-m", "hello", "-q", qos, "--repeat", "3")
        _, said = await process.communicate()
        assert (process.returncode, said) == (0, b"")
        await until(lambda: len(stage.ears.told) == 2)
        assert stage.ears.heard == [(device(1), "up/1/a", b"hello")] * 3
        assert [what for what, _ in stage.ears.told] == ["came", "goodbye"]

    play(scene)


@MOSQUITTO
@CLI_VERSIONS
def test_mosquitto_publishes_big_and_retained_messages_and_leaves_a_will(version: str) -> None:
    async def scene(stage: Stage) -> None:
        process = await run(
            "mosquitto_pub", stage, version, "-t", "up/1/a", "-r", "-q", "1", "-m", "x" * 100_000,
            "--will-topic", "up/1/gone", "--will-payload", "w", "--will-qos", "1",
        )  # fmt: skip
        assert await process.wait() == 0
        assert [len(payload) for _, _, payload in stage.ears.heard] == [100_000]

    play(scene)


@MOSQUITTO
@CLI_VERSIONS
def test_mosquitto_hears_what_its_device_may_hear(version: str) -> None:
    async def scene(stage: Stage) -> None:
        assert await stage.send(b"shown", retain=True) is Delivery.ABSENT
        process = await run("mosquitto_sub", stage, version, "-t", "down/1/#", "-q", "1", "-C", "3", "-F", "%r %p")
        assert process.stdout is not None
        assert await process.stdout.readline() == b"1 shown\n"
        assert await stage.send(b"live") is Delivery.DELIVERED
        assert await stage.send(b"gate", moves=True, life_s=20) is Delivery.DELIVERED
        assert await process.stdout.read() == b"0 live\n0 gate\n"
        assert await process.wait() == 0

    play(scene)


@MOSQUITTO
@CLI_VERSIONS
def test_mosquitto_keeps_its_session(version: str) -> None:
    async def scene(stage: Stage) -> None:
        session = ["-c", "-t", "down/1/#", "-q", "1", "-C", "1"] + (["-x", "60"] if version == "mqttv5" else [])
        first = await run("mosquitto_sub", stage, version, *session)
        await until(lambda: listens(stage))
        first.kill()
        await first.wait()
        await until(lambda: not stage.endpoint.is_connected(device(1)))
        assert await stage.send(b"kept") is Delivery.ABSENT
        second = await run("mosquitto_sub", stage, version, *session)
        assert (await second.communicate())[0] == b"kept\n"
        assert stage.endpoint.counts["resumed"] == 1

    play(scene)


@MOSQUITTO
@CLI_VERSIONS
@pytest.mark.parametrize(("password", "topic"), [("wrong", "down/1/#"), ("secret-1", "down/2/#")])
def test_mosquitto_is_told_no(version: str, password: str, topic: str) -> None:
    async def scene(stage: Stage) -> None:
        process = await run("mosquitto_sub", stage, version, "-P", password, "-t", topic, "-W", "5", "-E")
        _, said = await process.communicate()
        assert process.returncode != 0 or b"denied" in said.lower() or b"all subscription requests" in said.lower()

    play(scene)


class Paho:
    """A paho client in its own thread; what it hears is kept."""

    def __init__(self, stage: Stage, version: MQTTProtocolVersion, **more: Any) -> None:
        self.heard: list[MQTTMessage] = []
        self.codes: list[int] = []
        self.client = Client(CallbackAPIVersion.VERSION2, client_id="c1", protocol=version, **more)
        self.client.username_pw_set("dev-1", "secret-1")
        self.client.on_message = lambda _client, _data, message: self.heard.append(message)
        self.client.on_connect = lambda _client, _data, _flags, code, _properties: self.codes.append(code.value)
        self._address = stage.address

    async def __aenter__(self) -> "Paho":
        host, port = self._address
        await asyncio.to_thread(self.client.connect, host, port)
        self.client.loop_start()
        await until(self.client.is_connected)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)


def with_paho(version: MQTTProtocolVersion, scene: Callable[[Stage, Paho], Any], **more: Any) -> None:
    async def played(stage: Stage) -> None:
        async with Paho(stage, version, **more) as paho:
            await scene(stage, paho)

    play(played)


@PAHO_VERSIONS
def test_paho_speaks_both_ways(version: MQTTProtocolVersion) -> None:
    async def scene(stage: Stage, paho: Paho) -> None:
        paho.client.subscribe("down/1/+", qos=1)
        infos = [paho.client.publish("up/1/a", str(number), qos=1) for number in range(100)]
        await until(lambda: all(info.is_published() for info in infos))
        assert [payload for _, _, payload in stage.ears.heard] == [str(number).encode() for number in range(100)]
        sent = await asyncio.gather(*(stage.send(str(number).encode()) for number in range(100)))
        assert set(sent) == {Delivery.DELIVERED}
        assert [message.payload for message in paho.heard] == [str(number).encode() for number in range(100)]

    with_paho(version, scene)


def test_paho_sees_when_a_message_is_over() -> None:
    async def scene(stage: Stage, paho: Paho) -> None:
        paho.client.subscribe("down/1/+", qos=1)
        await until(lambda: listens(stage))
        assert await stage.send(b"gate", moves=True, life_s=30) is Delivery.DELIVERED
        [message] = paho.heard
        assert message.properties is not None
        assert message.properties.json()["MessageExpiryInterval"] == 30  # type: ignore[no-untyped-call]
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.UserProperty = ("a", "b")
        properties.ContentType = "application/json"
        paho.client.publish("up/1/a", b"{}", qos=1, properties=properties).wait_for_publish(0)
        await until(lambda: stage.ears.heard)

    with_paho(MQTTProtocolVersion.MQTTv5, scene)
