"""The HTTP application: the routes of all contexts behind one edge."""

from functools import partial
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from openberth import __version__
from openberth.contexts import facility, insight, payments, permits, stays, tariffs, tenancy
from openberth.contexts.facility.api import (
    DeviceLoginsApi,
    DevicesApi,
    EndedAlarmsApi,
    FacilityApi,
    LotFilesApi,
    PlansApi,
    SensorsApi,
)
from openberth.contexts.insight.api import FinanceApi, LiveApi, TablesApi
from openberth.contexts.payments.api import (
    BillApi,
    ChannelHooks,
    ChannelsApi,
    DebtsApi,
    MyPrepaidApi,
    PaymentsApi,
    PayoutsApi,
    PrepaidApi,
    ReconciliationApi,
    RefundsApi,
    ShiftsApi,
    SlipsApi,
    VerificationApi,
)
from openberth.contexts.payments.reactions import Cashier, Channels
from openberth.contexts.permits.api import PermitsApi, WhiteListsApi
from openberth.contexts.stays import KEEPERS
from openberth.contexts.stays.api import (
    CasesApi,
    CodesApi,
    DisplaysApi,
    EReceiptsApi,
    HistoryApi,
    MineApi,
    OccupancyCheckApi,
    Orders,
    PayersApi,
    PicturesApi,
    PlacesApi,
    PlatesApi,
    ReplayApi,
    Signs,
    WhatIfApi,
    WhereaboutsApi,
    lot_id,
)
from openberth.contexts.tariffs.api import CalendarsApi, LifeApi, PricesApi, Publisher, TariffsApi
from openberth.contexts.tariffs.reactions import CalendarKeeper
from openberth.contexts.tenancy.api import (
    AccountsApi,
    ApiKeysApi,
    AuditApi,
    BackupsApi,
    ConfirmApi,
    ExportsApi,
    ForgettingApi,
    GrantsApi,
    KeysApi,
    Lots,
    MeApi,
    OAuth,
    OrganisationApi,
    OwnPlatesApi,
    PeopleApi,
    SettingsApi,
    SignInApi,
)
from openberth.contexts.tenancy.reactions import Entrance, Exporting, Refusals
from openberth.infra.blobs import Blobs
from openberth.infra.buckets import Buckets
from openberth.infra.database import Database
from openberth.infra.http.auth import ANYBODY, FEED, Gate, declarations, may
from openberth.infra.http.feed import Feed
from openberth.infra.http.middleware import BodyBounds, Surface, named
from openberth.infra.http.problems import MEDIA_TYPE, ProblemView, install
from openberth.infra.http.refusals import RefusalWatch
from openberth.infra.http.safety import MediaTypes, SafeHeaders, Shared, allowed_by
from openberth.infra.http.static import FACES, Face
from openberth.infra.http.system import SystemApi, Watch
from openberth.infra.http.throttle import AccountLimit, AddressLimit
from openberth.infra.key_keeping import KeyKeeper
from openberth.infra.outbox import Tail
from openberth.infra.paper import Press
from openberth.infra.settings import Settings
from openberth.infra.telemetry import Health

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
    def channels(self) -> Channels:
        """The channels of this process."""
        ...

    @property
    def calendars(self) -> CalendarKeeper:
        """Who seeds calendars."""
        ...

    @property
    def entrance(self) -> Entrance:
        """Who lets callers in."""
        ...

    @property
    def refusals(self) -> Refusals:
        """Who writes down what the edge refuses."""
        ...

    @property
    def buckets(self) -> Buckets:
        """Who counts how often somebody asks."""
        ...

    @property
    def key_keeper(self) -> KeyKeeper:
        """Who keeps the sealing keys in step."""
        ...

    @property
    def tabling(self) -> insight.Tabling:
        """What makes tables that people take away."""
        ...

    @property
    def exporting(self) -> Exporting:
        """Who puts the data of tenants together."""
        ...

    @property
    def blobs(self) -> Blobs:
        """Where pictures lie."""
        ...

    @property
    def press(self) -> Press:
        """Who draws papers."""
        ...

    @property
    def health(self) -> Health:
        """The checks of the process."""
        ...


