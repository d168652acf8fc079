"""A loop in front of a gate that is occupied while no camera says whose car it is."""

from openberth.contexts import facility
from openberth.contexts.facility import LaneKind
from openberth.contexts.stays.model.decisions import SAME_CAR_AGAIN_S
from openberth.contexts.stays.model.entities import Action, LaneState, Source
from openberth.contexts.stays.recognition import PlateColour
from openberth.contexts.stays.service import deciding
from openberth.contexts.stays.service.seen import LaneAnswer, Seen
from openberth.contexts.stays.store import passages as store
from openberth.infra.database import Unit
from openberth.infra.permitting import by_construction
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

# A camera looks along the lane and may have seen the car before it came to the loop.
SEEN_BEFORE_US = 15 * SECOND_US


@by_construction
def loop_occupied(
    unit: Unit, *, lot: Id, lane: Id, device: Id | None, passage: Id, since: Instant
) -> LaneAnswer | None:  # fmt: skip
    """Take it that a car stands at a lane that nobody has read: it is decided about as one, so its driver is asked to
    scan the code and a person is told.

    ``since`` is when the loop became occupied, on the machine's clock; the caller has waited as long as the lot's rules
    say (``unread_after_s``). None where a car was decided about meanwhile, or one waits, or was let through and is not
    reported yet by the loop behind the gate, which tells: that is the one on the loop. None, too, where the loop was
    free again meanwhile, whoever heard it.
    """
    unit.lock(("lot", lot))
    standing = unit.one(store.LANE, lane=lane)
    if standing is not None and (standing.waiting or standing.decided_at >= since - SEEN_BEFORE_US):
        return None
    if standing is not None and standing.loop_free_at is not None and standing.loop_free_at >= since:
        return None
    if standing is not None and _stands_there(standing, now=since):
        return None
    context = facility.lane_context(unit, lane=lane)
    held_open = context.held_open_until is not None and unit.machine_now < context.held_open_until
    if context.lot != lot or held_open or (context.kind is LaneKind.INNER and context.to_area is None):
        return None
    seen = Seen(
        passage=passage, lane=context, device=device, source=Source.LIVE, plate=None, plate_id=None,
        colour=PlateColour.UNKNOWN.value, confidence=0, at=unit.now, device_at=None, received_at=unit.now, pictures=0,
        flaws=(), told={"trigger": "loop"},
    )  # fmt: skip
    decided = deciding.decide(unit, seen)
    done, verdict = decided.passage, decided.verdict
    return LaneAnswer(done.id, False, verdict.action, verdict.reason, verdict.ask, done.stay_id, done.bill_id)


@by_construction
def loop_freed(unit: Unit, *, lane: Id) -> None:
    """Take note that the loop before a gate is free: another process may wait for what stands there."""
    unit.run(store.LOOP_FREED, lane=lane, now=unit.machine_now)


def _stands_there(standing: LaneState, *, now: Instant) -> bool:
    """Tell whether the car that was let through last stands there still, as far as the loop behind the gate tells.

    A loop may have missed it: after a while it is another car.
    """
    if standing.action is not Action.OPEN or standing.passed_at is None or standing.has_driven_on:
        return False
    return now - standing.decided_at <= SAME_CAR_AGAIN_S * SECOND_US
