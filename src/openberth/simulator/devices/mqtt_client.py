"""A small MQTT 3.1.1 client as cheap devices have one: QoS 0 and 1, keep-alive, a session that does not outlive the
connection. Written from the OASIS standard; it knows nothing of what it speaks with.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 2, 3, 4, 9
_PING = b"\xc0\0"
_GOODBYE = b"\xe0\0"
_GOODBYE_S = 1.0


class NoLink(Exception):
    """The connection could not be made, or is gone."""


@dataclass(frozen=True, slots=True)
class Login:
    """Where a device dials in, and as whom. ``keep_alive_s`` is machine time."""

    host: str
    port: int
    user: str
    password: str
    client_id: str
    keep_alive_s: int = 20
    will: tuple[str, bytes] | None = None


def _text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return len(raw).to_bytes(2, "big") + raw


def _packet(first: int, body: bytes) -> bytes:
    length, size = bytearray(), len(body)
    while True:
        size, low = divmod(size, 128)
        length.append(low | 0x80 if size else low)
        if not size:
            return bytes((first,)) + bytes(length) + body


def _hello(login: Login) -> bytes:
    flags = 0xC2 | (0x0C if login.will else 0)
    body = _text("MQTT") + bytes((4, flags)) + login.keep_alive_s.to_bytes(2, "big") + _text(login.client_id)
    if login.will is not None:
        body += _text(login.will[0]) + _text(login.will[1])
    return _packet(0x10, body + _text(login.user) + _text(login.password))


Heard = Callable[[str, bytes], None]


class MqttLink:
    """One connection at a time. ``heard`` is called for every message that comes."""

    def __init__(self, login: Login, heard: Heard) -> None:
        self._login = login
        self._heard = heard
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._last_id = 0
        self._listens = False
        self.confirms = True  # whether it confirms what comes: one that hangs does not

    @property
    def is_up(self) -> bool:
        """Whether there is a connection, and what was subscribed to is heard on it."""
        return self._writer is not None and self._listens

    async def open(self, *filters: str) -> None:
        """Connect and subscribe. Raises ``NoLink`` with the reason."""
        await self.close()
        try:
            reader, writer = await asyncio.open_connection(self._login.host, self._login.port)
        except OSError as error:
            raise NoLink(str(error)) from error
        self._writer = writer
        try:
            async with asyncio.timeout(10):
                writer.write(_hello(self._login))
                kind, body = await _read(reader)
                if kind >> 4 != _CONNACK or body[1]:
                    raise NoLink(f"refused: {body[1:].hex()}")
        except (NoLink, OSError, EOFError, TimeoutError) as error:
            await self.close()
            raise NoLink(str(error)) from error
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._reading(reader)), loop.create_task(self._beating())]
        if filters:
            body = b"".join(_text(each) + b"\1" for each in filters)
            await self._confirmed(lambda number: _packet(0x82, number.to_bytes(2, "big") + body), 10)
        self._listens = self._writer is not None

    async def publish(self, topic: str, payload: bytes, *, wait_s: float = 5.0, again: bool = False) -> None:
        """Say something with QoS 1 and wait for its confirmation. Raises ``NoLink``."""

        def packed(number: int) -> bytes:
            return _packet(0x32 | again << 3, _text(topic) + number.to_bytes(2, "big") + payload)

        await self._confirmed(packed, wait_s)

    def write(self, data: bytes) -> None:
        """Write bytes as they are, also such as no client should."""
        if self._writer is not None:
            self._writer.write(data)

    def cut(self) -> None:
        """Tear the connection, without a goodbye."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._ended()

    async def close(self) -> None:
        """Say goodbye and hang up."""
        writer = self._writer
        self._ended()
        if writer is not None:
            writer.write(_GOODBYE)
            writer.close()
            try:
                async with asyncio.timeout(_GOODBYE_S):
                    await writer.wait_closed()
            except (OSError, TimeoutError):
                writer.transport.abort()  # whoever reads nothing any more is not waited for

    async def ended(self) -> None:
        """Wait until the connection is gone."""
        while self._writer is not None and self._tasks:
            [reading], _ = await asyncio.wait(self._tasks[:1])
            if not reading.cancelled():
                reading.result()  # a mistake in what a device makes of a message is not hidden

    async def _confirmed(self, packed: Callable[[int], bytes], wait_s: float) -> None:
        if self._writer is None:
            raise NoLink("not connected")
        self._last_id = self._last_id % 65_535 + 1
        number = self._last_id
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._writer.write(packed(number))
            async with asyncio.timeout(wait_s):
                await future
        except (OSError, TimeoutError) as error:
            raise NoLink("not confirmed") from error
        finally:
            self._waiting.pop(number, None)

    async def _reading(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                first, body = await _read(reader)
                kind = first >> 4
                if kind == _PUBLISH:
                    self._message(first, body)
                elif kind in (_PUBACK, _SUBACK):
                    future = self._waiting.get(int.from_bytes(body[:2], "big"))
                    if future is not None and not future.done():
                        future.set_result(None)
        except (OSError, EOFError):
            self._ended()

    def _message(self, first: int, body: bytes) -> None:
        size = int.from_bytes(body[:2], "big")
        topic, at = body[2 : 2 + size].decode(), 2 + size
        if first & 6:
            if self.confirms:
                self.write(_packet(0x40, body[at : at + 2]))
            at += 2
        self._heard(topic, body[at:])

    async def _beating(self) -> None:
        while True:
            await asyncio.sleep(self._login.keep_alive_s / 2)
            self.write(_PING)

    def _ended(self) -> None:
        writer, self._writer = self._writer, None
        self._listens = False
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(NoLink("the connection ended"))
        if writer is not None and tasks:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await reader.readexactly(1))[0]
    size = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return first, await reader.readexactly(size)
