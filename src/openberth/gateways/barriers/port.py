"""The barrier link on asyncio: a TCP server around sessions and ledgers. Knows sockets and bounds, no business and no
database.

Bounds: bytes per read, bytes waiting to be written (a peer that does not read is not read from either), reports waiting
for the observer (a slow observer holds back that device only), connections overall and per address, the time of every
step.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from openberth.gateways.barriers.commands import BarrierCommand, CommandReport
from openberth.gateways.barriers.desk import Desk
from openberth.gateways.barriers.ports import BarrierDirectory, BarrierObserver
from openberth.gateways.barriers.session import (
    Action,
    BarrierSession,
    End,
    Find,
    ResultSeen,
    StatusSeen,
    Welcomed,
    Write,
)
from openberth.infra.http.limits import limit_key
from openberth.kernel.errors import Overloaded
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Clock, Instant, later

_log = logging.getLogger(__name__)

_READ_BYTES = 4096
_WRITE_HIGH = 8192
_WRITE_LOW = 2048
_SWEEP_S = 0.2
_STOP_S = 5
_LINGER_US = SECOND_US
_BACKLOG = 256
_TURNED_AWAY = 64  # connections beyond the limit that are still told that we are busy


@dataclass(frozen=True, slots=True)
class BarrierLimits:
    """How many may come: connections overall and per address (an IPv6 /64 counts as one), look-ups at the same time."""

    connections: int = 2_000
    connections_per_address: int = 64
    lookups: int = 32


class _Connection(asyncio.BufferedProtocol):
    """One socket: moves bytes between the transport and its session and carries out what the session says."""

    def __init__(self, server: "BarrierServer") -> None:
        self._server = server
        self._view = memoryview(bytearray(_READ_BYTES))
        self._transport: asyncio.Transport | None = None
        self._session: BarrierSession | None = None
        self._lookup: asyncio.Task[None] | None = None
        self._desk: Desk | None = None
        self._observer_behind = False
        self._peer_behind = False
        self._linger_until: Instant | None = None
        self.address = ""

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH, low=_WRITE_LOW)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._session = self._server.new_session(self.address)
        if not self._server.enter(self):
            self.perform(self._session.refuse_busy())
            if self._server.is_overrun:
                self.cut()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        if self._session is not None:
            self.perform(self._session.received(self._view[:nbytes]))

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._peer_behind = True
        self._listen()

    def resume_writing(self) -> None:
        self._peer_behind = False
        self._listen()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._session is not None:
            self.perform(self._session.end("lost" if exc is not None else "closed"))
        self._server.leave(self)

    # the server and the desk call these

    @property
    def takes_commands(self) -> bool:
        """Tell whether a command written now has a chance to arrive."""
        transport, session = self._transport, self._session
        open_session = session is not None and session.is_open
        return transport is not None and open_session and not self._peer_behind and not transport.is_closing()

    def command(self, command: BarrierCommand) -> bool:
        """Write a command; False when it could not be written or its life is over."""
        actions = self._session.command(command) if self._session is not None else []
        written = any(isinstance(action, Write) for action in actions)
        if written and self._desk is not None:
            self._desk.ledger.sent(command)
        self.perform(actions)
        return written

    def hold_for_observer(self, *, held: bool) -> None:
        """Stop or go on reading, because the observer is behind or has caught up."""
        if held is self._observer_behind:
            return
        self._observer_behind = held
        if self._session is not None:
            self._session.excuse()
        self._listen()

    def tick(self, now: Instant) -> None:
        """Let the session look at the clock, and cut off a peer that does not go after it was told to."""
        if self._linger_until is not None:
            if now >= self._linger_until:
                self.cut()
        elif self._session is not None:
            if self._observer_behind:
                self._session.excuse()
            self.perform(self._session.tick())

    def end(self, reason: str) -> None:
        """End the connection."""
        if self._session is not None:
            self.perform(self._session.end(reason))

    def cut(self) -> None:
        """Cut the connection off, whatever still waits to be written."""
        if self._transport is not None:
            self._transport.abort()

    def perform(self, actions: list[Action]) -> None:
        """Carry out what the session says."""
        for action in actions:
            match action:
                case Write(data):
                    if self._transport is not None and not self._transport.is_closing():
                        self._transport.write(data)
                case Find(serial):
                    self._lookup = asyncio.get_running_loop().create_task(self._find(serial))
                case Welcomed(device_id):
                    self._desk = self._server.welcome(self, device_id)
                case StatusSeen() | ResultSeen():
                    if self._desk is not None:
                        self._server.seen(self._desk, action)
                case End(reason):
                    self._ended(reason)

    # inside

    async def _find(self, serial: str) -> None:
        session = self._session
        if session is None:
            return
        try:
            device = await self._server.find(serial)
        except Exception:
            self._server.counts["directory_failed"] += 1
            _log.exception("barrier directory failed")
            self.perform(session.refuse_busy())
        else:
            self.perform(session.identified(device))

    def _listen(self) -> None:
        """Read exactly while both the peer takes our bytes and the observer keeps up."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._peer_behind or self._observer_behind:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _ended(self, reason: str) -> None:
        self._server.counts[f"ended.{reason}"] += 1
        # A look-up that ends the session by itself must not cancel itself while it does.
        if self._lookup is not None and self._lookup is not asyncio.current_task():
            self._lookup.cancel()
        desk, self._desk = self._desk, None
        if desk is not None:
            self._server.gone(desk, self, reason)
        transport = self._transport
        if transport is None:
            return
        if self._peer_behind or transport.is_closing():
            transport.abort()
            return
        # Half-close and listen a little longer: closing with unread bytes would reset the connection and swallow
        # REFUSED.
        self._linger_until = later(self._server.clock.now(), _LINGER_US)
        self._observer_behind = False
        self._listen()
        with suppress(OSError):
            transport.write_eof()


