"""What a bucket holds, what taking from it gives, and who keeps buckets. Pure."""

from dataclasses import dataclass
from typing import Protocol

from openberth.kernel.time import MINUTE_US, SECOND_US


@dataclass(frozen=True, slots=True)
class Rate:
    """A rule: ``count`` in every ``window_us`` on average, at most ``burst`` at once. ``name`` keeps rules apart."""

    name: str
    count: int
    window_us: int
    burst: int

    def __post_init__(self) -> None:
        if min(self.count, self.window_us, self.burst) < 1:
            raise ValueError("count, window and burst are at least 1")

    @property
    def policy(self) -> str:
        """Return the rule as an item of the ``RateLimit-Policy`` field (draft-ietf-httpapi-ratelimit-headers-10)."""
        return f'"{self.name}";q={self.count};w={self.window_us // SECOND_US}'


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of taking a token: whether there was one, how many are left, seconds until the bucket is full again,
    and, without one, until the next (at least 1).
    """

    rate: Rate
    granted: bool
    left: int
    full_in_s: int
    retry_after_s: int = 0

    @property
    def state(self) -> str:
        """Return the state as an item of the ``RateLimit`` field: what is left, until it is all there again."""
        return f'"{self.rate.name}";r={self.left};t={self.full_in_s}'


class Buckets(Protocol):
    """Keeps a bucket for every rule and key."""

    async def take(self, rate: Rate, key: str) -> Taken:
        """Take one token; one that is not there costs nothing."""
        ...

    async def give_back(self, rate: Rate, key: str) -> None:
        """Give back a token that was taken before it was known whether it should be."""
        ...


def per_minute(name: str, count: int, *, burst: int | None = None) -> Rate:
    """Return the rule of so many a minute; all of them at once unless ``burst`` says otherwise."""
    return Rate(name, count, MINUTE_US, count if burst is None else burst)


def whole_seconds(microseconds: int) -> int:
    """Return a time in whole seconds, rounded up."""
    return -(-microseconds // SECOND_US)
