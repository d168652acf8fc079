"""From a sensor's line to the live feed: milliseconds until a change of a space has reached whoever watches.

``python -m tests.bench.spaces`` alone, or as a part of ``make bench``. A server process of its own on the loopback, a
lot of 1 000 spaces behind 20 geomagnetic collectors with a line each; every sensor changes once, evenly, while another
process (this one) follows the feed. A report is on disk before its event is told.
"""

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from tests.bench.load import cpu_seconds
from tests.e2e.house import ROOT, YAML, House, _sent

COLLECTORS, SENSORS = 20, 50
PER_SECOND = int(os.environ.get("OPENBERTH_BENCH_SENSORS_PER_S", "100"))
GOAL_MS = 1_000


class _Lot(House):
    """A server with one lot full of sensors."""

    def furnish(self) -> None:
        spaces = COLLECTORS * SENSORS
        collectors = "".join(
            f"  - {{code: mag-{n}, kind: geomagnetic_tcp, addresses: [127.0.0.0/8], serial: C-{n}}}\n"
            for n in range(COLLECTORS)
        )
        sensors = "".join(
            f'  - {{code: m{n}, collector: mag-{n // SENSORS}, id: "{n % SENSORS}", space: A{n:04}}}\n'
            for n in range(spaces)
        )
        lot = (
            "lot: openberth/1\ncode: big\ncompany: demo\nname: {zh: 大, en: Big}\nzone: Asia/Shanghai\ncurrency: CNY\n"
            f"capacity: {spaces}\ntariff: mall\nareas:\n  - {{code: main, name: {{zh: 大, en: Big}},"
            f" capacity: {spaces}, spaces: [A0000-A{spaces - 1:04}]}}\nlanes:\n"
            "  - {code: in-1, name: {zh: 入口, en: Entry}, kind: entry, to: main}\ndevices:\n"
            "  - {code: cam-1, kind: vzenith_http, lane: in-1, addresses: [127.0.0.0/8]}\n"
            f"collectors:\n{collectors}sensors:\n{sensors}"
        )
        with httpx2.Client(base_url=self.url, headers={"authorization": f"Bearer {self.token}"}, timeout=60) as api:
            _sent(api.put("/v1/tariffs/mall", content=(ROOT / "tariffs" / "mall.yaml").read_bytes(), headers=YAML))
            _sent(api.put("/v1/lots/big", content=lot.encode(), headers=YAML))
        time.sleep(1)


def _line(collector: int, states: list[tuple[int, bool]]) -> bytes:
    sensors = [{"ID": sensor, "Q": 900 if taken else 50, "V": 361, "Err": 0} for sensor, taken in states]
    return json.dumps({"CID": f"C-{collector}", "V": 1_203, "MAG": sensors}).encode() + b"\n"


async def _measure(house: _Lot) -> tuple[list[float], float]:
    lines = [(await asyncio.open_connection("127.0.0.1", house.sensor_port))[1] for _ in range(COLLECTORS)]
    url = f"ws://127.0.0.1:{house.http_port}/v1/feed?lot=big&after={house.get('/v1/live')['position']}"
    async with connect(url, additional_headers={"authorization": f"Bearer {house.token}"}) as feed:
        told: dict[tuple[str, str], float] = {}
        following = asyncio.create_task(_follow(feed, told))
        for number, writer in enumerate(lines):
            for start in range(0, SENSORS, 10):
                writer.write(_line(number, [(sensor, False) for sensor in range(start, start + 10)]))
        await _until(told, COLLECTORS * SENSORS)
        assert house.server is not None
        before, began, sent = cpu_seconds(house.server.pid), time.monotonic(), dict[str, float]()
        for number in range(COLLECTORS * SENSORS):
            await asyncio.sleep(max(0, began + number / PER_SECOND - time.monotonic()))
            sensor, collector = divmod(number, COLLECTORS)
            sent[f"A{collector * SENSORS + sensor:04}"] = time.monotonic()
            lines[collector].write(_line(collector, [(sensor, True)]))
        await _until(told, 2 * COLLECTORS * SENSORS)
        cpu = (cpu_seconds(house.server.pid) - before) / len(sent)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    for writer in lines:
        writer.close()
    return sorted((told[space, "occupied"] - at) * 1e3 for space, at in sent.items()), cpu


async def _until(told: dict[tuple[str, str], float], count: int) -> None:
    for _ in range(600):
        if len(told) >= count:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{len(told)} of {count} changes were told")


async def _follow(feed: ClientConnection, told: dict[tuple[str, str], float]) -> None:
    async for frame in feed:
        said: dict[str, Any] = json.loads(frame)
        now = time.monotonic()
        for event in said.get("events", ()):
            if event["kind"] == "facility.space_state_changed":
                told[event["body"]["code"], event["body"]["after"]] = now


def report() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, _Lot(Path(folder), speed=60) as house:
        took, cpu = asyncio.run(_measure(house))
    print(f"\n## Sensor to live feed, {PER_SECOND} changes/s, {COLLECTORS * SENSORS} sensors\n")
    print("| ms p50 | p95 | p99 | max | CPU µs a change |\n| --- | --- | --- | --- | --- |")
    figures = [took[min(len(took) - 1, int(len(took) * share))] for share in (0.5, 0.95, 0.99)]
    print(f"| {figures[0]:.1f} | {figures[1]:.1f} | {figures[2]:.1f} | {took[-1]:.0f} | {cpu * 1e6:.0f} |")
    print(f"\nworst {took[-1]:.0f} ms (goal {GOAL_MS}): {'ok' if took[-1] <= GOAL_MS else 'MISSED'}", flush=True)


if __name__ == "__main__":
    report()
