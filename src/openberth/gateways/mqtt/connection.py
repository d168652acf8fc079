"""One socket of a device on asyncio: moves bytes between a transport and its session, and carries out what the session
says. Bytes are written once per turn of the event loop.
"""

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol, cast

from openberth.gateways.mqtt.desk import Desk
from openberth.gateways.mqtt.mailbox import Outgoing
from openberth.gateways.mqtt.packets import Connect, Filter, Publish, Reason, Will
from openberth.gateways.mqtt.ports import MqttDevice
from openberth.gateways.mqtt.session import Action, End, Find, MqttSession, Subscribed, Write
from openberth.kernel.time import SECOND_US, Clock, Instant, later

_WRITE_HIGH, _WRITE_LOW = 64 * 1024, 8 * 1024
_LINGER_US = SECOND_US
_BEHIND_US = 20 * SECOND_US  # a peer that takes no bytes for so long is gone

_REASONS = {
    "replaced": Reason.TAKEN_OVER, "not_kept": Reason.BUSY, "outdated": Reason.ADMINISTRATIVE, "slow": Reason.QUOTA,
    "stopped": Reason.SHUTTING_DOWN,
}  # fmt: skip


class House(Protocol):
    """The endpoint that a connection belongs to."""

    clock: Clock

    def count(self, event: str) -> None:
        """Count something that happened."""
        ...

    def enter(self, connection: "Connection") -> bool:
        """Take a connection in; False when there are too many that have still to prove who they are."""
        ...

    def find(self, connection: "Connection", connect: Connect) -> MqttDevice | str:
        """Look up who connects."""
        ...

    def welcome(self, connection: "Connection", device: MqttDevice, connect: Connect) -> Desk | None:
        """Give a device's desk to its new connection, None when there are too many devices."""
        ...

    def wanted(self, desk: Desk, wanted: Filter) -> None:
        """A device has subscribed."""
        ...

    def gone(self, desk: Desk, connection: "Connection", reason: str, will: Will | None) -> None:
        """Note that a welcomed connection has ended."""
        ...

    def may_linger(self, connection: "Connection") -> bool:
        """Tell whether an ended connection may wait a little until its peer has read why it was ended."""
        ...

    def flush_soon(self, connection: "Connection") -> None:
        """Call ``flush`` at the end of this turn of the event loop."""
        ...

    def leave(self, connection: "Connection") -> None:
        """Forget a connection."""
        ...


