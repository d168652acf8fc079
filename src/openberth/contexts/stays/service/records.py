"""Writing what happened: passages, stays opening, moving and closing, lanes, cases. Shared by all use cases of
stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from openberth.contexts import facility, payments, tariffs
from openberth.contexts.facility import Command, CommandKind
from openberth.contexts.stays.model.decisions import Verdict
from openberth.contexts.stays.model.entities import (
    Action,
    Ask,
    Case,
    CaseKind,
    CloseReason,
    LaneState,
    OpenStay,
    Passage,
    PassageState,
    Resolution,
    Segment,
    Source,
    Stay,
    picture_name,
)
from openberth.contexts.stays.model.events import (
    CaseRaised,
    CaseResolved,
    PassageDecided,
    StayClosed,
    StayMoved,
    StayOpened,
    StayReopened,
)
from openberth.contexts.stays.service.basis import basis_of
from openberth.contexts.stays.service.prices import SUBJECT, Assessment, alone, withdraw_open_bill
from openberth.contexts.stays.service.seen import LaneAnswer, Permission, Seen, open_key
from openberth.contexts.stays.service.which_visit import AT_EXIT, of_reopened
from openberth.contexts.stays.store import cases as case_store
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

_STATE = {
    Action.OPEN: PassageState.PASSED,
    Action.HOLD: PassageState.WAITING,
    Action.REFUSE: PassageState.REFUSED,
    Action.RECORD: PassageState.PASSED,
}


AWAITED_US = 30 * SECOND_US
COLOUR = "colour"  # why a plate is taken to be on two cars

# Cases that are over when the car has passed or gone; the others are about records and wait for a person.
_OVER_WITH_THE_CAR = frozenset(
    {
        CaseKind.PLATE_UNREAD,
        CaseKind.EXIT_WITHOUT_ENTRY,
        CaseKind.INNER_WITHOUT_ENTRY,
        CaseKind.DECISION_FAILED,
        CaseKind.GATE_FAILED,
        CaseKind.PAID_NO_GATE,
        CaseKind.CLONED_PLATE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What a decision is tied to."""

    stay: Id | None = None
    bill: Id | None = None
    command: Id | None = None


@inner
def write_passage(
    unit: Unit, seen: Seen, verdict: Verdict, links: Links, basis: Mapping[str, Any] | None = None
) -> Passage:
    """Write the passage, the lane's hot row and the event; a car that waited there before has gone."""
    lane = seen.lane
    passage = Passage(
        id=seen.passage, company_id=lane.company, lot_id=lane.lot, lane_id=lane.id, device_id=seen.device,
        lane_kind=lane.kind, source=seen.source, plate_id=seen.plate_id, plate_kind=seen.plate_kind, colour=seen.colour,
        confidence=seen.confidence, captured_at=seen.at, device_at=seen.device_at, received_at=seen.received_at,
        action=verdict.action, reason=verdict.reason, state=_STATE[verdict.action], ask=verdict.ask, stay_id=links.stay,
        bill_id=links.bill, command_id=links.command, pictures=seen.pictures, flaws=seen.flaws,
        basis=basis_of(seen) if basis is None else basis,
    )  # fmt: skip
    unit.run(passage_store.INSERT_PASSAGE, passage)
    if not seen.happened:
        _stand_at_lane(unit, passage)
    elif seen.camera_opened and seen.source is Source.CAMERA:
        unit.run(passage_store.AWAIT_ONE_MORE, lane=lane.id)  # its loop will report a car that nobody here let through
    unit.append(
        PassageDecided(
            passage.id, lane.id, lane.kind.value, seen.source.value, seen.plate_id, verdict.action.value,
            verdict.reason, verdict.ask.value, links.stay, links.bill, links.command, int(seen.at), seen.pictures,
        ),
        company=lane.company, lot=lane.lot, key=lane.id,
    )  # fmt: skip
    return passage


@inner
def note(unit: Unit, seen: Seen, reason: str, *, stay: Id | None = None) -> LaneAnswer:
    """Keep what a camera told of a car without taking it for a passage: evidence that moves nothing."""
    noted = noted_passage(unit, seen, reason, stay=stay)
    return LaneAnswer(noted.id, False, Action.RECORD, reason, Ask.NOTHING, stay, None)


@inner
def noted_passage(unit: Unit, seen: Seen, reason: str, *, stay: Id | None = None) -> Passage:
    """Write such a note, and return it."""
    noted = write_passage(unit, replace(seen, source=Source.CAMERA), Verdict(Action.RECORD, reason), Links(stay=stay))
    unit.run(passage_store.SET_STATE, passage=noted.id, new_state=PassageState.GONE)
    return replace(noted, state=PassageState.GONE)


