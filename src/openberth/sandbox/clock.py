"""Business time of a stand-in: when orders expire, refunds ripen, bills appear, notifications repeat.

It may run fast and be set.
"""

import datetime
import time
from collections.abc import Callable

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
# The channel's own wall clock, whatever the machine's zone; the country has had no summer time since 1991.
BEIJING = datetime.timezone(datetime.timedelta(hours=8))
MAX_SCALE = 100_000


def machine_us() -> int:
    """Return the machine's time in Unix microseconds."""
    return time.time_ns() // 1000


class Clock:
    """Business time as a straight line over the machine's: where it was set, and how many times as fast it runs."""

    def __init__(self, machine: Callable[[], int] = machine_us) -> None:
        self._machine = machine
        self.anchor = (machine(), machine(), 1)

    def now(self) -> int:
        """Return the business time in Unix microseconds."""
        machine, business, scale = self.anchor
        return business + (self._machine() - machine) * scale

    def set(self, now_us: int, scale: int) -> None:
        """Go on from an instant at a speed. Raises ``ValueError`` outside of the years 2000 to 2199."""
        if not 946_684_800 <= now_us // SECOND_US < 7_258_118_400:
            raise ValueError("business time lies in the years 2000 to 2199")
        if not 1 <= scale <= MAX_SCALE:
            raise ValueError(f"the scale lies between 1 and {MAX_SCALE}")
        self.anchor = (self._machine(), now_us, scale)

    def machine_s(self) -> int:
        """Return the machine's time in whole Unix seconds."""
        return self._machine() // SECOND_US

    def until(self, business_us: int) -> float:
        """Return how many seconds of the machine's time pass until an instant of business time."""
        return max(0, business_us - self.now()) / self.anchor[2] / SECOND_US


def day_of(instant_us: int) -> datetime.date:
    """Return the channel's day of an instant."""
    return datetime.datetime.fromtimestamp(instant_us // SECOND_US, BEIJING).date()


def day_begins(day: datetime.date) -> int:
    """Return the instant at which a day of the channel begins."""
    return int(datetime.datetime.combine(day, datetime.time(), BEIJING).timestamp()) * SECOND_US