class Connection(asyncio.Protocol):
    """One socket and its session. ``address`` is the peer's, ``device`` who it has proved to be."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._transport: asyncio.Transport | None = None
        self._session = MqttSession(clock=house.clock)
        self._desk: Desk | None = None
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._observer_behind = False
        self._peer_behind: Instant | None = None
        self._linger_until: Instant | None = None
        self.address = ""
        self.device: MqttDevice | None = None

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket in."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH, low=_WRITE_LOW)
        plain = transport.get_extra_info("socket")
        if plain is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # for devices without keep-alive
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        if not self._house.enter(self):
            self.end("busy")

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        self._perform(self._session.received(data))

    def eof_received(self) -> bool:
        """Close when the peer does."""
        return False

    def pause_writing(self) -> None:
        """Stop reading from a peer that does not read."""
        self._peer_behind = self._house.clock.now()
        self._listen()

    def resume_writing(self) -> None:
        """Go on."""
        self._peer_behind = None
        self._session.excuse()
        self._listen()
        self._perform(self._session.pump())

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end."""
        self._transport = None
        self._perform(self._session.end("lost" if exc is not None else "closed"))
        self._house.leave(self)

    # the desk and the endpoint call these

    @property
    def takes(self) -> bool:
        """Tell whether bytes written now have a chance to arrive."""
        transport = self._transport
        going = transport is not None and not transport.is_closing()
        return going and self._session.is_open and self._peer_behind is None

    def send(self, message: Outgoing, now: Instant) -> None:
        """Write a message, or let it wait while the peer is behind. Raises ``Full``."""
        if self._peer_behind is not None:
            self._session.wait(message)
            return
        data = self._session.send(message, now)
        if data:
            self._write(data)

    def fits(self, message: Outgoing) -> bool:
        """Tell whether the device takes a message so long."""
        return self._session.fits(message)

    def confirm(self, packet_id: int) -> None:
        """Confirm a message of the device."""
        data = self._session.confirm(packet_id)
        if data:
            self._write(data)

    def hold(self, *, held: bool) -> None:
        """Stop or go on reading, because the observer is behind or has caught up."""
        self._observer_behind = held
        self._session.excuse()
        self._listen()

    def tick(self, now: Instant) -> None:
        """Let the session look at the clock, and cut off a peer that does not read or does not go."""
        if self._linger_until is not None:
            if now >= self._linger_until:
                self.cut()
        elif self._peer_behind is not None and now - self._peer_behind >= _BEHIND_US:
            self.end("slow")
        else:
            if self._observer_behind:
                self._session.excuse()
            self._perform(self._session.tick())

    def end(self, reason: str) -> None:
        """End the connection, saying why where the version can."""
        self._perform(self._session.end(reason, _REASONS.get(reason)))

    def cut(self) -> None:
        """Cut the connection off, whatever still waits to be written."""
        if self._transport is not None:
            self._transport.abort()

    # inside

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Publish():
                    if self._desk is not None:
                        self._desk.said(action.topic, action.payload, self.address, action.packet_id, self)
                case Write():
                    self._write(action.data)
                case Find():
                    self._find(action.connect)
                case Subscribed():
                    if self._desk is not None:
                        self._house.wanted(self._desk, action.wanted)
                case End():
                    self._ended(action.reason, action.will)

    def _write(self, data: bytes) -> None:
        self._out.append(data)
        self._out_bytes += len(data)
        if self._out_bytes > _WRITE_HIGH:
            self.flush()  # so that a peer that does not read is known before more is written to it
        elif len(self._out) == 1:
            self._house.flush_soon(self)

    def flush(self) -> None:
        """Write what has gathered."""
        out, self._out, self._out_bytes = self._out, [], 0
        if out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))

    def _find(self, connect: Connect) -> None:
        found = self._house.find(self, connect)
        if isinstance(found, str):
            bad = Reason.NOT_AUTHORIZED if found == "address" else Reason.BAD_CREDENTIALS
            self._perform(self._session.refuse(found, bad))
            return
        if not self._session.may(found.topics):
            self._perform(self._session.refuse("will_not_authorized", Reason.NOT_AUTHORIZED))
            return
        self.device = found
        self._desk = self._house.welcome(self, found, connect)
        if self._desk is None:
            self._perform(self._session.refuse("busy", Reason.BUSY))

    def opened(self, desk: Desk, *, present: bool, assigned: str | None) -> None:
        """Open the session with the desk's mailbox."""
        assert desk.mailbox is not None, "the endpoint gave it one"
        self._desk = desk
        self._perform(self._session.welcome(desk.mailbox, present=present, assigned=assigned))

    def _listen(self) -> None:
        """Read exactly while both the peer takes our bytes and the observer keeps up."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._peer_behind is not None or self._observer_behind:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _ended(self, reason: str, will: Will | None) -> None:
        self._house.count(f"ended.{reason}")
        desk, self._desk = self._desk, None
        if desk is not None:
            self._house.gone(desk, self, reason, will)
        transport = self._transport
        if transport is None:
            return
        self.flush()
        if self._peer_behind is not None or transport.is_closing() or not self._house.may_linger(self):
            transport.abort()
            return
        # Half-close and listen a little longer: closing with unread bytes would reset the connection and swallow the
        # reason. TLS cannot half-close.
        self._linger_until = later(self._house.clock.now(), _LINGER_US)
        self._observer_behind = False
        self._listen()
        if transport.can_write_eof():
            with suppress(OSError):  # it has hung up in this moment
                transport.write_eof()
        else:
            transport.close()
