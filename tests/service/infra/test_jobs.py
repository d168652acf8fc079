"""Durable jobs: retried with growing pauses, given up in the end, taken over from the dead, never twice at a time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from openberth.infra import jobs
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.infra.jobs import ATTEMPTS_MAX, LEASE_US, Job, JobClock, JobRunner, NotYet, schedule
from openberth.kernel.errors import Overloaded
from openberth.kernel.time import HOUR_US, SECOND_US, Instant
from tests.service.infra import tables
from tests.service.infra.facts import BY, running
from tests.waiting import until

KIND = "test.job"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "POLL_S", 0.005)


def plan(db: Database, **params: Any) -> bool:
    return db.write_now(partial(schedule, **{"kind": KIND, "body": {}, **params}), by=BY)


def rows(db: Database) -> list[tuple[Any, ...]]:
    """Return state, attempts and due time of every job."""
    return tables.execute(db, "SELECT state, attempts, due_at FROM job ORDER BY id")


class Handler:
    """Does what the test says, and remembers what it was given."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.seen: list[Job] = []
        self.outcomes = list(outcomes)
        self.hanging: asyncio.Event | None = None

    async def __call__(self, job: Job) -> None:
        self.seen.append(job)
        if self.hanging is not None:
            await self.hanging.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome


@contextlib.asynccontextmanager
async def runner(db: Database, handler: Handler, owner: str = "one", kind: str = KIND) -> AsyncIterator[JobRunner]:
    made = JobRunner(db, owner=owner)
    made.handle(kind, handler)
    async with running(made.run()):
        yield made


def test_a_job_runs_once_with_its_body_and_is_gone(db: Database) -> None:
    handler = Handler()

    async def main() -> None:
        async with runner(db, handler):
            assert plan(db, body={"bill": "b1", "amount": 5})
            await until(lambda: handler.seen and not rows(db))
            await asyncio.sleep(0.03)

    asyncio.run(main())
    (seen,) = handler.seen
    assert (seen.kind, seen.body, seen.attempt, seen.cause) == (KIND, {"bill": "b1", "amount": 5}, 1, None)


def test_failures_are_retried_with_growing_pauses_and_given_up(db: Database, machine: ManualClock) -> None:
    handler = Handler(*(ValueError(f"broken {number}") for number in range(ATTEMPTS_MAX)))
    pauses = []

    async def main() -> None:
        plan(db)
        async with runner(db, handler):
            for attempt in range(1, ATTEMPTS_MAX + 1):
                await until(lambda attempt=attempt: len(handler.seen) == attempt and _settled(db, attempt))
                ((state, attempts, due_at),) = rows(db)
                assert attempts == attempt
                if state == jobs.FAILED:
                    break
                pauses.append((due_at - machine.now()) // SECOND_US)
                await asyncio.sleep(0.02)
                assert len(handler.seen) == attempt  # not before its time
                machine.set(Instant(due_at))

    asyncio.run(main())
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600]
    ((state, attempts, _),) = rows(db)
    assert (state, attempts) == (jobs.FAILED, ATTEMPTS_MAX)
    assert db.read_now(jobs.given_up, by=BY) == [(KIND, f"ValueError: broken {ATTEMPTS_MAX - 1}")]
    assert [seen.attempt for seen in handler.seen] == list(range(1, ATTEMPTS_MAX + 1))


def _settled(db: Database, attempt: int) -> bool:
    return tables.execute(db, f"SELECT owner FROM job WHERE attempts = {attempt}") == [(None,)]


def test_not_yet_is_no_failure(db: Database, machine: ManualClock) -> None:
    handler = Handler(NotYet(5 * SECOND_US), NotYet(5 * SECOND_US), ValueError("broken"))

    async def main() -> None:
        plan(db)
        async with runner(db, handler):
            for count in (1, 2):
                await until(lambda count=count: len(handler.seen) == count and _settled(db, 0))
                assert rows(db) == [("waiting", 0, machine.now() + 5 * SECOND_US)]
                machine.advance(5 * SECOND_US)
            await until(lambda: _settled(db, 1))
            machine.advance(SECOND_US)
            await until(lambda: not rows(db))

    asyncio.run(main())
    assert [seen.attempt for seen in handler.seen] == [1, 1, 1, 2]


