"""Shifts that nobody hands over raise an alarm after a day."""

from functools import partial
from uuid import UUID

from openberth.contexts.payments.reactions.cashier import channel_caller
from openberth.contexts.payments.service import shifts
from openberth.infra.database import Database, Urgency
from openberth.infra.jobs import Job, JobRunner


class LeftOpen:
    """Looks at a shift when it has been open for a day; one per process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, runner: JobRunner) -> None:
        """Name the handler of the job."""
        runner.handle(shifts.JOB_LEFT_OPEN, self.look)

    async def look(self, job: Job) -> None:
        """Raise the alarm unless the shift was handed over."""
        note = partial(shifts.note_left_open, shift=UUID(job.body["shift"]))
        await self._database.write(note, by=channel_caller("job"), urgency=Urgency.BACKGROUND)
