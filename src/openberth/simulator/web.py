"""A small HTTP/1.1 client on asyncio streams: one keep-alive connection, one request at a time, everything bounded.

Thousands of virtual cars share two cores with the server under test, so a request must cost little. This client reads
``Content-Length`` and chunked bodies and nothing fancier.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

_HEAD_BYTES_MAX = 64 * 1024
_BODY_BYTES_MAX = 16 * 1024 * 1024


class NoAnswer(Exception):
    """No usable answer came: refused, broken, too slow or not HTTP. What the server did is unknown."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, taken from the beginning of a URL."""

    host: str
    port: int
    tls: bool = False

    @classmethod
    def of(cls, url: str) -> "Address":
        """Read ``http://host:port``; a path is ignored. Raise ``ValueError`` for another scheme or no host."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not an http address")
        tls = parts.scheme == "https"
        return cls(parts.hostname, parts.port or (443 if tls else 80), tls)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Decode the body; raise ``NoAnswer`` when it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise NoAnswer(f"not JSON: {error}") from error

    def retry_after_s(self, default: float, most: float) -> float:
        """Return the seconds the server asks to wait, within bounds."""
        text = self.headers.get("retry-after", "")
        return min(float(text), most) if text.isascii() and text.isdigit() else default


class WebConnection:
    """One client of one server. The connection is made at the first request and made again after it was lost."""

    def __init__(self, address: Address, *, source: str | None = None, timeout_s: float = 15.0) -> None:
        self._address = address
        self._source = source
        self._timeout_s = timeout_s
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        content_type: str = "application/json",
        headers: Iterable[tuple[str, str]] = (),
        timeout_s: float | None = None,
    ) -> Answer:
        """Send one request and return the answer, whatever its status; raise ``NoAnswer`` when none comes in time."""
        host = self._address.host
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}:{self._address.port}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body or method not in ("GET", "HEAD"):
            lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        request = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
        try:
            async with self._turn, asyncio.timeout(timeout_s or self._timeout_s):
                return await self._exchange(request)
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
            self.drop()
            raise NoAnswer(f"{type(error).__name__}: {error}") from error
        except BaseException:
            self.drop()  # cancelled in the middle: what still comes must not answer the next request
            raise

    def drop(self) -> None:
        """Cut the connection without ceremony."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def close(self) -> None:
        """End the connection and wait until it is gone."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()
            try:
                async with asyncio.timeout(1):
                    await writer.wait_closed()
            except (OSError, TimeoutError):
                writer.transport.abort()

    async def _exchange(self, request: bytes) -> Answer:
        reader, writer, used = await self._connected()
        try:
            writer.write(request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError) as error:
            # A server may close an idle connection just as we use it. Only then, and only if it said nothing, ask
            # again: whatever the simulator sends may be sent twice (that is the very thing being tested).
            if not used or (isinstance(error, asyncio.IncompleteReadError) and error.partial):
                raise
            self.drop()
            reader, writer, _ = await self._connected()
            writer.write(request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
        status, headers = _read_head(head)
        body = b"" if status in (204, 304) else await _read_body(reader, headers)
        if headers.get("connection", "").lower() == "close":
            self.drop()
        return Answer(status, headers, body)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bool]:
        if self._reader is not None and self._writer is not None:
            if not self._reader.at_eof() and not self._writer.is_closing():
                return self._reader, self._writer, True
            self.drop()
        context = ssl.create_default_context() if self._address.tls else None
        local = (self._source, 0) if self._source else None
        host, port = self._address.host, self._address.port
        reader, writer = await asyncio.open_connection(host, port, limit=_HEAD_BYTES_MAX, ssl=context, local_addr=local)
        self._reader, self._writer = reader, writer
        return reader, writer, False


def _read_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    version, _, tail = first.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("not HTTP")
    headers = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.lower()] = value.strip()
    return int(tail[:3]), headers


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "content-length" in headers:
        return await reader.readexactly(_bounded(int(headers["content-length"])))
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return b""
    parts: list[bytes] = []
    total = 0
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        total = _bounded(total + size)
        parts.append((await reader.readexactly(size + 2))[:-2])
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return b"".join(parts)


def _bounded(size: int) -> int:
    if not 0 <= size <= _BODY_BYTES_MAX:
        raise ValueError(f"a body of {size} bytes")
    return size
