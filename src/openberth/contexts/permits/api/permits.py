"""Operator routes of permits: applying a list, looking at it."""

import asyncio
from functools import partial
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.permits.document import read_permits
from openberth.contexts.permits.model import ListedPermit, PermitKind
from openberth.contexts.permits.reactions import apply_list
from openberth.contexts.permits.service.granting import permits_of_lot, set_holder, unmask
from openberth.contexts.tenancy.api import UnmaskPlateForm, WholePlateView
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import MaskedPlate, View, When, instant, instant_or_none
from openberth.infra.http.asks import Code, Form, Seen, document_body, document_text
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import answered, once
from openberth.infra.http.pages import AskByCode, AskedByCode, Page, last_of, page_of
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id

LotPath = Annotated[str, Path(max_length=40, description="code or id of a lot")]


class PermitsAppliedView(View):
    """How many permits applying a list added, changed and retired."""

    lot: Id
    added: int
    changed: int
    retired: int


class PermitView(View):
    """A permit; the plate is masked, null when the person was erased. It holds from ``valid_from`` to ``valid_until``,
    half-open. ``holder`` is the person whose permit it is, null when nobody said so;
    pass ``version`` on when another one is said.
    """

    id: Id
    code: str
    plate: MaskedPlate | None
    kind: PermitKind
    valid_from: When
    valid_until: When | None
    holder: Id | None
    version: int


class HolderForm(Form):
    """Who holds a permit; null for nobody."""

    person: Id | None


class PermitsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["permits"])
        add = self.router.add_api_route
        add("/lots/{lot}/permits", self.apply, methods=["PUT"], openapi_extra=document_body("a permit list"))
        add("/lots/{lot}/permits", self.permits, methods=["GET"])
        add("/lots/{lot}/permits/{code}/holder", self.hold, methods=["PUT"], status_code=204)
        add("/lots/{lot}/permits/{code}/unmask", self.unmask, methods=["POST"], response_model=WholePlateView)

    async def apply(
        self, lot: LotPath, request: Request, by: Annotated[Caller, Depends(may("permit.write"))]
    ) -> PermitsAppliedView:
        """Make a list the lot's permits; the same list again changes nothing."""
        found = await self._database.read(partial(facility.lot_named, name=lot), by=by)
        text = await document_text(request)
        # A long list takes the parser a second: not on the loop.
        code, permits = await asyncio.to_thread(read_permits, text, zone=ZoneInfo(found.zone), name=found.code)
        if code != found.code:
            raise Refused("lot.code_differs", found=code, expected=found.code)
        done = await apply_list(self._database, company=found.company, lot=found.id, permits=permits, by=by)
        return PermitsAppliedView(
            lot=found.id, added=len(done.added), changed=len(done.changed), retired=len(done.retired)
        )

    async def permits(
        self, lot: LotPath, ask: AskedByCode, by: Annotated[Caller, Depends(may("permit.read"))]
    ) -> Page[PermitView]:
        """Return the permits of a lot by code."""
        return await self._database.read(partial(_permits, lot=lot, ask=ask), by=by)

    async def hold(
        self,
        lot: LotPath,
        code: Annotated[Code, Path()],
        form: HolderForm,
        by: Annotated[Caller, Depends(may("permit.write"))],
        version: Seen = None,
    ) -> None:
        """Say who holds a permit: its person sees it, and it ends when the person is forgotten."""

        def effect(unit: Unit) -> None:
            found = facility.lot_named(unit, name=lot)
            set_holder(
                unit, company=found.company, lot=found.id, code=code, holder=form.person, expected=version
            )  # fmt: skip

        await self._database.write(effect, by=by)

    async def unmask(
        self,
        lot: LotPath,
        code: Annotated[Code, Path()],
        form: UnmaskPlateForm,
        by: Annotated[Caller, Depends(may("plate.unmask"))],
    ) -> Response:
        """Show the whole plate of a permit: once, for a reason that is written down."""

        def effect(unit: Unit) -> WholePlateView:
            found = facility.lot_named(unit, name=lot)
            return WholePlateView(
                plate=unmask(unit, company=found.company, lot=found.id, code=code, reason=form.reason)
            )

        return answered(await self._database.write(once(None, effect), by=by))


def _permits(reader: Reader, lot: str, ask: AskByCode) -> Page[PermitView]:
    found = facility.lot_named(reader, name=lot)
    rows = permits_of_lot(reader, lot=found.id, after=ask.after, limit=ask.limit)
    return page_of([_view(row) for row in rows], last_of(rows, ask.limit, lambda row: row.code))


def _view(permit: ListedPermit) -> PermitView:
    return PermitView(
        id=permit.id, code=permit.code, plate=permit.plate, kind=permit.kind, valid_from=instant(permit.valid.start),
        valid_until=instant_or_none(permit.valid.end), holder=permit.holder,
        version=permit.version,
    )  # fmt: skip
