"""Operator routes of exceptions: what needs a person, and resolving it."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.stays.api.building import case_detail_view, case_view
from openberth.contexts.stays.api.views import CaseDetailView, CaseView
from openberth.contexts.stays.model.entities import CaseKind
from openberth.contexts.stays.service.cases import CaseAction, resolve
from openberth.contexts.stays.service.listing import lanes_named, listed_cases
from openberth.contexts.stays.service.queries import case_detail
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.asks import Code, Form, LotNames, Words
from openberth.infra.http.auth import ask_fresh, may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import AskedList, AskForList, ListPage
from openberth.infra.http.plates import read_plate
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

PLATE_TEXT_MAX = 40


class ResolveForm(Form):
    """What a person does about a case, and why. ``plate`` goes with ``correct_plate``, ``stay`` with ``match_stay``."""

    action: CaseAction
    reason: Words
    plate: str | None = Field(None, min_length=1, max_length=PLATE_TEXT_MAX)
    stay: Id | None = None


class CasesApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["exceptions"])
        add = self.router.add_api_route
        add("/exceptions", self.cases, methods=["GET"])
        add("/exceptions/{case}", self.case, methods=["GET"])
        add("/exceptions/{case}/resolve", self.resolve, methods=["POST"], response_model=CaseView)

    async def cases(
        self,
        ask: AskedList,
        request: Request,
        by: Annotated[Caller, Depends(may("case.read"))],
        lots: LotNames = None,
        lane: Annotated[Code | None, Query(description="code of a lane; lots without one of it are left out")] = None,
        state: Annotated[Literal["open", "resolved", "any"], Query()] = "open",
        kind: Annotated[CaseKind | None, Query()] = None,
    ) -> ListPage[CaseView]:
        """Return exceptions of lots by when they were raised, the newest or the oldest first."""
        language = language_of_scope(request.scope)
        open_ones = None if state == "any" else state == "open"
        ready = partial(_cases, names=lots, lane=lane, open_ones=open_ones, kind=kind, ask=ask, language=language)
        return await self._database.read(ready, by=by)

    async def case(
        self, case: Annotated[Id, Path()], request: Request, by: Annotated[Caller, Depends(may("case.read"))]
    ) -> CaseDetailView:
        """Return an exception; while it is open, with cars inside whose plates look like the one in question."""
        return await self._database.read(partial(_case, case=case, language=language_of_scope(request.scope)), by=by)

    async def resolve(
        self,
        case: Annotated[Id, Path()],
        form: ResolveForm,
        request: Request,
        by: Annotated[Caller, Depends(may("case.resolve"))],
        key: Key,
    ) -> Response:
        """Resolve an exception: dismiss it, open the lane, correct the plate, or say which stay the car belongs to."""
        if form.action is CaseAction.OPEN:  # a gate by hand, too
            await ask_fresh(request, by, "case.resolve")
        language = language_of_scope(request.scope)
        plate = None if form.plate is None else read_plate(form.plate, language)

        def effect(unit: Unit) -> CaseView:
            after = resolve(unit, case=case, action=form.action, reason=form.reason, plate=plate, stay=form.stay)
            lot = facility.lot_by_id(unit, lot=after.lot_id)
            found = case_detail(unit, case=case)
            return case_view(found.case, found.plate, lot, facility.codes_of(unit, lot=lot.id), language)

        return answered(await self._database.write(once(key, effect), by=by, urgency=Urgency.LANE))


def _cases(
    reader: Reader, names: list[str] | None, lane: str | None, open_ones: bool | None, kind: CaseKind | None,
    ask: AskForList, language: Language,
) -> ListPage[CaseView]:  # fmt: skip
    lots = facility.lots_named(reader, names=names)
    lanes = lanes_named(reader, lots, lane)
    found = listed_cases(reader, lanes=lanes, ask=ask.ask, open_ones=open_ones, kind=kind)
    codes = {lot: facility.codes_of(reader, lot=lot) for lot in {row.case.lot_id for row in found.items}}
    views = [
        case_view(row.case, row.plate, lots[row.case.lot_id], codes[row.case.lot_id], language) for row in found.items
    ]  # fmt: skip
    return ask.page(views, found)


def _case(reader: Reader, case: Id, language: Language) -> CaseDetailView:
    found = case_detail(reader, case=case)
    lot = facility.lot_by_id(reader, lot=found.case.lot_id)
    return case_detail_view(found, lot, facility.codes_of(reader, lot=lot.id), language)
