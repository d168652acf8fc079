"""Operator routes of exceptions: what needs a person, and resolving it."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.stays.api.building import case_detail_view, case_view
from openberth.contexts.stays.api.views import CaseDetailView, CaseView
from openberth.contexts.stays.service.cases import CaseAction, resolve
from openberth.contexts.stays.service.queries import case_detail, cases_of_lot
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.asks import Form, LotName, Words
from openberth.infra.http.auth import ask_fresh, may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, page_of
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
        lot: LotName,
        ask: Asked,
        request: Request,
        by: Annotated[Caller, Depends(may("case.read"))],
        state: Annotated[Literal["open", "resolved"], Query()] = "open",
    ) -> Page[CaseView]:
        """Return the exceptions of a lot, newest first."""
        language = language_of_scope(request.scope)
        return await self._database.read(
            partial(_cases, name=lot, open_ones=state == "open", ask=ask, language=language), by=by
        )

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


def _cases(reader: Reader, name: str, open_ones: bool, ask: Ask, language: Language) -> Page[CaseView]:
    lot = facility.lot_named(reader, name=name)
    codes = facility.codes_of(reader, lot=lot.id)
    rows = cases_of_lot(reader, lot=lot.id, open_ones=open_ones, before=ask.before, limit=ask.limit)
    return page_of([case_view(row.case, row.plate, lot, codes, language) for row in rows.items], rows.more_after)


def _case(reader: Reader, case: Id, language: Language) -> CaseDetailView:
    found = case_detail(reader, case=case)
    lot = facility.lot_by_id(reader, lot=found.case.lot_id)
    return case_detail_view(found, lot, facility.codes_of(reader, lot=lot.id), language)
