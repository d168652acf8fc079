"""A client of MQTT 3.1.1 and 5 written from the standards, byte by byte; shares no code with what it tests."""

import asyncio
import struct
from dataclasses import dataclass

from tests.waiting import PATIENCE_S

CONNACK, PUBLISH, PUBACK, SUBACK, UNSUBACK, PINGRESP, DISCONNECT = 2, 3, 4, 9, 11, 13, 14


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(raw)) + raw


def packet(kind: int, flags: int, body: bytes) -> bytes:
    length, size = b"", len(body)
    while True:
        size, low = divmod(size, 128)
        length += bytes([low | (0x80 if size else 0)])
        if not size:
            return bytes([kind << 4 | flags]) + length + body


@dataclass(frozen=True)
class Will:
    topic: str
    payload: bytes
    qos: int = 1
    delay_s: int = 0


def connect(
    client_id: str = "c", user: str | None = "dev-1", password: str | bytes | None = "secret-1", *, version: int = 4,
    clean: bool = True, keep_alive: int = 60, will: Will | None = None, properties: bytes = b"",
) -> bytes:  # fmt: skip
    flags = clean << 1 | (user is not None) << 7 | (password is not None) << 6
    if will is not None:
        flags |= 4 | will.qos << 3
    body = text("MQTT") + bytes([version, flags]) + struct.pack(">H", keep_alive)
    body += bytes([len(properties)]) + properties if version == 5 else b""
    body += text(client_id)
    if will is not None:
        delay = b"\x18" + struct.pack(">I", will.delay_s) if will.delay_s else b""
        body += (bytes([len(delay)]) + delay if version == 5 else b"") + text(will.topic) + text(will.payload)
    body += b"" if user is None else text(user)
    body += b"" if password is None else text(password)
    return packet(1, 0, body)


def publish(topic: str, payload: bytes, *, qos: int = 0, packet_id: int = 1, version: int = 4, dup: bool = False,
            properties: bytes = b"") -> bytes:  # fmt: skip
    body = text(topic) + (struct.pack(">H", packet_id) if qos else b"")
    body += bytes([len(properties)]) + properties if version == 5 else b""
    return packet(PUBLISH, dup << 3 | qos << 1, body + payload)


def subscribe(*filters: str, qos: int = 1, packet_id: int = 9, version: int = 4, options: int = 0) -> bytes:
    body = struct.pack(">H", packet_id) + (b"\0" if version == 5 else b"")
    return packet(8, 2, body + b"".join(text(each) + bytes([qos | options]) for each in filters))


def unsubscribe(*filters: str, packet_id: int = 10, version: int = 4) -> bytes:
    body = struct.pack(">H", packet_id) + (b"\0" if version == 5 else b"")
    return packet(10, 2, body + b"".join(map(text, filters)))


def puback(packet_id: int) -> bytes:
    return packet(PUBACK, 0, struct.pack(">H", packet_id))


PING, GOODBYE = b"\xc0\0", b"\xe0\0"


@dataclass(frozen=True)
class Message:
    topic: str
    payload: bytes
    qos: int
    retain: bool
    dup: bool
    packet_id: int
    properties: bytes = b""


class Peer:
    """A connection; ``read`` gives kind, flags and body of the next packet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: int = 4) -> None:
        self.reader = reader
        self.writer = writer
        self.version = version

    @classmethod
    async def dial(cls, address: tuple[str, int], data: bytes = b"", version: int = 4) -> "Peer":
        made = cls(*await asyncio.open_connection(*address), version)
        made.writer.write(data)
        return made

    @classmethod
    async def open(cls, address: tuple[str, int], data: bytes, version: int = 4) -> "Peer":
        """Connect and be welcomed."""
        made = await cls.dial(address, data, version)
        kind, _, body = await made.read()
        assert (kind, body[1]) == (CONNACK, 0), body
        return made

    async def read(self, timeout_s: float = PATIENCE_S) -> tuple[int, int, bytes]:
        async with asyncio.timeout(timeout_s):
            first = (await self.reader.readexactly(1))[0]
            size = shift = 0
            while True:
                byte = (await self.reader.readexactly(1))[0]
                size |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            return first >> 4, first & 15, await self.reader.readexactly(size)

    async def message(self, timeout_s: float = PATIENCE_S) -> Message:
        kind, flags, body = await self.read(timeout_s)
        assert kind == PUBLISH, (kind, body)
        size = struct.unpack(">H", body[:2])[0]
        topic, at, packet_id, properties = body[2 : 2 + size].decode(), 2 + size, 0, b""
        if flags & 6:
            packet_id, at = struct.unpack(">H", body[at : at + 2])[0], at + 2
        if self.version == 5:
            properties = body[at + 1 : at + 1 + body[at]]
            at += 1 + body[at]
        return Message(topic, body[at:], flags >> 1 & 3, bool(flags & 1), bool(flags & 8), packet_id, properties)

    async def subscribed(self, *filters: str, options: int = 0) -> bytes:
        self.writer.write(subscribe(*filters, version=self.version, options=options))
        kind, _, body = await self.read()
        assert kind == SUBACK
        return body[3:] if self.version == 5 else body[2:]

    async def silent(self, seconds: float = 0.2) -> bool:
        try:
            await self.read(seconds)
        except TimeoutError:
            return True
        return False

    async def hung_up(self, timeout_s: float = PATIENCE_S) -> bytes:
        """Wait until the other side has closed; returns what it said before."""
        async with asyncio.timeout(timeout_s):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    def close(self) -> None:
        self.writer.close()

    def cut(self) -> None:
        self.writer.transport.abort()
