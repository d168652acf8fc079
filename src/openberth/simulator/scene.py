"""What a camera at a lane would see, drawn: a road, a car and its plate. For people who look at pages, not for load."""

import base64
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 400
PLATE_BOX = (248, 262, 392, 300)
_PAINTS = ("#c9ced4", "#2f3a45", "#8c1c1c", "#1d4e7a", "#e9e6df", "#3f5c46", "#6b6f76", "#b08a3c")
# colorType of the wire: what a plate is painted in, and its signs.
_PLATES = {1: ("#1a4fa3", "#ffffff"), 2: ("#f2c230", "#111111"), 3: ("#f4f4f4", "#111111"), 4: ("#141414", "#ffffff"),
           5: ("#59b56f", "#111111"), 6: ("#59b56f", "#111111")}  # fmt: skip
# Fonts that know the signs of provinces, where a machine has one; without, a plate shows its letters.
_CHINESE = ("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc", "/System/Library/Fonts/PingFang.ttc",
            "C:/Windows/Fonts/msyhbd.ttc")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shots:
    """The two pictures of a recognition as cameras put them into JSON: the scene, and the plate cut out of it."""

    full: str
    cut: str


@lru_cache(maxsize=512)
def drawn(number: int, text: str, colour: int) -> Shots:
    """Return the pictures of a car by its number at the camera, with its plate; none is legible when none was read."""
    scene = _road(number)
    draw = ImageDraw.Draw(scene)
    _car(draw, _PAINTS[number % len(_PAINTS)])
    _plate(draw, text, colour)
    return Shots(_encoded(scene), _encoded(scene.crop(PLATE_BOX)))


def _road(number: int) -> Image.Image:
    is_dusk = number % 3 == 0
    scene = Image.new("RGB", (WIDTH, HEIGHT), "#5c6670" if is_dusk else "#9fb2c1")
    draw = ImageDraw.Draw(scene)
    draw.polygon([(0, HEIGHT), (170, 120), (470, 120), (WIDTH, HEIGHT)], fill="#4a4f55" if is_dusk else "#6d7278")
    draw.rectangle((0, 96, WIDTH, 122), fill="#3d4a43" if is_dusk else "#6f8f6f")
    for top in range(130, HEIGHT, 60):
        draw.polygon([(314, top), (326, top), (330, top + 30), (310, top + 30)], fill="#d8d8d0")
    draw.rectangle((560, 150, 580, 330), fill="#d9a43b")  # the barrier's post
    draw.text((12, 10), f"OpenBerth  #{number}", fill="#ffffff", font=_font(16, chinese=False))
    return scene


def _car(draw: ImageDraw.ImageDraw, paint: str) -> None:
    draw.ellipse((180, 300, 460, 348), fill="#33373b")  # its shadow
    draw.rounded_rectangle((186, 296, 234, 340), 10, fill="#1b1b1d")
    draw.rounded_rectangle((406, 296, 454, 340), 10, fill="#1b1b1d")
    draw.polygon([(232, 148), (408, 148), (446, 216), (194, 216)], fill="#1c2730")
    draw.polygon([(240, 154), (400, 154), (430, 210), (210, 210)], fill="#41586a")
    draw.rounded_rectangle((178, 208, 462, 318), 22, fill=paint)
    draw.rounded_rectangle((248, 226, 392, 252), 8, fill="#15181b")
    for left in (194, 398):
        draw.rounded_rectangle((left, 224, left + 48, 250), 10, fill="#fff6cf")
    draw.rectangle((178, 306, 462, 318), fill="#202428")


def _plate(draw: ImageDraw.ImageDraw, text: str, colour: int) -> None:
    ground, ink = _PLATES.get(colour, _PLATES[1])
    left, top, right, bottom = PLATE_BOX
    draw.rounded_rectangle(PLATE_BOX, 5, fill=ground, outline="#e8e8e8", width=2)
    province, rest = text[:1], text[1:]
    if not rest.isascii() or not rest.isalnum():
        return  # nothing was read: there is no plate, or mud on it
    has_province = bool(_chinese())
    words = f"{province}{rest[:1]}·{rest[1:]}" if has_province else f"{rest[:1]}·{rest[1:]}"
    font = _font(26, chinese=has_province)
    draw.text(((left + right) / 2, (top + bottom) / 2), words, fill=ink, font=font, anchor="mm")


@lru_cache(maxsize=1)
def _chinese() -> str:
    return next((path for path in _CHINESE if Path(path).is_file()), "")


@lru_cache(maxsize=4)
def _font(size: int, *, chinese: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.truetype(_chinese(), size) if chinese else ImageFont.load_default(size)


def _encoded(picture: Image.Image) -> str:
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=70)
    return base64.b64encode(target.getvalue()).decode("ascii")
