"""Token buckets in the memory of one process."""

from collections import OrderedDict

from openberth.infra.buckets.rules import Rate, Taken
from openberth.kernel.time import SECOND_US, Clock

KEYS_MAX = 10_000
_SWEEP = 64  # idle keys forgotten at most per new key: keeps the work of one call bounded


class RateLimiter:
    """A token bucket per key: ``count`` in every ``window_us`` on average, at most ``burst`` at once (default:
    ``count``).

    Kept as one integer per key, the instant at which its bucket is full again (the generic cell rate algorithm, ITU-T
    I.371), in units of 1/``count`` µs, so that nothing is ever rounded. At most ``max_keys`` keys are remembered. A
    flood of keys neither grows the memory nor sets back a key that is being held: keys without a place share one spare
    bucket until a place is free.
    """

    def __init__(
        self, clock: Clock, *, count: int, window_us: int, burst: int | None = None, max_keys: int = 10_000
    ) -> None:
        if min(count, window_us, max_keys, 1 if burst is None else burst) < 1:
            raise ValueError("count, window, burst and keys are at least 1")
        self._clock = clock
        self._count = count
        self._cost = window_us
        self._depth = (count if burst is None else burst) * window_us
        self._max_keys = max_keys
        self._full_at: OrderedDict[str, int] = OrderedDict()
        self._spare_full_at = 0

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str) -> bool:
        """Take one token of the key's bucket; False when there is none (which costs nothing)."""
        now = self._clock.now() * self._count
        spare = key not in self._full_at and not self._has_place(now)
        # Never further ahead than an empty bucket: heals after a machine clock was set back.
        full_at = max(now, min(self._spare_full_at if spare else self._full_at.get(key, 0), now + self._depth))
        taken = full_at + self._cost <= now + self._depth
        if taken:
            full_at += self._cost
        if spare:
            self._spare_full_at = full_at
        else:
            self._full_at[key] = full_at
            self._full_at.move_to_end(key)
        return taken

    def give_back(self, key: str) -> None:
        """Give back a token that was taken before it was known whether it should be."""
        if key in self._full_at:
            self._full_at[key] -= self._cost
        else:
            self._spare_full_at -= self._cost

    def retry_after_s(self, key: str) -> int:
        """Return the whole seconds, at least 1, after which the key has a token again."""
        missing = self._missing(key)
        return max(1, -(-(missing + self._cost - self._depth) // (self._count * SECOND_US)))

    def left(self, key: str) -> int:
        """Return how many tokens the key has now."""
        return (self._depth - self._missing(key)) // self._cost

    def full_in_s(self, key: str) -> int:
        """Return the whole seconds after which the key has all its tokens again."""
        return -(-self._missing(key) // (self._count * SECOND_US))

    def _missing(self, key: str) -> int:
        """Return what the key's bucket lacks, in units of 1/count µs."""
        now = self._clock.now() * self._count
        return min(max(self._full_at.get(key, self._spare_full_at) - now, 0), self._depth)

    def _has_place(self, now: int) -> bool:
        """Forget keys whose buckets are full again, longest unused first; tell whether there is room for one more."""
        for _ in range(_SWEEP):
            oldest = next(iter(self._full_at), None)
            if oldest is None or self._full_at[oldest] > now:
                break
            del self._full_at[oldest]
        return len(self._full_at) < self._max_keys


class MemoryBuckets:
    """Buckets of this process: gone with it, and not shared with any other."""

    def __init__(self, clock: Clock, *, max_keys: int = KEYS_MAX) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._limiters: dict[Rate, RateLimiter] = {}

    async def take(self, rate: Rate, key: str) -> Taken:
        """Take one token."""
        limiter = self._limiter(rate)
        granted = limiter.take(key)
        retry_after_s = 0 if granted else limiter.retry_after_s(key)
        return Taken(rate, granted, limiter.left(key), limiter.full_in_s(key), retry_after_s)

    async def give_back(self, rate: Rate, key: str) -> None:
        """Give a token back."""
        self._limiter(rate).give_back(key)

    def _limiter(self, rate: Rate) -> RateLimiter:
        found = self._limiters.get(rate)
        if found is None:
            found = self._limiters[rate] = RateLimiter(
                self._clock, count=rate.count, window_us=rate.window_us, burst=rate.burst, max_keys=self._max_keys
            )
        return found
