"""Calendars: which days are workdays, weekends and holidays, seeded from a library and edited by people.

A calendar is read once and kept under its edition, a new id with every change, so the lanes pay one small statement.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from openberth.contexts import tenancy
from openberth.contexts.tariffs.model import (
    CALENDAR_WARN_DAYS,
    Calendar,
    CalendarChanged,
    CalendarDay,
    CalendarEdit,
    Tariff,
    TariffVersion,
    VersionState,
    calendar_words,
    end_of,
    states_of,
)
from openberth.contexts.tariffs.store import calendars as store
from openberth.contexts.tariffs.store import versions as version_store
from openberth.infra import alarms
from openberth.infra.alarms import Trouble
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner, needs
from openberth.kernel.errors import Param, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, as_datetime

ENDING, MISSING = "calendar_ending", "calendar_missing"
ALARM_KINDS = (ENDING, MISSING)
BY_HAND = "person"
TOLD_MAX = 20  # days of an entry of the trail
NAMED_MAX = 8

_READ: dict[Id, Calendar] = {}
_READ_MAX = 200


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A calendar in a list: ``first`` and ``last`` are the days between which it knows every one."""

    code: str
    changed_at: Instant
    first: date | None
    last: date | None
    days: int


def calendar(reader: Reader, *, company: Id, code: str) -> Calendar:
    """Return a company's calendar; one that nobody has made knows no day."""
    row = reader.one(store.CALENDAR, company=company, calendar_code=code)
    return _NOTHING if row is None else _of_row(reader, row)


def calendars_for(reader: Reader, *, company: Id, wanted: Iterable[Tariff]) -> Mapping[str, Calendar]:
    """Return the calendars that pricing by some tariffs needs, by code; those that speak of no such day need none."""
    codes = {tariff.calendar for tariff in wanted if calendar_words(tariff)}
    return {code: calendar(reader, company=company, code=code) for code in sorted(codes)}


def calendars(reader: Reader, *, company: Id) -> list[CalendarView]:
    """Return a company's calendars by code."""
    return [_view(_of_row(reader, row), row) for row in reader.all(store.CALENDARS, company=company)]


def days_of(reader: Reader, *, company: Id, code: str) -> list[store.DayRow]:
    """Return the days of a calendar in order, with who said what they are."""
    return reader.all(store.DAYS, company=company, calendar_code=code)


@needs("calendar.write")
def seed(unit: Unit, *, company: Id, code: str, days: Mapping[date, CalendarDay], source: str) -> int:
    """Take over what a library says of days, except where a person has spoken. Returns how many days differ."""
    return _write(unit, company, code, days, own=False, source=source)


@needs("calendar.write")
def set_days(unit: Unit, *, company: Id, code: str, edit: CalendarEdit) -> int:
    """Say what days are; seeding leaves them alone from now on. Returns how many days differ.

    Raises ``Refused("calendar.large")``.
    """
    unit.lock(("tariffs", company))
    days = edit.applied(calendar(unit, company=company, code=code).days)
    return _write(unit, company, code, days, own=True, source=BY_HAND)


def _write(
    unit: Unit, company: Id, code: str, days: Mapping[date, CalendarDay], *, own: bool, source: str
) -> int:  # fmt: skip
    unit.lock(("tariffs", company))
    known = {row.day: row for row in days_of(unit, company=company, code=code)}
    wanted = [store.day_row(company, code, day, value, own=own) for day, value in sorted(days.items())]
    wanted = [row for row in wanted if _counts(row, known.get(row.day))]
    fresh = [row for row in wanted if row.day not in known]
    if len(known) + len(fresh) > store.DAYS_MAX:
        raise Refused("calendar.large", most=store.DAYS_MAX)
    if wanted:
        for row in wanted:
            if row.day in known:
                unit.run(store.UPDATE_DAY, row, company=company, calendar_code=code, on_day=row.day)
        unit.run_all(store.INSERT_DAY, fresh)
        edition = unit.new_id()
        made = unit.run(store.INSERT_CALENDAR, company_id=company, code=code, edition=edition, changed_at=unit.now)
        if made != 1:
            unit.run(store.CHANGE_CALENDAR, company=company, calendar_code=code, new_edition=edition, now=unit.now)
        unit.append(
            CalendarChanged(code, source, len(wanted), wanted[0].day, wanted[-1].day), company=company, lot=None,
            key=company,
        )  # fmt: skip
    tell_alarms(unit, company=company)
    if wanted:
        _record(unit, company, code, source, {row.day: known.get(row.day) for row in wanted}, wanted)
    return len(wanted)


