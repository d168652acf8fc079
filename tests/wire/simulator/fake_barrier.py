"""The server's side of the barrier link for tests, written from docs/devices/barrier-tcp.md; one class, no reuse."""

import asyncio
import hashlib
import hmac
import os
import struct
from collections.abc import Callable


def crc(data: bytes) -> bytes:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def frame(kind: int, sequence: int, payload: bytes) -> bytes:
    inner = struct.pack(">HBH", 3 + len(payload), kind, sequence) + payload
    return b"\xa6" + inner + crc(inner) + b"\xa9"


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    start, length = struct.unpack(">BH", await reader.readexactly(3))
    rest = await reader.readexactly(length + 3)
    assert start == 0xA6
    assert rest[-1] == 0xA9
    assert crc(struct.pack(">H", length) + rest[:length]) == rest[length : length + 2]
    kind, sequence = struct.unpack(">BH", rest[:3])
    return kind, sequence, rest[3:length]


class Link:
    """One welcomed connection."""

    def __init__(self, key: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.key = key
        self.reader = reader
        self.writer = writer
        self.sent = 0
        self.received = 0
        self.sequence = 2

    def send(self, kind: int, payload: bytes, *, mac: bytes | None = None, sequence: int | None = None) -> None:
        sequence = self.sequence if sequence is None else sequence
        text = b"s" + struct.pack(">IBH", self.sent, kind, sequence) + payload
        seal = hmac.new(self.key, text, hashlib.sha256).digest()[:8] if mac is None else mac
        self.writer.write(frame(kind, sequence, payload + seal))
        self.sent += 1
        self.sequence += 1

    async def receive(self) -> tuple[int, int, bytes]:
        kind, sequence, sealed = await read_frame(self.reader)
        payload, mac = sealed[:-8], sealed[-8:]
        text = b"d" + struct.pack(">IBH", self.received, kind, sequence) + payload
        assert mac == hmac.new(self.key, text, hashlib.sha256).digest()[:8]
        self.received += 1
        return kind, sequence, payload

    def command(self, operation: int, *, life_ms: int = 60_000, command: bytes | None = None) -> bytes:
        command = command or os.urandom(16)
        self.send(0x10, command + struct.pack(">BI", operation, life_ms))
        return command


class FakeBarrierServer:
    """Welcomes controllers whose serial it knows; the newest link of a serial counts."""

    def __init__(self, secrets: dict[str, bytes], *, heartbeat_s: int = 5, lie: bool = False) -> None:
        self.secrets = secrets
        self.links: dict[str, Link] = {}
        self.frames: dict[str, list[tuple[int, bytes]]] = {}
        self.on_frame: Callable[[str, int, bytes], None] = lambda serial, kind, payload: None
        self.handshakes = 0
        self._heartbeat_s = heartbeat_s
        self._lie = lie
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None
        self.links.clear()
        await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        serial = ""
        link: Link | None = None
        try:
            serial, link = await self._welcome(reader, writer)
            self.links[serial] = link
            while True:
                kind, sequence, payload = await link.receive()
                if kind == 0x30:
                    link.send(0x31, b"", sequence=sequence)
                self.frames.setdefault(serial, []).append((kind, payload))
                self.on_frame(serial, kind, payload)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            if self.links.get(serial) is link:
                self.links.pop(serial, None)
            writer.transport.abort()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, Link]:
        self.handshakes += 1
        kind, sequence, hello = await read_frame(reader)
        assert (kind, sequence, hello[0]) == (1, 0, 1)
        nonce, serial = os.urandom(16), hello[17:].decode()
        writer.write(frame(2, 0, nonce))
        kind, sequence, proof = await read_frame(reader)
        key = hmac.new(self.secrets[serial], b"openberth-barrier/1" + hello[1:17] + nonce, hashlib.sha256).digest()
        assert (kind, sequence) == (3, 1)
        assert proof == hmac.new(key, b"device", hashlib.sha256).digest()[:16]
        answer = os.urandom(16) if self._lie else hmac.new(key, b"server", hashlib.sha256).digest()[:16]
        writer.write(frame(4, 1, answer + bytes((self._heartbeat_s,))))
        return serial, Link(key, reader, writer)
