"""What hangs on a camera's serial ports: a display that speaks, of one of two makers, and a board of free spaces.

It reads frames as the makers' documents describe them (``docs/devices/displays.md``) and keeps what a driver would read
and hear. Frames that are broken are counted and change nothing, as the real ones ignore them.
"""

from collections import deque
from dataclasses import dataclass, field

from openberth.simulator.devices.barrier_wire import crc16_modbus

LINES = 4
HEARD_MAX = 50  # phrases a controller of the first maker queues

_FIRST_MAKER = b"\x00\x64\xff\xff"
_SECOND_MAKER = b"\xaa\x55"
_BOARD = 0x3A
_SAID_BY_CODE = {
    b"\x01": "欢迎光临",
    b"\x02": "一路平安",
    b"\x0b": "请缴费",
    b"\x0f": "已过期",
    b"\x12": "剩余",
    b"\x14": "请入场停车",
    b"\x1f": "人工确认",
    b"\x23\x04": "余额不足",
    b"\x27": "欢迎回家",
    b"\x28": "请通行",
    b"\x2b": "禁止通行",
    b"\x7e\x18\x28\x02": "支付成功",
    b"\x7f\x19": "临",
    b"\x7f\x1b": "扫码",
}


class _Broken(ValueError):
    pass


@dataclass(slots=True)
class Display:
    """What stands on a display now and what it has said, newest last. ``frames`` counts those it understood."""

    lines: list[str] = field(default_factory=lambda: [""] * LINES)
    colours: list[str] = field(default_factory=lambda: [""] * LINES)
    adverts: list[str] = field(default_factory=lambda: [""] * LINES)
    heard: deque[str] = field(default_factory=lambda: deque(maxlen=HEARD_MAX))
    code: str = ""
    below_code: str = ""
    brightness: int = 0
    volume: int = 0
    clock: tuple[int, ...] = ()
    number: int | None = None
    number_colour: int = 0
    frames: int = 0
    broken: int = 0
    interrupted: int = 0

    def read(self, data: bytes) -> None:
        """Take what came over the line, frame by frame."""
        rest = data
        while rest:
            try:
                rest = self._frame(rest)
            except (_Broken, IndexError, UnicodeDecodeError):
                self.broken += 1
                return
            self.frames += 1

    @property
    def text(self) -> str:
        """Return what a driver reads: the lines that are not empty."""
        return "\n".join(line for line in self.lines if line)

    def _frame(self, data: bytes) -> bytes:
        if data.startswith(_FIRST_MAKER):
            size = 6 + data[5] + 2
            if len(data) < size or int.from_bytes(data[size - 2 : size], "little") != crc16_modbus(data[: size - 2]):
                raise _Broken
            self._first(data[4], data[6 : size - 2])
            return data[size:]
        if data.startswith(_SECOND_MAKER):
            size = 8 + int.from_bytes(data[6:8], "big") + 3
            if len(data) < size or data[size - 1] != 0xAF or not 1 <= data[2] <= 100 or data[3:5] != b"\x64\x00":
                raise _Broken
            if int.from_bytes(data[size - 3 : size - 1], "big") != crc16_modbus(data[2 : size - 3] + b"\0\0"):
                raise _Broken
            self._second(data[5], data[8 : size - 3])
            return data[size:]
        if data[0] == _BOARD and len(data) >= 7 and data[6] == 0x0A and data[5] == sum(data[:5]) & 0xFF:
            self.number_colour, self.number = data[1], data[2] | data[3] << 8
            return data[7:]
        raise _Broken

    def _first(self, command: int, data: bytes) -> None:
        match command:
            case 0x05:
                self.clock = (data[0] | data[1] << 8, *data[2:8])
            case 0x0C if 10 <= data[0] <= 100:
                self.brightness = data[0]
            case 0x0D if 10 <= data[0] <= 100:
                self.volume = data[0]
            case 0x30:
                if data[0] == 2 and self.heard:
                    self.interrupted += 1
                self._hear(data[1:])
            case 0x31:
                self.interrupted += 1
            case 0x62:
                self._put(data[0], data[19 : 19 + data[17]], data[9:13])
            case 0x67:
                self.adverts[data[0]] = _gbk(data[20 : 20 + data[18]])
            case 0x6E:
                self._lines(data, count=data[1], start=2, head=5)
            case 0x6F:
                self._lines(data, count=data[2], start=3, head=7)
            case 0xE1:
                self._payment(data)
            case _:
                raise _Broken

    def _lines(self, data: bytes, *, count: int, start: int, head: int) -> None:
        """Read lines with ``head`` bytes before their colour, and the voice behind them. All are shown or none."""
        at, found = start, list[tuple[int, bytes, bytes]]()
        for number in range(count):
            colour = data[at + head : at + head + 4]
            length = data[at + head + 4]
            text = data[at + head + 5 : at + head + 5 + length]
            end = at + head + 5 + length
            if len(text) != length or data[end] != (0x00 if number == count - 1 else 0x0D):
                raise _Broken
            found.append((data[at], text, colour))
            at = end + 1
        voice = data[at + 2 : at + 2 + data[at + 1]] if data[at] == 0x0A else b""
        self.lines = [""] * LINES
        for line, text, colour in found:
            self._put(line, text, colour)
        if voice:
            self._hear(voice)

    def _put(self, number: int, text: bytes, colour: bytes) -> None:
        self.lines[number] = _gbk(text)
        self.colours[number] = {b"\xff\x00\x00": "red", b"\x00\xff\x00": "green", b"\xff\xff\x00": "yellow"}.get(
            colour[:3], colour.hex()
        )

    def _payment(self, data: bytes) -> None:
        code, below = data[13], data[14]
        if len(data) != 34 + code + below or data[32 + code] or data[-1]:
            raise _Broken
        self.code = _gbk(data[32 : 32 + code]) if data[0] else ""
        self.below_code = _gbk(data[33 + code : 33 + code + below])
        if data[15] & 1:
            self._hear(data[33 + code : 33 + code + below])

    def _second(self, command: int, data: bytes) -> None:
        match command:
            case 0x22:
                self.heard.append(_spoken(data))
            case 0x25:
                self.adverts[data[0] - 1] = _gbk(data[3:])
            case 0x29:
                at = 0
                for number in range(LINES):
                    length = data[at + 2]
                    self.lines[number] = _gbk(data[at + 3 : at + 3 + length])
                    self.colours[number] = {1: "red", 2: "green"}.get(data[at + 1], "")
                    at += 3 + length
                if at != len(data):
                    raise _Broken
            case 0xF0:
                self.volume = data[0]
            case _:
                raise _Broken

    def _hear(self, said: bytes) -> None:
        self.heard.append(_gbk(said))


def _gbk(data: bytes) -> str:
    return data.decode("gbk").strip()


def _spoken(data: bytes) -> str:
    """Return what the second maker's board says: codes of phrases between texts that it spells."""
    said, at = "", 0
    while at < len(data):
        code = next((code for code in sorted(_SAID_BY_CODE, key=len, reverse=True) if data.startswith(code, at)), b"")
        if code:
            said, at = said + _SAID_BY_CODE[code], at + len(code)
        elif data[at] >= 0x81:
            said, at = said + _gbk(data[at : at + 2]), at + 2
        else:
            said, at = said + chr(data[at]), at + 1
    return said
