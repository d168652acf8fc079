"""The engine beside the reckoning: what both say of a stay, and how many stays are looked at."""

import os
from dataclasses import dataclass

from hypothesis import Phase, settings

from openberth.contexts.tariffs.engine.pricing import Priced
from openberth.contexts.tariffs.engine.quoting import Quoting
from openberth.contexts.tariffs.engine.stay import Part
from openberth.contexts.tariffs.model import NotComputable, Quote
from openberth.kernel.time import Instant
from tests.property.tariffs.journeys import Journey
from tests.property.tariffs.reckoning import reckoned
from tests.property.tariffs.reliefs import Uses, relieved_price
from tests.property.tariffs.smaller import smallest

LONG = 50 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 1


def looks(count: int) -> settings:
    """So many stays; fifty times as many in the long profile. A seed is not worth shrinking, a stay is."""
    return settings(max_examples=count * LONG, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


@dataclass(frozen=True)
class Said:
    """What is said of a stay; ``refused``: that it has no price."""

    before: int = 0
    total: int = 0
    uses: Uses = ()
    charged: int = 0
    free: int = 0
    outside: int = 0
    free_used: bool = False
    refused: bool = False


REFUSED = Said(refused=True)


class WithoutOutlook(Quoting):
    """A quote that does not look for the next change, which costs far more than the price and has tests of its own."""

    def first_above(
        self, minor: int, start: Instant, known: tuple[list[Part], list[Priced | None]] | None = None
    ) -> None:
        return None


def quoted(one: Journey) -> Quote:
    """The engine's quote without the next change."""
    return WithoutOutlook(one.segments, one.terms).quote(one.now)


def said_by_engine(one: Journey) -> Said:
    try:
        found = quoted(one)
    except NotComputable:
        return REFUSED
    uses = tuple((use.id, use.value.minor) for use in found.reliefs)
    return Said(
        found.before_relief.minor, found.total.minor, uses,
        found.charged_minutes, found.free_minutes, found.outside_minutes, found.free_used,
    )  # fmt: skip


def said_by_reckoning(one: Journey) -> Said:
    try:
        found = reckoned(one.segments, one.terms, one.now)
        total, uses = relieved_price(one.segments, one.terms, one.now) if one.terms.reliefs else (found.total, ())
    except NotComputable:
        return REFUSED
    return Said(found.total, total, uses, found.charged, found.free, found.outside, found.free_used)


def disagree(one: Journey) -> bool:
    return said_by_engine(one) != said_by_reckoning(one)


def must_agree(one: Journey) -> None:
    """Fail with the smallest stay like this one on which both differ."""
    if disagree(one):
        small = smallest(one, disagree)
        both = f"engine {said_by_engine(small)}\nreckoned {said_by_reckoning(small)}"
        raise AssertionError(f"{both}\n{one}, made smaller:\n{small.told()}")
