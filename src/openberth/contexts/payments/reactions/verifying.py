"""Verifying the books all the time: whole at night, the youngest rows every few minutes, never in a lane's way.

Walks read page by page on what may be a replica and rest between pages: at night as long as they worked, by day nine
times as long. Where a walk stands is written down at the end of each run, so a restart repeats seconds of it. What
differs is looked at again before anybody is told, and what stood before is looked at again in every run.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import structlog

from openberth.contexts.payments.service import opening, watching
from openberth.contexts.payments.store.watching import Walk
from openberth.infra import jobs
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.jobs import Job, JobRunner, NotYet
from openberth.infra.telemetry import gauge
from openberth.infra.verifying import FIRST, Check, Difference, next_page, still
from openberth.kernel.authority import system
from openberth.kernel.errors import Problem
from openberth.kernel.ids import lowest_at
from openberth.kernel.time import BEIJING, HOUR_US, MINUTE_US, SECOND_US, Instant, as_datetime

JOB_VERIFY = "payments.verify"
NIGHTLY, YOUNG = "nightly", "young"
WORK_S = 20  # of one run of the job, whose lease is longer; then it comes again
REST_MIN_S = 0.005
TOO_LONG_S = 50  # before the lease of the job is over, so that what took too long can be told
SETTLE_S = 2
RESTS = {NIGHTLY: 1, YOUNG: 9}
EVERY_US = 5 * MINUTE_US
YOUNG_US = 2 * HOUR_US
NIGHT_HOURS = range(1, 6)  # in Beijing, where the lots are; a walk that is not done then goes on the next night
_AGAIN_US, _FAILED_US = 30 * SECOND_US, 10 * MINUTE_US

log = structlog.get_logger()
_finished = gauge("openberth_ledger_verified_at_seconds", "When the last complete verification ended, Unix time.")
_rows = gauge("openberth_ledger_verified_rows", "Rows that the last complete verification looked at.")
_differences = gauge("openberth_ledger_differences", "Rows that do not agree now.")


class Verifying:
    """Walks over all checks that the composition root names; one at a time in a cluster."""

    def __init__(self, database: Database, checks: Sequence[Check], *, settle_s: float = SETTLE_S) -> None:
        self._database = database
        self._checks = {check.name: check for check in checks}
        self._settle_s = settle_s
        self._by = system("verification")

    def register(self, runner: JobRunner) -> None:
        """Name the handler of the job."""
        runner.handle(JOB_VERIFY, self.work)

    async def start(self) -> None:
        """See to it that the job is there; it never ends."""
        await self._database.write(_plan, by=self._by)

    async def work(self, _job: Job) -> None:
        """Go on for a while; always comes again."""
        try:
            async with asyncio.timeout(TOO_LONG_S):
                after_us = await self.run()
        except NotYet:
            raise
        except Exception as problem:  # a check that cannot be asked must be seen, and must not end the job
            log.exception("verification.failed")
            error = problem.code if isinstance(problem, Problem) else type(problem).__name__
            await self._save(replace(await self._walk(NIGHTLY), error=error[:200]))
            raise NotYet(_FAILED_US) from problem
        raise NotYet(after_us)

    async def run(self) -> int:
        """Do what is due, for 20 seconds at most; return after how many microseconds to come again."""
        if not await self._database.read(opening.is_opened, by=self._by):
            return _FAILED_US  # what is not booked yet is no difference
        ends = asyncio.get_running_loop().time() + WORK_S
        await self._look_again()
        for name in (YOUNG, NIGHTLY):
            walk = await self._walk(name)
            if walk.check is None:
                if not self._is_due(walk):
                    continue
                walk = replace(walk, check=next(iter(self._of(name))), after=None, started_at=self._now(), looked_at=0)
            if name == NIGHTLY and not self._is_night():
                continue
            if not await self._go_on(walk, ends):
                return 0
        return _AGAIN_US

    async def _go_on(self, walk: Walk, ends_s: float) -> bool:
        """Go on with a walk; tell whether it came to its end in time."""
        clock = asyncio.get_running_loop().time
        checks = self._of(walk.name)
        lowest = FIRST if walk.name == NIGHTLY else lowest_at(max(0, walk.started_at - YOUNG_US) // 1_000)
        while walk.check is not None and clock() < ends_s:
            began = clock()
            check = checks.get(walk.check)
            if check is None:  # the program was changed meanwhile
                walk = replace(walk, check=next(iter(checks)), after=None)
                continue
            look = partial(next_page, check=check, after=walk.after or lowest)
            page = await self._database.report(look, by=self._by)
            if page.differences:
                await self._tell(page.differences)
            following = check.name if page.goes_on is not None else _next_of(list(checks), check.name)
            walk = replace(walk, check=following, after=page.goes_on, looked_at=walk.looked_at + page.looked_at)
            await asyncio.sleep(max((clock() - began) * RESTS[walk.name], REST_MIN_S))
        if walk.check is None:
            walk = replace(walk, finished_at=self._now(), finished_rows=walk.looked_at, error=None)
            if walk.name == NIGHTLY:
                _finished.set(self._now() // SECOND_US)
                _rows.set(walk.looked_at)
        await self._save(walk)
        return walk.check is None

    async def _tell(self, suspects: Sequence[Difference]) -> None:
        await asyncio.sleep(self._settle_s)
        found = await self._still(suspects)
        if found:
            log.error("verification.differs", differences=len(found), what=sorted({one.what for one in found}))
            note = partial(watching.note, found=found, gone=())
            await self._database.write(note, by=self._by, urgency=Urgency.BACKGROUND)

    async def _look_again(self) -> None:
        """Look at what stood before: what was mended is told of no more."""
        before = await self._database.read(partial(watching.standing, limit=watching.KEPT_MAX), by=self._by)
        suspects = [one.difference for one in before]
        found = await self._still(suspects) if suspects else []
        now = {(one.check, one.what, one.subject) for one in found}
        gone = [one for one in suspects if (one.check, one.what, one.subject) not in now]
        if gone or found != suspects:
            note = partial(watching.note, found=found, gone=gone)
            await self._database.write(note, by=self._by, urgency=Urgency.BACKGROUND)
        _differences.set(len(found))

    async def _still(self, suspects: Sequence[Difference]) -> list[Difference]:
        return await self._database.read(
            partial(still, checks=list(self._checks.values()), suspects=suspects), by=self._by
        )

    def _of(self, name: str) -> dict[str, Check]:
        return {key: check for key, check in self._checks.items() if check.young or name == NIGHTLY}

    def _is_due(self, walk: Walk) -> bool:
        if walk.finished_at is None:
            return True
        since = self._now() - walk.finished_at
        return since >= EVERY_US if walk.name == YOUNG else since >= len(NIGHT_HOURS) * HOUR_US

    def _is_night(self) -> bool:
        return as_datetime(self._now()).astimezone(BEIJING).hour in NIGHT_HOURS

    def _now(self) -> Instant:
        return self._database.clocks.machine.now()

    async def _walk(self, name: str) -> Walk:
        found = await self._database.read(watching.walks, by=self._by)
        return found.get(name) or Walk(name, None, None, self._now(), 0, None, None, None)

    async def _save(self, walk: Walk) -> None:
        await self._database.write(partial(watching.save_walk, walk=walk), by=self._by, urgency=Urgency.BACKGROUND)


def _next_of(names: Sequence[str], name: str) -> str | None:
    following = names.index(name) + 1
    return names[following] if following < len(names) else None


def _plan(unit: Unit) -> None:
    jobs.schedule(unit, kind=JOB_VERIFY, body={}, unique_key="once")
