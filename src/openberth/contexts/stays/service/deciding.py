"""Deciding about a car at a lane: one function per kind of lane, each load → decide (pure) → write."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from openberth.contexts import facility, permits
from openberth.contexts.facility import Command, LaneKind, Strictness
from openberth.contexts.stays.model.decisions import (
    SAME_CAR_AGAIN_S,
    EntryFacts,
    ExitFacts,
    InnerFacts,
    Right,
    Verdict,
    decide_entry,
    decide_exit,
    decide_inner,
)
from openberth.contexts.stays.model.entities import Action, Ask, CaseKind, CloseReason, OpenStay, Passage
from openberth.contexts.stays.service import (
    again,
    candidates,
    doubts,
    identity,
    late,
    lingering,
    parked,
    prices,
    records,
    which_visit,
)
from openberth.contexts.stays.service.basis import basis_of, price_of
from openberth.contexts.stays.service.records import Links
from openberth.contexts.stays.service.seen import Permission, Seen, open_key
from openberth.contexts.stays.store import passages as passage_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

CASUAL = Permission(None, None)


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a car at a lane, and the command that was given for it.

    ``passage`` is an earlier one where the car was known to have gone already.
    """

    passage: Passage
    verdict: Verdict
    command: Command | None


@inner
def decide(unit: Unit, seen: Seen) -> Decided:
    """Decide about a car and write everything that follows. The caller holds the lot's lock."""
    if seen.lane.kind is LaneKind.ENTRY:
        return _enter(unit, seen)
    if seen.lane.kind is LaneKind.EXIT:
        return _leave(unit, seen)
    return _cross(unit, seen)


def permission_of(reader: Reader, seen: Seen) -> Permission:
    """Return what the car's permit, or its duty, allows at the instant that counts."""
    if seen.plate_id is None:
        return CASUAL
    if seen.on_duty:
        return Permission(None, Right.EMERGENCY)
    permit = permits.permit_of(reader, lot=seen.lane.lot, plate=seen.plate_id, at=seen.at)
    return Permission(permit.id, Right(permit.kind.value), permit.valid.end) if permit else CASUAL


def in_convoy(reader: Reader, seen: Seen) -> bool:
    """Tell whether the lane lets everybody through at this moment."""
    until = seen.lane.held_open_until
    return until is not None and reader.machine_now < until and not seen.happened


def _enter(unit: Unit, seen: Seen) -> Decided:
    permission = permission_of(unit, seen)
    inside = parked.stay_by_key(unit, seen.open_key) if seen.plate_id else None
    is_again = inside is not None and _same_car_again(unit, seen, inside)
    twice = None if inside is None or is_again else inside
    if twice is not None and identity.seen_by_neighbour(unit, seen, twice):
        return _noted(unit, seen, identity.NEIGHBOUR, twice.id)
    around = late.visit_around(unit, seen) if seen.happened and inside is None else None
    before = identity.seen_lately(unit, seen, twice) if twice is not None and not seen.happened else None
    facts = EntryFacts(
        lot_state=seen.lane.state, free_spaces=facility.free_spaces(unit, lane=seen.lane),
        full_admits_permits=seen.lane.full_admits_permits, plate_known=seen.plate_id is not None,
        right=permission.right, inside=twice is not None or around is not None, same_car_again=is_again,
        happened=seen.happened, camera_opened=seen.camera_opened, cloned=before is not None,
        passback=identity.passback_at_entry(unit, seen, permission.right, twice), convoy=in_convoy(unit, seen),
    )  # fmt: skip
    verdict = decide_entry(facts)
    stay = None if verdict.action is Action.HOLD else inside
    if verdict.action in (Action.OPEN, Action.RECORD) and not is_again and around is None:
        asks = verdict.case is CaseKind.ENTERED_AGAIN
        stay = admit(unit, seen, permission, inside, asks=asks)
    command = _open(unit, seen, verdict)
    links = Links(stay=stay.id if stay else None, command=command.id if command else None)
    basis = basis_of(seen, facts, permit=permission.permit, permit_until=permission.until)
    passage = records.write_passage(unit, seen, verdict, links, basis)
    evidence: dict[str, object] = {}
    if twice is not None:
        evidence = {**which_visit.of_earlier(twice)}
    if around is not None:
        evidence = {**which_visit.of_earlier(around)}
    if before is not None:
        evidence["passages"] = [str(before.id)]
    elif twice is not None and stay is not None and stay.again_of is None:
        evidence[which_visit.HAD_LEFT] = True
    _case(unit, seen, verdict, links, evidence)
    if seen.happened and stay is not None and stay.entry_passage_id == seen.passage:
        _end_as_known(unit, seen, stay, inside)
    return Decided(passage, verdict, command)


