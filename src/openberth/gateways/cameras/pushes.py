"""What cameras of every make tell the house, in one set of values. Pure.

A make's own file turns its bytes into these. What a camera sees of cars, also that one turned back or followed another,
is a recognition with its trigger. ``serial`` is what the camera says it is, None where a message does not say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from openberth.contexts.stays.recognition import Recognition
from openberth.gateways.cameras.days import at_wall_clock, zone_of
from openberth.kernel.time import MINUTE_US, Instant, Period

LATE_US = 5 * MINUTE_US


@dataclass(frozen=True, slots=True)
class PlatePush:
    """A recognition. ``mark`` is the maker's own number of the record, which some answers have to repeat.

    ``wall_clock``: the camera says the time of its own clock without an offset; ``captured_at`` holds its digits as if
    they were UTC until the lot's zone puts them right (``at_home``). ``unmarked``: such a camera does not say whether a
    record has waited in it; one older than ``LATE_US`` has, and opens nothing for a car that is long gone.
    """

    serial: str | None
    recognition: Recognition
    mark: int | str = 0
    wall_clock: bool = False
    unmarked: bool = False


@dataclass(frozen=True, slots=True)
class InputPush:
    """An input changed: ``number`` from 1 as printed on the camera, ``level`` its new state (1 is active)."""

    serial: str | None
    number: int
    level: int


class Boom(StrEnum):
    """Where the boom is, as far as a camera can tell."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class GatePush:
    """The camera tells of its gate. ``locked`` is None where it does not say."""

    serial: str | None
    boom: Boom
    locked: bool | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The camera lives. ``state`` are further plain facts (firmware, model), kept as they are; never its passwords.

    ``has_list``: it keeps a list of cars that it lets in by itself; None where a make does not say.
    """

    serial: str | None
    name: str = ""
    address: str = ""
    state: Mapping[str, str] = field(default_factory=dict)
    has_list: bool | None = None


@dataclass(frozen=True, slots=True)
class CommandReply:
    """The camera answers what it was sent over a link. ``name`` is what it was sent, ``reference`` the id it was sent
    under; ``accepted`` is not done.
    """

    serial: str | None
    reference: str
    name: str
    accepted: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ListPush:
    """The camera says what it holds: a page of its list, as it was asked for under ``reference``, and how many cars
    there are in all. Days are None where it does not say them.
    """

    serial: str | None
    reference: str
    total: int
    cars: tuple[tuple[str, Period | None], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OtherPush:
    """Something that is only acknowledged, by its kind, e.g. ``serial`` or ``snapshot``."""

    kind: str
    serial: str | None = None


Push: TypeAlias = PlatePush | InputPush | GatePush | Heartbeat | CommandReply | ListPush | OtherPush


def at_home(push: PlatePush, zone: str, now: Instant, *, steady: bool = False) -> Recognition:
    """Return the recognition with its instant as one of UTC; ``zone`` is the lot's, in which a wall clock shows time.

    An hour that comes twice in autumn is taken for the first. ``steady``: the camera has been as late for a while, so
    its clock is slow and the car stands there now.
    """
    seen = in_zone(push, zone)
    if is_late(push, seen, now) and not steady:
        return replace(seen, offline=True)
    return seen


def is_late(push: PlatePush, seen: Recognition, now: Instant) -> bool:
    """Tell whether a camera that does not mark stored records sends one that can hardly be live."""
    return push.unmarked and bool(seen.captured_at) and now - seen.captured_at > LATE_US


def in_zone(push: PlatePush, zone: str) -> Recognition:
    """Return the recognition with a wall clock put right."""
    seen = push.recognition
    if not push.wall_clock or not seen.captured_at:
        return seen
    at = at_wall_clock(seen.captured_at, zone_of(zone))
    return replace(seen, captured_at=Instant(max(at, 0)))