@inner
def leave_lane(unit: Unit, standing: LaneState) -> None:
    """Note that the car which waited at a lane has gone."""
    unit.run(passage_store.EMPTY_LANE, lane=standing.lane_id)
    unit.run(passage_store.SET_STATE, passage=standing.passage_id, new_state=PassageState.GONE)
    resolve_of_passage(unit, passage=standing.passage_id, resolution=Resolution.CAR_GONE)


def _stand_at_lane(unit: Unit, passage: Passage) -> None:
    state = LaneState(
        lane_id=passage.lane_id, company_id=passage.company_id, lot_id=passage.lot_id, passage_id=passage.id,
        plate_id=passage.plate_id, captured_at=passage.captured_at, decided_at=unit.machine_now, action=passage.action,
        waiting=passage.action is Action.HOLD, ask=passage.ask, stay_id=passage.stay_id, bill_id=passage.bill_id,
        command_id=passage.command_id,
    )  # fmt: skip
    before = unit.one(passage_store.LANE, lane=passage.lane_id)
    state = replace(state, awaited=_awaited(unit, before, passage.action, passage.stay_id))
    if before is None:
        unit.run(passage_store.INSERT_LANE, state)
        return
    if before.waiting:
        unit.run(passage_store.SET_STATE, passage=before.passage_id, new_state=PassageState.GONE)
        resolve_of_passage(unit, passage=before.passage_id, resolution=Resolution.CAR_GONE)
    unit.save(passage_store.UPDATE_LANE, state, lane=state.lane_id)


def _awaited(unit: Unit, before: LaneState | None, action: Action, stay: Id | None) -> int:
    """Return how many cars the loop behind a gate has to report from now on; one that is let through twice is one.

    What it has not reported for as long as a command lives, it missed.
    """
    before_it = 0
    if before is not None and before.awaited and unit.machine_now - before.decided_at <= AWAITED_US:
        before_it = before.awaited
    is_once_more = before is not None and before.action is Action.OPEN and stay is not None and before.stay_id == stay
    if before_it and is_once_more and action is Action.OPEN:
        return before_it
    return before_it + (action is Action.OPEN)


@inner
def update_lane(unit: Unit, before: LaneState, *, waiting: bool, action: Action, ask: Ask, links: Links) -> None:
    """Write what became of the car that stands at a lane."""
    unit.save(
        passage_store.UPDATE_LANE, lane=before.lane_id, passage_id=before.passage_id, plate_id=before.plate_id,
        captured_at=before.captured_at, decided_at=unit.machine_now, action=action, waiting=waiting, ask=ask,
        stay_id=links.stay, bill_id=links.bill, command_id=links.command,
        awaited=_awaited(unit, before, action, links.stay),
    )  # fmt: skip


@inner
def command_open(unit: Unit, seen: Seen) -> Command:
    """Tell the lane's gate to open for this car; the camera's answer is the command where its relay is the gate."""
    return facility.issue_command(
        unit, company=seen.lane.company, lot=seen.lane.lot, lane=seen.lane.id, kind=CommandKind.OPEN,
        passage=seen.passage, answering=seen.device,
    )  # fmt: skip


@inner
def open_stay(
    unit: Unit, seen: Seen, permission: Permission, *, key: str | None = None, again_of: Id | None = None
) -> OpenStay:
    """Let a stay begin at this passage and count the car in; ``key`` is its own where its plate names two cars,
    ``again_of`` the stay that it ends though its car may not have left.
    """
    area = seen.lane.to_area
    assert area is not None, "an entry leads into an area; the lot file is checked for it"
    right = permission.right.value if permission.right else None
    stay = OpenStay(
        id=unit.new_id(), company_id=seen.lane.company, lot_id=seen.lane.lot, plate_id=seen.plate_id,
        plate_kind=seen.plate_kind, open_key=key or seen.open_key, entry_passage_id=seen.passage,
        entry_lane_id=seen.lane.id, entered_at=seen.at, area_id=area, right=right, permit_id=permission.permit,
        since=seen.at, segments=1, colour=seen.colour_seen, again_of=again_of,
    )  # fmt: skip
    unit.run(stay_store.INSERT_OPEN_STAY, stay)
    facility.count(unit, lot=stay.lot_id, area=area, by=1)
    unit.append(
        StayOpened(stay.id, stay.plate_id, seen.passage, area, right, int(seen.at)),
        company=stay.company_id, lot=stay.lot_id, key=stay.id,
    )  # fmt: skip
    return stay