def _noted(unit: Unit, seen: Seen, reason: str, stay: Id | None) -> Decided:
    """Keep what another lane's camera saw of a car: nothing moves, nobody is counted."""
    passage = records.noted_passage(unit, seen, reason, stay=stay)
    return Decided(passage, Verdict(Action.RECORD, reason), None)


def _too_soon(unit: Unit, seen: Seen, stay: OpenStay) -> Decided:
    """Hold a car at an exit sooner than any can be there, and tell a person. It takes nobody's place: where another one
    waits, a camera has looked across. Its stay is not tied to the lane.
    """
    standing = unit.one(passage_store.LANE, lane=seen.lane.id)
    if standing is not None and standing.waiting and standing.plate_id != seen.plate_id:
        return _noted(unit, seen, identity.TOO_SOON, stay.id)
    verdict = Verdict(Action.HOLD, identity.TOO_SOON, Ask.NOTHING, CaseKind.CLONED_PLATE)
    passage = records.write_passage(unit, seen, verdict, Links())
    _case(unit, seen, verdict, Links(stay=stay.id), {"passages": [str(stay.entry_passage_id)]})
    return Decided(passage, verdict, None)


def _open(unit: Unit, seen: Seen, verdict: Verdict) -> Command | None:
    """Tell the gate to open where it is closed: one that is known to be held open for a convoy is told nothing."""
    if verdict.action is not Action.OPEN:
        return None
    if in_convoy(unit, seen) and facility.stands_open(unit, lane=seen.lane.id):
        return None
    return records.command_open(unit, seen)


@inner
def admit(
    unit: Unit, seen: Seen, permission: Permission, inside: OpenStay | None, *, asks: bool = False
) -> OpenStay | None:  # fmt: skip
    """Let the stay begin; an earlier one of the same plate whose exit was never seen is ended, not deleted.

    ``asks``: a person is asked whether its car had left, unless something shows that it had. A stored record that is
    older than the stay which is open already is one of an earlier visit: a stay of its own, which the caller ends.
    """
    if inside is not None:
        if seen.at < inside.entered_at:
            if not seen.happened or inside.entered_at - seen.at <= seen.lane.device_skew_s * SECOND_US:
                return inside
            return records.open_stay(unit, seen, permission.inside, key=open_key(seen.lane.lot, seen.passage))
        is_doubted = asks and not doubts.had_left(unit, seen, permission.right, inside)
        _end_unseen(unit, seen, inside, at=seen.at)
        return records.open_stay(unit, seen, permission.inside, again_of=inside.id if is_doubted else None)
    return records.open_stay(unit, seen, permission.inside)


@inner
def admit_named(unit: Unit, seen: Seen, inside: OpenStay | None, *, reason: str) -> OpenStay | None:
    """Let the stay of a car begin that a person lets in or names: who knows whose plate it is has not said that the car
    that is inside by it had left, so that is asked. Where it waited because it is inside (hard), they have.
    """
    permission, lane = permission_of(unit, seen), seen.lane
    passback = identity.passback_at_entry(unit, seen, permission.right, inside)
    stay = admit(unit, seen, permission, inside, asks=passback is Strictness.SOFT)
    if stay is not None and inside is not None and stay.again_of == inside.id:
        records.raise_case(
            unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=CaseKind.ENTERED_AGAIN, passage=seen.passage,
            stay=stay.id,
            evidence={"reason": reason, **which_visit.of_earlier(inside)},
        )  # fmt: skip
    return stay


def _end_as_known(unit: Unit, seen: Seen, stay: OpenStay, inside: OpenStay | None) -> None:
    """End the stay of a stored entry where its exit is known already, or where its car came in again."""
    if not late.end_where_it_left(unit, seen, stay) and inside is not None and seen.at < inside.entered_at:
        _end_unseen(unit, seen, stay, at=inside.entered_at)


