"""Codes that prove a phone: how often one is sent, how long it is good, how often it may be tried. Pure; machine time.

The bounds of a number are those that operators of short messages keep themselves, so a message that leaves here is
not refused there for its number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Instant

DIGITS = 6
LIFE_US = 5 * MINUTE_US
TRIES = 5
# So many to one number within a span, the narrowest first.
BOUNDS = ((1, MINUTE_US), (5, HOUR_US), (10, DAY_US))
NEXT_AFTER_S = MINUTE_US // SECOND_US
# Whoever asks for codes for many numbers from many addresses must not use up the day of everybody else at once.
SHARE_OF_HOUR = 6
KEPT_US = DAY_US  # what was sent is counted for so long, then forgotten


@dataclass(frozen=True, slots=True)
class PhoneCode:
    """A code that was sent: keyed hashes of number and code, wrong and right tries together."""

    id: Id
    number: str
    digest: str
    made_at: Instant
    tries: int
    used_at: Instant | None

    def is_good(self, now: Instant) -> bool:
        """Tell whether the code may still be tried."""
        return self.used_at is None and self.tries < TRIES and now < self.made_at + LIFE_US


def most_per_hour(most_per_day: int) -> int:
    """Return how many codes leave within an hour at most, to all numbers together."""
    return -(-most_per_day // SHARE_OF_HOUR)


def wait_s(sent: Sequence[Instant], now: Instant) -> int:
    """Return for how many seconds no further code goes to a number, 0 for none; ``sent`` are instants, newest first."""
    free_at = max((sent[most - 1] + span for most, span in BOUNDS if len(sent) >= most), default=now)
    return max(0, -(-(free_at - now) // SECOND_US))
