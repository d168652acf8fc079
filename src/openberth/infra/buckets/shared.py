"""Token buckets that several processes share through Redis, and what happens while Redis is away.

One script takes a token in one step, so that two processes never give the same one. Instants are Redis's own: processes
whose clocks differ agree, and a process that was set back frees nobody. Keys are ``openberth:bucket:RULE:DIGEST`` and
expire when their bucket is full again; what was limited (an address, an account) cannot be read from them.

Redis is asked for a short while and no longer. When it does not answer, the process goes on with buckets of its own, at
once and for some seconds before it asks again: limits hold per process then, and nobody stands at a gate for a cache.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from openberth.infra.buckets.memory import MemoryBuckets
from openberth.infra.buckets.rules import Buckets, Rate, Taken, whole_seconds
from openberth.infra.telemetry import counter
from openberth.kernel.time import SECOND_US, Clock

PREFIX = "openberth:bucket:"
ANSWER_WITHIN_S = 0.25
ALONE_US = 5 * SECOND_US
CONNECTIONS_MAX = 32

# KEYS: the bucket. ARGV: now in µs or 0 for Redis's own, µs a token takes, µs of a full bucket, tokens taken (1 or -1).
# As in ``RateLimiter``: the bucket is the instant at which it is full again. All numbers stay below 2^53.
_SCRIPT = """
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local cost, depth, wanted = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local full = tonumber(redis.call('GET', KEYS[1]) or '0')
full = math.max(now, math.min(full, now + depth))
local after, granted = full + wanted * cost, 1
if after > now + depth then after, granted = full, 0 end
if after > now then
  redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1000)
else
  redis.call('DEL', KEYS[1])
  after = now
end
return {granted, after - now}
"""

_AWAY = counter("openberth_cache_away_total", "Times that the cache did not answer and limits were kept in memory.")

log = structlog.get_logger()


class SharedBuckets:
    """Buckets in Redis, and in memory while Redis is away. ``told`` learns that it went (True) or came back (False).

    ``clock`` is for tests: the instants of buckets are Redis's own without it.
    """

    def __init__(
        self, redis: "Redis", alone: MemoryBuckets, machine: Clock, *, clock: Clock | None = None, prefix: str = PREFIX
    ) -> None:
        self._redis = redis
        self._alone = alone
        self._machine = machine
        self._clock = clock
        self._prefix = prefix
        self._script = redis.register_script(_SCRIPT)
        self._alone_until: int | None = None
        self.told: Callable[[bool], None] = lambda _away: None

    @property
    def is_away(self) -> bool:
        """Tell whether limits are kept in memory now."""
        return self._alone_until is not None

    async def take(self, rate: Rate, key: str) -> Taken:
        """Take one token."""
        answer = await self._ask(rate, key, 1)
        if answer is None:
            return await self._alone.take(rate, key)
        granted, missing = answer
        cost, depth = _shape(rate)
        wait = 0 if granted else max(1, whole_seconds(missing + cost - depth))
        return Taken(rate, granted, max(0, depth - missing) // cost, whole_seconds(missing), wait)

    async def give_back(self, rate: Rate, key: str) -> None:
        """Give a token back."""
        if await self._ask(rate, key, -1) is None:
            await self._alone.give_back(rate, key)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _ask(self, rate: Rate, key: str, wanted: int) -> tuple[bool, int] | None:
        now = self._machine.now()
        if self._alone_until is not None and now < self._alone_until <= now + ALONE_US:
            return None
        cost, depth = _shape(rate)
        try:
            asked = self._script(
                keys=[self._key(rate, key)], args=[0 if self._clock is None else self._clock.now(), cost, depth, wanted]
            )
            granted, missing = await cast("Awaitable[list[Any]]", asked)
        except (RedisError, OSError, TimeoutError) as error:
            self._went(type(error).__name__)
            return None
        self._came_back()
        return bool(granted), int(missing)

    def _key(self, rate: Rate, key: str) -> str:
        return f"{self._prefix}{rate.name}:{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"

    def _went(self, error: str) -> None:
        _AWAY.inc()
        if self._alone_until is None:
            log.warning("cache.away", error=error)
            self.told(True)
        self._alone_until = self._machine.now() + ALONE_US

    def _came_back(self) -> None:
        if self._alone_until is not None:
            self._alone_until = None
            log.info("cache.back")
            self.told(False)


def open_buckets(cache: str | None, machine: Clock) -> Buckets:
    """Return the buckets of a process: in Redis at this address (``redis://`` or ``rediss://``), in memory for None."""
    alone = MemoryBuckets(machine)
    if cache is None:
        return alone
    # No retries and no long waits: the process has buckets of its own to go on with.
    redis = Redis.from_url(
        cache, socket_timeout=ANSWER_WITHIN_S, socket_connect_timeout=ANSWER_WITHIN_S, retry=Retry(NoBackoff(), 0),
        max_connections=CONNECTIONS_MAX,
    )  # fmt: skip
    return SharedBuckets(redis, alone, machine)


def _shape(rate: Rate) -> tuple[int, int]:
    """Return the µs of a token, rounded up, and of a full bucket."""
    cost = -(-rate.window_us // rate.count)
    return cost, cost * rate.burst
