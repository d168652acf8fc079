"""Operator routes of space sensors and their collectors."""

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from openberth.contexts.facility.model import DeviceKind, SensorModel, SpaceState
from openberth.contexts.facility.service import spaces as service
from openberth.contexts.facility.service.collectors import issue_collector_credentials
from openberth.contexts.facility.service.naming import lot_named
from openberth.contexts.facility.service.spaces import CollectorNow, SensorFilter, SensorNow, SensorTrouble
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.asks import Code
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import (
    LIMIT_MAX,
    Ask,
    AskByCode,
    Asked,
    Cursor,
    Page,
    asked_page_by_code,
    cursor_of,
    cut,
    last_of,
    page_of,
)
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

LotPath = Annotated[str, Path(max_length=40, description="code or id of a lot")]
CodePath = Annotated[str, Path(max_length=40)]
PUSHED_BELOW = "/devices/"
WHOLE = 1_000_000  # more than any lot has


class SensorView(View):
    """A sensor and its space. ``since`` is business time, ``last_heard`` machine time, null before the first report.

    ``flags`` say why it should not be believed: ``flapping`` (its changes are held), ``contradicts`` (nobody is in its
    area). ``confidence`` is 0 to 100; ``over_line``: a car stands over the line to its neighbour.
    """

    id: Id
    code: str
    collector: str
    kind: DeviceKind
    name: str = Field(description="its id at its collector")
    model: SensorModel | None
    space: str
    area: str
    state: SpaceState
    since: When | None
    confidence: int
    battery_mv: int | None
    battery_low: bool
    fault: str | None
    over_line: bool
    flags: list[str]
    last_heard: When | None


class CollectorView(View):
    """What speaks for sensors. ``last_seen`` is machine time; ``status`` is what it says of itself."""

    id: Id
    code: str
    kind: DeviceKind
    serial: str | None
    addresses: list[str]
    has_credentials: bool
    sensors: int
    online: bool
    last_seen: When | None
    address: str | None
    status: Mapping[str, Any] | None


class SpacesView(View):
    """The sensors of a lot by their spaces, all or a page of them, and their collectors. ``total`` counts those on
    all pages.
    """

    lot: str
    collectors: list[CollectorView]
    sensors: list[SensorView]
    total: int
    next: str | None


class SensorReportView(View):
    """A report as it came, at an instant of machine time."""

    id: Id
    received_at: When
    raw: Mapping[str, Any]


class CollectorCredentialsView(View):
    """A collector's secret, shown once: ``address`` is what it pushes to."""

    collector: str
    kind: DeviceKind
    secret: str
    path: str
    address: str


class SensorsApi:
    """Serves the routes. ``http_base`` is where collectors reach this service."""

    def __init__(self, database: Database, *, http_base: str) -> None:
        self._database = database
        self._http_base = http_base
        self.router = APIRouter(prefix="/v1/lots/{lot}", tags=["facility"])
        add = self.router.add_api_route
        add("/sensors", self.sensors, methods=["GET"])
        add("/sensors/{sensor}/reports", self.reports, methods=["GET"])
        add(
            "/collectors/{collector}/credentials", self.collector_credentials, methods=["POST"],
            response_model=CollectorCredentialsView,
        )  # fmt: skip

    async def sensors(
        self,
        lot: LotPath,
        by: Annotated[Caller, Depends(may("device.read"))],
        state: Annotated[SpaceState | None, Query()] = None,
        trouble: Annotated[SensorTrouble | None, Query(description="only sensors with something wrong")] = None,
        collector: Annotated[Code | None, Query(description="code of a collector")] = None,
        find: Annotated[str | None, Query(max_length=40, description="a part of the space's or sensor's code")] = None,
        cursor: Cursor = None,
        limit: Annotated[int | None, Query(ge=1, le=LIMIT_MAX, description="none: all")] = None,
    ) -> SpacesView:
        """Return what looks at the spaces of a lot, and what it says."""
        ask = await asked_page_by_code(cursor, WHOLE if limit is None else limit)
        wanted = SensorFilter(state, trouble, collector, find)
        return await self._database.read(partial(_sensors, name=lot, wanted=wanted, ask=ask), by=by)

    async def reports(
        self, lot: LotPath, sensor: CodePath, ask: Asked, by: Annotated[Caller, Depends(may("device.read"))]
    ) -> Page[SensorReportView]:
        """Return what a sensor said, as it came, newest first; reports are kept for a week."""
        return await self._database.read(partial(_reports, name=lot, sensor=sensor, ask=ask), by=by)

    async def collector_credentials(
        self, lot: LotPath, collector: CodePath, by: Annotated[Caller, Depends(may("device.credentials"))], key: Key
    ) -> Response:
        """Make a new secret for a collector that pushes; the one before is void at once."""
        secret = secrets.token_hex(32)

        def effect(unit: Unit) -> CollectorCredentialsView:
            found = lot_named(unit, name=lot)
            made = issue_collector_credentials(unit, lot=found.id, collector=collector, secret=secret)
            path = f"{PUSHED_BELOW}{made.kind.wire.pushes}/{secret}"
            return CollectorCredentialsView(
                collector=made.code, kind=made.kind, secret=secret, path=path, address=self._http_base + path
            )

        return answered(await self._database.write(once(key, effect, secret=True), by=by))


def _sensors(reader: Reader, name: str, wanted: SensorFilter, ask: AskByCode) -> SpacesView:
    lot = lot_named(reader, name=name)
    found = [each for each in service.sensors_of(reader, lot=lot.id) if wanted.takes(each)]
    page, more = cut(found, ask, lambda each: each.sensor.space_code)
    return SpacesView(
        lot=lot.code, collectors=[_collector_view(each) for each in service.collectors_of(reader, lot=lot.id)],
        sensors=[_sensor_view(each) for each in page], total=len(found),
        next=None if more is None else cursor_of(more),
    )  # fmt: skip


def _reports(reader: Reader, name: str, sensor: str, ask: Ask) -> Page[SensorReportView]:
    lot = lot_named(reader, name=name)
    found = service.sensor_named(reader, lot=lot.id, code=sensor)
    rows = service.reports_of(reader, sensor=found.sensor.id, before=ask.before, limit=ask.limit)
    views = [SensorReportView(id=row.id, received_at=instant(row.received_at), raw=row.raw) for row in rows]
    return page_of(views, last_of(rows, ask.limit, lambda row: row.id))


def _sensor_view(each: SensorNow) -> SensorView:
    sensor, known = each.sensor, each.known
    return SensorView(
        id=sensor.id, code=sensor.code, collector=sensor.collector_code, kind=sensor.kind, name=sensor.name,
        model=sensor.model, space=sensor.space_code, area=sensor.area_code, state=known.state,
        since=instant(known.since) if known.since else None, confidence=known.confidence, battery_mv=known.battery_mv,
        battery_low=known.battery_low, fault=known.fault, over_line=known.over_line, flags=list(each.flags),
        last_heard=instant_or_none(each.heard_at),
    )  # fmt: skip


def _collector_view(each: CollectorNow) -> CollectorView:
    heard = each.heard
    return CollectorView(
        id=each.id, code=each.code, kind=each.kind, serial=each.serial, addresses=list(each.networks),
        has_credentials=each.has_credentials, sensors=each.sensors, online=heard is not None and heard.online,
        last_seen=None if heard is None else instant(heard.last_seen_at),
        address=None if heard is None else heard.address, status=None if heard is None else heard.state,
    )  # fmt: skip
