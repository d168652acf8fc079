"""What people ask about money, and how the answer is made of rollup rows.

Days are whole days of each lot's own zone; the first and the last one asked for belong to it. Whole months are read
from rows of months, so that years cost no more than their months. Currencies are never added to one another.
"""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from openberth.contexts.insight.model.movements import MEASURES, Measure
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

YEARS_MAX_DAYS = 3_660
EARLIEST = date(2000, 1, 1)
LATEST = date(2199, 12, 31)
ROWS_MAX = 10_000

Value = str | Id | int
Sums = tuple[int, ...]  # minor units of every measure, then counts of every measure


class Dimension(StrEnum):
    """By what money is grouped."""

    PARTNER = "partner"
    COMPANY = "company"
    LOT = "lot"
    CHANNEL = "channel"
    METHOD = "method"
    TARIFF = "tariff"
    OPERATOR = "operator"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which money only. ``tariff`` is a code, ``operator`` the id or name in the log."""

    partner: Id | None = None
    company: Id | None = None
    lot: Id | None = None
    channel: Id | None = None
    method: str | None = None
    tariff: str | None = None
    operator: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """From the first to the last day, both included, grouped by dimensions in their order."""

    first: date
    last: date
    by: tuple[Dimension, ...] = ()
    only: Filters = field(default_factory=Filters)

    def __post_init__(self) -> None:
        if not EARLIEST <= self.first <= self.last <= LATEST or (self.last - self.first).days > YEARS_MAX_DAYS:
            raise Malformed("finance.period", most=YEARS_MAX_DAYS)


def dimensions(text: str) -> tuple[Dimension, ...]:
    """Read dimensions as people write them: ``lot,month``. Raises ``Malformed("finance.group_by")``."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    known = [each.value for each in Dimension]
    if len(set(words)) != len(words) or not set(words) <= set(known):
        raise Malformed("finance.group_by", known=", ".join(known))
    return tuple(Dimension(word) for word in words)


@dataclass(frozen=True, slots=True)
class Figures:
    """What money adds up to, in minor units of one currency, and how often."""

    sums: Sums

    def minor(self, measure: Measure) -> int:
        """Return minor units of a measure."""
        return self.sums[MEASURES.index(measure)]

    def count(self, measure: Measure) -> int:
        """Return how often a measure was counted."""
        return self.sums[len(MEASURES) + MEASURES.index(measure)]

    @property
    def receivable(self) -> int:
        """What was billed, less what was withdrawn."""
        return self.minor(Measure.BILLED) - self.minor(Measure.WITHDRAWN)

    @property
    def kept(self) -> int:
        """What was received, less all that went back."""
        return self.minor(Measure.RECEIVED) - self.minor(Measure.REFUNDED) - self.minor(Measure.RETURNED)

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)))


@dataclass(frozen=True, slots=True)
class Name:
    """What something is called: a code or an id, and words for people (empty: the code says it)."""

    code: str
    zh: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One group: its names in the order of the question's dimensions (None: nothing of that kind), and its figures."""

    names: tuple[Name | None, ...]
    currency: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class AsOf:
    """Up to where an answer counts: the position in the log, and the instant before which everything is counted.

    ``behind``: something that has happened is not counted yet. ``parked`` keys wait for a person.
    """

    position: int
    at: Instant
    behind: bool
    parked: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Lines by name, the totals by currency, and up to where they count."""

    question: Question
    as_of: AsOf
    lines: tuple[Line, ...]
    totals: Mapping[str, Figures]


def ranges_of(first: date, last: date, *, by_day: bool) -> list[tuple[int, int]]:
    """Return the periods of rows that together are the days asked for: days, whole months, days."""
    if by_day:
        return [(_day(first), _day(last))]
    found: list[tuple[int, int]] = []
    start = first if first.day == 1 else _month_end(first) + timedelta(days=1)  # the first whole month
    end = last if last == _month_end(last) else last.replace(day=1) - timedelta(days=1)  # the last day of the last one
    if start > end:
        return [(_day(first), _day(last))]
    if first < start:
        found.append((_day(first), _day(start - timedelta(days=1))))
    found.append((start.year * 100 + start.month, end.year * 100 + end.month))
    if end < last:
        found.append((_day(end + timedelta(days=1)), _day(last)))
    return found


def lines_of(rows: Iterable[tuple[tuple[Name | None, ...], str, Sums]]) -> list[Line]:
    """Add rows of the same names and currency up, and put them in order."""
    found: dict[tuple[tuple[Name | None, ...], str], Figures] = {}
    for names, currency, sums in rows:
        figures = Figures(sums)
        known = found.get((names, currency))
        found[names, currency] = figures if known is None else known + figures
    lines = [Line(names, currency, figures) for (names, currency), figures in found.items()]
    return sorted(lines, key=lambda line: (line.currency, *("" if one is None else one.code for one in line.names)))


def totals_of(lines: Sequence[Line]) -> dict[str, Figures]:
    """Return what lines add up to, by currency."""
    found: dict[str, Figures] = {}
    for line in lines:
        known = found.get(line.currency)
        found[line.currency] = line.figures if known is None else known + line.figures
    return dict(sorted(found.items()))


def period_name(period: int) -> str:
    """Return a day or a month as people write it: 2026-11-30, 2026-11."""
    text = str(period)
    return "-".join(part for part in (text[:4], text[4:6], text[6:]) if part)


def _day(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
