"""Operator routes of lot files: applying one, trying one, and the file of what stands."""

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from openberth.contexts import tenancy
from openberth.contexts.facility.document import lot_text, read_lot, tariff_places, version_of
from openberth.contexts.facility.model import Action, Changes, Lot, ThingKind, diff
from openberth.contexts.facility.ports import TariffBook
from openberth.contexts.facility.service.lots import Applied, apply_lot, layout_of, lot_changes
from openberth.contexts.facility.service.naming import lot_named
from openberth.contexts.facility.service.views import lot_by_code
from openberth.infra.catalogue import Language, text
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.documents import DocumentError, Flaw, Mistake, flaw, located
from openberth.infra.http.answers import View
from openberth.infra.http.asks import document_body, document_text
from openberth.infra.http.auth import may
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Denied, NotFound, Refused
from openberth.kernel.ids import Id

_FILE = {"type": "object", "description": "a lot file: docs/schemas/lot.schema.json"}
_ETAG = {"schema": {"type": "string"}, "description": "the version to send along when the file is applied"}
CHANGES_SHOWN = 500
OTHER_CURRENCY = "lot.tariff_currency"
YAML = "application/yaml"

LotPath = Annotated[str, Path(max_length=40, description="code or id of a lot")]
CodePath = Annotated[str, Path(max_length=40)]
Version = Annotated[
    str | None, Query(alias="version", max_length=40, description="of the lot that was read; another one is refused")
]


class ChangeView(View):
    """What applying a file did to one thing; ``fields`` names what changed."""

    action: Action
    kind: ThingKind
    code: str
    fields: list[str]


class PlaceWarningView(View):
    """Something to know about a place of the file that forbids nothing."""

    line: int
    path: str
    code: str
    params: dict[str, str | int | bool | None]
    text: str


class AppliedView(View):
    """What applying a lot file did. ``counts`` is complete; of ``changes`` the first 500 are shown, without spaces."""

    lot: Id
    version: str = Field(description="of the lot as it is now")
    created: bool
    fields: list[str]
    counts: dict[str, int]
    changes: list[ChangeView]
    warnings: list[PlaceWarningView]


class CheckedView(View):
    """What applying a lot file would do; nothing was done. ``version`` is that of the lot as it is, null for none."""

    version: str | None
    created: bool
    fields: list[str]
    counts: dict[str, int]
    changes: list[ChangeView]
    warnings: list[PlaceWarningView]


class LotFilesApi:
    """Serves the routes."""

    def __init__(self, database: Database, tariffs: TariffBook) -> None:
        self._database = database
        self._tariffs = tariffs
        self.router = APIRouter(prefix="/v1", tags=["facility"])
        add = self.router.add_api_route
        body = document_body("a lot file")
        add(
            "/lots/{code}", self.apply, methods=["PUT"], response_model=AppliedView, openapi_extra=body,
            responses={201: {"model": AppliedView}},
        )  # fmt: skip
        add("/lots/{code}/check", self.check, methods=["POST"], response_model=CheckedView, openapi_extra=body)
        add(
            "/lots/{lot}/document", self.document, methods=["GET"], response_class=Response,
            responses={200: {"content": {YAML: {"schema": _FILE}}, "headers": {"ETag": _ETAG}}},
        )  # fmt: skip

    async def apply(
        self, code: CodePath, request: Request, response: Response,
        by: Annotated[Caller, Depends(may("lot.write"))], version: Version = None,
    ) -> AppliedView:  # fmt: skip
        """Apply a lot file; the same file again changes nothing. A tariff in another currency is a mistake.

        With ``version`` only if the lot is still the one that was read (409 ``lot.moved_on``).
        """
        lot, found = await self._read(code, request, by)
        # Comparing many spaces holds the writer up: nothing is written when nothing changes.
        applied = await self._database.read(partial(_unchanged, lot=lot), by=by)
        if applied is None:
            applied = await self._database.write(partial(_apply, lot=lot, version=version), by=by)
        if applied.changes.created:
            response.status_code = 201
        now = await asyncio.to_thread(version_of, lot)
        told = _told(applied.changes, found, language_of_scope(request.scope))
        return AppliedView(lot=applied.lot, version=now, **told)

    async def check(
        self, code: CodePath, request: Request, by: Annotated[Caller, Depends(may("lot.write"))]
    ) -> CheckedView:
        """Say what applying a lot file would do, and do nothing; mistakes are told as when it is applied."""
        lot, found = await self._read(code, request, by)
        existing, changes = await self._database.read(partial(_would_change, lot=lot), by=by)
        version = None if existing is None else await asyncio.to_thread(version_of, existing)
        return CheckedView(version=version, **_told(changes, found, language_of_scope(request.scope)))

    async def document(self, lot: LotPath, by: Annotated[Caller, Depends(may("lot.read"))]) -> Response:
        """Return the lot file of what stands: applied again, it changes nothing. Its version is the ``ETag``."""
        found = await self._database.read(partial(_layout, name=lot), by=by)
        said, version = await asyncio.to_thread(lambda: (lot_text(found), version_of(found)))
        headers = {"etag": f'"{version}"', "cache-control": "no-store"}
        return Response(said, media_type=f"{YAML}; charset=utf-8", headers=headers)

    async def _read(self, code: str, request: Request, by: Caller) -> tuple[Lot, list[Mistake]]:
        """Return the lot of a file and what should be known of its places. Raises ``DocumentError`` and ``Refused``."""
        sent = await document_text(request)
        # A large file takes the parser a second: not on the loop.
        lot = await asyncio.to_thread(read_lot, sent, name=code)
        if lot.code != code:
            raise Refused("lot.code_differs", found=lot.code, expected=code)
        flaws = await self._database.read(partial(_tariff_flaws, lot=lot, book=self._tariffs), by=by)
        found = await asyncio.to_thread(located, sent, flaws)
        mistakes = [each for each in found if each.code == OTHER_CURRENCY]
        if mistakes:
            raise DocumentError(code, mistakes)
        return lot, found


