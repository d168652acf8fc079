"""Display and voice boards of Fangkong (方控, "FK"): frames that show four lines and speak by codes of phrases.

Pure. Wire format: ``docs/devices/displays.md``. It was read in software that drives these boards (``FkRs485`` of
cheng1shao2yong/yunqi-smart-parking); no document of the maker is published. A frame is AAh 55h, a sequence of 1 to 100,
64h 00h, the command, two bytes of length with the high one first, the data, a CRC and AFh. The CRC is CRC-16/Modbus
from the sequence to the data and two zero bytes, its high byte first. Texts are GBK. What does not fit is refused as
``Unshowable``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

from openberth.gateways.checksums import crc16_modbus
from openberth.gateways.displays.texts import Unshowable, gbk

DATA_MAX = 255
LINES = 4
LINE_BYTES = 60
SEQUENCE_MAX = 100
VOLUME_MAX = 10

_START, _END = b"\xaa\x55", 0xAF
_TO_ALL = b"\x64\x00"


class Command(IntEnum):
    """What a frame tells the board."""

    SPEAK = 0x22
    ADVERT = 0x25
    SHOW = 0x29
    VOLUME = 0xF0


class Colour(IntEnum):
    """The colours of a board."""

    RED = 1
    GREEN = 2


class Phrase(Enum):
    """Those phrases of a board that we have it say, by their codes."""

    WELCOME = b"\x01"  # 欢迎光临
    SAFE_JOURNEY = b"\x02"  # 一路平安
    PLEASE_PAY = b"\x0b"  # 请缴费
    LEFT = b"\x12"  # 剩余
    A_PERSON_CONFIRMS = b"\x1f"  # 人工确认
    WELCOME_HOME = b"\x27"  # 欢迎回家
    GO_ON = b"\x28"  # 请通行
    NO_ENTRY = b"\x2b"  # 禁止通行
    PAID = b"\x7e\x18\x28\x02"  # 支付成功, 请通行, 一路平安
    SCAN = b"\x7f\x1b"  # 扫码


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its colour."""

    text: str
    colour: Colour = Colour.GREEN


def speak(parts: Sequence[Phrase | str], *, sequence: int) -> bytes:
    """Say phrases and, as texts, what is spelt: plates, numbers and their units."""
    data = b"".join(gbk(part, most=DATA_MAX) if isinstance(part, str) else part.value for part in parts)
    return _frame(Command.SPEAK, data, sequence)


def show(shown: Sequence[Line], *, seconds: int, sequence: int) -> bytes:
    """Show four lines for so many seconds; those that are not given are empty."""
    if len(shown) > LINES:
        raise Unshowable(f"a board has {LINES} lines, not {len(shown)}")
    if not 1 <= seconds <= 255:
        raise Unshowable(f"lines are shown for 1 to 255 s, not {seconds}")
    data = b""
    for one in (*shown, *(Line("") for _ in range(LINES - len(shown)))):
        text = gbk(one.text, most=LINE_BYTES)
        data += bytes((seconds, one.colour, len(text))) + text
    return _frame(Command.SHOW, data, sequence)


def advert(number: int, shown: Line, *, sequence: int) -> bytes:
    """Keep what a line, counted from 0, shows while nothing else is to be shown."""
    if not 0 <= number < LINES:
        raise Unshowable(f"lines are counted from 0 to {LINES - 1}, there is no line {number}")
    head = bytes((number + 1, shown.colour, 0))
    return _frame(Command.ADVERT, head + gbk(shown.text, most=DATA_MAX - len(head)), sequence)


def volume(level: int, *, sequence: int) -> bytes:
    """Set the volume, 0 to 10."""
    if not 0 <= level <= VOLUME_MAX:
        raise Unshowable(f"the volume is 0 to {VOLUME_MAX}, not {level}")
    return _frame(Command.VOLUME, bytes((level,)), sequence)


def spelt(number: int) -> str:
    """Return a number as a board says it, digit by digit with its tens and hundreds: 205 is 2百05.

    Raises ``Unshowable`` for what has more than four digits.
    """
    if not 0 <= number <= 9_999:
        raise Unshowable(f"a board says 0 to 9999, not {number}")
    digits = str(number)
    said = [
        digit if digit == "0" else digit + unit
        for digit, unit in zip(digits, "千百十"[4 - len(digits) :] + " ", strict=True)
    ]
    joined = "".join(said).replace(" ", "")
    while "00" in joined:
        joined = joined.replace("00", "0")
    return joined.rstrip("0") if number % 10 == 0 and number else joined


def _frame(command: Command, data: bytes, sequence: int) -> bytes:
    if len(data) > DATA_MAX:
        raise Unshowable(f"a frame holds {DATA_MAX} bytes, not {len(data)}")
    if not 1 <= sequence <= SEQUENCE_MAX:
        raise Unshowable(f"frames are numbered from 1 to {SEQUENCE_MAX}, there is no {sequence}")
    checked = bytes((sequence,)) + _TO_ALL + bytes((command,)) + len(data).to_bytes(2, "big") + data
    return _START + checked + crc16_modbus(checked + bytes(2)).to_bytes(2, "big") + bytes((_END,))
