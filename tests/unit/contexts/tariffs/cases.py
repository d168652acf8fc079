"""How the tests of tariffs write a case: who came when, for how long, in what, and what it costs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tariffs.engine import single
from openberth.contexts.tariffs.model import WEEKDAYS, Calendar, CalendarDay, DayKind, Quote, Tariff, Terms, Vehicle
from openberth.kernel.time import MINUTE_US, Instant, instant_of, later

FOLDER = Path(__file__).parents[4] / "tariffs"
LIBRARY = sorted(FOLDER.glob("*.yaml"))
HEAD = "tariff: openberth/1\ncode: case\ncompany: demo\nname: {zh: 例, en: Case}\n"

_MONDAY = date(2026, 11, 23)
_ROW = re.compile(
    r"#   (?:(?P<day>Mon|Tue|Wed|Thu|Fri|Sat|Sun|\d{4}-\d\d-\d\d) (?P<at>\d\d:\d\d) +)?"
    r"(?P<stay>\d+ (?:min|h)(?: \d+ min)?) +(?P<price>\d+\.\d\d)(?: +\[(?P<vehicle>[a-z_ ]+)\])?(?: {2,}(?P<words>.*))?"
)
_SPAN = re.compile(r"(?:(?P<h>\d+) h)? ?(?:(?P<min>\d+) min)?")


def _calendar(code: str, holidays: tuple[tuple[str, int], ...], makeups: tuple[str, ...]) -> Calendar:
    """Return the year 2026 with holidays, given as first days and lengths, and weekend days on which people work."""
    days = {}
    for number in range(365):
        on = date(2026, 1, 1) + timedelta(number)
        days[on] = CalendarDay(DayKind.WEEKEND if on.weekday() > 4 else DayKind.WORKDAY)
    for first, length in holidays:
        for number in range(length):
            days[date.fromisoformat(first) + timedelta(number)] = CalendarDay(DayKind.HOLIDAY)
    for on in map(date.fromisoformat, makeups):
        days[on] = CalendarDay(DayKind.WORKDAY)
    return Calendar(code, days, date(2027, 1, 1))


CALENDARS: Mapping[str, Calendar] = {
    "cn": _calendar("cn", (("2026-01-01", 3), ("2026-10-01", 7)), ("2026-01-04", "2026-09-20", "2026-10-10")),
    "sg": _calendar("sg", (("2026-01-01", 1), ("2026-12-25", 1)), ()),
}


@dataclass(frozen=True)
class Row:
    """A row of the table in a tariff file."""

    day: str
    at: str
    stay: str
    price: str
    vehicle: str


def rows_of(path: Path) -> list[Row]:
    """Return the expected prices in the comments of a tariff file."""
    return rows_in(path.read_text("utf-8"))


def rows_in(text: str) -> list[Row]:
    """Return the expected prices in comments."""
    found = (_ROW.fullmatch(line) for line in text.splitlines())
    return [
        Row(match["day"] or "Mon", match["at"] or "09:00", match["stay"], match["price"], match["vehicle"] or "")
        for match in found
        if match is not None
    ]


def table_lines(path: Path) -> list[str]:
    """Return the lines that stand in the table of a tariff file, read or not."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line.startswith("#   ")]
    return [line for line in lines if not re.fullmatch(r"#   (entered +)?stay +price( +vehicle)?", line)]


def minutes_of(stay: str) -> int:
    """Return the minutes of ``2 h 15 min``."""
    match = _SPAN.fullmatch(stay)
    assert match is not None, stay
    return int(match["h"] or 0) * 60 + int(match["min"] or 0)


def vehicle_of(text: str) -> Vehicle:
    """Return the vehicle that ``size large``, ``tag owner``, ``colour green`` or a word such as ``disabled`` means."""
    word, _, value = text.partition(" ")
    if word == "":
        return Vehicle()
    if word == "tag":
        return Vehicle(tags=frozenset({value}))
    if word == "size":
        return Vehicle(size=value)
    if word == "colour":
        return Vehicle(colour=value)
    return {"new_energy": Vehicle(new_energy=True), "disabled": Vehicle(disabled=True)}[word]


def moment(day: str, at: str, zone: str) -> Instant:
    """Return the instant of ``Mon 10:00`` (of one week without holidays) or of a date, on the wall clock of a zone."""
    on = _MONDAY + timedelta(WEEKDAYS.index(day.lower())) if len(day) == 3 else date.fromisoformat(day)
    return instant_of(datetime.fromisoformat(f"{on}T{at}").replace(tzinfo=ZoneInfo(zone)))


def quoted(tariff: Tariff, day: str, at: str, stay: str, vehicle: str = "") -> Quote:
    """Price a stay."""
    entered = moment(day, at, tariff.zone or "Asia/Shanghai")
    terms = Terms(tariff.currency, vehicle=vehicle_of(vehicle), calendars=CALENDARS)
    return single(tariff, entered=entered, until=later(entered, minutes_of(stay) * MINUTE_US), terms=terms)


def fee(tariff: Tariff, day: str, at: str, stay: str, vehicle: str = "") -> str:
    """Return what a stay costs, in major units, after holding the quote against what every quote must hold."""
    found = quoted(tariff, day, at, stay, vehicle)
    assert sum(line.amount.minor for line in found.lines) == found.total.minor
    assert found.charged_minutes + found.free_minutes + found.outside_minutes == minutes_of(stay)
    assert sum(line.minutes for line in found.lines) == minutes_of(stay)
    return found.total.amount_text


def ready(code: str) -> Tariff:
    """Return a tariff of the library."""
    return read_tariff((FOLDER / f"{code}.yaml").read_text("utf-8"), name=code)


def stated(body: str, currency: str = "SGD", zone: str | None = "Asia/Singapore") -> Tariff:
    """Return a tariff of which only the prices matter; without a zone the body names one."""
    named = "" if zone is None else f"zone: {zone}\n"
    return read_tariff(f"{HEAD}currency: {currency}\n{named}{body}", name="case")
