"""The payloads of the barrier link: what each frame says, as values. Wire format: ``docs/devices/barrier-tcp.md``.

Reading raises ``Malformed("barrier.malformed", type=…)`` for everything that the document does not list.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id

VERSION = 1
NONCE_BYTES = 16
PROOF_BYTES = 16
MAC_BYTES = 8
MAX_SERIAL_BYTES = 64
MAX_LIFE_MS = 0xFFFF_FFFF

_COMMAND = struct.Struct(">16sBI")
_RESULT = struct.Struct(">16sB")
_STATUS = struct.Struct(">BBBI")
_LOOP_BEFORE = 1
_LOOP_UNDER = 2


class FrameType(IntEnum):
    """What a frame is."""

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


class Refusal(IntEnum):
    """Why the server hangs up."""

    VERSION = 1
    PROOF = 2
    ADDRESS = 3
    MAC = 4
    MALFORMED = 5
    BUSY = 6


class Operation(IntEnum):
    """What the boom shall do. ``LOCK_OPEN`` keeps it up until ``UNLOCK``."""

    OPEN = 1
    CLOSE = 2
    STOP = 3
    LOCK_OPEN = 4
    UNLOCK = 5


class Result(IntEnum):
    """What the device says about a command."""

    ACCEPTED = 0
    DONE = 1
    LOCKED = 2
    OBSTRUCTED = 3
    EXPIRED = 4
    FAULT = 5


class Boom(IntEnum):
    """Where the boom is or what it is doing."""

    UNKNOWN = 0
    CLOSED = 1
    OPENING = 2
    OPEN = 3
    CLOSING = 4
    FAULT = 5


@dataclass(frozen=True, slots=True)
class Hello:
    """The device names itself."""

    nonce: bytes
    serial: str


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The device's answer to one command."""

    command_id: Id
    result: Result


@dataclass(frozen=True, slots=True)
class BarrierStatus:
    """The state of a barrier: boom, lock, whether the loops before and under it are covered, cars crossed since
    power-on.
    """

    boom: Boom
    locked: bool
    loop_before: bool
    loop_under: bool
    passes: int


def read_hello(payload: bytes) -> Hello | None:
    """Read HELLO; None when it speaks another version, whose form is unknown here."""
    if payload[:1] != bytes([VERSION]):
        if not payload:
            raise _malformed(FrameType.HELLO)
        return None
    serial_bytes = payload[1 + NONCE_BYTES :]
    if not 1 <= len(serial_bytes) <= MAX_SERIAL_BYTES:
        raise _malformed(FrameType.HELLO)
    try:
        serial = serial_bytes.decode()
    except UnicodeDecodeError:
        raise _malformed(FrameType.HELLO) from None
    if not serial.isprintable():
        raise _malformed(FrameType.HELLO)
    return Hello(payload[1 : 1 + NONCE_BYTES], serial)


def read_result(payload: bytes) -> CommandResult:
    """Read RESULT."""
    try:
        command_id, result = _RESULT.unpack(payload)
        return CommandResult(UUID(bytes=command_id), Result(result))
    except (struct.error, ValueError):
        raise _malformed(FrameType.RESULT) from None


def read_status(payload: bytes) -> BarrierStatus:
    """Read STATUS."""
    try:
        boom, lock, loops, passes = _STATUS.unpack(payload)
        position = Boom(boom)
    except (struct.error, ValueError):
        raise _malformed(FrameType.STATUS) from None
    if lock > 1 or loops > (_LOOP_BEFORE | _LOOP_UNDER):
        raise _malformed(FrameType.STATUS)
    return BarrierStatus(position, lock == 1, bool(loops & _LOOP_BEFORE), bool(loops & _LOOP_UNDER), passes)


def write_command(command_id: Id, operation: Operation, life_ms: int) -> bytes:
    """Return the payload of COMMAND; ``life_ms`` is what is left of the command's life."""
    return _COMMAND.pack(command_id.bytes, operation, life_ms)


def _malformed(kind: FrameType) -> Malformed:
    return Malformed("barrier.malformed", type=kind.name)
