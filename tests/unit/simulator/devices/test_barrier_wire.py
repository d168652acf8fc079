import hashlib
import hmac
from contextlib import suppress

import pytest

from openberth.simulator.devices.barrier_wire import (
    Broken,
    Frame,
    FrameReader,
    Keys,
    Kind,
    Operation,
    crc16_modbus,
    encode,
    read_command,
)

SECRET, OURS, THEIRS = bytes(range(32)), b"d" * 16, b"s" * 16


def test_the_checksum_is_crc_16_modbus() -> None:
    assert crc16_modbus(b"123456789") == 0x4B37  # the check value of the published CRC catalogue
    # a known frame of an LED board: CRC low byte first
    assert crc16_modbus(bytes.fromhex("0064FFFF0C0132")).to_bytes(2, "little") == bytes.fromhex("7762")


def test_a_frame_is_laid_out_as_described() -> None:
    frame = encode(Kind.PING, 0x0102, b"")
    inner = bytes.fromhex("0003 30 0102")
    assert frame == b"\xa6" + inner + crc16_modbus(inner).to_bytes(2, "little") + b"\xa9"


def test_frames_are_cut_out_of_any_pieces_of_the_stream() -> None:
    frames = [Frame(kind, kind * 3, bytes(kind)) for kind in (1, 16, 48)]
    stream = b"".join(encode(*frame) for frame in frames)
    reader = FrameReader()
    assert [frame for byte in stream for frame in reader.feed(bytes((byte,)))] == frames
    assert FrameReader().feed(stream) == frames


@pytest.mark.parametrize("place", range(len(encode(Kind.STATUS, 7, b"payload"))))
def test_a_changed_byte_is_never_a_frame(place: int) -> None:
    stream = bytearray(encode(Kind.STATUS, 7, b"payload"))
    stream[place] ^= 0x10
    with suppress(Broken):
        assert FrameReader().feed(bytes(stream)) == []  # a longer length: still waiting for the rest


@pytest.mark.parametrize("length", [0, 2, 513])
def test_lengths_are_bounded(length: int) -> None:
    with pytest.raises(Broken, match="length"):
        FrameReader().feed(b"\xa6" + length.to_bytes(2, "big"))
    with pytest.raises(ValueError, match="too long"):
        encode(Kind.STATUS, 0, bytes(510))


def test_proofs_and_macs_follow_the_description() -> None:
    key = hmac.new(SECRET, b"openberth-barrier/1" + OURS + THEIRS, hashlib.sha256).digest()
    keys = Keys(SECRET, OURS, THEIRS)
    assert keys.proof(b"device") == hmac.new(key, b"device", hashlib.sha256).digest()[:16]
    for counter in range(2):
        (sealed,) = FrameReader().feed(keys.seal(Kind.STATUS, 9, b"body"))
        text = b"d" + counter.to_bytes(4, "big") + b"\x20\x00\x09" + b"body"
        assert sealed.payload == b"body" + hmac.new(key, text, hashlib.sha256).digest()[:8]


def test_a_frame_of_the_server_opens_once_and_in_order() -> None:
    key = hmac.new(SECRET, b"openberth-barrier/1" + OURS + THEIRS, hashlib.sha256).digest()
    text = b"s" + bytes(4) + b"\x30\x00\x05"
    frame = Frame(Kind.PING, 5, hmac.new(key, text, hashlib.sha256).digest()[:8])
    keys = Keys(SECRET, OURS, THEIRS)
    assert keys.open(frame) == Frame(Kind.PING, 5, b"")
    with pytest.raises(Broken, match="mac"):
        keys.open(frame)  # replayed
    with pytest.raises(Broken, match="mac"):
        Keys(SECRET, OURS, THEIRS).open(frame._replace(kind=Kind.PONG))


def test_a_command_has_one_length_and_known_operations() -> None:
    command = read_command(b"i" * 16 + b"\x04" + (30_000).to_bytes(4, "big"))
    assert command == (b"i" * 16, Operation.LOCK_OPEN, 30_000)
    for payload in (b"", b"i" * 20, b"i" * 22, b"i" * 16 + b"\x06" + bytes(4)):
        with pytest.raises(Broken):
            read_command(payload)