def _end_unseen(unit: Unit, seen: Seen, inside: OpenStay, *, at: Instant) -> None:
    """End a stay whose exit nobody saw: at what was paid and last asked for; unseen hours are not billed."""
    asked = prices.last_asked(unit, inside, currency=seen.lane.currency, at=at)
    records.close_priced(unit, inside, asked, passage=None, lane=seen.lane.id, at=at, reason=CloseReason.ENTERED_AGAIN)
    if asked.due:
        records.raise_case(
            unit, company=inside.company_id, lot=inside.lot_id, lane=seen.lane.id, kind=CaseKind.LEFT_UNPAID,
            passage=None, stay=inside.id, evidence={"due_minor": asked.due.minor, "reason": "entered_again"},
        )  # fmt: skip


def _leave(unit: Unit, seen: Seen) -> Decided:
    if seen.plate_id is None:
        return leave_with(unit, seen, None)
    stay = late.stay_left(unit, seen, parked.stay_by_key(unit, seen.open_key))
    if stay is not None:
        return leave_with(unit, seen, stay)
    behind = again.went_behind(unit, seen)
    if behind is not None:
        return Decided(behind, Verdict(behind.action, behind.reason, behind.ask), None)
    otherwise = identity.known_otherwise(unit, seen)
    beside = None if otherwise.is_inside else identity.left_beside(unit, seen)
    if beside is not None:
        return _noted(unit, seen, identity.NEIGHBOUR, beside.stay_id)
    return leave_with(unit, seen, None, otherwise)


@inner
def leave_with(
    unit: Unit, seen: Seen, stay: OpenStay | None, otherwise: identity.Otherwise = identity.UNKNOWN
) -> Decided:  # fmt: skip
    """Decide about a car at an exit whose stay is known, or known to be missing: then ``otherwise`` is what else is
    known of its plate.
    """
    lane = seen.lane
    if otherwise.reopened is not None:
        stay = records.reopen_stay(unit, otherwise.reopened, passage=seen.passage, reason="seen_at_exit")
    stay = stay or otherwise.other
    leaving = doubt = None
    if stay is not None:
        waiting = unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=stay.id)
        noted = identity.seen_by_wrong_camera(unit, seen, stay, waiting)
        if noted == identity.TOO_SOON:
            return _too_soon(unit, seen, stay)
        if noted is not None:
            return _noted(unit, seen, noted, stay.id)
        records.leave_other_lanes(unit, stay.id, lane=lane.id, waiting=waiting)
        doubt = None if seen.happened or in_convoy(unit, seen) else doubt_at_exit(unit, seen, stay)
        if doubt is None:
            leaving = prices.leaving(
                unit, stay, currency=lane.currency, at=seen.at, on_duty=seen.on_duty, at_exit=not seen.happened
            )
    if stay is not None and stay.right is not None and not seen.on_duty:
        held = Permission(stay.permit_id, Right(stay.right))
    else:
        held = permission_of(unit, seen)
    facts = ExitFacts(
        plate_known=seen.plate_id is not None or stay is not None, right=held.right, inside=stay is not None,
        due_minor=leaving.assessment.due.minor if leaving else 0, happened=seen.happened,
        paid_by_account=leaving is not None and leaving.paid_by_account, just_left=otherwise.just_left is not None,
        still_there=otherwise.still_there,
        cloned=bool(otherwise.alike), passback=lane.rules.anti_passback.of(held.right), convoy=in_convoy(unit, seen),
        neutral=stay is None and identity.neutral_at_exit(unit, seen, held.right, otherwise), doubted=doubt is not None,
    )  # fmt: skip
    verdict = decide_exit(facts)
    command = _open(unit, seen, verdict)
    linked = stay.id if stay else otherwise.just_left.id if otherwise.just_left else None
    links = Links(
        stay=linked, bill=leaving.bill.id if leaving and leaving.bill else None,
        command=command.id if command else None,
    )  # fmt: skip
    price = price_of(leaving.assessment, leaving.bill) if leaving else None
    basis = basis_of(seen, facts, permit=held.permit, permit_until=held.until, price=price)
    passage = records.write_passage(unit, seen, verdict, links, basis)
    if stay and leaving and verdict.action in (Action.OPEN, Action.RECORD):
        reason = CloseReason.LEFT_OFFLINE if seen.happened else CloseReason.LEFT
        records.close_priced(
            unit, stay, leaving.assessment, passage=passage.id, lane=lane.id, at=seen.at, reason=reason
        )
    asked = doubt.evidence if doubt is not None else {}
    about = doubt.later.id if doubt is not None else linked
    _case(unit, seen, verdict, replace(links, stay=about), {**identity.evidence_of(otherwise), **asked})
    if stay is not None and identity.other_colour(seen, stay):
        _tell_of_clone(unit, seen, stay)
    return Decided(passage, verdict, command)


