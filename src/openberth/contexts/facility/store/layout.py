"""The ground as rows: lots with their areas, spaces, booths, lanes and devices. Codes are unique in a lot for ever."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam, func, select, update

from openberth.contexts.facility.model import DeviceKind, LaneKind, LotState, SensorModel
from openberth.contexts.facility.store.tables import (
    area,
    booth,
    collector,
    device,
    device_presence,
    lane,
    lot,
    occupancy,
    sensor,
    space,
)
from openberth.infra.database.schema import vault
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.vault import Sealed
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

LOTS_MAX = 5_000
PAGE_MAX = 500


@dataclass(frozen=True, slots=True)
class LotRow:
    """A lot as stored; attributes are columns, in their order. So are those of the other rows."""

    id: Id
    company_id: Id
    code: str
    name_zh: str
    name_en: str
    zone: str
    currency: str
    capacity: int
    tariff_code: str
    state: LotState
    scan_code: str
    rules: Mapping[str, Any]
    simulation: Mapping[str, Any] | None
    retired_at: Instant | None
    version: int
    pricing: Mapping[str, Any] | None = None
    longitude_e7: int | None = None
    latitude_e7: int | None = None
    address_zh: str | None = None
    address_en: str | None = None
    plan: Mapping[str, Any] | None = None
    displays: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AreaRow:
    """An area."""

    id: Id
    company_id: Id
    lot_id: Id
    code: str
    name_zh: str
    name_en: str
    inside_id: Id | None
    capacity: int
    tariff_code: str | None
    retired_at: Instant | None
    tariffs: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class SpaceRow:
    """A space."""

    id: Id
    company_id: Id
    lot_id: Id
    area_id: Id
    code: str
    retired_at: Instant | None


@dataclass(frozen=True, slots=True)
class BoothRow:
    """A booth."""

    id: Id
    company_id: Id
    lot_id: Id
    code: str
    name_zh: str
    name_en: str
    retired_at: Instant | None


@dataclass(frozen=True, slots=True)
class LaneRow:
    """A lane."""

    id: Id
    company_id: Id
    lot_id: Id
    code: str
    name_zh: str
    name_en: str
    kind: LaneKind
    from_area_id: Id | None
    to_area_id: Id | None
    booth_id: Id | None
    scan_code: str
    retired_at: Instant | None
    held_open_until: Instant | None = None


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device. Its secret is in the vault; the fingerprint finds it."""

    id: Id
    company_id: Id
    lot_id: Id
    lane_id: Id
    code: str
    kind: DeviceKind
    serial: str | None
    networks: Sequence[str]
    heartbeat: str | None
    secret_id: Id | None
    secret_fingerprint: str | None
    secret_issued_at: Instant | None
    retired_at: Instant | None
    endpoint: str | None = None
    gate: str | None = None
    login_id: Id | None = None
    inputs: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class CalledRow:
    """A device that we call: where, in which way its gate is moved, and the login in its sealed form."""

    device: Id
    endpoint: str
    gate: str | None
    sealed: Sealed


def _called_row(device_id: Id, endpoint: str, gate: str | None, *sealed: Any) -> CalledRow:
    return CalledRow(device_id, endpoint, gate, Sealed(*sealed))


@dataclass(frozen=True, slots=True)
class CollectorRow:
    """A collector. Its secret is in the vault; the fingerprint finds it."""

    id: Id
    company_id: Id
    lot_id: Id
    code: str
    kind: DeviceKind
    serial: str | None
    networks: Sequence[str]
    silent_after_s: int | None
    secret_id: Id | None
    secret_fingerprint: str | None
    secret_issued_at: Instant | None
    retired_at: Instant | None


@dataclass(frozen=True, slots=True)
class SensorRow:
    """A sensor of a space."""

    id: Id
    company_id: Id
    lot_id: Id
    collector_id: Id
    space_id: Id
    code: str
    name: str
    model: SensorModel | None
    retired_at: Instant | None


