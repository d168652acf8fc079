"""A person opens a lane: what that means for the car that stood there, and for the other one with its plate."""

from collections.abc import Sequence

from openberth.contexts import facility
from openberth.contexts.facility import Command, CommandKind, LaneKind
from openberth.contexts.stays.model.entities import (
    CaseKind,
    CloseReason,
    LaneState,
    OpenStay,
    PassageState,
    Resolution,
)
from openberth.contexts.stays.service import deciding, deciding_again, parked, prices, records, releasing
from openberth.contexts.stays.service.seen import Seen, open_key
from openberth.contexts.stays.store import passages as store
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra.database import Unit
from openberth.infra.permitting import inner, needs
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import SECOND_US

PRESSED_TWICE_US = 5 * SECOND_US  # a second press of the same button, or a retry of its request
STANDING = (PassageState.WAITING, PassageState.REFUSED, PassageState.UNDECIDED)


@needs("lane.open")
def open_by_hand(unit: Unit, *, lot: Id, lane: Id, reason: str) -> Command:
    """Open a lane for a reason; the operator is the unit's actor.

    The car that stands there is let through: at an entry its stay begins, at an exit it ends and what it owes stays a
    debt. With nobody there the gate opens all the same, and a case asks what that was.
    """
    text = checked_reason(reason)
    unit.lock(("lot", lot))
    context = facility.lane_context(unit, lane=lane)
    standing = unit.one(store.LANE, lane=lane)
    passage = unit.one(store.PASSAGE, passage=standing.passage_id) if standing else None
    if standing is None or passage is None or passage.state not in STANDING:
        pressed_again = facility.opening_under_way(unit, lane=lane, within_us=PRESSED_TWICE_US)
        if pressed_again is not None:
            return pressed_again
        command = facility.issue_command(
            unit, company=context.company, lot=lot, lane=lane, kind=CommandKind.OPEN, passage=None, reason=text
        )
        unit.run(store.AWAIT_ONE_MORE, lane=lane)
        records.raise_case(
            unit, company=context.company, lot=lot, lane=lane, kind=CaseKind.OPENED_BY_HAND, passage=None, stay=None,
            evidence={"reason": text, "command": str(command.id)},
        )  # fmt: skip
        return command
    seen = deciding_again.seen_again(unit, context, passage)
    stay = _pass_by_hand(unit, seen, standing)
    return releasing.let_through(
        unit, context, standing, cause="by_hand", resolution=Resolution.OPENED, reason=text, stay=stay
    )


def _pass_by_hand(unit: Unit, seen: Seen, standing: LaneState) -> Id | None:
    """Write what an opened lane means for the stay of the car that stood there."""
    if seen.lane.kind is LaneKind.ENTRY:
        inside = parked.stay_by_key(unit, seen.open_key)
        admitted = deciding.admit_named(unit, seen, inside, reason="entry.by_hand")
        return admitted.id if admitted else None
    stay = unit.one(stay_store.OPEN_STAY, stay=standing.stay_id) if standing.stay_id else None
    if stay is None and seen.plate_id is not None:
        named = parked.stays_of_plate(unit, lot=seen.lane.lot, plate=seen.plate_id)
        stay = named[0] if len(named) == 1 else None
        if len(named) > 1 and seen.lane.kind is LaneKind.EXIT:
            _tell_one_of_several_left(unit, seen, named)
    if stay is None:
        return None
    if seen.lane.kind is LaneKind.INNER:
        if seen.lane.to_area and seen.lane.to_area != stay.area_id:
            records.move_stay(unit, stay, passage=seen.passage, to_area=seen.lane.to_area, at=seen.at)
        return stay.id
    _close_by_hand(unit, seen, stay)
    return stay.id


def _tell_one_of_several_left(unit: Unit, seen: Seen, named: Sequence[OpenStay]) -> None:
    """Ask a person which of the cars with one plate was let out: its stay goes on, and nothing is asked for it."""
    lane = seen.lane
    records.raise_case(
        unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=CaseKind.LEFT_UNPAID, passage=seen.passage,
        stay=None,
        evidence={
            "reason": "cloned", "stays": [str(each.id) for each in named],
            "passages": [str(each.entry_passage_id) for each in named],
        },
    )  # fmt: skip


def _close_by_hand(unit: Unit, seen: Seen, stay: OpenStay) -> None:
    lane = seen.lane
    if seen.on_duty:
        assessment, trouble = prices.leave_free(unit, stay, currency=lane.currency, at=seen.at).assessment, ""
    else:
        assessment, trouble = prices.assess_out(unit, stay, currency=lane.currency, at=seen.at)
    if trouble:
        releasing.tell_trouble(unit, lane, seen.passage, stay.id, trouble)
    elif assessment.due:
        bill = prices.ensure_bill(unit, stay, assessment, at_exit=False)
        records.raise_case(
            unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=CaseKind.LEFT_UNPAID, passage=seen.passage,
            stay=stay.id, evidence={"bill": str(bill.id), "due_minor": assessment.due.minor},
        )  # fmt: skip
    records.close_priced(
        unit, stay, assessment, passage=seen.passage, lane=lane.id, at=seen.at, reason=CloseReason.MANUAL
    )


@inner
def admit_other(unit: Unit, *, lot: Id, lane: Id, reason: str) -> None:
    """Let the car that waits at an entry in beside another one with its plate.

    From now on neither is found by the plate alone: at an exit a person says which one it is.
    """
    context, standing, passage = deciding_again.waiting_at(unit, lot=lot, lane=lane)
    if context.kind is not LaneKind.ENTRY or passage.plate_id is None:
        raise Refused("exception.action")
    seen = deciding_again.seen_again(unit, context, passage)
    inside = parked.stay_by_key(unit, seen.open_key)
    if inside is not None:
        unit.save(
            stay_store.REKEY_OPEN_STAY, stay=inside.id, old_version=inside.version,
            new_open_key=open_key(lot, inside.entry_passage_id),
        )  # fmt: skip
    permission = deciding.permission_of(unit, seen).inside
    admitted = records.open_stay(unit, seen, permission, key=open_key(lot, passage.id))
    releasing.let_through(
        unit, context, standing, cause="other_car", resolution=Resolution.OPENED, reason=reason, stay=admitted.id
    )
