"""Words that several makes share: plates, their colours, Chinese text as bytes, instants as texts. Pure.

What cannot be used is noted as a flaw and costs no recognition.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256

from openberth.contexts.stays.recognition import Picture, PlateColour
from openberth.kernel.plates import PROVINCES
from openberth.kernel.time import SECOND_US, Instant

MAX_PLATE = 16
MAX_SECOND = 1 << 33  # the year 2242: beyond, a clock is no clock
_MAX_INSTANT_TEXT = 40
_UNREAD = frozenset(
    {"", "_无_", "无", "无牌", "无牌车", "未识别", "unknown", "unlicensed", "noplate", "no plate", "null", "none"}
)
# Cameras for the Chinese market write the colour before the plate: 蓝苏A8HK52.
_COLOUR_SIGNS = "蓝黄白黑绿"
_COLOURS: Mapping[str, PlateColour] = {
    "蓝": PlateColour.BLUE,
    "蓝色": PlateColour.BLUE,
    "blue": PlateColour.BLUE,
    "黄": PlateColour.YELLOW,
    "黄色": PlateColour.YELLOW,
    "yellow": PlateColour.YELLOW,
    "白": PlateColour.WHITE,
    "白色": PlateColour.WHITE,
    "white": PlateColour.WHITE,
    "黑": PlateColour.BLACK,
    "黑色": PlateColour.BLACK,
    "black": PlateColour.BLACK,
    "绿": PlateColour.GREEN,
    "绿色": PlateColour.GREEN,
    "green": PlateColour.GREEN,
    "newenergygreen": PlateColour.GREEN,
    "newenergy": PlateColour.GREEN,
    "黄绿": PlateColour.YELLOW_GREEN,
    "黄绿色": PlateColour.YELLOW_GREEN,
    "yellowgreen": PlateColour.YELLOW_GREEN,
    "newenergyyellowgreen": PlateColour.YELLOW_GREEN,
}


def chinese(data: bytes) -> str:
    """Return a text that is UTF-8 or, on older firmware, GBK; what is neither shows replacement characters."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def colour_of(word: str | None) -> PlateColour:
    """Return the colour that a word in Chinese or English means, unknown for any other word."""
    plain = (word or "").strip().lower().replace("_", "").replace("-", "").replace(" ", "")
    return _COLOURS.get(plain.removeprefix("车牌"), PlateColour.UNKNOWN)


def plate_of(text: str | None, flaws: list[str]) -> str | None:
    """Return what was read, None when nothing was; what cannot be a plate is nothing and noted."""
    plate = (text or "").strip()
    if plate.lower() in _UNREAD:
        return None
    if len(plate) > MAX_PLATE or not plate.isprintable() or "\ufffd" in plate:
        flaws.append("plate.unreadable")
        return None
    if len(plate) > 2 and plate[0] in _COLOUR_SIGNS and plate[1] in PROVINCES:
        return plate[1:]
    return plate


def percent_of(value: float | str | None, flaws: list[str]) -> int:
    """Return a confidence as whole percent, whether the camera says 97, "97.4" or nothing (0)."""
    if value is None or value == "":
        return 0
    try:
        whole = int(str(value)[:12].split(".", 1)[0])
    except ValueError:
        flaws.append("confidence")
        return 0
    if not 0 <= whole <= 100:
        flaws.append("confidence")
    return min(max(whole, 0), 100)


def second_of(value: str, flaws: list[str]) -> Instant:
    """Return the instant of seconds since 1970 as digits; without a usable one it is 1970, and noted."""
    if value.isascii() and value.isdigit() and len(value) <= 13:
        number = int(value)
        number = number // 1_000 if number >= MAX_SECOND else number
        if 0 < number < MAX_SECOND:
            return Instant(number * SECOND_US)
    return _no_clock(flaws)


def instant_of(text: str | None, flaws: list[str]) -> tuple[Instant, bool]:
    """Return the instant of an ISO 8601 or ``2026-11-22 08:00:00.123`` text, and whether it is the camera's wall clock.

    A wall clock has no offset: its digits are returned as if they were UTC, and who knows the lot's zone puts them
    right. Without a usable text it is 1970, and noted.
    """
    if not text or len(text) > _MAX_INSTANT_TEXT:
        return _no_clock(flaws), False
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        return _no_clock(flaws), False
    is_local = read.tzinfo is None
    try:
        since = read.replace(tzinfo=UTC) if is_local else read.astimezone(UTC)
    except (OverflowError, ValueError):
        return _no_clock(flaws), False
    elapsed = since - datetime(1970, 1, 1, tzinfo=UTC)
    micros = (elapsed.days * 86_400 + elapsed.seconds) * SECOND_US + elapsed.microseconds
    if not 0 < micros < MAX_SECOND * SECOND_US:
        return _no_clock(flaws), False
    return Instant(micros), is_local


def record_name(captured_at: Instant, *read: str | None, pictures: Iterable[Picture] = ()) -> str:
    """Return a name for a record to which its camera gives none: the same record sent again has the same one.

    It is the instant, and four characters that tell records of one instant apart and are too few to find a plate by.
    Without a clock the pictures take its place.
    """
    told = sha256("\x1f".join(part or "" for part in read).encode("utf-8", "replace"))
    if captured_at:
        return f"{captured_at // 1_000}-{told.hexdigest()[:4]}"
    seen = sha256()
    for picture in pictures:
        seen.update(picture.jpeg)
    return f"{seen.hexdigest()[:16]}-{told.hexdigest()[:4]}"


def _no_clock(flaws: list[str]) -> Instant:
    flaws.append("clock")
    return Instant(0)
