"""What tariffs does outside of units: days read from a library, and the daily look at the calendars."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial

import structlog

from openberth.contexts import tenancy
from openberth.contexts.tariffs import service
from openberth.contexts.tariffs.model import CalendarDay, Tariff, calendar_words
from openberth.contexts.tariffs.ports import DaySource
from openberth.infra import jobs
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.jobs import Job, JobClock, JobRunner
from openberth.kernel.authority import Caller, system
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, Instant, as_datetime, later

JOB_CALENDARS = "tariffs.calendars"
MORNING_US = 3 * 3_600_000_000  # the daily look comes at 03:00 UTC

log = structlog.get_logger()


class CalendarKeeper:
    """Seeds calendars, and looks every day whether one of them ends; one per process."""

    def __init__(self, database: Database, source: DaySource) -> None:
        self._database = database
        self._source = source

    def register(self, runner: JobRunner) -> None:
        """Name the handler of the daily look."""
        runner.handle(JOB_CALENDARS, self._look)

    async def start(self) -> None:
        """See to it that the next daily look is planned."""
        await self._database.write(_plan, by=system("tariffs"))

    async def library_days(self, calendar: str, years: Iterable[int] = ()) -> Mapping[date, CalendarDay]:
        """Return what the library says of years; without years of the last, this and the next.

        Raises ``Refused("calendar.region")``.
        """
        wanted = tuple(years) or years_around(self._database.clocks.business.now())
        return await asyncio.to_thread(self._source.days, calendar, wanted)

    async def days_for(self, tariff: Tariff, *, company_code: str, by: Caller) -> Mapping[date, CalendarDay]:
        """Return the days that the calendar of a tariff begins with, when it needs one and there is none.

        So nobody who publishes a first tariff has to think of calendars. A region that the library does not know
        gives no days: publishing warns.
        """
        if not calendar_words(tariff):
            return {}
        missing = await self._database.read(partial(_is_missing, company_code=company_code, tariff=tariff), by=by)
        if not missing:
            return {}
        try:
            return await self.library_days(tariff.calendar)
        except Refused:
            return {}

    @property
    def source(self) -> str:
        """Return the name of the library, for the log."""
        return self._source.name

    async def _write(self, company: Id, calendar: str, days: Mapping[date, CalendarDay], by: Caller) -> int:
        write = partial(service.seed, company=company, code=calendar, days=days, source=self._source.name)
        return await self._database.write(write, by=by, urgency=Urgency.BACKGROUND)

    async def _look(self, _job: Job) -> None:
        """Take over what a newer library knows more, and tell the alarms; then plan the next look."""
        by = system("tariffs")
        for company, calendar in await self._database.read(_needed, by=by):
            try:
                days = await self.library_days(calendar)
            except Refused:
                days = {}
            if days:
                changed = await self._write(company, calendar, days, by)
                if changed:
                    log.info("calendar.extended", calendar=calendar, days=changed)
        await self._database.write(_tell_all, by=by)


def years_around(now: Instant) -> tuple[int, ...]:
    """Return the years that a calendar begins with: the last one too, for a past month may be priced anew."""
    year = as_datetime(now).year
    return (year - 1, year, year + 1)


def _plan(unit: Unit) -> None:
    """Plan the next daily look; its day is its name, so that several processes plan one."""
    next_day = unit.now // DAY_US + 1
    due = later(Instant(next_day * DAY_US), MORNING_US)
    jobs.schedule(unit, kind=JOB_CALENDARS, body={}, due_at=due, clock=JobClock.BUSINESS, unique_key=f"day-{next_day}")


def _tell_all(unit: Unit) -> None:
    for company in tenancy.companies(unit):
        service.tell_alarms(unit, company=company.id)
    _plan(unit)


def _needed(reader: Reader) -> list[tuple[Id, str]]:
    return [
        (company.id, calendar)
        for company in tenancy.companies(reader)
        for calendar in service.needed_calendars(reader, company=company.id)
    ]


def _is_missing(reader: Reader, company_code: str, tariff: Tariff) -> bool:
    for company in tenancy.companies(reader):
        if company.code == company_code:
            return service.calendar(reader, company=company.id, code=tariff.calendar).ends is None
    return True
