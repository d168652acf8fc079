"""Instants, zones and half-open periods."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from openberth.kernel.time import (
    DAY_US,
    HOUR_US,
    SECOND_US,
    Instant,
    Period,
    as_datetime,
    from_iso,
    instant_of,
    later,
    to_iso,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def at(value: int) -> Instant:
    return Instant(value)


def test_the_epoch_is_zero_and_microseconds_count() -> None:
    assert instant_of(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert instant_of(datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC)) == SECOND_US + 1
    assert instant_of(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


def test_the_same_moment_in_two_zones_is_one_instant() -> None:
    in_shanghai = datetime(2026, 1, 1, 8, 0, tzinfo=SHANGHAI)
    assert instant_of(in_shanghai) == instant_of(datetime(2026, 1, 1, 0, 0, tzinfo=UTC))
    assert as_datetime(instant_of(in_shanghai), SHANGHAI) == in_shanghai
    assert as_datetime(instant_of(in_shanghai), SHANGHAI).hour == 8


class _Nowhere(tzinfo):
    def utcoffset(self, dt: datetime | None) -> None:
        return None

    def dst(self, dt: datetime | None) -> None:
        return None

    def tzname(self, dt: datetime | None) -> None:
        return None


@pytest.mark.parametrize(
    "naive",
    [datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=_Nowhere())],  # noqa: DTZ001 - that it is naive is the case
)
def test_a_naive_datetime_is_refused(naive: datetime) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        instant_of(naive)


def test_the_hour_that_happens_twice_is_told_apart() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    second = first.replace(fold=1)
    assert instant_of(second) - instant_of(first) == HOUR_US


def test_a_day_of_clock_change_has_23_hours() -> None:
    midnight = datetime(2026, 3, 29, tzinfo=BERLIN)
    next_midnight = datetime(2026, 3, 30, tzinfo=BERLIN)
    assert instant_of(next_midnight) - instant_of(midnight) == DAY_US - HOUR_US


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-11-22T06:05:00Z", "2026-11-22T06:05:00.000000Z"),
        ("2026-11-22T14:05:00.5+08:00", "2026-11-22T06:05:00.500000Z"),
        ("2026-11-22T06:05:00.123456+00:00", "2026-11-22T06:05:00.123456Z"),
        ("0987-01-02T03:04:05Z", "0987-01-02T03:04:05.000000Z"),
    ],
)
def test_iso_text(text: str, canonical: str) -> None:
    assert to_iso(from_iso(text)) == canonical
    assert from_iso(canonical) == from_iso(text)


@pytest.mark.parametrize("text", ["2026-11-22T06:05:00", "2026-11-22", "", "yesterday", "2026-13-01T00:00:00Z", "1"])
def test_iso_text_without_a_zone_or_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library words it differently each time
        from_iso(text)


def test_later_and_earlier() -> None:
    assert later(at(10), 5) == 15
    assert later(at(10), -15) == -5


def test_offsets_with_seconds_survive() -> None:
    odd = timezone(timedelta(hours=8, minutes=5, seconds=43))
    assert instant_of(datetime(1900, 1, 1, 8, 5, 43, tzinfo=odd)) == instant_of(datetime(1900, 1, 1, tzinfo=UTC))


def test_a_period_holds_its_start_and_not_its_end() -> None:
    period = Period(at(10), at(20))
    assert not period.contains(at(9))
    assert period.contains(at(10))
    assert period.contains(at(19))
    assert not period.contains(at(20))
    assert period.length_us == 10


def test_an_open_period_never_ends() -> None:
    period = Period(at(10))
    assert period.contains(at(10**18))
    assert period.length_us is None
    assert not period.is_empty
    assert period.overlaps(Period(at(10**15)))
    assert period.clipped(at(0), at(15)) == Period(at(10), at(15))


def test_an_empty_period_holds_nothing_and_meets_nobody() -> None:
    empty = Period(at(10), at(10))
    assert empty.is_empty
    assert not empty.contains(at(10))
    assert not empty.overlaps(Period(at(0), at(20)))
    assert not Period(at(0), at(20)).overlaps(empty)
    assert empty.clipped(at(0), at(20)) is None


def test_periods_that_touch_do_not_overlap() -> None:
    assert not Period(at(0), at(10)).overlaps(Period(at(10), at(20)))
    assert not Period(at(10)).overlaps(Period(at(0), at(10)))
    assert Period(at(0), at(11)).overlaps(Period(at(10), at(20)))
    assert Period(at(0)).overlaps(Period(at(10), at(20)))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 30, (10, 20)), (12, 15, (12, 15)), (0, 10, None), (20, 30, None), (15, 15, None), (18, 30, (18, 20))],
)
def test_clipping(low: int, high: int, expected: tuple[int, int] | None) -> None:
    part = Period(at(10), at(20)).clipped(at(low), at(high))
    assert part == (None if expected is None else Period(at(expected[0]), at(expected[1])))


def test_a_period_cannot_run_backwards() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Period(at(10), at(9))