def doubt_at_exit(reader: Reader, seen: Seen, stay: OpenStay) -> doubts.Doubt | None:
    """Return the doubt that a person settles before the car of a stay is asked for anything; on duty it parks free."""
    if seen.on_duty or prices.is_free(stay):
        return None
    return doubts.doubt_of(reader, stay, lane=seen.lane, at=seen.at)


def _tell_of_clone(unit: Unit, seen: Seen, stay: OpenStay) -> None:
    """Ask a person whether the car at an exit is the one that came in: its plate has another colour."""
    records.raise_case(
        unit, company=stay.company_id, lot=stay.lot_id, lane=seen.lane.id, kind=CaseKind.CLONED_PLATE,
        passage=seen.passage, stay=stay.id,
        evidence={
            "reason": records.COLOUR, "entered": stay.colour, "leaves": seen.colour_seen,
            "passages": [str(stay.entry_passage_id)],
        },
    )  # fmt: skip


def _cross(unit: Unit, seen: Seen) -> Decided:
    stay = parked.stay_by_key(unit, seen.open_key) if seen.plate_id else None
    facts = InnerFacts(
        seen.plate_id is not None, stay is not None, seen.happened, on_duty=seen.on_duty, convoy=in_convoy(unit, seen)
    )
    verdict = decide_inner(facts)
    to_area = seen.lane.to_area
    if stay and to_area and stay.area_id != to_area and verdict.action in (Action.OPEN, Action.RECORD):
        records.move_stay(unit, stay, passage=seen.passage, to_area=to_area, at=seen.at)
    command = _open(unit, seen, verdict)
    links = Links(stay=stay.id if stay else None, command=command.id if command else None)
    basis = basis_of(seen, facts, permit=stay.permit_id if stay else None)
    passage = records.write_passage(unit, seen, verdict, links, basis)
    _case(unit, seen, verdict, links, {})
    return Decided(passage, verdict, command)


def _same_car_again(reader: Reader, seen: Seen, inside: OpenStay) -> bool:
    """Tell whether a car was let in at this lane and never drove on.

    So it is soon after unless a loop has reported it, and as long as it is the last car there, no loop has reported it,
    and either the lane's loop tells or its gate is not known to have opened.
    """
    if inside.entry_lane_id != seen.lane.id:
        return False
    standing = reader.one(passage_store.LANE, lane=seen.lane.id)
    is_last = standing is not None and standing.stay_id == inside.id
    if is_last and standing is not None and standing.has_driven_on:
        return False
    if abs(seen.at - inside.entered_at) <= SAME_CAR_AGAIN_S * SECOND_US:
        return True
    if standing is None or not is_last:
        return False
    return standing.passed_at is not None or lingering.gate_failed(reader, standing)


def _case(unit: Unit, seen: Seen, verdict: Verdict, links: Links, evidence: Mapping[str, object]) -> None:
    lane = seen.lane
    kinds = [verdict.case] if verdict.case else []
    if "clock" in seen.flaws and not seen.happened:
        kinds.append(CaseKind.CLOCK_SKEW)
    for kind in kinds:
        raised = records.raise_case(
            unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=kind, passage=seen.passage, stay=links.stay,
            evidence={"reason": verdict.reason, "flaws": list(seen.flaws), **evidence},
        )  # fmt: skip
        if kind in candidates.ASKED_FOR and seen.plate_id is not None:
            candidates.look_soon(unit, raised)
