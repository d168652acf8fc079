"""Operator routes of stays and passages, and of correcting the plate of a car inside."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.facility import LaneKind
from openberth.contexts.stays.api.building import passage_view, stay_detail_view, stay_view
from openberth.contexts.stays.api.views import PassageView, StayDetailView, StayView
from openberth.contexts.stays.model.entities import Action, CloseReason, PassageState, Source
from openberth.contexts.stays.service.correcting import correct_plate
from openberth.contexts.stays.service.listing import (
    PassagesAsked,
    StaysAsked,
    lanes_named,
    listed_passages,
    listed_stays,
    plate_named,
)
from openberth.contexts.stays.service.queries import passage_detail, stay_detail
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.asks import Code, Form, LotNames, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import AskedList, AskForList, ListPage
from openberth.infra.http.plates import read_plate
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id
from openberth.kernel.plates import MAX_INPUT

PLATE_MAX = max(64, MAX_INPUT)  # a plate, or a pass

Kind = Annotated[Code | None, Query(description="the kind of a plate, e.g. `new_energy_small`")]
LaneCode = Annotated[Code | None, Query(description="code of a lane; lots without one of it are left out")]
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
        ask: AskedList,
        by: Annotated[Caller, Depends(may("stay.read"))],
        lots: LotNames = None,
        state: Annotated[Literal["open", "closed"] | None, Query()] = None,
        moment: Annotated[
            Literal["entered", "left"],
            Query(alias="by", description="what orders them; `left` are those that have ended"),
        ] = "entered",
        plate: PlateText | None = None,
        plate_kind: Kind = None,
        right: Annotated[
            Code | None, Query(description="the kind of a permit that a part was under; `casual`: under none")
        ] = None,
        permit: Annotated[Id | None, Query(description="id of a permit that a part was under")] = None,
        reason: Annotated[CloseReason | None, Query(description="why it ended")] = None,
    ) -> ListPage[StayView]:
        """Return stays of lots by when the car came in, or left: the newest first, or the oldest (`state=open`: who
        stands longest).
        """
        only = StaysAsked(
            open_ones=None if state is None else state == "open", by_exit=moment == "left", plate_kind=plate_kind,
            right=right, permit=permit, reason=reason,
        )  # fmt: skip
        return await self._database.read(partial(_stays, names=lots, plate=plate, only=only, ask=ask), by=by)

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
        ask: AskedList,
        request: Request,
        by: Annotated[Caller, Depends(may("passage.read"))],
        lots: LotNames = None,
        lane: LaneCode = None,
        plate: PlateText | None = None,
        plate_kind: Kind = None,
        direction: Annotated[LaneKind | None, Query()] = None,
        action: Annotated[Action | None, Query(description="what was decided")] = None,
        state: Annotated[PassageState | None, Query(description="what came of it")] = None,
        source: Annotated[Source | None, Query()] = None,
        reason: Annotated[Code | None, Query(description="the rule that decided, e.g. `entry.casual`")] = None,
    ) -> ListPage[PassageView]:
        """Return passages of lots by when they were captured, the newest or the oldest first."""
        only = PassagesAsked(
            plate_kind=plate_kind, direction=direction, action=action, state=state, source=source,
            reason=reason,
        )  # fmt: skip
        language = language_of_scope(request.scope)
        ready = partial(_passages, names=lots, lane=lane, plate=plate, only=only, ask=ask, language=language)
        return await self._database.read(ready, by=by)

    async def passage(
        self, passage: Annotated[Id, Path()], request: Request, by: Annotated[Caller, Depends(may("passage.read"))]
    ) -> PassageView:
        """Return a passage with its decision."""
        language = language_of_scope(request.scope)
        return await self._database.read(partial(_passage, passage=passage, language=language), by=by)


def _stays(
    reader: Reader, names: list[str] | None, plate: str | None, only: StaysAsked, ask: AskForList
) -> ListPage[StayView]:
    lots = facility.lots_named(reader, names=names)
    only = only if plate is None else replace(only, plate=plate_named(reader, text=plate))
    found = listed_stays(reader, lots=lots, ask=ask.ask, only=only)
    return ask.page([stay_view(row, lots[row.stay.lot_id]) for row in found.items], found)


def _stay(reader: Reader, stay: Id, language: Language) -> StayDetailView:
    found = stay_detail(reader, stay=stay)
    lot = facility.lot_by_id(reader, lot=found.row.stay.lot_id)
    return stay_detail_view(found, lot, facility.codes_of(reader, lot=lot.id), language)


def _passages(
    reader: Reader, names: list[str] | None, lane: str | None, plate: str | None, only: PassagesAsked,
    ask: AskForList, language: Language,
) -> ListPage[PassageView]:  # fmt: skip
    lots = facility.lots_named(reader, names=names)
    only = only if plate is None else replace(only, plate=plate_named(reader, text=plate))
    found = listed_passages(reader, lanes=lanes_named(reader, lots, lane), ask=ask.ask, only=only)
    codes = {lot: facility.codes_of(reader, lot=lot) for lot in {row.passage.lot_id for row in found.items}}
    views = [
        passage_view(row, lots[row.passage.lot_id], codes[row.passage.lot_id], language) for row in found.items
    ]  # fmt: skip
    return ask.page(views, found)


def _passage(reader: Reader, passage: Id, language: Language) -> PassageView:
    found = passage_detail(reader, passage=passage)
    lot = facility.lot_by_id(reader, lot=found.passage.lot_id)
    return passage_view(found, lot, facility.codes_of(reader, lot=lot.id), language)
