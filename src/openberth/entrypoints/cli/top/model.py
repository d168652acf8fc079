"""What the live view shows, as plain values, and the board that holds the last answers and how old they are.

Nothing here asks, draws or waits.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openberth.kernel.money import MINOR_DIGITS, Money
from openberth.kernel.time import SECOND_US, Instant, from_iso

PASSAGES_KEPT = 60
RATE_WINDOW_S = 60.0
STALE_AFTER_S = 3.0
PASSAGE_DECIDED = "stays.passage_decided"
# What an event of the log makes worth asking for again.
PASSAGE_EVENTS = frozenset((PASSAGE_DECIDED, "stays.passage_released"))
CASE_EVENTS = frozenset(("stays.case_raised", "stays.case_resolved"))
MONEY_EVENTS = frozenset(("payments.receipt_recorded",))


@dataclass(frozen=True, slots=True)
class Waiting:
    """The car that stands at a lane and what it has to do."""

    plate: str | None
    ask: str
    due: Money | None
    since: Instant | None


@dataclass(frozen=True, slots=True)
class Passage:
    """A car at a lane, what was decided, and what became of it (``state``)."""

    id: str
    at: Instant
    lot: str
    lane: str
    plate: str | None
    action: str
    reason: str
    state: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane and who waits there."""

    code: str
    names: Mapping[str, str]
    kind: str
    waiting: Waiting | None


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot as it is at this moment. ``silent`` names devices that are not heard, ``without_secret`` new ones."""

    id: str
    code: str
    names: Mapping[str, str]
    zone: str
    currency: str
    state: str
    occupied: int
    capacity: int
    lanes: tuple[Lane, ...]
    received: Money | None
    devices: int
    silent: tuple[str, ...]
    without_secret: tuple[str, ...]
    cases_open: int

    @property
    def due(self) -> Money | None:
        """What the cars that wait at its lanes owe, None when nobody is asked for money."""
        amounts = [lane.waiting.due for lane in self.lanes if lane.waiting is not None and lane.waiting.due]
        return sum(amounts[1:], amounts[0]) if amounts else None


@dataclass(frozen=True, slots=True)
class Case:
    """Something that needs a person."""

    id: str
    lot: str
    lane: str | None
    kind: str
    raised_at: Instant


@dataclass(frozen=True, slots=True)
class Overview:
    """One answer: all lots at one business instant."""

    now: Instant
    lots: tuple[Lot, ...]

    @property
    def cases_open(self) -> int:
        """How many exceptions wait for a person."""
        return sum(lot.cases_open for lot in self.lots)


@dataclass(slots=True)
class Board:
    """The last answers; seconds are of the machine's monotonic clock."""

    url: str = ""
    speed: int = 1
    overview: Overview | None = None
    overview_at: float = 0.0
    trouble: str | None = None
    feed_live: bool = False
    single: bool = False  # one look, nothing is followed
    position: int | None = None
    passages: dict[str, tuple[Passage, ...]] = field(default_factory=dict)  # by lot, newest first
    last_at_lane: dict[tuple[str, str], Passage] = field(default_factory=dict)
    cases: dict[str, tuple[Case, ...]] = field(default_factory=dict)  # by lot
    takings: dict[str, Mapping[str, Money]] = field(default_factory=dict)  # by lot: today by method
    p99_us: int | None = None
    alarms: tuple[str, ...] = ()  # what is wrong with the company's affairs, in words, the oldest first
    _decided_at: deque[float] = field(default_factory=lambda: deque(maxlen=100_000))
    _watched_since: float | None = None

    def take_overview(self, overview: Overview, now_s: float) -> None:
        """Take a new answer."""
        self.overview, self.overview_at, self.trouble = overview, now_s, None

    def take_passages(self, lot: str, found: Sequence[Passage]) -> None:
        """Take the newest passages of a lot."""
        newest = sorted(found, key=lambda passage: passage.id, reverse=True)[:PASSAGES_KEPT]
        self.passages[lot] = tuple(newest)
        for passage in reversed(newest):
            self.last_at_lane[lot, passage.lane] = passage

    def stream(self, most: int) -> list[Passage]:
        """Return the newest passages of all lots, newest first."""
        every = (passage for each in self.passages.values() for passage in each)
        return sorted(every, key=lambda passage: passage.id, reverse=True)[: max(most, 0)]

    def open_cases(self) -> list[Case]:
        """Return the open exceptions of all lots, the longest open first."""
        return sorted((case for each in self.cases.values() for case in each), key=lambda case: case.raised_at)

    def take_events(self, events: Iterable[Mapping[str, Any]], position: int, now_s: float) -> None:
        """Take events of the feed: they count, and tell up to where the log was seen."""
        seen = sum(event.get("kind") == PASSAGE_DECIDED for event in events)
        self._decided_at.extend([now_s] * seen)
        self.position = position

    def feed_began(self, now_s: float) -> None:
        """The feed is connected: from here on the rate is counted, unless it goes on from where it was."""
        self.feed_live = True
        if self._watched_since is None:
            self._watched_since = now_s

    def age_s(self, now_s: float) -> float | None:
        """Return how old the figures are in machine seconds, None before the first answer."""
        return None if self.overview is None else max(0.0, now_s - self.overview_at)

    def is_stale(self, now_s: float) -> bool:
        """Tell whether the figures are too old to be shown as fresh."""
        age = self.age_s(now_s)
        return age is None or age > STALE_AFTER_S

    def passages_per_minute(self, now_s: float) -> int | None:
        """Return the cars seen at lanes per machine minute, None while there is nothing to go by."""
        if self._watched_since is None:
            return None
        while self._decided_at and self._decided_at[0] < now_s - RATE_WINDOW_S:
            self._decided_at.popleft()
        watched_s = min(now_s - self._watched_since, RATE_WINDOW_S)
        return round(len(self._decided_at) * 60 / watched_s) if watched_s >= 1 else None


