"""What the author of a sound tariff should know all the same: a calendar that ends, a class nobody can be in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from openberth.contexts.tariffs.model import (
    CALENDAR_WARN_DAYS,
    Calendar,
    Tariff,
    VehicleClass,
    VehicleMatch,
    calendar_words,
    own_words,
)
from openberth.kernel.errors import Param


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning: a code of the catalogue with its parameters."""

    code: str
    params: Mapping[str, Param]


def warnings_of(tariff: Tariff, calendar: Calendar | None, today: date) -> list[Warned]:
    """Return what is worth knowing; ``calendar`` is the one that the tariff names, None when there is none."""
    return [*_of_calendar(tariff, calendar, today), *_of_classes(tariff)]


def _of_calendar(tariff: Tariff, calendar: Calendar | None, today: date) -> Iterator[Warned]:
    words = sorted(calendar_words(tariff))
    if not words:
        return
    beyond = tariff.beyond_calendar.value
    if calendar is None or not calendar.days:
        yield Warned(f"tariff.warns.no_calendar_{beyond}", {"calendar": tariff.calendar, "words": ", ".join(words)})
        return
    if calendar.ends is not None and (calendar.ends - today).days < CALENDAR_WARN_DAYS:
        params = {"calendar": calendar.code, "date": calendar.ends.isoformat()}
        yield Warned(f"tariff.warns.calendar_ends_{beyond}", params)
    known = {word for day in calendar.days.values() for word in day.words}
    for word in sorted(own_words(tariff) - known):
        yield Warned("tariff.warns.unknown_day", {"calendar": calendar.code, "word": word})


def _of_classes(tariff: Tariff) -> Iterator[Warned]:
    before: list[VehicleClass] = []
    for each in tariff.classes:
        covering = next((earlier for earlier in before if covers(earlier.match, each.match)), None)
        if covering is not None:
            yield Warned("tariff.warns.class_never", {"class": each.code, "earlier": covering.code})
        before.append(each)
    everybody = next((each for each in tariff.classes if each.match == VehicleMatch()), None)
    if everybody is not None:
        yield Warned("tariff.warns.class_always", {"class": everybody.code})


def covers(wide: VehicleMatch, narrow: VehicleMatch) -> bool:
    """Tell whether every vehicle that ``narrow`` means is meant by ``wide``, too."""
    return (
        _any_of(wide.colours, narrow.colours)
        and _any_of(wide.sizes, narrow.sizes)
        and _any_of(wide.tags, narrow.tags)
        and wide.new_energy in (None, narrow.new_energy)
        and wide.disabled in (None, narrow.disabled)
        and _at_least(wide.seats_from, narrow.seats_from)
        and _at_least(wide.spaces_from, narrow.spaces_from)
        and (wide.seats_upto is None or (narrow.seats_upto is not None and narrow.seats_upto <= wide.seats_upto))
    )


def _any_of(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    return not wide or (bool(narrow) and set(narrow) <= set(wide))


def _at_least(wide: int | None, narrow: int | None) -> bool:
    return wide is None or (narrow is not None and narrow >= wide)
