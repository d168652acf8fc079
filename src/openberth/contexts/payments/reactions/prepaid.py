"""What prepaid accounts do by themselves: bills that nobody paid are withdrawn, holds that nobody captured end."""

from functools import partial
from uuid import UUID

from openberth.contexts.payments.service import prepaid
from openberth.infra.database import Database, Urgency
from openberth.infra.jobs import Job, JobRunner
from openberth.kernel.authority import system


class Waiting:
    """Ends what has waited long enough."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("prepaid")

    def register(self, runner: JobRunner) -> None:
        """Name the handlers of the jobs."""
        runner.handle(prepaid.JOB_WITHDRAW, self.withdraw)
        runner.handle(prepaid.JOB_LET_GO, self.let_go)

    async def withdraw(self, job: Job) -> None:
        """Withdraw a bill by which nobody put money in."""
        use_case = partial(prepaid.withdraw_top_up, bill=UUID(job.body["bill"]))
        await self._database.write(use_case, by=self._by, urgency=Urgency.BACKGROUND)

    async def let_go(self, job: Job) -> None:
        """Let what was held go back."""
        use_case = partial(prepaid.let_go, hold=UUID(job.body["hold"]))
        await self._database.write(use_case, by=self._by, urgency=Urgency.BACKGROUND)