def test_a_killed_runners_job_is_taken_over_when_its_lease_is_over(db: Database, machine: ManualClock) -> None:
    dead, heir = Handler(), Handler()

    async def main() -> None:
        plan(db)
        dead.hanging = asyncio.Event()
        async with runner(db, dead, "dead"):
            await until(lambda: dead.seen)
        async with runner(db, heir, "heir"):
            machine.advance(LEASE_US)
            await asyncio.sleep(0.05)
            assert heir.seen == []
            machine.advance(1)
            await until(lambda: heir.seen and not rows(db))

    asyncio.run(main())
    assert heir.seen[0].attempt == 2


def test_a_process_that_is_alone_takes_jobs_from_the_dead_at_once(db: Database) -> None:
    """A power cut in the middle of a job: the next start does not wait until the lease is over."""
    dead, heir = Handler(), Handler()
    dead.hanging = asyncio.Event()

    async def main() -> None:
        async with runner(db, dead):
            plan(db)
            await until(lambda: dead.seen)
        assert db.write_now(jobs.free_all, by=BY) == 1
        async with runner(db, heir, owner="two"):
            await until(lambda: heir.seen and not rows(db))

    asyncio.run(main())
    assert [job.attempt for job in heir.seen] == [2]


def test_who_lost_the_lease_does_not_end_the_heirs_job(db: Database, machine: ManualClock) -> None:
    slow, heir = Handler(), Handler(ValueError("not yet done"))

    async def main() -> None:
        plan(db)
        slow.hanging = asyncio.Event()
        async with runner(db, slow, "slow"):
            await until(lambda: slow.seen)
            machine.advance(LEASE_US + 1)
            async with runner(db, heir, "heir"):
                await until(lambda: heir.seen and _settled(db, 2))
                slow.hanging.set()
                await asyncio.sleep(0.05)
                assert [row[:2] for row in rows(db)] == [("waiting", 2)]

    asyncio.run(main())


def test_who_fails_after_losing_the_lease_changes_nothing(db: Database, machine: ManualClock) -> None:
    slow, heir = Handler(ValueError("too late")), Handler()

    async def main() -> None:
        plan(db)
        slow.hanging, heir.hanging = asyncio.Event(), asyncio.Event()
        async with runner(db, slow, "slow"):
            await until(lambda: slow.seen)
            machine.advance(LEASE_US + 1)
            async with runner(db, heir, "heir") as at_work:
                await until(lambda: heir.seen)
                slow.hanging.set()
                await asyncio.sleep(0.05)
                assert tables.execute(db, "SELECT owner, attempts, error FROM job") == [("heir", 2, None)]
                heir.hanging.set()
                await until(lambda: not at_work._running)

    asyncio.run(main())
    assert rows(db) == []


def test_two_runners_never_do_the_same_job_at_a_time(db: Database) -> None:
    one, other = Handler(), Handler()

    async def main() -> None:
        for number in range(40):
            plan(db, body={"number": number})
        async with runner(db, one, "one"), runner(db, other, "other"):
            await until(lambda: not rows(db))

    asyncio.run(main())
    done = [seen.body["number"] for seen in one.seen + other.seen]
    assert sorted(done) == list(range(40))


def test_no_more_than_the_bound_runs_at_once(db: Database) -> None:
    handler = Handler()

    async def main() -> None:
        for number in range(jobs.AT_ONCE_MAX + 9):
            plan(db, body={"number": number})
        handler.hanging = asyncio.Event()
        async with runner(db, handler):
            await until(lambda: len(handler.seen) == jobs.AT_ONCE_MAX)
            await asyncio.sleep(0.05)
            assert len(handler.seen) == jobs.AT_ONCE_MAX
            handler.hanging.set()
            await until(lambda: not rows(db))

    asyncio.run(main())
    assert len(handler.seen) == jobs.AT_ONCE_MAX + 9


