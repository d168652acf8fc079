"""Devices of many lots in one list, each with the last command that went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from openberth.contexts.facility.model import Command, DeviceKind, Outcome
from openberth.contexts.facility.store import commands as command_store
from openberth.contexts.facility.store.devices import (
    HEARD,
    STANDING,
    DeviceState,
    Heard,
    ListedDevice,
    Standing,
    listed,
)
from openberth.infra.database import Reader
from openberth.infra.database.batches import in_batches
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import BEYOND_ALL, Id

__all__ = ["DeviceRow", "DeviceState", "ListedDevice", "device_by_id", "devices_page"]

LOOKED_AT = 20  # of a device's last commands: an error from before them is over


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device in the list; ``heard`` is None before the first time, ``error`` the newest of its last commands that
    was not done.
    """

    device: ListedDevice
    heard: Heard | None
    error: Command | None

    @property
    def state(self) -> DeviceState:
        """Return whether it is heard."""
        if self.heard is None:
            return DeviceState.NEVER_SEEN
        return DeviceState.ONLINE if self.heard.online else DeviceState.OFFLINE


def devices_page(
    reader: Reader, *, lot: Id | None, heard: DeviceState | None, kind: DeviceKind | None, before: Id, limit: int
) -> Sequence[DeviceRow]:
    """Return a page of the devices of the caller's scope, the newest first."""
    query = listed(of_lot=lot is not None, heard=heard, kind=kind is not None)
    narrowed = {"lot": lot} if lot is not None else {}
    of_kind = {"of_kind": kind} if kind is not None else {}
    rows = reader.all(query, before=before, limit=limit, **narrowed, **of_kind)
    seen = {each.device: each for each in in_batches(reader, HEARD, (row.id for row in rows))}
    return [DeviceRow(row, seen.get(row.id), _last_error(reader, row.id)) for row in rows]


def device_by_id(reader: Reader, *, device: Id) -> Standing:
    """Return where a device stands. Raises ``NotFound("device.not_found")``."""
    found = reader.one(STANDING, device=device)
    if found is None:
        raise NotFound("device.not_found", device=str(device))
    return found


def _last_error(reader: Reader, device: Id) -> Command | None:
    for command in reader.all(command_store.OF_DEVICE, device=device, before=BEYOND_ALL, limit=LOOKED_AT):
        if command.outcome not in (None, Outcome.DONE):
            return command
    return None