def _said(row: store.DayRow | None) -> dict[str, object] | None:
    return None if row is None else {"kind": row.kind.value, "name": row.name_zh, "words": list(row.words)}


def _record(
    unit: Unit, company: Id, code: str, source: str, before: Mapping[str, store.DayRow | None],
    after: Sequence[store.DayRow],
) -> None:  # fmt: skip
    """Write down which days were said to be what, of a bounded number each, of the others how many there are."""
    told = after[:TOLD_MAX]
    was = {row.day: _said(before[row.day]) for row in told}
    is_now: dict[str, object] = {"source": source, "days": len(after), **{row.day: _said(row) for row in told}}
    tenancy.record(unit, tenancy.Deed("calendar.changed", "calendar", code, company, before=was, after=is_now))


def _counts(row: store.DayRow, known: store.DayRow | None) -> bool:
    """Tell whether a day has to be written: it is new, or differs, and a person's word stands above a library's."""
    if known is None:
        return True
    if known.own and not row.own:
        return False
    return (known.value, known.own) != (row.value, row.own)


def needed_calendars(reader: Reader, *, company: Id) -> Mapping[str, tuple[str, ...]]:
    """Return the calendars that tariffs of now and of later need, each with the codes of those tariffs."""
    by_code: dict[str, list[TariffVersion]] = {}
    for version in reader.all(version_store.VERSIONS, company=company):
        by_code.setdefault(version.code, []).append(version)
    needed: dict[str, set[str]] = {}
    for code, found in by_code.items():
        states = states_of([version.standing for version in found], reader.now)
        for version in found:
            over = states[version.number] in (VersionState.SUPERSEDED, VersionState.ENDED)
            if not over and calendar_words(version.tariff):
                needed.setdefault(version.tariff.calendar, set()).add(code)
    return {code: tuple(sorted(tariffs)) for code, tariffs in sorted(needed.items())}


@inner
def tell_alarms(unit: Unit, *, company: Id) -> None:
    """Raise an alarm for every calendar that tariffs need and that is missing or ends soon; clear those that are over.

    Called by whatever changes a tariff or a calendar, and once a day, because time passes by itself.
    """
    today = _today(unit)
    troubles = []
    for code, tariffs in needed_calendars(unit, company=company).items():
        trouble = _trouble(calendar(unit, company=company, code=code), code, tariffs, today)
        if trouble is not None:
            troubles.append(trouble)
    alarms.tell(unit, company=company, kinds=ALARM_KINDS, troubles=troubles)


def _trouble(found: Calendar, code: str, tariffs: tuple[str, ...], today: date) -> Trouble | None:
    named = ", ".join(tariffs[:NAMED_MAX]) + (", …" if len(tariffs) > NAMED_MAX else "")
    params: dict[str, Param] = {"calendar": code, "tariffs": named}
    if found.ends is None:
        return Trouble(MISSING, code, params)
    if (found.ends - today).days >= CALENDAR_WARN_DAYS:
        return None
    return Trouble(ENDING, code, {**params, "last": (found.ends - timedelta(days=1)).isoformat()})


def _today(reader: Reader) -> date:
    return as_datetime(reader.now).date()  # in UTC: 60 days do not depend on a zone


def _of_row(reader: Reader, row: store.CalendarRow) -> Calendar:
    found = _READ.get(row.edition)
    if found is None:
        rows = reader.all(store.DAYS, company=row.company, calendar_code=row.code)
        days = {day.date: day.value for day in rows}
        if len(_READ) >= _READ_MAX:
            _READ.clear()
        found = _READ[row.edition] = Calendar(row.code, days, end_of(days))
    return found


def _view(found: Calendar, row: store.CalendarRow) -> CalendarView:
    last = None if found.ends is None else found.ends - timedelta(days=1)
    return CalendarView(row.code, row.changed_at, min(found.days, default=None), last, len(found.days))


_NOTHING = Calendar("")
