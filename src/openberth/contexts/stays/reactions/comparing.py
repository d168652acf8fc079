"""The job that adds up the cars of all lots every two minutes of business time, a lot in a unit."""

from functools import partial

import structlog

from openberth.contexts import facility
from openberth.contexts.stays.service import comparing
from openberth.infra import jobs
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.jobs import Job, JobClock, JobRunner
from openberth.kernel.authority import system
from openberth.kernel.time import MINUTE_US, Instant

JOB = "stays.occupancy"
EVERY_US = 2 * MINUTE_US

log = structlog.get_logger()


class Comparing:
    """Adds up the cars of lots."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("occupancy")

    def register(self, runner: JobRunner) -> None:
        """Name the handler of the job."""
        runner.handle(JOB, self._run)

    async def start(self) -> None:
        """See to it that the next run is planned."""
        await self._database.write(_plan, by=self._by)

    async def _run(self, _job: Job) -> None:
        # The next one is planned first: a lot that fails must not be the end of it.
        await self._database.write(_plan, by=self._by)
        await self.compare()

    async def compare(self) -> int:
        """Add the cars of every lot up; returns how many areas stand in an alarm."""
        told = 0
        for lot in await self._database.read(facility.lots, by=self._by):
            try:
                compare = partial(comparing.compare_lot, lot=lot.id)
                told += await self._database.write(compare, by=self._by, urgency=Urgency.BACKGROUND)
            except Exception:
                log.exception("occupancy.failed", lot=lot.code)
        return told


def _plan(unit: Unit) -> None:
    """Plan the next run; its moment is its name, so that several processes plan one."""
    number = unit.now // EVERY_US + 1
    due = Instant(number * EVERY_US)
    jobs.schedule(unit, kind=JOB, body={}, due_at=due, clock=JobClock.BUSINESS, unique_key=f"at-{number}")
