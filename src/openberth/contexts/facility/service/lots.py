"""Applying lot files, and what people do to a lot: open and close it, give its devices credentials.

A file is compared with what is there, by code. What a code names keeps its id for ever, and a lane or a lot keeps the
code on its sign; what is gone from the file is retired and comes back when its code does.

An area that is retired while cars stand in it keeps counting them: its occupancy row and its tariff stay, the cars
leave and are priced as before, and no car may enter it, because no lane leads there any more. So no fact is lost and
nobody has to wait with a file until the last car has gone.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from openberth.contexts import tenancy
from openberth.contexts.facility.model import (
    Action,
    Area,
    Booth,
    Changes,
    Collector,
    Device,
    DeviceCredentialsIssued,
    DeviceKind,
    Lane,
    Lot,
    LotApplied,
    LotState,
    LotStateChanged,
    Sensor,
    Space,
    Thing,
    ThingKind,
    diff,
)
from openberth.contexts.facility.model.telling import told
from openberth.contexts.facility.service.ground import (
    Ground,
    Row,
    displays_of_lot,
    ground_of,
    plain,
    plan_of_lot,
    pricing_of_lot,
    rules_of,
    rules_of_area,
    stored_inputs,
)
from openberth.contexts.facility.store import lanes as lane_store
from openberth.contexts.facility.store import layout as store
from openberth.contexts.facility.store import secrets as secret_store
from openberth.infra import vault
from openberth.infra.database import Reader, Stale, Unit, Write
from openberth.infra.permitting import by_construction, inner, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import DAY_US, SECOND_US, Instant

OLD_SECRET_S_MAX = 7 * DAY_US // SECOND_US
# No 0 O, 1 I L: a driver types the code from a sign. 31^10 codes: two equal ones are not to be feared, and the unique
# index would refuse the second.
SCAN_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
SCAN_LENGTH = 10

_SERIALS = ("device_serials", Id(int=0))
_SECRET = re.compile(r"[0-9a-f]{64}\Z")
_INSERT: Mapping[ThingKind, Write] = {
    ThingKind.AREA: store.INSERT_AREA,
    ThingKind.SPACE: store.INSERT_SPACE,
    ThingKind.BOOTH: store.INSERT_BOOTH,
    ThingKind.LANE: store.INSERT_LANE,
    ThingKind.DEVICE: store.INSERT_DEVICE,
    ThingKind.COLLECTOR: store.INSERT_COLLECTOR,
    ThingKind.SENSOR: store.INSERT_SENSOR,
}
_REWRITE: Mapping[ThingKind, Write] = {
    ThingKind.AREA: store.REWRITE_AREA,
    ThingKind.SPACE: store.REWRITE_SPACE,
    ThingKind.BOOTH: store.REWRITE_BOOTH,
    ThingKind.LANE: store.REWRITE_LANE,
    ThingKind.DEVICE: store.REWRITE_DEVICE,
    ThingKind.COLLECTOR: store.REWRITE_COLLECTOR,
    ThingKind.SENSOR: store.REWRITE_SENSOR,
}


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a lot file did, and to which lot."""

    lot: Id
    changes: Changes


def lot_changes(reader: Reader, *, company: Id, lot: Lot) -> Changes:
    """Return what applying a lot file would do. Raises as ``apply_lot`` does."""
    row = reader.one(store.LOT_BY_CODE, company=company, lot_code=lot.code)
    changes = _changes(None if row is None else ground_of(reader, row).layout(lot.company_code), lot)
    _check_serials(reader, company, changes)
    return changes


def layout_of(reader: Reader, *, lot: Id) -> Lot:
    """Return a lot as its file would describe it. Raises ``NotFound("lot.not_found")``."""
    row = reader.one(store.LOT_BY_ID, lot=lot)
    if row is None:
        raise NotFound("lot.not_found", lot=str(lot))
    return ground_of(reader, row).layout(tenancy.company_by_id(reader, company=row.company_id).code)


@inner
def carry_lot(unit: Unit, move: tenancy.LotMove) -> None:
    """Refuse a lot whose code the other company has given to a lot of its own. Raises ``Refused("lot.code_taken")``."""
    if unit.one(store.LOT_BY_CODE, company=move.target.id, lot_code=move.code) is not None:
        raise Refused("lot.code_taken", lot=move.code, company=move.target.code)


def refuse_closing(reader: Reader, company: Id) -> None:
    """Refuse to close a company with a lot that lets anybody in. Raises ``Refused("company.has_lots")``."""
    standing = [each for each in reader.all(store.LOTS) if each.company_id == company]
    lets_in = [each for each in standing if each.state is not LotState.CLOSED_TO_ALL]
    if lets_in:
        raise Refused("company.has_lots", count=len(lets_in), lot=lets_in[0].code)


