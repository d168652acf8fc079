"""What an update has to make up for, once and in the background: books that are opened, ends that nobody told."""

import asyncio
from functools import partial

from openberth.contexts.payments.service import opening, untold
from openberth.infra import jobs
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.jobs import Job, JobRunner, NotYet
from openberth.kernel.authority import system
from openberth.kernel.ids import BEYOND_ALL, Id

REST_S = 0.01  # between small units, so that lanes do not notice
UNITS_MAX = 500  # of one run


class Opening:
    """Has everything from before the ledger booked, and what ended before its event existed told; one per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("ledger")

    def register(self, runner: JobRunner) -> None:
        """Name the handlers of the jobs."""
        runner.handle(opening.JOB_OPENING, self._open)
        runner.handle(untold.JOB_TELLING, self._tell)

    async def start(self) -> None:
        """Plan the opening where there is something to open."""
        if not await self._database.read(opening.is_opened, by=self._by):
            await self._database.write(partial(_plan, kind=opening.JOB_OPENING), by=self._by)
        if not await self._database.read(untold.is_told, by=self._by):
            await self._database.write(partial(_plan, kind=untold.JOB_TELLING), by=self._by)

    async def _open(self, _job: Job) -> None:
        before: Id | None = BEYOND_ALL
        while before is not None:
            write = partial(opening.open_books, before=before)
            before = await self._database.write(write, by=self._by, urgency=Urgency.BACKGROUND)
            await asyncio.sleep(REST_S)

    async def _tell(self, _job: Job) -> None:
        for _ in range(UNITS_MAX):
            if not await self._database.write(untold.tell_some, by=self._by, urgency=Urgency.BACKGROUND):
                return
            await asyncio.sleep(REST_S)
        raise NotYet(0)  # a job has a minute at a time


def _plan(unit: Unit, kind: str) -> None:
    jobs.schedule(unit, kind=kind, body={}, unique_key="once")
