"""The drawing of a lot, as its file says or laid out by itself."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from openberth.contexts.facility.model import LaneKind, Lot, SpaceState
from openberth.contexts.facility.model.plan import Plan, Point, laid_out
from openberth.contexts.facility.service.lots import layout_of
from openberth.contexts.facility.service.naming import lot_named
from openberth.contexts.facility.service.spaces import sensors_of
from openberth.infra.database import Database, Reader
from openberth.infra.database import log as event_log
from openberth.infra.http.answers import View
from openberth.infra.http.auth import may
from openberth.kernel.authority import Caller

LotPath = Annotated[str, Path(max_length=40, description="code or id of a lot")]


class WordsView(View):
    """Words in both languages."""

    zh: str
    en: str


class OutlineView(View):
    """A polygon that an area covers."""

    area: str
    outline: list[Point]


class LaneMarkView(View):
    """Where a lane is; ``heading`` in degrees, clockwise, 0 is to the right."""

    lane: str
    kind: LaneKind
    at: Point
    heading: int


class SpaceView(View):
    """A space with its corners and whether it is taken."""

    code: str
    area: str
    outline: list[Point]
    state: SpaceState
    sensed: bool = Field(description="whether a sensor looks at it")


class LabelView(View):
    """Words on the drawing."""

    at: Point
    text: WordsView


class PlanView(View):
    """The drawing of a lot; x goes to the right, y down. ``drawn`` is false when nobody has drawn it and it was laid
    out by itself: it shows what there is and not where. ``position`` is where in the log the states of its spaces are
    true: the feed goes on from there.
    """

    lot: str
    position: int
    drawn: bool
    unit: Literal["cm"] = "cm"
    width: int
    height: int
    areas: list[OutlineView]
    lanes: list[LaneMarkView]
    spaces: list[SpaceView]
    walls: list[list[Point]]
    labels: list[LabelView]
    undrawn: list[str] = Field(description="spaces of the lot that are not on the drawing")


class PlansApi:
    """Serves the route."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["facility"])
        self.router.add_api_route("/lots/{lot}/plan", self.plan, methods=["GET"])

    async def plan(self, lot: LotPath, by: Annotated[Caller, Depends(may("lot.read"))]) -> PlanView:
        """Return the drawing of a lot with all spaces that are on it; one that nobody has drawn is laid out."""
        position, found, states = await self._database.read(partial(_drawn, name=lot), by=by)
        return await asyncio.to_thread(_plan_view, found, states, position)


def _drawn(reader: Reader, name: str) -> tuple[int, Lot, Mapping[str, SpaceState]]:
    position = event_log.head(reader)  # before everything else: what happens later is told by the feed
    lot = lot_named(reader, name=name).id
    states = {each.sensor.space_code: each.known.state for each in sensors_of(reader, lot=lot)}
    return position, layout_of(reader, lot=lot), states


def _plan_view(lot: Lot, states: Mapping[str, SpaceState], position: int) -> PlanView:
    plan = lot.plan or _laid_out(lot)
    area_of = {space.code: space.area for space in lot.spaces}
    kinds = {lane.code: lane.kind for lane in lot.lanes}
    spaces = [
        SpaceView(
            code=code, area=area_of[code], outline=list(outline), state=states.get(code, SpaceState.UNKNOWN),
            sensed=code in states,
        )
        for row in plan.spaces for code, outline in row.outlines()
    ]  # fmt: skip
    drawn = {space.code for space in spaces}
    return PlanView(
        lot=lot.code, position=position, drawn=lot.plan is not None, width=plan.width, height=plan.height,
        areas=[OutlineView(area=each.area, outline=list(each.outline)) for each in plan.areas],
        lanes=[
            LaneMarkView(lane=each.lane, kind=kinds[each.lane], at=each.at, heading=each.heading) for each in plan.lanes
        ],
        spaces=spaces, walls=[list(wall) for wall in plan.walls],
        labels=[LabelView(at=each.at, text=WordsView(zh=each.zh, en=each.en)) for each in plan.labels],
        undrawn=sorted(code for code in area_of if code not in drawn),
    )  # fmt: skip


def _laid_out(lot: Lot) -> Plan:
    spaces: dict[str, list[str]] = {area.code: [] for area in lot.areas}
    for space in lot.spaces:
        spaces[space.area].append(space.code)
    lanes = [(lane.code, lane.kind is LaneKind.EXIT) for lane in lot.lanes]
    return laid_out([(area, sorted(codes)) for area, codes in spaces.items()], lanes)
