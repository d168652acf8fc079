"""Operator routes of displays: what stands on a lane's display now, and words of a person on it."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.facility import LaneDisplay
from openberth.contexts.facility.model.displays import Maker, Moment, Tone
from openberth.contexts.stays.api.places import LanePath, LotPath
from openberth.contexts.stays.service.showing import standing_text
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.answers import View, When, instant_or_none
from openberth.infra.http.asks import Form, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.spending import COMMANDS
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


class DisplayForm(Form):
    """Words for a lane's display; null takes away what a person put there. ``aloud``: they are said, too."""

    text: Words | None
    seconds: int = Field(
        default=60, ge=facility.SHOWN_S_MIN, le=facility.SHOWN_S_MAX, strict=True, description="machine time"
    )
    aloud: bool = Field(default=False, strict=True)


class DisplayView(View):
    """What stands on a lane's display; plates are masked. ``maker`` is null where nothing hangs.

    ``moment`` is null for words of a person, ``by`` who put them there; ``until`` is when something else will stand
    there by itself (machine time), null while nothing is known to end it. ``code``: it shows a code to scan.
    """

    lane: Id
    maker: Maker | None
    device: Id | None
    lines: list[str]
    columns: int | None
    rows: int | None
    moment: Moment | None
    tone: Tone | None
    code: bool
    by: str | None
    until: When | None


class DisplaysApi:
    """Serves the routes. ``base`` is where drivers reach this service."""

    def __init__(self, database: Database, *, base: str) -> None:
        self._database = database
        self._base = base
        self.router = APIRouter(prefix="/v1", tags=["lots"])
        add = self.router.add_api_route
        add("/lots/{lot}/lanes/{lane}/display", self.display, methods=["GET"])
        add("/lots/{lot}/lanes/{lane}/display", self.show, methods=["POST"], response_model=DisplayView)

    async def display(
        self, lot: LotPath, lane: LanePath, by: Annotated[Caller, Depends(may("passage.read"))]
    ) -> DisplayView:
        """Return what ought to stand on a lane's display now."""
        return await self._database.read(partial(_display, lot=lot, lane=lane, base=self._base), by=by)

    async def show(
        self, lot: LotPath, lane: LanePath, form: DisplayForm,
        by: Annotated[Caller, Depends(may("lane.display", rate=COMMANDS))], key: Key,
    ) -> Response:  # fmt: skip
        """Put words on a lane's display for a while; a car that comes takes their place."""

        def effect(unit: Unit) -> DisplayView:
            found = facility.lot_named(unit, name=lot)
            where = facility.lane_by_code(unit, lot=found.id, code=lane)
            facility.show_text(
                unit, lot=found.id, lane=where.id, text=form.text, seconds=form.seconds, aloud=form.aloud
            )  # fmt: skip
            return _view(unit, found.id, where.id, self._base)

        return answered(await self._database.write(once(key, effect), by=by, urgency=Urgency.LANE))


def _display(reader: Reader, lot: str, lane: str, base: str) -> DisplayView:
    found = facility.lot_named(reader, name=lot)
    return _view(reader, found.id, facility.lane_by_code(reader, lot=found.id, code=lane).id, base)


def _view(reader: Reader, lot: Id, lane: Id, base: str) -> DisplayView:
    display: LaneDisplay | None = facility.lane_display(reader, lot=lot, lane=lane)
    if display is None or display.screen is None:
        return DisplayView(
            lane=lane, maker=None, device=None, lines=[], columns=None, rows=None, moment=None, tone=None, code=False,
            by=None, until=None,
        )  # fmt: skip
    screen = display.screen
    found = standing_text(reader, display=display, screen=screen, base=base, masked=True)
    until: Instant | None = found.until
    return DisplayView(
        lane=lane, maker=screen.maker, device=display.device, lines=list(found.shown.lines), columns=screen.columns,
        rows=screen.lines, moment=found.shown.moment, tone=found.shown.tone, code=found.shown.code is not None,
        by=found.by, until=instant_or_none(until),
    )  # fmt: skip
