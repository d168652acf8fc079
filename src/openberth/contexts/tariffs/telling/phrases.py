"""Pieces of sentences about tariffs: spans, hours, days, prices. Everything comes from the catalogue."""

from collections.abc import Iterable, Sequence

from openberth.contexts.tariffs.model import DAY_MINUTES, WEEKDAYS, Band, Cap, DayWord, Season, Tier, VehicleMatch
from openberth.contexts.tariffs.words import price_text
from openberth.infra.catalogue import Language, catalogue, text

HOUR_MINUTES = 60
_WORDS = frozenset({*WEEKDAYS, *(word.value for word in DayWord)})


def span(minutes: int, language: Language) -> str:
    """Write a length of time: ``90 min``, ``2 h``, ``7 d``."""
    if minutes and minutes % DAY_MINUTES == 0 and minutes > DAY_MINUTES:
        return text("tariff.span.days", language, count=minutes // DAY_MINUTES)
    if minutes and minutes % HOUR_MINUTES == 0:
        return text("tariff.span.hours", language, count=minutes // HOUR_MINUTES)
    return text("tariff.span.minutes", language, count=minutes)


def clock(minute: int) -> str:
    """Write a minute of the wall clock: ``07:30``."""
    return f"{minute // HOUR_MINUTES:02}:{minute % HOUR_MINUTES:02}"


def hours(start: int, end: int) -> str:
    """Write hours of a day."""
    return f"{clock(start)}-{clock(end)}"


def when(words: Sequence[str], start: int, end: int, language: Language) -> str:
    """Write on which days and at which hours something holds; the same start and end mean the whole day."""
    if start != end:
        return f"{days(words, language)} {hours(start, end)}"
    if tuple(words) == (DayWord.ALL,):
        return text("tariff.says.always", language)
    return text("tariff.says.whole_day", language, days=days(words, language))


def days(words: Iterable[str], language: Language) -> str:
    """Write day words; dates and an operator's own words stand as they are."""
    given = tuple(words)
    in_week = [word for word in WEEKDAYS if word in given]
    first, last = (WEEKDAYS.index(in_week[0]), WEEKDAYS.index(in_week[-1])) if in_week else (0, 0)
    if len(in_week) == len(given) > 2 and last - first + 1 == len(in_week):
        names = {"first": _day(WEEKDAYS[first], language), "last": _day(WEEKDAYS[last], language)}
        return text("tariff.says.days", language, **names)
    return listed([_day(word, language) for word in given], language)


def listed(parts: Sequence[str], language: Language) -> str:
    """Join the parts of a list."""
    return ("、" if language == "zh" else ", ").join(parts)


def defined(term: str, meaning: str, language: Language) -> str:
    """Join a term and what holds for it."""
    return f"{term}：{meaning}" if language == "zh" else f"{term}: {meaning}"


def name(zh: str, en: str, otherwise: str, language: Language) -> str:
    """Return a name in a language, the code where there is none."""
    return (zh if language == "zh" else en) or otherwise


def season(one: Season, language: Language) -> str:
    """Write a season with its days."""
    first, last = (f"{month:02}-{day:02}" for month, day in (one.first, one.last))
    return text("tariff.says.season", language, season=one.code, first=first, last=last)


def prices(band: Band, language: Language) -> list[str]:
    """Write what a band costs: its tiers one after another, and after how long they begin again."""
    if not any(tier.price.minor for tier in band.tiers):
        return [text("tariff.says.free_of_charge", language)]
    if len(band.tiers) == 1 and band.repeat_minutes is None:
        return [_price(band.tiers[0], language)]
    parts = []
    begin = 0
    for tier in band.tiers:
        code = "tier_rest" if tier.up_to is None else "tier" if begin else "tier_first"
        until = "" if tier.up_to is None else span(tier.up_to, language)
        length = text(f"tariff.says.{code}", language, begin=span(begin, language), until=until)
        parts.append(defined(length, _price(tier, language, after=begin), language))
        begin = tier.up_to or begin
    if band.repeat_minutes is not None:
        parts.append(text("tariff.says.repeat", language, span=span(band.repeat_minutes, language)))
    return parts


def _price(tier: Tier, language: Language, after: int = 0) -> str:
    if not tier.price.minor:
        return text("tariff.says.free_of_charge", language)
    price = price_text(tier.price)
    if tier.flat:
        return text("tariff.says.flat_more" if after else "tariff.says.flat", language, price=price)
    unit = span(tier.unit_minutes, language)
    if tier.unit_minutes == 1:
        return text("tariff.says.per_minute", language, price=price)
    if tier.due_after == 0:
        return text("tariff.says.per_begun", language, price=price, unit=unit)
    if tier.due_after == tier.unit_minutes - 1:
        return text("tariff.says.per_full", language, price=price, unit=unit)
    rest = span(tier.due_after, language)
    return text("tariff.says.per_unit_forgiving", language, price=price, unit=unit, rest=rest)


def amounts(cap: Cap, language: Language) -> str:
    """Write the amounts of a cap; the last one goes on."""
    every = [cap.amount.amount_text, *(amount.amount_text for amount in cap.later)]
    if len(every) == 1:
        return every[0]
    return text("tariff.says.amounts", language, first=listed(every[:-1], language), last=every[-1])


def vehicles(match: VehicleMatch, language: Language) -> str:
    """Write which vehicles a class means."""
    parts: list[str] = []

    def tell(word: str, **params: object) -> None:
        parts.append(text(f"tariff.match.{word}", language, **params))

    if match.colours:
        parts.append(listed([_colour(each, language) for each in match.colours], language))
    if match.new_energy is not None:
        tell("new_energy" if match.new_energy else "not_new_energy")
    if match.sizes:
        tell("sizes", sizes=listed(match.sizes, language))
    if match.seats_from is not None:
        tell("seats_from", seats=match.seats_from)
    if match.seats_upto is not None:
        tell("seats_upto", seats=match.seats_upto)
    if match.disabled is not None:
        tell("disabled" if match.disabled else "not_disabled")
    if match.spaces_from is not None:
        tell("spaces_from", spaces=match.spaces_from)
    if match.tags:
        tell("tags", tags=listed(match.tags, language))
    if not parts:
        return text("tariff.match.all", language)
    return ("且" if language == "zh" else " and ").join(parts)


def _day(word: str, language: Language) -> str:
    return text(f"tariff.day.{word}", language) if word in _WORDS else word


def _colour(word: str, language: Language) -> str:
    code = f"tariff.colour.{word}"
    return text(code, language) if code in catalogue().codes() else word
