"""Resolving a case: a person looked and says what is so, with a reason."""

from enum import StrEnum

from openberth.contexts import facility
from openberth.contexts.facility import CommandKind, LaneKind
from openberth.contexts.stays.model.entities import (
    Case,
    CaseKind,
    OpenStay,
    Passage,
    PassageState,
    Resolution,
    Source,
)
from openberth.contexts.stays.service import (
    by_hand,
    deciding_again,
    late,
    named_late,
    one_visit,
    parked,
    records,
    tailgating,
    which_visit,
)
from openberth.contexts.stays.service.codes import find_inside
from openberth.contexts.stays.service.seen import open_key
from openberth.contexts.stays.store import cases as store
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra import vault
from openberth.infra.database import Unit
from openberth.infra.permitting import needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.reasons import checked_reason


class CaseAction(StrEnum):
    """What a person does about a case."""

    DISMISS = "dismiss"  # nothing needs to be done
    OPEN = "open"  # let the car through as it is
    CORRECT_PLATE = "correct_plate"  # it is another plate: decide again
    MATCH_STAY = "match_stay"  # it is the car of this stay: decide again
    OTHER_CAR = "other_car"  # two cars have this plate: let this one in beside the other
    CHARGE = "charge"  # it left behind another car: what it owes becomes a debt


@needs("case.resolve")
def resolve(
    unit: Unit, *, case: Id, action: CaseAction, reason: str, plate: Plate | None = None, stay: Id | None = None
) -> Case:
    """Resolve a case and return it as it is afterwards. What concerns the lane needs the case's car still there.

    Raises ``NotFound("exception.not_found")``, ``Refused``: ``exception.resolved``, ``exception.action`` (the action
    does not fit the case), ``reason.missing``, ``reason.too_long``, ``lane.nobody_waiting``; ``Malformed``:
    ``exception.plate_missing``, ``exception.stay_missing``; what deciding again raises; what naming a car raises that
    has gone on (``named_late``); and of a car behind another one ``stay.at_lane`` (it stands at a lane),
    ``stay.plate_inside`` (who came in is inside already), ``stay.closed`` (the stay that is named was seen to end),
    ``stay.soft_closed`` (the plate's was ended softly long ago: it is named by its id, or let go on by hand).
    """
    text = checked_reason(reason)
    found = _open_case(unit, case)
    unit.lock(("lot", found.lot_id))
    found = _open_case(unit, case)
    if action is CaseAction.CORRECT_PLATE and plate is None:
        raise Malformed("exception.plate_missing")
    if not _resolve_apart(unit, found, action, text, plate, stay):
        _resolve_at_lane(unit, found, action, text, plate, stay)
    return _after(unit, case)


def _resolve_apart(
    unit: Unit, found: Case, action: CaseAction, text: str, plate: Plate | None, stay: Id | None
) -> bool:  # fmt: skip
    """Resolve what needs nobody at a lane; tells whether it was that."""
    if which_visit.asks(found) and action in (CaseAction.DISMISS, CaseAction.MATCH_STAY):
        if action is CaseAction.MATCH_STAY and stay is None:
            raise Malformed("exception.stay_missing")
        how = Resolution.MATCHED if action is CaseAction.MATCH_STAY else Resolution.DISMISSED
        one_visit.settle(unit, found, stay=stay if how is Resolution.MATCHED else None, resolution=how, reason=text)
        return True
    if action is CaseAction.DISMISS:
        records.resolve_case(unit, found, resolution=Resolution.DISMISSED, reason=text)
        return True
    stored = _stored_entry(unit, found)
    if stored is not None and plate is not None and action is CaseAction.CORRECT_PLATE:
        records.resolve_case(unit, found, resolution=Resolution.CORRECTED, reason=text)
        deciding_again.enter_stored(unit, passage=stored, plate=plate)
        return True
    if plate is not None and action is CaseAction.CORRECT_PLATE and _is_nameless_behind(unit, found):
        _book_in(unit, found, plate)
        records.resolve_case(unit, found, resolution=Resolution.CORRECTED, reason=text)
        return True
    gone = named_late.passage_of(unit, found)
    if gone is not None and action is CaseAction.CORRECT_PLATE:
        records.resolve_case(unit, found, resolution=Resolution.CORRECTED, reason=text)
        named_late.settle(unit, gone, plate=plate)
        return True
    if gone is not None and action is CaseAction.MATCH_STAY:
        if stay is None:
            raise Malformed("exception.stay_missing")
        records.resolve_case(unit, found, resolution=Resolution.MATCHED, reason=text)
        named_late.settle(unit, gone, stay=stay)
        return True
    if action is CaseAction.CHARGE:
        _charge(unit, found, plate, stay)
        records.resolve_case(unit, found, resolution=Resolution.CHARGED, reason=text)
        return True
    return False


