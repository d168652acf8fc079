"""Frames and proofs of the OpenBerth barrier link (docs/devices/barrier-tcp.md); bytes in, frames out, no I/O.

The simulator's own codec, written from that page. All integers are big-endian except the checksum.
"""

import hashlib
import hmac
import struct
from enum import IntEnum
from typing import NamedTuple

START, END = 0xA6, 0xA9
LENGTH_MIN, LENGTH_MAX = 3, 512
MAC_BYTES, PROOF_BYTES, NONCE_BYTES, ID_BYTES = 8, 16, 16, 16
VERSION = 1

_OVERHEAD = 6  # start, length, checksum, end
_HEAD = struct.Struct(">BH")


class Kind(IntEnum):
    """Frame types."""

    HELLO = 0x01
    CHALLENGE = 0x02
    PROOF = 0x03
    WELCOME = 0x04
    REFUSED = 0x05
    COMMAND = 0x10
    RESULT = 0x11
    STATUS = 0x20
    PING = 0x30
    PONG = 0x31


class Operation(IntEnum):
    """What a command asks for."""

    OPEN = 1
    CLOSE = 2
    STOP = 3
    LOCK_OPEN = 4
    UNLOCK = 5


class Outcome(IntEnum):
    """What became of a command."""

    ACCEPTED = 0
    DONE = 1
    LOCKED = 2
    OBSTRUCTED = 3
    EXPIRED = 4
    FAULT = 5


class Broken(Exception):
    """The bytes or their order break the protocol; the connection ends."""


class Frame(NamedTuple):
    """One frame; ``payload`` still carries the mac where there is one."""

    kind: int
    sequence: int
    payload: bytes


class Command(NamedTuple):
    """An order from the server."""

    id: bytes
    operation: Operation
    life_ms: int


def crc16_modbus(data: bytes) -> int:
    """Return CRC-16/Modbus (polynomial 0xA001 reflected, initial value 0xFFFF)."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _crc_row(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return value


_CRC_TABLE = tuple(map(_crc_row, range(256)))


def encode(kind: int, sequence: int, payload: bytes) -> bytes:
    """Return the bytes of a frame; ``payload`` includes the mac."""
    length = _HEAD.size + len(payload)
    if length > LENGTH_MAX:
        raise ValueError("the payload is too long for a frame")
    inner = length.to_bytes(2, "big") + _HEAD.pack(kind, sequence) + payload
    return bytes((START,)) + inner + crc16_modbus(inner).to_bytes(2, "little") + bytes((END,))


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes and return the frames they complete; raise ``Broken`` at the first rule that is not kept."""
        self._buffer += data
        frames = []
        while frame := self._next():
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        buffer = self._buffer
        if buffer and buffer[0] != START:
            raise Broken("no start byte")
        if len(buffer) < 3:
            return None
        length = int.from_bytes(buffer[1:3], "big")
        if not LENGTH_MIN <= length <= LENGTH_MAX:
            raise Broken(f"a length of {length}")
        if len(buffer) < length + _OVERHEAD:
            return None
        inner = bytes(buffer[1 : 3 + length])
        if buffer[length + 5] != END:
            raise Broken("no end byte")
        if crc16_modbus(inner) != int.from_bytes(buffer[3 + length : 5 + length], "little"):
            raise Broken("a wrong checksum")
        del buffer[: length + _OVERHEAD]
        kind, sequence = _HEAD.unpack_from(inner, 2)
        return Frame(kind, sequence, inner[5:])


class Keys:
    """The key of one connection: proofs of both sides and the macs of every later frame."""

    def __init__(self, secret: bytes, device_nonce: bytes, server_nonce: bytes) -> None:
        self._key = _hmac(secret, b"openberth-barrier/1" + device_nonce + server_nonce)
        self._counters = {b"d": 0, b"s": 0}

    def proof(self, side: bytes) -> bytes:
        """Return what ``device`` or ``server`` proves itself with."""
        return _hmac(self._key, side)[:PROOF_BYTES]

    def seal(self, kind: int, sequence: int, payload: bytes) -> bytes:
        """Return the bytes of the device's next frame."""
        return encode(kind, sequence, payload + self._mac(b"d", kind, sequence, payload))

    def open(self, frame: Frame) -> Frame:
        """Check and take off the mac of the server's next frame; raise ``Broken`` when it is not the right one."""
        payload, mac = frame.payload[:-MAC_BYTES], frame.payload[-MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(b"s", frame.kind, frame.sequence, payload)):
            raise Broken("a wrong mac")
        return frame._replace(payload=payload)

    def _mac(self, direction: bytes, kind: int, sequence: int, payload: bytes) -> bytes:
        counter = self._counters[direction]
        self._counters[direction] = counter + 1
        text = direction + counter.to_bytes(4, "big") + _HEAD.pack(kind, sequence) + payload
        return _hmac(self._key, text)[:MAC_BYTES]


def read_command(payload: bytes) -> Command:
    """Read a COMMAND; raise ``Broken`` for another length or an unknown operation."""
    if len(payload) != ID_BYTES + 5:
        raise Broken("a command of a wrong length")
    try:
        operation = Operation(payload[ID_BYTES])
    except ValueError as error:
        raise Broken(str(error)) from error
    return Command(payload[:ID_BYTES], operation, int.from_bytes(payload[ID_BYTES + 1 :], "big"))


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()
