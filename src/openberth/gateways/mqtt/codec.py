"""Bytes of MQTT 3.1.1 and 5 to packets and back; no I/O. Whatever bytes come, ``Decoder.next`` returns a packet, None
or raises ``Broken``, and keeps no more than one packet of the longest length allowed.
"""

from collections.abc import Iterable
from functools import lru_cache

from openberth.gateways.mqtt import properties as props
from openberth.gateways.mqtt.packets import (
    V3,
    V5,
    Broken,
    Connect,
    Disconnect,
    Filter,
    FromClient,
    Kind,
    Ping,
    Puback,
    Publish,
    Reason,
    Subscribe,
    Unsubscribe,
    Will,
)
from openberth.gateways.mqtt.properties import NONE, BadProperty, Properties, Property
from openberth.gateways.mqtt.topics import is_filter, is_topic

FILTERS_MAX = 64  # of one SUBSCRIBE
PING_RESPONSE = b"\xd0\x00"
_PING = Ping()
_PUBACK_3 = [bytes((0x40, 2, 0, low)) for low in range(256)]


class Decoder:
    """Packets out of the bytes of one connection. ``version`` is that of the CONNECT, ``most`` bounds a packet."""

    def __init__(self, most: int) -> None:
        self.version = V3
        self.most = most
        self.first = True
        self._data = b""
        self._at = 0
        self._need = 0  # as many bytes make the packet that has begun whole
        self._more: list[bytes] = []
        self._size = 0

    @property
    def waiting(self) -> int:
        """Return how many bytes are kept."""
        return len(self._data) - self._at + sum(map(len, self._more))

    @property
    def is_empty(self) -> bool:
        """Tell whether everything has been read."""
        return self._at == len(self._data)

    def push(self, data: bytes) -> None:
        """Take bytes."""
        if self._at == len(self._data):
            self._data, self._at = data, 0
            return
        self._more.append(data)
        self._size += len(data)
        if len(self._data) - self._at + self._size >= self._need:
            # Once for a long packet, not once for each of its pieces.
            self._data, self._at = b"".join((self._data[self._at :], *self._more)), 0
            self._more, self._size = [], 0

    def next(self) -> FromClient | None:
        """Return the next whole packet, None when more bytes are needed. Raises ``Broken``; nothing follows that."""
        data, at = self._data, self._at
        size = len(data)
        if self.first and size and data[0] != Kind.CONNECT << 4:
            raise Broken(Reason.PROTOCOL, "CONNECT comes first")  # at once: another protocol waits for an answer
        if size - at < 2:
            self._need = 2
            return None
        first, length, start = data[at], data[at + 1], at + 2
        if length >= 0x80 and start < size and data[start] < 0x80:
            length, start = length & 0x7F | data[start] << 7, start + 1  # most messages: 128 to 16 383 bytes
        elif length >= 0x80:
            length, start = _length(data, at + 1)
            if length < 0:
                self._need = size - at + 1
                return None
        end = start + length
        if end - at > self.most:
            raise Broken(Reason.TOO_LARGE, "a packet longer than allowed")
        if end > size:
            self._need = end - at
            return None
        self._at, self._need = end, 0
        self.first = False
        try:
            if first >> 4 == 3:
                return self._publish(first, data, start, end)
            return self._packet(first, data[start:end])
        except BadProperty as bad:
            raise Broken(Reason.MALFORMED if bad.malformed else Reason.PROTOCOL, str(bad)) from None
        except (IndexError, ValueError) as bad:
            raise Broken(Reason.MALFORMED, str(bad) or "a packet that ends too early") from None

    def _packet(self, first: int, body: bytes) -> FromClient:
        kind = first >> 4
        if kind == 4:
            return self._puback(first, body)
        flags = first & 0x0F
        if flags != (2 if kind in (Kind.PUBREL, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE) else 0):
            raise Broken(Reason.MALFORMED, "flags that are reserved")
        match kind:
            case Kind.PINGREQ:
                return _empty(body)
            case Kind.SUBSCRIBE:
                return self._subscribe(body)
            case Kind.UNSUBSCRIBE:
                return self._unsubscribe(body)
            case Kind.CONNECT:
                return _connect(body)
            case Kind.DISCONNECT:
                return self._disconnect(body)
            case Kind.PUBREC | Kind.PUBREL | Kind.PUBCOMP:
                raise Broken(Reason.PROTOCOL, "QoS 2 is not spoken here")
        raise Broken(Reason.PROTOCOL if kind == Kind.AUTH else Reason.MALFORMED, "a packet no client sends here")

    def _publish(self, first: int, data: bytes, start: int, end: int) -> Publish:
        qos = first >> 1 & 3
        if qos > 1:
            if qos == 3:
                raise Broken(Reason.MALFORMED, "QoS 3")
            raise Broken(Reason.QOS_UNSUPPORTED, "QoS 2 is not spoken here")
        if first & 8 and not qos:
            raise Broken(Reason.MALFORMED, "DUP without QoS")
        if end - start < 2:
            raise IndexError
        at = start + 2 + (data[start] << 8 | data[start + 1])
        if at > end:
            raise IndexError
        topic = data[start + 2 : at].decode("utf-8")
        packet_id = 0
        if qos:
            if at + 2 > end:
                raise IndexError
            packet_id = data[at] << 8 | data[at + 1]
            at += 2
            if not packet_id:
                raise Broken(Reason.MALFORMED, "packet identifier 0")
        found = NONE
        if self.version == V5:
            body = data[at:end]
            found, read = props.read(body, 0, props.IN_PUBLISH)
            at += read
            if Property.TOPIC_ALIAS in found:
                raise Broken(Reason.ALIAS_INVALID, "topic aliases are not taken")
        if not is_topic(topic):
            raise Broken(Reason.TOPIC_INVALID if topic else Reason.PROTOCOL, "not a topic name")
        return Publish(topic, data[at:end], qos, bool(first & 1), bool(first & 8), packet_id, found)

    def _puback(self, first: int, body: bytes) -> Puback:
        if first & 0x0F:
            raise Broken(Reason.MALFORMED, "flags that are reserved")
        packet_id = _id(body)
        if len(body) == 2:
            return Puback(packet_id)
        if self.version != V5:
            raise ValueError("a longer PUBACK")
        if len(body) > 3:
            _, at = props.read(body, 3, props.IN_ACK)
            _all_read(body, at)
        return Puback(packet_id, body[2])

    def _subscribe(self, body: bytes) -> Subscribe:
        packet_id, at = _id(body), 2
        found = NONE
        if self.version == V5:
            found, at = props.read(body, at, props.IN_SUBSCRIBE)
        filters: list[Filter] = []
        while at < len(body):
            topic, at = props.text_at(body, at)
            options = body[at]
            at += 1
            if options & (0xC0 if self.version == V5 else 0xFC) or options & 3 == 3 or options & 0x30 == 0x30:
                raise ValueError("subscription options that are reserved")
            if not is_filter(topic):
                raise Broken(Reason.FILTER_INVALID, "not a topic filter")
            filters.append(Filter(topic, options & 3, bool(options & 4), bool(options & 8), options >> 4 & 3))
        _some(filters)
        return Subscribe(packet_id, tuple(filters), found)

    def _unsubscribe(self, body: bytes) -> Unsubscribe:
        packet_id, at = _id(body), 2
        if self.version == V5:
            _, at = props.read(body, at, props.IN_UNSUBSCRIBE)
        filters: list[str] = []
        while at < len(body):
            topic, at = props.text_at(body, at)
            if not is_filter(topic):
                raise Broken(Reason.FILTER_INVALID, "not a topic filter")
            filters.append(topic)
        _some(filters)
        return Unsubscribe(packet_id, tuple(filters))

    def _disconnect(self, body: bytes) -> Disconnect:
        if not body:
            return Disconnect()
        if self.version != V5:
            raise ValueError("a longer DISCONNECT")
        found = NONE
        if len(body) > 1:
            found, at = props.read(body, 1, props.IN_DISCONNECT)
            _all_read(body, at)
        return Disconnect(body[0], number(found, Property.SESSION_EXPIRY))


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Read the length of a packet; -1 when more bytes are needed."""
    length = 0
    for shift in (0, 7, 14, 21):
        if at >= len(data):
            return -1, at
        byte = data[at]
        at += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return length, at
    raise Broken(Reason.MALFORMED, "a length of more than four bytes")


def number(found: Properties, which: Property) -> int | None:
    """Return a property that is a number."""
    value = found.get(which)
    return value if isinstance(value, int) else None


def _empty(body: bytes) -> Ping:
    if body:
        raise ValueError("a longer PINGREQ")
    return _PING


def _id(body: bytes) -> int:
    packet_id = body[0] << 8 | body[1]
    if not packet_id:
        raise Broken(Reason.PROTOCOL, "packet identifier 0")
    return packet_id


def _some(filters: list[Filter] | list[str]) -> None:
    if not filters:
        raise Broken(Reason.PROTOCOL, "no topic filter")
    if len(filters) > FILTERS_MAX:
        raise Broken(Reason.QUOTA, "too many topic filters")


def _all_read(body: bytes, at: int) -> None:
    if at != len(body):
        raise ValueError("a packet longer than it needs to be")


def _connect(body: bytes) -> Connect:
    name, at = props.text_at(body, 0)
    if name not in ("MQTT", "MQIsdp"):
        raise Broken(Reason.MALFORMED, "another protocol")
    version = body[at]
    if name != "MQTT" or version not in (V3, V5):
        raise Broken(Reason.UNSUPPORTED_VERSION, "another version")
    flags = body[at + 1]
    keep_alive_s = body[at + 2] << 8 | body[at + 3]
    at += 4
    has_will, will_qos = bool(flags & 0x04), flags >> 3 & 3
    if flags & 1 or will_qos == 3 or (not has_will and flags & 0x38) or (version == V3 and flags & 0xC0 == 0x40):
        raise ValueError("flags of CONNECT that contradict each other")
    found = NONE
    if version == V5:
        found, at = props.read(body, at, props.IN_CONNECT)
    client_id, at = props.text_at(body, at)
    will = None
    if has_will:
        will, at = _will(body, at, version, will_qos, retain=bool(flags & 0x20))
    user_name = password = None
    if flags & 0x80:
        user_name, at = props.text_at(body, at)
    if flags & 0x40:
        password, at = props.bytes_at(body, at)
    _all_read(body, at)
    return Connect(version, client_id, bool(flags & 2), keep_alive_s, user_name, password, will, found)


def _will(body: bytes, at: int, version: int, qos: int, *, retain: bool) -> tuple[Will, int]:
    found = NONE
    if version == V5:
        found, at = props.read(body, at, props.IN_WILL)
    topic, at = props.text_at(body, at)
    payload, at = props.bytes_at(body, at)
    if not is_topic(topic):
        raise Broken(Reason.TOPIC_INVALID, "the will has no topic name")
    return Will(topic, payload, qos, retain, number(found, Property.WILL_DELAY) or 0), at


# what is written


def connack(version: int, reason: int, *, session_present: bool = False, properties: Properties = NONE) -> bytes:
    """Answer a CONNECT; in version 3.1.1 ``reason`` is a return code."""
    head = bytes((session_present, reason))
    return _packet(0x20, head + props.write(properties) if version == V5 else head)


def publish(version: int, message: Publish) -> bytes:
    """Write a message."""
    topic = _topic(message.topic)
    flags = 0x30 | message.dup << 3 | message.qos << 1 | message.retain
    number = message.packet_id.to_bytes(2, "big") if message.qos else b""
    properties = props.write(message.properties) if version == V5 else b""
    size = len(topic) + len(number) + len(properties) + len(message.payload)
    if size < 0x80:
        head = bytes((flags, size))
    elif size < 0x4000:
        head = bytes((flags, size & 0x7F | 0x80, size >> 7))
    else:
        head = bytes((flags,)) + props.varint(size)
    return b"".join((head, topic, number, properties, message.payload))


@lru_cache(maxsize=4096)
def _topic(topic: str) -> bytes:
    raw = topic.encode()
    return len(raw).to_bytes(2, "big") + raw


def puback(version: int, packet_id: int, reason: int = 0) -> bytes:
    """Confirm a message; version 3.1.1 knows no reason."""
    if version == V5 and reason:
        return bytes((0x40, 3, packet_id >> 8, packet_id & 0xFF, reason))
    if packet_id < 256:
        return _PUBACK_3[packet_id]
    return bytes((0x40, 2, packet_id >> 8, packet_id & 0xFF))


def suback(version: int, packet_id: int, reasons: Iterable[int]) -> bytes:
    """Answer a SUBSCRIBE, a reason for each filter."""
    head = packet_id.to_bytes(2, "big") + (b"\0" if version == V5 else b"")
    return _packet(0x90, head + bytes(reasons))


def unsuback(version: int, packet_id: int, reasons: Iterable[int]) -> bytes:
    """Answer an UNSUBSCRIBE; version 3.1.1 says no reasons."""
    head = packet_id.to_bytes(2, "big")
    return _packet(0xB0, head + b"\0" + bytes(reasons) if version == V5 else head)


def disconnect(version: int, reason: Reason) -> bytes:
    """Say why a connection ends; nothing in version 3.1.1, where the server just closes."""
    return bytes((0xE0, 1, reason)) if version == V5 else b""


def _packet(first: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes((first, size)) + body
    return bytes((first,)) + props.varint(size) + body
