"""Deciding again about a car that waits at a lane, or was stored: its plate, its pass or its stay is known by now."""

from dataclasses import replace

from openberth.contexts import facility
from openberth.contexts.facility import LaneContext, LaneKind
from openberth.contexts.stays.model.entities import (
    Action,
    Ask,
    CaseKind,
    CloseReason,
    LaneState,
    OpenStay,
    Passage,
    PassageState,
    Resolution,
    Source,
)
from openberth.contexts.stays.service import deciding, doubts, late, parked, prices, records, releasing, which_visit
from openberth.contexts.stays.service.records import Links
from openberth.contexts.stays.service.seen import LaneAnswer, Seen
from openberth.contexts.stays.store import passages as store
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate


@inner
def identify(unit: Unit, *, lot: Id, lane: Id, plate: Plate, cause: str, resolution: Resolution) -> LaneAnswer:
    """Decide again about the car that waits at a lane, now that its plate (or pass) is known.

    One at an exit whose stay was ended softly goes on with it. Raises ``Refused``: ``lane.nobody_waiting``,
    ``stay.several`` (one leaves, and two cars inside have this plate), ``stay.soft_closed`` (it was ended softly so
    long ago that a person says which stay it is).
    """
    context, standing, passage = waiting_at(unit, lot=lot, lane=lane)
    plate_id = vault.keep(unit, VaultKind.PLATE, plate.key)
    unit.run(store.CORRECT_PLATE, passage=passage.id, new_plate=plate_id, new_kind=plate.kind.value)
    seen = replace(seen_again(unit, context, passage), plate=plate, plate_id=plate_id)
    if context.kind is LaneKind.ENTRY:
        stay = parked.stay_by_key(unit, seen.open_key)
    else:
        stay = parked.stay_of_plate(unit, lot=lot, plate=plate_id)
    if stay is None and context.kind is LaneKind.EXIT:
        stay = late.revive_of_plate(unit, lot=lot, plate=plate_id, at=seen.at, passage=passage.id)
    return _decide_again(unit, seen, replace(standing, plate_id=plate_id), stay, cause, resolution)


@inner
def enter_stored(unit: Unit, *, passage: Passage, plate: Plate) -> None:
    """Let the stay begin of a car whose stored record had no plate: a person read it from the pictures and says it is
    inside.
    """
    context = facility.lane_context(unit, lane=passage.lane_id)
    plate_id = vault.keep(unit, VaultKind.PLATE, plate.key)
    unit.run(store.CORRECT_PLATE, passage=passage.id, new_plate=plate_id, new_kind=plate.kind.value)
    seen = replace(seen_again(unit, context, passage), plate=plate, plate_id=plate_id)
    inside = parked.stay_by_key(unit, seen.open_key)
    admitted = deciding.admit_named(unit, seen, inside, reason="entry.corrected")
    unit.run(
        store.UPDATE_PASSAGE, passage=passage.id, new_state=PassageState.PASSED,
        new_stay=admitted.id if admitted else None, new_bill=None, new_command=None,
    )  # fmt: skip
    if admitted is not None and admitted.entry_passage_id == passage.id:
        late.end_where_it_left(unit, seen, admitted)


@inner
def match_stay(
    unit: Unit, *, lot: Id, lane: Id, stay: Id, cause: str = "matched", resolution: Resolution = Resolution.MATCHED
) -> LaneAnswer:  # fmt: skip
    """Decide again about the car that waits at an exit as the car of a stay that a person chose."""
    context, standing, passage = waiting_at(unit, lot=lot, lane=lane)
    if context.kind is LaneKind.ENTRY:
        raise Refused("lane.not_an_exit", lane=context.code)
    found = unit.one(stay_store.OPEN_STAY, stay=stay) or late.revive(unit, lot=lot, stay=stay, passage=passage.id)
    if found is None or found.lot_id != lot:
        raise NotFound("stay.not_found")
    seen = seen_again(unit, context, passage)
    return _decide_again(unit, seen, standing, found, cause, resolution)


@inner
def waiting_at(unit: Unit, *, lot: Id, lane: Id) -> tuple[LaneContext, LaneState, Passage]:
    """Return the lane, its hot row and the passage that waits there; holds the lot's lock."""
    unit.lock(("lot", lot))
    context = facility.lane_context(unit, lane=lane)
    standing = unit.one(store.LANE, lane=lane)
    passage = unit.one(store.PASSAGE, passage=standing.passage_id) if standing and standing.waiting else None
    if standing is None or passage is None:
        raise Refused("lane.nobody_waiting", lane=context.code)
    return context, standing, passage


