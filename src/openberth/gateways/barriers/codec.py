"""Bytes and frames of the barrier link: framing, CRC and length bounds, no I/O.

Wire format: ``docs/devices/barrier-tcp.md``, section "Frame". What the bytes of a frame mean is ``messages``' business.
"""

from dataclasses import dataclass
from enum import StrEnum

from openberth.gateways.checksums import crc16_modbus
from openberth.kernel.errors import Malformed

START = 0xA6
END = 0xA9
MIN_LENGTH = 3
MAX_LENGTH = 512
OVERHEAD = 6  # start, length, crc, end
MAX_FRAME = MAX_LENGTH + OVERHEAD
_HEAD = 3  # start and length: what must be there before the length of a frame is known


class Flaw(StrEnum):
    """The rule of framing that the bytes broke."""

    START = "start"
    LENGTH = "length"
    END = "end"
    CRC = "crc"


class BrokenFrame(Malformed):
    """The bytes are not a frame. The stream cannot be trusted any further: where the next frame starts is unknown."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__("barrier.broken_frame", flaw=flaw.value)
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; ``body`` is the payload and, where the session demands one, the mac behind it."""

    type: int
    sequence: int
    body: bytes


def encode(frame: Frame) -> bytes:
    """Return the frame's bytes; a frame that the format cannot carry is a ``ValueError``."""
    length = MIN_LENGTH + len(frame.body)
    if length > MAX_LENGTH:
        raise ValueError(f"a frame holds at most {MAX_LENGTH} bytes, not {length}")
    checked = length.to_bytes(2, "big") + bytes([frame.type]) + frame.sequence.to_bytes(2, "big") + frame.body
    return bytes([START]) + checked + crc16_modbus(checked).to_bytes(2, "little") + bytes([END])


class FrameReader:
    """Cuts a stream into frames, however it was chopped. Holds one unfinished frame and whatever was fed and not yet
    taken.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._broken: Flaw | None = None

    @property
    def waiting(self) -> int:
        """Return the number of bytes held."""
        return len(self._buffer)

    def feed(self, chunk: bytes | bytearray | memoryview) -> None:
        """Add bytes from the stream; take all frames with ``next`` before feeding more."""
        if self._broken is None:
            self._buffer += chunk

    def next(self) -> Frame | None:
        """Return the next frame, None when it is not complete yet; raise ``BrokenFrame``, from then on always, when it
        is none.

        A wrong start or length is noticed as soon as it is there, before the rest arrives.
        """
        if self._broken is not None:
            raise BrokenFrame(self._broken)
        buffer = self._buffer
        if not buffer:
            return None
        if buffer[0] != START:
            raise self._give_up(Flaw.START)
        if len(buffer) < _HEAD:
            return None
        length = buffer[1] << 8 | buffer[2]
        if not MIN_LENGTH <= length <= MAX_LENGTH:
            raise self._give_up(Flaw.LENGTH)
        size = length + OVERHEAD
        if len(buffer) < size:
            return None
        if buffer[size - 1] != END:
            raise self._give_up(Flaw.END)
        checked = bytes(buffer[1 : size - 3])
        if crc16_modbus(checked) != buffer[size - 3] | buffer[size - 2] << 8:
            raise self._give_up(Flaw.CRC)
        del buffer[:size]
        return Frame(checked[2], checked[3] << 8 | checked[4], checked[5:])

    def _give_up(self, flaw: Flaw) -> BrokenFrame:
        self._broken = flaw
        self._buffer.clear()
        return BrokenFrame(flaw)
