"""Operator routes of stays and passages, and of correcting the plate of a car inside."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.stays.api.building import passage_view, stay_detail_view, stay_view
from openberth.contexts.stays.api.views import PassageView, StayDetailView, StayView
from openberth.contexts.stays.service.correcting import correct_plate
from openberth.contexts.stays.service.queries import passage_detail, passages_of_lot, stay_detail, stays_of_lot
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.asks import Code, Form, LotName, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, page_of
from openberth.infra.http.plates import read_plate
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.plates import MAX_INPUT

PLATE_MAX = max(64, MAX_INPUT)  # a plate, or a pass

PlateText = Annotated[str, Query(min_length=1, max_length=PLATE_MAX, description="a whole plate, or a pass")]


class PlateForm(Form):
    """The plate that a car inside really has, and how somebody knows."""

    plate: str = Field(min_length=1, max_length=MAX_INPUT)
    reason: Words


class HistoryApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["history"])
        add = self.router.add_api_route
        add("/stays", self.stays, methods=["GET"])
        add("/stays/{stay}", self.stay, methods=["GET"])
        add("/stays/{stay}/plate", self.correct, methods=["POST"], response_model=StayDetailView)
        add("/passages", self.passages, methods=["GET"])
        add("/passages/{passage}", self.passage, methods=["GET"])

    async def stays(
        self,
        lot: LotName,
        ask: Asked,
        by: Annotated[Caller, Depends(may("stay.read"))],
        state: Annotated[Literal["open", "closed"] | None, Query()] = None,
        plate: PlateText | None = None,
    ) -> Page[StayView]:
        """Return the stays of a lot, newest first."""
        open_ones = None if state is None else state == "open"
        return await self._database.read(partial(_stays, name=lot, open_ones=open_ones, plate=plate, ask=ask), by=by)

    async def stay(
        self, stay: Annotated[Id, Path()], request: Request, by: Annotated[Caller, Depends(may("stay.read"))]
    ) -> StayDetailView:
        """Return a stay with its segments, bills, receipts and passages."""
        return await self._database.read(partial(_stay, stay=stay, language=language_of_scope(request.scope)), by=by)

    async def correct(
        self,
        stay: Annotated[Id, Path()],
        form: PlateForm,
        request: Request,
        by: Annotated[Caller, Depends(may("plate.correct"))],
        key: Key,
    ) -> Response:
        """Correct the plate of a car that is inside; the stay tells both plates, who it was and why."""
        language = language_of_scope(request.scope)
        plate = read_plate(form.plate, language)

        def effect(unit: Unit) -> StayDetailView:
            correct_plate(unit, stay=stay, plate=plate, reason=form.reason)
            return _stay(unit, stay, language)

        return answered(await self._database.write(once(key, effect), by=by, urgency=Urgency.LANE))

    async def passages(
        self,
        lot: LotName,
        ask: Asked,
        request: Request,
        by: Annotated[Caller, Depends(may("passage.read"))],
        lane: Annotated[Code | None, Query(description="code of a lane")] = None,
        plate: PlateText | None = None,
    ) -> Page[PassageView]:
        """Return the passages of a lot, newest first. With a lane, a page may hold fewer than asked and go on."""
        language = language_of_scope(request.scope)
        return await self._database.read(
            partial(_passages, name=lot, lane=lane, plate=plate, ask=ask, language=language), by=by
        )

    async def passage(
        self, passage: Annotated[Id, Path()], request: Request, by: Annotated[Caller, Depends(may("passage.read"))]
    ) -> PassageView:
        """Return a passage with its decision."""
        language = language_of_scope(request.scope)
        return await self._database.read(partial(_passage, passage=passage, language=language), by=by)


def _stays(reader: Reader, name: str, open_ones: bool | None, plate: str | None, ask: Ask) -> Page[StayView]:
    lot = facility.lot_named(reader, name=name)
    rows = stays_of_lot(reader, lot=lot.id, open_ones=open_ones, plate=plate, before=ask.before, limit=ask.limit)
    return page_of([stay_view(row, lot) for row in rows.items], rows.more_after)


def _stay(reader: Reader, stay: Id, language: Language) -> StayDetailView:
    found = stay_detail(reader, stay=stay)
    lot = facility.lot_by_id(reader, lot=found.row.stay.lot_id)
    return stay_detail_view(found, lot, facility.codes_of(reader, lot=lot.id), language)


def _passages(
    reader: Reader, name: str, lane: str | None, plate: str | None, ask: Ask, language: Language
) -> Page[PassageView]:
    lot = facility.lot_named(reader, name=name)
    codes = facility.codes_of(reader, lot=lot.id)
    wanted = None if lane is None else next((each for each, code in codes.lanes.items() if code == lane), None)
    if lane is not None and wanted is None:
        raise NotFound("lane.not_found", lane=lane)
    rows = passages_of_lot(reader, lot=lot.id, lane=wanted, plate=plate, before=ask.before, limit=ask.limit)
    return page_of([passage_view(row, lot, codes, language) for row in rows.items], rows.more_after)


def _passage(reader: Reader, passage: Id, language: Language) -> PassageView:
    found = passage_detail(reader, passage=passage)
    lot = facility.lot_by_id(reader, lot=found.passage.lot_id)
    return passage_view(found, lot, facility.codes_of(reader, lot=lot.id), language)
