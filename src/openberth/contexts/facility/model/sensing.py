"""What sensors say of spaces, and what is made of it: a state machine of one sensor, moved by reports and time. Pure.

A space is occupied, free, or unknown; it is known only as long as its sensor is heard. A change is taken at once, and
another one within ``DEBOUNCE_US`` waits until that time is over: a car that manoeuvres shows once. A sensor that
changes its mind too often is *flapping*: its changes are held until it has said the same for a while. Reports are full
states, so what a lost one would have told, the next one tells. How long changes last is business time, whether a sensor
is heard is machine time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar

from openberth.contexts.facility.model.wires import DeviceKind
from openberth.kernel.ids import Id
from openberth.kernel.time import HOUR_US, MINUTE_US, SECOND_US, Instant

DEBOUNCE_US = 5 * SECOND_US
FLAP_WINDOW_US = 10 * MINUTE_US
FLAP_CHANGES = 6  # so many changes within the window are no cars
QUIET_US = 10 * MINUTE_US  # a sensor that flapped is believed again after saying the same for so long
CONFIDENCE_MAX = 100
NEVER = Instant(0)


class SpaceState(StrEnum):
    """What is known of a space. Where nothing looks at it, or nothing is heard, nothing is known."""

    FREE = "free"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"


class SensorModel(StrEnum):
    """Which bytes a LoRaWAN sensor sends."""

    TPS110 = "tps110"
    TEKZIPARK = "tekzipark"


SILENT_AFTER_US: Mapping[DeviceKind, int] = {
    # Twice the report of ten minutes, and a little; a heartbeat a day, and a little; a full state every five minutes.
    DeviceKind.GEOMAGNETIC_TCP: 25 * MINUTE_US,
    DeviceKind.CHIRPSTACK_HTTP: 25 * HOUR_US,
    DeviceKind.SPACE_CAMERA_HTTP: 15 * MINUTE_US,
}
# A collector on a line speaks every few seconds: 8 s of silence are an error. The others push when there is something.
COLLECTOR_SILENT_US: Mapping[DeviceKind, int] = {DeviceKind.GEOMAGNETIC_TCP: 8 * SECOND_US}
# So long after its collector fell silent a space is not known any more: a line that comes back at once loses nothing.
COLLECTOR_GRACE_US = 60 * SECOND_US


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sensor says: its own id, whether the space is occupied (None: it does not say), how sure it is (0–100),
    its battery, what is wrong with it, whether a car stands over the line (None: it does not say).

    ``at`` is when it was measured (business time), None for now. ``raw`` is kept as it came.
    """

    sensor: str
    occupied: bool | None
    raw: Mapping[str, Any]
    confidence: int = CONFIDENCE_MAX
    battery_mv: int | None = None
    battery_low: bool | None = None
    fault: str | None = None
    over_line: bool | None = None
    at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Sensed:
    """Everything remembered of a sensor.

    ``since`` is when the state began; ``changed_at`` when a report last changed it. ``said`` is what was reported last,
    ``said_since`` since when it says so; while ``said`` differs from the state, the change waits. ``changes`` are the
    last changes of what was said, ``flapping`` holds changes. ``measured_at`` is the time of the newest report.
    """

    state: SpaceState = SpaceState.UNKNOWN
    since: Instant = NEVER
    changed_at: Instant = NEVER
    said: bool | None = None
    said_since: Instant = NEVER
    changes: tuple[Instant, ...] = ()
    flapping: bool = False
    measured_at: Instant = NEVER
    confidence: int = 0
    battery_mv: int | None = None
    battery_low: bool = False
    fault: str | None = None
    over_line: bool = False

    def taken(self, reading: Reading, now: Instant) -> "Sensed":
        """Return what is known after a report. One that is older than the newest changes nothing: it came late.

        A fault without a word about the space takes away what was known of it; no word at all leaves it.
        """
        heard = replace(
            self, battery_mv=self.battery_mv if reading.battery_mv is None else reading.battery_mv,
            battery_low=self.battery_low if reading.battery_low is None else reading.battery_low,
            over_line=self.over_line if reading.over_line is None else reading.over_line,
        )  # fmt: skip
        if reading.occupied is None:
            return heard if reading.fault is None else replace(heard.lost(now), fault=reading.fault)
        at = now if reading.at is None else min(reading.at, now)
        if at < self.measured_at:
            return self
        sure = replace(heard, measured_at=at, confidence=reading.confidence, fault=reading.fault)
        return sure._saying(reading.occupied, now).settled(now)

    def _saying(self, occupied: bool, now: Instant) -> "Sensed":
        if occupied is self.said:
            return self
        # The first word after silence is no change of mind.
        changes = self.changes if self.said is None else (*self.changes, now)
        recent = tuple(at for at in changes if at > now - FLAP_WINDOW_US)[-FLAP_CHANGES:]
        flapping = self.flapping or len(recent) >= FLAP_CHANGES
        return replace(self, said=occupied, said_since=now, changes=recent, flapping=flapping)

    def due_at(self) -> Instant | None:
        """Return when time alone changes something: a change that waits, a flapping sensor that may be quiet."""
        if self.flapping:
            return Instant(self.said_since + QUIET_US)
        if self.said is None or self.state is state_of(self.said):
            return None
        return Instant(self.changed_at + DEBOUNCE_US)

    def settled(self, now: Instant) -> "Sensed":
        """Return what is known when it is ``now``."""
        known = self
        if known.flapping:
            if known.said is not None and now < known.said_since + QUIET_US:
                return known
            known = replace(known, flapping=False, changes=())
        if known.said is None:
            return known
        wanted = state_of(known.said)
        waits = known.state is not SpaceState.UNKNOWN and now < known.changed_at + DEBOUNCE_US
        if known.state is wanted or waits:
            return known
        return replace(known, state=wanted, since=now, changed_at=now)

    def lost(self, now: Instant) -> "Sensed":
        """Return what is known when the sensor is not heard any more: nothing."""
        silent = replace(self, said=None, said_since=now, confidence=0, changes=(), flapping=False)
        return silent if self.state is SpaceState.UNKNOWN else replace(silent, state=SpaceState.UNKNOWN, since=now)


