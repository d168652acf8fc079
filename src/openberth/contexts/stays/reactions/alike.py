"""Writes down which cars inside looked like one that nobody found: outside of the lane's unit, for it opens plates."""

from functools import partial
from uuid import UUID

from openberth.contexts.stays.service import candidates
from openberth.infra.database import Database, Urgency
from openberth.infra.jobs import Job, JobRunner
from openberth.kernel.authority import system


class LookAlikes:
    """Keeps the candidates of a case as they were when it was raised."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("look_alike")

    def register(self, runner: JobRunner) -> None:
        """Name the handler of the job."""
        runner.handle(candidates.JOB_ALIKE, self.look)

    async def look(self, job: Job) -> None:
        """Look once, and keep what is found."""
        case = UUID(job.body["case"])
        found = await self._database.read(partial(candidates.alike_then, case=case), by=self._by)
        keep = partial(candidates.keep_candidates, case=case, stays=found)
        await self._database.write(keep, by=self._by, urgency=Urgency.BACKGROUND)
