"""Sensors of spaces and their collectors: what is known, what was said, and who is heard. Statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, bindparam, delete, func, or_, select, update
from sqlalchemy.sql.expression import ColumnElement

from openberth.contexts.facility.model import DeviceKind, SensorModel, SpaceState
from openberth.contexts.facility.store.tables import (
    area,
    area_loops,
    collector,
    collector_presence,
    lot,
    sensor,
    sensor_report,
    sensor_state,
    space,
)
from openberth.infra.database.batches import among_batch
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

SWEPT_MAX = 50  # sensors that time changes in one unit
PURGE_MAX = 500
PAGE_MAX = 500
REPORTS_MAX = 200
_S, _C, _P, _N = sensor.c, sensor_state.c, collector_presence.c, collector.c


@dataclass(frozen=True, slots=True)
class SensorOf:
    """A sensor with where it belongs."""

    id: Id
    company: Id
    lot: Id
    lot_code: str
    code: str
    collector: Id
    kind: DeviceKind
    silent_after_s: int | None
    space: Id
    space_code: str


@dataclass(frozen=True, slots=True)
class StateRow:
    """What is known of a sensor, as stored: attributes are columns, in their order."""

    sensor_id: Id
    company_id: Id
    lot_id: Id
    state: SpaceState
    since_at: Instant
    changed_at: Instant
    said: bool | None
    said_since: Instant
    changes: Sequence[int]
    flapping: bool
    measured_at: Instant
    confidence: int
    battery_mv: int | None
    battery_low: bool
    fault: str | None
    over_line: bool
    contradicts: bool
    heard_at: Instant
    due_at: Instant | None
    silent_at: Instant | None
    version: int


@dataclass(frozen=True, slots=True)
class KnownCollector:
    """An active collector as gateways need it."""

    id: Id
    company: Id
    lot: Id
    lot_code: str
    code: str
    kind: DeviceKind
    serial: str | None
    networks: Sequence[str]
    silent_after_s: int | None
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class CollectorHeard:
    """When a collector was heard last (machine time), from where, and what is to be known of it."""

    collector: Id
    last_seen_at: Instant
    address: str | None
    online: bool
    state: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SilentCollector:
    """A collector that counts as heard and has been silent for too long."""

    id: Id
    company: Id
    lot: Id
    lot_code: str
    code: str
    kind: DeviceKind
    silent_after_s: int | None
    last_seen_at: Instant


@dataclass(frozen=True, slots=True)
class SensorListed:
    """A sensor with its space, area and collector by their codes."""

    id: Id
    lot: Id
    code: str
    name: str
    model: SensorModel | None
    collector: Id
    collector_code: str
    kind: DeviceKind
    space: Id
    space_code: str
    area: Id
    area_code: str


@dataclass(frozen=True, slots=True)
class SensorReport:
    """A report as it came."""

    id: Id
    received_at: Instant
    raw: Mapping[str, Any]


def _model(model: SensorModel | None) -> SensorModel | None:
    return model


_OF = (
    _S.id, _S.company_id, _S.lot_id, lot.c.code.label("lot_code"), _S.code, _S.collector_id, _N.kind, _N.silent_after_s,
    _S.space_id, space.c.code.label("space_code"),
)  # fmt: skip
_SENSOR = (
    select(*_OF)
    .select_from(
        sensor.join(collector, _N.id == _S.collector_id).join(space, space.c.id == _S.space_id)
        .join(lot, lot.c.id == _S.lot_id)
    )
)  # fmt: skip

SENSOR_NAMED = Query(
    _SENSOR.where(_S.collector_id == bindparam("of_collector"), _S.name == bindparam("named"), _S.retired_at.is_(None)),
    SensorOf,
)
MODEL_NAMED = Query(
    select(_S.model).where(
        _S.collector_id == bindparam("of_collector"), _S.name == bindparam("named"), _S.retired_at.is_(None)
    ),
    _model,
)
SENSOR = Query(_SENSOR.where(_S.id == bindparam("of_sensor")), SensorOf)
STATE = Query(select(sensor_state).where(_C.sensor_id == bindparam("of_sensor")), StateRow)
INSERT_STATE = insert_into(sensor_state)
_FIXED = ("sensor_id", "company_id", "lot_id", "version")
SAVE_STATE = Write(
    update(sensor_state)
    .where(_C.sensor_id == bindparam("of_sensor"), _C.version == bindparam("old_version"))
    .values({each.name: bindparam(each.name) for each in sensor_state.columns if each.name not in _FIXED})
    .values(version=_C.version + 1)
)
# A retired sensor says nothing any more, and nobody waits for it.
DUE = Query(
    select(_C.sensor_id)
    .where(or_(_C.due_at <= bindparam("now"), _C.silent_at <= bindparam("machine_now")))
    .limit(SWEPT_MAX),
    one_id,
)
INSERT_REPORT = insert_into(sensor_report)
REPORTS = Query(
    select(sensor_report.c.id, sensor_report.c.received_at, sensor_report.c.raw)
    .where(sensor_report.c.sensor_id == bindparam("of_sensor"), sensor_report.c.id < bindparam("before"))
    .order_by(sensor_report.c.id.desc())
    .limit(bindparam("limit")),
    SensorReport,
)
OLD_REPORTS = Query(
    select(sensor_report.c.id)
    .where(sensor_report.c.id < bindparam("before"))
    .order_by(sensor_report.c.id)
    .limit(PURGE_MAX),
    one_id,
)
FORGET_REPORT = Write(delete(sensor_report).where(sensor_report.c.id == bindparam("report")))

DIRECTORY = Query(
    select(
        _N.id, _N.company_id, _N.lot_id, lot.c.code.label("lot_code"), _N.code, _N.kind, _N.serial, _N.networks,
        _N.silent_after_s, _N.secret_fingerprint,
    )
    .select_from(collector.join(lot, lot.c.id == _N.lot_id))
    .where(_N.retired_at.is_(None), lot.c.retired_at.is_(None), _N.id > bindparam("after"))
    .order_by(_N.id)
    .limit(PAGE_MAX),
    KnownCollector,
)  # fmt: skip


def _new_or_known(name: str, column: "Column[Any]") -> "ColumnElement[Any]":
    return func.coalesce(bindparam(name, type_=column.type), column)


_TOUCHED: dict[str, Any] = {
    "last_seen_at": bindparam("seen_at"),
    "address": _new_or_known("new_address", _P.address),
    "state": _new_or_known("new_state", _P.state),
}
COLLECTOR_NEW = insert_into(collector_presence, once=True)
COLLECTOR_CAME = Write(
    update(collector_presence)
    .where(_P.collector_id == bindparam("of_collector"), _P.online.is_(False))
    .values(**_TOUCHED, online=True)
)
COLLECTOR_TOUCHED = Write(
    update(collector_presence)
    .where(_P.collector_id == bindparam("of_collector"), _P.last_seen_at < bindparam("seen_at"))
    .values(**_TOUCHED)
)
COLLECTOR_LOST = Write(
    update(collector_presence)
    .where(
        _P.collector_id == bindparam("of_collector"), _P.online.is_(True), _P.last_seen_at <= bindparam("seen_before")
    )
    .values(online=False)
)
_SILENT = (
    select(
        _N.id, _N.company_id, _N.lot_id, lot.c.code.label("lot_code"), _N.code, _N.kind, _N.silent_after_s,
        _P.last_seen_at,
    )
    .select_from(
        collector_presence.join(collector, _N.id == _P.collector_id).join(lot, lot.c.id == collector_presence.c.lot_id)
    )
    .where(_P.online.is_(True))
)  # fmt: skip
COLLECTORS_SILENT = Query(
    _SILENT.where(_N.kind == bindparam("of_kind"), _P.last_seen_at < bindparam("seen_before")).limit(SWEPT_MAX),
    SilentCollector,
)
COLLECTOR_ONLINE = Query(_SILENT.where(_N.id == bindparam("of_collector")), SilentCollector)
_OF_COLLECTOR = _C.sensor_id.in_(select(_S.id).where(_S.collector_id == bindparam("of_collector")))
# Their collector is silent: nothing is known of the spaces when the grace is over.
SENSORS_WAIT = Write(
    update(sensor_state)
    .where(_OF_COLLECTOR, _C.silent_at > bindparam("until"))
    .values(silent_at=bindparam("until"), version=_C.version + 1)
)
SENSORS_HEARD_AGAIN = Write(
    update(sensor_state)
    .where(_OF_COLLECTOR, _C.silent_at.is_not(None))
    .values(silent_at=_C.heard_at + bindparam("span"), version=_C.version + 1)
)

_LISTED = (
    select(
        _S.id, _S.lot_id, _S.code, _S.name, _S.model, _S.collector_id, _N.code.label("collector_code"), _N.kind,
        _S.space_id, space.c.code.label("space_code"), area.c.id.label("area_id"), area.c.code.label("area_code"),
    )
    .select_from(
        sensor.join(collector, _N.id == _S.collector_id).join(space, space.c.id == _S.space_id)
        .join(area, area.c.id == space.c.area_id)
    )
    .where(_S.retired_at.is_(None))
)  # fmt: skip
SENSORS_OF_LOT = Query(_LISTED.where(_S.lot_id == bindparam("lot")), SensorListed)
STATES_OF_LOT = Query(select(sensor_state).where(_C.lot_id == bindparam("lot")), StateRow)
HEARD_OF_LOT = Query(
    select(_P.collector_id, _P.last_seen_at, _P.address, _P.online, _P.state).where(_P.lot_id == bindparam("lot")),
    CollectorHeard,
)
LOTS_WITH_SENSORS = Query(select(_S.lot_id).where(_S.retired_at.is_(None)).distinct(), one_id)
# Two statements, not an outer join: a scope narrows both tables.
SENSORS_BY_AREA = Query(
    select(space.c.area_id, func.count())
    .select_from(sensor.join(space, space.c.id == _S.space_id))
    .where(_S.retired_at.is_(None), among_batch(_S.lot_id))
    .group_by(space.c.area_id),
    lambda area_id, count: (area_id, int(count)),
)
STATES_BY_AREA = Query(
    select(space.c.area_id, _C.state, func.count())
    .select_from(sensor.join(space, space.c.id == _S.space_id).join(sensor_state, _C.sensor_id == _S.id))
    .where(_S.retired_at.is_(None), among_batch(_S.lot_id))
    .group_by(space.c.area_id, _C.state),
    lambda area_id, state, count: (area_id, state, int(count)),
)
CONTRADICTS = Write(
    update(sensor_state)
    .where(_C.sensor_id == bindparam("of_sensor"), _C.contradicts != bindparam("so", type_=_C.contradicts.type))
    .values(contradicts=bindparam("so", type_=_C.contradicts.type), version=_C.version + 1)
)

_L = area_loops.c
LOOPS_BEGIN = insert_into(area_loops, once=True)
LOOPS_COUNT = Write(
    update(area_loops)
    .where(_L.lot_id == bindparam("lot"), _L.area_id == bindparam("area"))
    .values(counted_in=_L.counted_in + bindparam("more_in"), counted_out=_L.counted_out + bindparam("more_out"))
)
LOOPS_AGAIN = Write(
    update(area_loops)
    .where(_L.lot_id == bindparam("lot"), _L.area_id == bindparam("area"))
    .values(counted_in=0, counted_out=0, beginning=bindparam("cars"), begun_at=bindparam("now"))
)
LOOPS_OF_LOTS = Query(
    select(_L.area_id, _L.beginning + _L.counted_in - _L.counted_out).where(among_batch(_L.lot_id)),
    lambda area_id, cars: (area_id, int(cars)),
)
