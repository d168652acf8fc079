"""The barrier link and the house: who may dial in, what barriers report, and the commands that go down to them."""

from collections.abc import Callable
from functools import partial

import structlog

from openberth.contexts import facility, stays
from openberth.contexts.facility import Command, CommandKind, DeviceKind, Outcome
from openberth.contexts.facility.reactions import CommandDispatcher, DeviceDirectory, DeviceEntry, Presence, Strays
from openberth.gateways.barriers.commands import BarrierCommand, CommandOutcome, CommandReport
from openberth.gateways.barriers.messages import BarrierStatus, Operation
from openberth.gateways.barriers.port import BarrierServer
from openberth.gateways.barriers.ports import BarrierDevice
from openberth.infra.database import Database, Unit, Urgency
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.ids import Id

log = structlog.get_logger()

_OPERATIONS = {
    CommandKind.OPEN: Operation.OPEN,
    CommandKind.CLOSE: Operation.CLOSE,
    CommandKind.STOP: Operation.STOP,
    CommandKind.LOCK_OPEN: Operation.LOCK_OPEN,
    CommandKind.UNLOCK: Operation.UNLOCK,
}
_OUTCOMES = {
    CommandOutcome.DONE: Outcome.DONE,
    CommandOutcome.REJECTED: Outcome.REJECTED,
    CommandOutcome.UNREACHABLE: Outcome.UNREACHABLE,
    CommandOutcome.UNCERTAIN: Outcome.UNCERTAIN,
}


class BarrierLink:
    """Directory and observer of the barrier server, and the sender of its commands."""

    def __init__(
        self, *, database: Database, directory: DeviceDirectory, presence: Presence, dispatcher: CommandDispatcher,
        strays: Strays,
    ) -> None:  # fmt: skip
        self._database = database
        self._directory = directory
        self._presence = presence
        self._dispatcher = dispatcher
        self._entries: dict[Id, tuple[DeviceEntry, str]] = {}
        self._statuses: dict[Id, BarrierStatus] = {}
        self._links: dict[Id, Callable[[], None]] = {}
        self._strays = strays
        self.server = BarrierServer(
            directory=self, observer=self, clock=database.clocks.machine, strayed=self._strayed,
            unknown=partial(strays.unknown, DeviceKind.BARRIER_TCP),
        )  # fmt: skip
        directory.on_change(self._review)

    async def find(self, serial: str) -> BarrierDevice | None:
        """Return the barrier of this serial with its secret."""
        entry = self._directory.barrier_by_serial(serial)
        if entry is None or entry.secret is None:
            return None
        _, *old = entry.proves(self._database.clocks.machine.now())
        return BarrierDevice(entry.id, entry.secret, entry.networks, old[0] if old else None)

    async def on_connected(self, device_id: Id, address: str) -> None:
        """Note that the barrier is there and take over its commands."""
        entry = self._directory.by_id(device_id)
        if entry is None:
            return
        self._entries[device_id] = (entry, address)
        self._presence.seen(entry, address=address)
        before = self._links.pop(device_id, None)
        if before is not None:
            before()
        self._links[device_id] = self._dispatcher.on_command(device_id, self._send)

    async def on_status(self, device_id: Id, status: BarrierStatus) -> None:
        """Note the state; a car that crossed behind the boom ends what had opened it."""
        entry, address = self._entries.get(device_id, (None, ""))
        before = self._statuses.get(device_id)
        self._statuses[device_id] = status
        if entry is None:
            return
        self._presence.seen(entry, address=address, state={"boom": status.boom.name.lower(), "locked": status.locked})
        if before is not None and status.passes > before.passes:
            await self._database.write(
                partial(stays.car_passed, lot=entry.lot, lane=entry.lane, device=device_id),
                by=_caller(entry, address), urgency=Urgency.LANE,
            )  # fmt: skip

    async def on_result(self, device_id: Id, report: CommandReport) -> None:
        """Write a command's outcome; ``accepted`` is not one."""
        entry, address = self._entries.get(device_id, (None, ""))
        outcome = _OUTCOMES.get(report.outcome)
        if entry is None or outcome is None or report.late:
            log.info("barrier.report", command=str(report.command_id), outcome=report.outcome.value, late=report.late)
            return
        await self._database.write(
            partial(_end, command=report.command_id, outcome=outcome, detail=report.reason), by=_caller(entry, address),
            urgency=Urgency.LANE,
        )  # fmt: skip

    async def on_disconnected(self, device_id: Id, reason: str) -> None:
        """Note that the barrier has gone."""
        unlink = self._links.pop(device_id, None)
        if unlink is not None:
            unlink()
        self._statuses.pop(device_id, None)
        log.info("barrier.disconnected", device=str(device_id), reason=reason)

    def _review(self) -> None:
        """Devices have changed: hang up what is connected with an old secret, follow what stands at another lane."""
        self.server.review(self._is_current)
        for device_id, (_, address) in self._entries.items():
            entry = self._directory.by_id(device_id)
            if entry is not None:
                self._entries[device_id] = (entry, address)

    def _is_current(self, device: BarrierDevice, address: str) -> bool:
        entry = self._directory.by_id(device.id)
        if entry is None or device.secret not in entry.proves(self._database.clocks.machine.now()):
            return False
        return entry.networks == device.addresses or entry.networks.admits(address)

    def _strayed(self, device_id: Id, address: str) -> None:
        entry = self._directory.by_id(device_id)
        if entry is not None:
            self._strays.came(entry, address=address, method="HELLO", route="barrier link")

    async def _send(self, command: Command) -> None:
        """Send a command that is marked as sent; one that could not be written never reached the barrier."""
        operation = _OPERATIONS.get(command.kind)
        outcome, detail = Outcome.UNREACHABLE, "not_sent"
        if operation is None:
            outcome, detail = Outcome.REJECTED, "not_supported"
        elif self.server.send(command.device_id, BarrierCommand(command.id, operation, command.expires_at)):
            return
        entry, address = self._entries[command.device_id]
        await self._database.write(
            partial(_end, command=command.id, outcome=outcome, detail=detail),
            by=_caller(entry, address),
            urgency=Urgency.LANE,
        )


def _end(unit: Unit, *, command: Id, outcome: Outcome, detail: str | None) -> None:
    found = facility.command(unit, command=command)
    if found is not None:
        facility.end_command(unit, ended=found, outcome=outcome, detail=detail)


def _caller(entry: DeviceEntry, address: str) -> Caller:
    return Caller(Actor(ActorKind.DEVICE, entry.code, address), Scope(entry.company, (entry.lot,)))
