"""Looks at devices that do not do what they are told, as the log tells of it."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from openberth.contexts.facility.model import CommandEnded
from openberth.contexts.facility.service import health as service
from openberth.infra.database import Database, Urgency
from openberth.infra.timers import every
from openberth.kernel.authority import system
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id

FLUSH_S = 2.0
DEVICES_MAX = 1_000  # looked at between two flushes; what comes on top is told of again by its next command
_FAILED = frozenset(outcome.value for outcome in service.FAILED)


class HealthWatch:
    """Remembers whose commands failed until it has looked; used on the event loop. Several processes may watch."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("device_health")
        self._told: set[Id] = set()
        self._failing: set[str] = set()

    async def start(self) -> None:
        """Read who fails already. The log must be watched before."""
        self._failing = await self._database.read(service.failing_devices, by=self._by)

    def watch(self, envelopes: Sequence[Envelope]) -> None:
        """Take note of new events."""
        for envelope in envelopes:
            if envelope.kind != CommandEnded.KIND:
                continue
            device = envelope.body["device"]
            failed = envelope.body["outcome"] in _FAILED
            if (failed != (device in self._failing)) and len(self._told) < DEVICES_MAX:
                self._told.add(UUID(device))

    async def flush(self) -> None:
        """Look at the devices that were told of. Raises ``Overloaded``; they are looked at the next time then."""
        if not self._told:
            return
        told, self._told = self._told, set()
        look = partial(service.look_at_commands, devices=sorted(told))
        try:
            await self._database.write(look, by=self._by, urgency=Urgency.BACKGROUND)
            self._failing = await self._database.read(service.failing_devices, by=self._by)
        except BaseException:
            self._told |= told
            raise

    async def run(self) -> None:
        """Flush every 2 s until cancelled."""
        await every(FLUSH_S, self.flush, waits="device_health.waiting", failed="device_health.failed")
