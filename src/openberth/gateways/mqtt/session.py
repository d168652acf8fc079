"""One connection of a device: what comes in, what may come next, and when it is over. A state machine without sockets;
the clock is handed in, what it says is a stream of actions.
"""

from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import TypeAlias

from msgspec import Struct

from openberth.gateways.mqtt import codec
from openberth.gateways.mqtt.codec import Decoder, number
from openberth.gateways.mqtt.mailbox import IN_FLIGHT_MAX, Full, Mailbox, Outgoing
from openberth.gateways.mqtt.packets import (
    RETURN_CODES,
    V5,
    Broken,
    Connect,
    Disconnect,
    Filter,
    FromClient,
    Ping,
    Puback,
    Publish,
    Reason,
    Subscribe,
    Unsubscribe,
    Will,
)
from openberth.gateways.mqtt.properties import NONE, Properties, Property, Value
from openberth.gateways.mqtt.topics import covers, matches
from openberth.kernel.time import SECOND_US, Clock, Instant, later

HANDSHAKE_US = 5 * SECOND_US
STRANGER_BYTES = 8 * 1024  # of a CONNECT with its will
PACKET_MAX = 6 * 1024 * 1024  # two pictures in base64, as the HTTP port takes them
RECEIVE_MAX = 32  # messages of a device that may wait for their confirmation
KEEP_ALIVE_MAX_S = 600
SESSION_MAX_S = 24 * 3600
KNOWN_MAX = 64


class Topics(Struct, frozen=True):
    """What a device may publish to and subscribe to, as topic filters."""

    publishes: tuple[str, ...]
    subscribes: tuple[str, ...]

    def may_publish(self, topic: str) -> bool:
        """Tell whether a device may publish to a topic."""
        return any(matches(pattern, topic) for pattern in self.publishes)

    def may_subscribe(self, wanted: str) -> bool:
        """Tell whether a device may have everything that a filter matches."""
        return any(covers(pattern, wanted) for pattern in self.subscribes)


class Write(Struct, frozen=True):
    """Bytes go out."""

    data: bytes


class Find(Struct, frozen=True):
    """Somebody says who it is: answer with ``welcome`` or ``refuse`` before the next action is asked for."""

    connect: Connect


class Subscribed(Struct, frozen=True):
    """The device may be sent what is retained for a filter."""

    wanted: Filter


class End(Struct, frozen=True):
    """The connection is over. ``will``: nobody said goodbye, so it is published."""

    reason: str
    will: Will | None = None


# A Publish is a message that came; one with a packet identifier is confirmed by ``confirm`` once it is kept.
Action: TypeAlias = Write | Find | Publish | Subscribed | End


class _State(Enum):
    NEW = auto()
    OPEN = auto()
    OVER = auto()


