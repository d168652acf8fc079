"""Operator routes of calendars: looking at days, setting them, seeding them from the library."""

import asyncio
from datetime import date
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from openberth.contexts import tenancy
from openberth.contexts.tariffs import service
from openberth.contexts.tariffs.document.days import read_days
from openberth.contexts.tariffs.model import CalendarEdit, DayKind
from openberth.contexts.tariffs.reactions import CalendarKeeper, years_around
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.answers import View, When, instant
from openberth.infra.http.asks import Form, document_body, document_text
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, as_datetime

TABLE = "text/csv"
FIRST_YEAR, LAST_YEAR = 1990, 2199
YEARS_MAX = 30

CalendarPath = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$", description="cn, sg, de-by …")]
CompanyName = Annotated[str | None, Query(max_length=40, description="may be left out where there is one company")]


class DayView(View):
    """A day: what it is, what it is called, the operator's own words, and whether a person said so."""

    date: date
    kind: DayKind
    name_zh: str
    name_en: str
    words: list[str]
    own: bool


class CalendarSummary(View):
    """A calendar and the days between which it knows every one."""

    company: str
    code: str
    first: date | None
    last: date | None
    days: int
    changed_at: When


class CalendarsView(View):
    """All calendars."""

    items: list[CalendarSummary]


class CalendarDaysView(CalendarSummary):
    """The days of a year of a calendar."""

    year: int
    items: list[DayView]


class ChangedView(View):
    """How many days differ now."""

    company: str
    calendar: str
    changed: int


class SeedForm(Form):
    """Which years to take over; without them the last, this and the next."""

    years: list[Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]] = Field(default=[], max_length=YEARS_MAX)


class CalendarsApi:
    """Serves the routes."""

    def __init__(self, database: Database, keeper: CalendarKeeper) -> None:
        self._database = database
        self._keeper = keeper
        self.router = APIRouter(prefix="/v1", tags=["calendars"])
        add = self.router.add_api_route
        add("/calendars", self.calendars, methods=["GET"])
        add("/calendars/{calendar}", self.days, methods=["GET"])
        add(
            "/calendars/{calendar}/days", self.set_days, methods=["PUT"],
            openapi_extra=document_body("a days file, or a table of days (CSV)", TABLE),
        )  # fmt: skip
        add("/calendars/{calendar}/seed", self.seed, methods=["POST"], response_model=ChangedView)

    async def calendars(self, by: Annotated[Caller, Depends(may("tariff.read"))]) -> CalendarsView:
        """Return every calendar."""
        return await self._database.read(_calendars, by=by)

    async def days(
        self,
        calendar: CalendarPath,
        by: Annotated[Caller, Depends(may("tariff.read"))],
        company: CompanyName = None,
        year: Annotated[int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR, description="this one when absent")] = None,
    ) -> CalendarDaysView:
        """Return the days of a year."""
        return await self._database.read(partial(_days, calendar=calendar, company=company, year=year), by=by)

    async def set_days(
        self,
        calendar: CalendarPath,
        request: Request,
        by: Annotated[Caller, Depends(may("calendar.write"))],
        company: CompanyName = None,
    ) -> ChangedView:
        """Say what days are; seeding leaves them alone from now on. What the file does not name stays."""
        sent = await document_text(request)
        table = request.headers.get("content-type", "").partition(";")[0].strip() == TABLE
        named, edit = await asyncio.to_thread(read_days, sent, name=calendar, table=table)
        if named is not None and named != calendar:
            raise Refused("calendar.differs", found=named, expected=calendar)
        return await self._database.write(partial(_set, calendar=calendar, company=company, edit=edit), by=by)

    async def seed(
        self,
        calendar: CalendarPath,
        form: SeedForm,
        by: Annotated[Caller, Depends(may("calendar.write"))],
        key: Key,
        company: CompanyName = None,
    ) -> Response:
        """Take over what the library says; days that a person has set stay. The same again changes nothing."""
        years = form.years or years_around(self._database.clocks.business.now())
        days = await self._keeper.library_days(calendar, years)
        if not days:
            raise Refused("calendar.years", calendar=calendar)

        def effect(unit: Unit) -> ChangedView:
            owner = _company_for(unit, company)
            changed = service.seed(unit, company=owner.id, code=calendar, days=days, source=self._keeper.source)
            return ChangedView(company=owner.code, calendar=calendar, changed=changed)

        return answered(await self._database.write(once(key, effect), by=by, urgency=Urgency.BACKGROUND))


def _company(reader: Reader, name: str | None) -> tenancy.Company:
    """Return the company that is meant: the named one, or the only one."""
    if name is not None:
        return tenancy.company_by_code(reader, code=name)
    found = tenancy.companies(reader)
    if len(found) != 1:
        raise Malformed("company.which", count=len(found))
    return found[0]


def _company_for(unit: Unit, name: str | None) -> tenancy.Company:
    return _company(unit, None) if name is None else tenancy.ensure_company(unit, code=name)


def _calendars(reader: Reader) -> CalendarsView:
    return CalendarsView(
        items=[
            _summary(company.code, found)
            for company in tenancy.companies(reader)
            for found in service.calendars(reader, company=company.id)
        ]
    )


def _summary(company: str, found: service.CalendarView) -> CalendarSummary:
    return CalendarSummary(
        company=company, code=found.code, first=found.first, last=found.last, days=found.days,
        changed_at=instant(found.changed_at),
    )  # fmt: skip


def _days(reader: Reader, calendar: str, company: str | None, year: int | None) -> CalendarDaysView:
    owner = _company(reader, company)
    found = _view(reader, owner.id, calendar)
    wanted = _year(reader.now) if year is None else year
    days = [
        DayView(date=row.date, kind=row.kind, name_zh=row.name_zh, name_en=row.name_en, words=list(row.words),
                own=row.own)
        for row in service.days_of(reader, company=owner.id, code=calendar)
        if row.date.year == wanted
    ]  # fmt: skip
    return CalendarDaysView(**_summary(owner.code, found).model_dump(), year=wanted, items=days)


def _view(reader: Reader, company: Id, calendar: str) -> service.CalendarView:
    for found in service.calendars(reader, company=company):
        if found.code == calendar:
            return found
    raise NotFound("calendar.not_found", calendar=calendar)


def _set(unit: Unit, calendar: str, company: str | None, edit: CalendarEdit) -> ChangedView:
    owner = _company_for(unit, company)
    changed = service.set_days(unit, company=owner.id, code=calendar, edit=edit)
    return ChangedView(company=owner.code, calendar=calendar, changed=changed)


def _year(now: Instant) -> int:
    return as_datetime(now).year
