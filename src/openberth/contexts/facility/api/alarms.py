"""Operator route of alarms that are over; those that stand are told by ``/v1/alarms``."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from openberth.contexts.facility.model.troubles import EndedAlarm
from openberth.contexts.facility.service.naming import lot_named
from openberth.contexts.facility.service.troubles import ended_alarms
from openberth.infra.catalogue import Language, text
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import View, When, instant
from openberth.infra.http.asks import LotName
from openberth.infra.http.auth import may
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id


class EndedAlarmView(View):
    """Something that was wrong from ``since`` until ``ended_at`` (business time)."""

    id: Id
    kind: str
    subject: Id
    lot: Id
    since: When
    ended_at: When
    params: Mapping[str, Any]
    text: str


class EndedAlarmsApi:
    """Serves the route."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["facility"])
        self.router.add_api_route("/alarms/ended", self.ended, methods=["GET"])

    async def ended(
        self,
        lot: LotName,
        ask: Asked,
        request: Request,
        by: Annotated[Caller, Depends(may("alarm.read"))],
        about: Annotated[Id | None, Query(description="id of a device, collector, sensor or area")] = None,
    ) -> Page[EndedAlarmView]:
        """Return the alarms of a lot that are over, or those about one thing, the last that ended first."""
        language = language_of_scope(request.scope)
        return await self._database.read(partial(_ended, lot=lot, about=about, ask=ask, language=language), by=by)


def _ended(reader: Reader, lot: str, about: Id | None, ask: Ask, language: Language) -> Page[EndedAlarmView]:
    found = lot_named(reader, name=lot)
    rows = ended_alarms(reader, lot=found.id, before=ask.before, limit=ask.limit, subject=about)
    return page_of([_view(row, language) for row in rows], last_of(rows, ask.limit, lambda row: row.id))


def _view(one: EndedAlarm, language: Language) -> EndedAlarmView:
    return EndedAlarmView(
        id=one.id, kind=one.kind, subject=one.subject, lot=one.lot, since=instant(one.since),
        ended_at=instant(one.ended_at), params=one.params, text=text(one.code, language, **one.params),
    )  # fmt: skip
