"""What belongs to no context: the clock, the event log in pages, figures and health."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openberth.infra import alarms
from openberth.infra.alarms import Alarm
from openberth.infra.catalogue import Language, text
from openberth.infra.clocks import ScaledClock
from openberth.infra.database import Database, Reader
from openberth.infra.database import log as event_log
from openberth.infra.http.answers import View, When, instant
from openberth.infra.http.auth import Door, address_of, bearer, may
from openberth.infra.http.feed import POSITION_MAX, FindLot, plain_event
from openberth.infra.http.limits import LOOPBACK
from openberth.infra.http.pages import LIMIT_MAX
from openberth.infra.http.problems import language_of_scope
from openberth.infra.telemetry import Health, HealthReport, gauge, metrics_page
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Unknown
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id

FIGURES = may("system.read")

_WAITING = gauge("openberth_database_waiting", "Units that wait for a writer, by urgency.", ("urgency",))
_FIGURES = gauge("openberth_database", "What the database counts about itself since the start.", ("figure",))
_DATABASE_FIGURES = (
    "units", "failed", "batches", "retries", "slow", "commit_failures", "events", "longest_us",
)  # fmt: skip


class ClockView(View):
    """Business time, in which devices of a sped-up town stamp, and machine time."""

    business_now: When
    machine_now: When
    speed: int = Field(ge=1)


class ProgramView(View):
    """Which program runs."""

    version: str


class ActorView(View):
    """Who caused an event."""

    kind: str
    name: str


class EventView(View):
    """An event of the log. ``occurred_at`` is business time, ``recorded_at`` machine time."""

    position: int
    id: Id
    kind: str
    version: int
    company: Id | None
    lot: Id | None
    key: Id
    node: str
    actor: ActorView
    cause: Id | None
    occurred_at: When
    recorded_at: When
    body: Mapping[str, Any]


class EventPage(View):
    """Events in their order. Everything up to ``position`` was looked at; ``next`` is null at the head of the log."""

    items: list[EventView]
    position: int
    next: str | None


class AlarmView(View):
    """Something that is wrong since an instant (business time); it goes by itself when its cause is gone. ``lot`` is
    the one that alone it concerns.
    """

    kind: str
    subject: str
    company: Id
    lot: Id | None
    since: When
    params: Mapping[str, Any]
    text: str


class AlarmsView(View):
    """What is wrong now, the oldest first."""

    items: list[AlarmView]


class SystemApi:
    """Serves the clock, the version, the event log and the alarms."""

    def __init__(self, database: Database, find_lot: FindLot, *, version: str) -> None:
        self._database = database
        self._find_lot = find_lot
        self._version = version
        self.router = APIRouter(prefix="/v1", tags=["system"])
        self.router.add_api_route("/clock", self.clock, methods=["GET"])
        self.router.add_api_route("/version", self.version, methods=["GET"])
        self.router.add_api_route("/events", self.events, methods=["GET"])
        self.router.add_api_route("/alarms", self.alarms, methods=["GET"])

    async def clock(self, by: Annotated[Caller, Depends(may("system.read"))]) -> ClockView:
        """Tell both clocks and how fast business time runs."""
        del by  # the clocks are the same for everybody
        clocks = self._database.clocks
        speed = clocks.business.speed if isinstance(clocks.business, ScaledClock) else 1
        return ClockView(
            business_now=instant(clocks.business.now()), machine_now=instant(clocks.machine.now()), speed=speed
        )

    async def version(self, by: Annotated[Caller, Depends(may("system.read"))]) -> ProgramView:
        """Tell which program runs."""
        del by  # the program is the same for everybody
        return ProgramView(version=self._version)

    async def events(
        self,
        by: Annotated[Caller, Depends(may("feed.read"))],
        after: Annotated[int, Query(ge=0, le=POSITION_MAX, description="a position; 0 is the beginning")] = 0,
        lot: Annotated[str | None, Query(max_length=40, description="code or id")] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_MAX,
    ) -> EventPage:
        """Return events after a position, oldest first; with ``lot`` a page may hold fewer than were looked at."""
        page, wanted = await self._database.read(
            partial(_events, after=after, limit=limit, lot=lot, find=self._find_lot), by=by
        )
        position = page[-1].position or after if page else after
        items = [EventView(**plain_event(event)) for event in page if wanted is None or event.lot == wanted]
        return EventPage(items=items, position=position, next=str(position) if len(page) == limit else None)

    async def alarms(self, by: Annotated[Caller, Depends(may("alarm.read"))], request: Request) -> AlarmsView:
        """Return what is wrong now."""
        found = await self._database.read(alarms.standing, by=by)
        language = language_of_scope(request.scope)
        return AlarmsView(items=[_alarm_view(one, language) for one in found])


def _alarm_view(one: Alarm, language: Language) -> AlarmView:
    return AlarmView(
        kind=one.kind, subject=one.subject, company=one.company, lot=one.lot, since=instant(one.since),
        params=one.params,
        text=text(one.code, language, **one.params),
    )  # fmt: skip


def _events(reader: Reader, after: int, limit: int, lot: str | None, find: FindLot) -> tuple[list[Envelope], Id | None]:
    wanted = None if lot is None else find(reader, lot)
    return event_log.read_after(reader, position=after, limit=limit), wanted


class Watch:
    """Serves figures and health to whoever looks after the machine.

    Health needs no token: it names checks and nothing else. Figures are for the machine itself and for operators.
    """

    def __init__(self, database: Database, health: Health, door: Door) -> None:
        self._database = database
        self._health = health
        self._door = door

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/metrics", self._metrics, methods=["GET"]),
            Route("/health/live", self._live, methods=["GET"]),
            Route("/health/ready", self._ready, methods=["GET"]),
        ]

    async def _metrics(self, request: Request) -> Response:
        address = address_of(request)
        if address is None or not LOOPBACK.admits(address):
            token = bearer(request.headers.get("authorization"))
            if token is None:
                raise Unknown("auth.required")
            FIGURES.check(await self._door.caller(token, address))
        for urgency, waiting in self._database.waiting().items():
            _WAITING.labels(urgency).set(waiting)
        for name in _DATABASE_FIGURES:
            _FIGURES.labels(name).set(getattr(self._database.figures, name))
        body, media_type = metrics_page()
        return Response(body, media_type=media_type)

    async def _live(self, _request: Request) -> Response:
        return _report(self._health.live())

    async def _ready(self, _request: Request) -> Response:
        return _report(self._health.ready())


def _report(report: HealthReport) -> Response:
    checks = [{"name": finding.name, "ok": finding.ok, "reason": finding.reason} for finding in report.findings]
    return JSONResponse(
        {"ok": report.ok, "checks": checks}, 200 if report.ok else 503, headers={"cache-control": "no-store"}
    )
