"""Day types from two maintained libraries, both of them read when a calendar is seeded and never at a lane.

``chinese_calendar`` has what the State Council announces every autumn: days off with the make-up workdays they cost. It
refuses years that have not been announced. ``holidays`` knows the other regions of the world.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from openberth.contexts.tariffs.model import CalendarDay, DayKind
from openberth.kernel.errors import Refused

if TYPE_CHECKING:
    from holidays import HolidayBase

CHINA = "cn"
NAME_MAX = 80
_SATURDAY = 5


class LibraryDays:
    """Reads both libraries; they are imported when they are asked, for they cost a tenth of a second."""

    name = "library"

    def days(self, calendar: str, years: Iterable[int]) -> Mapping[date, CalendarDay]:
        """Return every day of those of the years that the library of the region knows."""
        wanted = sorted(set(years))
        return dict(_china(wanted) if calendar == CHINA else _elsewhere(calendar, wanted))


def _china(years: list[int]) -> Iterator[tuple[date, CalendarDay]]:
    from chinese_calendar import constants

    known = {day.year for day in constants.holidays}
    names = {holiday.value: holiday.chinese for holiday in constants.Holiday}
    for day in _days_of(year for year in years if year in known):
        holiday = constants.holidays.get(day)
        if holiday is not None:
            yield day, CalendarDay(DayKind.HOLIDAY, names.get(holiday, holiday), holiday)
        elif day in constants.workdays or day.weekday() < _SATURDAY:
            yield day, CalendarDay(DayKind.WORKDAY)
        else:
            yield day, CalendarDay(DayKind.WEEKEND)


def _elsewhere(calendar: str, years: list[int]) -> Iterator[tuple[date, CalendarDay]]:
    import holidays

    country, _, part = calendar.upper().partition("-")
    try:
        in_english = holidays.country_holidays(country, subdiv=part or None)
        in_english = _speaking(in_english, country, part, years, "en_US")
        in_chinese = _speaking(in_english, country, part, years, "zh_CN")
    except NotImplementedError:
        raise Refused("calendar.region", calendar=calendar) from None
    known = range(in_english.start_year, in_english.end_year + 1)
    for day in _days_of(year for year in years if year in known):
        name = in_english.get(day)
        if name is not None:
            chinese = in_chinese.get(day) or name
            yield day, CalendarDay(DayKind.HOLIDAY, chinese[:NAME_MAX], name[:NAME_MAX])
        elif in_english.is_weekend(day) and day not in in_english.weekend_workdays:
            yield day, CalendarDay(DayKind.WEEKEND)
        else:
            yield day, CalendarDay(DayKind.WORKDAY)


def _speaking(found: "HolidayBase", country: str, part: str, years: list[int], language: str) -> "HolidayBase":
    """Return the holidays of a region in a language where the library has it, else in its own."""
    import holidays

    own = language if language in (found.supported_languages or ()) else None
    return holidays.country_holidays(country, subdiv=part or None, years=years, language=own)


def _days_of(years: Iterable[int]) -> Iterator[date]:
    for year in years:
        day = date(year, 1, 1)
        while day.year == year:
            yield day
            if day == date.max:
                return
            day += timedelta(days=1)
