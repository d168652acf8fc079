"""Devices come and go: what was heard is written in small units, and silence is found by looking at the rows.

Several processes may hear different devices, or one device after another, so the rows decide and not one's memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openberth.contexts.facility.model import DeviceCame, DeviceKind, DeviceLost
from openberth.contexts.facility.store import layout
from openberth.contexts.facility.store import presence as store
from openberth.contexts.facility.store import secrets as secret_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction
from openberth.infra.vault import open_sealed
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

SILENCE_US = 60 * SECOND_US


@dataclass(frozen=True, slots=True)
class Heard:
    """A device as it was heard last (machine time), from where, and how far its clock is ahead of ours."""

    device: Id
    company: Id
    lot: Id
    lane: Id
    code: str
    at: Instant
    address: str | None
    clock_offset_us: int | None
    state: Mapping[str, Any] | None


@by_construction
def write_heard(unit: Unit, *, heard: Sequence[Heard]) -> int:
    """Write when devices were heard; those that were silent or unknown before came. Returns how many came."""
    came = 0
    for one in heard:
        if _write(unit, one):
            came += 1
            unit.append(DeviceCame(one.device, one.code, one.lane), company=one.company, lot=one.lot, key=one.device)
    return came


def _write(unit: Unit, one: Heard) -> bool:
    """Write one device; True when it came."""
    touched: dict[str, Any] = {
        "device": one.device, "seen_at": one.at, "new_address": one.address, "new_offset": one.clock_offset_us,
        "new_state": one.state,
    }  # fmt: skip
    if unit.run(store.CAME, **touched) == 1:
        return True
    if unit.run(store.TOUCH, **touched) == 1:
        return False
    inserted = unit.run(
        store.INSERT, device_id=one.device, company_id=one.company, lot_id=one.lot, last_seen_at=one.at,
        address=one.address, online=True, clock_offset_us=one.clock_offset_us, state=one.state,
    )  # fmt: skip
    return inserted == 1


def silent_devices(reader: Reader) -> list[store.Silent]:
    """Return devices that count as online and have been silent for 60 s, longest first, at most 100."""
    return reader.all(store.SILENT, seen_before=reader.machine_now - SILENCE_US)


@by_construction
def write_lost(unit: Unit, *, silent: Sequence[store.Silent]) -> int:
    """Write that silent devices are lost, unless somebody has heard them meanwhile. Returns how many were lost."""
    lost = 0
    for one in silent:
        if unit.run(store.LOST, device=one.device, seen_at=one.last_seen_at) != 1:
            continue
        if one.retired_at is not None:  # nobody waits for it
            continue
        lost += 1
        unit.append(
            DeviceLost(one.device, one.code, one.lane, int(one.last_seen_at)),
            company=one.company, lot=one.lot, key=one.device,
        )  # fmt: skip
    return lost


@dataclass(frozen=True, slots=True)
class OldSecret:
    """A replaced secret that still holds: found by its fingerprint, opened for barriers only."""

    fingerprint: str
    until: Instant
    secret: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """An active device as gateways need it; ``secret`` is opened for barriers only, cameras are found by theirs."""

    row: layout.DirectoryRow
    secret: str | None
    old: OldSecret | None = None


def active_devices(reader: Reader) -> list[Known]:
    """Return every active device of every lot by id, with the secrets of barriers."""
    known: list[Known] = []
    after = Id(int=0)
    old = {each.device: each for each in reader.all(secret_store.HOLDING, now=reader.machine_now)}
    while page := reader.all(layout.DIRECTORY, after=after):
        for row in page:
            barrier = row.kind is DeviceKind.BARRIER_TCP
            secret = open_sealed(reader, row.sealed) if barrier and row.sealed else None
            held = old.get(row.id)
            known.append(Known(row, secret, None if held is None else _old(reader, held, opened=barrier)))
        after = page[-1].id
    return known


def _old(reader: Reader, held: secret_store.OldSecret, *, opened: bool) -> OldSecret:
    return OldSecret(held.fingerprint, held.until, open_sealed(reader, held.sealed) if opened else None)
