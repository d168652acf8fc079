"""Who is heard: remembered in memory, written every few seconds, lost after a minute of silence."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from openberth.contexts.facility.reactions.directory import DeviceEntry
from openberth.contexts.facility.service import presence as service
from openberth.contexts.facility.service.health import Heard
from openberth.infra.database import Database, Urgency
from openberth.infra.timers import every
from openberth.kernel.authority import system
from openberth.kernel.ids import Id

FLUSH_S = 5.0
PART_MAX = 25  # devices written in one unit
DEVICES_MAX = 20_000
ADDRESS_LENGTH = 64
FIRMWARE_LENGTH = 80


class Presence:
    """Remembers when devices of this process were heard last; used on the event loop.

    ``dropped`` counts what was heard while more devices waited to be written than there can be.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("presence")
        self._heard: dict[Id, Heard] = {}
        self._firmware: dict[Id, str] = {}  # what was told of already
        # Silence counts from here at the earliest: while nobody listened, nobody was silent.
        self._since = database.clocks.machine.now()
        self.dropped = 0

    def seen(
        self,
        device: DeviceEntry,
        *,
        address: str | None,
        clock_offset_us: int | None = None,
        state: Mapping[str, Any] | None = None,
        firmware: str | None = None,
    ) -> None:
        """Take note that a device was heard now. What is None stays as it was known before."""
        before = self._heard.get(device.id)
        if before is None and len(self._heard) >= DEVICES_MAX:
            self.dropped += 1
            return
        if before is not None:
            address = before.address if address is None else address
            clock_offset_us = before.clock_offset_us if clock_offset_us is None else clock_offset_us
            state = before.state if state is None else state
        firmware = self._new_firmware(device.id, firmware) or (None if before is None else before.firmware)
        self._heard[device.id] = Heard(
            device.id, device.company, device.lot, device.lane, device.code, self._database.clocks.machine.now(),
            address[:ADDRESS_LENGTH] if address else None, clock_offset_us, state, firmware,
        )  # fmt: skip

    def _new_firmware(self, device: Id, firmware: str | None) -> str | None:
        """Return what a device runs where this process has not told of it yet."""
        text = (firmware or "").strip()[:FIRMWARE_LENGTH]
        if not text or self._firmware.get(device) == text or len(self._firmware) >= DEVICES_MAX:
            return None
        self._firmware[device] = text
        return text

    async def flush(self) -> tuple[int, int]:
        """Write what was heard and find who is lost; returns how many devices came and were lost.

        Raises ``Overloaded`` when the database takes no more; what was not written is kept for the next time.
        """
        came = 0
        waiting = list(self._heard)
        for start in range(0, len(waiting), PART_MAX):
            part = [self._heard.pop(device) for device in waiting[start : start + PART_MAX]]
            try:
                came += await self._database.write(
                    partial(service.write_heard, heard=part), by=self._by, urgency=Urgency.BACKGROUND
                )
            except BaseException:
                for one in part:
                    self._heard.setdefault(one.device, one)
                raise
        return came, await self._find_lost()

    async def run(self) -> None:
        """Flush every 5 s until cancelled."""
        await every(FLUSH_S, self.flush, waits="presence.waiting", failed="presence.failed")

    async def _find_lost(self) -> int:
        if self._database.clocks.machine.now() - self._since < service.SILENCE_US:
            return 0
        silent = await self._database.read(service.silent_devices, by=self._by)
        lost = 0
        for start in range(0, len(silent), PART_MAX):
            part = silent[start : start + PART_MAX]
            lost += await self._database.write(
                partial(service.write_lost, silent=part), by=self._by, urgency=Urgency.BACKGROUND
            )
        return lost
