"""A thousand devices connected to one process: heartbeats, a hundred passages a second, memory and the 99th percentile.

``python -m tests.bench.crowd`` alone, or as a part of ``make bench``. The devices are cameras over MQTT (our own JSON)
at five hundred lanes; each beats every ten seconds. A passage is measured from its message to the confirmation, which
the device gets when the fact is on disk. Clients are raw bytes in this process, the server has a process of its own.
"""

import asyncio
import base64
import json
import os
import random
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import httpx2

from tests.bench.load import cpu_seconds
from tests.e2e.house import ROOT, YAML, House, _sent
from tests.ports import free_port
from tests.wire.mqtt_peer import connect, publish

DEVICES, LANES, BEAT_S = 1_000, 500, 10.0
PER_SECOND = 100
SECONDS = float(os.environ.get("OPENBERTH_BENCH_CROWD_S", "20"))
PICTURE = b"\xff\xd8\xff\xe0" + bytes(20_000) + b"\xff\xd9"
DIALLING = 50  # at once
PAGE = os.sysconf("SC_PAGE_SIZE")


def _lot() -> bytes:
    lanes = "".join(
        f"  - {{code: in-{n}, name: {{zh: 入口, en: Entry}}, kind: entry, to: main}}\n" for n in range(LANES)
    )
    devices = "".join(
        f"  - {{code: cam-{n}, kind: generic_mqtt, lane: in-{n % LANES}, serial: s-{n}, addresses: [127.0.0.0/8]}}\n"
        for n in range(DEVICES)
    )
    return (
        "lot: openberth/1\ncode: crowd\ncompany: demo\nname: {zh: 众, en: Crowd}\nzone: Asia/Shanghai\ncurrency: CNY\n"
        f"capacity: 100000\ntariff: mall\nlanes:\n{lanes}devices:\n{devices}"
    ).encode()


def furnish(house: House) -> list[str]:
    """Put the lot there and return the secrets of its devices."""
    with httpx2.Client(base_url=house.url, headers={"authorization": f"Bearer {house.token}"}, timeout=60) as api:
        _sent(api.put("/v1/tariffs/mall", content=(ROOT / "tariffs" / "mall.yaml").read_bytes(), headers=YAML))
        _sent(api.put("/v1/lots/crowd", content=_lot(), headers=YAML))
        return [
            str(_sent(api.post(f"/v1/lots/crowd/devices/cam-{n}/credentials")).json()["secret"]) for n in range(DEVICES)
        ]


@dataclass
class Seen:
    """What was measured: milliseconds from message to confirmation."""

    latencies_ms: list[float] = field(default_factory=list)
    beats: int = 0

    def percentile(self, share: float) -> float:
        """Return a percentile."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Device(asyncio.Protocol):
    """One device."""

    def __init__(self, number: int, secret: str, seen: Seen) -> None:
        self.number = number
        self.topic = f"openberth/v1/s-{number}/up"
        self.hello = connect(f"s-{number}", f"s-{number}", secret)
        self.seen = seen
        self.welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent: dict[int, float] = {}
        self.data = b""
        self.packets = 0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.hello)

    def data_received(self, data: bytes) -> None:
        self.data += data
        while len(self.data) >= 4:
            kind, low = self.data[0] >> 4, self.data[1]
            size = 2 + low if low < 128 else 3 + (low & 127) + (self.data[2] << 7)
            if len(self.data) < size:
                return
            one, self.data = self.data[:size], self.data[size:]
            if kind == 2 and not self.welcome.done():
                self.welcome.set_result(None)
            elif kind == 4:
                at = self.sent.pop(one[2] << 8 | one[3], None)
                if at is not None:
                    self.seen.latencies_ms.append((time.perf_counter() - at) * 1_000)

    def say(self, body: dict[str, object], *, measured: bool) -> None:
        self.packets = self.packets % 60_000 + 1
        message = publish(
            self.topic, json.dumps({"openberth": 1, "serial": f"s-{self.number}"} | body).encode(), qos=1,
            packet_id=self.packets,
        )  # fmt: skip
        if measured:
            self.sent[self.packets] = time.perf_counter()
        assert self.transport is not None
        self.transport.write(message)

    def beat(self) -> None:
        self.seen.beats += 1
        self.say({"type": "heartbeat"}, measured=False)

    def pass_by(self, number: int) -> None:
        self.say(
            {
                "type": "recognition", "id": f"r-{self.number}-{number}", "at": datetime.now(UTC).isoformat(),
                "plate": f"粤B{number:05}", "confidence": 97, "pictures": {"scene": base64.b64encode(PICTURE).decode()},
            },
            measured=True,
        )  # fmt: skip


async def _beat_for_ever(devices: list[Device]) -> None:
    while True:
        for device in devices:
            device.beat()
            await asyncio.sleep(BEAT_S / len(devices))


async def _run(port: int, secrets: list[str], pid: int) -> tuple[Seen, float, int]:
    loop, seen = asyncio.get_running_loop(), Seen()
    devices: list[Device] = []
    for start in range(0, DEVICES, DIALLING):
        some = [
            await loop.create_connection(lambda n=n: Device(n, secrets[n], seen), "127.0.0.1", port)  # type: ignore[misc]
            for n in range(start, start + DIALLING)
        ]
        devices += [device for _, device in some]
        await asyncio.gather(*(device.welcome for _, device in some))
    beating = asyncio.create_task(_beat_for_ever(devices))
    chosen = random.Random(7)
    await asyncio.sleep(2)
    cpu, ends, number, begun = cpu_seconds(pid), time.monotonic() + SECONDS, 0, time.monotonic()
    while time.monotonic() < ends:
        number += 1
        chosen.choice(devices).pass_by(10_000 + number)
        await asyncio.sleep(max(0.0, begun + number / PER_SECOND - time.monotonic()))
    async with asyncio.timeout(30):
        while any(device.sent for device in devices):  # noqa: ASYNC110 - a thousand answers, and none rings
            await asyncio.sleep(0.05)
    used = cpu_seconds(pid) - cpu
    beating.cancel()
    for device in devices:
        assert device.transport is not None
        device.transport.abort()
    return seen, used / (time.monotonic() - begun), resident(pid)


def resident(pid: int) -> int:
    """Return the memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def report() -> None:
    """Print what was measured."""
    folder, port = Path(tempfile.mkdtemp(prefix="openberth-crowd-")), free_port()
    extra = {
        "OPENBERTH_CLOCK__ANCHOR_BUSINESS": datetime.now(UTC).isoformat(), "OPENBERTH_MQTT__HOST": "127.0.0.1",
        "OPENBERTH_MQTT__PORT": str(port),
    }  # fmt: skip
    with House(folder, speed=1, extra=extra) as house:
        assert house.server is not None
        secrets = furnish(house)
        time.sleep(2)
        idle = resident(house.server.pid)
        seen, cpu, used = asyncio.run(_run(port, secrets, house.server.pid))
    print(
        f"\n{DEVICES} devices at one process, a heartbeat each {BEAT_S:.0f} s, {PER_SECOND} passages/s for "
        f"{SECONDS:.0f} s: p50 {seen.percentile(0.5):.1f} ms, p99 {seen.percentile(0.99):.1f} ms "
        f"({len(seen.latencies_ms)} passages, {seen.beats} heartbeats), {cpu:.2f} CPU-seconds a second, "
        f"{used // 2**20} MiB ({(used - idle) // DEVICES // 1024} KiB a device over the idle server)"
    )


if __name__ == "__main__":
    report()
