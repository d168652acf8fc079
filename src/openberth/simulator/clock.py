"""Business time as the server tells it, followed between two looks at its clock by the machine's own.

The server may run business time faster than machine time. Stays, arrivals and device stamps are business time; booms,
retries and patience are machine time. Instants are integer microseconds since 1970 in UTC.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_NAP_S = 2.0  # so that a sleeper notices when the server's clock was set anew


def instant_us(text: str) -> int:
    """Read an RFC 3339 instant; raise ``ValueError`` for anything else or a time without zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def instant_text(us: int) -> str:
    """Write an instant as RFC 3339 in UTC."""
    return (_EPOCH + timedelta(microseconds=us)).isoformat().replace("+00:00", "Z")


class BusinessClock:
    """The server's business clock, reckoned locally; ``machine_ns`` is replaced in tests."""

    def __init__(self, machine_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._machine_ns = machine_ns
        self._base_us = 0
        self._base_ns = 0
        self._speed = Fraction(1)
        self._last_us = 0
        self._set = False

    @property
    def speed(self) -> Fraction:
        """Business seconds in one machine second."""
        return self._speed

    def machine_ns(self) -> int:
        """Return the machine's monotonic time, for ``follow``."""
        return self._machine_ns()

    def follow(self, business_us: int, speed: Fraction, asked_ns: int, answered_ns: int) -> None:
        """Take one look at the server's clock: what it said, and the machine times before and after asking.

        The server read its clock somewhere between the two, so a difference smaller than that is no news and changes
        nothing: the local clock then runs evenly. A larger one is made up as far as it is sure: a look that had to wait
        for a server to come back says little.
        """
        if speed <= 0:
            raise ValueError("the clock must run forward")
        middle_ns = (asked_ns + answered_ns) // 2
        doubt_us = int((answered_ns - asked_ns) * speed) // 2_000
        told_us = business_us
        if self._set and speed == self._speed:
            ours_us = self._at(middle_ns)
            if abs(ours_us - business_us) <= doubt_us + 1:
                return
            told_us += doubt_us if ours_us > business_us else -doubt_us
        self._base_us, self._base_ns, self._speed, self._set = told_us, middle_ns, speed, True

    def now_us(self) -> int:
        """Return business time now; it never goes back."""
        self._last_us = max(self._last_us, self._at(self._machine_ns()))
        return self._last_us

    def machine_seconds(self, business_us: int) -> float:
        """Return how long a span of business time takes on the machine."""
        return float(Fraction(business_us, SECOND_US) / self._speed)

    async def sleep_until(self, business_us: int) -> None:
        """Sleep until a business instant."""
        left_us = business_us - self.now_us()
        while left_us > 0:
            await asyncio.sleep(min(self.machine_seconds(left_us), _LONGEST_NAP_S))
            left_us = business_us - self.now_us()

    def _at(self, machine_ns: int) -> int:
        return self._base_us + int((machine_ns - self._base_ns) * self._speed) // 1_000
