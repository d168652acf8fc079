"""Display and voice controllers OLM of Kefa (科发, "KF"): frames that show lines, speak, and show payment codes. Pure.

Wire format: ``docs/devices/displays.md``, after the maker's "显示屏通信协议" v2.0 to v2.6
(https://blog.sdlinka.com/2465.html). A frame is address, version 64h, packet FFFFh (the only one), command, one byte of
length, at most 255 bytes of data, and CRC-16/Modbus of all of it with the low byte first. Texts are GBK. What does not
fit is refused as ``Unshowable``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from openberth.gateways.checksums import crc16_modbus
from openberth.gateways.displays.texts import Unshowable, gbk

DATA_MAX = 255
LINES_MAX = 4
LINE_BYTES = 32  # of a line in a frame of several lines
TEXT_BYTES = DATA_MAX - 19  # of a line in a frame of its own
ADVERT_BYTES = DATA_MAX - 20
VOICE_BYTES = DATA_MAX - 1
CODE_BYTES = DATA_MAX - 34  # of a code and the words below it, together

_HEAD = b"\x00\x64\xff\xff"  # the first display, version 1.0.0, one packet
_SPEED, _FOR_EVER, _FONT = 1, 0, 3  # as in the maker's examples; font 3 is 16 dots high
_VOICE = 0x0A
_NEXT_LINE, _END = 0x0D, 0x00


class Command(IntEnum):
    """What a frame tells the controller."""

    SET_TIME = 0x05
    BRIGHTNESS = 0x0C
    VOLUME = 0x0D
    SPEAK = 0x30
    STOP_SPEAKING = 0x31
    LINE = 0x62
    ADVERT = 0x67
    LINES_OLD = 0x6E
    LINES = 0x6F
    PAYMENT_CODE = 0xE1


class Say(IntEnum):
    """What becomes of what is being said."""

    LATER = 0  # it is put behind it, and nothing begins
    NEXT = 1  # it is put behind it
    INSTEAD = 2  # it is cut off


@dataclass(frozen=True, slots=True)
class Colour:
    """Red, green and blue, 0 to 255 each; displays of two colours have red and green."""

    red: int
    green: int
    blue: int = 0

    @property
    def bytes(self) -> bytes:
        """Return the colour as it stands in frames."""
        return bytes((self.red, self.green, self.blue, 0))


RED, GREEN, YELLOW = Colour(255, 0), Colour(0, 255), Colour(255, 255)


class Mode(IntEnum):
    """How a line comes."""

    AT_ONCE = 0x00  # what is too wide follows on the next screen
    FROM_RIGHT = 0x01
    MOVING = 0x15  # it goes through to the left, again and again


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its colour, how it comes, and how long it stays before it comes again."""

    text: str
    colour: Colour = RED
    mode: Mode = Mode.AT_ONCE
    stays_s: int = 5


def speak(text: str, say: Say = Say.NEXT) -> bytes:
    """Say phrases that the controller knows, with commas between them: plates, sums and times among them."""
    return _frame(Command.SPEAK, bytes((say,)) + gbk(text, most=VOICE_BYTES, what="voice"))


def stop_speaking() -> bytes:
    """Be silent, and forget what was to be said."""
    return _frame(Command.STOP_SPEAKING, b"")


def line(number: int, shown: Line) -> bytes:
    """Show a line by itself, 0 is the top one; the others stay. It does not outlast a loss of power."""
    text = gbk(shown.text, most=TEXT_BYTES)
    head = bytes((_number(number), shown.mode, _SPEED, 0, shown.stays_s, 0, _SPEED, _FONT, _FOR_EVER))
    return _frame(Command.LINE, head + shown.colour.bytes + bytes(4) + len(text).to_bytes(2, "little") + text)


def advert(number: int, shown: Line) -> bytes:
    """Keep what a line shows while nothing else is to be shown: in flash, which does not bear being written often."""
    text = gbk(shown.text, most=ADVERT_BYTES)
    head = bytes((_number(number), 0, 0x0C, shown.mode, _SPEED, 0, shown.stays_s, shown.mode, _SPEED, _FONT))
    return _frame(Command.ADVERT, head + shown.colour.bytes + bytes(4) + len(text).to_bytes(2, "little") + text)


