"""Whether a plate is the car it says: seen by a neighbour's camera, on two cars, or inside though nobody knows it.

All of it is looked at only where a decision would otherwise end a stay that nobody saw end, or hold a car: the lane of
an ordinary car asks nothing more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openberth.contexts.facility import LaneKind, Strictness
from openberth.contexts.stays.model.decisions import Right, StillThere
from openberth.contexts.stays.model.entities import (
    CloseReason,
    LaneState,
    NeutralReset,
    OpenStay,
    Passage,
    PassageState,
    Source,
    Stay,
)
from openberth.contexts.stays.recognition import PlateColour
from openberth.contexts.stays.service import candidates, lingering
from openberth.contexts.stays.service.seen import Seen
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import resets as reset_store
from openberth.contexts.stays.store import stays as store
from openberth.infra.database import Reader
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Instant

NEIGHBOUR = "lane.neighbour"
TOO_SOON = "exit.too_soon"
_LOOKED_AT = 8  # passages of one plate
# Colours that no camera takes for one another; a green one by night is anything.
_APART = frozenset({PlateColour.BLUE, PlateColour.YELLOW, PlateColour.BLACK, PlateColour.WHITE})
NOT_AT_THE_LANE = frozenset({NEIGHBOUR, TOO_SOON})
NEVER = Instant(0)
_NOWHERE = Id(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What is known of a plate at an exit that has no stay by its name.

    ``other`` is the one car inside with this plate, ``alike`` are several: nobody knows which. ``reopened`` is a stay
    that was ended because nobody had seen it leave, ``ended`` one of which a person decides whether it goes on,
    ``just_left`` one that left here a moment ago and has paid, ``still_there`` what says that it has not driven on;
    ``last_seen`` is when the plate last went through a lane.
    """

    other: OpenStay | None = None
    alike: Sequence[OpenStay] = ()
    reopened: Stay | None = None
    ended: Stay | None = None
    just_left: Stay | None = None
    still_there: StillThere | None = None
    last_seen: Instant = NEVER

    @property
    def is_inside(self) -> bool:
        """Tell whether a car inside has this plate, or several have."""
        return self.other is not None or bool(self.alike)


UNKNOWN = Otherwise()


def seen_by_neighbour(reader: Reader, seen: Seen, inside: OpenStay) -> bool:
    """Tell whether a car that was let in at one entry was seen by the camera of another one in the same moment.

    Moments are compared as they were heard: two cameras' clocks differ.
    """
    window = seen.lane.rules.neighbour_window_s * SECOND_US
    if not window or seen.happened or inside.entry_lane_id == seen.lane.id:
        return False
    entry = reader.one(passage_store.PASSAGE, passage=inside.entry_passage_id)
    return entry is not None and abs(seen.received_at - entry.received_at) <= window


def seen_by_wrong_camera(
    reader: Reader, seen: Seen, stay: OpenStay, waiting: Sequence[LaneState]
) -> str | None:  # fmt: skip
    """Return why a reading at an exit is no car at that exit: its car waits at the next one, or has just come in."""
    rules = seen.lane.rules
    if seen.happened:
        return None
    shortest = rules.shortest_stay_s * SECOND_US
    if shortest and not seen.on_duty and seen.at - stay.entered_at < shortest and stay.entry_lane_id != seen.lane.id:
        return TOO_SOON
    window = rules.neighbour_window_s * SECOND_US
    beside = (each for each in waiting if each.lane_id != seen.lane.id)
    return NEIGHBOUR if window and any(abs(seen.at - each.captured_at) <= window for each in beside) else None


def left_beside(reader: Reader, seen: Seen) -> Passage | None:
    """Return where a car that stands at an exit by its plate has just left: at the exit beside, whose camera is not
    the only one that saw it.

    It left when it came there, when it was let through, or when the loop reported it: it may have paid in between.
    """
    window = seen.lane.rules.neighbour_window_s * SECOND_US
    if not window or seen.happened:
        return None
    told = reader.all(
        passage_store.PASSAGES_OF_PLATE, plate=seen.plate_id, lot=seen.lane.lot, before=seen.passage, limit=_LOOKED_AT
    )
    last = next((each for each in told if each.state is PassageState.PASSED), None)
    if last is None or last.lane_kind is not LaneKind.EXIT or last.lane_id == seen.lane.id:
        return None
    if last.source is not Source.OFFLINE and abs(seen.received_at - last.received_at) <= window:
        return last
    there = reader.one(passage_store.LANE, lane=last.lane_id)
    if there is None or there.passage_id != last.id:
        return None
    moved = (there.decided_at, there.passed_at or there.decided_at)
    return last if any(reader.machine_now - each <= window for each in moved) else None


def seen_lately(reader: Reader, seen: Seen, inside: OpenStay) -> Passage | None:
    """Return where the car inside with this plate was seen so short a time ago that the one here must be another.

    None where nothing speaks against one car: it was let in at another lane and never drove in there, or it is long
    ago and has the same colour.
    """
    minutes = seen.lane.rules.cloned_within_minutes
    if not minutes or _still_at_entry(reader, inside):
        return None
    told = reader.all(passage_store.PASSAGES_OF_STAY, stay=inside.id)
    passed = [each for each in told if each.state in (PassageState.PASSED, PassageState.WAITING)]
    last = max(passed, key=lambda each: each.captured_at, default=None)
    if last is None:
        return None
    is_lately = abs(seen.at - last.captured_at) <= minutes * MINUTE_US
    return last if is_lately or other_colour(seen, inside) else None