@inner
def move_stay(unit: Unit, stay: OpenStay, *, passage: Id, to_area: Id, at: Instant) -> None:
    """End the present segment and begin one in another area; the counters follow the car."""
    moment = max(at, stay.since)
    unit.run(stay_store.INSERT_SEGMENT, _segment(stay, moment))
    unit.save(
        stay_store.MOVE_OPEN_STAY, stay=stay.id, old_version=stay.version, new_area=to_area, new_since=moment,
        new_right=stay.right, new_permit=stay.permit_id,
    )  # fmt: skip
    facility.count(unit, lot=stay.lot_id, area=stay.area_id, by=-1)
    facility.count(unit, lot=stay.lot_id, area=to_area, by=1)
    unit.append(
        StayMoved(stay.id, passage, stay.area_id, to_area, int(moment)),
        company=stay.company_id, lot=stay.lot_id, key=stay.id,
    )  # fmt: skip


@inner
def close_stay(
    unit: Unit, stay: OpenStay, assessment: Assessment, *, passage: Id | None, at: Instant, reason: CloseReason,
    why: str = "",
) -> None:  # fmt: skip
    """End a stay and count the car out. Nothing is deleted: the open row becomes a closed one.

    ``why`` are the words of whoever ended it softly.
    """
    price, paid = assessment.price, assessment.paid
    left_at = max(at, stay.since)
    unit.save(stay_store.DELETE_OPEN_STAY, stay=stay.id, old_version=stay.version)
    unit.run(stay_store.INSERT_SEGMENT, _segment(stay, left_at))
    closed = Stay(
        id=stay.id, company_id=stay.company_id, lot_id=stay.lot_id, plate_id=stay.plate_id, plate_kind=stay.plate_kind,
        entry_passage_id=stay.entry_passage_id, exit_passage_id=passage, entered_at=stay.entered_at, left_at=left_at,
        closed_reason=reason, price_minor=price.minor, paid_minor=paid.minor, currency=price.currency,
        segments=stay.segments, colour=stay.colour,
        continues_id=assessment.earlier[0].id if assessment.earlier else stay.again_of if stay.one_visit else None,
        free_used=assessment.quote.free_used,
        cap_uses=tariffs.cap_uses_to_plain(assessment.quote.cap_uses) or None,
    )  # fmt: skip
    unit.run(stay_store.INSERT_STAY, closed)
    if reason is CloseReason.SOFT_CLOSED:  # nobody saw it leave: what was counted at lanes stays what was counted
        facility.count_apart(
            unit, company=stay.company_id, lot=stay.lot_id, area=stay.area_id, by=-1,
            reason=why or reason.value,
        )  # fmt: skip
    else:
        facility.count(unit, lot=stay.lot_id, area=stay.area_id, by=-1)
    unit.append(
        StayClosed(
            stay.id, passage, stay.area_id, reason.value, int(stay.entered_at), int(left_at), price.minor, paid.minor,
            price.currency,
        ),
        company=stay.company_id, lot=stay.lot_id, key=stay.id,
    )  # fmt: skip


@inner
def reopen_stay(unit: Unit, stay: Stay, *, passage: Id | None, reason: str, key: str | None = None) -> OpenStay:
    """Let a stay that was ended go on as it was; the caller has seen that no other car inside has its key, or gives it
    one of its own.

    What was paid stays paid. The counter that followed its end follows back.
    """
    last = unit.all(stay_store.SEGMENTS, stay=stay.id)[-1]
    entry = unit.one(passage_store.PASSAGE, passage=stay.entry_passage_id)
    again_of, one_visit = of_reopened(unit, stay)
    reopened = OpenStay(
        id=stay.id, company_id=stay.company_id, lot_id=stay.lot_id, plate_id=stay.plate_id, plate_kind=stay.plate_kind,
        open_key=key or open_key(stay.lot_id, stay.plate_id or stay.entry_passage_id),
        # Where history was dropped meanwhile no lane is meant: the id of the passage is none of any lane.
        entry_passage_id=stay.entry_passage_id, entry_lane_id=entry.lane_id if entry else stay.entry_passage_id,
        entered_at=stay.entered_at, area_id=last.area_id, right=last.right, permit_id=last.permit_id,
        since=last.start_at, segments=stay.segments, colour=stay.colour, again_of=again_of, one_visit=one_visit,
    )  # fmt: skip
    unit.save(stay_store.DELETE_STAY, stay=stay.id)
    unit.save(stay_store.DELETE_SEGMENT, stay=stay.id, part=last.ordinal)
    unit.run(stay_store.INSERT_OPEN_STAY, reopened)
    if stay.closed_reason is CloseReason.SOFT_CLOSED:
        facility.count_apart(unit, company=stay.company_id, lot=stay.lot_id, area=last.area_id, by=1, reason="reopened")
    else:
        facility.count(unit, lot=stay.lot_id, area=last.area_id, by=1)
    unit.append(
        StayReopened(stay.id, passage, last.area_id, stay.closed_reason.value, int(stay.left_at), reason),
        company=stay.company_id, lot=stay.lot_id, key=stay.id,
    )  # fmt: skip
    return reopened