class MqttSession:
    """The state machine of one connection. ``version`` is known once the CONNECT has come."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._decoder = Decoder(STRANGER_BYTES)
        self._state = _State.NEW
        self._deadline: Instant | None = later(clock.now(), HANDSHAKE_US)
        self._keep_alive_us = 0
        self._connect: Connect | None = None
        self._topics = Topics((), ())
        self._known: set[str] = set()  # topics that the device published to and may
        self._mailbox: Mailbox | None = None
        self._unconfirmed = 0
        self._packet_max = 1 << 30
        self.clean_goodbye = False

    @property
    def is_open(self) -> bool:
        """Tell whether the device has been welcomed and not ended."""
        return self._state is _State.OPEN

    @property
    def version(self) -> int:
        """Return the version of the protocol."""
        return self._decoder.version

    def _is_over(self) -> bool:
        return self._state is _State.OVER

    @property
    def unconfirmed(self) -> int:
        """Return how many messages of the device wait for their confirmation."""
        return self._unconfirmed

    # bytes in

    def received(self, data: bytes) -> Iterator[Action]:
        """Take bytes; what they mean comes one by one, so that each is carried out before the next is read."""
        if self._state is _State.OVER:
            return
        decoder = self._decoder
        decoder.push(data)
        while not self._is_over():
            try:
                packet = decoder.next()
                if packet is None:
                    break
                if type(packet) is Publish and packet.topic in self._known and self._unconfirmed < RECEIVE_MAX:
                    # By far the most messages; the way below does the same, slowly.
                    if packet.packet_id:
                        self._unconfirmed += 1
                    yield packet
                else:
                    yield from self._packet(packet)
                if decoder.is_empty:
                    break
            except Broken as broken:
                yield from self.end(broken.reason.name.lower(), broken.reason)
        if self._keep_alive_us and self._state is _State.OPEN:
            self._deadline = later(self._clock.now(), self._keep_alive_us)

    def _packet(self, packet: FromClient) -> Iterable[Action]:
        if self._state is _State.NEW:
            if not isinstance(packet, Connect):
                raise Broken(Reason.PROTOCOL, "CONNECT comes first")
            return self._connected(packet)
        match packet:
            case Puback():
                return self._confirmed(packet)
            case Publish():
                return self._published(packet)
            case Ping():
                return (Write(codec.PING_RESPONSE),)
            case Subscribe():
                return self._subscribed(packet)
            case Unsubscribe():
                return self._unsubscribed(packet)
            case Disconnect():
                return self._goodbye(packet)
            case Connect():
                raise Broken(Reason.PROTOCOL, "CONNECT comes once")

    # who it is

    def _connected(self, packet: Connect) -> Iterator[Action]:
        self._decoder.version = packet.version
        self._connect = packet
        if Property.AUTH_METHOD in packet.properties or Property.AUTH_DATA in packet.properties:
            yield from self.refuse("auth_method", Reason.BAD_METHOD)
        elif packet.will is not None and packet.will.qos > 1 and packet.version == V5:
            yield from self.refuse("qos_unsupported", Reason.QOS_UNSUPPORTED)
        elif not packet.client_id and not packet.clean and packet.version != V5:
            yield from self.refuse("client_id_invalid", Reason.CLIENT_ID_INVALID)
        else:
            yield Find(packet)

    def refuse(self, why: str, reason: Reason) -> Iterable[Action]:
        """Answer the CONNECT with a refusal."""
        code = int(reason) if self.version == V5 else RETURN_CODES.get(reason)
        if code is not None:
            yield Write(codec.connack(self.version, code))
        yield from self._over(why)

    def may(self, topics: Topics) -> bool:
        """Take the device's topics; False when its will goes to one that is not its own."""
        self._topics = topics
        will = self._connect.will if self._connect is not None else None
        return will is None or topics.may_publish(will.topic)

    def welcome(self, mailbox: Mailbox, *, present: bool, assigned: str | None) -> Iterator[Action]:
        """Open the connection with its mailbox; ``present``: a session goes on, ``assigned``: a client id was made."""
        connect = self._connect
        assert connect is not None, "somebody was asked for"
        self._mailbox = mailbox
        self._state = _State.OPEN
        self._decoder.most = PACKET_MAX
        mailbox.window = min(number(connect.properties, Property.RECEIVE_MAXIMUM) or IN_FLIGHT_MAX, IN_FLIGHT_MAX)
        mailbox.left_at = None
        self._packet_max = number(connect.properties, Property.MAXIMUM_PACKET) or self._packet_max
        mailbox.expires_after_s = session_life_s(connect)
        keep_alive_s, told = connect.keep_alive_s, self._told(connect, assigned)
        if Property.SERVER_KEEP_ALIVE in told:
            keep_alive_s = KEEP_ALIVE_MAX_S
        self._keep_alive_us = keep_alive_s * SECOND_US * 3 // 2
        self._deadline = later(self._clock.now(), self._keep_alive_us) if self._keep_alive_us else None
        yield Write(codec.connack(connect.version, 0, session_present=present, properties=told))
        now = self._clock.now()
        for packet_id, message in mailbox.again(now):
            data = self._encoded(message, packet_id, now, dup=True)
            if data is None:
                mailbox.acked(packet_id, taken=False)
            else:
                yield Write(data)
        yield from self.pump()

    def _told(self, connect: Connect, assigned: str | None) -> Properties:
        if connect.version != V5:
            return NONE
        told: dict[int, Value] = {
            Property.RECEIVE_MAXIMUM: RECEIVE_MAX, Property.MAXIMUM_QOS: 1, Property.MAXIMUM_PACKET: PACKET_MAX,
            Property.SUBSCRIPTION_IDS_AVAILABLE: 0, Property.SHARED_AVAILABLE: 0,
        }  # fmt: skip
        wanted_s = number(connect.properties, Property.SESSION_EXPIRY) or 0
        if wanted_s > SESSION_MAX_S:
            told[Property.SESSION_EXPIRY] = SESSION_MAX_S
        if not 0 < connect.keep_alive_s <= KEEP_ALIVE_MAX_S:
            told[Property.SERVER_KEEP_ALIVE] = KEEP_ALIVE_MAX_S
        if assigned is not None:
            told[Property.ASSIGNED_CLIENT_ID] = assigned
        return told

    # what it says

    def _published(self, packet: Publish) -> Iterator[Action]:
        if not self._topics.may_publish(packet.topic):
            # Version 3.1.1 has no way to say no but to go (3.3.5 there).
            if self.version != V5:
                raise Broken(Reason.NOT_AUTHORIZED, "a topic of somebody else")
            if packet.packet_id:
                yield Write(codec.puback(V5, packet.packet_id, Reason.NOT_AUTHORIZED))
            return
        if packet.packet_id:
            if self._unconfirmed >= RECEIVE_MAX and self.version == V5:
                raise Broken(Reason.RECEIVE_MAXIMUM, "more messages at once than allowed")
            self._unconfirmed += 1
        if len(self._known) < KNOWN_MAX:
            self._known.add(packet.topic)
        yield packet

    def confirm(self, packet_id: int) -> bytes:
        """Return what confirms a message that is kept; nothing when the connection is over."""
        if self._state is not _State.OPEN:
            return b""
        self._unconfirmed -= 1
        return codec.puback(self.version, packet_id)

    def _confirmed(self, packet: Puback) -> Iterable[Action]:
        mailbox = self._mailbox
        assert mailbox is not None, "it is open"
        mailbox.acked(packet.packet_id, taken=packet.reason < 0x80)
        return () if mailbox.idle else self.pump()

    def _subscribed(self, packet: Subscribe) -> Iterator[Action]:
        mailbox = self._mailbox
        assert mailbox is not None, "it is open"
        if packet.properties:
            raise Broken(Reason.IDS_UNSUPPORTED, "subscription identifiers are not taken")
        reasons: list[int] = []
        granted: list[Filter] = []
        for wanted in packet.filters:
            reason, new = self._granted(wanted, mailbox)
            reasons.append(reason if self.version == V5 or reason < Reason.UNSPECIFIED else 0x80)
            if reason < Reason.UNSPECIFIED and (wanted.retain_handling == 0 or (new and wanted.retain_handling == 1)):
                granted.append(wanted)
        yield Write(codec.suback(self.version, packet.packet_id, reasons))
        for wanted in granted:
            yield Subscribed(wanted)

    def _granted(self, wanted: Filter, mailbox: Mailbox) -> tuple[int, bool]:
        if wanted.topic.startswith("$share/"):
            return Reason.SHARED_UNSUPPORTED, False
        if not self._topics.may_subscribe(wanted.topic):
            return Reason.NOT_AUTHORIZED, False
        qos = min(wanted.qos, 1)
        kept = Filter(wanted.topic, qos, wanted.no_local, wanted.as_published, wanted.retain_handling)
        new = mailbox.subscribe(kept)
        return (Reason.QUOTA, False) if new is None else (qos, new)

    def _unsubscribed(self, packet: Unsubscribe) -> Iterable[Action]:
        assert self._mailbox is not None, "it is open"
        reasons = [0 if self._mailbox.unsubscribe(each) else Reason.NO_SUBSCRIPTION_EXISTED for each in packet.filters]
        return (Write(codec.unsuback(self.version, packet.packet_id, reasons)),)

    def _goodbye(self, packet: Disconnect) -> Iterator[Action]:
        connect, mailbox = self._connect, self._mailbox
        assert connect is not None, "it is open"
        assert mailbox is not None, "it is open"
        if packet.session_expiry_s is not None:
            if packet.session_expiry_s and not number(connect.properties, Property.SESSION_EXPIRY):
                raise Broken(Reason.PROTOCOL, "a session that was to end cannot be kept after all")
            mailbox.expires_after_s = min(packet.session_expiry_s, SESSION_MAX_S)
        will = connect.will if packet.reason == Reason.DISCONNECT_WITH_WILL else None
        yield from self._over("goodbye", will)

    # bytes out

    def pump(self) -> Iterator[Action]:
        """Write what waits, as far as the device's window is open."""
        if self._state is not _State.OPEN or self._mailbox is None:
            return
        now = self._clock.now()
        for packet_id, message in self._mailbox.take(now):
            data = self._encoded(message, packet_id, now)
            if data is None:
                self._mailbox.acked(packet_id, taken=False)
            else:
                yield Write(data)

    def send(self, message: Outgoing, now: Instant) -> bytes:
        """Return a message's bytes, none when it has to wait for its turn or is over. Raises ``Full``."""
        mailbox = self._mailbox
        if mailbox is None or self._state is not _State.OPEN:
            raise Full
        if not mailbox.open or message.over(now):
            mailbox.put(message)
            return b""
        packet_id = mailbox.start(message)
        data = self._encoded(message, packet_id, now)
        if data is None:
            mailbox.acked(packet_id, taken=False)
        return data or b""

    def wait(self, message: Outgoing) -> None:
        """Let a message wait until the device takes bytes again. Raises ``Full``."""
        if self._mailbox is None or self._state is not _State.OPEN:
            raise Full
        self._mailbox.put(message)

    def fits(self, message: Outgoing) -> bool:
        """Tell whether a message is not longer than the device takes."""
        return len(message.payload) + len(message.topic) * 3 + 32 <= self._packet_max

    def _encoded(self, message: Outgoing, packet_id: int, now: Instant, *, dup: bool = False) -> bytes | None:
        """Return a message's bytes, None when the device takes none so long."""
        properties = NONE
        if message.expires_at is not None and self.version == V5:
            # Whole seconds, up: a device drops it by ``expires_at`` in its body, or late by less than one.
            left_s = -((now - message.expires_at) // SECOND_US)
            properties = {Property.MESSAGE_EXPIRY: max(left_s, 1)}
        wire = Publish(message.topic, message.payload, message.qos, message.retain, dup, packet_id, properties)
        data = codec.publish(self.version, wire)
        return data if len(data) <= self._packet_max else None

    # the end

    def tick(self) -> Iterable[Action]:
        """Look at the clock."""
        if self._deadline is None or self._state is _State.OVER or self._clock.now() < self._deadline:
            return ()
        if self._state is _State.NEW:
            return self._over("handshake")
        return self.end("silence", Reason.KEEP_ALIVE)

    def excuse(self) -> None:
        """Count silence from now on: we did not listen."""
        if self._state is _State.OPEN and self._keep_alive_us:
            self._deadline = later(self._clock.now(), self._keep_alive_us)

    def end(self, why: str, reason: Reason | None = None) -> Iterator[Action]:
        """End the connection without the device's goodbye, saying why where the version can."""
        if self._state is _State.OVER:
            return
        was_open = self._state is _State.OPEN
        if was_open and reason is not None and self.version == V5:
            yield Write(codec.disconnect(V5, reason))
        elif reason is Reason.UNSUPPORTED_VERSION:
            yield Write(codec.connack(self.version, RETURN_CODES[reason]))
        will = self._connect.will if was_open and self._connect is not None else None
        yield from self._over(why, will)

    def _over(self, why: str, will: Will | None = None) -> Iterator[Action]:
        if self._state is _State.OVER:
            return
        self.clean_goodbye = why == "goodbye"
        self._state = _State.OVER
        self._deadline = None
        yield End(why, will)


def session_life_s(connect: Connect) -> int:
    """Return for how long a device's session outlives its connection."""
    if connect.version == V5:
        return min(number(connect.properties, Property.SESSION_EXPIRY) or 0, SESSION_MAX_S)
    return 0 if connect.clean else SESSION_MAX_S
