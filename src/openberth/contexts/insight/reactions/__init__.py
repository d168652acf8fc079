"""The consumer that feeds the rollups, and the jobs of a rebuild."""

import asyncio

from openberth.contexts.insight.model.movements import KINDS
from openberth.contexts.insight.reactions.tabling import Tabling
from openberth.contexts.insight.service import feeding, rebuilding
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.jobs import Job, JobRunner, NotYet
from openberth.infra.outbox import Consumer
from openberth.kernel.authority import system
from openberth.kernel.events import Envelope
from openberth.kernel.time import SECOND_US

__all__ = ["Rebuilding", "Tabling", "consumers"]

REST_S = 0.005  # between small units, so that lanes do not notice
WORK_S = 20.0  # of one run of a job, whose lease is longer; then it comes again
WAIT_US = 60 * SECOND_US


def consumers() -> tuple[Consumer, ...]:
    """Return the durable consumers of insight. Their names are for ever."""
    return (Consumer(feeding.CONSUMER, KINDS | feeding.LOT_KINDS, _feed),)


def _feed(unit: Unit, envelope: Envelope) -> None:
    feeding.feed(unit, envelope=envelope)


class Rebuilding:
    """Carries a rebuild on in the background, unit by unit; one per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("insight")

    def register(self, runner: JobRunner) -> None:
        """Name the handlers of the jobs."""
        runner.handle(rebuilding.JOB_REBUILD, self.carry)
        runner.handle(rebuilding.JOB_DROP, self.drop)

    async def carry(self, _job: Job) -> None:
        """Do units of the rebuild until it is done. Raises ``NotYet`` where it has to go on later."""
        until = asyncio.get_running_loop().time() + WORK_S
        while asyncio.get_running_loop().time() < until:
            step = await self._database.write(rebuilding.step, by=self._by, urgency=Urgency.BACKGROUND)
            if step is rebuilding.Step.DONE:
                return
            if step is rebuilding.Step.WAIT:
                raise NotYet(WAIT_US)
            await asyncio.sleep(REST_S)
        raise NotYet(0)

    async def drop(self, _job: Job) -> None:
        """Delete the rows of generations that serve no more."""
        until = asyncio.get_running_loop().time() + WORK_S
        while asyncio.get_running_loop().time() < until:
            if not await self._database.write(rebuilding.drop_some, by=self._by, urgency=Urgency.BACKGROUND):
                return
            await asyncio.sleep(REST_S)
        raise NotYet(0)
