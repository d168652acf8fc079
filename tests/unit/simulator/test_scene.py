import base64
import io

import pytest
from PIL import Image

from openberth.simulator.scene import HEIGHT, PLATE_BOX, WIDTH, drawn


def seen(picture: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(picture)))


def test_a_camera_sees_a_car_and_cuts_its_plate_out() -> None:
    shots = drawn(3, "粤B12345", 1)
    assert seen(shots.full).size == (WIDTH, HEIGHT)
    left, top, right, bottom = PLATE_BOX
    assert seen(shots.cut).size == (right - left, bottom - top)
    assert drawn(3, "粤B12345", 1) is shots


@pytest.mark.parametrize("text", ["_无_", "", "@abc", "粤"])
def test_a_plate_that_was_not_read_shows_no_signs(text: str) -> None:
    legible, unread = seen(drawn(4, "粤B12345", 1).cut), seen(drawn(4, text, 1).cut)
    assert len(unread.convert("L").getcolors(65_536) or ()) < len(legible.convert("L").getcolors(65_536) or ())
