"""Devices come and go: what was heard is written in small units, and silence is found by looking at the rows.

Several processes may hear different devices, or one device after another, so the rows decide and not one's memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from openberth.contexts.facility.model import DeviceCame, DeviceKind, DeviceLost
from openberth.contexts.facility.service import health
from openberth.contexts.facility.service.health import Heard
from openberth.contexts.facility.service.logins import login_in
from openberth.contexts.facility.store import layout
from openberth.contexts.facility.store import presence as store
from openberth.contexts.facility.store import secrets as secret_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction
from openberth.infra.vault import open_sealed
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

SILENCE_US = 60 * SECOND_US


@by_construction
def write_heard(unit: Unit, *, heard: Sequence[Heard]) -> int:
    """Write when devices were heard; those that were silent or unknown before came. Returns how many came."""
    came = 0
    for one in heard:
        if _write(unit, one):
            came += 1
            unit.append(DeviceCame(one.device, one.code, one.lane), company=one.company, lot=one.lot, key=one.device)
            health.came(unit, one)
        if one.firmware is not None:
            _note_firmware(unit, one, one.firmware)
    health.look_at_clocks(unit, heard)
    return came


def _note_firmware(unit: Unit, one: Heard, firmware: str) -> None:
    """Remember what a device runs, each time that it is something else than before."""
    if unit.one(store.FIRMWARE_OF, device=one.device) == firmware:
        return
    unit.run(store.SET_FIRMWARE, device=one.device, text=firmware)
    unit.run(
        store.INSERT_FIRMWARE, id=unit.new_id(), company_id=one.company, lot_id=one.lot, device_id=one.device,
        firmware=firmware, seen_at=one.at,
    )  # fmt: skip


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
        address=one.address, online=True, clock_offset_us=one.clock_offset_us, state=one.state, firmware=None,
        since_at=one.at,
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
        if unit.run(store.LOST, device=one.device, seen_at=one.last_seen_at, now=unit.machine_now) != 1:
            continue
        if one.retired_at is not None:  # nobody waits for it
            continue
        lost += 1
        unit.append(
            DeviceLost(one.device, one.code, one.lane, int(one.last_seen_at)),
            company=one.company, lot=one.lot, key=one.device,
        )  # fmt: skip
        health.lost(unit, one)
    return lost


@dataclass(frozen=True, slots=True)
class OldSecret:
    """A replaced secret that still holds: found by its fingerprint, opened for who proves itself."""

    fingerprint: str
    until: Instant
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """An active device as gateways need it; ``secret`` is opened for barriers and for devices that may sign what they
    push, all others are found by theirs.
    """

    row: layout.DirectoryRow
    secret: str | None = field(repr=False)
    old: OldSecret | None = None
    call: "Call | None" = None


@dataclass(frozen=True, slots=True)
class Call:
    """How we call a device: where, as whom, and in which way its gate is moved (None: find out)."""

    endpoint: str
    gate: str | None
    user: str
    password: str = field(repr=False)
    login: Id | None = None


def active_devices(reader: Reader) -> list[Known]:
    """Return every active device of every lot by id, with the secrets of those that prove themselves by them."""
    known: list[Known] = []
    after = Id(int=0)
    calls = _calls(reader)
    old = {each.device: each for each in reader.all(secret_store.HOLDING, now=reader.machine_now)}
    while page := reader.all(layout.DIRECTORY, after=after):
        for row in page:
            proves = row.kind is DeviceKind.BARRIER_TCP or row.kind.wire.signs
            secret = open_sealed(reader, row.sealed) if proves and row.sealed else None
            held = old.get(row.id)
            known.append(
                Known(row, secret, None if held is None else _old(reader, held, opened=proves), calls.get(row.id))
            )
        after = page[-1].id
    return known


def _calls(reader: Reader) -> dict[Id, Call]:
    calls: dict[Id, Call] = {}
    after = Id(int=0)
    while page := reader.all(layout.CALLED, after=after):
        for row in page:
            user, password = login_in(open_sealed(reader, row.sealed))
            calls[row.device] = Call(row.endpoint, row.gate, user, password, row.sealed.id)
        after = page[-1].device
    return calls


def _old(reader: Reader, held: secret_store.OldSecret, *, opened: bool) -> OldSecret:
    return OldSecret(held.fingerprint, held.until, open_sealed(reader, held.sealed) if opened else None)
