"""Boards of free spaces by Xunpeng (讯鹏): a number and its colour. Pure.

Wire format: ``docs/devices/displays.md``, after the maker's page
(http://m.zhiliandun.com/index.php/proview-133-10.html): 3Ah, colour, the number with its low byte first, an information
code, a sum, 0Ah. The sum is of all bytes before it, modulo 256. 9600 baud, 8N1.
"""

from enum import IntEnum

from openberth.gateways.displays.texts import Unshowable

NUMBER_MAX = 0xFFFF
_START, _SHOW, _END = 0x3A, 0x01, 0x0A


class Colour(IntEnum):
    """The colours of the digits."""

    GREEN = 0
    YELLOW = 1
    RED = 2


def show(number: int, colour: Colour = Colour.GREEN) -> bytes:
    """Show a number, 0 to 65535."""
    if not 0 <= number <= NUMBER_MAX:
        raise Unshowable(f"a board shows 0 to {NUMBER_MAX}, not {number}")
    summed = bytes((_START, colour)) + number.to_bytes(2, "little") + bytes((_SHOW,))
    return summed + bytes((sum(summed) & 0xFF, _END))
