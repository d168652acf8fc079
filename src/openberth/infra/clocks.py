"""The two clocks: business time may run fast in demos and tests, machine time never does. All whole microseconds."""

import time
from dataclasses import dataclass

from openberth.kernel.time import Clock, Instant


class SystemClock:
    """The machine's UTC clock."""

    def now(self) -> Instant:
        """Return the present instant."""
        return Instant(time.time_ns() // 1_000)


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """Business time that runs ``speed`` times as fast as machine time from an anchor where the two met.

    ``speed`` is a whole number from 1 on: business time never stands still or runs backwards.
    """

    anchor_business: Instant
    anchor_machine: Instant
    speed: int
    machine: Clock

    def __post_init__(self) -> None:
        if self.speed < 1:
            raise ValueError("business time runs at least as fast as machine time")

    def now(self) -> Instant:
        """Return the present business instant."""
        return Instant(self.anchor_business + (self.machine.now() - self.anchor_machine) * self.speed)


class ManualClock:
    """A clock that tests move by hand."""

    def __init__(self, now: Instant) -> None:
        self._now = now

    def now(self) -> Instant:
        """Return the instant it was set to."""
        return self._now

    def set(self, now: Instant) -> None:
        """Set the present."""
        self._now = now

    def advance(self, span_us: int) -> Instant:
        """Let time pass and return the new present."""
        self._now = Instant(self._now + span_us)
        return self._now


@dataclass(frozen=True, slots=True)
class Clocks:
    """Both clocks, handed around together and never mixed up."""

    business: Clock
    machine: Clock


def system_clocks() -> Clocks:
    """Return the clocks of production: both are the machine's."""
    clock = SystemClock()
    return Clocks(clock, clock)
