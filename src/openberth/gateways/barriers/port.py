"""The barrier link on asyncio: a TCP server around sessions and ledgers. Knows sockets and bounds, no business and no
database.

Bounds: bytes per read, bytes waiting to be written (a peer that does not read is not read from either), reports waiting
for the observer (a slow observer holds back that device only), barriers connected, strangers in handshake overall and
per address, peers that are still being told why they were turned away, the time of every step.
"""

import asyncio
import logging
import secrets
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from openberth.gateways.barriers.commands import BarrierCommand, CommandReport
from openberth.gateways.barriers.connection import Connection
from openberth.gateways.barriers.desk import Desk
from openberth.gateways.barriers.ports import BarrierDevice, BarrierDirectory, BarrierObserver
from openberth.gateways.barriers.session import BarrierSession, ResultSeen, StatusSeen
from openberth.infra.http.limits import Places, limit_key
from openberth.infra.telemetry import counter
from openberth.kernel.errors import Overloaded
from openberth.kernel.ids import Id
from openberth.kernel.time import Clock

_log = logging.getLogger(__name__)

_SWEEP_S = 0.2
_STOP_S = 5
_BACKLOG = 256

_EVENTS = counter("openberth_barrier_link_total", "What happened on barrier links; ended.REASON is an end.", ("event",))


@dataclass(frozen=True, slots=True)
class BarrierLimits:
    """How many may come: barriers connected, strangers in handshake overall and per address (an IPv6 /64 counts as
    one), ended connections that wait until their peer has read why, look-ups at the same time.
    """

    connections: int = 2_000
    handshakes: int = 256
    handshakes_per_address: int = 32
    lingering: int = 128
    lookups: int = 32


class BarrierServer:
    """The server of the barrier link.

    Everything is called on the event loop it was started on. ``counts`` are totals since the start: ``connected``,
    ``welcomed``, ``sent``, ``unreachable``, ``observer_failed``, ``directory_failed`` and ``ended.REASON`` (among them
    ``broken_crc``, ``mac``, ``wrong_proof``, ``unknown_serial``, ``address``, ``busy``, ``silence``, ``replaced``,
    ``outdated``).
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
        strayed: Callable[[Id, str], None] = lambda _device, _address: None,
        unknown: Callable[[str, str], None] = lambda _serial, _address: None,
    ) -> None:
        self.clock = clock
        self.counts: Counter[str] = Counter()
        self._directory = directory
        self._observer = observer
        self._heartbeat_s = heartbeat_s
        self._limits = limits or BarrierLimits()
        self._entropy = entropy
        self.strayed = strayed
        self.unknown = unknown
        self._lookups = asyncio.Semaphore(self._limits.lookups)
        self._connections: set[Connection] = set()
        # Strangers have places of their own: they use up none of a barrier that has proved itself.
        self._strangers = Places(most=self._limits.handshakes, most_per_key=self._limits.handshakes_per_address)
        self._in_handshake: dict[Connection, str] = {}
        self._lingering: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._desks: dict[Id, Desk] = {}
        self._connected = 0
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; return the address bound (port 0 takes a free one)."""
        return await self.start_on(socket.create_server((host, port), backlog=_BACKLOG))

    async def start_on(self, listener: socket.socket) -> tuple[str, int]:
        """Listen on a socket that is held already; return its address."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), sock=listener, backlog=_BACKLOG)
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
        self.count("sent" if sent else "unreachable")
        return sent

    def is_connected(self, device_id: Id) -> bool:
        """Tell whether the barrier has a welcomed connection here."""
        desk = self._desks.get(device_id)
        return desk is not None and desk.connection is not None

    @property
    def connections(self) -> int:
        """Return the number of connections, welcomed or not."""
        return len(self._connections)

    def review(self, is_current: Callable[[BarrierDevice, str], bool]) -> None:
        """Hang up every connection, in handshake or welcomed, whose barrier is not any more what it was found to be:
        it has a new secret, has been retired, or may not come from its address (the second argument) any more.
        """
        for connection in tuple(self._connections):
            device = connection.device
            if device is not None and not is_current(device, connection.address):
                connection.end("outdated")

    # the connections call these

    def count(self, event: str) -> None:
        """Count something that happened."""
        self.counts[event] += 1
        _EVENTS.labels(event).inc()

    def new_session(self, address: str) -> BarrierSession:
        """Make the session of a new connection."""
        return BarrierSession(address=address, clock=self.clock, entropy=self._entropy, heartbeat_s=self._heartbeat_s)

    def enter(self, connection: Connection) -> bool:
        """Take a connection in; False when there are too many that have still to prove who they are."""
        self.count("connected")
        self._connections.add(connection)
        self._empty.clear()
        key = limit_key(connection.address)
        if not self._strangers.take(key):
            return False
        self._in_handshake[connection] = key
        return True

    def may_linger(self, connection: Connection) -> bool:
        """Tell whether an ended connection may wait a little until its peer has read why it was ended."""
        self._leave_handshake(connection)
        if len(self._lingering) >= self._limits.lingering:
            return False
        self._lingering.add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self._leave_handshake(connection)
        self._lingering.discard(connection)
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    async def find(self, serial: str) -> BarrierDevice | None:
        """Look a serial up, few at a time."""
        async with self._lookups:
            return await self._directory.find(serial)

    def welcome(self, connection: Connection, device_id: Id) -> Desk | None:
        """Give a barrier's desk to its new connection; an older one has to go. None: there are too many barriers."""
        self._leave_handshake(connection)
        desk = self._desks.get(device_id)
        before = None if desk is None else desk.connection
        if before is None and self._connected >= self._limits.connections:
            return None
        if desk is None:
            desk = self._desks[device_id] = Desk(device_id, self.count)
        self.count("welcomed")
        desk.connection = connection
        if before is None:
            self._connected += 1
        else:
            before.end("replaced")
        desk.report(lambda: self._observer.on_connected(device_id, connection.address))
        return desk

    def gone(self, desk: Desk, connection: Connection, reason: str) -> None:
        """Note that a welcomed connection has ended, unless another one has taken over."""
        if desk.connection is connection:
            desk.connection = None
            self._connected -= 1
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

    def _leave_handshake(self, connection: Connection) -> None:
        key = self._in_handshake.pop(connection, None)
        if key is not None:
            self._strangers.give_back(key)

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
