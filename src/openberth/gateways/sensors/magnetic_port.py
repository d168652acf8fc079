"""The line of geomagnetic collectors on asyncio: a TCP server that reads lines and answers nothing.

Bounds: lines of 1 024 bytes, connections overall, of strangers overall and per address, the time until a stranger has
said who it is and a collector has said anything, messages in a minute. What is being written holds the line up: a
collector that says more than the database takes is not read from meanwhile.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog

from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import CollectorDirectory, CollectorEntry, SensorDesk
from openberth.gateways.sensors import geomagnetic
from openberth.infra.buckets import Buckets
from openberth.infra.buckets import per_minute as rate_per_minute
from openberth.infra.http.limits import Places, limit_key
from openberth.infra.telemetry import counter
from openberth.kernel.errors import Malformed, Problem

CONNECTIONS_MAX = 2_000
STRANGERS_MAX, STRANGERS_PER_ADDRESS = 256, 32
INTRODUCED_S = 10.0  # until a stranger has said who it is
SILENT_S = 60.0  # a line that says nothing for so long is dead; the collector dials again
RETRY_S = 0.5
STOP_S = 5.0
_BACKLOG = 256

_EVENTS = counter("openberth_magnetic_lines_total", "What happened on lines of geomagnetic collectors.", ("event",))

log = structlog.get_logger()


class _Ended(Exception):
    """A line has to end; its word says why."""


class MagneticServer:
    """The server. ``counts`` are totals since the start: ``connected``, ``known``, ``reports``, and ``ended.REASON``
    (``full``, ``too_long``, ``malformed``, ``unknown``, ``changed``, ``silence``, ``closed``, ``replaced``,
    ``outdated``, ``stopped``).
    """

    def __init__(
        self, *, desk: SensorDesk, directory: CollectorDirectory, buckets: Buckets, per_minute: int,
        unknown: Callable[[DeviceKind, str, str], None],
    ) -> None:  # fmt: skip
        self.counts: Counter[str] = Counter()
        self._desk = desk
        self._directory = directory
        self._buckets = buckets
        self._unknown = unknown
        self._rate = rate_per_minute("collector", per_minute, burst=max(1, per_minute // 6))
        self._strangers = Places(most=STRANGERS_MAX, most_per_key=STRANGERS_PER_ADDRESS)
        self._lines: dict[asyncio.Task[None], str] = {}  # with why each is to end
        self._known: dict[str, tuple[asyncio.Task[None], CollectorEntry, str]] = {}
        self._server: asyncio.Server | None = None
        directory.on_change(self._review)

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; return the address bound (port 0 takes a free one)."""
        return await self.start_on(socket.create_server((host, port), backlog=_BACKLOG))

    async def start_on(self, listener: socket.socket) -> tuple[str, int]:
        """Listen on a socket that is held already; return its address."""
        # One byte more than a line: a longer one is seen as such.
        self._server = await asyncio.start_server(self._serve, sock=listener, limit=geomagnetic.LINE_MAX)
        bound: tuple[Any, ...] = self._server.sockets[0].getsockname()
        return str(bound[0]), int(bound[1])

    async def stop(self) -> None:
        """Stop listening and hang up; what is being written is waited for."""
        if self._server is None:
            return
        self._server.close()
        for task in tuple(self._lines):
            self._end(task, "stopped")
        if self._lines:
            await asyncio.wait(tuple(self._lines), timeout=STOP_S)
        await self._server.wait_closed()
        self._server = None

    @property
    def connections(self) -> int:
        """Return the number of connections, of collectors and of strangers."""
        return len(self._lines)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio serves each connection in a task"
        peer = writer.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        self._count("connected")
        reason = "closed"
        try:
            if len(self._lines) >= CONNECTIONS_MAX:
                reason = "full"
                return
            self._lines[task] = ""
            await self._talk(task, reader, address)
        except _Ended as end:
            reason = str(end)
        except (ConnectionError, asyncio.IncompleteReadError):
            reason = "closed"
        except TimeoutError:
            reason = "silence"
        except asyncio.CancelledError:
            reason = self._lines.get(task) or "stopped"
        except Exception:
            reason = "failed"
            log.exception("magnetic.failed")
        finally:
            self._lines.pop(task, None)
            self._count(f"ended.{reason}")
            writer.transport.abort()  # nothing waits to be written
            with suppress(Exception):
                await writer.wait_closed()

    async def _talk(self, task: asyncio.Task[None], reader: asyncio.StreamReader, address: str) -> None:
        with self._strangers.held(limit_key(address)) as has_place:
            if not has_place:
                raise _Ended("full")
            async with asyncio.timeout(INTRODUCED_S):
                report = _read(await _line(reader))
            entry = self._find(report.collector, address)
        key = entry.id.hex
        before = self._known.get(key)
        if before is not None:
            self._end(before[0], "replaced")
        self._known[key] = task, entry, address
        self._count("known")
        try:
            while True:
                await self._take(self._known[key][1], report, address)
                async with asyncio.timeout(SILENT_S):
                    report = _read(await _line(reader))
                if report.collector != entry.serial:
                    raise _Ended("changed")
        finally:
            if self._known.get(key, (None,))[0] is task:
                del self._known[key]

    def _find(self, serial: str, address: str) -> CollectorEntry:
        found = self._directory.by_serial(DeviceKind.GEOMAGNETIC_TCP, serial, address)
        if found is None:
            self._unknown(DeviceKind.GEOMAGNETIC_TCP, serial, address)
            raise _Ended("unknown")
        return found

    async def _take(self, entry: CollectorEntry, report: geomagnetic.Report, address: str) -> None:
        """Write what was said; the line is not read from meanwhile."""
        self._desk.heard(entry, address=address, state=report.state)
        granted = await self._buckets.take(self._rate, entry.id.hex)
        if not granted.granted:
            log.warning("magnetic.too_often", collector=entry.code, lot=entry.lot_code)
            await asyncio.sleep(granted.retry_after_s)
        while report.readings:
            try:
                await self._desk.take(entry, report.readings, address=address)
            except Problem as problem:  # it is not asked again, so it is kept until it is written
                log.warning("magnetic.waiting", collector=entry.code, lot=entry.lot_code, code=problem.code)
                await asyncio.sleep(RETRY_S)
            else:
                self._count("reports")
                return

    def _review(self) -> None:
        """Collectors have changed: hang up lines that would not be let in any more."""
        for key, (task, entry, address) in tuple(self._known.items()):
            now = self._directory.by_serial(entry.kind, entry.serial or "", address)
            if now is None or now.id != entry.id:
                self._end(task, "outdated")
            else:
                self._known[key] = task, now, address

    def _end(self, task: asyncio.Task[None], reason: str) -> None:
        if task in self._lines:
            self._lines[task] = reason
            task.cancel()

    def _count(self, event: str) -> None:
        self.counts[event] += 1
        _EVENTS.labels(event).inc()


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Return the next line that is not empty."""
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise _Ended("too_long") from None
        if len(line) > geomagnetic.LINE_MAX:
            raise _Ended("too_long")
        if line.strip():
            return line


def _read(line: bytes) -> geomagnetic.Report:
    try:
        return geomagnetic.decode(line.strip())
    except Malformed as problem:
        log.info("magnetic.malformed", why=str(problem))
        raise _Ended("malformed") from None