def build_app(parts: Parts) -> FastAPI:
    """Return the application for people and programs; devices are served in front of it."""
    database = parts.database
    publisher = Publisher(parts.calendars)
    lots = _lots()
    entrance, door, settings = parts.entrance, parts.entrance.door, parts.settings
    places = FacilityApi(database, http_base=settings.public_base, barrier_base=settings.barrier_base,
                         mqtt_base=settings.mqtt_base)  # fmt: skip
    signs = Signs(database, parts.buckets)
    links = payments.ReceiptLinks(database.keys, base=settings.public_base)
    orders = Orders(
        database, parts.cashier, links, entrance.reception.known_to_wechat, base=settings.public_base
    )  # fmt: skip
    apis = (
        SystemApi(database, lot_id, version=__version__), places, LotFilesApi(database, tariffs.currencies),
        DevicesApi(database),
        DeviceLoginsApi(database), EndedAlarmsApi(database), PlansApi(database),
        SensorsApi(database, http_base=settings.public_base), OccupancyCheckApi(database),
        TariffsApi(database, publisher),
        PricesApi(database, parts.calendars), LifeApi(database, publisher), CalendarsApi(database, parts.calendars),
        PaymentsApi(database), BillApi(database), RefundsApi(database), DebtsApi(database),
        ChannelsApi(database, parts.channels, lots),
        ReconciliationApi(database), PayoutsApi(database), ShiftsApi(database), SlipsApi(database),
        PrepaidApi(database, parts.cashier), FinanceApi(database), LiveApi(database), VerificationApi(database),
        TablesApi(database, parts.tabling),
        PermitsApi(database), WhiteListsApi(database), PlacesApi(database),
        DisplaysApi(database, base=settings.public_base), HistoryApi(database), ReplayApi(database), CasesApi(database),
        WhereaboutsApi(database),
        WhatIfApi(database), EReceiptsApi(database, parts.press, links),
        AccountsApi(database, entrance.hashing), ApiKeysApi(database), GrantsApi(database, lots),
        OrganisationApi(database, lots), SettingsApi(database, lots), ExportsApi(database, parts.exporting, lots),
        SignInApi(database, entrance.reception, door, entrance.hashing),
        ConfirmApi(database, entrance.reception, door, entrance.hashing),
        AuditApi(database), PeopleApi(database), MeApi(database), PlatesApi(database), OwnPlatesApi(database),
        MineApi(database, signs, orders, parts.cashier, links), MyPrepaidApi(database),
        PicturesApi(database, parts.blobs, door), ForgettingApi(database, KEEPERS),
        BackupsApi(database), KeysApi(database, entrance.keys, parts.key_keeper, cipher=settings.vault.algorithm),
    )  # fmt: skip
    description = Description()
    plain = [
        *CodesApi(database, parts.cashier, signs, orders, links, base=settings.public_base).routes(),
        *PayersApi(database, parts.press, links, parts.buckets).routes(),
        *ChannelHooks(parts.cashier).routes(),
        *OAuth(entrance.reception, entrance.keys).routes(),
        *Watch(database, parts.health, door).routes(),
        *(route for name in ("console", "app") for route in Face(name, FACES / name).routes()),
        Route(OPENAPI, may("system.read").before(description.serve).serve, include_in_schema=False),
        WebSocketRoute(FEED, Feed(database, parts.tail, door, lot_id, parts.refusals.note).declared.serve),
    ]
    routes = [*plain, *(route for api in apis for route in api.router.routes)]
    declared = declarations(routes, known=tenancy.PERMISSIONS, sensitive=tenancy.SENSITIVE)
    open_paths = frozenset(path for (_, path), word in declared.items() if word == ANYBODY)
    app = FastAPI(
        title="OpenBerth", version=__version__, openapi_url=None, docs_url=None, redoc_url=None,
        redirect_slashes=False, generate_unique_id_function=_operation_id, responses={"default": PROBLEM_RESPONSE},
        middleware=[
            Middleware(SafeHeaders),
            Middleware(Shared, settings.http.cors_origins),
            Middleware(Surface, settings.language),
            Middleware(RefusalWatch, parts.refusals.note),
            Middleware(AddressLimit, parts.buckets, settings.limits.address_per_minute),
            Middleware(BodyBounds),
            Middleware(Gate, door, open_paths),
            Middleware(AccountLimit, settings.limits.account_per_minute),
            Middleware(MediaTypes, routes),
        ],
    )  # fmt: skip
    install(app)
    app.state.allowed = partial(allowed_by, routes)
    app.state.permissions = declared
    description.app = app
    for api in apis:
        app.include_router(api.router)
    app.router.routes[:0] = [named(route) for route in plain]
    return app


def _lots() -> Lots:
    """Return what tenancy asks about lots; who carries rows may refuse, so cheap refusals come first."""
    return Lots(
        lambda reader, name: facility.lot_named(reader, name=name), facility.lots,
        carriers=(facility.carry_lot, payments.carry_lot, permits.carry_lot, tariffs.carry_lot, stays.carry_lot),
        objections=(facility.refuse_closing, stays.refuse_closing, payments.refuse_closing),
    )  # fmt: skip


class Description:
    """Serves the description of the application that it is given."""

    app: FastAPI

    async def serve(self, _request: Request) -> Response:
        """Answer with the API description."""
        return JSONResponse(describe(self.app))


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the API description, made once."""
    if app.openapi_schema is None:
        schema = app.openapi()
        schema["components"]["schemas"]["Problem"] = ProblemView.model_json_schema()
        schema["components"]["securitySchemes"] = {
            "operator": {"type": "http", "scheme": "bearer"},
            "signature": {
                "type": "apiKey", "in": "header", "name": "Signature",
                "description": "RFC 9421 with HMAC-SHA256, see docs/guides/integrators.md",
            },
        }  # fmt: skip
        schema["security"] = [{"operator": []}, {"signature": []}]
    return app.openapi()


def _operation_id(route: APIRoute) -> str:
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name
