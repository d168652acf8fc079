import base64

import pytest

from openberth.simulator.picture import flat_jpeg, picture_base64

# Decoded with Pillow 12: 32 x 32, one component, every pixel 77.
KNOWN = flat_jpeg(77)


def test_a_picture_is_a_complete_baseline_jpeg() -> None:
    assert KNOWN.startswith(b"\xff\xd8\xff\xe0\x00\x10JFIF\0")
    assert KNOWN.endswith(b"\xff\xd9")
    assert b"\xff\xc0\x00\x0b\x08\x00\x20\x00\x20\x01\x01\x11\x00" in KNOWN
    assert len(KNOWN) == 177


def _dc_level(jpeg: bytes) -> int:
    """Decode the first block by hand: a 4-bit size, that many bits, in the manner of ITU-T T.81 F.2.2.1."""
    begin = jpeg.index(b"\xff\xda") + 10
    bits = "".join(f"{byte:08b}" for byte in jpeg[begin:-2].replace(b"\xff\x00", b"\xff"))
    size = int(bits[:4], 2)
    amount = int(bits[4 : 4 + size], 2) if size else 0
    return 128 + (amount if not size or bits[4] == "1" else amount - (1 << size) + 1)


@pytest.mark.parametrize("grey", [0, 1, 77, 127, 128, 129, 200, 255])
def test_it_is_as_grey_as_asked_for(grey: int) -> None:
    assert _dc_level(flat_jpeg(grey)) == grey


def test_padding_makes_it_as_big_as_a_real_one() -> None:
    assert len(flat_jpeg(9, padding=200_000)) > 200_000
    assert base64.b64decode(picture_base64(9, 1_000)) == flat_jpeg(9, padding=1_000)


@pytest.mark.parametrize(("grey", "blocks"), [(256, 4), (-1, 4), (0, 0), (0, 65)])
def test_nonsense_is_refused(grey: int, blocks: int) -> None:
    with pytest.raises(ValueError, match="grey"):
        flat_jpeg(grey, blocks=blocks)
