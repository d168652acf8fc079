"""Debts whose limitation is over end by themselves."""

from functools import partial
from uuid import UUID

from openberth.contexts.payments.reactions.cashier import channel_caller
from openberth.contexts.payments.service import debts
from openberth.infra.database import Database, Urgency
from openberth.infra.jobs import Job, JobRunner, NotYet
from openberth.kernel.errors import Refused
from openberth.kernel.time import HOUR_US


class Lapsing:
    """Ends debts at their instant; one per process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, runner: JobRunner) -> None:
        """Name the handler of the job."""
        runner.handle(debts.JOB_LAPSE, self.lapse)

    async def lapse(self, job: Job) -> None:
        """End a debt unless it has ended otherwise."""
        lapse = partial(debts.lapse_debt, debt=UUID(job.body["debt"]))
        try:
            await self._database.write(lapse, by=channel_caller("job"), urgency=Urgency.BACKGROUND)
        except Refused as problem:  # a car is at the exit and pays it, or not
            raise NotYet(HOUR_US) from problem
