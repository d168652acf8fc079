"""Checks of bands: on every day of every season, one band and not two hold at every hour.

A tariff day is a circle of 24 hours wherever it begins, so ``day_starts`` shifts no gap: what matters is that the bands
of the word that decides a day fill the circle once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from difflib import get_close_matches

from openberth.contexts.tariffs.document.layers import CHARGED, PlanLayers
from openberth.contexts.tariffs.document.parts import BandPart, CapPart, SeasonPart
from openberth.contexts.tariffs.document.reading import ALWAYS
from openberth.contexts.tariffs.document.values import hours_of, hours_text, month_day_of
from openberth.contexts.tariffs.model import DAY_MINUTES, WEEKDAYS, DayWord
from openberth.infra.documents import Flaw, Path, flaw, listed

_WORDS = (*WEEKDAYS, *(word.value for word in DayWord))
# What people write for one of the words; other near misses are found by likeness.
_MEANT = {
    "monday": "mon", "tuesday": "tue", "tues": "tue", "wednesday": "wed", "weds": "wed", "thursday": "thu",
    "thur": "thu", "thurs": "thu", "friday": "fri", "saturday": "sat", "sunday": "sun", "weekday": "workday",
    "weekdays": "workday", "daily": "all", "everyday": "all", "any": "all", "public-holiday": "holiday",
    "make-up": "makeup", "holiday-eve": "eve",
}  # fmt: skip
_LIKENESS = 0.8
_A_LEAP_YEAR = date(2000, 1, 1)


def band_flaws(plan: PlanLayers) -> Iterator[Flaw]:
    """Check the bands of a plan with its seasons and caps."""
    charged, seasons, caps = plan.find(*CHARGED), plan.find("seasons"), plan.find("caps")
    if charged is None:
        return
    parts: Sequence[SeasonPart] = () if seasons is None else seasons.value
    bands: Sequence[BandPart] = charged.value if isinstance(charged.value, list) else ()
    if caps is not None:
        yield from _cap_bands(caps.value, caps.path, [band.code for band in bands] or [ALWAYS])
    if not bands:
        return
    found = [*_unknown_seasons(bands, parts, charged.path), *day_flaws_of(bands, charged.path)]
    yield from found
    if not found:
        yield from _coverage(bands, parts, charged.path)


def _cap_bands(caps: Sequence[CapPart], path: Path, codes: Sequence[str]) -> Iterator[Flaw]:
    for index, cap in enumerate(caps):
        for number, code in enumerate(cap.bands):
            if code not in codes:
                here: Path = (*path, index, "bands", number)
                yield _unknown(here, code, codes, "tariff.unknown_band", "tariff.unknown_band_near")


def _unknown(path: Path, value: str, known: Sequence[str], code: str, near_code: str) -> Flaw:
    """Return the flaw of a name that means nothing, with the one that may be meant."""
    near = get_close_matches(value, known, n=1, cutoff=0.6)
    if near:
        return Flaw(path, near_code, {"value": value, "near": near[0]})
    return Flaw(path, code, {"value": value, "known": listed(known) or "–"})


def _unknown_seasons(bands: Sequence[BandPart], seasons: Sequence[SeasonPart], path: Path) -> Iterator[Flaw]:
    codes = [season.code for season in seasons]
    for index, band in enumerate(bands):
        for number, code in enumerate(band.seasons):
            if code not in codes:
                here: Path = (*path, index, "seasons", number)
                yield _unknown(here, code, codes, "tariff.unknown_season", "tariff.unknown_season_near")


def day_flaws_of(bands: Sequence[BandPart], path: Path) -> Iterator[Flaw]:
    """Check the day words of bands."""
    for index, band in enumerate(bands):
        yield from day_flaws(band.days, (*path, index, "days"))


def day_flaws(words: Sequence[str], path: Path) -> Iterator[Flaw]:
    """Find dates that do not exist and words that are nearly a day word; others are the operator's own."""
    for index, word in enumerate(words):
        if word in _WORDS:
            continue
        if word[:1].isdigit():
            try:
                date.fromisoformat(word)
            except ValueError:
                yield flaw((*path, index), "document.date", value=word)
            continue
        near = _MEANT.get(word) or next(iter(get_close_matches(word, _WORDS, n=1, cutoff=_LIKENESS)), None)
        if near is not None:
            yield flaw((*path, index), "tariff.unknown_day_near", value=word, near=near)


def _coverage(bands: Sequence[BandPart], seasons: Sequence[SeasonPart], path: Path) -> Iterator[Flaw]:
    for season in _seasons_of_the_year(seasons):
        holding = {index: band for index, band in enumerate(bands) if not band.seasons or season in band.seasons}
        words: dict[str, list[int]] = {}
        for index, band in holding.items():
            for word in dict.fromkeys(band.days):
                words.setdefault(word, []).append(index)
        for word, indices in words.items():
            yield from _circle(word, season, {index: bands[index] for index in indices}, path)
        missing = _days_without(words)
        if missing:
            yield flaw(path, "tariff.day_gap", days=listed(missing), season=season or "–")


def _seasons_of_the_year(seasons: Sequence[SeasonPart]) -> list[str]:
    """Return the seasons that some date belongs to; "" where a date belongs to none."""
    if not seasons:
        return [""]
    spans = [(season.code, month_day_of(season.first), month_day_of(season.last)) for season in seasons]
    found: dict[str, None] = {}
    for number in range(366):
        on = _A_LEAP_YEAR + timedelta(number)
        day = (on.month, on.day)
        inside = (
            code for code, first, last in spans
            if (first <= day <= last if first <= last else day >= first or day <= last)
        )  # fmt: skip
        found[next(inside, "")] = None
    return list(found)


def _circle(word: str, season: str, bands: Mapping[int, BandPart], path: Path) -> Iterator[Flaw]:
    """Find the hours of a day that no band of a word covers, and those that two cover."""
    pieces = sorted((start, end, index) for index, band in bands.items() for start, end in _pieces(band))
    when = f"{word} ({season})" if season else word
    reached, owner = 0, -1
    for start, end, index in pieces:
        if start > reached:
            yield flaw(path, "tariff.gap", day=when, hours=_hours(reached, start))
        elif start < reached:
            both = _hours(start, min(reached, end))
            yield flaw(
                (*path, index, "hours"), "tariff.overlap", day=when, hours=both, other=bands[owner].code,
            )  # fmt: skip
        if end > reached:
            reached, owner = end, index
    if reached < DAY_MINUTES:
        yield flaw(path, "tariff.gap", day=when, hours=_hours(reached, DAY_MINUTES))


def _pieces(band: BandPart) -> list[tuple[int, int]]:
    start, end = (0, 0) if band.hours is None else hours_of(band.hours)
    if start < (end or DAY_MINUTES):
        return [(start, end or DAY_MINUTES)]
    return [(0, end), (start, DAY_MINUTES)]


def _hours(start: int, end: int) -> str:
    return hours_text(start, end % DAY_MINUTES)


def _days_without(words: Iterable[str]) -> list[str]:
    """Return the days for which no word is used, as weekdays, or as the kind of day that differs from its weekday."""
    used = set(words)
    missing = [day for day in WEEKDAYS if not used & {day, "all", "weekend" if day in ("sat", "sun") else "workday"}]
    rest = [day for day in WEEKDAYS if day not in missing]
    if any(not used & {"holiday", day, "weekend", "all"} for day in rest):
        missing.append("holiday")
    if any(not used & {"makeup", day, "workday", "all"} for day in rest if day in ("sat", "sun")):
        missing.append("makeup")
    return missing
