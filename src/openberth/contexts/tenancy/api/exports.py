"""Routes of exports: asking for all data of a tenant, looking how far it is, and fetching it once."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field, StrictBool
from starlette.responses import Response, StreamingResponse

from openberth.contexts.tenancy.api.places import Lots, node_named
from openberth.contexts.tenancy.model.accounts import Level
from openberth.contexts.tenancy.model.exports import Export, ExportState
from openberth.contexts.tenancy.reactions.exporting import Exporting
from openberth.contexts.tenancy.service import exporting as service
from openberth.infra.database import Database, Unit
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.asks import Code, Form, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id

ExportPath = Annotated[Id, Path(description="id of an export that one asked for")]
Exporter = Annotated[Caller, Depends(may("organisation.export"))]


class ExportForm(Form):
    """Whose data, and why; ``unmasked`` asks for personal values in clear (``person.unmask``)."""

    level: Level
    node: Code
    reason: Words = Field(min_length=1)
    unmasked: StrictBool = False


class ExportView(View):
    """An export that one asked for; it can be fetched once, while it is ``ready``."""

    id: Id
    level: Level
    code: str
    state: ExportState
    unmasked: bool
    lines: int
    asked_at: When
    ended_at: When | None


class ExportsApi:
    """Serves the routes."""

    def __init__(self, database: Database, exporting: Exporting, lots: Lots) -> None:
        self._database = database
        self._exporting = exporting
        self._lots = lots
        self.router = APIRouter(prefix="/v1", tags=["organisation"])
        add = self.router.add_api_route
        add("/exports", self.ask, methods=["POST"], status_code=202, response_model=ExportView)
        add("/exports/{export}", self.export, methods=["GET"])
        add("/exports/{export}/file", self.file, methods=["GET"], response_class=StreamingResponse)

    async def ask(self, form: ExportForm, by: Exporter, key: Key) -> Response:
        """Ask for all data of a company, or of a partner with its companies; it is put together in the background."""
        if form.level not in (Level.COMPANY, Level.PARTNER):
            raise Malformed("export.level")

        def effect(unit: Unit) -> ExportView:
            node = node_named(unit, self._lots, level=form.level, name=form.node)
            return _view(
                service.ask_for_export(
                    unit, node=node, code=form.node, reason=form.reason, unmasked=form.unmasked
                )
            )  # fmt: skip

        return answered(await self._database.write(once(key, effect, status=202), by=by))

    async def export(self, export: ExportPath, by: Exporter) -> ExportView:
        """Return how far an export is."""
        return _view(await self._database.read(partial(service.export, export=export), by=by))

    async def file(self, export: ExportPath, by: Exporter) -> StreamingResponse:
        """Fetch a finished export as one ZIP file, once."""
        found, pieces = await self._exporting.fetch(export=export, by=by)
        name = f"openberth-{found.level.value}-{found.id}.zip"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return StreamingResponse(pieces, media_type="application/zip", headers=headers)


def _view(found: Export) -> ExportView:
    return ExportView(
        id=found.id, level=found.level, code=found.code, state=found.state, unmasked=found.unmasked,
        lines=found.lines, asked_at=instant(found.asked_at), ended_at=instant_or_none(found.ended_at),
    )  # fmt: skip
