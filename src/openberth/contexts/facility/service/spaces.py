"""Spaces as they are now, by what looks at them; and the sensors with everything known of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from openberth.contexts.facility.model import AreaSensed, DeviceKind, Sensed, SpaceState
from openberth.contexts.facility.service.sensing import sensed_of
from openberth.contexts.facility.store import layout
from openberth.contexts.facility.store import sensors as store
from openberth.contexts.facility.store.sensors import CollectorHeard, SensorListed, SensorReport
from openberth.infra.database import Reader
from openberth.infra.database.batches import in_batches
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

__all__ = ["CollectorNow", "SensorNow", "SensorReport", "collectors_of", "loops_of", "sensed_areas", "sensors_of"]


@dataclass(frozen=True, slots=True)
class SensorNow:
    """A sensor and what is known of its space; ``heard_at`` is machine time, None before the first report."""

    sensor: SensorListed
    known: Sensed
    heard_at: Instant | None
    contradicts: bool

    @property
    def flags(self) -> tuple[str, ...]:
        """Return why it should not be believed."""
        return ("flapping",) * self.known.flapping + ("contradicts",) * self.contradicts


class SensorTrouble(StrEnum):
    """Why somebody has to look at a sensor; ``ANY`` of the others."""

    ANY = "any"
    FLAPPING = "flapping"
    CONTRADICTS = "contradicts"
    FAULT = "fault"
    BATTERY = "battery"
    UNHEARD = "unheard"  # nothing is known of its space


@dataclass(frozen=True, slots=True)
class SensorFilter:
    """Which sensors are asked for; None: whichever. ``find`` is a part of the code of a space or a sensor."""

    state: SpaceState | None = None
    trouble: SensorTrouble | None = None
    collector: str | None = None
    find: str | None = None

    def takes(self, each: SensorNow) -> bool:
        """Tell whether a sensor is asked for."""
        words = None if self.find is None else self.find.strip().casefold()
        return (
            self.state in (None, each.known.state)
            and self.collector in (None, each.sensor.collector_code)
            and (self.trouble is None or self._is_wrong(each))
            and (not words or any(words in code.casefold() for code in (each.sensor.space_code, each.sensor.code)))
        )

    def _is_wrong(self, each: SensorNow) -> bool:
        wrong = {
            SensorTrouble.FLAPPING: each.known.flapping,
            SensorTrouble.CONTRADICTS: each.contradicts,
            SensorTrouble.FAULT: each.known.fault is not None,
            SensorTrouble.BATTERY: each.known.battery_low,
            SensorTrouble.UNHEARD: each.known.state is SpaceState.UNKNOWN,
        }
        return any(wrong.values()) if self.trouble in (None, SensorTrouble.ANY) else wrong[self.trouble]


@dataclass(frozen=True, slots=True)
class CollectorNow:
    """A collector of a lot; ``heard`` is None before the first time."""

    id: Id
    code: str
    kind: DeviceKind
    serial: str | None
    networks: tuple[str, ...]
    has_credentials: bool
    sensors: int
    heard: CollectorHeard | None


def sensors_of(reader: Reader, *, lot: Id) -> list[SensorNow]:
    """Return the sensors of a lot by the codes of their spaces."""
    states = {row.sensor_id: row for row in reader.all(store.STATES_OF_LOT, lot=lot)}
    found = []
    for sensor in sorted(reader.all(store.SENSORS_OF_LOT, lot=lot), key=lambda each: each.space_code):
        row = states.get(sensor.id)
        if row is None:
            found.append(SensorNow(sensor, Sensed(), None, contradicts=False))
        else:
            found.append(SensorNow(sensor, sensed_of(row), row.heard_at, row.contradicts))
    return found


def sensor_named(reader: Reader, *, lot: Id, code: str) -> SensorNow:
    """Return a sensor by its code. Raises ``NotFound("sensor.not_found")``."""
    for each in sensors_of(reader, lot=lot):
        if each.sensor.code == code:
            return each
    raise NotFound("sensor.not_found", sensor=code)


def reports_of(reader: Reader, *, sensor: Id, before: Id, limit: int) -> list[SensorReport]:
    """Return what a sensor said, as it came, newest first."""
    return reader.all(store.REPORTS, of_sensor=sensor, before=before, limit=min(limit, store.REPORTS_MAX))


def collectors_of(reader: Reader, *, lot: Id) -> list[CollectorNow]:
    """Return the collectors of a lot by code."""
    heard = {each.collector: each for each in reader.all(store.HEARD_OF_LOT, lot=lot)}
    counts: dict[Id, int] = {}
    for each in reader.all(store.SENSORS_OF_LOT, lot=lot):
        counts[each.collector] = counts.get(each.collector, 0) + 1
    rows = sorted(reader.all(layout.COLLECTORS, lot=lot), key=lambda row: row.code)
    return [
        CollectorNow(
            row.id, row.code, row.kind, row.serial, tuple(row.networks), row.secret_id is not None,
            counts.get(row.id, 0), heard.get(row.id),
        )
        for row in rows if row.retired_at is None
    ]  # fmt: skip


def sensed_areas(reader: Reader, *, lots: Iterable[Id]) -> Mapping[Id, AreaSensed]:
    """Return what sensors say of the areas of lots; areas without sensors are left out."""
    wanted = list(lots)
    states: dict[Id, dict[SpaceState, int]] = {}
    for area, state, count in in_batches(reader, store.STATES_BY_AREA, wanted):
        states.setdefault(area, {})[state] = count
    found = {}
    for area, count in in_batches(reader, store.SENSORS_BY_AREA, wanted):
        of = states.get(area, {})
        occupied, free = of.get(SpaceState.OCCUPIED, 0), of.get(SpaceState.FREE, 0)
        found[area] = AreaSensed(area, occupied, free, count - occupied - free)
    return found


def loops_of(reader: Reader, *, lots: Iterable[Id]) -> Mapping[Id, int]:
    """Return how many cars the loops at the ways into areas make it; areas without loops are left out."""
    return dict(in_batches(reader, store.LOOPS_OF_LOTS, lots))


def lots_with_sensors(reader: Reader) -> list[Id]:
    """Return the lots that have sensors."""
    return reader.all(store.LOTS_WITH_SENSORS)
