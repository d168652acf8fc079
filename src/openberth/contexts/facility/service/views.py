"""Lots as people and programs look at them: with their occupancy, what stands on them and which devices are heard."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openberth.contexts.facility.model import DeviceKind, LaneKind, LotState, Rules
from openberth.contexts.facility.model.plan import Address, Position
from openberth.contexts.facility.service.ground import address_from, position_from
from openberth.contexts.facility.service.occupancy import occupancy, pricing_of
from openberth.contexts.facility.store import lanes as lane_store
from openberth.contexts.facility.store import layout as store
from openberth.contexts.facility.store.rules import rules_from_plain
from openberth.infra.database import Reader
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


@dataclass(frozen=True, slots=True)
class LotSummary:
    """A lot with the cars believed to be in it. ``free`` is below zero when it is overfull."""

    id: Id
    company: Id
    code: str
    name_zh: str
    name_en: str
    zone: str
    currency: str
    capacity: int
    tariff_code: str
    state: LotState
    scan_code: str
    occupied: int
    position: Position | None = None
    address: Address | None = None

    @property
    def free(self) -> int:
        """Return how many more cars fit, as lanes count them."""
        return self.capacity - self.occupied


@dataclass(frozen=True, slots=True)
class AreaView:
    """An area with its three numbers. ``tariff_code`` is the one that holds there; ``retired`` ones still hold cars."""

    id: Id
    code: str
    name_zh: str
    name_en: str
    inside: str | None
    capacity: int
    count: int
    adjustment: int
    occupied: int
    free: int
    spaces: int
    tariff_code: str
    retired: bool


@dataclass(frozen=True, slots=True)
class LaneView:
    """A lane; areas and booth by their codes. ``convoy_until`` is machine time, None without a convoy."""

    id: Id
    code: str
    name_zh: str
    name_en: str
    kind: LaneKind
    from_area: str | None
    to_area: str | None
    booth: str | None
    scan_code: str
    convoy_until: Instant | None = None


@dataclass(frozen=True, slots=True)
class BoothView:
    """A booth."""

    id: Id
    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device and when it was last heard (machine time); None when it never was."""

    id: Id
    code: str
    kind: DeviceKind
    lane: str
    serial: str | None
    networks: tuple[str, ...]
    heartbeat: str | None
    has_credentials: bool
    online: bool
    last_seen_at: Instant | None
    address: str | None
    clock_offset_us: int | None
    state: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class LotDetail:
    """A lot with everything on it, each list by code. ``simulation`` is what its file says to the simulator."""

    lot: LotSummary
    rules: Rules
    simulation: Mapping[str, Any] | None
    areas: tuple[AreaView, ...]
    lanes: tuple[LaneView, ...]
    booths: tuple[BoothView, ...]
    devices: tuple[DeviceView, ...]


def lots(reader: Reader) -> list[LotSummary]:
    """Return the lots of the caller's scope by code."""
    occupied = dict(reader.all(store.OCCUPIED_BY_LOT))
    return [_summary(row, occupied.get(row.id, 0)) for row in reader.all(store.LOTS)]


def lot_by_id(reader: Reader, *, lot: Id) -> LotSummary:
    """Return a lot. Raises ``NotFound("lot.not_found")``."""
    row = reader.one(store.LOT_BY_ID, lot=lot)
    if row is None:
        raise NotFound("lot.not_found", lot=str(lot))
    return _with_occupancy(reader, row)


def lot_by_code(reader: Reader, *, code: str, company: Id | None = None) -> LotSummary:
    """Return a lot by its code in a company, or in the caller's scope.

    Raises ``NotFound("lot.not_found")``, also for a code that several companies use when none is named.
    """
    if company is None:
        found = reader.all(store.LOTS_BY_CODE, lot_code=code)
    else:
        found = reader.all(store.LOT_BY_CODE, company=company, lot_code=code)
    if len(found) != 1:
        raise NotFound("lot.not_found", lot=code)
    return _with_occupancy(reader, found[0])