def _unchanged(reader: Reader, lot: Lot) -> Applied | None:
    for company in tenancy.companies(reader):
        if company.code == lot.company_code:
            changes = lot_changes(reader, company=company.id, lot=lot)
            if not changes:
                return Applied(lot_by_code(reader, code=lot.code, company=company.id).id, changes)
    return None


def _apply(unit: Unit, lot: Lot, version: str | None) -> Applied:
    company = tenancy.ensure_company(unit, code=lot.company_code)
    if version is None:
        return apply_lot(unit, company=company.id, lot=lot)

    def is_meant(existing: Lot | None) -> bool:
        return existing is not None and version_of(existing) == version

    return apply_lot(unit, company=company.id, lot=lot, is_meant=is_meant)


def _would_change(reader: Reader, lot: Lot) -> tuple[Lot | None, Changes]:
    company = next((each for each in tenancy.companies(reader) if each.code == lot.company_code), None)
    if company is None:
        if not reader.caller.scope.is_everything:
            raise Denied("auth.out_of_scope")
        return None, diff(None, lot)
    try:
        found = lot_by_code(reader, code=lot.code, company=company.id)
    except NotFound:
        return None, diff(None, lot)
    return layout_of(reader, lot=found.id), lot_changes(reader, company=company.id, lot=lot)


def _layout(reader: Reader, name: str) -> Lot:
    return layout_of(reader, lot=lot_named(reader, name=name).id)


def _tariff_flaws(reader: Reader, lot: Lot, book: TariffBook) -> list[Flaw]:
    """Find the places of a lot file that name a tariff by which nothing can be priced."""
    companies = {company.code: company.id for company in tenancy.companies(reader)}
    owner = companies.get(lot.company_code)
    known = {} if owner is None else book(reader, company=owner)
    flaws: list[Flaw] = []
    for path, code in tariff_places(lot):
        currency = known.get(code)
        if currency is None:
            flaws.append(flaw(path, "lot.tariff_unpublished", tariff=code))
        elif currency != lot.currency:
            flaws.append(flaw(path, OTHER_CURRENCY, tariff=code, found=currency, expected=lot.currency))
    return flaws


def _told(changes: Changes, warnings: list[Mistake], language: Language) -> dict[str, Any]:
    """Return what the answers of both routes have in common."""
    shown = [each for each in changes.things if each.kind is not ThingKind.SPACE][:CHANGES_SHOWN]
    return {
        "created": changes.created, "fields": list(changes.lot_fields), "counts": changes.counts(),
        "changes": [
            ChangeView(action=each.action, kind=each.kind, code=each.code, fields=list(each.fields)) for each in shown
        ],
        "warnings": [
            PlaceWarningView(
                line=each.line, path=each.path, code=each.code, params=dict(each.params),
                text=each.text(lambda name, params: text(name, language, **params)),
            )
            for each in warnings
        ],
    }  # fmt: skip
