"""Reports of sensors into states of spaces, events and alarms; and what time alone makes of them.

Every report is kept as it came for a week. A report writes one row of its sensor, whatever it says, so silence is found
by looking at the rows, whichever process heard it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from openberth.contexts.facility.model import Reading, Sensed, SensorModel, SpaceStateChanged
from openberth.contexts.facility.model.sensing import SILENT_AFTER_US
from openberth.contexts.facility.service.troubles import end_alarm, raise_alarm
from openberth.contexts.facility.store import sensors as store
from openberth.contexts.facility.store.sensors import SensorOf, StateRow
from openberth.infra import dedup
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner
from openberth.kernel.ids import Id, lowest_at
from openberth.kernel.time import DAY_US, SECOND_US, Instant

REPORTS_KEPT_US = 7 * DAY_US
FAULT_LENGTH = 60
NAME_LENGTH = 64

FLAPPING, BATTERY, FAULT, SILENT, CONTRADICTS = (
    "sensor_flapping", "sensor_battery", "sensor_fault", "sensor_silent", "sensor_contradicts",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the reports of one message: how many changed a space, and the sensors that nobody knows."""

    changed: int
    unknown: tuple[str, ...]
    repeated: bool = False


@by_construction
def take_readings(unit: Unit, *, collector: Id, readings: Sequence[Reading], key: str | None = None) -> Taken:
    """Take what a collector's sensors say; what names no sensor of it changes nothing.

    ``key`` is the collector's own id of the message: one that came before is taken once.
    """
    unit.lock(("collector", collector))
    if key is not None and dedup.claim(unit, source=collector, key=key, ref=collector) is not None:
        return Taken(0, (), repeated=True)
    changed, unknown = 0, list[str]()
    for reading in readings:
        sensor = unit.one(store.SENSOR_NAMED, of_collector=collector, named=reading.sensor[:NAME_LENGTH])
        if sensor is None:
            unknown.append(reading.sensor[:NAME_LENGTH])
            continue
        unit.run(
            store.INSERT_REPORT, id=unit.new_id(), company_id=sensor.company, lot_id=sensor.lot, sensor_id=sensor.id,
            received_at=unit.machine_now, raw=dict(reading.raw),
        )  # fmt: skip
        row = unit.one(store.STATE, of_sensor=sensor.id)
        before = Sensed() if row is None else sensed_of(row)
        changed += _write(unit, sensor, row, before, before.taken(reading, unit.now), heard=True)
    return Taken(changed, tuple(unknown))


@by_construction
def sweep_sensors(unit: Unit) -> int:
    """Do what time alone does: settle changes that waited, forget what silent sensors said. A few at a time; returns
    how many, call again while there are any.
    """
    due = unit.all(store.DUE, now=unit.now, machine_now=unit.machine_now)
    for one in due:
        sensor, row = unit.one(store.SENSOR, of_sensor=one), unit.one(store.STATE, of_sensor=one)
        if sensor is None or row is None:
            continue
        before = sensed_of(row)
        is_silent = row.silent_at is not None and row.silent_at <= unit.machine_now
        after = before.lost(unit.now) if is_silent else before.settled(unit.now)
        _write(unit, sensor, row, before, after, heard=False)
        if is_silent and unit.one(store.COLLECTOR_ONLINE, of_collector=sensor.collector) is not None:
            _alarm(unit, sensor, SILENT, stands=True, last_at=int(row.heard_at))
    return len(due)


def sensors_due(reader: Reader) -> bool:
    """Tell whether there is something for ``sweep_sensors``."""
    return bool(reader.all(store.DUE, now=reader.now, machine_now=reader.machine_now))


def sensor_model(reader: Reader, *, collector: Id, name: str) -> SensorModel | None:
    """Return which bytes a sensor of a collector sends, None for one that nobody knows."""
    return reader.one(store.MODEL_NAMED, of_collector=collector, named=name[:NAME_LENGTH])