@dataclass(frozen=True, slots=True)
class DirectoryRow:
    """An active device with what answering it needs; ``sealed`` is its secret, None before it has credentials."""

    id: Id
    company: Id
    lot: Id
    lot_code: str
    zone: str
    lane: Id
    code: str
    kind: DeviceKind
    serial: str | None
    networks: Sequence[str]
    heartbeat: str | None
    inputs: Sequence[Any] | None
    fingerprint: str | None
    sealed: Sealed | None


def _directory_row(
    device_id: Id, company: Id, lot_id: Id, lot_code: str, zone: str, lane_id: Id, code: str, kind: DeviceKind,
    serial: str | None, networks: Sequence[str], heartbeat: str | None, inputs: Sequence[Any] | None,
    fingerprint: str | None, *secret: Any,
) -> DirectoryRow:  # fmt: skip
    sealed = None if secret[0] is None else Sealed(*secret)
    return DirectoryRow(
        device_id, company, lot_id, lot_code, zone, lane_id, code, kind, serial, networks, heartbeat, inputs,
        fingerprint, sealed,
    )  # fmt: skip


def _rewrite(target: Table, *fixed: str) -> Write:
    """Return the update of a whole row except what is fixed for ever."""
    kept = {"id", "company_id", "lot_id", "code", "scan_code", *fixed}
    values: dict[str, Any] = {each.name: bindparam(each.name) for each in target.columns if each.name not in kept}
    return Write(update(target).where(target.c.id == bindparam("row_id")).values(values))


LOT_BY_CODE = Query(
    select(lot).where(lot.c.company_id == bindparam("company"), lot.c.code == bindparam("lot_code")), LotRow
)
LOTS_BY_CODE = Query(select(lot).where(lot.c.code == bindparam("lot_code")).limit(2), LotRow)
LOT_BY_ID = Query(select(lot).where(lot.c.id == bindparam("lot")), LotRow)
LOT_BY_SCAN_CODE = Query(
    select(lot).where(lot.c.scan_code == bindparam("scan_code"), lot.c.retired_at.is_(None)), LotRow
)
LOTS = Query(select(lot).where(lot.c.retired_at.is_(None)).order_by(lot.c.code, lot.c.id).limit(LOTS_MAX), LotRow)
OCCUPIED_BY_LOT = Query(
    select(occupancy.c.lot_id, func.sum(occupancy.c.count + occupancy.c.adjustment)).group_by(occupancy.c.lot_id),
    lambda lot_id, occupied: (lot_id, int(occupied)),
)
AREAS = Query(select(area).where(area.c.lot_id == bindparam("lot")), AreaRow)
SPACES = Query(select(space).where(space.c.lot_id == bindparam("lot")), SpaceRow)
SPACES_BY_AREA = Query(
    select(space.c.area_id, func.count())
    .where(space.c.lot_id == bindparam("lot"), space.c.retired_at.is_(None))
    .group_by(space.c.area_id),
    lambda area_id, count: (area_id, int(count)),
)
BOOTHS = Query(select(booth).where(booth.c.lot_id == bindparam("lot")), BoothRow)
LANES = Query(select(lane).where(lane.c.lot_id == bindparam("lot")), LaneRow)
DEVICES = Query(select(device).where(device.c.lot_id == bindparam("lot")), DeviceRow)
COLLECTORS = Query(select(collector).where(collector.c.lot_id == bindparam("lot")), CollectorRow)
SENSORS = Query(select(sensor).where(sensor.c.lot_id == bindparam("lot")), SensorRow)
DEVICE_BY_CODE = Query(
    select(device).where(
        device.c.lot_id == bindparam("lot"), device.c.code == bindparam("device_code"), device.c.retired_at.is_(None)
    ),
    DeviceRow,
)
# Decides whether a serial is somebody else's; nothing of the others leaves.
SERIAL_ELSEWHERE = Query(
    select(func.count()).where(
        device.c.serial == bindparam("of_serial"), device.c.kind == bindparam("of_kind"),
        device.c.company_id != bindparam("of_company"), device.c.retired_at.is_(None),
    ),
    int, everywhere=True,
)  # fmt: skip
# Every active device of every lot, page by page: what the directory in memory is made of.
DIRECTORY = Query(
    select(
        device.c.id, device.c.company_id, device.c.lot_id, lot.c.code, lot.c.zone, device.c.lane_id, device.c.code,
        device.c.kind, device.c.serial, device.c.networks, device.c.heartbeat, device.c.inputs,
        device.c.secret_fingerprint,
        vault.c.id, vault.c.kind, vault.c.key_id, vault.c.sealed,
    )
    .select_from(device.join(lot, lot.c.id == device.c.lot_id).outerjoin(vault, vault.c.id == device.c.secret_id))
    .where(device.c.retired_at.is_(None), lot.c.retired_at.is_(None), device.c.id > bindparam("after"))
    .order_by(device.c.id)
    .limit(PAGE_MAX),
    _directory_row,
)  # fmt: skip
CALLED = Query(
    select(device.c.id, device.c.endpoint, device.c.gate, vault.c.id, vault.c.kind, vault.c.key_id, vault.c.sealed)
    .select_from(device.join(vault, vault.c.id == device.c.login_id))
    .where(device.c.retired_at.is_(None), device.c.endpoint.is_not(None), device.c.id > bindparam("after"))
    .order_by(device.c.id)
    .limit(PAGE_MAX),
    _called_row,
)
PRESENCE_OF_LOT = Query(
    select(
        device_presence.c.device_id, device_presence.c.last_seen_at, device_presence.c.address,
        device_presence.c.online, device_presence.c.clock_offset_us, device_presence.c.state,
    )
    .select_from(device.join(device_presence, device_presence.c.device_id == device.c.id))
    .where(device.c.lot_id == bindparam("lot")),
    lambda device_id, *rest: (device_id, rest),
)  # fmt: skip