def other_colour(seen: Seen, stay: OpenStay) -> bool:
    """Tell whether a plate has another colour than that of the car that came in: blue is no yellow."""
    return stay.colour != seen.colour and stay.colour in _APART and seen.colour in _APART


def known_otherwise(reader: Reader, seen: Seen) -> Otherwise:
    """Return what else is known of a plate at an exit that has no stay by its name; rare, so it may ask more."""
    assert seen.plate_id is not None, "only a plate is known"
    alike = reader.all(store.OPEN_OF_PLATE, plate=seen.plate_id, lot=seen.lane.lot)
    if seen.happened:  # whoever came in later did not leave then
        alike = [each for each in alike if each.entered_at - seen.at <= seen.lane.device_skew_s * SECOND_US]
    if alike:
        return Otherwise(other=alike[0] if len(alike) == 1 else None, alike=alike if len(alike) > 1 else ())
    last = next(
        iter(reader.all(store.STAYS_OF_PLATE, plate=seen.plate_id, lot=seen.lane.lot, before=_NOWHERE, limit=1)), None
    )
    ended = last is not None and last.closed_reason is CloseReason.SOFT_CLOSED and seen.at >= last.entered_at
    if last is not None and ended and _goes_on(reader, seen, last):
        return Otherwise(reopened=last)
    seen_before = reader.all(
        passage_store.PASSAGES_OF_PLATE, plate=seen.plate_id, lot=seen.lane.lot, before=seen.passage, limit=_LOOKED_AT
    )
    passed = (each.captured_at for each in seen_before if each.state is PassageState.PASSED)
    there = None if last is None else lingering.still_there(reader, seen, last)
    return Otherwise(
        ended=last if ended else None, just_left=None if there is None else last, still_there=there,
        last_seen=max(passed, default=NEVER),
    )  # fmt: skip


def _goes_on(reader: Reader, seen: Seen, ended: Stay) -> bool:
    """Tell whether a stay that was ended softly is taken up again by itself: soon, and unless a person has said since
    that its car may be anywhere.
    """
    if seen.at - ended.left_at > seen.lane.rules.revive_days * DAY_US:
        return False
    return seen.happened or not resets_since(reader, seen, None, since=ended.left_at)


def evidence_of(otherwise: Otherwise) -> Mapping[str, Any]:
    """Return what a case tells of stays with this plate: of cars inside, of one that was ended softly long ago, or of
    one that was let out a moment ago.
    """
    if otherwise.ended is not None:
        ended = otherwise.ended
        return {candidates.ENDED: [str(ended.id)], "passages": [str(ended.entry_passage_id)]}
    if otherwise.just_left is not None:
        left = otherwise.just_left
        return {"left_stay": str(left.id), "passages": [str(left.exit_passage_id or left.entry_passage_id)]}
    if not otherwise.alike:
        return {}
    return {
        "stays": [str(each.id) for each in otherwise.alike],
        "passages": [str(each.entry_passage_id) for each in otherwise.alike],
    }


def passback_at_entry(reader: Reader, seen: Seen, right: Right | None, inside: OpenStay | None) -> Strictness:
    """Return how a car that comes in is taken: strictly only while its whereabouts are known."""
    strictness = seen.lane.rules.anti_passback.of(right)
    if strictness is not Strictness.HARD or inside is None:
        return strictness
    return Strictness.OFF if resets_since(reader, seen, right, since=inside.entered_at) else strictness


def neutral_at_exit(reader: Reader, seen: Seen, right: Right | None, otherwise: Otherwise) -> bool:
    """Tell whether a car that never came in may leave, once: a person has said so since it was seen last.

    A plate that nobody gave a permit and nobody named may be the misread one of a car inside, which owes something:
    where one inside looks like it a person looks first.
    """
    if seen.plate is None or seen.happened or otherwise.alike or right is Right.BLOCKED:
        return False
    resets = resets_since(reader, seen, right, since=otherwise.last_seen)
    if right is not None or any(each.plate_id is not None for each in resets):
        return bool(resets)
    return bool(resets) and not candidates.similar_inside(reader, lot=seen.lane.lot, plate=seen.plate)


def resets_since(reader: Reader, seen: Seen, right: Right | None, *, since: Instant) -> list[NeutralReset]:
    """Return by which words of people since then nobody knows where this car is, as long as they are believed."""
    word = right.value if right is not None and right is not Right.BLOCKED else "casual"
    since = max(since, Instant(seen.at - seen.lane.rules.reset_hours * HOUR_US))
    return [
        each for each in reader.all(reset_store.SINCE, lot=seen.lane.lot, since=since)
        if each.at <= seen.at
        and (each.plate_id == seen.plate_id or (each.plate_id is None and (not each.rights or word in each.rights)))
    ]  # fmt: skip


def _still_at_entry(reader: Reader, inside: OpenStay) -> bool:
    """Tell whether the car inside is the last one at its entry and its loop, which tells, has not reported it."""
    standing = reader.one(passage_store.LANE, lane=inside.entry_lane_id)
    if standing is None or standing.stay_id != inside.id or standing.has_driven_on:
        return False
    return standing.passed_at is not None
