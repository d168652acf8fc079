"""Who speaks in a device's name from outside its network: counted in memory, told to the alarm list and the trail."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog

from openberth.contexts.facility.reactions.directory import DeviceEntry
from openberth.contexts.facility.service import strays as service
from openberth.contexts.facility.service.strays import Stray
from openberth.infra.database import Database, Urgency
from openberth.infra.refusals import Refusal
from openberth.kernel.authority import ActorKind, system
from openberth.kernel.errors import Overloaded
from openberth.kernel.ids import Id

FLUSH_S = 2.0
CODE = "device.wrong_address"
STATUS = 403

log = structlog.get_logger()


class Strays:
    """Remembers them until they are written; used on the event loop. At most one entry for each device."""

    def __init__(self, database: Database, note: Callable[[Refusal], None]) -> None:
        self._database = database
        self._note = note
        self._by = system("strays")
        self._seen: dict[Id, Stray] = {}

    def came(self, device: DeviceEntry, *, address: str, method: str, route: str) -> None:
        """Take note of one; never waits. ``method`` and ``route`` say over which wire it came."""
        self._note(
            Refusal(ActorKind.DEVICE.value, f"{device.lot_code}/{device.code}", address, method, route, STATUS, CODE)
        )
        now = self._database.clocks.machine.now()
        before = self._seen.get(device.id)
        if before is None:
            log.warning("device.stray", device=device.code, lot=device.lot_code)
            before = Stray(device.company, device.lot, device.lot_code, device.id, device.code, address, 0, now)
        self._seen[device.id] = replace(before, address=address, times=before.times + 1, last_at=now)

    async def flush(self) -> None:
        """Write what was seen, and end the alarms of devices that have been quiet.

        Raises ``Overloaded`` when the database takes no more; what was not written is kept for the next time.
        """
        seen, self._seen = self._seen, {}
        try:
            if seen:
                write = partial(service.note_strays, strays=list(seen.values()))
                await self._database.write(write, by=self._by, urgency=Urgency.BACKGROUND)
        except BaseException:
            for device, stray in seen.items():
                after = self._seen.get(device)
                self._seen[device] = stray if after is None else replace(after, times=after.times + stray.times)
            raise
        if await self._database.read(service.quiet_strays, by=self._by):
            await self._database.write(service.end_strays, by=self._by, urgency=Urgency.BACKGROUND)

    async def run(self) -> None:
        """Flush every 2 s until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
            except Overloaded as problem:
                log.warning("strays.waiting", code=problem.code)
            except Exception:
                log.exception("strays.failed")
