"""The audit trail as it is fed from outside a unit: by the event log, and by what the edge refused."""

import asyncio
from functools import partial

import structlog

from openberth.contexts.tenancy.model.deeds import DEEDS
from openberth.contexts.tenancy.service import audit
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.outbox import Consumer
from openberth.infra.refusals import Refusal, RefusalQueue
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded
from openberth.kernel.events import Envelope

WRITE_EVERY_S = 2.0  # so much of what was refused is lost when the process is killed

log = structlog.get_logger()


def audit_consumer() -> Consumer:
    """Return the durable consumer that writes deeds of the log into the trail. Its name is for ever."""
    return Consumer("tenancy.audit", frozenset(DEEDS), _happened)


def _happened(unit: Unit, envelope: Envelope) -> None:
    audit.record_event(unit, envelope=envelope)


class Refusals:
    """Writes what the edge refused into the trail, every two seconds and at the end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue = RefusalQueue()
        self._by = system("edge")

    def note(self, refusal: Refusal) -> None:
        """Take a refusal; never waits."""
        self._queue.note(refusal)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Write what waits; what a busy database does not take waits on."""
        refusals, lost = self._queue.take()
        if not refusals and not lost:
            return
        write = partial(audit.record_refusals, refusals=refusals, lost=lost)
        try:
            await self._database.write(write, by=self._by, urgency=Urgency.BACKGROUND)
        except Overloaded as problem:
            log.warning("audit.refusals_waiting", code=problem.code, waiting=len(refusals))
            self._queue.put_back(refusals, lost)
