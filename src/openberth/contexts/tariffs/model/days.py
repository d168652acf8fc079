"""The days that tariffs speak of, and what a calendar has to know for them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from openberth.contexts.tariffs.model.tariff import WEEKDAYS, CalendarDay, DayWord, Plan, Tariff

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
    for plan in _plans(tariff):
        yield from plan.condition.days
        for band in plan.bands:
            yield from band.days


def _plans(tariff: Tariff) -> Iterator[Plan]:
    yield from tariff.plans
    for vehicle_class in tariff.classes:
        yield from vehicle_class.plans