INSERT_LOT = insert_into(lot)
INSERT_AREA = insert_into(area)
INSERT_SPACE = insert_into(space)
INSERT_BOOTH = insert_into(booth)
INSERT_LANE = insert_into(lane)
INSERT_DEVICE = insert_into(device)
INSERT_COLLECTOR = insert_into(collector)
INSERT_SENSOR = insert_into(sensor)
REWRITE_LOT = Write(
    update(lot)
    .where(lot.c.id == bindparam("row_id"), lot.c.version == bindparam("old_version"))
    .values(
        name_zh=bindparam("name_zh"),
        name_en=bindparam("name_en"),
        zone=bindparam("zone"),
        capacity=bindparam("capacity"),
        tariff_code=bindparam("tariff_code"),
        state=bindparam("state"),
        rules=bindparam("rules"),
        simulation=bindparam("simulation"),
        pricing=bindparam("pricing"),
        longitude_e7=bindparam("longitude_e7"),
        latitude_e7=bindparam("latitude_e7"),
        address_zh=bindparam("address_zh"),
        address_en=bindparam("address_en"),
        plan=bindparam("plan"),
        displays=bindparam("displays"),
        version=lot.c.version + 1,
    )
)
REWRITE_AREA = _rewrite(area)
REWRITE_SPACE = _rewrite(space)
REWRITE_BOOTH = _rewrite(booth)
REWRITE_LANE = _rewrite(lane)
REWRITE_DEVICE = _rewrite(device, "secret_id", "secret_fingerprint", "secret_issued_at", "login_id")
SET_ENDPOINT = Write(
    update(device).where(device.c.id == bindparam("row_id")).values(endpoint=bindparam("new_endpoint"))
)
SET_LOGIN = Write(update(device).where(device.c.id == bindparam("row_id")).values(login_id=bindparam("new_login")))
REWRITE_COLLECTOR = _rewrite(collector, "secret_id", "secret_fingerprint", "secret_issued_at")
REWRITE_SENSOR = _rewrite(sensor)
ISSUE_COLLECTOR_SECRET = Write(
    update(collector)
    .where(collector.c.id == bindparam("row_id"))
    .values(
        secret_id=bindparam("new_secret"),
        secret_fingerprint=bindparam("new_fingerprint"),
        secret_issued_at=bindparam("now"),
    )
)
ISSUE_SECRET = Write(
    update(device)
    .where(device.c.id == bindparam("row_id"))
    .values(
        secret_id=bindparam("new_secret"),
        secret_fingerprint=bindparam("new_fingerprint"),
        secret_issued_at=bindparam("now"),
    )
)
