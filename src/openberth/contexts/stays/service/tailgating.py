"""A second car on one opening: told by a camera, or by a loop that reports more cars than were let through.

At an exit such a car has left: what it owes becomes a debt, with the pictures of the car before it beside its own. At
an entry it is inside. Where its plate is not known a person says whose it is.
"""

from openberth.contexts import facility
from openberth.contexts.facility import LaneKind
from openberth.contexts.stays.model.decisions import Verdict
from openberth.contexts.stays.model.entities import (
    Action,
    Ask,
    CaseKind,
    CloseReason,
    LaneState,
    OpenStay,
    Passage,
    PassageState,
    Source,
)
from openberth.contexts.stays.recognition import PlateColour
from openberth.contexts.stays.service import deciding, identity, late, parked, prices, records
from openberth.contexts.stays.service.basis import basis_of
from openberth.contexts.stays.service.records import Links
from openberth.contexts.stays.service.seen import LaneAnswer, Seen
from openberth.contexts.stays.store import passages as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import SECOND_US, Instant

# A loop that rises again this soon reports another axle of the same car; later than the other, nobody's opening.
ONE_CAR_US = 3 * SECOND_US // 2
ONE_OPENING_US = 30 * SECOND_US
NOTED = "lane.tailgating"


@inner
def tailgated(unit: Unit, seen: Seen, standing: LaneState | None) -> LaneAnswer:
    """Take note that a camera saw a car go through behind another one."""
    first = _let_through_last(unit, seen.lane.lot, seen.lane.id, seen.passage, other_than=seen.plate_id)
    is_read = seen.plate_id is not None
    if standing is not None and not standing.waiting and is_read and seen.plate_id == standing.plate_id:
        # The camera names the car in front, and only that: a person looks for the one behind it.
        answer = records.note(unit, seen, NOTED, stay=standing.stay_id)
        records.raise_case(
            unit, company=seen.lane.company, lot=seen.lane.lot, lane=seen.lane.id, kind=CaseKind.TAILGATER,
            passage=answer.passage, stay=None,
            evidence={"reason": "camera", "first": str(standing.passage_id), "passages": [str(standing.passage_id)]},
        )  # fmt: skip
        return answer
    stay = parked.stay_by_key(unit, seen.open_key) if seen.plate_id else None
    if standing is not None and standing.waiting and seen.plate_id == standing.plate_id:
        records.leave_lane(unit, standing)
    if seen.lane.kind is LaneKind.ENTRY:
        return _came_in(unit, seen, stay, first)
    if seen.lane.kind is LaneKind.INNER:
        if stay is not None and seen.lane.to_area and stay.area_id != seen.lane.to_area:
            records.move_stay(unit, stay, passage=seen.passage, to_area=seen.lane.to_area, at=seen.at)
        return _written(unit, seen, "inner.tailgated", stay.id if stay else None, first, tells=stay is None)
    return _went_out(unit, seen, stay, first)


@inner
def second_crossed(unit: Unit, standing: LaneState) -> None:
    """Take note that a loop reported a car for which nothing was opened.

    A car that waits there may be the one that went: a person looks, and names whoever went. Nothing is said of one that
    goes through a gate nobody has opened lately, nor of the second axle of the car before.
    """
    last, now, awaited = standing.passed_at, unit.machine_now, standing.awaited or 0
    unit.run(store.PASSED_UNAWAITED, lane=standing.lane_id, now=now, new_awaited=max(awaited - 1, 0))
    if awaited or last is None or not ONE_CAR_US < now - last <= ONE_OPENING_US:
        return
    waits = standing.waiting
    first = _let_through_last(
        unit, standing.lot_id, standing.lane_id, standing.passage_id if waits else None, other_than=None
    )  # fmt: skip
    evidence = {"first": str(first.id), "passages": [str(first.id)]} if first else {}
    records.raise_case(
        unit, company=standing.company_id, lot=standing.lot_id, lane=standing.lane_id, kind=CaseKind.TAILGATER,
        passage=standing.passage_id if waits else None, stay=None,
        evidence={"reason": "loop", **evidence},
    )  # fmt: skip


