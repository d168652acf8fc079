"""Properties of MQTT 5 packets (2.2.2): identifier, type and where each may stand."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import TypeAlias

Value: TypeAlias = int | str | bytes
Properties: TypeAlias = Mapping[int, Value]

NONE: Properties = MappingProxyType({})
VARINT_MAX = 268_435_455
USER_PAIRS_MAX = 64  # they are read and dropped; more than this many are no device's


class Property(IntEnum):
    """Identifiers (table 2-4)."""

    PAYLOAD_FORMAT = 0x01
    MESSAGE_EXPIRY = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION = 0x09
    SUBSCRIPTION_ID = 0x0B
    SESSION_EXPIRY = 0x11
    ASSIGNED_CLIENT_ID = 0x12
    SERVER_KEEP_ALIVE = 0x13
    AUTH_METHOD = 0x15
    AUTH_DATA = 0x16
    WANTS_PROBLEM_INFORMATION = 0x17
    WILL_DELAY = 0x18
    WANTS_RESPONSE_INFORMATION = 0x19
    RESPONSE_INFORMATION = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON_STRING = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER = 0x26
    MAXIMUM_PACKET = 0x27
    WILDCARD_AVAILABLE = 0x28
    SUBSCRIPTION_IDS_AVAILABLE = 0x29
    SHARED_AVAILABLE = 0x2A


P = Property
_KNOWN = frozenset(int(each) for each in Property)
_BYTE = frozenset(
    {
        P.PAYLOAD_FORMAT, P.WANTS_PROBLEM_INFORMATION, P.WANTS_RESPONSE_INFORMATION, P.MAXIMUM_QOS, P.RETAIN_AVAILABLE,
        P.WILDCARD_AVAILABLE, P.SUBSCRIPTION_IDS_AVAILABLE, P.SHARED_AVAILABLE,
    }
)  # fmt: skip
_TWO = frozenset({P.SERVER_KEEP_ALIVE, P.RECEIVE_MAXIMUM, P.TOPIC_ALIAS_MAXIMUM, P.TOPIC_ALIAS})
_FOUR = frozenset({P.MESSAGE_EXPIRY, P.SESSION_EXPIRY, P.WILL_DELAY, P.MAXIMUM_PACKET})
_TEXT = frozenset({P.CONTENT_TYPE, P.RESPONSE_TOPIC, P.ASSIGNED_CLIENT_ID, P.AUTH_METHOD, P.RESPONSE_INFORMATION,
                   P.SERVER_REFERENCE, P.REASON_STRING})  # fmt: skip
_BYTES = frozenset({P.CORRELATION, P.AUTH_DATA})
_NOT_ZERO = frozenset({P.RECEIVE_MAXIMUM, P.MAXIMUM_PACKET, P.SUBSCRIPTION_ID})
_FLAGS = frozenset({P.PAYLOAD_FORMAT, P.WANTS_PROBLEM_INFORMATION, P.WANTS_RESPONSE_INFORMATION})

# Where a client may say what.
IN_CONNECT = frozenset({P.SESSION_EXPIRY, P.RECEIVE_MAXIMUM, P.MAXIMUM_PACKET, P.TOPIC_ALIAS_MAXIMUM,
                        P.WANTS_RESPONSE_INFORMATION, P.WANTS_PROBLEM_INFORMATION, P.USER, P.AUTH_METHOD,
                        P.AUTH_DATA})  # fmt: skip
IN_WILL = frozenset({P.WILL_DELAY, P.PAYLOAD_FORMAT, P.MESSAGE_EXPIRY, P.CONTENT_TYPE, P.RESPONSE_TOPIC, P.CORRELATION,
                     P.USER})  # fmt: skip
IN_PUBLISH = frozenset({P.PAYLOAD_FORMAT, P.MESSAGE_EXPIRY, P.TOPIC_ALIAS, P.RESPONSE_TOPIC, P.CORRELATION, P.USER,
                        P.CONTENT_TYPE})  # fmt: skip
IN_ACK = frozenset({P.REASON_STRING, P.USER})
IN_SUBSCRIBE = frozenset({P.SUBSCRIPTION_ID, P.USER})
IN_UNSUBSCRIBE = frozenset({P.USER})
IN_DISCONNECT = frozenset({P.SESSION_EXPIRY, P.REASON_STRING, P.USER, P.SERVER_REFERENCE})


class BadProperty(ValueError):
    """A property that is none, may not stand here, stands twice, or has a value it cannot have. ``malformed``: the
    bytes themselves cannot be read; otherwise they can, and break a rule.
    """

    def __init__(self, why: str, *, malformed: bool = False) -> None:
        super().__init__(why)
        self.malformed = malformed


def text_at(data: bytes, at: int) -> tuple[str, int]:
    """Read a UTF-8 string; raises ``ValueError`` for what 1.5.4 forbids and ``IndexError`` for too few bytes."""
    raw, at = bytes_at(data, at)
    text = raw.decode("utf-8")
    if "\0" in text:
        raise ValueError("U+0000 in a string")
    return text, at


def bytes_at(data: bytes, at: int) -> tuple[bytes, int]:
    """Read binary data; raises ``IndexError`` for too few bytes."""
    end = at + 2 + (data[at] << 8 | data[at + 1])
    if end > len(data):
        raise IndexError
    return data[at + 2 : end], end


def varint_at(data: bytes, at: int) -> tuple[int, int]:
    """Read a variable byte integer of four bytes at most (1.5.5)."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift:
                raise ValueError("a number longer than it needs to be")
            return value, at
        shift += 7
        if shift > 21:
            raise ValueError("a number of more than four bytes")