def state_of(occupied: bool) -> SpaceState:
    """Return the state of a space that somebody says is occupied or not."""
    return SpaceState.OCCUPIED if occupied else SpaceState.FREE


@dataclass(frozen=True, slots=True)
class SpaceNow:
    """A space with what is known of it. ``last_heard`` is machine time, None before the first report; ``flags`` says
    why it should not be believed: ``flapping``, ``contradicts``.
    """

    space: Id
    code: str
    area: str
    sensor: str
    state: SpaceState
    since: Instant | None
    confidence: int
    battery_mv: int | None
    battery_low: bool
    fault: str | None
    over_line: bool
    last_heard: Instant | None
    flags: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class AreaSensed:
    """How many spaces of an area have a sensor, and what those say."""

    area: Id
    occupied: int = 0
    free: int = 0
    unknown: int = 0

    @property
    def sensors(self) -> int:
        """Return how many spaces have a sensor."""
        return self.occupied + self.free + self.unknown


@dataclass(frozen=True, slots=True)
class SpaceStateChanged:
    """A space was taken, became free, or is not known any more. ``since`` is business time."""

    KIND: ClassVar[str] = "facility.space_state_changed"
    VERSION: ClassVar[int] = 1

    space: Id
    code: str
    sensor: Id
    before: str
    after: str
    since: int
    confidence: int


@dataclass(frozen=True, slots=True)
class CollectorCredentialsIssued:
    """A collector has a new secret; the one before is void. ``fingerprint`` tells secrets apart, revealing none."""

    KIND: ClassVar[str] = "facility.collector_credentials_issued"
    VERSION: ClassVar[int] = 1

    collector: Id
    code: str
    kind: str
    fingerprint: str
