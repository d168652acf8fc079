"""The HTTP application: the routes of all contexts behind one edge."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import WebSocketRoute

from openberth import __version__
from openberth.contexts import tariffs, tenancy
from openberth.contexts.facility.api import FacilityApi
from openberth.contexts.payments.api import ChannelHooks, PaymentsApi
from openberth.contexts.payments.reactions import Cashier
from openberth.contexts.permits.api import PermitsApi
from openberth.contexts.stays.api import CasesApi, CodesApi, HistoryApi, PlacesApi, WhatIfApi, lot_id
from openberth.contexts.tariffs.api import CalendarsApi, LifeApi, PricesApi, Publisher, TariffsApi
from openberth.contexts.tariffs.reactions import CalendarKeeper
from openberth.infra.blobs import Blobs
from openberth.infra.database import Database
from openberth.infra.http.auth import FEED, OperatorGate, Operators
from openberth.infra.http.feed import Feed
from openberth.infra.http.middleware import BodyBounds, Surface, named
from openberth.infra.http.problems import MEDIA_TYPE, ProblemView, install
from openberth.infra.http.system import SystemApi, Watch
from openberth.infra.outbox import Tail
from openberth.infra.settings import Settings
from openberth.infra.telemetry import Health
from openberth.kernel.authority import system

OPENAPI = "/v1/openapi.json"
PROBLEM_RESPONSE: dict[str, Any] = {
    "description": "A problem document (RFC 9457).",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class Parts(Protocol):
    """What the application is put together from; ``bootstrap.House`` is it."""

    @property
    def settings(self) -> Settings:
        """Settings of the process."""
        ...

    @property
    def database(self) -> Database:
        """The database, with both clocks."""
        ...

    @property
    def tail(self) -> Tail:
        """The head of the event log, for live feeds."""
        ...

    @property
    def cashier(self) -> Cashier:
        """Who carries payments to their channels."""
        ...

    @property
    def calendars(self) -> CalendarKeeper:
        """Who seeds calendars."""
        ...

    @property
    def blobs(self) -> Blobs:
        """Where pictures lie."""
        ...

    @property
    def health(self) -> Health:
        """The checks of the process."""
        ...


def build_app(parts: Parts) -> FastAPI:
    """Return the application for people and programs; devices are served in front of it."""
    database = parts.database
    publisher = Publisher(parts.calendars)
    operators = Operators(_finder(database), database.clocks.machine)
    app = FastAPI(
        title="OpenBerth", version=__version__, openapi_url=None, docs_url=None, redoc_url=None,
        redirect_slashes=False, generate_unique_id_function=_operation_id, responses={"default": PROBLEM_RESPONSE},
        middleware=[
            Middleware(Surface, parts.settings.language),
            Middleware(BodyBounds),
            Middleware(OperatorGate, operators),
        ],
    )  # fmt: skip
    install(app)
    settings = parts.settings
    facility = FacilityApi(
        database, tariffs.currencies, http_base=settings.public_base, barrier_base=settings.barrier_base
    )
    for api in (
        SystemApi(database, lot_id), facility, TariffsApi(database, publisher),
        PricesApi(database, parts.calendars), LifeApi(database, publisher), CalendarsApi(database, parts.calendars),
        PaymentsApi(database), PermitsApi(database), PlacesApi(database), HistoryApi(database, parts.blobs),
        CasesApi(database), WhatIfApi(database),
    ):  # fmt: skip
        app.include_router(api.router)
    app.add_route(OPENAPI, partial(_openapi, app), include_in_schema=False)
    plain = [
        *CodesApi(database, parts.cashier).routes(),
        *ChannelHooks(parts.cashier).routes(),
        *Watch(database, parts.health, operators).routes(),
        WebSocketRoute(FEED, Feed(database, parts.tail, operators, lot_id).serve),
    ]
    app.router.routes[:0] = [named(route) for route in plain]
    return app


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the API description, made once."""
    if app.openapi_schema is None:
        schema = app.openapi()
        schema["components"]["schemas"]["Problem"] = ProblemView.model_json_schema()
        schema["components"]["securitySchemes"] = {"operator": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"operator": []}]
    return app.openapi()


def _operation_id(route: APIRoute) -> str:
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name


async def _openapi(app: FastAPI, _request: Request) -> Response:
    return JSONResponse(describe(app))


def _finder(database: Database) -> Callable[[str], Any]:
    by = system("auth")

    async def find(token: str) -> str | None:
        return await database.read(partial(tenancy.operator_of, token=token), by=by)

    return find
