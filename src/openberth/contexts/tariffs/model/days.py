"""The days that tariffs speak of, and what a calendar has to know for them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from openberth.contexts.tariffs.model.needs import plans_of
from openberth.contexts.tariffs.model.tariff import WEEKDAYS, CalendarDay, DayKind, DayWord, Tariff

CALENDAR_WARN_DAYS = (
    60  # so long before a calendar ends it is told of: the next year's days off are published in autumn
)
OWN_WORD = re.compile(r"[a-z][a-z0-9-]{0,39}")

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WITHOUT = frozenset({*WEEKDAYS, DayWord.ALL.value})
_BUILT_IN = frozenset({*WEEKDAYS, *(word.value for word in DayWord)})


@dataclass(frozen=True, slots=True)
class CalendarChanged:
    """Days of a company's calendar were seeded from a library or set by a person; ``days`` of them differ."""

    KIND: ClassVar[str] = "tariffs.calendar_changed"
    VERSION: ClassVar[int] = 1

    calendar: str
    source: str
    days: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class DayChange:
    """What a person says of the days from ``first`` to ``last``; None: as it was, or as its weekday is."""

    first: date
    last: date
    kind: DayKind | None = None
    name_zh: str | None = None
    name_en: str | None = None
    words: tuple[str, ...] | None = None

    def applied(self, before: CalendarDay) -> CalendarDay:
        """Return a day as it is after the change; a day of another kind loses the name it had."""
        kind = self.kind or before.kind
        kept = kind is before.kind
        return CalendarDay(
            kind,
            self.name_zh if self.name_zh is not None else before.name_zh if kept else "",
            self.name_en if self.name_en is not None else before.name_en if kept else "",
            before.words if self.words is None else self.words,
        )


@dataclass(frozen=True, slots=True)
class CalendarEdit:
    """What a person says of a calendar: changes one after the other, on top of years that are complete with them."""

    complete: tuple[int, ...] = ()
    changes: tuple[DayChange, ...] = ()

    def applied(self, known: Mapping[date, CalendarDay]) -> dict[date, CalendarDay]:
        """Return the days that are spoken of, as they are afterwards."""
        plain = {day: weekday_of(day) for year in self.complete for day in span(date(year, 1, 1), date(year, 12, 31))}
        days: dict[date, CalendarDay] = {}
        for change in self.changes:
            for day in span(change.first, change.last):
                days[day] = change.applied(days.get(day) or known.get(day) or weekday_of(day))
        return plain | days


def weekday_of(day: date) -> CalendarDay:
    """Return what a day is when nothing is said of it."""
    return CalendarDay(DayKind.WORKDAY if day.weekday() < WEEKDAYS.index("sat") else DayKind.WEEKEND)


def span(first: date, last: date) -> Iterator[date]:
    """Yield the days from the first to the last, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def calendar_words(tariff: Tariff) -> frozenset[str]:
    """Return the day words of a tariff that only a calendar can explain."""
    return frozenset(word for word in _words(tariff) if word not in _WITHOUT and not _DATE.fullmatch(word))


def own_words(tariff: Tariff) -> frozenset[str]:
    """Return the day words that an operator made up."""
    return calendar_words(tariff) - _BUILT_IN


def is_own_word(word: str) -> bool:
    """Tell whether a word may be an operator's own: short, in small letters, and without a meaning already."""
    return OWN_WORD.fullmatch(word) is not None and word not in _BUILT_IN


def end_of(days: Mapping[date, CalendarDay]) -> date | None:
    """Return the first date after the first one that a calendar does not know; None when it knows none."""
    if not days:
        return None
    current = min(days)
    while current in days:
        current += timedelta(days=1)
    return current


def _words(tariff: Tariff) -> Iterator[str]:
    for plan in plans_of(tariff):
        yield from plan.condition.days
        for band in plan.bands:
            yield from band.days
