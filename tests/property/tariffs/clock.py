"""Which tariff day, band and window a minute lies in, found by looking at the clock every minute (ADR 0006, 4 and 5).

An edge "is the first instant at which the clock shows the hour or later". Watched minute by minute that is a clock that
is never put back: the highest wall time seen so far. It stands still while a repeated hour passes for the second time
and jumps with the clock over a skipped one; the hours of bands and of ``day_starts`` are read on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from openberth.contexts.tariffs.model import (
    Band,
    BandsBy,
    BeyondCalendar,
    Calendar,
    Condition,
    DayKind,
    NotComputable,
    Plan,
    Season,
    Tariff,
)
from openberth.kernel.time import Instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WATCHED_BEFORE = 4 * 60  # longer than the clocks of these zones were ever put back
PLAIN_WORDS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "all")
CALENDAR_WORDS = ("holiday", "eve", "makeup", "workday", "weekend")


class Walls:
    """The wall clock of a zone that is never put back, each minute from ``origin`` (minute 1) on."""

    def __init__(self, zone: str, origin: Instant) -> None:
        self.zone = ZoneInfo(zone)
        self.moment = EPOCH + timedelta(microseconds=origin) - WATCHED_BEFORE * MINUTE
        self.highest = self._shown()
        for _ in range(WATCHED_BEFORE):
            self._tick()
        self.seen: list[datetime] = []

    def at(self, minute: int) -> datetime:
        while len(self.seen) < minute:
            self._tick()
            self.seen.append(self.highest)
        return self.seen[minute - 1]

    def _tick(self) -> None:
        self.highest = max(self.highest, self._shown())
        self.moment += MINUTE

    def _shown(self) -> datetime:
        return self.moment.astimezone(self.zone).replace(tzinfo=None)


@lru_cache(maxsize=32)
def walls(zone: str, origin: Instant) -> Walls:
    return Walls(zone, origin)


def minute_of_day(wall: datetime) -> int:
    return wall.hour * 60 + wall.minute


def within(minute: int, start: int, end: int) -> bool:
    """Half-open hours that may wrap midnight; equal ends mean the whole day."""
    if start == end:
        return True
    return start <= minute < end if start < end else minute >= start or minute < end


def tariff_day(wall: datetime, day_starts: int) -> date:
    return (wall - day_starts * MINUTE).date()


def season_of(seasons: Sequence[Season], day: date) -> str | None:
    at = (day.month, day.day)
    for season in seasons:
        if season.first <= season.last:
            inside = season.first <= at <= season.last
        else:
            inside = at >= season.first or at <= season.last
        if inside:
            return season.code
    return None


def words_of(day: date, calendar: Calendar | None, beyond: BeyondCalendar) -> Iterator[tuple[str, bool]]:
    """Day words, most specific first, each with whether it is known; an own word that nobody knows is ``*``."""
    entry = None if calendar is None else calendar.days.get(day)
    weekday = day.weekday()
    known = entry is not None or beyond is BeyondCalendar.WEEKDAY
    kind = DayKind.WEEKEND if weekday >= 5 else DayKind.WORKDAY
    own: tuple[str, ...] = ()
    if entry is not None:
        kind, own = entry.kind, entry.words
    yield day.isoformat(), True
    if known:
        yield from ((word, True) for word in own)
    else:
        yield "*", False
    if not known or kind is DayKind.HOLIDAY:
        yield "holiday", known
    if not known or kind is not DayKind.HOLIDAY:
        tomorrow = None if calendar is None else calendar.days.get(day + timedelta(days=1))
        if tomorrow is None and beyond is BeyondCalendar.REFUSE:
            yield "eve", False
        if tomorrow is not None and tomorrow.kind is DayKind.HOLIDAY:
            yield "eve", True
    if not known or (weekday >= 5 and kind is DayKind.WORKDAY):
        yield "makeup", known
    yield PLAIN_WORDS[weekday], True
    if not known or kind is DayKind.WORKDAY:
        yield "workday", known
    if not known or kind is not DayKind.WORKDAY:
        yield "weekend", known
    yield "all", True


def is_own(word: str) -> bool:
    return word not in PLAIN_WORDS and word not in CALENDAR_WORDS and not word[0].isdigit()


def bands_of(plan: Plan, day: date, tariff: Tariff, calendar: Calendar | None) -> list[int]:
    """The numbers of the bands that hold on a tariff day."""
    season = season_of(plan.seasons, day)
    held = [n for n, band in enumerate(plan.bands) if not band.seasons or season in band.seasons]
    if len(plan.bands) == 1 and held and "all" in plan.bands[0].days and plan.bands[0].start == plan.bands[0].end:
        return held
    used = {word for n in held for word in plan.bands[n].days}
    for word, known in words_of(day, calendar, tariff.beyond_calendar):
        if not known and (word in used or (word == "*" and any(is_own(one) for one in used))):
            raise NotComputable("calendar", calendar=tariff.calendar, day=day.isoformat())
        if word in used:
            return [n for n in held if word in plan.bands[n].days]
    raise NotComputable("bands", day=day.isoformat())


def day_means(words: tuple[str, ...], day: date, tariff: Tariff, calendar: Calendar | None) -> bool:
    """Tell whether one of the words of a condition is one of the day's."""
    found = list(words_of(day, calendar, tariff.beyond_calendar))
    if any(known and word in words for word, known in found):
        return True
    if any(not known and (word in words or (word == "*" and any(map(is_own, words)))) for word, known in found):
        raise NotComputable("calendar", calendar=tariff.calendar, day=day.isoformat())
    return False


