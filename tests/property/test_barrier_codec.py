"""The barrier codec takes any bytes at all: it gives frames or its own refusal, whatever the chopping."""

from collections.abc import Callable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from openberth.gateways.barriers import messages
from openberth.gateways.barriers.codec import MAX_LENGTH, BrokenFrame, Flaw, Frame, FrameReader, encode
from openberth.gateways.checksums import crc16_modbus
from openberth.kernel.errors import Malformed
from tests.wire.barrier_peer import crc, pack

frames = st.builds(
    Frame,
    type=st.integers(0, 255),
    sequence=st.integers(0, 65535),
    body=st.binary(max_size=MAX_LENGTH - 3),
)


def read(chunks: list[bytes]) -> tuple[list[Frame], Flaw | None]:
    reader = FrameReader()
    got: list[Frame] = []
    try:
        for chunk in chunks:
            reader.feed(chunk)
            while (frame := reader.next()) is not None:
                got.append(frame)
            assert reader.waiting < MAX_LENGTH + 6
    except BrokenFrame as broken:
        return got, broken.flaw
    return got, None


def chopped(data: bytes, cuts: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(marks)]


def code_of(reader: Callable[[bytes], object], payload: bytes) -> str | None:
    try:
        reader(payload)
    except Malformed as refusal:
        return refusal.code
    return None


cuts = st.lists(st.integers(0, 10_000), max_size=20)


@given(st.binary(max_size=600))
def test_the_checksum_is_the_one_computed_bit_by_bit(data: bytes) -> None:
    assert crc16_modbus(data) == crc(data)


@given(frames)
def test_frames_are_written_as_the_document_says(frame: Frame) -> None:
    assert encode(frame) == pack(frame.type, frame.sequence, frame.body)


@given(st.lists(frames, max_size=5), cuts)
def test_what_is_written_is_read_however_it_was_chopped(sent: list[Frame], where: list[int]) -> None:
    data = b"".join(encode(frame) for frame in sent)
    assert read(chopped(data, where)) == (sent, None)


@given(st.lists(frames, max_size=3), st.binary(max_size=1500), cuts)
def test_any_bytes_give_the_same_frames_and_the_same_flaw_however_chopped(
    sent: list[Frame], tail: bytes, where: list[int]
) -> None:
    data = b"".join(encode(frame) for frame in sent) + tail
    whole = read([data])
    assert read(chopped(data, where)) == whole
    assert read([bytes([byte]) for byte in data]) == whole
    assert whole[0][: len(sent)] == sent


@given(frames, st.integers(0, 8 * 520))
def test_one_flipped_bit_is_never_read_as_a_frame(frame: Frame, bit: int) -> None:
    data = bytearray(encode(frame))
    bit %= 8 * len(data)
    data[bit // 8] ^= 1 << bit % 8
    got, _ = read([bytes(data)])
    assert got == []


@given(frames, st.integers(1, 520))
def test_a_cut_frame_waits_for_the_rest(frame: Frame, missing: int) -> None:
    data = encode(frame)
    assert read([data[: max(0, len(data) - missing)]]) == ([], None)


@given(st.integers(0, 65535).filter(lambda length: not 3 <= length <= MAX_LENGTH), st.binary(max_size=50))
def test_a_length_out_of_bounds_is_refused_at_once(length: int, rest: bytes) -> None:
    assert read([b"\xa6" + length.to_bytes(2, "big") + rest]) == ([], Flaw.LENGTH)


@given(st.binary(max_size=100))
def test_payloads_are_read_or_refused(payload: bytes) -> None:
    for reader in (messages.read_hello, messages.read_result, messages.read_status):
        assert code_of(reader, payload) in (None, "barrier.malformed")
