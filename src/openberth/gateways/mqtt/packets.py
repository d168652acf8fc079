"""MQTT packets as values, for both versions of the protocol (OASIS MQTT 3.1.1 and 5.0; section numbers are of 5.0)."""

from enum import IntEnum
from typing import TypeAlias

from msgspec import Struct

from openberth.gateways.mqtt.properties import NONE, Properties

V3, V5 = 4, 5  # the protocol levels on the wire


class Kind(IntEnum):
    """Control packet types (2.1.2)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class Reason(IntEnum):
    """Reason codes of version 5 that are said or understood here (2.4)."""

    SUCCESS = 0x00
    DISCONNECT_WITH_WILL = 0x04
    NO_SUBSCRIPTION_EXISTED = 0x11
    UNSPECIFIED = 0x80
    MALFORMED = 0x81
    PROTOCOL = 0x82
    UNSUPPORTED_VERSION = 0x84
    CLIENT_ID_INVALID = 0x85
    BAD_CREDENTIALS = 0x86
    NOT_AUTHORIZED = 0x87
    BUSY = 0x89
    SHUTTING_DOWN = 0x8B
    BAD_METHOD = 0x8C
    KEEP_ALIVE = 0x8D
    TAKEN_OVER = 0x8E
    FILTER_INVALID = 0x8F
    TOPIC_INVALID = 0x90
    RECEIVE_MAXIMUM = 0x93
    ALIAS_INVALID = 0x94
    TOO_LARGE = 0x95
    QUOTA = 0x97
    ADMINISTRATIVE = 0x98
    QOS_UNSUPPORTED = 0x9B
    SHARED_UNSUPPORTED = 0x9E
    IDS_UNSUPPORTED = 0xA1


# What version 3.1.1 says in CONNACK instead (3.2.2.3 there).
RETURN_CODES = {
    Reason.UNSUPPORTED_VERSION: 1, Reason.CLIENT_ID_INVALID: 2, Reason.BUSY: 3, Reason.BAD_CREDENTIALS: 4,
    Reason.NOT_AUTHORIZED: 5, Reason.TOPIC_INVALID: 5,
}  # fmt: skip


class Will(Struct, frozen=True):
    """What is published when the client is lost."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    delay_s: int = 0


class Connect(Struct, frozen=True):
    """The first packet of a client. ``password`` is never shown."""

    version: int
    client_id: str
    clean: bool
    keep_alive_s: int
    user_name: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: Properties = NONE

    def __repr__(self) -> str:
        return f"Connect(version={self.version}, client_id={self.client_id!r})"


class Publish(Struct, frozen=True):
    """A message. ``packet_id`` is 0 with QoS 0."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int = 0
    properties: Properties = NONE


class Puback(Struct, frozen=True):
    """A message with QoS 1 has arrived, or was refused (``reason`` from 0x80 on)."""

    packet_id: int
    reason: int = 0


class Filter(Struct, frozen=True):
    """One line of a SUBSCRIBE: a topic filter and its options (3.8.3.1)."""

    topic: str
    qos: int
    no_local: bool = False
    as_published: bool = False
    retain_handling: int = 0


class Subscribe(Struct, frozen=True):
    """A client wants messages."""

    packet_id: int
    filters: tuple[Filter, ...]
    properties: Properties = NONE


class Unsubscribe(Struct, frozen=True):
    """A client wants messages no more."""

    packet_id: int
    filters: tuple[str, ...]


class Ping(Struct, frozen=True):
    """A client is alive."""


class Disconnect(Struct, frozen=True):
    """A client goes. ``session_expiry_s`` replaces the one it connected with."""

    reason: int = 0
    session_expiry_s: int | None = None


FromClient: TypeAlias = Connect | Publish | Puback | Subscribe | Unsubscribe | Ping | Disconnect


class Broken(Exception):
    """Bytes that are no packet, or a packet that may not come: the connection ends with this reason."""

    def __init__(self, reason: Reason, why: str) -> None:
        super().__init__(why)
        self.reason = reason
        self.why = why
