"""The MQTT endpoint on asyncio: devices dial in, what they say goes to the observer, what the house says goes to them.

No broker: a device hears the house alone, never another device. Bounds: bytes of a packet, messages waiting either way,
devices connected, strangers in handshake overall and per address, peers that are still being told why they were turned
away, sessions and retained messages (in memory: after a restart devices subscribe anew), the time of every step.
"""

import asyncio
import logging
import secrets
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from openberth.gateways.mqtt.connection import Connection
from openberth.gateways.mqtt.desk import Desk
from openberth.gateways.mqtt.door import TlsDoor
from openberth.gateways.mqtt.mailbox import Delivery, Full, Mailbox, Outgoing
from openberth.gateways.mqtt.packets import V5, Connect, Filter, Will
from openberth.gateways.mqtt.ports import MqttDevice, MqttDirectory, MqttObserver
from openberth.gateways.mqtt.topics import matches
from openberth.infra.http.limits import Places, limit_key
from openberth.infra.telemetry import counter
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Clock, Instant, later

_log = logging.getLogger(__name__)

_SWEEP_S = 0.5
_STOP_S = 5
_BACKLOG = 1_024
CONFIRM_US = 10 * SECOND_US  # a device has so long to confirm a message that has no life of its own
LIFE_MAX_US = 30 * SECOND_US  # and nobody waits longer for one that has

_EVENTS = counter("openberth_mqtt_total", "What happened at the MQTT endpoint; ended.REASON is an end.", ("event",))


@dataclass(frozen=True, slots=True)
class MqttLimits:
    """How many may come: devices connected, strangers in handshake overall and per address (an IPv6 /64 counts as one),
    ended connections that wait until their peer has read why, desks with something kept for absent devices.
    """

    connections: int = 4_000
    handshakes: int = 512
    handshakes_per_address: int = 128
    lingering: int = 128
    desks: int = 20_000


