"""The days of calendars, read as a whole and kept in memory under their edition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, select, update

from openberth.contexts.tariffs.model import CalendarDay, DayKind
from openberth.contexts.tariffs.store.tables import calendar, calendar_day
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

CALENDARS_MAX = 200
DAYS_MAX = 40_000  # of one calendar: more than a hundred years


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """A calendar of a company without its days."""

    company: Id
    code: str
    edition: Id
    changed_at: Instant


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day as stored; attributes are columns."""

    company_id: Id
    calendar: str
    day: str
    kind: DayKind
    name_zh: str
    name_en: str
    words: Sequence[str]
    own: bool

    @property
    def date(self) -> date:
        """Return the day as a date."""
        return date.fromisoformat(self.day)

    @property
    def value(self) -> CalendarDay:
        """Return what is known of the day."""
        return CalendarDay(self.kind, self.name_zh, self.name_en, tuple(self.words))


def day_row(company: Id, code: str, day: date, value: CalendarDay, *, own: bool) -> DayRow:
    """Return how a day is stored."""
    return DayRow(company, code, day.isoformat(), value.kind, value.name_zh, value.name_en, list(value.words), own)


_C = calendar.c
_D = calendar_day.c
_OF_CALENDAR = (_C.company_id == bindparam("company"), _C.code == bindparam("calendar_code"))
_DAYS_OF_CALENDAR = (_D.company_id == bindparam("company"), _D.calendar == bindparam("calendar_code"))

CALENDAR = Query(select(calendar).where(*_OF_CALENDAR), CalendarRow)
CALENDARS = Query(
    select(calendar).where(_C.company_id == bindparam("company")).order_by(_C.code).limit(CALENDARS_MAX), CalendarRow
)
DAYS = Query(select(calendar_day).where(*_DAYS_OF_CALENDAR).order_by(_D.day).limit(DAYS_MAX), DayRow)
INSERT_CALENDAR = insert_into(calendar, once=True)
CHANGE_CALENDAR = Write(
    update(calendar).where(*_OF_CALENDAR).values(edition=bindparam("new_edition"), changed_at=bindparam("now"))
)
INSERT_DAY = insert_into(calendar_day)
UPDATE_DAY = Write(
    update(calendar_day)
    .where(*_DAYS_OF_CALENDAR, _D.day == bindparam("on_day"))
    .values(
        kind=bindparam("kind"),
        name_zh=bindparam("name_zh"),
        name_en=bindparam("name_en"),
        words=bindparam("words"),
        own=bindparam("own"),
    )
)