def test_a_unique_key_waits_once(db: Database) -> None:
    handler = Handler()
    assert plan(db, unique_key="bill-1", body={"first": True})
    assert not plan(db, unique_key="bill-1", body={"first": False})
    assert plan(db, unique_key="bill-2")
    assert plan(db, kind="test.other", unique_key="bill-1")
    assert plan(db)
    assert plan(db)

    async def main() -> None:
        async with runner(db, handler):
            await until(lambda: len(rows(db)) == 1)  # the other kind's

    asyncio.run(main())
    assert len(handler.seen) == 4
    assert {"first": True} in [seen.body for seen in handler.seen]
    assert plan(db, unique_key="bill-1")


def test_a_waiting_job_can_be_cancelled(db: Database) -> None:
    plan(db, unique_key="bill-1")
    plan(db, unique_key="bill-2")
    db.write_now(partial(jobs.cancel, kind=KIND, unique_key="bill-1"), by=BY)
    assert len(rows(db)) == 1


def test_business_timers_follow_business_time_alone(db: Database, business: ManualClock, machine: ManualClock) -> None:
    handler = Handler()

    async def main() -> None:
        plan(db, due_at=Instant(business.now() + HOUR_US), clock=JobClock.BUSINESS)
        async with runner(db, handler):
            machine.advance(10 * HOUR_US)
            await asyncio.sleep(0.05)
            assert handler.seen == []
            business.advance(HOUR_US - 1)
            await asyncio.sleep(0.05)
            assert handler.seen == []
            business.advance(1)
            await until(lambda: handler.seen and not rows(db))

    asyncio.run(main())


def test_a_failed_business_timer_is_retried_by_machine_time(
    db: Database, business: ManualClock, machine: ManualClock
) -> None:
    handler = Handler(ValueError("broken"))

    async def main() -> None:
        plan(db, due_at=business.now(), clock=JobClock.BUSINESS)
        async with runner(db, handler):
            await until(lambda: handler.seen and _settled(db, 1))
            business.advance(HOUR_US)
            await asyncio.sleep(0.05)
            assert len(handler.seen) == 1
            machine.advance(SECOND_US)
            await until(lambda: not rows(db))

    asyncio.run(main())


def test_jobs_nobody_here_can_do_do_not_stand_in_the_way(db: Database) -> None:
    handler = Handler()
    for _ in range(jobs.AT_ONCE_MAX + 5):
        plan(db, kind="test.elsewhere")
    plan(db)

    async def main() -> None:
        async with runner(db, handler):
            await until(lambda: handler.seen)

    asyncio.run(main())
    assert len(handler.seen) == 1


def test_a_database_that_does_not_answer_is_tried_again(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = Handler()
    refusals = [Overloaded("database.unreachable", database="x", reason="y")] * 3
    read, write = db.read, db.write

    async def shaky_read(*args: Any, **params: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return await read(*args, **params)

    async def no_outcome(*args: Any, **params: Any) -> Any:
        if handler.seen:
            raise Overloaded("queue.full", queue="normal")
        return await write(*args, **params)

    async def main() -> None:
        plan(db)
        async with runner(db, handler) as made:
            await until(lambda: handler.seen and not made._running)

    monkeypatch.setattr(db, "read", shaky_read)
    monkeypatch.setattr(db, "write", no_outcome)
    asyncio.run(main())
    assert refusals == []
    assert [row[:2] for row in rows(db)] == [("waiting", 1)]  # its lease runs out, then it is done again


def test_a_kind_has_one_handler(db: Database) -> None:
    made = JobRunner(db, owner="one")
    made.handle(KIND, Handler())
    with pytest.raises(AssertionError, match="two handlers"):
        made.handle(KIND, Handler())
