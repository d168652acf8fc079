"""A lot's rows and its layout, one made of the other: rows know ids, the layout knows codes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_network
from typing import Any, TypeAlias

import msgspec

from openberth.contexts.facility.model import (
    USUAL_INPUTS,
    Area,
    Booth,
    Collector,
    Device,
    Heartbeat,
    Input,
    Lane,
    Lot,
    Pricing,
    Sensor,
    Space,
    TariffRule,
    Thing,
    ThingKind,
)
from openberth.contexts.facility.model.displays import Displays
from openberth.contexts.facility.model.plan import Address, Plan, Position
from openberth.contexts.facility.store import layout as store
from openberth.contexts.facility.store.rules import rules_from_plain, rules_to_plain
from openberth.infra.database import Reader
from openberth.infra.shapes import Shape
from openberth.kernel.ids import Id

Row: TypeAlias = (
    store.AreaRow | store.SpaceRow | store.BoothRow | store.LaneRow | store.DeviceRow | store.CollectorRow
    | store.SensorRow
)  # fmt: skip


_PLAN = Shape(Plan)
_DISPLAYS = Shape(Displays)
_PRICING = Shape(Pricing)
_INPUTS = Shape(tuple[Input, ...])
_TARIFF_RULES = Shape(tuple[TariffRule, ...])


@dataclass(frozen=True, slots=True)
class Ground:
    """All rows of a lot, retired ones too, by kind and code."""

    lot: store.LotRow
    rows: Mapping[ThingKind, Mapping[str, Row]]

    def layout(self, company_code: str) -> Lot:
        """Return what is active as its file would describe it, in the order in which things came."""
        codes = {row.id: code for rows in self.rows.values() for code, row in rows.items()}
        things: dict[ThingKind, list[Any]] = {kind: [] for kind in ThingKind}
        for kind, rows in self.rows.items():
            active = (row for row in rows.values() if row.retired_at is None)
            things[kind] += [thing_of(row, codes) for row in sorted(active, key=_age)]
        row = self.lot
        return Lot(
            code=row.code, company_code=company_code, name_zh=row.name_zh, name_en=row.name_en, zone=row.zone,
            currency=row.currency, capacity=row.capacity, tariff_code=row.tariff_code,
            areas=tuple(things[ThingKind.AREA]), lanes=tuple(things[ThingKind.LANE]),
            devices=tuple(things[ThingKind.DEVICE]), booths=tuple(things[ThingKind.BOOTH]),
            spaces=tuple(things[ThingKind.SPACE]), rules=rules_from_plain(row.rules), simulation=row.simulation,
            pricing=pricing_from(row.pricing), position=position_from(row), address=address_from(row),
            plan=plan_from(row.plan), displays=displays_from(row.displays),
            collectors=tuple(things[ThingKind.COLLECTOR]),
            sensors=tuple(things[ThingKind.SENSOR]),
        )  # fmt: skip


def _age(row: Row) -> int:
    return row.id.int


def ground_of(reader: Reader, row: store.LotRow) -> Ground:
    """Read all rows of a lot."""
    lot = row.id
    rows: dict[ThingKind, Mapping[str, Row]] = {
        ThingKind.AREA: {each.code: each for each in reader.all(store.AREAS, lot=lot)},
        ThingKind.SPACE: {each.code: each for each in reader.all(store.SPACES, lot=lot)},
        ThingKind.BOOTH: {each.code: each for each in reader.all(store.BOOTHS, lot=lot)},
        ThingKind.LANE: {each.code: each for each in reader.all(store.LANES, lot=lot)},
        ThingKind.DEVICE: {each.code: each for each in reader.all(store.DEVICES, lot=lot)},
        ThingKind.COLLECTOR: {each.code: each for each in reader.all(store.COLLECTORS, lot=lot)},
        ThingKind.SENSOR: {each.code: each for each in reader.all(store.SENSORS, lot=lot)},
    }
    return Ground(row, rows)


def plain(value: Any) -> Any:
    """Return a JSON value as it comes back from the database, so that what is stored equals what is wanted."""
    return msgspec.json.decode(msgspec.json.encode(value))


def rules_of(lot: Lot) -> dict[str, Any]:
    """Return a lot's rules as they are stored."""
    return rules_to_plain(lot.rules)


