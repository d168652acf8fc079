"""An even load of camera recognitions over real HTTP, from a process of its own."""

import asyncio
import base64
import json
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

PROVINCES = "京沪粤苏浙川鄂湘闽鲁"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
DIGITS = "0123456789"


@dataclass(frozen=True)
class Measured:
    sent: int
    opened: int
    failed: int
    seconds: float
    latencies_ms: tuple[float, ...]

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def jpeg(size: int) -> bytes:
    """Bytes that begin and end as a JPEG; the middle does not compress, as a photo does not."""
    return b"\xff\xd8\xff\xe0" + os.urandom(size - 6) + b"\xff\xd9"


def plates(seed: int) -> "list[str]":
    rng = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < 60_000:
        tail = "".join(rng.choice(DIGITS) for _ in range(5))
        found[rng.choice(PROVINCES) + rng.choice(LETTERS) + tail] = None
    return list(found)


class Body:
    """A recognition whose changing parts are cut in, so that the load costs little beside what it measures."""

    def __init__(self, picture_bytes: int) -> None:
        scene = base64.b64encode(jpeg(picture_bytes)).decode()
        crop = base64.b64encode(jpeg(3_000)).decode()
        frame = {
            "AlarmInfoPlate": {
                "channel": 0, "deviceName": "IVS", "ipaddr": "127.0.0.1", "serialno": "",
                "result": {"PlateResult": {
                    "license": "@PLATE@", "colorType": 1, "type": 1, "confidence": 96, "direction": 4, "triggerType": 1,
                    "plateid": 123456789, "isoffline": 0, "carColor": 1, "gioouts": [{"ctrltype": 0, "ionum": 0}],
                    "location": {"RECT": {"left": 1002, "top": 565, "right": 1263, "bottom": 674}},
                    "timeStamp": {"Timeval": {"sec": 987654321, "usec": 0}},
                    "imageFile": scene, "imageFileLen": picture_bytes,
                    "imageFragmentFile": crop, "imageFragmentFileLen": 3_000,
                }},
            }
        }  # fmt: skip
        text = json.dumps(frame, ensure_ascii=False).encode()
        self._parts = []
        for mark in (b"@PLATE@", b"123456789", b"987654321"):
            before, _, text = text.partition(mark)
            self._parts.append(before)
        self._parts.append(text)

    def of(self, plate: str, number: int, second: int) -> bytes:
        first, after_plate, after_id, rest = self._parts
        return b"".join(
            (first, plate.encode(), after_plate, str(number).encode(), after_id, str(second).encode(), rest)
        )


async def run(
    host: str, port: int, paths: list[str], *, per_second: int, seconds: float, picture_bytes: int, seed: int
) -> Measured:
    """Send recognitions evenly, round robin over the cameras, each on its own kept connection."""
    body = Body(picture_bytes)
    names = plates(seed)
    cameras = [await _Camera.dial(host, port, path) for path in paths]
    total = int(per_second * seconds)
    latencies: list[float] = []
    opened = failed = 0
    begun = time.perf_counter() + 0.2

    async def one(index: int) -> None:
        nonlocal opened, failed
        due = begun + index / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        message = body.of(names[index], index + 1, int(time.time()))
        started = time.perf_counter()
        try:
            answer = await cameras[index % len(cameras)].push(message)
        except (OSError, asyncio.IncompleteReadError):
            failed += 1
            return
        latencies.append((time.perf_counter() - started) * 1_000)
        opened += b'"info":"ok"' in answer
        failed += not answer

    tasks = [asyncio.create_task(one(index)) for index in range(total)]
    await asyncio.gather(*tasks)
    spent = time.perf_counter() - begun
    for camera in cameras:
        camera.close()
    return Measured(total, opened, failed, spent, tuple(latencies))


class _Camera:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
        self._reader, self._writer, self._path = reader, writer, path
        self._turn = asyncio.Lock()

    @classmethod
    async def dial(cls, host: str, port: int, path: str) -> "_Camera":
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
        return cls(reader, writer, path)

    async def push(self, body: bytes) -> bytes:
        async with self._turn:
            head = (
                f"POST {self._path} HTTP/1.1\r\nhost: camera\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\n\r\n"
            )
            self._writer.write(head.encode() + body)
            await self._writer.drain()
            status = await self._reader.readline()
            length = 0
            while (line := await self._reader.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            answer = await self._reader.readexactly(length)
            return answer if b" 200 " in status else b""

    def close(self) -> None:
        self._writer.close()
