"""Token buckets, the same in memory and in Redis; and what holds while Redis is away."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis

from openberth.infra import alarms
from openberth.infra.buckets import Buckets, MemoryBuckets, Rate, SharedBuckets, open_buckets, per_minute
from openberth.infra.buckets.watching import CacheWatch
from openberth.infra.clocks import ManualClock, SystemClock
from openberth.infra.database import Database
from openberth.kernel.authority import system
from openberth.kernel.time import MINUTE_US, SECOND_US, from_iso
from tests.service.redis_server import own_redis, some_redis
from tests.waiting import PATIENCE_S

THREE = per_minute("three", 3)
START = from_iso("2026-11-20T10:00:00Z")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with some_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@asynccontextmanager
async def shared(url: str, clock: ManualClock) -> AsyncIterator[SharedBuckets]:
    """Open buckets in Redis under keys of this test alone, in the time of the test."""
    redis = Redis.from_url(url)
    found = SharedBuckets(redis, MemoryBuckets(clock), clock, clock=clock, prefix=f"test:{uuid.uuid4()}:")
    try:
        yield found
    finally:
        await found.aclose()


@pytest.fixture(params=["memory", "redis"])
def kept(request: pytest.FixtureRequest) -> Callable[[Callable[[Buckets, ManualClock], Awaitable[None]]], None]:
    """Run a test against buckets in memory, and against buckets in Redis."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None

    def run(use: Callable[[Buckets, ManualClock], Awaitable[None]]) -> None:
        async def inside() -> None:
            clock = ManualClock(START)
            if url is None:
                await use(MemoryBuckets(clock), clock)
                return
            async with shared(url, clock) as buckets:
                await use(buckets, clock)
                assert not buckets.is_away

        asyncio.run(inside())

    return run


Kept = Callable[[Callable[[Buckets, ManualClock], Awaitable[None]]], None]


def test_a_bucket_gives_its_burst_then_its_rate_and_tells_what_is_left(kept: Kept) -> None:
    async def use(buckets: Buckets, clock: ManualClock) -> None:
        taken = [await buckets.take(THREE, "a") for _ in range(5)]
        assert [each.granted for each in taken] == [True, True, True, False, False]
        assert [each.left for each in taken] == [2, 1, 0, 0, 0]
        assert [each.full_in_s for each in taken] == [20, 40, 60, 60, 60]
        assert [each.retry_after_s for each in taken] == [0, 0, 0, 20, 20]
        clock.advance(20 * SECOND_US - 1)
        assert (await buckets.take(THREE, "a")).retry_after_s == 1
        clock.advance(1)
        assert [(await buckets.take(THREE, "a")).granted for _ in range(2)] == [True, False]

    kept(use)


def test_keys_and_rules_do_not_disturb_each_other(kept: Kept) -> None:
    async def use(buckets: Buckets, clock: ManualClock) -> None:
        del clock
        assert [(await buckets.take(THREE, "a")).granted for _ in range(4)][-1] is False
        assert (await buckets.take(THREE, "b")).granted
        assert (await buckets.take(per_minute("other", 3), "a")).granted

    kept(use)


def test_a_burst_may_differ_from_the_count(kept: Kept) -> None:
    async def use(buckets: Buckets, clock: ManualClock) -> None:
        rate = per_minute("few", 60, burst=2)
        assert [(await buckets.take(rate, "a")).granted for _ in range(3)] == [True, True, False]
        clock.advance(SECOND_US)
        assert [(await buckets.take(rate, "a")).granted for _ in range(2)] == [True, False]

    kept(use)


def test_a_token_given_back_can_be_taken_again(kept: Kept) -> None:
    async def use(buckets: Buckets, clock: ManualClock) -> None:
        del clock
        assert all([(await buckets.take(THREE, "a")).granted for _ in range(3)])
        await buckets.give_back(THREE, "a")
        assert [(await buckets.take(THREE, "a")).granted for _ in range(2)] == [True, False]
        await buckets.give_back(THREE, "never taken")
        assert [(await buckets.take(THREE, "never taken")).granted for _ in range(4)] == [True, True, True, False]

    kept(use)


def test_a_clock_set_back_holds_nobody_longer_than_a_full_bucket_takes(kept: Kept) -> None:
    async def use(buckets: Buckets, clock: ManualClock) -> None:
        assert [(await buckets.take(THREE, "a")).granted for _ in range(4)][-1] is False
        clock.advance(-60 * MINUTE_US)
        assert (await buckets.take(THREE, "a")).retry_after_s == 20
        clock.advance(20 * SECOND_US)
        assert (await buckets.take(THREE, "a")).granted

    kept(use)


