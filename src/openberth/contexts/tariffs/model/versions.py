"""The life of a tariff: drafts, published versions, what state they are in, and the events that tell of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from openberth.contexts.tariffs.model.tariff import Tariff
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, Period


@dataclass(frozen=True, slots=True)
class TariffPublished:
    """A company published a version of a tariff."""

    KIND: ClassVar[str] = "tariffs.published"
    VERSION: ClassVar[int] = 1

    tariff: Id
    code: str
    version_id: Id
    version_number: int


@dataclass(frozen=True, slots=True)
class EventPricePublished:
    """A company published a version that lies over the others of its code for a span; instants are microseconds."""

    KIND: ClassVar[str] = "tariffs.event_price_published"
    VERSION: ClassVar[int] = 1

    code: str
    version_id: Id
    version_number: int
    valid_from: int
    valid_until: int


@dataclass(frozen=True, slots=True)
class DraftSaved:
    """Somebody wrote down what a tariff may become; ``draft_version`` counts the writings."""

    KIND: ClassVar[str] = "tariffs.draft_saved"
    VERSION: ClassVar[int] = 1

    code: str
    draft_version: int


@dataclass(frozen=True, slots=True)
class DraftDropped:
    """A draft is no more: it was published as a version, or given up (``version_number`` None)."""

    KIND: ClassVar[str] = "tariffs.draft_dropped"
    VERSION: ClassVar[int] = 1

    code: str
    version_number: int | None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a tariff may become: it prices nothing. ``text`` is the document as somebody wrote it, comments and all.

    ``based_on`` is the number of the newest version when the draft was begun, 0 when there was none.
    """

    company: Id
    code: str
    version: int
    based_on: int
    changed_at: Instant
    changed_by: str
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """When a version holds: what decides which one is in force, without what it says."""

    id: Id
    number: int
    valid_from: Instant
    valid_until: Instant | None = None

    def covers(self, at: Instant) -> bool:
        """Tell whether the version may hold at an instant."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """A published version: in force from ``valid_from`` (business time) until a later one is.

    With ``valid_until`` it is an event price: it lies over the others and they come back by themselves.
    """

    id: Id
    company: Id
    code: str
    number: int
    valid_from: Instant
    published_at: Instant
    tariff: Tariff
    valid_until: Instant | None = None

    @property
    def standing(self) -> Standing:
        """Return when it holds."""
        return Standing(self.id, self.number, self.valid_from, self.valid_until)


class VersionState(StrEnum):
    """What a version is at an instant."""

    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    OVERLAID = "overlaid"  # an event price lies over it for a while
    SUPERSEDED = "superseded"  # a later version has taken its place
    ENDED = "ended"  # an event price whose time is over


def in_force_of(versions: Iterable[Standing], at: Instant) -> Standing | None:
    """Return the version that holds at an instant.

    Event prices lie over the others; of several the one published last holds, so that a mistake in one is put right
    by publishing another over it: versions never change. Of the others the one that began last holds.
    """
    return max((one for one in versions if one.covers(at)), key=_rank, default=None)


def changes_within(versions: Sequence[Standing], period: Period) -> list[tuple[Instant, Standing | None]]:
    """Return the versions that hold in a period, each with the instant from which it does; the first at its start."""
    edges = {moment for one in versions for moment in (one.valid_from, one.valid_until) if moment is not None}
    inside = sorted(edge for edge in edges if edge > period.start and (period.end is None or edge < period.end))
    changes: list[tuple[Instant, Standing | None]] = []
    for moment in (period.start, *inside):
        holds = in_force_of(versions, moment)
        if not changes or changes[-1][1] != holds:
            changes.append((moment, holds))
    return changes


def states_of(versions: Sequence[Standing], now: Instant) -> Mapping[int, VersionState]:
    """Return the state of every version of one tariff by its number."""
    holding = in_force_of(versions, now)
    return {one.number: _state(one, versions, holding, now) for one in versions}


def _state(one: Standing, versions: Sequence[Standing], holding: Standing | None, now: Instant) -> VersionState:
    if holding is not None and one.number == holding.number:
        return VersionState.IN_FORCE
    if one.valid_until is not None:
        if now >= one.valid_until:
            return VersionState.ENDED
        hidden = any(
            other.number > one.number
            and other.valid_until is not None
            and other.valid_from <= max(one.valid_from, now)
            and other.valid_until >= one.valid_until
            for other in versions
        )
        return VersionState.SUPERSEDED if hidden else _waiting(one, now)
    # It begins when another has begun already, or another has begun by now: it never holds again.
    over = any(
        other.valid_until is None and _rank(other) > _rank(one) and other.valid_from <= max(one.valid_from, now)
        for other in versions
    )
    return VersionState.SUPERSEDED if over else _waiting(one, now)


def _waiting(one: Standing, now: Instant) -> VersionState:
    return VersionState.SCHEDULED if one.valid_from > now else VersionState.OVERLAID


def _rank(one: Standing) -> tuple[bool, int, int]:
    """Order versions: event prices by number above all others, those by their beginning and then by number."""
    if one.valid_until is not None:
        return (True, one.number, 0)
    return (False, int(one.valid_from), one.number)
