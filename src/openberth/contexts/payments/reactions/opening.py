"""Opening the books once, in the background, after an update that brought the ledger."""

import asyncio
from functools import partial

from openberth.contexts.payments.service import opening
from openberth.infra import jobs
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.jobs import Job, JobRunner
from openberth.kernel.authority import system
from openberth.kernel.ids import Id

REST_S = 0.01  # between small units, so that lanes do not notice


class Opening:
    """Has everything from before the ledger booked; one per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("ledger")

    def register(self, runner: JobRunner) -> None:
        """Name the handler of the job."""
        runner.handle(opening.JOB_OPENING, self._open)

    async def start(self) -> None:
        """Plan the opening where there is something to open."""
        if not await self._database.read(opening.is_opened, by=self._by):
            await self._database.write(_plan, by=self._by)

    async def _open(self, _job: Job) -> None:
        before: Id | None = opening.NEWEST
        while before is not None:
            write = partial(opening.open_books, before=before)
            before = await self._database.write(write, by=self._by, urgency=Urgency.BACKGROUND)
            await asyncio.sleep(REST_S)


def _plan(unit: Unit) -> None:
    jobs.schedule(unit, kind=opening.JOB_OPENING, body={}, unique_key="once")
