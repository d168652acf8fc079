"""One socket of the barrier link on asyncio: moves bytes between a transport and its session, and carries out what the
session says. Whom it belongs to decides everything else: the ``House`` below.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Protocol, cast

from openberth.gateways.barriers.commands import BarrierCommand
from openberth.gateways.barriers.desk import Desk
from openberth.gateways.barriers.ports import BarrierDevice
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
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Clock, Instant, later

_log = logging.getLogger(__name__)

_READ_BYTES = 4096
_WRITE_HIGH = 8192
_WRITE_LOW = 2048
_LINGER_US = SECOND_US


class House(Protocol):
    """The server that a connection belongs to."""

    clock: Clock

    def count(self, event: str) -> None:
        """Count something that happened."""
        ...

    def new_session(self, address: str) -> BarrierSession:
        """Make the session of a new connection."""
        ...

    def enter(self, connection: "Connection") -> bool:
        """Take a connection in; False when there are too many that have still to prove who they are."""
        ...

    def strayed(self, device_id: Id, address: str) -> None:
        """A barrier proved who it is from outside its network."""
        ...

    def unknown(self, serial: str, address: str) -> None:
        """Somebody says a serial that no barrier has."""
        ...

    def may_linger(self, connection: "Connection") -> bool:
        """Tell whether an ended connection may wait a little until its peer has read why it was ended."""
        ...

    def leave(self, connection: "Connection") -> None:
        """Forget a connection."""
        ...

    async def find(self, serial: str) -> BarrierDevice | None:
        """Look a serial up, few at a time."""
        ...

    def welcome(self, connection: "Connection", device: Id) -> Desk | None:
        """Give a barrier's desk to its new connection, None when there are too many barriers."""
        ...

    def gone(self, desk: Desk, connection: "Connection", reason: str) -> None:
        """Note that a welcomed connection has ended."""
        ...

    def seen(self, desk: Desk, action: StatusSeen | ResultSeen) -> None:
        """Take what a barrier said."""
        ...


class Connection(asyncio.BufferedProtocol):
    """One socket and its session. ``address`` is the peer's."""

    def __init__(self, server: House) -> None:
        self._server = server
        self._view = memoryview(bytearray(_READ_BYTES))
        self._transport: asyncio.Transport | None = None
        self._session: BarrierSession | None = None
        self._lookup: asyncio.Task[None] | None = None
        self._found: BarrierDevice | None = None
        self._desk: Desk | None = None
        self._observer_behind = False
        self._peer_behind = False
        self._linger_until: Instant | None = None
        self.address = ""

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket in."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH, low=_WRITE_LOW)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._session = self._server.new_session(self.address)
        if not self._server.enter(self):
            self.perform(self._session.refuse_busy())

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where bytes go."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Take bytes."""
        if self._session is not None:
            self.perform(self._session.received(self._view[:nbytes]))

    def eof_received(self) -> bool:
        """Close when the peer does."""
        return False

    def pause_writing(self) -> None:
        """Stop reading from a peer that does not read."""
        self._peer_behind = True
        self._listen()

    def resume_writing(self) -> None:
        """Go on reading."""
        self._peer_behind = False
        self._listen()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end."""
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
                    self._welcomed(device_id)
                case StatusSeen() | ResultSeen():
                    if self._desk is not None:
                        self._server.seen(self._desk, action)
                case End(reason):
                    self._ended(reason)

    @property
    def device(self) -> BarrierDevice | None:
        """Return the barrier that this connection has proved to be or is about to prove, as it was found."""
        return None if self._session is None else self._session.device

    # inside

    def _welcomed(self, device_id: Id) -> None:
        self._desk = self._server.welcome(self, device_id)
        if self._desk is None and self._session is not None:
            self.perform(self._session.refuse_busy())

    async def _find(self, serial: str) -> None:
        session = self._session
        if session is None:
            return
        try:
            device = await self._server.find(serial)
        except Exception:
            self._server.count("directory_failed")
            _log.exception("barrier directory failed")
            self.perform(session.refuse_busy())
        else:
            self._found = device
            if device is None:
                self._server.unknown(serial, self.address)
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
        self._server.count(f"ended.{reason}")
        if reason == "address" and self._found is not None:
            self._server.strayed(self._found.id, self.address)
        # A look-up that ends the session by itself must not cancel itself while it does.
        if self._lookup is not None and self._lookup is not asyncio.current_task():
            self._lookup.cancel()
        desk, self._desk = self._desk, None
        if desk is not None:
            self._server.gone(desk, self, reason)
        transport = self._transport
        if transport is None:
            return
        if self._peer_behind or transport.is_closing() or not self._server.may_linger(self):
            transport.abort()
            return
        # Half-close and listen a little longer: closing with unread bytes would reset the connection and swallow
        # REFUSED.
        self._linger_until = later(self._server.clock.now(), _LINGER_US)
        self._observer_behind = False
        self._listen()
        with suppress(OSError):
            transport.write_eof()