def _resolve_at_lane(
    unit: Unit, found: Case, action: CaseAction, text: str, plate: Plate | None, stay: Id | None
) -> None:  # fmt: skip
    """Resolve a case by what happens with its car, which stands there still."""
    if action is CaseAction.OTHER_CAR and found.kind is not CaseKind.CLONED_PLATE:
        raise Refused("exception.action")
    lane = _lane_of_car(unit, found)
    if action is CaseAction.OTHER_CAR:
        by_hand.admit_other(unit, lot=found.lot_id, lane=lane, reason=text)
        records.resolve_case(unit, found, resolution=Resolution.OPENED, reason=text)
    elif action is CaseAction.OPEN:
        _open(unit, found, lane, text)
    elif plate is not None and action is CaseAction.CORRECT_PLATE:
        records.resolve_case(unit, found, resolution=Resolution.CORRECTED, reason=text)
        deciding_again.identify(
            unit, lot=found.lot_id, lane=lane, plate=plate, cause="corrected", resolution=Resolution.CORRECTED
        )
    else:
        if stay is None:
            raise Malformed("exception.stay_missing")
        records.resolve_case(unit, found, resolution=Resolution.MATCHED, reason=text)
        deciding_again.match_stay(unit, lot=found.lot_id, lane=lane, stay=stay)


def _charge(unit: Unit, case: Case, plate: Plate | None, stay: Id | None) -> None:
    """End the stay of a car that left behind another one: the case's own, that of a plate, or the one that is named.

    Only who goes through an exit has left. Where the case's own stay is over the debt stands already, and a car that
    came to a lane since has not left.
    """
    passage = unit.one(passage_store.PASSAGE, passage=case.passage_id) if case.passage_id else None
    if case.kind is not CaseKind.TAILGATER or _kind_of_lane(unit, case, passage) is not LaneKind.EXIT:
        raise Refused("exception.action")
    named = stay or case.stay_id
    if plate is not None:
        found: OpenStay | None = _of_plate(unit, case, plate)
    elif named is None:
        raise Malformed("exception.stay_missing")
    else:
        found = unit.one(stay_store.OPEN_STAY, stay=named)
    if found is None and named == case.stay_id:
        return
    if found is None and named is not None:
        found = late.revive(unit, lot=case.lot_id, stay=named, passage=case.passage_id)
        if found is None and unit.one(stay_store.STAY, stay=named) is not None:
            raise Refused("stay.closed")
    if found is None or found.lot_id != case.lot_id:
        raise NotFound("stay.not_found")
    for standing in unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=found.id):
        if standing.lane_id != case.lane_id or standing.captured_at > case.raised_at:
            raise parked.at_lane(unit, standing)
    first = case.evidence.get("first")
    lot = facility.lot_by_id(unit, lot=case.lot_id)
    tailgating.charge(
        unit, found, currency=lot.currency, lane=case.lane_id, passage=passage.id if passage else None,
        first=Id(first) if first else None, at=passage.captured_at if passage else case.raised_at,
    )  # fmt: skip
    if passage is not None and passage.reason != tailgating.NOTED:  # that one tells of the car in front
        unit.run(
            passage_store.UPDATE_PASSAGE, passage=passage.id, new_state=PassageState.PASSED, new_stay=found.id,
            new_bill=passage.bill_id, new_command=passage.command_id,
        )  # fmt: skip


def _of_plate(unit: Unit, case: Case, plate: Plate) -> OpenStay:
    """Return the stay of the plate of a car that left: it was inside, or believed to be gone since not long ago."""
    try:
        return find_inside(unit, lot=case.lot_id, plate=plate)
    except NotFound:
        plate_id = vault.find(unit, VaultKind.PLATE, plate.key)
        if plate_id is None:
            raise
        found = late.revive_of_plate(
            unit, lot=case.lot_id, plate=plate_id, at=case.raised_at, passage=case.passage_id
        )  # fmt: skip
        if found is None:
            raise
        return found