@needs("lot.write")
def apply_lot(unit: Unit, *, company: Id, lot: Lot, is_meant: Callable[[Lot | None], bool] = lambda _: True) -> Applied:
    """Make a lot what its file says; applying it again changes nothing.

    ``is_meant`` tells whether what stands is what the author of the file saw; ``Refused("lot.moved_on")`` when not.

    ``company`` is the company of the file's company code. Comparing takes the writer about 30 µs a space (most of a
    second for 20 000): ask ``lot_changes`` with a reader first, when nothing may have changed. Raises
    ``Refused("lot.fixed")`` when the file would turn the lot into another one, and
    ``Refused("device.serial_elsewhere")`` when a device over MQTT has the serial of another company's.
    """
    before = unit.one(store.LOT_BY_CODE, company=company, lot_code=lot.code)
    serials = [_SERIALS] if any(each.kind.wire.mqtt for each in lot.devices) else []
    unit.lock(("lots", company), *([("lot", before.id)] if before else []), *serials)
    tenancy.check_company_open(unit, company=company)
    row = unit.one(store.LOT_BY_CODE, company=company, lot_code=lot.code)
    if (row is None) != (before is None):
        raise Stale("lot")  # made by somebody else while this unit waited for the lock, which was the wrong one
    ground = None if row is None else ground_of(unit, row)
    existing = None if ground is None else ground.layout(lot.company_code)
    if not is_meant(existing):
        raise Refused("lot.moved_on", lot=lot.code)
    changes = _changes(existing, lot)
    _check_serials(unit, company, changes)
    lot_id = unit.new_id() if row is None else row.id
    if not changes:
        return Applied(lot_id, changes)
    _write_lot(unit, company, lot_id, row, lot)
    _Things(unit, company, lot_id, ground).write(changes)
    unit.append(
        LotApplied(lot_id, lot.code, changes.created, changes.lot_fields, changes.counts()),
        company=company, lot=lot_id, key=lot_id,
    )  # fmt: skip
    was, is_now = told(existing, lot, changes)
    tenancy.record(unit, tenancy.Deed("lot.configured", "lot", str(lot_id), company, lot_id, before=was, after=is_now))
    return Applied(lot_id, changes)


def _changes(existing: Lot | None, lot: Lot) -> Changes:
    return diff(existing, replace(lot, simulation=plain(lot.simulation)))


def _check_serials(reader: Reader, company: Id, changes: Changes) -> None:
    """Refuse the serial of another company's device over MQTT: behind an outside broker a serial is all it is known by.

    Others prove themselves by a secret, whoever else claims their serial.
    """
    for change in changes.of(ThingKind.DEVICE):
        thing = change.thing
        if change.action is Action.RETIRED or not isinstance(thing, Device) or not thing.kind.wire.mqtt:
            continue
        if reader.all(store.SERIAL_ELSEWHERE, of_serial=thing.serial, of_kind=thing.kind, of_company=company)[0]:
            raise Refused("device.serial_elsewhere", device=thing.code, serial=thing.serial or "")


def _write_lot(unit: Unit, company: Id, lot_id: Id, row: store.LotRow | None, lot: Lot) -> None:
    new = store.LotRow(
        lot_id, company, lot.code, lot.name_zh, lot.name_en, lot.zone, lot.currency, lot.capacity, lot.tariff_code,
        row.state if row else LotState.OPEN, row.scan_code if row else _scan_code(), rules_of(lot),
        plain(lot.simulation), None, row.version if row else 1, pricing_of_lot(lot),
        lot.position.longitude if lot.position else None, lot.position.latitude if lot.position else None,
        lot.address.zh if lot.address else None, lot.address.en if lot.address else None, plan_of_lot(lot),
        displays_of_lot(lot),
    )  # fmt: skip
    if row is None:
        unit.run(store.INSERT_LOT, new)
    else:
        unit.save(store.REWRITE_LOT, new, row_id=lot_id, old_version=row.version)


