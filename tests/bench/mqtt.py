"""CPU of the MQTT endpoint for a message with QoS 1, beside Mosquitto's for the same messages.

``python -m tests.bench.mqtt`` alone, or as a part of ``make bench``. Twenty publishers, each of which waits for its
confirmation, 128 bytes; once all to one subscriber (through the house for our endpoint), once heard by nobody but the
server; as fast as it goes, and evenly at the pace of a big city. Clients are raw bytes in this process, the servers
have processes of their own.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from uuid import UUID

import uvloop

from openberth.gateways.mqtt.endpoint import MqttEndpoint
from openberth.gateways.mqtt.ports import MqttDevice, Topics
from openberth.infra.clocks import SystemClock
from openberth.kernel.ids import Id
from tests.bench.load import cpu_seconds
from tests.e2e.house import ROOT
from tests.ports import free_port
from tests.wire.mqtt_peer import connect, packet, puback, publish

PUBLISHERS, BYTES, GOAL, PACE = 20, 128, 2.0, 1_000
SUBSCRIBER = UUID(int=0)
SECONDS = float(os.environ.get("OPENBERTH_BENCH_MQTT_S", "6"))


# our server


class _House:
    """Directory and observer: what is said to ``relay`` goes to the subscriber, device 0."""

    endpoint: MqttEndpoint

    def find(self, user_name: str, password: bytes, address: str) -> MqttDevice | str:
        number = int(user_name.partition("-")[2])
        return MqttDevice(UUID(int=number), Topics(("#",), ("#",)), password)

    async def on_connected(self, device_id: Id, address: str) -> None:
        pass

    async def on_message(self, device_id: Id, topic: str, payload: bytes, address: str) -> None:
        if topic == "relay":
            await self.endpoint.publish(
                SUBSCRIBER, "relay", payload, qos=1, retain=False, moves=False, expires_at=None
            )  # fmt: skip

    async def on_gone(self, device_id: Id, reason: str) -> None:
        pass


async def _serve(port: int) -> None:
    house = _House()
    house.endpoint = MqttEndpoint(directory=house, observer=house, clock=SystemClock())
    await house.endpoint.start("127.0.0.1", port)
    await asyncio.Event().wait()


# the load


class _Publisher(asyncio.Protocol):
    def __init__(self, client: int, topic: str, done: list[int], *, paced: bool) -> None:
        self.paced = paced
        self.hello = connect(f"c{client}", f"dev-{client}", "x")
        self.message = publish(topic, secrets.token_bytes(BYTES), qos=1, packet_id=7)
        self.done = done
        self.transport: asyncio.Transport | None = None
        self.welcomed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.hello)

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        if self.welcomed:
            self.done[0] += len(data) // 4
        self.welcomed = True
        if not self.paced:
            self.transport.write(self.message)


class _Subscriber(asyncio.Protocol):
    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.data = b""
        self.size = len(publish("relay", bytes(BYTES), qos=1))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        subscribed = packet(8, 2, b"\0\1\0\5relay\1")
        self.transport.write(connect("c0", "dev-0", "x") + subscribed)

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        self.data += data
        if self.data.startswith(b"\x20\2\0\0\x90\3\0\1\1"):
            self.data = self.data[9:]
        answers = []
        while len(self.data) >= self.size:
            one, self.data = self.data[: self.size], self.data[self.size :]
            answers.append(puback(one[10] << 8 | one[11]))
        self.transport.write(b"".join(answers))


async def _load(port: int, pid: int, topic: str, *, paced: bool) -> tuple[float, float]:
    """Return CPU in microseconds and messages a second."""
    loop = asyncio.get_running_loop()
    subscriber, _ = await loop.create_connection(_Subscriber, "127.0.0.1", port)
    await asyncio.sleep(0.2)
    done = [0]
    made = [
        await loop.create_connection(lambda n=n: _Publisher(n, topic, done, paced=paced), "127.0.0.1", port)  # type: ignore[misc]
        for n in range(1, PUBLISHERS + 1)
    ]
    await asyncio.sleep(0.5)
    cpu, begun, first = cpu_seconds(pid), time.monotonic(), done[0]
    if paced:
        await _evenly([publisher for _, publisher in made], begun)
    else:
        await asyncio.sleep(SECONDS)
    messages, seconds = done[0] - first, time.monotonic() - begun
    used = cpu_seconds(pid) - cpu
    for transport, _ in made:
        transport.abort()
    subscriber.abort()
    return used / messages * 1e6, messages / seconds


async def _evenly(publishers: list[_Publisher], begun: float) -> None:
    sent = 0
    while (past := time.monotonic() - begun) < SECONDS:
        while sent < past * PACE:
            publisher = publishers[sent % len(publishers)]
            assert publisher.transport is not None
            publisher.transport.write(publisher.message)
            sent += 1
        await asyncio.sleep(0.5 / PACE)


def _answers(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on {port}")


@contextlib.contextmanager
def _server(*command: str) -> Iterator[int]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


Measured = dict[tuple[str, bool], tuple[float, float]]
NAMES = {
    ("relay", False): "to one subscriber, as fast as it goes",
    ("heard", False): "heard by the server alone, as fast as it goes",
    ("relay", True): f"to one subscriber, {PACE} a second",
    ("heard", True): f"heard by the server alone, {PACE} a second",
}


def _measured(port: int, *command: str) -> Measured:
    with _server(*command) as pid:
        _answers(port)
        return {(topic, paced): uvloop.run(_load(port, pid, topic, paced=paced)) for topic, paced in NAMES}


def report() -> None:
    """Print the figures as Markdown."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    port = free_port()
    ours = _measured(port, sys.executable, "-m", "tests.bench.mqtt", "--serve", str(port))
    theirs: Measured = {}
    if program is not None:
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            config = Path(folder) / "mosquitto.conf"
            config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
            theirs = _measured(port, program, "-c", str(config))
    print(f"\n| MQTT, QoS 1, {BYTES} bytes, {PUBLISHERS} publishers | endpoint: CPU µs a message | messages/s "
          f"| Mosquitto: CPU µs | messages/s | ratio (goal ≤ {GOAL:.0f}) |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- |")
    for way, name in NAMES.items():
        cpu, rate = ours[way]
        line = f"| {name} | {cpu:.1f} | {rate:.0f} |"
        if way in theirs:
            their_cpu, their_rate = theirs[way]
            print(f"{line} {their_cpu:.1f} | {their_rate:.0f} | {cpu / their_cpu:.2f} |")
        else:
            print(f"{line} skipped: Mosquitto is not installed | | |")


if __name__ == "__main__":
    if "--serve" in sys.argv:
        uvloop.run(_serve(int(sys.argv[-1])))
    else:
        report()