class BarrierServer:
    """The server of the barrier link.

    Everything is called on the event loop it was started on. ``counts`` are totals since the start: ``connected``,
    ``welcomed``, ``sent``, ``unreachable``, ``observer_failed``, ``directory_failed`` and ``ended.REASON`` (among them
    ``broken_crc``, ``mac``, ``wrong_proof``, ``unknown_serial``, ``address``, ``busy``, ``silence``, ``replaced``).
    """

    def __init__(
        self,
        *,
        directory: BarrierDirectory,
        observer: BarrierObserver,
        clock: Clock,
        heartbeat_s: int = 10,
        limits: BarrierLimits | None = None,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.clock = clock
        self.counts: Counter[str] = Counter()
        self._directory = directory
        self._observer = observer
        self._heartbeat_s = heartbeat_s
        self._limits = limits or BarrierLimits()
        self._entropy = entropy
        self._lookups = asyncio.Semaphore(self._limits.lookups)
        self._connections: set[_Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._per_address: Counter[str] = Counter()
        self._desks: dict[Id, Desk] = {}
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; return the address bound (port 0 takes a free one)."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host, port, backlog=_BACKLOG)
        self._sweeper = loop.create_task(self._sweep())
        bound: tuple[Any, ...] = self._server.sockets[0].getsockname()
        return str(bound[0]), int(bound[1])

    async def stop(self) -> None:
        """Stop listening, hang up, and tell the observer the rest: commands without an outcome are uncertain."""
        if self._server is None or self._sweeper is None:
            return
        self._server.close()
        self._sweeper.cancel()
        for connection in tuple(self._connections):
            connection.end("stopped")
        for desk in self._desks.values():
            self._tell_reports(desk, desk.ledger.stop())
        waiting = [asyncio.ensure_future(desk.drained()) for desk in self._desks.values()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=_STOP_S)
            for task in late:
                task.cancel()
        for connection in tuple(self._connections):
            connection.cut()
        await self._empty.wait()
        await self._server.wait_closed()
        self._server = self._sweeper = None

    def send(self, device_id: Id, command: BarrierCommand) -> bool:
        """Send a command once. False: nothing was sent (not connected, not reading, too many open, life over).

        After True the outcome comes by ``on_result``, at the latest when the command's life ends. Raises ``Refused``
        for an id that was sent before.
        """
        desk = self._desks.get(device_id)
        sent = False
        if desk is not None:
            with suppress(Overloaded):
                desk.ledger.check(command.id)
                sent = (
                    desk.connection is not None and desk.connection.takes_commands and desk.connection.command(command)
                )
        self.counts["sent" if sent else "unreachable"] += 1
        return sent

    def is_connected(self, device_id: Id) -> bool:
        """Tell whether the barrier has a welcomed connection here."""
        desk = self._desks.get(device_id)
        return desk is not None and desk.connection is not None

    @property
    def connections(self) -> int:
        """Return the number of connections, welcomed or not."""
        return len(self._connections)

    # the connections call these

    def new_session(self, address: str) -> BarrierSession:
        """Make the session of a new connection."""
        return BarrierSession(address=address, clock=self.clock, entropy=self._entropy, heartbeat_s=self._heartbeat_s)

    def enter(self, connection: _Connection) -> bool:
        """Take a connection in; False when there are too many, overall or from its address."""
        self.counts["connected"] += 1
        key = limit_key(connection.address)
        full = len(self._connections) >= self._limits.connections
        full = full or self._per_address[key] >= self._limits.connections_per_address
        self._connections.add(connection)
        self._empty.clear()
        self._per_address[key] += 1
        return not full

    @property
    def is_overrun(self) -> bool:
        """Tell whether even those being turned away are too many to be told why."""
        return len(self._connections) > self._limits.connections + _TURNED_AWAY

    def leave(self, connection: _Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
        key = limit_key(connection.address)
        self._per_address[key] -= 1
        if self._per_address[key] <= 0:
            del self._per_address[key]

    async def find(self, serial: str) -> Any:
        """Look a serial up, few at a time."""
        async with self._lookups:
            return await self._directory.find(serial)

    def welcome(self, connection: _Connection, device_id: Id) -> Desk:
        """Give a barrier's desk to its new connection; an older one has to go."""
        self.counts["welcomed"] += 1
        desk = self._desks.get(device_id)
        if desk is None:
            desk = self._desks[device_id] = Desk(device_id, self.counts)
        before, desk.connection = desk.connection, connection
        if before is not None:
            before.end("replaced")
        desk.report(lambda: self._observer.on_connected(device_id, connection.address))
        return desk

    def gone(self, desk: Desk, connection: _Connection, reason: str) -> None:
        """Note that a welcomed connection has ended, unless another one has taken over."""
        if desk.connection is connection:
            desk.connection = None
            desk.report(lambda: self._observer.on_disconnected(desk.device_id, reason))

    def seen(self, desk: Desk, action: StatusSeen | ResultSeen) -> None:
        """Take what a barrier said into its ledger and to the observer."""
        now = self.clock.now()
        if isinstance(action, StatusSeen):
            status = action.status
            desk.report(lambda: self._observer.on_status(desk.device_id, status))
            self._tell_reports(desk, desk.ledger.status(status, now))
        else:
            self._tell_reports(desk, desk.ledger.result(action.result, now))

    # inside

    def _tell_reports(self, desk: Desk, reports: list[CommandReport]) -> None:
        for report in reports:
            self._tell_report(desk, report)

    def _tell_report(self, desk: Desk, report: CommandReport) -> None:
        desk.report(lambda: self._observer.on_result(desk.device_id, report))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = self.clock.now()
            try:
                for connection in tuple(self._connections):
                    connection.tick(now)
                for desk in self._desks.values():
                    self._tell_reports(desk, desk.ledger.expire(now))
            except Exception:
                # Every time limit of the link hangs on this loop: a defect in one connection must not stop it.
                _log.exception("barrier sweep failed")