@inner
def charge(
    unit: Unit, stay: OpenStay, *, currency: str, lane: Id | None, passage: Id | None, first: Id | None, at: Instant
) -> int:  # fmt: skip
    """End the stay of a car that left behind another one; what it owes becomes a debt. Returns what that is.

    Where there is no honest price, what was last asked for stands in for it.
    """
    assessment, _ = prices.assess_out(unit, stay, currency=currency, at=at)
    if assessment.due:
        prices.ensure_bill(unit, stay, assessment, at_exit=False)
    records.leave_other_lanes(unit, stay.id, lane=None)
    records.close_priced(
        unit, stay, assessment, passage=passage, lane=lane, at=at,
        reason=CloseReason.TAILGATED, beside=first,
    )  # fmt: skip
    return assessment.due.minor


@inner
def nameless(unit: Unit, *, lane: Id, at: Instant) -> Passage:
    """Write the passage of a car that came in behind another one, and that no camera told of apart."""
    seen = Seen(
        passage=unit.new_id(), lane=facility.lane_context(unit, lane=lane), device=None, source=Source.CAMERA,
        plate=None, plate_id=None, colour=PlateColour.UNKNOWN.value, confidence=0, at=at, device_at=None,
        received_at=unit.now, pictures=0, flaws=(),
    )  # fmt: skip
    return records.write_passage(unit, seen, Verdict(Action.RECORD, "entry.tailgated"), Links())


def _came_in(unit: Unit, seen: Seen, stay: OpenStay | None, first: Passage | None) -> LaneAnswer:
    if seen.plate_id is None or stay is not None:
        return _written(unit, seen, "entry.tailgated", stay.id if stay else None, first)
    admitted = deciding.admit(unit, seen, deciding.permission_of(unit, seen), None)
    return _written(unit, seen, "entry.tailgated", admitted.id if admitted else None, first)


def _went_out(unit: Unit, seen: Seen, stay: OpenStay | None, first: Passage | None) -> LaneAnswer:
    stay = late.stay_left(unit, seen, stay)
    if stay is None and seen.plate_id is not None:
        ended = identity.known_otherwise(unit, seen).reopened
        stay = late.revive(unit, lot=seen.lane.lot, stay=ended.id, passage=seen.passage) if ended else None
    if stay is None:
        return _written(unit, seen, "exit.tailgated", None, first, tells=not seen.on_duty)
    lane = seen.lane
    if seen.on_duty:
        free = prices.leave_free(unit, stay, currency=lane.currency, at=seen.at).assessment
        answer = _written(unit, seen, "exit.emergency", stay.id, first, tells=False)
        records.close_priced(
            unit, stay, free, passage=seen.passage, lane=lane.id, at=seen.at, reason=CloseReason.LEFT
        )  # fmt: skip
        return answer
    answer = _written(unit, seen, "exit.tailgated", stay.id, first, tells=False)
    owed = charge(
        unit, stay, currency=lane.currency, lane=lane.id, passage=seen.passage, first=first.id if first else None,
        at=seen.at,
    )  # fmt: skip
    if owed:
        _tell(unit, seen, stay.id, first, due_minor=owed)
    return answer


def _written(
    unit: Unit, seen: Seen, reason: str, stay: Id | None, first: Passage | None, *, tells: bool = True
) -> LaneAnswer:  # fmt: skip
    """Write the passage of a car that went through by itself: it never stood at the lane, and nothing moves for it."""
    went = Seen(**{name: getattr(seen, name) for name in Seen.__slots__} | {"source": Source.CAMERA})
    basis = basis_of(went)
    if first is not None:
        basis["first"] = str(first.id)
    passage = records.write_passage(unit, went, Verdict(Action.RECORD, reason), Links(stay=stay), basis)
    if tells:
        _tell(unit, seen, stay, first)
    return LaneAnswer(passage.id, False, Action.RECORD, reason, Ask.NOTHING, stay, None)


def _tell(unit: Unit, seen: Seen, stay: Id | None, first: Passage | None, **more: int) -> None:
    lane = seen.lane
    before = {"first": str(first.id), "passages": [str(first.id)]} if first else {}
    records.raise_case(
        unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=CaseKind.TAILGATER, passage=seen.passage,
        stay=stay, evidence={"reason": "camera", **before, **more},
    )  # fmt: skip


def _let_through_last(
    reader: Reader, lot: Id, lane: Id, before: Id | None, *, other_than: Id | None
) -> Passage | None:  # fmt: skip
    """Return the last car that was let through at a lane: its opening is the one that two cars used."""
    for each in reader.all(store.PASSAGES_BEFORE, lot=lot, before=before or BEYOND_ALL):
        is_other = other_than is None or each.plate_id != other_than
        was_let = each.state is PassageState.PASSED and each.action is not Action.RECORD
        if each.lane_id == lane and was_let and is_other:
            return each
    return None
