"""What one display keeps in its own memory while nobody tells it anything, and whether it has to be written. No I/O.

That memory is flash, which does not bear being written often: it is written when the lot's text changed and not when
we start anew, and never twice within ten minutes whatever the text does meanwhile. A write of which nobody knows
whether it arrived is tried again only after a while, and less and less often.
"""

import hashlib

from openberth.contexts.facility.model.displays import Screen
from openberth.gateways.cameras.family import SerialFrame
from openberth.gateways.displays import makers
from openberth.kernel.time import SECOND_US, Instant

REST_US = 600 * SECOND_US  # between two writes of a display; each one more try of the same waits twice as long
DOUBLED_MAX = 10  # times: about a week


class Advert:
    """The advert of one display: ``lines`` are what it ought to keep, empty for nothing. Instants are machine time."""

    def __init__(self, screen: Screen, lines: tuple[str, ...]) -> None:
        self._screen = screen
        self._lines = lines
        self._mark = _mark(screen, lines)
        self._kept: str | None = None  # None: not known yet
        self._kept_at: Instant | None = None
        self._before_at: Instant | None = None
        self._doubted = False  # another text may have been written that nobody remembers
        self._tried_at: Instant | None = None
        self._tries = 0
        self._handed_over = False

    def is_open(self, now: Instant) -> bool:
        """Tell whether it may have to be written, so that what is remembered has to be read."""
        if self._handed_over or (self._kept == self._mark and not self._doubted):
            return False
        if any(0 <= now - at < REST_US for at in (self._kept_at, self._before_at) if at is not None):
            return False
        if self._tried_at is None:
            return True
        return now - self._tried_at >= REST_US << min(self._tries - 1, DOUBLED_MAX)

    def found(self, kept: str, kept_at: Instant | None = None) -> None:
        """Take what is remembered, and when it was written: perhaps a moment ago, with another text."""
        self._kept, self._kept_at = kept, kept_at

    def follow(self, before: "Advert") -> None:
        """Take the place of another one on the same display, which may have been handed over and not remembered yet."""
        self._before_at = before._before_at if before._tried_at is None else before._tried_at
        self._doubted = before._doubted or (before._tried_at is not None and before._kept != before._mark)

    def due(self, now: Instant, sequence: int) -> tuple[SerialFrame, ...]:
        """Return the frames that write it where that has to be; they count as handed over."""
        if self._kept is None or not self.is_open(now):
            return ()
        self._tried_at, self._handed_over = now, True
        self._tries += 1
        return makers.adverts(self._screen, self._lines, sequence=sequence)

    def missed(self) -> None:
        """Take note that what was handed over did not leave."""
        self._handed_over = False

    def to_remember(self) -> str | None:
        """Return the mark of what was handed over and has to be remembered now, None for nothing."""
        return self._mark if self._handed_over else None

    def remembered(self, now: Instant) -> None:
        """Take note that it is."""
        self._kept, self._kept_at, self._handed_over = self._mark, now, False
        self._doubted = False


def _mark(screen: Screen, lines: tuple[str, ...]) -> str:
    """Return a mark of what stands in the display's memory: of nothing it is empty, as when nobody ever wrote there."""
    frames = makers.adverts(screen, lines, sequence=1) if lines else ()
    if not frames:
        return ""
    said = b"".join(bytes((frame.port,)) + frame for frame in frames)
    return hashlib.sha256(said).hexdigest()
