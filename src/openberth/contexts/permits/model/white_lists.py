"""The list of cars that a camera lets in by itself while everything else is down, and how it is kept in step. Pure.

Wanted is what permits say: cars with a right that holds now or soon, and no block. Held is what a camera has
confirmed. What a camera was told and has not confirmed counts as neither: it is told again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, Instant, Period

SOON_US = 7 * DAY_US  # a right that begins so soon is given to the camera with its dates
CARS_MAX = 5_000  # what a camera of the smaller kind holds
ENDLESS = Instant(253_402_128_000_000_000)  # 9999-12-30: by no wall clock beyond the last day that there is
STEP_MAX = 50  # cars that a camera is told of at once


class RowState(StrEnum):
    """What a camera has of a car."""

    ASKED = "asked"  # told to hold it, not confirmed
    HELD = "held"
    DROPPING = "dropping"  # told to drop it, not confirmed


@dataclass(frozen=True, slots=True)
class Wanted:
    """A car that a camera should hold: its plate (vault id) and when it may come in."""

    plate: Id
    valid: Period


def listed_days(rights: Sequence[Period]) -> Period:
    """Return the days of a car with one right or more, none of which is over: those that begin first, and on as long as
    another one takes over without a gap, as a month that is renewed. What comes behind a gap is told when it is due.

    They are days that a camera can say again: none before 1970, and no end where wall clocks do not reach it.
    """
    first, *others = sorted(rights, key=lambda one: one.start)
    start, end = first.start, first.end
    for one in others:
        if end is None or one.start > end:
            break
        end = None if one.end is None else max(end, one.end)
    return Period(max(start, Instant(0)), None if end is not None and end >= ENDLESS else end)


@dataclass(frozen=True, slots=True)
class Row:
    """A car that a camera was told to hold. ``value`` is the plate as the camera has it, a vault row of its own: one
    that is forgotten elsewhere must still be named to be dropped. ``mark`` is the camera's own number of the record.
    """

    plate: Id
    valid: Period
    state: RowState
    value: Id
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What a camera is told next, and what will be left after it."""

    put: tuple[Wanted, ...]
    drop: tuple[Row, ...]
    left: int

    def __bool__(self) -> bool:
        return bool(self.put or self.drop)


def next_step(wanted: Sequence[Wanted], rows: Sequence[Row], without: Collection[Id] = ()) -> Step:
    """Return what brings a camera nearer to what is wanted; cars that must not come in any more go first.

    ``without`` are plates that the camera has just refused to hold, or to drop.
    """
    before = {row.plate: row for row in rows}
    after = {one.plate for one in wanted}
    drop = [row for row in rows if row.plate not in after and row.plate not in without]
    put = [one for one in wanted if one.plate not in without and not _holds(before.get(one.plate), one)]
    first = drop[:STEP_MAX]
    then = put[: STEP_MAX - len(first)]
    return Step(tuple(then), tuple(first), len(drop) + len(put) - len(first) - len(then))


def _holds(row: Row | None, one: Wanted) -> bool:
    return row is not None and row.state is RowState.HELD and row.valid == one.valid


class Flaw(StrEnum):
    """How a camera's list differs from what was believed."""

    MISSING = "missing"  # we believed that it holds the car
    STRANGE = "strange"  # it holds a car that we never gave it, or took away
    OTHERWISE = "otherwise"  # it holds the car for other days


@dataclass(frozen=True, slots=True)
class Difference:
    """One car that a camera holds otherwise than was believed."""

    plate: str = field(repr=False)
    flaw: Flaw


def compare(held: Mapping[str, Row], found: Mapping[str, Period | None]) -> tuple[Difference, ...]:
    """Compare what was believed with what a camera says that it holds, by plate in clear; None where it does not say
    for which days.
    """
    missing = [Difference(plate, Flaw.MISSING) for plate in held if plate not in found]
    strange = [Difference(plate, Flaw.STRANGE) for plate in found if plate not in held]
    otherwise = [
        Difference(plate, Flaw.OTHERWISE)
        for plate, valid in found.items()
        if plate in held and valid is not None and not _same_days(held[plate].valid, valid)
    ]
    return (*missing, *strange, *otherwise)


def is_confirmed_by(row: Row, found: Period | None) -> bool:
    """Tell whether a car that was told and not confirmed is in a camera's list for just the days it was told."""
    given = row.state is RowState.ASKED and row.plate != row.value  # a car that nobody gave has the same id twice
    return given and found is not None and _same_days(row.valid, found)


def _same_days(one: Period, other: Period) -> bool:
    """Tell whether periods are the same to the second, which is what cameras keep."""
    return _seconds(one.start) == _seconds(other.start) and _seconds(one.end) == _seconds(other.end)


def _seconds(moment: Instant | None) -> int | None:
    return None if moment is None else moment // 1_000_000