def lot_by_scan_code(reader: Reader, *, scan_code: str) -> LotSummary | None:
    """Return the lot whose sign carries a code."""
    row = reader.one(store.LOT_BY_SCAN_CODE, scan_code=scan_code)
    return None if row is None else _with_occupancy(reader, row)


def lot_detail(reader: Reader, *, lot: Id) -> LotDetail:
    """Return a lot with everything on it. Raises ``NotFound("lot.not_found")``."""
    row = reader.one(store.LOT_BY_ID, lot=lot)
    if row is None:
        raise NotFound("lot.not_found", lot=str(lot))
    area_rows = reader.all(store.AREAS, lot=lot)
    lane_rows = reader.all(store.LANES, lot=lot)
    booth_rows = reader.all(store.BOOTHS, lot=lot)
    codes = {each.id: each.code for rows in (area_rows, lane_rows, booth_rows) for each in rows}
    return LotDetail(
        _with_occupancy(reader, row),
        rules_from_plain(row.rules),
        row.simulation,
        _areas(reader, row, area_rows, codes),
        tuple(
            LaneView(
                each.id, each.code, each.name_zh, each.name_en, each.kind, _code(each.from_area_id, codes),
                _code(each.to_area_id, codes), _code(each.booth_id, codes), each.scan_code,
                _still(each.held_open_until, reader.machine_now),
            )
            for each in sorted(lane_rows, key=_by_code) if each.retired_at is None
        ),
        tuple(
            BoothView(each.id, each.code, each.name_zh, each.name_en)
            for each in sorted(booth_rows, key=_by_code) if each.retired_at is None
        ),
        _devices(reader, lot, codes),
    )  # fmt: skip


def _still(until: Instant | None, now: Instant) -> Instant | None:
    return until if until is not None and now < until else None


def _areas(
    reader: Reader, lot: store.LotRow, rows: list[store.AreaRow], codes: Mapping[Id, str]
) -> tuple[AreaView, ...]:
    pricing = pricing_of(reader, lot=lot.id)
    spaces = dict(reader.all(store.SPACES_BY_AREA, lot=lot.id))
    by_id = {row.id: row for row in rows}
    views = []
    for count in occupancy(reader, lot=lot.id):
        row = by_id[count.area]
        views.append(
            AreaView(
                row.id, row.code, row.name_zh, row.name_en, _code(row.inside_id, codes), count.capacity, count.count,
                count.adjustment, count.occupied, count.free, spaces.get(row.id, 0), pricing.tariff_of(row.id),
                row.retired_at is not None,
            )
        )  # fmt: skip
    return tuple(views)


def _devices(reader: Reader, lot: Id, codes: Mapping[Id, str]) -> tuple[DeviceView, ...]:
    heard = dict(reader.all(store.PRESENCE_OF_LOT, lot=lot))
    views = []
    for row in sorted(reader.all(store.DEVICES, lot=lot), key=_by_code):
        if row.retired_at is not None:
            continue
        seen_at, address, online, offset, state = heard.get(row.id, (None, None, False, None, None))
        views.append(
            DeviceView(
                row.id, row.code, row.kind, codes[row.lane_id], row.serial, tuple(row.networks), row.heartbeat,
                row.secret_id is not None, bool(online), seen_at, address, offset, state,
            )
        )  # fmt: skip
    return tuple(views)


def _with_occupancy(reader: Reader, row: store.LotRow) -> LotSummary:
    return _summary(row, reader.all(lane_store.OCCUPIED, lot=row.id)[0])


def _summary(row: store.LotRow, occupied: int) -> LotSummary:
    return LotSummary(
        row.id, row.company_id, row.code, row.name_zh, row.name_en, row.zone, row.currency, row.capacity,
        row.tariff_code, row.state, row.scan_code, occupied, position_from(row), address_from(row),
    )  # fmt: skip


def _code(identifier: Id | None, codes: Mapping[Id, str]) -> str | None:
    return None if identifier is None else codes[identifier]


def _by_code(row: store.AreaRow | store.LaneRow | store.BoothRow | store.DeviceRow) -> str:
    return row.code
