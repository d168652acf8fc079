"""Operator routes of cars whose whereabouts are not known, and of lanes that let everybody through for a while."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.stays.api.building import stay_detail_view
from openberth.contexts.stays.api.views import StayDetailView
from openberth.contexts.stays.model.entities import NeutralReset
from openberth.contexts.stays.service.convoys import MINUTES_MAX, begin_convoy, end_convoy
from openberth.contexts.stays.service.queries import stay_detail
from openberth.contexts.stays.service.whereabouts import RIGHTS, reopen, reset_passback, soft_close
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.answers import View, When, instant
from openberth.infra.http.asks import Code, Form, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.plates import read_plate
from openberth.infra.http.problems import language_of_scope
from openberth.infra.http.spending import COMMANDS
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id
from openberth.kernel.plates import MAX_INPUT

LotPath = Annotated[str, Path(max_length=40, description="code or id of a lot")]
LanePath = Annotated[str, Path(max_length=40, description="code of a lane")]
StayPath = Annotated[Id, Path()]


class WhereaboutsForm(Form):
    """Why a stay is ended or goes on."""

    reason: Words


class ResetForm(Form):
    """Whose whereabouts are not known, and why: one plate, or cars by what their permit makes of them (none: all)."""

    plate: str | None = Field(None, min_length=1, max_length=MAX_INPUT)
    rights: list[Code] = Field(
        default=[], max_length=len(RIGHTS), description=f"of {', '.join(f'`{each}`' for each in RIGHTS)}"
    )
    reason: Words


class ResetView(View):
    """A reset: what is seen of those cars next may be either end of a stay, once."""

    id: Id
    at: When
    rights: list[str]
    one_plate: bool
    by: str
    reason: str


class ConvoyForm(Form):
    """For how long a lane lets everybody through, and why."""

    minutes: int = Field(ge=1, le=MINUTES_MAX, strict=True)
    reason: Words


class ConvoyView(View):
    """Until when a lane lets everybody through (machine time); null when it decides about every car."""

    lane: str
    until: When | None


class WhereaboutsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["history"])
        add = self.router.add_api_route
        add("/stays/{stay}/soft-close", self.soft_close, methods=["POST"], response_model=StayDetailView)
        add("/stays/{stay}/reopen", self.reopen, methods=["POST"], response_model=StayDetailView)
        add("/lots/{lot}/passback-resets", self.reset, methods=["POST"], status_code=201, response_model=ResetView)
        add("/lots/{lot}/lanes/{lane}/convoy", self.convoy, methods=["POST"], response_model=ConvoyView)
        add("/lots/{lot}/lanes/{lane}/convoy/end", self.end, methods=["POST"], response_model=ConvoyView)

    async def soft_close(
        self, stay: StayPath, form: WhereaboutsForm, request: Request,
        by: Annotated[Caller, Depends(may("occupancy.write"))], key: Key,
    ) -> Response:  # fmt: skip
        """End a stay whose car nobody saw leave: nothing is owed, the count is corrected, and it goes on by itself when
        the car is seen at an exit after all.
        """
        return await self._about(stay, partial(soft_close, stay=stay, reason=form.reason), request, by, key)

    async def reopen(
        self, stay: StayPath, form: WhereaboutsForm, request: Request,
        by: Annotated[Caller, Depends(may("occupancy.write"))], key: Key,
    ) -> Response:  # fmt: skip
        """Let a stay go on that was ended though its car is inside; what was paid stays paid."""
        return await self._about(stay, partial(reopen, stay=stay, reason=form.reason), request, by, key)

    async def _about(
        self, stay: Id, deed: Callable[[Unit], object], request: Request, by: Caller, key: Key
    ) -> Response:  # fmt: skip
        """Do something about a stay once, and answer with what it is afterwards."""
        language = language_of_scope(request.scope)

        def effect(unit: Unit) -> StayDetailView:
            deed(unit)
            return _stay(unit, stay, language)

        return answered(await self._database.write(once(key, effect), by=by))

    async def reset(
        self, lot: LotPath, form: ResetForm, request: Request,
        by: Annotated[Caller, Depends(may("occupancy.write"))], key: Key,
    ) -> Response:  # fmt: skip
        """Take it that nobody knows where cars are, after a barrier stood open: each may come in or leave once."""
        plate = None if form.plate is None else read_plate(form.plate, language_of_scope(request.scope))

        def effect(unit: Unit) -> ResetView:
            found = facility.lot_named(unit, name=lot)
            return _reset_view(
                reset_passback(unit, lot=found.id, reason=form.reason, plate=plate, rights=form.rights)
            )  # fmt: skip

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def convoy(
        self, lot: LotPath, lane: LanePath, form: ConvoyForm,
        by: Annotated[Caller, Depends(may("lane.open", fresh=True, rate=COMMANDS))], key: Key,
    ) -> Response:  # fmt: skip
        """Let everybody through at a lane for a while; every car is recorded, what it owes becomes a debt."""

        def effect(unit: Unit) -> ConvoyView:
            found = facility.lot_named(unit, name=lot)
            where = facility.lane_by_code(unit, lot=found.id, code=lane)
            until = begin_convoy(unit, lot=found.id, lane=where.id, minutes=form.minutes, reason=form.reason)
            return ConvoyView(lane=where.code, until=instant(until))

        return answered(await self._database.write(once(key, effect), by=by, urgency=Urgency.LANE))

    async def end(
        self, lot: LotPath, lane: LanePath,
        by: Annotated[Caller, Depends(may("lane.open", fresh=True, rate=COMMANDS))], key: Key,
    ) -> Response:  # fmt: skip
        """Have a lane decide about every car again."""

        def effect(unit: Unit) -> ConvoyView:
            found = facility.lot_named(unit, name=lot)
            where = facility.lane_by_code(unit, lot=found.id, code=lane)
            end_convoy(unit, lot=found.id, lane=where.id)
            return ConvoyView(lane=where.code, until=None)

        return answered(await self._database.write(once(key, effect), by=by, urgency=Urgency.LANE))


def _stay(reader: Reader, stay: Id, language: Language) -> StayDetailView:
    found = stay_detail(reader, stay=stay)
    lot = facility.lot_by_id(reader, lot=found.row.stay.lot_id)
    return stay_detail_view(found, lot, facility.codes_of(reader, lot=lot.id), language)


def _reset_view(reset: NeutralReset) -> ResetView:
    return ResetView(
        id=reset.id, at=instant(reset.at), rights=list(reset.rights), one_plate=reset.plate_id is not None,
        by=reset.reset_by, reason=reset.reason,
    )  # fmt: skip
