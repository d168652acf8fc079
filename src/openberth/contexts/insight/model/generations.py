"""Generations of rollup rows, and what was known of lots when their days were counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


class GenerationState(StrEnum):
    """What a generation is for. Answers come from the one that serves; one at most is being built."""

    BUILDING = "building"
    SERVING = "serving"
    OLD = "old"


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation; see the table."""

    number: int
    state: str
    copied_span: int
    copied_period: int
    begun_at: Instant
    serving_since: Instant | None


@dataclass(frozen=True, slots=True)
class LotKnown:
    """What was known of a lot from a position of the log on."""

    lot: Id
    since: int
    company: Id
    code: str
    zone: str


def known_at(records: Sequence[LotKnown], position: int) -> LotKnown | None:
    """Return what held of a lot at a position: the last record before it, else the first there is.

    ``records`` come newest first.
    """
    return next((one for one in records if one.since <= position), records[-1] if records else None)