@inner
def close_priced(
    unit: Unit, stay: OpenStay, assessment: Assessment, *, passage: Id | None, lane: Id | None, at: Instant,
    reason: CloseReason, beside: Id | None = None,
) -> None:  # fmt: skip
    """End a stay at its price: nothing more is asked where nothing is due, what is due becomes a debt, and money beyond
    the price is told of. ``beside`` is the passage of another car that proves something, too.
    """
    if not assessment.due:
        withdraw_open_bill(unit, stay)
    elif (asked := payments.open_bill_of(unit, kind=SUBJECT, subject=stay.id)) is not None:
        bill = alone(unit, asked)
        if bill is not None:
            raise_debt(unit, stay, bill, proof=(passage, beside))
    if assessment.surplus:
        raise_case(
            unit, company=stay.company_id, lot=stay.lot_id, lane=lane, kind=CaseKind.SURPLUS, passage=passage,
            stay=stay.id,
            evidence={"surplus_minor": assessment.surplus.minor, "currency": assessment.surplus.currency},
        )  # fmt: skip
    close_stay(unit, stay, assessment, passage=passage, at=at, reason=reason)


@inner
def raise_debt(unit: Unit, stay: OpenStay, bill: payments.Bill, *, proof: Sequence[Id | None]) -> None:
    """Keep what proves that the car parked and left: its passages and the names of their pictures."""
    passages = [each for each in (stay.entry_passage_id, *proof) if each is not None]
    found = [unit.one(passage_store.PASSAGE, passage=each) for each in passages]
    pictures = [picture_name(each.id, number) for each in found if each is not None for number in range(each.pictures)]
    payments.raise_debt(unit, bill=bill, plate=stay.plate_id, passages=passages, pictures=pictures)


@inner
def leave_other_lanes(unit: Unit, stay: Id, *, lane: Id | None, waiting: Sequence[LaneState] | None = None) -> None:
    """Note that a car which stands at a lane now has left every other lane where it waited."""
    found = unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=stay) if waiting is None else waiting
    for standing in found:
        if standing.lane_id != lane:
            leave_lane(unit, standing)


@inner
def raise_case(
    unit: Unit, *, company: Id, lot: Id, lane: Id | None, kind: CaseKind, passage: Id | None, stay: Id | None,
    evidence: Mapping[str, Any],
) -> Case:  # fmt: skip
    """Ask for a person, with what is known."""
    case = Case(
        id=unit.new_id(), company_id=company, lot_id=lot, lane_id=lane, kind=kind, passage_id=passage, stay_id=stay,
        evidence=evidence, raised_at=unit.now,
    )  # fmt: skip
    unit.run(case_store.INSERT_CASE, case)
    unit.append(CaseRaised(case.id, kind.value, lane, passage, stay), company=company, lot=lot, key=case.id)
    return case


@inner
def resolve_case(unit: Unit, case: Case, *, resolution: Resolution, reason: str | None) -> bool:
    """Write down how a case ended; the first resolution stays. Tells whether this was it."""
    done = unit.run(
        case_store.RESOLVE, case_id=case.id, new_resolution=resolution, now=unit.now, by=actor_of(unit),
        new_reason=reason,
    )  # fmt: skip
    if done != 1:
        return False
    unit.append(
        CaseResolved(case.id, case.kind.value, resolution.value, reason),
        company=case.company_id, lot=case.lot_id, key=case.id,
    )  # fmt: skip
    return True


def actor_of(unit: Reader) -> str:
    """Return who acts, as it is written down."""
    actor = unit.caller.actor
    return f"{actor.kind.value}:{actor.name}"[:100]


@inner
def resolve_of_passage(unit: Unit, *, passage: Id, resolution: Resolution, reason: str | None = None) -> None:
    """End the open cases of a passage, because what they asked for has happened or the car has gone."""
    for case in unit.all(case_store.OPEN_OF_PASSAGE, passage=passage):
        # Two colours of one plate are still a question when the car has paid and gone.
        is_at_exit = case.kind is CaseKind.ENTERED_AGAIN and case.evidence.get("reason") == AT_EXIT
        if is_at_exit or (case.kind in _OVER_WITH_THE_CAR and case.evidence.get("reason") != COLOUR):
            resolve_case(unit, case, resolution=resolution, reason=reason)


def _segment(stay: OpenStay, end: Instant) -> Segment:
    return Segment(
        stay_id=stay.id, ordinal=stay.segments, company_id=stay.company_id, lot_id=stay.lot_id, area_id=stay.area_id,
        right=stay.right, permit_id=stay.permit_id, start_at=stay.since, end_at=end,
    )  # fmt: skip