@inner
def flag_contradictions(unit: Unit, *, lot: Id, sensors: Sequence[Id]) -> int:
    """Flag exactly these sensors of a lot as saying what cannot be, given the cars inside. Returns how many changed."""
    wanted, flagged = set(sensors), 0
    for row in unit.all(store.STATES_OF_LOT, lot=lot):
        so = row.sensor_id in wanted
        if row.contradicts is so or unit.run(store.CONTRADICTS, of_sensor=row.sensor_id, so=so) != 1:
            continue
        sensor = unit.one(store.SENSOR, of_sensor=row.sensor_id)
        if sensor is not None:
            flagged += 1
            _alarm(unit, sensor, CONTRADICTS, stands=so)
    return flagged


@by_construction
def purge_sensor_reports(unit: Unit) -> int:
    """Forget some reports that are older than a week; call again while it returns ``PURGE_MAX``."""
    old = unit.all(store.OLD_REPORTS, before=lowest_at((unit.machine_now - REPORTS_KEPT_US) // 1_000))
    for one in old:
        unit.run(store.FORGET_REPORT, report=one)
    return len(old)


def sensed_of(row: StateRow) -> Sensed:
    """Return what is known of a sensor."""
    return Sensed(
        row.state, row.since_at, row.changed_at, row.said, row.said_since, tuple(Instant(at) for at in row.changes),
        row.flapping, row.measured_at, row.confidence, row.battery_mv, row.battery_low, row.fault, row.over_line,
    )  # fmt: skip


def silent_after_us(sensor: SensorOf) -> int:
    """Return for how long a sensor may be silent."""
    if sensor.silent_after_s is not None:
        return sensor.silent_after_s * SECOND_US
    return SILENT_AFTER_US[sensor.kind]


def _write(unit: Unit, sensor: SensorOf, row: StateRow | None, before: Sensed, after: Sensed, *, heard: bool) -> bool:
    """Write what is known of a sensor, tell what changed, and keep its alarms; tells whether its space changed."""
    fault = None if after.fault is None else after.fault[:FAULT_LENGTH]
    after = replace(after, fault=fault)
    heard_at = unit.machine_now if heard or row is None else row.heard_at
    silent_at = Instant(unit.machine_now + silent_after_us(sensor)) if heard else None if row is None else row.silent_at
    if silent_at is not None and silent_at <= unit.machine_now:
        silent_at = None  # nothing is known already
    new = StateRow(
        sensor.id, sensor.company, sensor.lot, after.state, after.since, after.changed_at, after.said,
        after.said_since, [int(at) for at in after.changes], after.flapping, after.measured_at, after.confidence,
        after.battery_mv, after.battery_low, after.fault, after.over_line, row.contradicts if row else False, heard_at,
        after.due_at(), silent_at, row.version if row else 1,
    )  # fmt: skip
    if row is None:
        unit.run(store.INSERT_STATE, new)
    else:
        unit.save(store.SAVE_STATE, new, of_sensor=sensor.id, old_version=row.version)
    _alarms(unit, sensor, before, after)
    if heard and row is not None and row.silent_at is None:
        _alarm(unit, sensor, SILENT, stands=False)
    if before.state is after.state:
        return False
    unit.append(
        SpaceStateChanged(
            sensor.space, sensor.space_code, sensor.id, before.state.value, after.state.value, int(after.since),
            after.confidence,
        ),
        company=sensor.company, lot=sensor.lot, key=sensor.space,
    )  # fmt: skip
    return True


def _alarms(unit: Unit, sensor: SensorOf, before: Sensed, after: Sensed) -> None:
    if before.flapping is not after.flapping:
        _alarm(unit, sensor, FLAPPING, stands=after.flapping, changes=len(after.changes))
    if before.battery_low is not after.battery_low:
        _alarm(unit, sensor, BATTERY, stands=after.battery_low, millivolts=after.battery_mv)
    if before.fault != after.fault:
        _alarm(unit, sensor, FAULT, stands=after.fault is not None, fault=after.fault)


def _alarm(unit: Unit, sensor: SensorOf, kind: str, *, stands: bool, **params: str | int | None) -> None:
    if stands:
        told = {"lot": sensor.lot_code, "sensor": sensor.code, "space": sensor.space_code, **params}
        raise_alarm(unit, company=sensor.company, lot=sensor.lot, kind=kind, subject=sensor.id, params=told)
    else:
        end_alarm(unit, company=sensor.company, lot=sensor.lot, kind=kind, subject=sensor.id)
