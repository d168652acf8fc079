"""Checks of vehicle classes: each means some vehicles, and none is hidden by an earlier one."""

from collections.abc import Iterator, Sequence

from openberth.contexts.tariffs.document.checks.bodies import twice
from openberth.contexts.tariffs.document.parts import ClassPart, MatchPart
from openberth.infra.documents import Flaw, Path, flaw


def class_flaws(classes: Sequence[ClassPart]) -> Iterator[Flaw]:
    """Check what the classes match; the first that matches is used."""
    yield from twice((("classes", index, "code"), part.code) for index, part in enumerate(classes))
    for index, part in enumerate(classes):
        path: Path = ("classes", index, "match")
        match = part.match
        if match == MatchPart():
            yield flaw(path, "tariff.match_all")
            continue
        if match.seats_from is not None and match.seats_upto is not None and match.seats_upto < match.seats_from:
            yield flaw((*path, "seats_upto"), "tariff.match_seats", least=match.seats_from, most=match.seats_upto)
        earlier = next((other for other in classes[:index] if _includes(other.match, match)), None)
        if earlier is not None:
            yield flaw(path, "tariff.class_never", value=part.code, earlier=earlier.code)


def _includes(wide: MatchPart, narrow: MatchPart) -> bool:
    """Tell whether every vehicle that ``narrow`` means is also meant by ``wide``, as far as the keys say so."""
    return (
        wide != MatchPart()
        and all(
            not getattr(wide, key)
            or (bool(getattr(narrow, key)) and set(getattr(narrow, key)) <= set(getattr(wide, key)))
            for key in ("colours", "sizes", "tags")
        )
        and all(getattr(wide, key) in (None, getattr(narrow, key)) for key in ("new_energy", "disabled"))
        and all(_at_least(getattr(narrow, key), getattr(wide, key)) for key in ("seats_from", "spaces_from"))
        and (wide.seats_upto is None or (narrow.seats_upto is not None and narrow.seats_upto <= wide.seats_upto))
    )


def _at_least(narrow: int | None, wide: int | None) -> bool:
    return wide is None or (narrow is not None and narrow >= wide)
