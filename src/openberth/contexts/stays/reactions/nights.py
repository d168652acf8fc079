"""What stays does by the clock: the nightly look at stays nobody saw end, and convoys whose time is over."""

import asyncio
from functools import partial
from uuid import UUID

import structlog

from openberth.contexts import facility
from openberth.contexts.stays.service import convoys, whereabouts
from openberth.infra import jobs
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.jobs import Job, JobClock, JobRunner, NotYet
from openberth.kernel.authority import system
from openberth.kernel.errors import NotFound
from openberth.kernel.time import DAY_US, HOUR_US, SECOND_US, Instant

JOB_SWEEP = "stays.sweep"
NIGHT_US = 20 * HOUR_US  # UTC: four at night in China
WORK_S = 20.0  # of one run, whose lease is longer; then others get their turn

log = structlog.get_logger()


class Nights:
    """Ends stays nobody saw end, night by night, and convoys."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("sweep")

    def register(self, runner: JobRunner) -> None:
        """Name the handlers of the jobs."""
        runner.handle(JOB_SWEEP, self._run)
        runner.handle(convoys.JOB_OVER, self._convoy_over)

    async def start(self) -> None:
        """See to it that the next night is planned."""
        await self._database.write(_plan, by=self._by)

    async def sweep(self, *, work_s: float = WORK_S) -> bool:
        """End what is too old, a few stays at a time; tells whether nothing is left for this night."""
        ends = asyncio.get_running_loop().time() + work_s
        for lot in await self._database.read(facility.lots, by=self._by):
            part, gone = whereabouts.FIRST, 0
            while not part.is_last:
                part = await self._database.write(
                    partial(whereabouts.sweep, lot=lot, after=part), by=self._by, urgency=Urgency.BACKGROUND
                )
                gone += part.ended
                if asyncio.get_running_loop().time() > ends:
                    return False
            if gone:
                log.info("stays.swept", lot=lot.code, stays=gone)
        return True

    async def _run(self, _job: Job) -> None:
        await self._database.write(_plan, by=self._by)  # the next night first: this one may never end
        if not await self.sweep():
            raise NotYet(SECOND_US)

    async def _convoy_over(self, job: Job) -> None:
        over = partial(convoys.convoy_over, lot=UUID(job.body["lot"]), lane=UUID(job.body["lane"]))
        try:
            await self._database.write(over, by=self._by)
        except NotFound:  # the lane was retired meanwhile: it lets nobody through
            return


def _plan(unit: Unit) -> None:
    """Plan the next night of business time; its day is its name, so that several processes plan one."""
    next_day = (unit.now - NIGHT_US) // DAY_US + 1
    due = Instant(next_day * DAY_US + NIGHT_US)
    jobs.schedule(
        unit, kind=JOB_SWEEP, body={}, due_at=due, clock=JobClock.BUSINESS, unique_key=f"day-{next_day}"
    )  # fmt: skip
