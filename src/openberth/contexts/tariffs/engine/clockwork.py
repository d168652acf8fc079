"""Which band holds when: tariff days, day words, seasons and the edges of bands as instants (ADR 0006, 4 and 5)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from openberth.contexts.tariffs.model import (
    DAY_MINUTES,
    WEEKDAYS,
    Band,
    BeyondCalendar,
    Calendar,
    CalendarDay,
    DayKind,
    DayWord,
    NotComputable,
    Plan,
    Season,
    Tariff,
)
from openberth.kernel.time import MINUTE_US

_EPOCH = datetime.fromordinal(date(1970, 1, 1).toordinal())
_MICROSECOND = timedelta(microseconds=1)
_CACHED_DAYS = 4_000
_WITHOUT_CALENDAR = frozenset({DayWord.ALL.value, *WEEKDAYS})


class TariffDay(NamedTuple):
    """A tariff day as instants: ``start``, ``end`` and where which band (its number in the plan) begins."""

    start: int
    end: int
    bands: tuple[tuple[int, int], ...]


class Clockwork:
    """The wall clock of one plan. ``always`` is the band that holds at all times, None when hours or days matter."""

    __slots__ = ("_beyond", "_calendar", "_day_starts", "_days", "_pieces", "_plan", "_used", "always", "zone")

    def __init__(self, plan: Plan, tariff: Tariff, zone: str, calendar: Calendar | None) -> None:
        self._plan = plan
        self._day_starts = tariff.day_starts
        self._calendar = calendar
        self._beyond = tariff.beyond_calendar
        self.zone = _zone(zone)
        self.always = 0 if len(plan.bands) == 1 and _is_always(plan.bands[0]) else None
        self._days: dict[int, TariffDay] = {}
        self._pieces: dict[tuple[str, str], tuple[tuple[int, int], ...]] = {}
        self._used = {code: _words_used(plan, code) for code in ("", *(season.code for season in plan.seasons))}

    def day_at(self, instant: int) -> int:
        """Return the ordinal of the date whose tariff day an instant lies in."""
        ordinal = local(self.zone, instant).toordinal()
        while instant < self.starts(ordinal):
            ordinal -= 1
        while instant >= self.starts(ordinal + 1):
            ordinal += 1
        return ordinal

    def starts(self, ordinal: int) -> int:
        """Return the first instant of a tariff day."""
        return first_instant(self.zone, ordinal, self._day_starts)

    def at(self, ordinal: int, minute: int) -> int:
        """Return the first instant of a date at which the clock shows a minute or later."""
        return first_instant(self.zone, ordinal, minute)

    def day(self, ordinal: int) -> TariffDay:
        """Return a tariff day with its bands. Raises ``NotComputable`` where none is known to hold."""
        found = self._days.get(ordinal)
        if found is None:
            if len(self._days) >= _CACHED_DAYS:
                self._days.clear()
            found = self._days[ordinal] = self._made(ordinal)
        return found

    def band_at(self, instant: int) -> int:
        """Return the number of the band that holds at an instant."""
        if self.always is not None:
            return self.always
        return [band for start, band in self.day(self.day_at(instant)).bands if start <= instant][-1]

    def is_day(self, ordinal: int, words: tuple[str, ...]) -> bool:
        """Tell whether any of the day words is true of a date."""
        needed = set(words)
        return any(word in needed for word in self._words(date.fromordinal(ordinal), needed))

    def _made(self, ordinal: int) -> TariffDay:
        start, end = self.starts(ordinal), self.starts(ordinal + 1)
        if self.always is not None:
            return TariffDay(start, end, ((start, self.always),))
        bands: list[tuple[int, int]] = []
        for minute, band in self._tiling(date.fromordinal(ordinal)):
            wall = self._day_starts + minute
            at = first_instant(self.zone, ordinal + wall // DAY_MINUTES, wall % DAY_MINUTES) if minute else start
            at = max(start, at)
            while bands and bands[-1][0] >= at:  # hours that the clock jumped over
                bands.pop()
            if at < end:
                bands.append((at, band))
        return TariffDay(start, end, tuple(bands))

    def _tiling(self, day: date) -> tuple[tuple[int, int], ...]:
        """Return where in the tariff day, in minutes, which band begins."""
        season = season_of(self._plan.seasons, day)
        used = self._used[season]
        for word in self._words(day, used):
            if word in used:
                key = (season, word)
                if key not in self._pieces:
                    self._pieces[key] = tiling(self._plan, season, word, self._day_starts)
                return self._pieces[key]
        raise NotComputable("no_band", day=day.isoformat())

    def _words(self, day: date, used: set[str]) -> Iterator[str]:
        """Yield what is true of a day, the most specific word first; the calendar is asked only when it matters."""
        yield day.isoformat()
        weekday = WEEKDAYS[day.weekday()]
        weekend = day.weekday() >= 5
        known: CalendarDay | None = None
        if any(word not in _WITHOUT_CALENDAR and not word[:1].isdigit() for word in used):
            known = self._known(day)
        if known is None:
            yield weekday
        else:
            yield from known.words
            if known.kind is DayKind.HOLIDAY:
                yield DayWord.HOLIDAY.value
            elif DayWord.EVE in used and self._known(day + timedelta(days=1)).kind is DayKind.HOLIDAY:
                yield DayWord.EVE.value
            if weekend and known.kind is DayKind.WORKDAY:
                yield DayWord.MAKEUP.value
            yield weekday
            yield (DayWord.WORKDAY if known.kind is DayKind.WORKDAY else DayWord.WEEKEND).value
        yield DayWord.ALL.value

    def _known(self, day: date) -> CalendarDay:
        found = None if self._calendar is None else self._calendar.days.get(day)
        if found is not None:
            return found
        if self._beyond is BeyondCalendar.REFUSE:
            raise NotComputable("calendar_ended", day=day.isoformat())
        return CalendarDay(DayKind.WEEKEND if day.weekday() >= 5 else DayKind.WORKDAY)


def tiling(plan: Plan, season: str, word: str, day_starts: int) -> tuple[tuple[int, int], ...]:
    """Return at which minute after ``day_starts`` which band begins on days of a word; they must cover the day once.

    Raises ``NotComputable`` with the minute of the wall clock at which they do not.
    """
    pieces: list[tuple[int, int, int]] = []
    for number, band in enumerate(plan.bands):
        if word not in band.days or (band.seasons and season not in band.seasons):
            continue
        start = (band.start - day_starts) % DAY_MINUTES
        length = (band.end - band.start) % DAY_MINUTES or DAY_MINUTES
        pieces.append((start, min(start + length, DAY_MINUTES), number))
        if start + length > DAY_MINUTES:
            pieces.append((0, start + length - DAY_MINUTES, number))
    edge = 0
    begins: list[tuple[int, int]] = []
    for start, end, number in sorted(pieces):
        if start != edge:
            raise NotComputable("bands", word=word, minute=(day_starts + min(start, edge)) % DAY_MINUTES)
        if not begins or begins[-1][1] != number:
            begins.append((start, number))
        edge = end
    if edge != DAY_MINUTES:
        raise NotComputable("bands", word=word, minute=(day_starts + edge) % DAY_MINUTES)
    return tuple(begins)


def season_of(seasons: tuple[Season, ...], day: date) -> str:
    """Return the code of the first season that contains a date, empty for none."""
    at = (day.month, day.day)
    for season in seasons:
        if season.first <= season.last:
            if season.first <= at <= season.last:
                return season.code
        elif at >= season.first or at <= season.last:
            return season.code
    return ""


def local(zone: ZoneInfo, instant: int) -> datetime:
    """Return what the wall clock shows at an instant."""
    utc = _EPOCH + timedelta(microseconds=instant)
    return utc.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=20_000)
def first_instant(zone: ZoneInfo, ordinal: int, minute: int) -> int:
    """Return the first instant of a date at which the clock shows so many minutes after midnight, or more."""
    wall = datetime.fromordinal(ordinal) + timedelta(minutes=minute)
    offset = wall.replace(tzinfo=zone, fold=0).utcoffset() or timedelta(0)
    instant = (wall - offset - _EPOCH) // _MICROSECOND
    shown = local(zone, instant)
    if shown == wall:
        return instant
    # The clock never shows this: it jumped over. The jump lies at most the jump's width before.
    low, high = instant - (shown - wall) // _MICROSECOND, instant
    while high - low > MINUTE_US:
        middle = low + (high - low) // (2 * MINUTE_US) * MINUTE_US
        if local(zone, middle) >= wall:
            high = middle
        else:
            low = middle
    return high if local(zone, low) < wall else low


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise NotComputable("zone", zone=name) from None


def _is_always(band: Band) -> bool:
    return band.start == band.end and DayWord.ALL.value in band.days and not band.seasons


def _words_used(plan: Plan, season: str) -> set[str]:
    return {word for band in plan.bands if not band.seasons or season in band.seasons for word in band.days}
