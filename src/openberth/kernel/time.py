"""Instants and spans.

An ``Instant`` is a whole number of microseconds since 1970-01-01T00:00:00Z. Wall-clock time exists only where a
tariff, a calendar or a report asks for it, in the lot's own zone. Spans are plain integers named ``*_us``.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import NewType, Protocol
from zoneinfo import ZoneInfo

Instant = NewType("Instant", int)

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

# In which channels say days and hours; China has had no other offset since 1991.
BEIJING = timezone(timedelta(hours=8))

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the present. Business time may run fast in demos, machine time never does; the two never mix."""

    def now(self) -> Instant:
        """Return the present instant."""
        ...


def instant_of(moment: datetime) -> Instant:
    """Return the instant of an aware datetime; a naive one is a ``ValueError``, never a guess."""
    if moment.utcoffset() is None:
        raise ValueError("a datetime without a zone is not an instant")
    return Instant((moment - _EPOCH) // _MICROSECOND)


def later(instant: Instant, span_us: int) -> Instant:
    """Return the instant ``span_us`` microseconds later (earlier when negative)."""
    return Instant(instant + span_us)


def as_datetime(instant: Instant, zone: ZoneInfo | None = None) -> datetime:
    """Return the aware datetime of an instant, in UTC unless a zone is given."""
    moment = _EPOCH + timedelta(microseconds=instant)
    return moment if zone is None else moment.astimezone(zone)


def to_iso(instant: Instant) -> str:
    """Return RFC 3339 text in UTC with microseconds, the only form in which an instant leaves the system."""
    # Not strftime: its %Y has fewer than four digits for early years.
    return as_datetime(instant).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_iso(text: str) -> Instant:
    """Read RFC 3339 text; without an offset it is a ``ValueError``."""
    return instant_of(datetime.fromisoformat(text))


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span of time ``[start, end)``; ``end`` None means not ended yet."""

    start: Instant
    end: Instant | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start:
            raise ValueError("a period cannot end before it starts")

    def contains(self, instant: Instant) -> bool:
        """Tell whether the instant lies inside; the end itself does not."""
        return self.start <= instant and (self.end is None or instant < self.end)

    def overlaps(self, other: "Period") -> bool:
        """Tell whether the two share at least one instant."""
        if self.is_empty or other.is_empty:
            return False
        starts_before = self.end is None or other.start < self.end
        return starts_before and (other.end is None or self.start < other.end)

    def clipped(self, start: Instant, end: Instant) -> "Period | None":
        """Return the part inside ``[start, end)``, or None when nothing of it is."""
        low = max(self.start, start)
        high = end if self.end is None else min(self.end, end)
        return Period(low, high) if low < high else None

    @property
    def is_empty(self) -> bool:
        """Tell whether the period holds no instant at all."""
        return self.end is not None and self.end == self.start

    @property
    def length_us(self) -> int | None:
        """Return the length in microseconds, None while it has not ended."""
        return None if self.end is None else self.end - self.start
