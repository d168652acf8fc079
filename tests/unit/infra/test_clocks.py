"""Two clocks: business time scales by whole numbers, machine time never does."""

import time

import pytest

from openberth.infra.clocks import Clocks, ManualClock, ScaledClock, SystemClock, system_clocks
from openberth.kernel.time import DAY_US, HOUR_US, SECOND_US, Instant


def test_the_system_clock_is_the_machines() -> None:
    before = time.time_ns() // 1_000
    now = SystemClock().now()
    assert before <= now <= time.time_ns() // 1_000
    assert type(now) is int


def test_business_time_runs_faster_from_its_anchor() -> None:
    machine = ManualClock(Instant(1_000))
    business = ScaledClock(Instant(5 * DAY_US), Instant(1_000), 60, machine)
    assert business.now() == 5 * DAY_US
    machine.advance(60 * SECOND_US)
    assert business.now() == 5 * DAY_US + HOUR_US
    assert type(business.now()) is int
    machine.set(Instant(0))
    assert business.now() == 5 * DAY_US - 60_000


def test_large_times_stay_exact() -> None:
    machine = ManualClock(Instant(1_790_000_000_000_001))
    business = ScaledClock(Instant(1_790_000_000_000_003), Instant(1_790_000_000_000_000), 10_000, machine)
    assert business.now() == 1_790_000_000_010_003


@pytest.mark.parametrize("speed", [0, -1])
def test_business_time_never_stands_still(speed: int) -> None:
    with pytest.raises(ValueError, match="at least as fast"):
        ScaledClock(Instant(0), Instant(0), speed, ManualClock(Instant(0)))


def test_a_manual_clock_moves_by_hand_only() -> None:
    clock = ManualClock(Instant(5))
    assert clock.now() == clock.now() == 5
    assert clock.advance(10) == 15
    clock.set(Instant(1))
    assert clock.now() == 1


def test_in_production_both_clocks_are_one() -> None:
    clocks = system_clocks()
    assert clocks.business is clocks.machine
    with pytest.raises(AttributeError):
        clocks.business = ManualClock(Instant(0))  # type: ignore[misc]
    assert Clocks(ManualClock(Instant(1)), ManualClock(Instant(2))).business.now() == 1