@pytest.mark.parametrize("bad", [{"count": 0}, {"window_us": 0}, {"burst": 0}])
def test_senseless_rules_are_a_defect(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Rate("x", **({"count": 1, "window_us": 1, "burst": 1} | bad))


def test_two_processes_share_one_bucket(redis_url: str) -> None:
    async def use() -> None:
        clock = ManualClock(START)
        prefix = f"test:{uuid.uuid4()}:"
        sides = [
            SharedBuckets(Redis.from_url(redis_url), MemoryBuckets(clock), clock, clock=clock, prefix=prefix)
            for _ in range(2)
        ]
        rate = per_minute("many", 50)
        taken = await asyncio.gather(*(sides[number % 2].take(rate, "a") for number in range(80)))
        assert sum(each.granted for each in taken) == 50
        for side in sides:
            await side.aclose()

    asyncio.run(use())


def test_without_a_clock_of_a_test_instants_are_those_of_redis(redis_url: str) -> None:
    async def use() -> None:
        machine = ManualClock(from_iso("1999-01-01T00:00:00Z"))
        redis, prefix = Redis.from_url(redis_url), f"test:{uuid.uuid4()}:"
        buckets = SharedBuckets(redis, MemoryBuckets(machine), machine, prefix=prefix)
        assert [(await buckets.take(per_minute("one", 1), "a")).granted for _ in range(2)] == [True, False]
        (key,) = [key async for key in redis.scan_iter(f"{prefix}*")]
        seconds, _ = await redis.time()
        assert 0 <= int(await redis.get(key) or 0) - seconds * SECOND_US < 2 * MINUTE_US
        await buckets.aclose()

    asyncio.run(use())


def test_keys_expire_and_say_nothing_about_whom_they_limit(redis_url: str) -> None:
    async def use() -> None:
        clock = ManualClock(START)
        redis = Redis.from_url(redis_url)
        prefix = f"test:{uuid.uuid4()}:"
        buckets = SharedBuckets(redis, MemoryBuckets(clock), clock, clock=clock, prefix=prefix)
        await buckets.take(THREE, "192.0.2.77")
        keys = [key async for key in redis.scan_iter(f"{prefix}*")]
        assert len(keys) == 1
        assert b"192" not in keys[0].removeprefix(prefix.encode())
        assert 0 < await redis.pttl(keys[0]) <= 21_000
        await buckets.aclose()

    asyncio.run(use())


def test_while_redis_is_away_limits_hold_in_memory_and_somebody_is_told(tmp_path: Path) -> None:
    async def use() -> None:
        with own_redis(tmp_path) as server:
            clock, told = ManualClock(START), list[bool]()
            buckets = SharedBuckets(Redis.from_url(server.url), MemoryBuckets(clock), clock, clock=clock)
            buckets.told = told.append
            assert (await buckets.take(THREE, "a")).left == 2
            server.stop()
            assert [(await buckets.take(THREE, "a")).granted for _ in range(4)] == [True, True, True, False]
            assert (buckets.is_away, told) == (True, [True])
            server.start()
            assert not (await buckets.take(THREE, "a")).granted  # not asked again before a while has passed
            clock.advance(5 * SECOND_US)
            assert (await buckets.take(THREE, "b")).granted
            assert (buckets.is_away, told) == (False, [True, False])
            await buckets.aclose()

    asyncio.run(use())


def test_nobody_waits_for_a_cache_that_does_not_answer() -> None:
    async def took_s(url: str) -> float:
        buckets = open_buckets(url, SystemClock())
        assert isinstance(buckets, SharedBuckets)
        began = asyncio.get_running_loop().time()
        taken = await asyncio.gather(*(buckets.take(THREE, "a") for _ in range(4)))
        ended = asyncio.get_running_loop().time()
        assert [each.granted for each in taken] == [True, True, True, False]
        await buckets.aclose()
        return ended - began

    with socket.create_server(("127.0.0.1", 0)) as deaf:  # connections are taken by the kernel, and nobody answers
        url = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
        assert any(asyncio.run(took_s(url)) < 2 for _ in range(5))  # the machine may stand still, but not every time


def test_an_alarm_stands_while_the_cache_is_away_and_goes_by_itself(
    tmp_path: Path, db: Database, machine: ManualClock
) -> None:
    def standing() -> list[tuple[str, str]]:
        return [(one.kind, one.subject) for one in db.read_now(alarms.standing, by=system("test"))]

    async def become(wanted: list[tuple[str, str]]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while standing() != wanted:  # noqa: ASYNC110 - the alarm list has no event
                await asyncio.sleep(0.02)

    async def use() -> None:
        with own_redis(tmp_path) as server:
            buckets = SharedBuckets(Redis.from_url(server.url), MemoryBuckets(machine), machine)
            watch = asyncio.create_task(CacheWatch(db, buckets, "node-1").run())
            await buckets.take(THREE, "a")
            server.stop()
            await buckets.take(THREE, "a")
            await become([("cache_away", "node-1")])
            server.start()
            machine.advance(5 * SECOND_US)
            await buckets.take(THREE, "a")
            await become([])
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await buckets.aclose()

    asyncio.run(use())
    # What a process that is gone has left behind is its successor's to end.
    write = partial(
        alarms.stand, company=alarms.PLATFORM, trouble=alarms.Trouble("cache_away", "node-1", {"node": "x"})
    )
    db.write_now(write, by=system("test"))

    async def begin_again() -> None:
        watch = asyncio.create_task(CacheWatch(db, MemoryBuckets(machine), "node-1").run())
        await become([])
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)

    asyncio.run(begin_again())
