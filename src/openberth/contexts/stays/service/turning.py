"""A car that turns back: it has not come in, whatever was decided, and it waits no longer.

Only the camera's own word undoes an entry or an exit, and only while nothing says that the car went on. The entry is
kept: its stay ends at once with this reason and costs nothing. A car that turns back at an exit that has opened for it
is inside still: its stay goes on, and what was paid stays paid.
"""

from openberth.contexts import payments
from openberth.contexts.facility import LaneKind
from openberth.contexts.stays.model.entities import CloseReason, LaneState, OpenStay, Passage, Source, Stay
from openberth.contexts.stays.service import again, doubts, parked, prices, records
from openberth.contexts.stays.service.seen import LaneAnswer, Seen, open_key
from openberth.contexts.stays.store import passages as store
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate

TURNED_BACK = "lane.turned_back"


@inner
def turned_back(unit: Unit, seen: Seen) -> LaneAnswer:
    """Take note that a car backed out of the lane: it waits there no longer, and an entry not driven through ends."""
    standing = unit.one(store.LANE, lane=seen.lane.id)
    stay = told_of = None
    if standing is not None and standing.waiting:
        if _is_of(unit, seen, standing.plate_id):
            told_of = standing.stay_id
            records.leave_lane(unit, standing)
    elif seen.lane.kind is LaneKind.ENTRY:
        stay = _begun_here(unit, seen, standing)
    left = _left_here(unit, seen, standing) if seen.lane.kind is LaneKind.EXIT else None
    answer = records.note(unit, seen, TURNED_BACK, stay=stay.id if stay else left.id if left else told_of)
    if stay is not None:
        _undo(unit, seen, stay)
    if left is not None:
        records.reopen_stay(unit, left, passage=answer.passage, reason="turned_back")
    return answer


def _left_here(reader: Reader, seen: Seen, standing: LaneState | None) -> Stay | None:
    """Return the stay of the car that was let out here and did not drive on: it is inside still.

    What it paid stays paid; a debt it was let go with has its own course, and stays one.
    """
    if standing is None or standing.waiting or standing.stay_id is None or standing.has_driven_on:
        return None
    if seen.happened or not _is_of(reader, seen, standing.plate_id):
        return None
    left = reader.one(stay_store.STAY, stay=standing.stay_id)
    if left is None or not _left_by(reader, left, seen.lane.id) or payments.debts_of(reader, subject=left.id):
        return None
    key = open_key(left.lot_id, left.plate_id or left.entry_passage_id)
    return None if parked.stay_by_key(reader, key) is not None else left


def _left_by(reader: Reader, left: Stay, lane: Id) -> bool:
    """Tell whether a stay ended at a lane; its car may have been read there once more since."""
    passage = reader.one(store.PASSAGE, passage=left.exit_passage_id) if left.exit_passage_id else None
    return passage is not None and passage.lane_id == lane


def has_turned_back(reader: Reader, seen: Seen) -> bool:
    """Tell whether the car of a stored entry is known to have turned back after it; stored ones come in any order."""
    if not seen.happened or seen.camera_opened or seen.lane.kind is not LaneKind.ENTRY:
        return False
    return any(one.reason == TURNED_BACK and not _before(one, seen) for one in again.of_this_plate(reader, seen))


def _begun_here(reader: Reader, seen: Seen, standing: LaneState | None) -> OpenStay | None:
    """Return the stay that this car began at this lane and did not drive into, as far as anybody can tell."""
    if seen.plate_id is not None:
        stay = parked.stay_by_key(reader, seen.open_key)
    elif standing is not None and standing.stay_id is not None and _is_of(reader, seen, standing.plate_id):
        stay = reader.one(stay_store.OPEN_STAY, stay=standing.stay_id)
    else:
        return None
    if stay is None or stay.entry_lane_id != seen.lane.id or stay.segments > 1:
        return None
    entry = reader.one(store.PASSAGE, passage=stay.entry_passage_id)
    if entry is None or not _before(entry, seen) or _drove_on(entry, stay, standing):
        return None
    seen_elsewhere = any(one.lane_id != seen.lane.id for one in reader.all(store.PASSAGES_OF_STAY, stay=stay.id))
    paid = payments.paid_for(reader, subject=stay.id)
    return None if seen_elsewhere or paid else stay


def _drove_on(entry: Passage, stay: OpenStay, standing: LaneState | None) -> bool:
    """Tell whether the loop or another car at the lane shows that the car went in; a stored entry was never at it."""
    if entry.source in (Source.OFFLINE, Source.CAMERA):
        return False
    return standing is None or standing.stay_id != stay.id or standing.has_driven_on


def _before(one: Passage, seen: Seen) -> bool:
    stamps = (one.device_at, seen.device_at) if one.device_at and seen.device_at else (one.captured_at, seen.at)
    return stamps[0] <= stamps[1]


def _is_of(reader: Reader, seen: Seen, plate: Id | None) -> bool:
    """Tell whether the reading can be of the car known by a plate; one that was not read is a car without one."""
    if seen.plate_id is not None or plate is None:
        return seen.plate_id == plate
    text = vault.reveal(reader, plate)
    return text is not None and Plate(text).is_unlicensed


def _undo(unit: Unit, seen: Seen, stay: OpenStay) -> None:
    prices.withdraw_open_bill(unit, stay)
    # Nothing was paid and nothing is asked any more: so much, nothing, did the stay cost.
    assessment = prices.last_asked(unit, stay, currency=seen.lane.currency, at=seen.at)
    records.close_stay(unit, stay, assessment, passage=seen.passage, at=seen.at, reason=CloseReason.TURNED_BACK)
    earlier = unit.one(stay_store.STAY, stay=stay.again_of) if stay.again_of else None
    if earlier is None or earlier.closed_reason is not CloseReason.ENTERED_AGAIN:
        return
    # Nobody came in by that plate: the car that was inside is inside still.
    doubts.answered(unit, lot=stay.lot_id, stay=stay.id)
    if not payments.debts_of(unit, subject=earlier.id):
        records.reopen_stay(unit, earlier, passage=seen.passage, reason="turned_back")