@dataclass(frozen=True)
class Place:
    """Where a minute lies."""

    day: date
    band: int
    window: int


class Book:
    """The places of all minutes of a stay under one plan, from the first minute that is the tariff's own."""

    def __init__(self, tariff: Tariff, plan: Plan, calendar: Calendar | None, clock: Walls, first: int) -> None:
        self.tariff, self.plan, self.calendar, self.clock, self.first = tariff, plan, calendar, clock, first
        self.places: list[Place] = []
        self.bands: dict[date, list[int]] = {}
        self.begun: dict[tuple[str, ...], list[int]] = {}

    def windows_begun(self, minute: int, codes: tuple[str, ...]) -> int:
        """How many windows of the bands (none named: of any) have begun until a minute, its own included."""
        counts = self.begun.setdefault(codes, [])
        while self.first + len(counts) <= minute:
            at = self.first + len(counts)
            begins = at == self.first or self.at(at).window != self.at(at - 1).window
            one = begins and (not codes or self.band(at).code in codes)
            counts.append((counts[-1] if counts else 0) + one)
        return counts[minute - self.first]

    def at(self, minute: int) -> Place:
        while self.first + len(self.places) <= minute:
            self.places.append(self._next())
        return self.places[minute - self.first]

    def band(self, minute: int) -> Band:
        return self.plan.bands[self.at(minute).band]

    def day(self, minute: int) -> date:
        return tariff_day(self.clock.at(minute), self.tariff.day_starts)

    def day_begun(self, minute: int) -> int:
        """The first minute, not before the first own one, of the tariff day in which a minute lies."""
        day = self.day(minute)
        while minute > self.first and self.day(minute - 1) == day:
            minute -= 1
        return minute

    def _next(self) -> Place:
        minute = self.first + len(self.places)
        day = self.day(minute)
        last = self.places[-1] if self.places else None
        if last is not None and self.plan.bands_by is BandsBy.ENTRY:
            return Place(day, last.band, last.window)
        if day not in self.bands:
            self.bands[day] = bands_of(self.plan, day, self.tariff, self.calendar)
        hour = minute_of_day(self.clock.at(minute))
        holding = [n for n in self.bands[day] if within(hour, self.plan.bands[n].start, self.plan.bands[n].end)]
        if len(holding) != 1:
            raise NotComputable("bands", day=day.isoformat(), minute=hour)
        if last is None:
            return Place(day, holding[0], 1)
        return Place(day, holding[0], last.window + (holding[0] != last.band))


def condition_holds(
    condition: Condition, tariff: Tariff, calendar: Calendar | None, zone: str, *, entered: Instant, left: Instant,
    minutes: int,
) -> bool:  # fmt: skip
    """Tell whether a plan may be used (ADR 0006, 10)."""
    came = walls(zone, entered).at(1)
    went = walls(zone, left).at(1)
    day = tariff_day(came, tariff.day_starts)
    entry, leave = real_wall(zone, entered), real_wall(zone, left)
    return (
        (condition.enter is None or within(minute_of_day(entry), *condition.enter))
        and (condition.leave is None or within(minute_of_day(leave), *condition.leave))
        and (not condition.same_day or day == tariff_day(went, tariff.day_starts))
        and condition.min_stay_minutes <= minutes
        and (condition.max_stay_minutes is None or minutes <= condition.max_stay_minutes)
        and (not condition.days or day_means(condition.days, day, tariff, calendar))
    )


def real_wall(zone: str, instant: Instant) -> datetime:
    return (EPOCH + timedelta(microseconds=instant)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