def _kind_of_lane(unit: Unit, case: Case, passage: Passage | None) -> LaneKind | None:
    if passage is not None:
        return passage.lane_kind
    return None if case.lane_id is None else facility.lane_context(unit, lane=case.lane_id).kind


def _is_nameless_behind(unit: Unit, case: Case) -> bool:
    """Tell whether a case is of a car that came in behind another one, and of which nobody knows whose it is."""
    if case.kind is not CaseKind.TAILGATER or case.stay_id is not None:
        return False
    passage = unit.one(passage_store.PASSAGE, passage=case.passage_id) if case.passage_id else None
    return _kind_of_lane(unit, case, passage) is LaneKind.ENTRY


def _book_in(unit: Unit, case: Case, plate: Plate) -> None:
    """Let the stay begin of a car that came in behind another one: a person read its plate from the pictures."""
    assert case.lane_id is not None, "a car that follows another one does so at a lane"
    plate_id = vault.keep(unit, VaultKind.PLATE, plate.key)
    inside = parked.stay_by_key(unit, open_key(case.lot_id, plate_id))
    if inside is not None:
        raise Refused("stay.plate_inside", stay=str(inside.id))
    passage = unit.one(passage_store.PASSAGE, passage=case.passage_id) if case.passage_id else None
    is_its_own = passage is not None and passage.stay_id is None and passage.plate_id in (None, plate_id)
    if passage is None or not is_its_own or passage.reason == tailgating.NOTED:
        passage = tailgating.nameless(unit, lane=case.lane_id, at=case.raised_at)
    standing = unit.one(passage_store.LANE, lane=case.lane_id)
    if standing is not None and standing.waiting and standing.passage_id == passage.id:
        records.leave_lane(unit, standing)
    deciding_again.enter_stored(unit, passage=passage, plate=plate)


def _open_case(unit: Unit, case: Id) -> Case:
    found = unit.one(store.CASE, case_id=case)
    if found is None:
        raise NotFound("exception.not_found")
    if found.resolved_at is not None:
        raise Refused("exception.resolved")
    return found


def _stored_entry(unit: Unit, case: Case) -> Passage | None:
    """Return the stored record of a car that came in unread, if the case is about one: there is no lane to look at."""
    passage = unit.one(passage_store.PASSAGE, passage=case.passage_id) if case.passage_id else None
    if case.kind is not CaseKind.PLATE_UNREAD or passage is None or passage.stay_id is not None:
        return None
    stored = passage.source is Source.OFFLINE and passage.lane_kind is LaneKind.ENTRY
    return passage if stored else None


def _lane_of_car(unit: Unit, case: Case) -> Id:
    """Return the lane where the case's car stands; opening for another one would let a stranger through."""
    if case.lane_id is None or case.passage_id is None:
        raise Refused("exception.action")
    standing = unit.one(passage_store.LANE, lane=case.lane_id)
    if standing is None or standing.passage_id != case.passage_id:
        raise Refused("lane.nobody_waiting")
    return case.lane_id


def _open(unit: Unit, case: Case, lane: Id, reason: str) -> None:
    if case.kind is CaseKind.GATE_FAILED:
        # The car was let through already and stands before a gate that did not move: tell the gate again, nothing else.
        facility.issue_command(
            unit, company=case.company_id, lot=case.lot_id, lane=lane, kind=CommandKind.OPEN, passage=case.passage_id,
            reason=reason,
        )  # fmt: skip
    else:
        passage = unit.one(passage_store.PASSAGE, passage=case.passage_id)
        if passage is None or passage.state not in by_hand.STANDING:
            raise Refused("lane.nobody_waiting")
        if passage.reason == "exit.cloned":  # which of the cars it is has to be said, or its stay goes on for ever
            raise Refused("exception.action")
        by_hand.open_by_hand(unit, lot=case.lot_id, lane=lane, reason=reason)
    records.resolve_case(unit, case, resolution=Resolution.OPENED, reason=reason)


def _after(unit: Unit, case: Id) -> Case:
    found = unit.one(store.CASE, case_id=case)
    assert found is not None, "a case that was resolved can be read"
    return found
