"""Who speaks in a device's name from outside its network, and who speaks in nobody's: counted in memory.

The first are told to the alarm list and the trail; the second wait for a person (``service.waiting``).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

import structlog

from openberth.contexts.facility.model import DeviceKind
from openberth.contexts.facility.service import strays as service
from openberth.contexts.facility.service import waiting
from openberth.contexts.facility.service.strays import Stray
from openberth.infra.database import Database, Urgency
from openberth.infra.refusals import Refusal
from openberth.infra.timers import every
from openberth.kernel.authority import ActorKind, system
from openberth.kernel.ids import Id

FLUSH_S = 2.0
CALLERS_MAX = 100  # remembered between two flushes; who comes on top calls again
SERIAL_MAX = ADDRESS_MAX = 64
CODE = "device.wrong_address"
STATUS = 403

log = structlog.get_logger()


class Speaker(Protocol):
    """A device or collector in whose name somebody speaks."""

    @property
    def id(self) -> Id:
        """Its id."""
        ...

    @property
    def company(self) -> Id:
        """Its company."""
        ...

    @property
    def lot(self) -> Id:
        """Its lot."""
        ...

    @property
    def lot_code(self) -> str:
        """The code of its lot."""
        ...

    @property
    def code(self) -> str:
        """Its own code."""
        ...


class Strays:
    """Remembers them until they are written; used on the event loop. At most two entries for each device."""

    def __init__(self, database: Database, note: Callable[[Refusal], None]) -> None:
        self._database = database
        self._note = note
        self._by = system("strays")
        self._seen: dict[tuple[str, Id], Stray] = {}
        self._callers: dict[tuple[DeviceKind, str, str], waiting.Caller] = {}

    def came(self, device: Speaker, *, address: str, method: str, route: str) -> None:
        """Take note of one; never waits. ``method`` and ``route`` say over which wire it came."""
        self._note(
            Refusal(ActorKind.DEVICE.value, f"{device.lot_code}/{device.code}", address, method, route, STATUS, CODE)
        )
        self._count(device, address, service.KIND)

    def twice(self, device: Speaker, *, address: str) -> None:
        """Take note of what a device said that may as well be another company's device of its serial; never waits."""
        self._count(device, address, service.TWICE)

    def _count(self, device: Speaker, address: str, kind: str) -> None:
        now = self._database.clocks.machine.now()
        before = self._seen.get((kind, device.id))
        if before is None:
            log.warning("device.stray", device=device.code, lot=device.lot_code, kind=kind)
            before = Stray(device.company, device.lot, device.lot_code, device.id, device.code, address, 0, now, kind)
        self._seen[kind, device.id] = replace(before, address=address, times=before.times + 1, last_at=now)

    def unknown(self, kind: DeviceKind, serial: str, address: str, *, shared: bool = False) -> None:
        """Take note of who called and is no device of anybody; never waits. ``serial`` is what it says, if anything;
        ``shared``: many speak from that address, so it has no limit of its own.
        """
        key = kind, serial[:SERIAL_MAX], address[:ADDRESS_MAX]
        before = self._callers.get(key)
        if before is None and (len(self._callers) >= CALLERS_MAX or not address):
            return
        times = 1 if before is None else before.times + 1
        self._callers[key] = waiting.Caller(*key, times, self._database.clocks.machine.now(), shared)

    async def flush(self) -> None:
        """Write what was seen, and end the alarms of devices that have been quiet.

        Raises ``Overloaded`` when the database takes no more; what was not written is kept for the next time.
        """
        callers, self._callers = list(self._callers.values()), {}
        if callers:  # what is lost with an overloaded database is said again
            note = partial(waiting.note_callers, callers=callers)
            await self._database.write(note, by=self._by, urgency=Urgency.BACKGROUND)
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
        await every(FLUSH_S, self.flush, waits="strays.waiting", failed="strays.failed")
