"""Displays at lanes: which there are, what they are for, and the texts that a lot gives them. Pure.

A display hangs on a serial port of its lane's camera, or its device draws the lines itself. What a lane has to say is
one of a few moments; each has texts in both languages, the house's or the lot's own. In a text ``{plate}`` and its like
stand for what is known of the car; a line whose value is not known is left out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

LINES_MAX = 4
LINE_MAX = 32  # half-width characters of a line, what every maker's display takes
PORT_MAX = 3
COLUMNS_MAX = 32

_PLACE = re.compile(r"\{([a-z]*)\}")


class Maker(StrEnum):
    """Whose frames a display understands."""

    KF = "kf"  # Kefa (科发), controllers of v2.0 and later
    KF_OLD = "kf_old"  # Kefa before v2.0
    KF_LINES = "kf_lines"  # Kefa, each line in a frame of its own: what all versions and many copies understand
    FK = "fk"  # Fangkong (方控)
    PLAIN = "plain"  # the device draws the lines itself


class BoardColour(StrEnum):
    """How the number on a board of free spaces is lit."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class Tongue(StrEnum):
    """A language of displays."""

    ZH = "zh"
    EN = "en"


class Moment(StrEnum):
    """What a lane has to say."""

    IDLE_ENTRY = "idle_entry"
    IDLE_EXIT = "idle_exit"
    IDLE_INNER = "idle_inner"
    WELCOME = "welcome"
    WELCOME_PERMIT = "welcome_permit"
    SCAN_TO_ENTER = "scan_to_enter"
    FULL = "full"  # also while nobody stands there
    CLOSED = "closed"  # also while nobody stands there
    NO_ENTRY = "no_entry"
    PAY = "pay"
    PAID = "paid"
    GOODBYE = "goodbye"
    GOODBYE_PERMIT = "goodbye_permit"
    SCAN_TO_LEAVE = "scan_to_leave"
    WAIT = "wait"  # a person looks
    GO_ON = "go_on"
    ADVERT = "advert"  # of no lane: what a display keeps in its own memory while nobody tells it anything


_ANYWHERE = frozenset(("lot", "lane", "free"))
_OF_A_CAR = _ANYWHERE | {"plate", "class"}
_OF_A_STAY = _OF_A_CAR | {"stay"}
PLACES: Mapping[Moment, frozenset[str]] = {
    Moment.IDLE_ENTRY: _ANYWHERE,
    Moment.IDLE_EXIT: _ANYWHERE,
    Moment.IDLE_INNER: _ANYWHERE,
    Moment.FULL: _ANYWHERE,
    Moment.CLOSED: _ANYWHERE,
    Moment.WELCOME: _OF_A_CAR,
    Moment.WELCOME_PERMIT: _OF_A_CAR | {"days"},
    Moment.SCAN_TO_ENTER: _ANYWHERE,
    Moment.NO_ENTRY: _OF_A_CAR,
    Moment.PAY: _OF_A_STAY | {"fee", "arrears"},
    Moment.PAID: _OF_A_STAY,
    Moment.GOODBYE: _OF_A_STAY,
    Moment.GOODBYE_PERMIT: _OF_A_STAY | {"days"},
    Moment.SCAN_TO_LEAVE: _ANYWHERE,
    Moment.WAIT: _OF_A_CAR,
    Moment.GO_ON: _OF_A_CAR,
    Moment.ADVERT: frozenset(("lot", "lane")),  # nothing that changes: that memory does not bear being written often
}


@dataclass(frozen=True, slots=True)
class Volume:
    """How loud a display speaks, in percent, by day and by night; 0 is silent.

    The night is from ``night_from`` to ``night_to``, minutes of the lot's own day; both equal: there is no night.
    """

    day: int = 70
    night: int = 30
    night_from: int = 22 * 60
    night_to: int = 7 * 60

    def at(self, minute: int) -> int:
        """Return how loud it is at a minute of the day."""
        start, end = self.night_from, self.night_to
        night = start <= minute < end if start <= end else minute >= start or minute < end
        return self.night if night else self.day


@dataclass(frozen=True, slots=True)
class Screen:
    """A display at a lane. ``device`` is the code of the device it hangs on, None for the lane's first camera.

    ``columns`` are half-width characters of a line, a Chinese character takes two. ``code``: it can show a code to pay
    by. ``languages``: what the first says comes first, the lines that are left are the second's.
    """

    lane: str
    maker: Maker
    device: str | None = None
    port: int = 0
    lines: int = 4
    columns: int = 16
    languages: tuple[Tongue, ...] = (Tongue.ZH, Tongue.EN)
    volume: Volume = Volume()
    brightness: int = 80
    code: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A board of free spaces behind a serial port of a lane's device: those of an area, or of the lot.

    It turns to ``scarce_colour`` when so many are left or fewer, and to red at none.
    """

    lane: str
    device: str | None = None
    port: int = 1
    area: str | None = None
    colour: BoardColour = BoardColour.GREEN
    scarce_colour: BoardColour = BoardColour.YELLOW
    scarce: int = 10


@dataclass(frozen=True, slots=True)
class OwnText:
    """What a lot's displays say at a moment instead of the house's text; ``lanes`` empty: all of them."""

    moment: Moment
    zh: tuple[str, ...]
    en: tuple[str, ...]
    lanes: tuple[str, ...] = ()

    def lines(self, tongue: Tongue) -> tuple[str, ...]:
        """Return the lines in a language."""
        return self.zh if tongue is Tongue.ZH else self.en


@dataclass(frozen=True, slots=True)
class Displays:
    """The displays of a lot."""

    screens: tuple[Screen, ...] = ()
    boards: tuple[Board, ...] = ()
    texts: tuple[OwnText, ...] = ()


class Tone(StrEnum):
    """What a driver is to understand before reading: the colour of the lines."""

    GO = "go"
    STOP = "stop"
    TELL = "tell"


class Saying(StrEnum):
    """What is said aloud, each in a maker's own way."""

    PLATE = "plate"  # its text
    WELCOME = "welcome"
    WELCOME_HOME = "welcome_home"
    SAFE_JOURNEY = "safe_journey"
    PLEASE_PAY = "please_pay"  # a sum, its number is minor units and its text the amount
    STAYED = "stayed"  # minutes
    DAYS_LEFT = "days_left"
    PAID = "paid"
    FULL = "full"
    NO_ENTRY = "no_entry"
    SCAN = "scan"
    WAIT = "wait"
    GO_ON = "go_on"
    WORDS = "words"  # of a person: its text


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that is said."""

    saying: Saying
    text: str = field(default="", repr=False)
    number: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a lane shows and says: what a display is told, whoever made it.

    ``lines`` and ``said`` may name a car; they stand in no log. ``code`` is what a code on the display says.
    """

    moment: Moment | None
    tone: Tone
    lines: tuple[str, ...] = field(repr=False)
    said: tuple[Said, ...] = ()
    code: str | None = None


def places_in(line: str) -> Iterator[str]:
    """Yield what stands in braces in a line of a text."""
    return (found[1] for found in _PLACE.finditer(line))


def filled(line: str, values: Mapping[str, str]) -> str | None:
    """Return a line with its values, None when one of them is not known."""
    if "{" not in line:
        return line
    if any(place not in values for place in places_in(line)):
        return None
    return _PLACE.sub(lambda found: values[found[1]], line)
