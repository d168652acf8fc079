"""Days of cars by the wall clock of a lot."""

from zoneinfo import ZoneInfo

import pytest

from openberth.gateways.cameras.days import ISO, SLASHED, at_wall_clock, days_read, days_shown, wall_clock
from openberth.kernel.time import Instant, Period, from_iso

HERE, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
DAYS = Period(from_iso("2026-11-22T00:00:00Z"), from_iso("2026-11-23T00:00:00Z"))


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S", ISO])
def test_what_is_said_is_read_again(form: str) -> None:
    assert days_read(*days_shown(DAYS, HERE, form), HERE) == DAYS
    open_end = Period(DAYS.start)
    assert days_shown(open_end, HERE, form)[1].startswith("2099-12-31")
    assert days_read(*days_shown(open_end, HERE, form), HERE) == open_end


@pytest.mark.parametrize("zone", [HERE, BERLIN, ZoneInfo("America/Chicago")])
def test_days_beyond_every_wall_clock_are_said_without_an_end(zone: ZoneInfo) -> None:
    days = Period(from_iso("0001-01-01T00:00:00Z"), from_iso("9999-12-31T23:59:59Z"))
    since, until = days_shown(days, zone)
    assert (days_shown(Period(Instant(0)), zone), until) == ((since, until), "2099-12-31 23:59:59")
    assert days_shown(Period(Instant(0), from_iso("9999-12-29T23:59:59Z")), zone)[1].startswith("9999-12-")


def test_days_are_said_by_the_wall_clock_of_the_lot() -> None:
    assert days_shown(DAYS, HERE, SLASHED) == ("2026/11/22 08:00:00", "2026/11/23 08:00:00")
    assert wall_clock(DAYS.start, BERLIN) == "2026-11-22 01:00:00"
    assert days_read("2026-11-22T08:00:00+08:00", "2026-11-23T00:00:00Z", BERLIN) == DAYS, "an offset is believed"


@pytest.mark.parametrize(
    ("since", "until"),
    [("", ""), ("2026-11-22 08:00:00", "soon"), ("2026-11-23 08:00:00", "2026-11-22 08:00:00"), ("1", "2" * 100)],
)
def test_what_are_no_days_are_none(since: str, until: str) -> None:
    assert days_read(since, until, HERE) is None


def test_the_hour_that_comes_twice_is_taken_for_the_first() -> None:
    digits = from_iso("2026-10-25T02:30:00Z")
    assert at_wall_clock(digits, BERLIN) == from_iso("2026-10-25T00:30:00Z")
    assert at_wall_clock(Instant(digits + 1), HERE) == Instant(from_iso("2026-10-24T18:30:00Z") + 1)