class MqttEndpoint:
    """The server. Everything is called on the event loop it was started on.

    ``counts`` are totals since the start: ``connected``, ``welcomed``, ``resumed``, ``sent``, ``absent``, ``arrived``,
    ``overflowed``, ``observer_failed`` and ``ended.REASON`` (among them ``unknown_serial``, ``wrong_password``,
    ``address``, ``busy``, ``tls``, ``silence``, ``replaced``, ``outdated``, ``slow``, ``goodbye`` and the reason codes
    of version 5 in lower case).
    """

    def __init__(
        self, *, directory: MqttDirectory, observer: MqttObserver, clock: Clock, limits: MqttLimits | None = None,
        is_current: Callable[[MqttDevice, str], bool] = lambda _device, _address: True,
    ) -> None:  # fmt: skip
        self.clock = clock
        self.counts: Counter[str] = Counter()
        self._published: Counter[str] = Counter()
        self._directory = directory
        self._observer = observer
        self._limits = limits or MqttLimits()
        self._is_current = is_current
        self._connections: set[Connection] = set()
        # Strangers have places of their own: they use up none of a device that has proved itself.
        self._strangers = Places(most=self._limits.handshakes, most_per_key=self._limits.handshakes_per_address)
        self._in_handshake: dict[Connection, str] = {}
        self._lingering: set[Connection] = set()
        self._unwritten: list[Connection] = []
        self._empty = asyncio.Event()
        self._empty.set()
        self._desks: dict[Id, Desk] = {}
        self._connected = 0
        self._server: asyncio.Server | TlsDoor | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> tuple[str, int]:
        """Listen; return the address bound (port 0 takes a free one)."""
        return await self.start_on(socket.create_server((host, port), backlog=_BACKLOG), tls=tls)

    async def start_on(self, listener: socket.socket, *, tls: ssl.SSLContext | None = None) -> tuple[str, int]:
        """Listen on a socket that is held already; return its address."""
        loop = asyncio.get_running_loop()
        bound: tuple[Any, ...] = listener.getsockname()
        if tls is None:
            self._server = await loop.create_server(lambda: Connection(self), sock=listener, backlog=_BACKLOG)
        else:
            listener.listen(_BACKLOG)
            self._server = TlsDoor(listener, tls, came=self._at_door, failed=self._not_in)
        self._sweeper = loop.create_task(self._sweep())
        return str(bound[0]), int(bound[1])

    async def stop(self) -> None:
        """Stop listening, hang up, and tell the observer the rest."""
        if self._server is None or self._sweeper is None:
            return
        self._server.close()
        self._sweeper.cancel()
        for connection in tuple(self._connections):
            connection.end("stopped")
        waiting = [asyncio.ensure_future(desk.drained()) for desk in self._desks.values()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=_STOP_S)
            for task in late:
                task.cancel()
        for desk in self._desks.values():
            desk.cancel()
            if desk.mailbox is not None:
                desk.mailbox.drop()
        for connection in tuple(self._connections):
            connection.cut()
        await self._empty.wait()
        await self._server.wait_closed()
        self._server = self._sweeper = None

    async def publish(
        self, device_id: Id, topic: str, payload: bytes, *, qos: int, retain: bool, moves: bool,
        expires_at: Instant | None,
    ) -> Delivery:  # fmt: skip
        """Send a device a message and wait for its confirmation, until its life ends or 10 s are over."""
        told: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        now = self.clock.now()
        give_up_at = Instant(now + CONFIRM_US) if expires_at is None else min(expires_at, Instant(now + LIFE_MAX_US))

        def tell(delivery: Delivery) -> None:
            if not told.done():
                told.set_result(delivery)

        message = Outgoing(topic, payload, qos, False, moves, expires_at, tell, False, give_up_at)
        if not self._sent(device_id, message, now, retain=retain):
            self.counts["absent"] += 1
            return Delivery.ABSENT
        self.counts["sent"] += 1
        return await told

    def is_connected(self, device_id: Id) -> bool:
        """Tell whether the device has a welcomed connection here."""
        desk = self._desks.get(device_id)
        return desk is not None and desk.line is not None

    def present(self) -> list[tuple[Id, str]]:
        """Return the devices that are connected, with their addresses."""
        return [(desk.device_id, desk.line.address) for desk in self._desks.values() if desk.line is not None]

    @property
    def connections(self) -> int:
        """Return the number of connections, welcomed or not."""
        return len(self._connections)

    def review(self) -> None:
        """Hang up every connection whose device is not any more what it was found to be."""
        for connection in tuple(self._connections):
            device = connection.device
            if device is not None and not self._is_current(device, connection.address):
                connection.end("outdated")

    # the connections call these

    def count(self, event: str) -> None:
        """Count something that happened."""
        self.counts[event] += 1

    def enter(self, connection: Connection) -> bool:
        """Take a connection in; False when there are too many that have still to prove who they are."""
        self.count("connected")
        self._connections.add(connection)
        self._empty.clear()
        return connection in self._in_handshake or self._took_place(connection, connection.address)

    def find(self, connection: Connection, connect: Connect) -> MqttDevice | str:
        """Look up who connects."""
        if connect.user_name is None or connect.password is None:
            return "no_credentials"
        return self._directory.find(connect.user_name, connect.password, connection.address)

    def welcome(self, connection: Connection, device: MqttDevice, connect: Connect) -> Desk | None:
        """Give a device's desk to its new connection; an older one has to go. None: there are too many devices."""
        self._leave_handshake(connection)
        desk = self._desks.get(device.id)
        before = None if desk is None else desk.line
        if before is None and self._connected >= self._limits.connections:
            return None
        if desk is None:
            if len(self._desks) >= self._limits.desks:
                return None
            desk = self._desks[device.id] = Desk(device.id, self._observer, self.count)
        if before is not None:
            before.end("replaced")  # publishes its will, if it has one, before the new one is told
        client_id, assigned = connect.client_id, None
        if not client_id:
            client_id = f"berth-{secrets.token_hex(8)}"
            assigned = client_id if connect.version == V5 else None
        present = self._resumed(desk, client_id, clean=connect.clean)
        if present and desk.will is not None:
            desk.will = None  # it came back before its will was due (3.1.3.2.2)
        elif desk.will is not None:
            self._publish_will(desk)
        self.count("resumed" if present else "welcomed")
        desk.line = connection
        self._connected += 1
        desk.came(connection.address)
        connection.opened(desk, present=present, assigned=assigned)
        if present:
            desk.arrived()
        return desk

    def wanted(self, desk: Desk, wanted: Filter) -> None:
        """Give a device what is retained for a filter that it has subscribed to."""
        desk.arrived()
        now = self.clock.now()
        line = desk.line
        for topic, kept in list(desk.retained.items()):
            if kept.over(now):
                del desk.retained[topic]
            elif line is not None and matches(wanted.topic, topic):
                qos = min(kept.qos, wanted.qos)
                self._put(desk, Outgoing(topic, kept.payload, qos, retain=True, expires_at=kept.expires_at), now)

    def gone(self, desk: Desk, connection: Connection, reason: str, will: Will | None) -> None:
        """Note that a welcomed connection has ended: its will, its session, and what it had still to get."""
        if desk.line is not connection:
            return
        desk.line = None
        self._connected -= 1
        now = self.clock.now()
        mailbox = desk.mailbox
        life_s = 0
        if mailbox is not None:
            mailbox.leave(now)
            life_s = mailbox.expires_after_s
            if not life_s:
                mailbox.drop()
                desk.mailbox = None
        if will is not None:
            desk.will = (will, later(now, min(will.delay_s, life_s) * SECOND_US), connection.address)
            if not min(will.delay_s, life_s):
                self._publish_will(desk)
        if reason != "replaced":
            desk.went(reason)

    def may_linger(self, connection: Connection) -> bool:
        """Tell whether an ended connection may wait a little until its peer has read why it was ended."""
        self._leave_handshake(connection)
        if len(self._lingering) >= self._limits.lingering:
            return False
        self._lingering.add(connection)
        return True

    def flush_soon(self, connection: Connection) -> None:
        """Let a connection write what has gathered at the end of this turn of the event loop, with all others."""
        self._unwritten.append(connection)
        if len(self._unwritten) == 1:
            asyncio.get_running_loop().call_soon(self._flush)

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self._leave_handshake(connection)
        self._lingering.discard(connection)
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    # inside

    def _flush(self) -> None:
        unwritten, self._unwritten = self._unwritten, []
        for connection in unwritten:
            connection.flush()

    def _at_door(self, address: str) -> Connection | None:
        """Give a peer that has still to do its TLS handshake a place; it keeps it as a connection."""
        connection = Connection(self)
        if self._took_place(connection, address):
            return connection
        self.count("ended.busy")
        return None

    def _not_in(self, connection: Connection) -> None:
        self.count("ended.tls")
        self._leave_handshake(connection)

    def _took_place(self, connection: Connection, address: str) -> bool:
        key = limit_key(address)
        if not self._strangers.take(key):
            return False
        self._in_handshake[connection] = key
        return True

    def _leave_handshake(self, connection: Connection) -> None:
        key = self._in_handshake.pop(connection, None)
        if key is not None:
            self._strangers.give_back(key)

    def _resumed(self, desk: Desk, client_id: str, *, clean: bool) -> bool:
        """Go on with the session of the same client id, or begin a new one."""
        kept = desk.mailbox
        if kept is not None and kept.client_id == client_id and not clean and not self._over(kept):
            return True
        if kept is not None:
            kept.drop()
        desk.mailbox = Mailbox(client_id)
        return False

    def _sent(self, device_id: Id, message: Outgoing, now: Instant, *, retain: bool) -> bool:
        """Hand a message to the device's connection; False when it does not go out."""
        desk = self._desks.get(device_id)
        if retain:
            if desk is None and len(self._desks) < self._limits.desks:
                desk = self._desks[device_id] = Desk(device_id, self._observer, self.count)
            if desk is None or not desk.retain(message):
                self.count("overflowed")
        if desk is None or desk.mailbox is None:
            return False
        wanted = desk.mailbox.wants(message.topic)
        if wanted is None or message.over(now):
            return False
        message.qos = min(message.qos, wanted.qos)
        message.retain = retain and wanted.as_published
        if desk.line is None:
            if message.qos and not message.moves:
                desk.mailbox.put_absent(message)
            return False
        return self._put(desk, message, now)

    def _put(self, desk: Desk, message: Outgoing, now: Instant) -> bool:
        line, mailbox = desk.line, desk.mailbox
        if line is None or mailbox is None or not line.fits(message):
            return False
        if message.moves and not (line.takes and mailbox.open):
            return False  # it would wait
        try:
            line.send(message, now)
        except Full:
            self.count("overflowed")
            line.end("slow")
            return False
        return True

    def _publish_will(self, desk: Desk) -> None:
        assert desk.will is not None, "there is one"
        (will, _, address), desk.will = desk.will, None
        self.count("wills")
        desk.said(will.topic, will.payload, address)

    def _over(self, mailbox: Mailbox) -> bool:
        left_at = mailbox.left_at
        return left_at is not None and self.clock.now() - left_at >= mailbox.expires_after_s * SECOND_US

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = self.clock.now()
            self._publish_counts()
            try:
                for connection in tuple(self._connections):
                    connection.tick(now)
                for desk in tuple(self._desks.values()):
                    self._look_at(desk, now)
            except Exception:
                # Every time limit hangs on this loop: a defect in one connection must not stop it.
                _log.exception("mqtt sweep failed")

    def _publish_counts(self) -> None:
        """Hand the counts on; a counter with a label costs more than all else that a message does."""
        for event, count in self.counts.items():
            more = count - self._published[event]
            if more:
                self._published[event] = count
                _EVENTS.labels(event).inc(more)

    def _look_at(self, desk: Desk, now: Instant) -> None:
        desk.look(now)
        desk.arrived()
        if desk.mailbox is not None and len(desk.mailbox):
            desk.mailbox.look(now)
        if desk.will is not None and now >= desk.will[1]:
            self._publish_will(desk)
        if desk.mailbox is not None and desk.line is None and self._over(desk.mailbox):
            desk.mailbox.drop()
            desk.mailbox = None
        if desk.idle:
            del self._desks[desk.device_id]
