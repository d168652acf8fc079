"""Resolving a case: a person looked and says what is so, with a reason."""

from enum import StrEnum

from openberth.contexts import facility
from openberth.contexts.facility import CommandKind, LaneKind
from openberth.contexts.stays.model.entities import Case, CaseKind, Passage, PassageState, Resolution, Source
from openberth.contexts.stays.service import records, releasing
from openberth.contexts.stays.store import cases as store
from openberth.contexts.stays.store import passages as passage_store
from openberth.infra.database import Unit
from openberth.infra.permitting import needs
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.reasons import checked_reason

_STANDING = (PassageState.WAITING, PassageState.REFUSED, PassageState.UNDECIDED)


class CaseAction(StrEnum):
    """What a person does about a case."""

    DISMISS = "dismiss"  # nothing needs to be done
    OPEN = "open"  # let the car through as it is
    CORRECT_PLATE = "correct_plate"  # it is another plate: decide again
    MATCH_STAY = "match_stay"  # it is the car of this stay: decide again


@needs("case.resolve")
def resolve(
    unit: Unit, *, case: Id, action: CaseAction, reason: str, plate: Plate | None = None, stay: Id | None = None
) -> Case:
    """Resolve a case and return it as it is afterwards. What concerns the lane needs the case's car still there.

    Raises ``NotFound("exception.not_found")``, ``Refused``: ``exception.resolved``, ``exception.action`` (the action
    does not fit the case), ``reason.missing``, ``reason.too_long``, ``lane.nobody_waiting``; ``Malformed``:
    ``exception.plate_missing``, ``exception.stay_missing``; and what deciding again raises.
    """
    text = checked_reason(reason)
    found = _open_case(unit, case)
    unit.lock(("lot", found.lot_id))
    found = _open_case(unit, case)
    if action is CaseAction.DISMISS:
        records.resolve_case(unit, found, resolution=Resolution.DISMISSED, reason=text)
        return _after(unit, case)
    if action is CaseAction.CORRECT_PLATE and plate is None:
        raise Malformed("exception.plate_missing")
    stored = _stored_entry(unit, found)
    if stored is not None and plate is not None and action is CaseAction.CORRECT_PLATE:
        records.resolve_case(unit, found, resolution=Resolution.CORRECTED, reason=text)
        releasing.enter_stored(unit, passage=stored, plate=plate)
        return _after(unit, case)
    lane = _lane_of_car(unit, found)
    if action is CaseAction.OPEN:
        _open(unit, found, lane, text)
    elif plate is not None and action is CaseAction.CORRECT_PLATE:
        records.resolve_case(unit, found, resolution=Resolution.CORRECTED, reason=text)
        releasing.identify(
            unit, lot=found.lot_id, lane=lane, plate=plate, cause="corrected", resolution=Resolution.CORRECTED
        )
    else:
        if stay is None:
            raise Malformed("exception.stay_missing")
        records.resolve_case(unit, found, resolution=Resolution.MATCHED, reason=text)
        releasing.match_stay(unit, lot=found.lot_id, lane=lane, stay=stay)
    return _after(unit, case)


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
        if passage is None or passage.state not in _STANDING:
            raise Refused("lane.nobody_waiting")
        releasing.open_by_hand(unit, lot=case.lot_id, lane=lane, reason=reason)
    records.resolve_case(unit, case, resolution=Resolution.OPENED, reason=reason)


def _after(unit: Unit, case: Id) -> Case:
    found = unit.one(store.CASE, case_id=case)
    assert found is not None, "a case that was resolved can be read"
    return found
