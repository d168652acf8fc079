"""Durable jobs and timers: work that is decided in a unit and done outside of one.

A job is scheduled in the unit that decides it, claimed under a lease, retried with growing pauses, and given up with an
alarm after a bound. Network calls happen here, never in a unit. ``clock`` says whose time ``due_at`` is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import bindparam, delete, false, or_, select, update

from openberth.infra.database.database import Database
from openberth.infra.database.queue import Urgency
from openberth.infra.database.schema import job
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.unit import Reader, Unit
from openberth.infra.waking import woken
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded
from openberth.kernel.ids import Id
from openberth.kernel.persons import masked_words
from openberth.kernel.time import SECOND_US, Instant

ATTEMPTS_MAX = 12
LEASE_US = 60 * SECOND_US
POLL_S = 0.25
AT_ONCE_MAX = 16
RETRY_FIRST_US = SECOND_US
RETRY_LAST_US = 600 * SECOND_US
WAITING, FAILED = "waiting", "failed"

log = structlog.get_logger()


class JobClock(StrEnum):
    """Whose time a job waits for."""

    MACHINE = "machine"
    BUSINESS = "business"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its handler gets it; ``attempt`` counts from 1."""

    id: Id
    kind: str
    body: Any
    attempt: int
    cause: Id | None


class NotYet(Exception):
    """Raised by a handler whose time has not come: the job runs again after ``after_us`` of machine time, uncounted."""

    def __init__(self, after_us: int) -> None:
        super().__init__(after_us)
        self.after_us = after_us


Handler = Callable[[Job], Awaitable[None]]


async def tried(job: Job, work: Awaitable[None], *, most: int, give_up: Callable[[], Awaitable[object]]) -> None:
    """Await the work of a job; when its ``most``-th attempt fails, too, ``give_up`` first says so where people look.

    The error of the work is raised in any case, and ``NotYet`` passes: it is no failure.
    """
    try:
        await work
    except NotYet:
        raise
    except Exception:
        if job.attempt >= most:
            await give_up()
        raise


_INSERT = insert_into(job, once=True)
_CLAIM = Write(
    update(job)
    .where(
        job.c.id == bindparam("job_id"),
        job.c.state == WAITING,
        job.c.attempts == bindparam("attempts_before"),
        or_(job.c.leased_until.is_(None), job.c.leased_until < bindparam("machine_now")),
    )
    .values(owner=bindparam("new_owner"), leased_until=bindparam("new_until"), attempts=job.c.attempts + 1)
)
_DONE = Write(delete(job).where(job.c.id == bindparam("job_id"), job.c.owner == bindparam("mine")))
_AGAIN = Write(
    update(job)
    .where(job.c.id == bindparam("job_id"), job.c.owner == bindparam("mine"))
    .values(
        owner=None,
        leased_until=None,
        state=bindparam("new_state"),
        clock=bindparam("new_clock"),
        attempts=bindparam("new_attempts"),
        due_at=bindparam("new_due"),
        error=bindparam("new_error"),
    )
)
_CANCEL = Write(
    delete(job).where(job.c.kind == bindparam("job_kind"), job.c.unique_key == bindparam("key"), job.c.owner.is_(None))
)
_HURRY = Write(
    update(job)
    .where(
        job.c.kind == bindparam("job_kind"),
        job.c.unique_key == bindparam("key"),
        job.c.state == WAITING,
        job.c.owner.is_(None),
        job.c.due_at > bindparam("machine_now"),
    )
    .values(clock=JobClock.MACHINE.value, due_at=bindparam("new_due"))
)
_FREE = Write(update(job).where(job.c.owner.is_not(None)).values(owner=None, leased_until=None))
_FAILED = Query(
    select(job.c.kind, job.c.error).where(job.c.state == FAILED).limit(100), lambda kind, error: (kind, error)
)


def _due_of(kinds: Iterable[str]) -> Query[Job]:
    # By kind, or jobs that only other processes can do would stand in front of ours for ever.
    clause = (
        select(job.c.id, job.c.kind, job.c.body, job.c.attempts, job.c.cause)
        .where(
            job.c.state == WAITING,
            job.c.clock == bindparam("clock"),
            job.c.due_at <= bindparam("now"),
            or_(job.c.leased_until.is_(None), job.c.leased_until < bindparam("machine_now")),
            or_(false(), *(job.c.kind == kind for kind in sorted(kinds))),
        )
        .order_by(job.c.due_at)
        .limit(bindparam("limit"))
    )
    return Query(clause, lambda id_, kind, body, attempts, cause: Job(id_, kind, body, attempts + 1, cause))


def schedule(
    unit: Unit,
    *,
    kind: str,
    body: Mapping[str, Any],
    due_at: Instant | None = None,
    clock: JobClock = JobClock.MACHINE,
    unique_key: str | None = None,
) -> bool:
    """Schedule a job in this unit; with ``unique_key`` only if none of its kind and key waits. Tells whether it was
    new.
    """
    moment = due_at if due_at is not None else unit.machine_now if clock is JobClock.MACHINE else unit.now
    added = unit.run(
        _INSERT, id=unit.new_id(), kind=kind, unique_key=unique_key, clock=clock.value, due_at=moment, state=WAITING,
        attempts=0, owner=None, leased_until=None, error=None, body=body, cause=unit.cause,
    )  # fmt: skip
    return added == 1


