"""Whether a car that was let through still stands at its lane, as far as the lane itself tells.

A plate can be held up on a picture. So the time alone lets nobody through twice without a person: a loop behind the
gate that tells of cars and has not told of this one shows that it is there, and so does a gate that did not move.
"""

from openberth.contexts import facility
from openberth.contexts.facility import LaneKind, Outcome
from openberth.contexts.stays.model.decisions import SAME_CAR_AGAIN_S, StillThere
from openberth.contexts.stays.model.entities import CloseReason, LaneState, Stay
from openberth.contexts.stays.service.seen import Seen
from openberth.contexts.stays.store import passages as store
from openberth.infra.database import Reader
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US

LOOP_TELLS_US = 3_600 * SECOND_US  # a loop that reported a car within it is believed when it reports none
# Where nothing tells, a car is let out again once, and only while its boom may just have come down before it.
ONCE_WITHIN_US = 60 * SECOND_US
_LEFT = frozenset({CloseReason.LEFT, CloseReason.LEFT_OFFLINE, CloseReason.MANUAL})


def stands_still(reader: Reader, *, lane: Id, passage: Id) -> bool:
    """Tell whether a car that was let through is known not to have driven on: its lane's loop tells of cars, and has
    told of none since.
    """
    standing = reader.one(store.LANE, lane=lane)
    return standing is not None and standing.passage_id == passage and _loop_shows(reader, standing)


def gate_failed(reader: Reader, standing: LaneState) -> bool:
    """Tell whether the gate was not reached or refused, or the server ended before it knew."""
    command = facility.command(reader, command=standing.command_id) if standing.command_id else None
    if command is None:
        return False
    cut_off = command.outcome is Outcome.UNCERTAIN and command.detail == "restart"
    return cut_off or command.outcome in (Outcome.UNREACHABLE, Outcome.REJECTED)


def still_there(reader: Reader, seen: Seen, last: Stay) -> StillThere | None:
    """Return what the lanes tell of a car that has paid and was let out a moment ago; None where it is none, has
    driven on, or another car waits here: opening would let that one out.

    At another exit than its own only what shows that it did not go through there counts.
    """
    if last.closed_reason not in _LEFT or last.paid_minor < last.price_minor or seen.at < last.left_at:
        return None
    standing = reader.one(store.LANE, lane=seen.lane.id)
    if standing is not None and standing.stay_id == last.id:
        return _at_its_lane(reader, standing, last) if _was_let_out_lately(reader, standing) else None
    if standing is not None and standing.waiting:
        return None
    left = reader.one(store.PASSAGE, passage=last.exit_passage_id) if last.exit_passage_id else None
    if left is None or left.lane_kind is not LaneKind.EXIT:
        return None
    there = reader.one(store.LANE, lane=left.lane_id)
    if there is None or there.stay_id != last.id or not _was_let_out_lately(reader, there):
        return None
    return StillThere.SHOWN if _loop_shows(reader, there) else None


def _at_its_lane(reader: Reader, standing: LaneState, last: Stay) -> StillThere | None:
    if standing.has_driven_on:
        return None
    if _loop_shows(reader, standing) or gate_failed(reader, standing):
        return StillThere.SHOWN
    is_first_time = standing.passage_id == last.exit_passage_id
    if is_first_time and reader.machine_now - standing.decided_at <= ONCE_WITHIN_US:
        return StillThere.POSSIBLE
    return StillThere.UNKNOWN


def _was_let_out_lately(reader: Reader, standing: LaneState) -> bool:
    """Tell how long ago the gate was told to open, on the machine's clock: its driver may have paid for long."""
    return 0 <= reader.machine_now - standing.decided_at <= SAME_CAR_AGAIN_S * SECOND_US


def _loop_shows(reader: Reader, standing: LaneState) -> bool:
    """Tell whether the loop behind the gate, which tells, has not reported the car that was let through.

    A loop that has been silent for long tells nothing.
    """
    if standing.waiting or standing.passed_at is None or standing.has_driven_on:
        return False
    return reader.machine_now - standing.passed_at < LOOP_TELLS_US
