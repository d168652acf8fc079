from fractions import Fraction

import pytest

from openberth.simulator.clock import SECOND_US, BusinessClock, instant_text, instant_us


class Machine:
    def __init__(self) -> None:
        self.ns = 5_000_000_000

    def __call__(self) -> int:
        return self.ns

    def pass_s(self, seconds: int) -> None:
        self.ns += seconds * 1_000_000_000


def test_business_time_runs_at_the_servers_speed() -> None:
    machine = Machine()
    clock = BusinessClock(machine)
    clock.follow(1_000 * SECOND_US, Fraction(600), machine.ns, machine.ns)
    machine.pass_s(2)
    assert clock.now_us() == 2_200 * SECOND_US
    assert clock.machine_seconds(600 * SECOND_US) == 1.0


def test_a_look_within_its_own_doubt_changes_nothing_and_a_jump_is_followed() -> None:
    machine = Machine()
    clock = BusinessClock(machine)
    clock.follow(0, Fraction(100), machine.ns, machine.ns)
    machine.pass_s(10)
    # asked over 20 ms: the server may have read its clock 10 ms earlier or later, 1 s of business time
    clock.follow(1_000 * SECOND_US + 900_000, Fraction(100), machine.ns - 10_000_000, machine.ns + 10_000_000)
    assert clock.now_us() == 1_000 * SECOND_US
    clock.follow(5_000 * SECOND_US, Fraction(100), machine.ns, machine.ns)
    assert clock.now_us() == 5_000 * SECOND_US


def test_a_look_that_waited_for_a_restart_moves_the_clock_no_further_than_is_sure() -> None:
    machine = Machine()
    clock = BusinessClock(machine)
    clock.follow(0, Fraction(300), machine.ns, machine.ns)
    asked_ns = machine.ns
    machine.pass_s(16)
    # answered at once after an outage of 16 s, and our clock was 10 ms behind: not 8 s ahead of what the server said
    clock.follow(16 * 300 * SECOND_US + 3 * SECOND_US, Fraction(300), asked_ns, machine.ns)
    assert clock.now_us() == 16 * 300 * SECOND_US + 3 * SECOND_US


def test_it_never_goes_back() -> None:
    machine = Machine()
    clock = BusinessClock(machine)
    clock.follow(9_000, Fraction(1), machine.ns, machine.ns)
    assert clock.now_us() == 9_000
    clock.follow(1_000, Fraction(1), machine.ns, machine.ns)
    assert clock.now_us() == 9_000


def test_a_clock_that_stands_is_refused() -> None:
    with pytest.raises(ValueError, match="forward"):
        BusinessClock().follow(0, Fraction(0), 0, 0)


def test_instants_keep_microseconds_and_need_a_zone() -> None:
    assert instant_us("2026-11-20T08:00:00.000001+08:00") == instant_us("2026-11-20T00:00:00.000001Z")
    assert instant_text(instant_us("2026-11-20T00:00:00.000001Z")) == "2026-11-20T00:00:00.000001Z"
    with pytest.raises(ValueError, match="zone"):
        instant_us("2026-11-20T08:00:00")
