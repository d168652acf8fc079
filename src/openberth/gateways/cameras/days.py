"""Instants by the wall clock of a lot, as cameras say them and lists of cars have their days. Pure.

A wall clock has no offset; an hour that comes twice in autumn is taken for the first.
"""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from openberth.kernel.time import SECOND_US, Instant, Period, as_datetime, instant_of

PLAIN, SLASHED, ISO = "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"
_FOR_EVER = datetime(2099, 12, 31, 23, 59, 59)  # noqa: DTZ001 - how a list says that a right does not end

_FAR = instant_of(datetime(9999, 12, 30, tzinfo=UTC))  # behind it some wall clock may be beyond its last day
_EARLY = Instant(0)

zone_of = lru_cache(maxsize=64)(ZoneInfo)


def wall_clock(instant: Instant, zone: ZoneInfo, form: str = PLAIN) -> str:
    """Return an instant as a camera's clock shows it, to the second."""
    return as_datetime(instant, zone).strftime(form)


def days_shown(valid: Period, zone: ZoneInfo, form: str = PLAIN) -> tuple[str, str]:
    """Return since when and until when a car may come in, as a list has it; without an end it is the end of 2099.

    What begins before 1970 has begun, and an end that wall clocks do not reach is none.
    """
    until = _FOR_EVER.strftime(form) if valid.end is None or valid.end >= _FAR else wall_clock(valid.end, zone, form)
    return wall_clock(max(valid.start, _EARLY), zone, form), until


def days_read(since: str, until: str, zone: ZoneInfo) -> Period | None:
    """Read the days of a car of a list, whatever stands between date and time; None where they are none."""
    start, end = _read(since), _read(until)
    if start is None or end is None:
        return None
    begins = _instant(start, zone)
    ends = None if end.replace(tzinfo=None) == _FOR_EVER else _instant(end, zone)
    return Period(begins, ends) if ends is None or begins <= ends else None


def at_wall_clock(digits: Instant, zone: ZoneInfo) -> Instant:
    """Return the instant at which a wall clock shows what these digits are in UTC."""
    return instant_of(as_datetime(digits).replace(tzinfo=zone))


def _read(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def _instant(moment: datetime, zone: ZoneInfo) -> Instant:
    exact = instant_of(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
    return Instant(exact // SECOND_US * SECOND_US)
