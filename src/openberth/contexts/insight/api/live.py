"""Routes of the live page: one snapshot at a position of the log, and then only what changed."""

from collections.abc import Collection
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from openberth.contexts import facility
from openberth.contexts.insight.api.live_views import LiveLanesView, LiveView, live_lanes_view, live_view
from openberth.contexts.insight.service.live import LANES_ASKED_MAX, LOTS_ASKED_MAX, Live, live, live_lanes
from openberth.infra.database import Database, Reader
from openberth.infra.http.auth import may
from openberth.infra.http.problems import BadRequest, language_of_scope
from openberth.kernel.authority import Caller

_NAME_LENGTH = 40

LotAsked = Annotated[str | None, Query(min_length=1, max_length=_NAME_LENGTH, description="code or id of a lot")]
LotsAsked = Annotated[
    str,
    Query(min_length=1, max_length=LOTS_ASKED_MAX * (_NAME_LENGTH + 1), description="codes or ids, commas between"),
]
LanesAsked = Annotated[
    str, Query(min_length=1, max_length=LANES_ASKED_MAX * (_NAME_LENGTH + 1), description="ids, commas between")
]


class LiveApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1/live", tags=["live"])
        add = self.router.add_api_route
        add("", self.live, methods=["GET"])
        add("/lots", self.lots, methods=["GET"])
        add("/lanes", self.lanes, methods=["GET"])

    async def live(
        self, request: Request, by: Annotated[Caller, Depends(may("lot.read"))], lot: LotAsked = None
    ) -> LiveView:
        """Return all lots, or one, as they are at ``position``: the feed goes on from there without a gap."""
        found = await self._database.read(partial(_live, name=lot), by=by)
        return live_view(found, self._database.clocks, language_of_scope(request.scope))

    async def lots(
        self, request: Request, by: Annotated[Caller, Depends(may("lot.read"))], lots: LotsAsked
    ) -> LiveView:
        """Return lots that events told of, without their lanes; what is not there for the caller is left out."""
        wanted = _words(lots, "query.lots", LOTS_ASKED_MAX)
        found = await self._database.read(partial(live, lots=wanted, with_lanes=False), by=by)
        return live_view(found, self._database.clocks, language_of_scope(request.scope))

    async def lanes(
        self, request: Request, by: Annotated[Caller, Depends(may("passage.read"))], lanes: LanesAsked
    ) -> LiveLanesView:
        """Return lanes that events told of; what is not there for the caller is left out."""
        try:
            wanted = [UUID(word) for word in _words(lanes, "query.lanes", LANES_ASKED_MAX)]
        except ValueError:
            raise BadRequest([{"place": "query.lanes", "problem": "uuid_parsing"}]) from None
        found = await self._database.read(partial(live_lanes, lanes=wanted), by=by)
        return live_lanes_view(found, language_of_scope(request.scope))


def _live(reader: Reader, name: str | None) -> Live:
    return live(reader, lots=None if name is None else {str(facility.lot_named(reader, name=name).id)})


def _words(text: str, place: str, most: int) -> Collection[str]:
    words = dict.fromkeys(text.split(","))
    if len(words) > most:
        raise BadRequest([{"place": place, "problem": "too_long"}])
    return words.keys()
