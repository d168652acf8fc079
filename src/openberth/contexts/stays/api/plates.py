"""Routes that show a whole plate: once, for a reason, written down; never remembered, so asking again counts again."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from openberth.contexts.stays.service.unmasking import unmask_passage, unmask_stay
from openberth.contexts.tenancy.api import UnmaskPlateForm, WholePlateView
from openberth.infra.database import Database, Unit
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import answered, once
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

ByUnmasking = Annotated[Caller, Depends(may("plate.unmask"))]


class PlatesApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["plates"])
        add = self.router.add_api_route
        add("/stays/{stay}/unmask", self.stay, methods=["POST"], response_model=WholePlateView)
        add("/passages/{passage}/unmask", self.passage, methods=["POST"], response_model=WholePlateView)

    async def stay(self, stay: Annotated[Id, Path()], form: UnmaskPlateForm, by: ByUnmasking) -> Response:
        """Show the whole plate of a stay."""

        def effect(unit: Unit) -> WholePlateView:
            return WholePlateView(plate=unmask_stay(unit, stay=stay, reason=form.reason))

        return answered(await self._database.write(once(None, effect), by=by))

    async def passage(self, passage: Annotated[Id, Path()], form: UnmaskPlateForm, by: ByUnmasking) -> Response:
        """Show the whole plate that was read at a passage."""

        def effect(unit: Unit) -> WholePlateView:
            return WholePlateView(plate=unmask_passage(unit, passage=passage, reason=form.reason))

        return answered(await self._database.write(once(None, effect), by=by))
