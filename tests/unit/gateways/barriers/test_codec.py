import json
from pathlib import Path

import pytest

from openberth.gateways.barriers.codec import MAX_LENGTH, BrokenFrame, Flaw, Frame, FrameReader, encode
from openberth.gateways.checksums import crc16_modbus

VECTORS = Path(__file__).parents[3] / "vectors"


@pytest.mark.parametrize("vector", json.loads((VECTORS / "crc16-modbus.json").read_text())["vectors"])
def test_published_checksums(vector: dict[str, str]) -> None:
    crc = crc16_modbus(bytes.fromhex(vector["data"]))
    assert crc.to_bytes(2, "little" if vector["order"] == "little" else "big").hex() == vector["crc"]


@pytest.mark.parametrize("name", list(json.loads((VECTORS / "barrier-tcp.json").read_text())["frames"]))
def test_worked_frames_read_and_write_back(name: str) -> None:
    data = bytes.fromhex(json.loads((VECTORS / "barrier-tcp.json").read_text())["frames"][name])
    reader = FrameReader()
    reader.feed(data)
    frame = reader.next()
    assert frame is not None
    assert encode(frame) == data
    assert reader.next() is None
    assert reader.waiting == 0


GOOD = encode(Frame(0x30, 7, b"12345678"))


def spoiled(at: int, value: int) -> bytes:
    data = bytearray(GOOD)
    data[at] = value
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"\x00", Flaw.START),
        (spoiled(0, 0xA7), Flaw.START),
        (b"\xa6\x00\x02", Flaw.LENGTH),
        (b"\xa6\x02\x01", Flaw.LENGTH),
        (b"\xa6\xff\xff", Flaw.LENGTH),
        (spoiled(-1, 0xA8), Flaw.END),
        (spoiled(3, 0x31), Flaw.CRC),
        (spoiled(-2, GOOD[-2] ^ 1), Flaw.CRC),
        (spoiled(2, GOOD[2] - 1), Flaw.END),
    ],
)
def test_a_broken_frame_is_refused_by_its_rule_and_for_ever(data: bytes, flaw: Flaw) -> None:
    reader = FrameReader()
    reader.feed(GOOD + data)
    assert reader.next() == Frame(0x30, 7, b"12345678")
    for _ in range(2):
        with pytest.raises(BrokenFrame) as refusal:
            reader.next()
        assert refusal.value.flaw is flaw
        reader.feed(GOOD)
    assert reader.waiting == 0


def test_the_longest_frame_fits_and_one_byte_more_does_not() -> None:
    reader = FrameReader()
    longest = Frame(1, 65535, bytes(MAX_LENGTH - 3))
    reader.feed(encode(longest))
    assert reader.next() == longest
    with pytest.raises(ValueError, match="at most 512 bytes, not 513"):
        encode(Frame(1, 0, bytes(MAX_LENGTH - 2)))


def test_an_unfinished_frame_waits() -> None:
    reader = FrameReader()
    for byte in GOOD[:-1]:
        reader.feed(bytes([byte]))
        assert reader.next() is None
    assert reader.waiting == len(GOOD) - 1
    reader.feed(GOOD[-1:])
    assert reader.next() == Frame(0x30, 7, b"12345678")