def pricing_of_lot(lot: Lot) -> dict[str, Any] | None:
    """Return what a lot decides about prices as it is stored: nothing where it decides nothing."""
    return None if lot.pricing == Pricing() else asdict(lot.pricing)


def position_from(row: store.LotRow) -> Position | None:
    """Return where a lot is."""
    if row.longitude_e7 is None or row.latitude_e7 is None:
        return None
    return Position(row.longitude_e7, row.latitude_e7)


def address_from(row: store.LotRow) -> Address | None:
    """Return a lot's address."""
    if row.address_zh is None or row.address_en is None:
        return None
    return Address(row.address_zh, row.address_en)


def plan_of_lot(lot: Lot) -> dict[str, Any] | None:
    """Return a lot's drawing as it is stored."""
    return None if lot.plan is None else asdict(lot.plan)


def plan_from(stored: Mapping[str, Any] | None) -> Plan | None:
    """Return what ``plan_of_lot`` stored."""
    return None if stored is None else _PLAN.convert(stored)


def displays_of_lot(lot: Lot) -> dict[str, Any] | None:
    """Return a lot's displays as they are stored: nothing where it has none."""
    return None if lot.displays == Displays() else asdict(lot.displays)


def displays_from(stored: Mapping[str, Any] | None) -> Displays:
    """Return what ``displays_of_lot`` stored."""
    return Displays() if stored is None else _DISPLAYS.convert(stored)


def stored_inputs(inputs: tuple[Input, ...]) -> list[Any] | None:
    """Return what is wired to a camera's inputs as it is stored: nothing where it is the usual."""
    return None if inputs == USUAL_INPUTS else [asdict(each) for each in inputs]


def inputs_from(stored: Sequence[Any] | None) -> tuple[Input, ...]:
    """Return what ``stored_inputs`` stored."""
    return USUAL_INPUTS if stored is None else _INPUTS.convert(stored)


def rules_of_area(area: Area) -> list[Any] | None:
    """Return an area's rules about tariffs as they are stored."""
    return [asdict(rule) for rule in area.tariffs] or None


def pricing_from(stored: Mapping[str, Any] | None) -> Pricing:
    """Return what ``pricing_of_lot`` stored."""
    return Pricing() if stored is None else _PRICING.convert(stored)


def rules_from(stored: Sequence[Any] | None) -> tuple[TariffRule, ...]:
    """Return what ``rules_of_area`` stored."""
    return () if stored is None else _TARIFF_RULES.convert(stored)


def thing_of(row: Row, codes: Mapping[Id, str]) -> Thing:
    """Return what a row describes; ``codes`` names what it refers to."""
    match row:
        case store.AreaRow():
            inside = codes[row.inside_id] if row.inside_id else None
            rules = rules_from(row.tariffs)
            return Area(row.code, row.name_zh, row.name_en, row.capacity, inside, row.tariff_code, rules)
        case store.SpaceRow():
            return Space(row.code, codes[row.area_id])
        case store.BoothRow():
            return Booth(row.code, row.name_zh, row.name_en)
        case store.LaneRow():
            ends = [codes[end] if end else None for end in (row.from_area_id, row.to_area_id, row.booth_id)]
            return Lane(row.code, row.name_zh, row.name_en, row.kind, *ends)
        case store.DeviceRow():
            networks = tuple(ip_network(text) for text in row.networks)
            heartbeat = Heartbeat(row.heartbeat) if row.heartbeat else None
            inputs = inputs_from(row.inputs)
            return Device(
                row.code, row.kind, codes[row.lane_id], networks, row.serial, heartbeat, row.endpoint, row.gate, inputs
            )
        case store.CollectorRow():
            networks = tuple(ip_network(text) for text in row.networks)
            return Collector(row.code, row.kind, networks, row.serial, row.silent_after_s)
        case store.SensorRow():
            return Sensor(row.code, codes[row.collector_id], row.name, codes[row.space_id], row.model)
