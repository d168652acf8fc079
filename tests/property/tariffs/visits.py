"""Caps across visits, minute by minute (ADR 0006, "Across visits"). Nothing here knows the engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from openberth.contexts.tariffs.model import Cap, CapKind, CapUse
from openberth.kernel.time import MINUTE_US, Instant


@dataclass(frozen=True)
class Visits:
    """What a stay knows of the vehicle's visits before; ``begins`` says when a minute of the stay begins."""

    uses: Sequence[CapUse]
    begins: Callable[[int], int]

    def known(self, tariff: str, cap: Cap, minute: int) -> CapUse | None:
        """The span of a cap that an earlier visit began and in which a minute begins; of several the last begun."""
        at = self.begins(minute)
        found = [
            use
            for use in self.uses
            if (use.tariff, use.cap) == (tariff, cap.span_name) and use.begins <= at < use.ends
        ]  # fmt: skip
        return max(found, key=lambda use: use.begins) if found else None

    def used(self, tariff: str, cap: Cap, minute: int) -> Fraction:
        """What the visits before used up of the span of a cap in which a minute lies."""
        known = self.known(tariff, cap, minute) if cap.across_visits else None
        return Fraction(0 if known is None else known.used.minor)

    def rolling_span(self, tariff: str, cap: Cap, first: int, minute: int) -> int:
        """The number of a rolling span across visits: -1 is the one that goes on when the tariff's minutes begin."""
        hours = 24 if cap.kind is CapKind.ROLLING_24H else cap.hours
        going_on = self.known(tariff, cap, first)
        own = first
        if going_on is not None:
            while self.begins(own) < going_on.ends:
                own += 1
        return -1 if minute < own else (minute - own) // (hours * 60)


@dataclass(frozen=True)
class Charged:
    """What a unit used up of a cap across visits, in the minute in which it was due."""

    tariff: str
    cap: str
    at: Instant
    amount: Fraction
    own: int  # which of the stay's tariffs it was


def minute_begins(origin: int) -> Callable[[int], int]:
    return lambda minute: origin + (minute - 1) * MINUTE_US
