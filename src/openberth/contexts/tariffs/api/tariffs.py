"""Operator routes of tariffs: publishing files, looking at versions."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from openberth.contexts import tenancy
from openberth.contexts.tariffs.document import read_tariff, tariff_to_plain
from openberth.contexts.tariffs.model import Tariff, TariffVersion
from openberth.contexts.tariffs.service import publish, versions
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View, When, instant
from openberth.infra.http.asks import Moment, document_body, document_text
from openberth.infra.http.auth import Operator
from openberth.infra.http.pages import AskByCode, AskedByCode, Page, cut, page_of
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


class VersionView(View):
    """A published version: in force from ``valid_from`` until a later one is."""

    id: Id
    company: str
    code: str
    number: int
    valid_from: When
    published_at: When


class PublishedView(VersionView):
    """A published version, and whether publishing made it."""

    new: bool


class TariffView(VersionView):
    """The newest version with its document, and all versions, newest first."""

    document: Mapping[str, Any]
    versions: list[VersionView]


class TariffsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["tariffs"])
        add = self.router.add_api_route
        add(
            "/tariffs/{code}", self.publish, methods=["PUT"], openapi_extra=document_body("a tariff file"),
            responses={201: {"model": PublishedView}},
        )  # fmt: skip
        add("/tariffs", self.tariffs, methods=["GET"])
        add("/tariffs/{code}", self.tariff, methods=["GET"])

    async def publish(
        self,
        code: Annotated[str, Path(max_length=40)],
        request: Request,
        response: Response,
        by: Operator,
        valid_from: Annotated[Moment | None, Query(description="from when it holds; now when absent")] = None,
    ) -> PublishedView:
        """Publish a tariff file as a new version; what is in force already stays."""
        text_sent = await document_text(request)
        tariff = await asyncio.to_thread(read_tariff, text_sent, name=code)
        if tariff.code != code:
            raise Refused("tariff.code_differs", found=tariff.code, expected=code)
        view = await self._database.write(partial(_publish, tariff=tariff, valid_from=valid_from), by=by)
        if view.new:
            response.status_code = 201
        return view

    async def tariffs(self, ask: AskedByCode, by: Operator) -> Page[VersionView]:
        """Return the newest version of every tariff, by company and code."""
        return await self._database.read(partial(_newest, ask=ask), by=by)

    async def tariff(self, code: Annotated[str, Path(max_length=40)], by: Operator) -> TariffView:
        """Return a tariff with its document and its versions."""
        return await self._database.read(partial(_tariff, code=code), by=by)


def _publish(unit: Unit, tariff: Tariff, valid_from: Instant | None) -> PublishedView:
    company = tenancy.ensure_company(unit, code=tariff.company_code)
    version, new = publish(unit, company=company.id, tariff=tariff, valid_from=valid_from)
    return PublishedView(**_version(version).model_dump(), new=new)


def _newest(reader: Reader, ask: AskByCode) -> Page[VersionView]:
    newest: dict[str, TariffVersion] = {}
    for company in tenancy.companies(reader):
        for version in versions(reader, company=company.id):
            newest.setdefault(f"{company.code}/{version.code}", version)
    page, more = cut(newest, ask, str)
    return page_of([_version(newest[name]) for name in page], more)


def _all_named(reader: Reader, code: str) -> list[TariffVersion]:
    """Return the versions of a tariff, newest first; a code that several companies use names none."""
    found = [
        [version for version in versions(reader, company=company.id) if version.code == code]
        for company in tenancy.companies(reader)
    ]
    named = [each for each in found if each]
    if len(named) != 1:
        raise NotFound("tariff.not_found", tariff=code)
    return named[0]


def _tariff(reader: Reader, code: str) -> TariffView:
    found = _all_named(reader, code)
    return TariffView(
        **_version(found[0]).model_dump(), document=tariff_to_plain(found[0].tariff),
        versions=[_version(version) for version in found],
    )  # fmt: skip


def _version(version: TariffVersion) -> VersionView:
    return VersionView(
        id=version.id, company=version.tariff.company_code, code=version.code, number=version.number,
        valid_from=instant(version.valid_from), published_at=instant(version.published_at),
    )  # fmt: skip