def _decide_again(
    unit: Unit, seen: Seen, standing: LaneState, stay: OpenStay | None, cause: str, resolution: Resolution
) -> LaneAnswer:
    lane = seen.lane
    if lane.kind is LaneKind.ENTRY:
        admitted = deciding.admit_named(unit, seen, stay, reason=f"entry.{cause}")
        releasing.let_through(
            unit, lane, standing, cause=cause, resolution=resolution, stay=admitted.id if admitted else None
        )
        return LaneAnswer(seen.passage, False, Action.OPEN, f"entry.{cause}", Ask.NOTHING, None, None)
    if stay is None:
        raise NotFound("stay.not_found")
    if lane.kind is LaneKind.INNER:
        if lane.to_area and stay.area_id != lane.to_area:
            records.move_stay(unit, stay, passage=seen.passage, to_area=lane.to_area, at=seen.at)
        releasing.let_through(unit, lane, standing, cause=cause, resolution=resolution, stay=stay.id)
        return LaneAnswer(seen.passage, False, Action.OPEN, "inner.inside", Ask.NOTHING, stay.id, None)
    return _leave_again(unit, seen, standing, stay, cause, resolution)


def _leave_again(
    unit: Unit, seen: Seen, standing: LaneState, stay: OpenStay, cause: str, resolution: Resolution
) -> LaneAnswer:
    lane = seen.lane
    records.leave_other_lanes(unit, stay.id, lane=lane.id)
    doubt = deciding.doubt_at_exit(unit, seen, stay)
    if doubt is not None:
        return _ask_which_entry(unit, seen, standing, stay, doubt, resolution)
    is_free = seen.on_duty or prices.is_free(stay)
    leaving = prices.leaving(unit, stay, currency=lane.currency, at=seen.at, on_duty=is_free)
    if not leaving.assessment.due:
        records.close_priced(
            unit, stay, leaving.assessment, passage=seen.passage, lane=lane.id, at=seen.at, reason=CloseReason.LEFT
        )
        releasing.let_through(unit, lane, standing, cause=cause, resolution=resolution, stay=stay.id)
        reason = "exit.prepaid" if leaving.paid_by_account else "exit.emergency" if is_free else "exit.nothing_due"
        return LaneAnswer(seen.passage, False, Action.OPEN, reason, Ask.NOTHING, stay.id, None)
    bill = leaving.bill
    assert bill is not None, "what is due is asked for"
    links = Links(stay=stay.id, bill=bill.id)
    records.update_lane(unit, standing, waiting=True, action=Action.HOLD, ask=Ask.PAY, links=links)
    unit.run(
        store.UPDATE_PASSAGE, passage=seen.passage, new_state=PassageState.WAITING, new_stay=stay.id, new_bill=bill.id,
        new_command=None,
    )  # fmt: skip
    records.resolve_of_passage(unit, passage=seen.passage, resolution=resolution)
    return LaneAnswer(seen.passage, False, Action.HOLD, "exit.unpaid", Ask.PAY, stay.id, bill.id)


def _ask_which_entry(
    unit: Unit, seen: Seen, standing: LaneState, stay: OpenStay, doubt: doubts.Doubt, resolution: Resolution
) -> LaneAnswer:
    """Keep a car that is known by now until a person says whether it had left between its two entries."""
    lane = seen.lane
    records.update_lane(unit, standing, waiting=True, action=Action.HOLD, ask=Ask.NOTHING, links=Links(stay=stay.id))
    unit.run(
        store.UPDATE_PASSAGE, passage=seen.passage, new_state=PassageState.WAITING, new_stay=stay.id, new_bill=None,
        new_command=None,
    )  # fmt: skip
    records.resolve_of_passage(unit, passage=seen.passage, resolution=resolution)
    records.raise_case(
        unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=CaseKind.ENTERED_AGAIN, passage=seen.passage,
        stay=doubt.later.id, evidence={"reason": which_visit.AT_EXIT, **doubt.evidence},
    )  # fmt: skip
    return LaneAnswer(seen.passage, False, Action.HOLD, which_visit.AT_EXIT, Ask.NOTHING, stay.id, None)


def seen_again(reader: Reader, lane: LaneContext, passage: Passage) -> Seen:
    """Return a stored passage as it was seen, to decide about it again."""
    text = vault.reveal(reader, passage.plate_id) if passage.plate_id else None
    return Seen(
        passage=passage.id, lane=lane, device=passage.device_id, source=Source.MANUAL,
        plate=Plate(text) if text else None, plate_id=passage.plate_id, colour=passage.colour,
        confidence=passage.confidence, at=passage.captured_at, device_at=passage.device_at,
        received_at=passage.received_at, pictures=passage.pictures, flaws=passage.flaws,
    )  # fmt: skip
