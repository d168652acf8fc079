"""What is known of one lane's display and boards: what they ought to show, and what was sent to them last. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from openberth.contexts.facility import LaneDisplay
from openberth.contexts.facility.model.displays import Moment, Screen, Shown
from openberth.contexts.stays import StandingText
from openberth.gateways.cameras.family import SerialFrame
from openberth.gateways.displays import makers
from openberth.gateways.displays.adverts import Advert
from openberth.gateways.displays.ports import Showing
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant, as_datetime

SILENT_US = 60 * SECOND_US  # after so long without a word everything is sent again
REPEAT_US = 60 * SECOND_US  # and what stands is sent again this often: an answer may be lost
LOOK_REST_US = SECOND_US
COUNT_REST_US = 5 * SECOND_US  # free spaces are shown at most this often

_NEVER = Instant(0)
_IDLE = frozenset((Moment.IDLE_ENTRY, Moment.IDLE_EXIT, Moment.IDLE_INNER, Moment.FULL, Moment.CLOSED))


@dataclass(slots=True)
class Hanging:
    """A lane's display and boards. Instants are machine time.

    ``wanted`` is what ought to stand there; ``sent`` what was sent last, None when nobody knows what stands there.
    ``stale``: something happened that changes it; ``counted``: free spaces changed. ``advert`` is what the display
    keeps by itself, None where only boards hang.
    """

    display: LaneDisplay
    advert: Advert | None = None
    wanted: StandingText | None = None
    sent: Shown | None = None
    spoken: tuple[object, ...] | None = None
    free: Sequence[int] = ()
    free_sent: Sequence[int] | None = None
    stale: bool = True
    counted: bool = True
    looking: bool = False
    heard_at: Instant = _NEVER
    sent_at: Instant = _NEVER
    looked_at: Instant = _NEVER
    counted_at: Instant = _NEVER
    loud: int | None = None
    zone: ZoneInfo = field(init=False)

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(self.display.zone)

    @property
    def screen(self) -> Screen | None:
        """Return the display, None where only boards hang."""
        return self.display.screen

    def devices(self) -> set[Id]:
        """Return the devices that something of this lane hangs on."""
        found = {device for _, device in self.display.boards if device is not None}
        return found if self.display.device is None else found | {self.display.device}

    def heard(self, now: Instant) -> None:
        """Take note that the device asks: after a long silence nobody knows what stands there."""
        if now - self.heard_at > SILENT_US:
            self.forget()
        self.heard_at = now

    def forget(self) -> None:
        """Take note that nobody knows what the display shows: everything is sent again."""
        self.sent = self.free_sent = self.loud = None
        if self.advert is not None:
            self.advert.missed()

    def missed(self) -> None:
        """Take note that what was returned last did not leave, its words neither."""
        self.sent = self.free_sent = self.spoken = None
        if self.advert is not None:
            self.advert.missed()

    def must_look(self, now: Instant) -> bool:
        """Tell whether what ought to stand there has to be read."""
        if self.looking or now - self.looked_at < LOOK_REST_US:
            return False
        if self.stale or self.wanted is None:
            return True
        if self.wanted.until is not None and self.wanted.until <= now:
            return True
        return self.counted and self._tells_counts and now - self.counted_at >= COUNT_REST_US

    def looked(self, wanted: StandingText | None, free: Sequence[int], now: Instant) -> None:
        """Take what was read. What a display is told after it has been silent is not said aloud again."""
        first = self.wanted is None
        self.wanted, self.free = wanted, free
        self.looked_at = self.counted_at = now
        if first and wanted is not None:
            self.spoken = _key(wanted)

    def decided(self, wanted: StandingText) -> None:
        """Take what a car was just told."""
        self.wanted, self.stale = wanted, False

    def due(self, now: Instant, business: Instant, sequence: int) -> Showing | None:
        """Return what has to be sent now, None for nothing. It counts as sent."""
        if self.screen is None or self.wanted is None:
            return None
        local = as_datetime(business, self.zone)
        loud = self.screen.volume.at(local.hour * 60 + local.minute)
        changed = self.sent != self.wanted.shown or self.loud != loud or self._is_new()
        if not changed and now - self.sent_at < REPEAT_US:
            return None
        set_up = self._set_up(local, sequence) if self.loud != loud else ()
        aloud = loud > 0 and self._is_new()
        self.sent, self.sent_at, self.loud, self.spoken = self.wanted.shown, now, loud, _key(self.wanted)
        return self._made(self.wanted.shown, set_up, aloud, sequence)

    def standing(self) -> Showing:
        """Return what stands there, as it is said to a device that draws the lines itself."""
        return Showing((), None, "", ()) if self.sent is None else self._showing(self.sent, "", ())

    def may_write(self, now: Instant) -> bool:
        """Tell whether what the display keeps by itself may have to be written: never while a car is told anything."""
        if self.advert is None or self.wanted is None or self.wanted.shown.moment not in _IDLE:
            return False
        return self.advert.is_open(now)

    def advert_due(self, now: Instant, sequence: int) -> tuple[SerialFrame, ...]:
        """Return what has the display keep its advert, where that has to be written now; it counts as handed over."""
        return self.advert.due(now, sequence) if self.advert is not None and self.may_write(now) else ()

    def boards_due(self, device: Id) -> tuple[SerialFrame, ...]:
        """Return what the boards on a device have to be sent; it counts as sent."""
        if not self.display.boards or self.free_sent == self.free:
            return ()
        self.free_sent = self.free
        pairs = zip(self.display.boards, self.free, strict=False)
        return tuple(makers.board_frame(board, free) for (board, on), free in pairs if on == device)

    def next_at(self) -> Instant | None:
        """Return when there is something to do by itself."""
        if self.wanted is None:
            return None
        ends = [Instant(self.sent_at + REPEAT_US)]
        if self.wanted.until is not None:
            ends.append(self.wanted.until)
        if self.stale:
            ends.append(Instant(self.looked_at + LOOK_REST_US))
        if self.counted and self._tells_counts:
            ends.append(Instant(self.counted_at + COUNT_REST_US))
        return min(ends)

    @property
    def _tells_counts(self) -> bool:
        if self.display.boards:
            return True
        return self.wanted is not None and self.wanted.shown.moment in _IDLE

    def _is_new(self) -> bool:
        return self.wanted is not None and bool(self.wanted.shown.said) and self.spoken != _key(self.wanted)

    def _set_up(self, local: datetime, sequence: int) -> tuple[SerialFrame, ...]:
        assert self.screen is not None, "only a display is set up"
        return makers.settings(self.screen, local=local, sequence=sequence)

    def _made(self, shown: Shown, set_up: tuple[SerialFrame, ...], aloud: bool, sequence: int) -> Showing:
        assert self.screen is not None, "only a display shows"
        spoken = makers.spoken(shown.said) if aloud else ""
        made = makers.frames(self.screen, shown, aloud=aloud, sequence=sequence + len(set_up))
        return self._showing(shown, spoken, set_up + made)

    def _showing(self, shown: Shown, spoken: str, frames: tuple[SerialFrame, ...]) -> Showing:
        free = None if self.wanted is None else self.wanted.free
        return Showing(shown.lines, shown.code, spoken, frames, shown, self.loud or 0, free)


def _key(wanted: StandingText) -> tuple[object, ...]:
    """Return what makes words new: another car, another moment, another sum, or another person's words."""
    return (wanted.passage, wanted.by, wanted.shown.moment, wanted.shown.said)