def cancel(unit: Unit, *, kind: str, unique_key: str) -> bool:
    """Remove a job that nobody has claimed yet."""
    return unit.run(_CANCEL, job_kind=kind, key=unique_key) > 0


def hurry(unit: Unit, *, kind: str, unique_key: str) -> bool:
    """Have a waiting job done now instead of later; one that nobody waits for is no matter."""
    now = unit.machine_now
    return unit.run(_HURRY, job_kind=kind, key=unique_key, machine_now=now, new_due=now) > 0


def free_all(unit: Unit) -> int:
    """Take every job from whoever has claimed it: only for a process that knows that it is alone."""
    return unit.run(_FREE)


def given_up(reader: Reader) -> list[tuple[str, str]]:
    """Return (kind, last error) of jobs that were given up: the alarm list reads it."""
    return reader.all(_FAILED)


class JobRunner:
    """Claims and runs due jobs in this process, at most 16 at once."""

    def __init__(self, database: Database, *, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._handlers: dict[str, Handler] = {}
        self._wake = asyncio.Event()
        self._by = system("jobs")
        self._running: dict[asyncio.Task[None], Id] = {}
        self._due = _due_of(())

    def handle(self, kind: str, handler: Handler) -> None:
        """Name the handler of a kind; handlers are idempotent, for a job may run again after a crash."""
        if kind in self._handlers:
            raise AssertionError(f"job kind {kind} has two handlers")
        self._handlers[kind] = handler
        self._due = _due_of(self._handlers)

    def wake(self) -> None:
        """Look for due jobs now instead of at the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Run until cancelled. A database that does not answer is tried again."""
        try:
            while True:
                try:
                    await self._begin_due()
                except Overloaded as problem:
                    log.warning("jobs.waiting", code=problem.code)
                await woken(self._wake, within_s=POLL_S)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _begin_due(self) -> None:
        free = AT_ONCE_MAX - len(self._running)
        if free < 1 or not self._handlers:
            return
        for found in await self._claim(free):
            task = asyncio.create_task(self._run_one(found), name=f"job-{found.kind}")
            self._running[task] = found.id
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        was_full = len(self._running) == AT_ONCE_MAX
        del self._running[task]
        if was_full:
            self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its outcome could not be written: the lease runs out and the job is done again.
            log.error("job.unsettled", job=task.get_name(), error=f"{type(error).__name__}: {error}"[:400])

    async def _claim(self, most: int) -> list[Job]:
        due = await self._database.read(lambda reader: _find_due(reader, self._due, most), by=self._by)
        # One of ours whose lease has run out (a clock that jumped) is not begun a second time beside itself.
        due = [found for found in due if found.id not in self._running.values()]
        if not due:
            return []
        return await self._database.write(
            lambda unit: [found for found in due if self._take(unit, found)], by=self._by, urgency=Urgency.NORMAL
        )

    def _take(self, unit: Unit, found: Job) -> bool:
        taken = unit.run(
            _CLAIM, job_id=found.id, attempts_before=found.attempt - 1, machine_now=unit.machine_now,
            new_owner=self._owner, new_until=unit.machine_now + LEASE_US,
        )  # fmt: skip
        return taken == 1

    async def _run_one(self, found: Job) -> None:
        try:
            async with asyncio.timeout(LEASE_US / SECOND_US - 5):
                await self._handlers[found.kind](found)
        except NotYet as later:
            await self._again(found, WAITING, found.attempt - 1, later.after_us, None)
            return
        except Exception as error:
            await self._put_off(found, error)
            return
        await self._database.write(lambda unit: unit.run(_DONE, job_id=found.id, mine=self._owner), by=self._by)

    async def _put_off(self, found: Job, error: Exception) -> None:
        given_up_now = found.attempt >= ATTEMPTS_MAX
        pause_us = min(RETRY_FIRST_US * 2 ** (found.attempt - 1), RETRY_LAST_US)
        text = masked_words(f"{type(error).__name__}: {error}")[:400]
        level = log.error if given_up_now else log.warning
        level(
            "job.failed", kind=found.kind, job=str(found.id), attempt=found.attempt, error=text, given_up=given_up_now
        )
        await self._again(found, FAILED if given_up_now else WAITING, found.attempt, pause_us, text)

    async def _again(self, found: Job, state: str, attempts: int, pause_us: int, error: str | None) -> None:
        await self._database.write(
            lambda unit: unit.run(
                _AGAIN, job_id=found.id, mine=self._owner, new_state=state, new_clock=JobClock.MACHINE.value,
                new_attempts=attempts, new_due=unit.machine_now + pause_us, new_error=error,
            ),
            by=self._by,
        )  # fmt: skip


def _find_due(reader: Reader, query: Query[Job], most: int) -> list[Job]:
    due: list[Job] = []
    for clock, now in ((JobClock.MACHINE, reader.machine_now), (JobClock.BUSINESS, reader.now)):
        due += reader.all(query, clock=clock.value, now=now, machine_now=reader.machine_now, limit=most)
    return due[:most]