def varint(value: int) -> bytes:
    """Write a variable byte integer."""
    if value < 0x80:
        return bytes((value,))
    written = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        written.append(low | 0x80 if value else low)
        if not value:
            return bytes(written)


def read(data: bytes, at: int, allowed: frozenset[Property]) -> tuple[Properties, int]:
    """Read properties with their length; what is not needed here (user pairs) is checked and dropped.

    Raises ``BadProperty``, ``IndexError`` and ``ValueError``.
    """
    length, at = varint_at(data, at)
    if length == 0:
        return NONE, at
    end = at + length
    if end > len(data):
        raise IndexError
    found: dict[int, Value] = {}
    pairs = 0
    while at < end:
        number, at = varint_at(data, at)
        if number not in allowed:
            raise BadProperty(f"property {number} may not stand here", malformed=number not in _KNOWN)
        value, at = _value(number, data, at)
        if number == P.USER:
            pairs += 1
            if pairs > USER_PAIRS_MAX:
                raise BadProperty("too many user properties")
        elif number in found:
            raise BadProperty(f"property {number} stands twice")
        else:
            found[number] = value
    if at != end:
        raise BadProperty("properties longer than they say", malformed=True)
    return found, at


def _value(number: int, data: bytes, at: int) -> tuple[Value, int]:
    value: Value
    if number in _BYTE:
        value, at = data[at], at + 1
        if number in _FLAGS and value > 1:
            raise BadProperty(f"property {number} is 0 or 1")
    elif number in _TWO:
        value, at = data[at] << 8 | data[at + 1], at + 2
    elif number in _FOUR:
        if at + 4 > len(data):
            raise IndexError
        value, at = int.from_bytes(data[at : at + 4], "big"), at + 4
    elif number in _TEXT:
        value, at = text_at(data, at)
    elif number in _BYTES:
        value, at = bytes_at(data, at)
    elif number == P.USER:
        value, at = text_at(data, at)
        _, at = text_at(data, at)
    else:
        value, at = varint_at(data, at)
    if number in _NOT_ZERO and value == 0:
        raise BadProperty(f"property {number} is not 0")
    return value, at


def write(properties: Properties) -> bytes:
    """Write properties with their length."""
    if not properties:
        return b"\0"
    parts: list[bytes] = []
    for number, value in properties.items():
        parts.append(varint(number))
        if isinstance(value, int):
            size = 1 if number in _BYTE else 2 if number in _TWO else 4
            parts.append(varint(value) if number == P.SUBSCRIPTION_ID else value.to_bytes(size, "big"))
        else:
            raw = value.encode() if isinstance(value, str) else value
            parts.append(len(raw).to_bytes(2, "big") + raw)
    body = b"".join(parts)
    return varint(len(body)) + body
