"""Operator route of the cars of a lot's areas, added up in every way that there is."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from openberth.contexts import facility
from openberth.contexts.stays.service.comparing import AreaFound, checks_of
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import NameView, View, When, instant, instant_or_none
from openberth.infra.http.auth import may
from openberth.kernel.authority import Caller

LotPath = Annotated[str, Path(max_length=40, description="code or id of a lot")]


class AreaCheckView(View):
    """The cars of an area as its lanes count them, by open stays, by sensors and by loops; null: nothing counts so.

    ``apart`` is by how many cars they contradict one another; ``differs_since`` since when by more than the band.
    """

    area: str
    name: NameView
    checked_at: When | None
    counted: int | None
    stays: int | None
    sensed_occupied: int | None
    sensed_free: int | None
    sensed_unknown: int | None
    loops: int | None
    apart: int | None
    differs_since: When | None
    alarm: bool


class OccupancyCheckView(View):
    """What was found the last time that the cars of a lot were added up; they are every two minutes."""

    lot: str
    band: int = Field(description="cars by which the numbers may differ")
    band_s: int = Field(description="after differing by more for so long, an alarm tells of it")
    areas: list[AreaCheckView]


class OccupancyCheckApi:
    """Serves the route."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["lots"])
        self.router.add_api_route("/lots/{lot}/occupancy/check", self.check, methods=["GET"])

    async def check(self, lot: LotPath, by: Annotated[Caller, Depends(may("lot.read"))]) -> OccupancyCheckView:
        """Return how the cars of a lot add up."""
        return await self._database.read(partial(_check, name=lot), by=by)


def _check(reader: Reader, name: str) -> OccupancyCheckView:
    lot = facility.lot_named(reader, name=name)
    rules = facility.lot_detail(reader, lot=lot.id).rules
    areas = [_view(each) for each in checks_of(reader, lot=lot.id)]
    return OccupancyCheckView(lot=lot.code, band=rules.occupancy_band, band_s=rules.occupancy_band_s, areas=areas)


def _view(found: AreaFound) -> AreaCheckView:
    check = found.check
    name = NameView(zh=found.name_zh, en=found.name_en)
    if check is None:
        return AreaCheckView(
            area=found.code, name=name, checked_at=None, counted=None, stays=None, sensed_occupied=None,
            sensed_free=None, sensed_unknown=None, loops=None, apart=None, differs_since=None, alarm=False,
        )  # fmt: skip
    return AreaCheckView(
        area=found.code, name=name, checked_at=instant(check.checked_at), counted=check.counted, stays=check.stays,
        sensed_occupied=check.sensed_occupied, sensed_free=check.sensed_free, sensed_unknown=check.sensed_unknown,
        loops=check.loops, apart=check.apart, differs_since=instant_or_none(check.differs_since), alarm=found.is_told,
    )  # fmt: skip