def lines(shown: Sequence[Line], voice: str = "") -> bytes:
    """Show up to four lines and say something, in one frame. Controllers before v2.0 do not know it: ``lines_old``."""
    parts = [bytes((0, 0, _count(shown)))]
    for number, one in enumerate(shown):
        text = gbk(one.text, most=LINE_BYTES)
        head = bytes((number, one.mode, _SPEED, one.stays_s, _FOR_EVER, _FONT, 0))
        parts.append(head + one.colour.bytes + bytes((len(text),)) + text + _closed(number, shown))
    return _frame(Command.LINES, b"".join(parts) + _voice(voice))


def lines_old(shown: Sequence[Line], voice: str = "") -> bytes:
    """Show up to four lines and say something, as controllers before v2.0 know it."""
    parts = [bytes((0, _count(shown)))]
    for number, one in enumerate(shown):
        text = gbk(one.text, most=LINE_BYTES)
        head = bytes((number, one.mode, _SPEED, one.stays_s, _FOR_EVER))
        parts.append(head + one.colour.bytes + bytes((len(text),)) + text + _closed(number, shown))
    return _frame(Command.LINES_OLD, b"".join(parts) + (_voice(voice) if voice else bytes(2)))


def payment_code(content: str, below: str = "", *, seconds: int = 0, small: bool = False, aloud: bool = False) -> bytes:
    """Show a code with words below it, for so many seconds (0: until something else comes).

    The code takes 49 × 49 dots, a ``small`` one 32 × 32; ``aloud`` says the words, too.
    """
    if not 0 <= seconds <= 255:
        raise Unshowable(f"a code is shown for 0 to 255 s, not {seconds}")
    code = gbk(content, most=CODE_BYTES, what="code")
    text = gbk(below, most=CODE_BYTES - len(code), what="text below the code")
    head = bytes((1, 0, 0, seconds, 0)) + bytes(8) + bytes((len(code), len(text), 0x80 | aloud, small)) + bytes(15)
    return _frame(Command.PAYMENT_CODE, head + code + b"\0" + text + b"\0")


def hide_code() -> bytes:
    """Go back from a code to the lines."""
    return _frame(Command.PAYMENT_CODE, bytes(13) + bytes((0, 0, 0x80, 0)) + bytes(17))


def brightness(percent: int) -> bytes:
    """Set the brightness, 10 to 100 %."""
    return _frame(Command.BRIGHTNESS, bytes((_percent(percent, "brightness"),)))


def volume(percent: int) -> bytes:
    """Set the volume, 10 to 100 %."""
    return _frame(Command.VOLUME, bytes((_percent(percent, "volume"),)))


def set_time(local: datetime) -> bytes:
    """Set the controller's clock to a wall clock's time; its week begins on Sunday, the first day."""
    if not 1970 <= local.year <= 2099:
        raise Unshowable(f"a controller knows the years 1970 to 2099, not {local.year}")
    weekday = local.isoweekday() % 7 + 1
    parts = (local.month, local.day, weekday, local.hour, local.minute, local.second)
    return _frame(Command.SET_TIME, local.year.to_bytes(2, "little") + bytes(parts))


def _frame(command: Command, data: bytes) -> bytes:
    if len(data) > DATA_MAX:
        raise Unshowable(f"a frame holds {DATA_MAX} bytes, not {len(data)}")
    checked = _HEAD + bytes((command, len(data))) + data
    return checked + crc16_modbus(checked).to_bytes(2, "little")


def _voice(text: str) -> bytes:
    said = gbk(text, most=VOICE_BYTES, what="voice")
    return bytes((_VOICE, len(said))) + said + b"\0"


def _closed(number: int, shown: Sequence[Line]) -> bytes:
    return bytes((_END if number == len(shown) - 1 else _NEXT_LINE,))


def _count(shown: Sequence[Line]) -> int:
    if not 1 <= len(shown) <= LINES_MAX:
        raise Unshowable(f"a frame shows 1 to {LINES_MAX} lines, not {len(shown)}")
    return len(shown)


def _number(number: int) -> int:
    if not 0 <= number < LINES_MAX:
        raise Unshowable(f"lines are counted from 0 to {LINES_MAX - 1}, there is no line {number}")
    return number


def _percent(value: int, what: str) -> int:
    if not 10 <= value <= 100:
        raise Unshowable(f"the {what} is 10 to 100 %, not {value}")
    return value