class _Things:
    """Writes what changes in a lot. Ids of all codes are known before the first row: areas may name one another."""

    def __init__(self, unit: Unit, company: Id, lot: Id, ground: Ground | None) -> None:
        self._unit = unit
        self._company = company
        self._lot = lot
        self._rows: Mapping[ThingKind, Mapping[str, Row]] = ground.rows if ground else {kind: {} for kind in ThingKind}
        self._ids = {(kind, code): row.id for kind, rows in self._rows.items() for code, row in rows.items()}

    def write(self, changes: Changes) -> None:
        """Write all changes."""
        for change in changes.things:
            if (change.kind, change.code) not in self._ids:
                self._ids[change.kind, change.code] = self._unit.new_id()
        new: dict[ThingKind, list[Row]] = {kind: [] for kind in ThingKind}
        for change in changes.things:
            old = self._rows[change.kind].get(change.code)
            if old is None:
                new[change.kind].append(self._row(change.thing, None))
            elif change.action is Action.RETIRED:
                self._unit.run(_REWRITE[change.kind], replace(old, retired_at=self._unit.now), row_id=old.id)
            else:
                self._unit.run(_REWRITE[change.kind], self._row(change.thing, old), row_id=old.id)
        for kind, rows in new.items():
            self._unit.run_all(_INSERT[kind], rows)
        for row in new[ThingKind.AREA]:
            self._unit.run(
                lane_store.INSERT_OCCUPANCY, lot_id=self._lot, area_id=row.id, company_id=self._company, count=0,
                adjustment=0,
            )  # fmt: skip

    def _row(self, thing: Thing, old: Row | None) -> Row:
        match thing:
            case Area():
                return store.AreaRow(
                    self._ids[ThingKind.AREA, thing.code], self._company, self._lot, thing.code, thing.name_zh,
                    thing.name_en, self._id(ThingKind.AREA, thing.inside), thing.capacity, thing.tariff_code, None,
                    rules_of_area(thing),
                )  # fmt: skip
            case Space():
                return store.SpaceRow(
                    self._ids[ThingKind.SPACE, thing.code], self._company, self._lot,
                    self._ids[ThingKind.AREA, thing.area], thing.code, None,
                )  # fmt: skip
            case Booth():
                return store.BoothRow(
                    self._ids[ThingKind.BOOTH, thing.code], self._company, self._lot, thing.code, thing.name_zh,
                    thing.name_en, None,
                )  # fmt: skip
            case Lane():
                return store.LaneRow(
                    self._ids[ThingKind.LANE, thing.code], self._company, self._lot, thing.code, thing.name_zh,
                    thing.name_en, thing.kind, self._id(ThingKind.AREA, thing.from_area),
                    self._id(ThingKind.AREA, thing.to_area), self._id(ThingKind.BOOTH, thing.booth),
                    old.scan_code if isinstance(old, store.LaneRow) else _scan_code(), None,
                    old.held_open_until if isinstance(old, store.LaneRow) else None,
                )  # fmt: skip
            case Device():
                return self._device(thing, old if isinstance(old, store.DeviceRow) else None)
            case Collector():
                return self._collector(thing, old if isinstance(old, store.CollectorRow) else None)
            case Sensor():
                return store.SensorRow(
                    self._ids[ThingKind.SENSOR, thing.code], self._company, self._lot,
                    self._ids[ThingKind.COLLECTOR, thing.collector], self._ids[ThingKind.SPACE, thing.space],
                    thing.code, thing.name, thing.model, None,
                )  # fmt: skip

    def _device(self, thing: Device, old: store.DeviceRow | None) -> store.DeviceRow:
        networks: Sequence[str] = [str(network) for network in thing.networks]
        return store.DeviceRow(
            self._ids[ThingKind.DEVICE, thing.code], self._company, self._lot, self._ids[ThingKind.LANE, thing.lane],
            thing.code, thing.kind, thing.serial, networks, thing.heartbeat.value if thing.heartbeat else None,
            old.secret_id if old else None, old.secret_fingerprint if old else None,
            old.secret_issued_at if old else None, None, thing.endpoint, thing.gate, self._login(thing, old),
            stored_inputs(thing.inputs),
        )  # fmt: skip

    def _login(self, thing: Device, old: store.DeviceRow | None) -> Id | None:
        """Return the login that a device keeps. It was given for one camera at one address: elsewhere it would be shown
        to somebody else, so it is erased.
        """
        if old is None or old.login_id is None:
            return None
        if (old.kind, old.endpoint) == (thing.kind, thing.endpoint):
            return old.login_id
        vault.erase(self._unit, old.login_id)
        return None

    def _collector(self, thing: Collector, old: store.CollectorRow | None) -> store.CollectorRow:
        return store.CollectorRow(
            self._ids[ThingKind.COLLECTOR, thing.code], self._company, self._lot, thing.code, thing.kind, thing.serial,
            [str(network) for network in thing.networks], thing.silent_after_s, old.secret_id if old else None,
            old.secret_fingerprint if old else None, old.secret_issued_at if old else None, None,
        )  # fmt: skip

    def _id(self, kind: ThingKind, code: str | None) -> Id | None:
        return None if code is None else self._ids[kind, code]


