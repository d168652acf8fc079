"""What the live view shows, as plain values: read from the answers of the API, which may lack or add fields.

``Board`` holds the last answers and how old they are; nothing here draws or waits.
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


@dataclass(frozen=True, slots=True)
class Waiting:
    """The car that stands at a lane and what it has to do."""

    plate: str | None
    ask: str
    due: Money | None
    since: Instant | None


@dataclass(frozen=True, slots=True)
class Passage:
    """A car at a lane and what was decided."""

    id: str
    at: Instant
    lot: str
    lane: str
    kind: str
    plate: str | None
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane with its last car and the one that waits."""

    code: str
    names: Mapping[str, str]
    kind: str
    last: Passage | None
    waiting: Waiting | None


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a lot."""

    code: str
    names: Mapping[str, str]
    occupied: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot with its money of the day."""

    code: str
    names: Mapping[str, str]
    zone: str
    state: str
    occupied: int
    capacity: int
    areas: tuple[Area, ...]
    lanes: tuple[Lane, ...]
    received: Mapping[str, Money]
    due: Money | None
    devices: int
    silent: tuple[str, ...]


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
    """One answer: everything at one business instant."""

    now: Instant
    speed: int
    lots: tuple[Lot, ...]
    cases: tuple[Case, ...]
    cases_open: int


@dataclass(slots=True)
class Board:
    """The last answers, each with the machine second (monotonic) in which it came."""

    url: str = ""
    overview: Overview | None = None
    overview_at: float = 0.0
    trouble: str | None = None
    feed_live: bool = False
    position: int | None = None
    passages: deque[Passage] = field(default_factory=lambda: deque(maxlen=PASSAGES_KEPT))
    p99_us: int | None = None
    _decided_at: deque[float] = field(default_factory=lambda: deque(maxlen=100_000))
    _watched_since: float | None = None

    def take_overview(self, overview: Overview, now_s: float) -> None:
        """Take a new answer."""
        self.overview, self.overview_at, self.trouble = overview, now_s, None
        if self._watched_since is None:
            self._watched_since = now_s

    def take_passages(self, found: Iterable[Passage]) -> None:
        """Take a page of passages, newest first."""
        self.passages.clear()
        self.passages.extend(sorted(found, key=lambda passage: passage.id, reverse=True))

    def take_events(self, events: Sequence[Mapping[str, Any]], position: int, now_s: float) -> int:
        """Take events of the feed; return how many cars were seen at lanes."""
        seen = sum(event.get("kind") == PASSAGE_DECIDED for event in events)
        self._decided_at.extend([now_s] * seen)
        self.position = position
        return seen

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


def histogram_of(page: str, name: str, label: str) -> list[tuple[float, int]]:
    """Return the cumulative buckets of a histogram in the Prometheus text format, summed over series with a label.

    Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4). ``label`` is text that
    stands inside the braces, e.g. ``route="/v1/x"``.
    """
    sums: dict[float, int] = {}
    for line in page.splitlines():
        if not line.startswith(f"{name}_bucket{{") or label not in line:
            continue
        labels, _, value = line.partition("} ")
        bound = labels.rpartition('le="')[2].partition('"')[0]
        try:
            sums[float(bound)] = sums.get(float(bound), 0) + int(float(value.split(" ")[0]))
        except ValueError:
            continue
    return sorted(sums.items())