def money_of(value: object) -> Money | None:
    """Read money as the API writes it."""
    if not isinstance(value, Mapping) or value.get("currency") not in MINOR_DIGITS:
        return None
    minor = value.get("minor")
    return Money(minor, str(value["currency"])) if type(minor) is int else None


def instant_of(value: object) -> Instant | None:
    """Read an instant as the API writes it."""
    try:
        return from_iso(value) if isinstance(value, str) else None
    except ValueError:
        return None


def names_of(value: object) -> Mapping[str, str]:
    """Read a name in two languages."""
    return {str(key): str(name) for key, name in value.items()} if isinstance(value, Mapping) else {}


def percentile_us(buckets: Sequence[tuple[float, int]], percent: int) -> int | None:
    """Return the upper bound, in microseconds, of the bucket in which a percentile of a histogram lies.

    ``buckets`` are (upper bound in seconds, cumulative count) in order, the last one infinite.
    """
    total = buckets[-1][1] if buckets else 0
    if total == 0:
        return None
    wanted = -(-total * percent // 100)
    finite = [bound for bound, _ in buckets if bound != float("inf")]
    for bound, count in buckets:
        if count >= wanted:
            return round((bound if bound != float("inf") else finite[-1]) * SECOND_US)
    return None


def histogram_of(page: str, name: str) -> list[tuple[float, int]]:
    """Return the cumulative buckets of a histogram in the Prometheus text format, summed over its series.

    Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4).
    """
    sums: dict[float, int] = {}
    for line in page.splitlines():
        if not line.startswith(f"{name}_bucket{{"):
            continue
        labels, _, value = line.partition("} ")
        bound = labels.rpartition('le="')[2].partition('"')[0]
        try:
            sums[float(bound)] = sums.get(float(bound), 0) + int(float(value.split(" ")[0]))
        except ValueError:
            continue
    return sorted(sums.items())
