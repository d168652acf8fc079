"""The same car told of more than once: other triggers, other readings, records that were stored meanwhile.

A camera numbers every trigger anew, so the same car at the same lane is found by plate and by the devices' own stamps.
A reading of another plate, or of none, is taken for the car that stands there only while that car has not driven on.
"""

from openberth.contexts.stays.model.entities import Action, CaseKind, LaneState, Passage, Source
from openberth.contexts.stays.service import identity, records
from openberth.contexts.stays.service.seen import LaneAnswer, Seen
from openberth.contexts.stays.store import passages as store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.ids import Id
from openberth.kernel.plates import CONFUSION, PROVINCE, Plate, PlateKind, distance
from openberth.kernel.time import MINUTE_US, SECOND_US

# A plate read again this long while its car waits is the same car; later its price is asked anew.
STILL_WAITING_US = 15 * MINUTE_US
# Two readings this close, within the lot's duplicate window and with nobody driving on in between, are one car's: one
# sign taken for a similar one, or the province. Cars of one fleet have neighbouring numbers; those are further apart.
READ_OTHERWISE_MAX = max(CONFUSION, PROVINCE)
# A car that was let through is seen from behind by a second camera of the lane for so long, on the machine's clock.
TAIL_US = 60 * SECOND_US
_LOOKED_AT = 8
_WENT_BEHIND = frozenset({"exit.tailgated", "exit.emergency"})
# What was noted of a car at the lane without being a passage: nothing can be a second telling of it.
_NOTED = frozenset({"lane.staying", "lane.staying_ended", "lane.turned_back", "lane.neighbour", "exit.too_soon"})


def known_car(reader: Reader, seen: Seen, standing: LaneState | None) -> Id | None:
    """Return the passage this car was decided about already: double triggers, several reads of a waiting car."""
    if standing is not None and _is_its_tail(reader, seen, standing):
        return standing.passage_id
    if seen.plate_id is None:
        return _unread_again(reader, seen, standing)
    if seen.happened:
        return _stored_before(reader, seen)
    if standing is None or seen.plate_id != standing.plate_id:
        return None
    before = reader.one(store.PASSAGE, passage=standing.passage_id)
    is_early = before is not None and before.reason == identity.TOO_SOON  # the next telling of it may be in time
    if standing.waiting and not is_early and _apart_us(seen, standing) <= STILL_WAITING_US:
        return standing.passage_id
    return before.id if before is not None and same_moment(seen, before) else None


def is_read_otherwise(reader: Reader, seen: Seen, standing: LaneState) -> bool:
    """Tell whether this is another reading of the car that stands at the lane and was matched to a stay.

    A car without a stay yet (a misread plate at an exit) is decided about anew: the other reading may be the right one.
    """
    if seen.plate is None or standing.plate_id is None or standing.plate_id == seen.plate_id:
        return False
    if standing.stay_id is None or standing.has_driven_on:
        return False
    before = reader.one(store.PASSAGE, passage=standing.passage_id)
    if before is None or not same_moment(seen, before):
        return False
    text = vault.reveal(reader, standing.plate_id)
    return text is not None and distance(seen.plate, Plate(text)) <= READ_OTHERWISE_MAX


def names_the_waiting(reader: Reader, seen: Seen, standing: LaneState) -> bool:
    """Tell whether a stored record reads the plate of the unread car that waits: the record counts, nobody waits.

    A live reading takes the waiting car's place by itself.
    """
    if not seen.happened or seen.plate_id is None or not standing.waiting or standing.plate_id is not None:
        return False
    before = reader.one(store.PASSAGE, passage=standing.passage_id)
    return before is not None and same_moment(seen, before)


def went_behind(reader: Reader, seen: Seen) -> Passage | None:
    """Return the passage of a car that went through behind another one here just now: its reading may come after that
    news, and nobody waits then.
    """
    if seen.happened:
        return None
    told = (each for each in of_this_plate(reader, seen) if each.reason in _WENT_BEHIND)
    last = next((each for each in told if each.source is Source.CAMERA), None)
    return last if last is not None and seen.received_at - last.received_at <= TAIL_US else None


@inner
def note_other_reading(unit: Unit, seen: Seen, standing: LaneState) -> LaneAnswer:
    """Keep the other reading with its plate and pictures beside the decision that stands, and ask a person which is
    right.
    """
    answer = records.note(unit, seen, "lane.read_otherwise", stay=standing.stay_id)
    lane = seen.lane
    records.raise_case(
        unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=CaseKind.READ_OTHERWISE, passage=seen.passage,
        stay=standing.stay_id, evidence={"decided": str(standing.passage_id), "confidence": seen.confidence},
    )  # fmt: skip
    return answer


def same_moment(seen: Seen, before: Passage) -> bool:
    """Compare the devices' own stamps: a wrong clock is wrong for both readings alike.

    Two cameras have two clocks: what they tell live is one moment, too, when it is heard in one.
    """
    window = seen.lane.duplicate_window_s * SECOND_US
    is_live = not seen.happened and before.source is Source.LIVE
    if seen.device != before.device_id and is_live and abs(seen.received_at - before.received_at) <= window:
        return True
    stamps = (
        (seen.device_at, before.device_at) if seen.device_at and before.device_at else (seen.at, before.captured_at)
    )
    return abs(stamps[0] - stamps[1]) <= window


def of_this_plate(reader: Reader, seen: Seen) -> list[Passage]:
    """Return what was noted of this plate at this lane before, the latest arrivals first; a few only."""
    if seen.plate_id is None:
        return []
    before = reader.all(
        store.PASSAGES_OF_PLATE, plate=seen.plate_id, lot=seen.lane.lot, before=seen.passage, limit=_LOOKED_AT
    )
    return [one for one in before if one.lane_id == seen.lane.id]


def _is_its_tail(reader: Reader, seen: Seen, standing: LaneState) -> bool:
    """Tell whether another camera of the lane sees the tail of the car that was let through just now.

    So it is when it reads the same plate, that of a trailer, or nothing: the next car is seen by the camera at the
    front first.
    """
    if seen.happened or standing.waiting or standing.action is not Action.OPEN:
        return False
    if reader.machine_now - standing.decided_at > TAIL_US:
        return False
    is_trailer = seen.plate is not None and seen.plate.kind is PlateKind.TRAILER
    if not (is_trailer or seen.plate_id is None or seen.plate_id == standing.plate_id):
        return False
    before = reader.one(store.PASSAGE, passage=standing.passage_id)
    return before is not None and None not in (seen.device, before.device_id) and before.device_id != seen.device


def _unread_again(reader: Reader, seen: Seen, standing: LaneState | None) -> Id | None:
    """A blink of the same camera, or a second one that reads nothing, is neither another car nor sends one away."""
    if standing is None:
        return None
    if not seen.happened and standing.waiting and standing.plate_id is not None:
        return standing.passage_id if _apart_us(seen, standing) <= STILL_WAITING_US else None
    if standing.plate_id is not None and standing.has_driven_on:
        return None
    before = reader.one(store.PASSAGE, passage=standing.passage_id)
    return before.id if before is not None and same_moment(seen, before) else None


def _stored_before(reader: Reader, seen: Seen) -> Id | None:
    """Return the passage another record of this car at this lane became; stored ones come in any order."""
    told = (one for one in of_this_plate(reader, seen) if one.reason not in _NOTED)
    return next((one.id for one in told if same_moment(seen, one)), None)


def _apart_us(seen: Seen, standing: LaneState) -> int:
    return abs(seen.at - standing.captured_at)
