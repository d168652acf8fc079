"""Operator routes of tariffs: publishing files, looking at versions, asking for a price."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from openberth.contexts import tenancy
from openberth.contexts.tariffs import service
from openberth.contexts.tariffs.api.publishing import (
    CodePath,
    PublishedView,
    Publisher,
    VersionView,
    company_of,
    version_view,
)
from openberth.contexts.tariffs.document import read_tariff, tariff_to_plain
from openberth.contexts.tariffs.model import Standing, TariffVersion
from openberth.infra.database import Database, Reader
from openberth.infra.http.asks import Moment, document_body, document_text
from openberth.infra.http.auth import may
from openberth.infra.http.pages import AskByCode, AskedByCode, Page, cut, page_of
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Refused


class TariffView(VersionView):
    """The newest version with its document, and all versions, newest first."""

    document: Mapping[str, Any]
    versions: list[VersionView]


class TariffsApi:
    """Serves the routes."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
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
        code: CodePath,
        request: Request,
        response: Response,
        by: Annotated[Caller, Depends(may("tariff.publish"))],
        valid_from: Annotated[Moment | None, Query(description="from when it holds; now when absent")] = None,
        valid_until: Annotated[Moment | None, Query(description="makes it an event price that ends then")] = None,
    ) -> PublishedView:
        """Publish a tariff file as a new version; what is in force already stays."""
        text_sent = await document_text(request)
        tariff = await asyncio.to_thread(read_tariff, text_sent, name=code)
        if tariff.code != code:
            raise Refused("tariff.code_differs", found=tariff.code, expected=code)
        days = await self._publisher.days_for(tariff, by=by)
        publish = partial(
            self._publisher.publish, tariff=tariff, days=days, valid_from=valid_from, valid_until=valid_until,
            language=language_of_scope(request.scope),
        )  # fmt: skip
        view = await self._database.write(publish, by=by)
        if view.new:
            response.status_code = 201
        return view

    async def tariffs(self, ask: AskedByCode, by: Annotated[Caller, Depends(may("tariff.read"))]) -> Page[VersionView]:
        """Return the newest version of every tariff, by company and code."""
        return await self._database.read(partial(_newest, ask=ask), by=by)

    async def tariff(self, code: CodePath, by: Annotated[Caller, Depends(may("tariff.read"))]) -> TariffView:
        """Return a tariff with its document and its versions."""
        return await self._database.read(partial(_tariff, code=code), by=by)


def _newest(reader: Reader, ask: AskByCode) -> Page[VersionView]:
    newest: dict[str, TariffVersion] = {}
    standings: dict[str, list[Standing]] = {}
    for company in tenancy.companies(reader):
        for version in service.versions(reader, company=company.id):
            name = f"{company.code}/{version.code}"
            newest.setdefault(name, version)
            standings.setdefault(name, []).append(version.standing)
    page, more = cut(newest, ask, str)
    return page_of([version_view(newest[name], standings[name], reader.now) for name in page], more)


def _tariff(reader: Reader, code: str) -> TariffView:
    found = service.versions_of(reader, company=company_of(reader, code), code=code)
    standings = [version.standing for version in found]
    views = [version_view(version, standings, reader.now) for version in found]
    return TariffView(**views[0].model_dump(), document=tariff_to_plain(found[0].tariff), versions=views)
