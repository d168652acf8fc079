"""One connection of the barrier link as a state machine: handshake, macs with counters, keep-alive. No I/O, clock and
nonce injected.

Bytes, ticks and commands go in; what to do comes out as values: ``Write`` bytes, ``Find`` a device, ``End`` the
connection, or tell the house about ``Welcomed``, ``StatusSeen``, ``ResultSeen``. Wire format and rules:
``docs/devices/barrier-tcp.md``.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeAlias

from openberth.gateways.barriers import codec
from openberth.gateways.barriers.commands import BarrierCommand
from openberth.gateways.barriers.messages import (
    MAC_BYTES,
    MAX_LIFE_MS,
    NONCE_BYTES,
    PROOF_BYTES,
    BarrierStatus,
    CommandResult,
    FrameType,
    Refusal,
    read_hello,
    read_result,
    read_status,
    write_command,
)
from openberth.gateways.barriers.ports import BarrierDevice
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Clock, later

HANDSHAKE_US = 5 * SECOND_US
SILENT_HEARTBEATS = 3
FRAMES_PER_SECOND = 50
FRAME_BURST = 200
_SECRET_BYTES = 32
_CONTEXT = b"openberth-barrier/1"
_FROM_DEVICE = b"d"
_FROM_SERVER = b"s"
_LAST_COUNT = 0xFFFF_FFFF
_MS_US = 1_000


@dataclass(frozen=True, slots=True)
class Write:
    """Send these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Find:
    """Look this serial up and hand the answer to ``identified``."""

    serial: str


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The device has proved who it is."""

    device_id: Id


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """A STATUS came."""

    status: BarrierStatus


@dataclass(frozen=True, slots=True)
class ResultSeen:
    """A RESULT came."""

    result: CommandResult


@dataclass(frozen=True, slots=True)
class End:
    """Close the connection after what was written. ``reason`` is a stable word, counted and shown."""

    reason: str


Action: TypeAlias = Write | Find | Welcomed | StatusSeen | ResultSeen | End


class _State(Enum):
    HELLO = auto()
    FINDING = auto()
    PROOF = auto()
    OPEN = auto()
    ENDED = auto()


class _Refuse(Exception):
    """Inside the machine: answer REFUSED and end."""

    def __init__(self, code: Refusal, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class BarrierSession:
    """The server's side of one connection.

    ``address`` is the peer's; ``entropy(n)`` returns n unpredictable bytes; ``heartbeat_s`` (1–255) is told to the
    device. After ``End`` every call returns nothing.
    """

    def __init__(self, *, address: str, clock: Clock, entropy: Callable[[int], bytes], heartbeat_s: int) -> None:
        if not 1 <= heartbeat_s <= 255:
            raise ValueError("the heartbeat is one byte of seconds, at least 1")
        self._address = address
        self._clock = clock
        self._entropy = entropy
        self._heartbeat_s = heartbeat_s
        self._reader = codec.FrameReader()
        self._state = _State.HELLO
        self._device: BarrierDevice | None = None
        self._device_nonce = b""
        self._key = b""
        self._keys: tuple[tuple[bytes, bytes], ...] = ()  # secrets and what they make of the nonces, until one is shown
        self._sequence = 0
        self._counts = {_FROM_DEVICE: 0, _FROM_SERVER: 0}
        self._opened_at = self._heard_at = self._spoke_at = clock.now()
        self._budget_full_at = 0

    @property
    def is_open(self) -> bool:
        """Tell whether the handshake is over and the connection lives."""
        return self._state is _State.OPEN

    @property
    def has_ended(self) -> bool:
        """Tell whether the connection is over."""
        return self._state is _State.ENDED

    @property
    def in_handshake(self) -> bool:
        """Tell whether the peer has still to prove who it is."""
        return self._state not in (_State.OPEN, _State.ENDED)

    @property
    def device(self) -> BarrierDevice | None:
        """Return the barrier that was found for the peer's serial, proved or not; None before and after."""
        return None if self.has_ended else self._device

    def received(self, chunk: bytes | bytearray | memoryview) -> list[Action]:
        """Take bytes from the peer."""
        if self.has_ended:
            return []
        actions: list[Action] = []
        self._reader.feed(chunk)
        try:
            while self._state is not _State.ENDED and (frame := self._reader.next()) is not None:
                actions += self._take(frame)
        except codec.BrokenFrame as broken:
            actions += self._refuse(Refusal.MALFORMED, f"broken_{broken.flaw}")
        except Malformed:
            actions += self._refuse(Refusal.MALFORMED, "malformed")
        except _Refuse as refusal:
            actions += self._refuse(refusal.code, refusal.reason)
        return actions

    def identified(self, device: BarrierDevice | None) -> list[Action]:
        """Take the answer to ``Find``. An unknown serial goes on with a key that no proof fits, and fails there."""
        if self._state is not _State.FINDING:
            return []
        self._device = device
        nonce = self._entropy(NONCE_BYTES)
        # Two keys always, so that the time does not tell who is known and whose secret was replaced lately.
        secret = self._entropy(_SECRET_BYTES) if device is None else device.secret
        other = (device and device.old_secret) or hmac.digest(secret, b"nobody", "sha256")
        told = _CONTEXT + self._device_nonce + nonce
        self._keys = tuple((each, hmac.digest(each, told, "sha256")) for each in (secret, other))
        self._state = _State.PROOF
        return [self._plain(FrameType.CHALLENGE, nonce)]

    def command(self, command: BarrierCommand) -> list[Action]:
        """Send a command; nothing comes out when the session is not open or the command's life is over."""
        life_ms = (command.expires_at - self._clock.now()) // _MS_US
        if self._state is not _State.OPEN or life_ms < 1:
            return []
        return self._signed(FrameType.COMMAND, write_command(command.id, command.operation, min(life_ms, MAX_LIFE_MS)))

    def tick(self) -> list[Action]:
        """Look at the clock: handshake limit, silence, and PING when nothing was sent for a heartbeat. Call a few times
        a second.
        """
        now = self._clock.now()
        heartbeat_us = self._heartbeat_s * SECOND_US
        if self.in_handshake:
            if now >= later(self._opened_at, HANDSHAKE_US):
                return self._refuse(Refusal.MALFORMED, "handshake_timeout")
        elif self.is_open:
            if now >= later(self._heard_at, SILENT_HEARTBEATS * heartbeat_us):
                return self.end("silence")
            if now >= later(self._spoke_at, heartbeat_us):
                return self._signed(FrameType.PING, b"")
        return []

    def excuse(self) -> None:
        """Start the measures of silence and of the frame rate anew: it was us who did not listen."""
        self._heard_at = self._clock.now()
        self._budget_full_at = 0

    def end(self, reason: str) -> list[Action]:
        """End the connection without a word to the peer."""
        if self.has_ended:
            return []
        self._state = _State.ENDED
        return [End(reason)]

    def refuse_busy(self) -> list[Action]:
        """End the connection because there are too many."""
        return self._refuse(Refusal.BUSY, "busy")

    # What the peer sent

    def _take(self, frame: codec.Frame) -> list[Action]:
        if self._state is _State.OPEN:
            return self._take_signed(frame)
        if self._state is _State.HELLO and frame.type == FrameType.HELLO:
            return self._take_hello(frame.body)
        if self._state is _State.PROOF and frame.type == FrameType.PROOF:
            return self._take_proof(frame.body)
        raise _Refuse(Refusal.MALFORMED, "out_of_order")

    def _take_hello(self, payload: bytes) -> list[Action]:
        hello = read_hello(payload)
        if hello is None:
            raise _Refuse(Refusal.VERSION, "version")
        self._device_nonce = hello.nonce
        self._state = _State.FINDING
        return [Find(hello.serial)]

    def _take_proof(self, payload: bytes) -> list[Action]:
        if len(payload) != PROOF_BYTES:
            raise _Refuse(Refusal.MALFORMED, "malformed")
        right = [each for each in self._keys if hmac.compare_digest(payload, self._proof(b"device", each[1]))]
        device = self._device
        if device is None or not right:
            raise _Refuse(Refusal.PROOF, "unknown_serial" if device is None else "wrong_proof")
        secret, self._key = right[0]
        self._keys = ()
        # From here on it is the barrier of the secret that it showed: who looks whether that still holds has to know.
        device = self._device = replace(device, secret=secret, old_secret=None)
        if not device.addresses.admits(self._address):
            raise _Refuse(Refusal.ADDRESS, "address")
        self._state = _State.OPEN
        self._heard_at = self._clock.now()
        welcome = self._plain(FrameType.WELCOME, self._proof(b"server", self._key) + bytes([self._heartbeat_s]))
        return [welcome, Welcomed(device.id)]

    def _take_signed(self, frame: codec.Frame) -> list[Action]:
        payload, mac = frame.body[:-MAC_BYTES], frame.body[-MAC_BYTES:]
        expected = self._mac(_FROM_DEVICE, frame.type, frame.sequence, payload)
        if len(frame.body) < MAC_BYTES or not hmac.compare_digest(mac, expected):
            raise _Refuse(Refusal.MAC, "mac")
        self._count(_FROM_DEVICE)
        self._spend()
        self._heard_at = self._clock.now()
        if frame.type == FrameType.STATUS:
            return [StatusSeen(read_status(payload))]
        if frame.type == FrameType.RESULT:
            return [ResultSeen(read_result(payload))]
        if frame.type in (FrameType.PING, FrameType.PONG) and not payload:
            return self._signed(FrameType.PONG, b"", frame.sequence) if frame.type == FrameType.PING else []
        raise _Refuse(Refusal.MALFORMED, "malformed")

    def _spend(self) -> None:
        """Hold the device to its rate of frames: a bucket kept as the instant at which it is full again."""
        now = self._clock.now()
        cost = SECOND_US // FRAMES_PER_SECOND
        self._budget_full_at = max(self._budget_full_at, now) + cost
        if self._budget_full_at > now + FRAME_BURST * cost:
            raise _Refuse(Refusal.BUSY, "too_many_frames")

    # What we send

    def _refuse(self, code: Refusal, reason: str) -> list[Action]:
        if self.has_ended:
            return []
        return [self._plain(FrameType.REFUSED, bytes([code])), *self.end(reason)]

    def _plain(self, kind: FrameType, payload: bytes) -> Write:
        return Write(codec.encode(codec.Frame(kind, self._next_sequence(), payload)))

    def _signed(self, kind: FrameType, payload: bytes, echoed: int | None = None) -> list[Action]:
        if self._counts[_FROM_SERVER] > _LAST_COUNT:
            return self.end("counter")
        sequence = self._next_sequence() if echoed is None else echoed
        mac = self._mac(_FROM_SERVER, kind, sequence, payload)
        self._count(_FROM_SERVER)
        self._spoke_at = self._clock.now()
        return [Write(codec.encode(codec.Frame(kind, sequence, payload + mac)))]

    def _next_sequence(self) -> int:
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFFFF
        return sequence

    @staticmethod
    def _proof(side: bytes, key: bytes) -> bytes:
        return hmac.digest(key, side, "sha256")[:PROOF_BYTES]

    def _mac(self, direction: bytes, kind: int, sequence: int, payload: bytes) -> bytes:
        counter = self._counts[direction] & _LAST_COUNT
        head = direction + counter.to_bytes(4, "big") + bytes([kind]) + sequence.to_bytes(2, "big")
        return hmac.digest(self._key, head + payload, "sha256")[:MAC_BYTES]

    def _count(self, direction: bytes) -> None:
        self._counts[direction] += 1
        if direction == _FROM_DEVICE and self._counts[direction] > _LAST_COUNT:
            raise _Refuse(Refusal.MAC, "counter")