def _scan_code() -> str:
    return "".join(secrets.choice(SCAN_ALPHABET) for _ in range(SCAN_LENGTH))


@needs("lot.write")
def change_state(unit: Unit, *, lot: Id, state: LotState, reason: str) -> bool:
    """Say who is let in from now on, with a reason. The same state again changes nothing; tells whether it was new.

    Raises ``NotFound("lot.not_found")``, ``Refused("reason.missing")``, ``Refused("reason.too_long")`` and
    ``Refused("company.closed")``.
    """
    text = checked_reason(reason)
    unit.lock(("lot", lot))
    row = unit.one(store.LOT_BY_ID, lot=lot)
    if row is None:
        raise NotFound("lot.not_found", lot=str(lot))
    if row.state is state:
        return False
    tenancy.check_company_open(unit, company=row.company_id)
    unit.save(store.REWRITE_LOT, replace(row, state=state), row_id=lot, old_version=row.version)
    unit.append(LotStateChanged(row.state.value, state.value, text), company=row.company_id, lot=lot, key=lot)
    return True


@dataclass(frozen=True, slots=True)
class DeviceCredentials:
    """What is shown once: the secret a device proves itself with, 64 hexadecimal digits."""

    device: Id
    lot: Id
    code: str
    kind: DeviceKind
    serial: str | None
    secret: str = field(repr=False)
    old_until: Instant | None = None


@needs("device.credentials")
def issue_credentials(unit: Unit, *, lot: Id, device_code: str, secret: str, old_for_s: int = 0) -> DeviceCredentials:
    """Give a device a new secret, 64 hexadecimal digits made by the caller (``secrets.token_hex(32)``).

    The secret before it holds for ``old_for_s`` seconds more (at most ``OLD_SECRET_S_MAX``), for devices that take the
    new one over only at their next visit; without them it is void at once and erased, and so is one that held on from
    an earlier change. Raises ``NotFound("device.not_found")``; a secret of another form, or one that is in use
    already, is a ``ValueError``.
    """
    if not _SECRET.match(secret):
        raise ValueError("a device secret is 64 lower-case hexadecimal digits")
    unit.lock(("lot", lot))
    device = unit.one(store.DEVICE_BY_CODE, lot=lot, device_code=device_code)
    if device is None:
        raise NotFound("device.not_found", device=device_code)
    if vault.find(unit, VaultKind.DEVICE_SECRET, secret) is not None:
        raise ValueError("a device secret is random: this one is in use")
    fingerprint = unit.keys.fingerprint(VaultKind.DEVICE_SECRET.value, secret)
    kept = vault.keep(unit, VaultKind.DEVICE_SECRET, secret)
    unit.run(store.ISSUE_SECRET, row_id=device.id, new_secret=kept, new_fingerprint=fingerprint, now=unit.machine_now)
    old_until = _keep_old(unit, device, old_for_s)
    unit.append(
        DeviceCredentialsIssued(device.id, device.code, device.kind.value, fingerprint),
        company=device.company_id, lot=lot, key=device.id,
    )  # fmt: skip
    return DeviceCredentials(device.id, lot, device.code, device.kind, device.serial, secret, old_until)


def _keep_old(unit: Unit, device: store.DeviceRow, old_for_s: int) -> Instant | None:
    """Let the secret that was replaced hold for a while, or erase it; one secret at most holds beside the new one."""
    forget_old_secret(unit, device=device.id)
    if device.secret_id is None or device.secret_fingerprint is None:
        return None
    if old_for_s <= 0:
        vault.erase(unit, device.secret_id)
        return None
    until = Instant(unit.machine_now + min(old_for_s, OLD_SECRET_S_MAX) * SECOND_US)
    unit.run(
        secret_store.INSERT, device_id=device.id, company_id=device.company_id, lot_id=device.lot_id,
        secret_id=device.secret_id, secret_fingerprint=device.secret_fingerprint, until_at=until,
    )  # fmt: skip
    return until


@inner
def forget_old_secret(unit: Unit, *, device: Id) -> None:
    """Erase the secret that holds on beside a device's present one, if there is one."""
    held = unit.one(secret_store.SECRET_OF, device=device)
    if held is not None:
        unit.run(secret_store.DELETE, device=device)
        vault.erase(unit, held)


@by_construction
def purge_old_secrets(unit: Unit) -> int:
    """Erase some replaced secrets that hold no longer; call again while it returns ``PURGE_MAX``."""
    over = unit.all(secret_store.OVER, now=unit.machine_now)
    for device, secret in over:
        unit.run(secret_store.DELETE, device=device)
        vault.erase(unit, secret)
    return len(over)
