"""Deciding about a car at a lane: one function per kind of lane, each load → decide (pure) → write."""

from collections.abc import Mapping
from dataclasses import dataclass

from openberth.contexts import facility, permits
from openberth.contexts.facility import Command, LaneKind, Outcome
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
from openberth.contexts.stays.model.entities import Action, CaseKind, CloseReason, LaneState, OpenStay, Passage
from openberth.contexts.stays.service import prices, records
from openberth.contexts.stays.service.records import Links
from openberth.contexts.stays.service.seen import Permission, Seen
from openberth.contexts.stays.store import passages as passage_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.time import SECOND_US

CASUAL = Permission(None, None)


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a car at a lane, and the command that was given for it."""

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
    """Return what the car's permit allows at the instant that counts."""
    if seen.plate_id is None:
        return CASUAL
    permit = permits.permit_of(reader, lot=seen.lane.lot, plate=seen.plate_id, at=seen.at)
    return Permission(permit.id, Right(permit.kind.value)) if permit else CASUAL


def _enter(unit: Unit, seen: Seen) -> Decided:
    permission = permission_of(unit, seen)
    inside = records.stay_by_key(unit, seen.open_key) if seen.plate_id else None
    again = inside is not None and _same_car_again(unit, seen, inside)
    verdict = decide_entry(
        EntryFacts(
            lot_state=seen.lane.state, free_spaces=facility.free_spaces(unit, lane=seen.lane),
            full_admits_permits=seen.lane.full_admits_permits, plate_known=seen.plate_id is not None,
            right=permission.right, inside=inside is not None and not again, same_car_again=again,
            happened=seen.happened, camera_opened=seen.camera_opened,
        )
    )  # fmt: skip
    stay = inside
    if verdict.action in (Action.OPEN, Action.RECORD) and not again:
        stay = admit(unit, seen, permission, inside)
    command = records.command_open(unit, seen) if verdict.action is Action.OPEN else None
    links = Links(stay=stay.id if stay else None, command=command.id if command else None)
    passage = records.write_passage(unit, seen, verdict, links)
    evidence = {"earlier_stay": str(inside.id)} if inside and not again else {}
    _case(unit, seen, verdict, links, evidence)
    return Decided(passage, verdict, command)


@inner
def admit(unit: Unit, seen: Seen, permission: Permission, inside: OpenStay | None) -> OpenStay | None:
    """Let the stay begin; an earlier one of the same plate whose exit was never seen is ended, not deleted.

    A record that is older than the stay that is open already changes nothing: None.
    """
    if inside is not None:
        if seen.at < inside.entered_at:
            return inside
        _end_unseen(unit, seen, inside)
    return records.open_stay(unit, seen, permission.inside)


def _end_unseen(unit: Unit, seen: Seen, inside: OpenStay) -> None:
    """End a stay whose exit nobody saw: at what was paid and last asked for; unseen hours are not billed."""
    asked = prices.last_asked(unit, inside, currency=seen.lane.currency, at=seen.at)
    records.close_priced(
        unit, inside, asked, passage=None, lane=seen.lane.id, at=seen.at, reason=CloseReason.ENTERED_AGAIN
    )
    if asked.due:
        records.raise_case(
            unit, company=inside.company_id, lot=inside.lot_id, lane=seen.lane.id, kind=CaseKind.LEFT_UNPAID,
            passage=None, stay=inside.id, evidence={"due_minor": asked.due.minor, "reason": "entered_again"},
        )  # fmt: skip


def _leave(unit: Unit, seen: Seen) -> Decided:
    stay = records.stay_by_key(unit, seen.open_key) if seen.plate_id else None
    return leave_with(unit, seen, stay)


@inner
def leave_with(unit: Unit, seen: Seen, stay: OpenStay | None) -> Decided:
    """Decide about a car at an exit whose stay is known (or known to be missing)."""
    lane = seen.lane
    leaving = None
    if stay is not None:
        records.leave_other_lanes(unit, stay.id, lane=lane.id)
        leaving = prices.assess_leaving(unit, stay, at=seen.at, at_exit=not seen.happened)
    right = Right(stay.right) if stay and stay.right else permission_of(unit, seen).right
    verdict = decide_exit(
        ExitFacts(
            plate_known=seen.plate_id is not None or stay is not None, right=right, inside=stay is not None,
            due_minor=leaving.assessment.due.minor if leaving else 0, happened=seen.happened,
            paid_by_account=leaving is not None and leaving.paid_by_account,
        )
    )  # fmt: skip
    command = records.command_open(unit, seen) if verdict.action is Action.OPEN else None
    links = Links(
        stay=stay.id if stay else None, bill=leaving.bill.id if leaving and leaving.bill else None,
        command=command.id if command else None,
    )  # fmt: skip
    passage = records.write_passage(unit, seen, verdict, links)
    if stay and leaving and verdict.action in (Action.OPEN, Action.RECORD):
        reason = CloseReason.LEFT_OFFLINE if seen.happened else CloseReason.LEFT
        records.close_priced(
            unit, stay, leaving.assessment, passage=passage.id, lane=lane.id, at=seen.at, reason=reason
        )
    _case(unit, seen, verdict, links, {})
    return Decided(passage, verdict, command)


def _cross(unit: Unit, seen: Seen) -> Decided:
    stay = records.stay_by_key(unit, seen.open_key) if seen.plate_id else None
    verdict = decide_inner(InnerFacts(seen.plate_id is not None, stay is not None, seen.happened))
    to_area = seen.lane.to_area
    if stay and to_area and stay.area_id != to_area and verdict.action in (Action.OPEN, Action.RECORD):
        records.move_stay(unit, stay, passage=seen.passage, to_area=to_area, at=seen.at)
    command = records.command_open(unit, seen) if verdict.action is Action.OPEN else None
    links = Links(stay=stay.id if stay else None, command=command.id if command else None)
    passage = records.write_passage(unit, seen, verdict, links)
    _case(unit, seen, verdict, links, {})
    return Decided(passage, verdict, command)


def _same_car_again(reader: Reader, seen: Seen, inside: OpenStay) -> bool:
    """Tell whether a car was let in at this lane and never drove on.

    So it is soon after, and as long as it is the last car there, no loop has reported it, and either the lane's loop
    tells or its gate is not known to have opened.
    """
    if inside.entry_lane_id != seen.lane.id:
        return False
    if abs(seen.at - inside.entered_at) <= SAME_CAR_AGAIN_S * SECOND_US:
        return True
    standing = reader.one(passage_store.LANE, lane=seen.lane.id)
    if standing is None or standing.stay_id != inside.id or standing.has_driven_on:
        return False
    return standing.passed_at is not None or _gate_failed(reader, standing)


def _gate_failed(reader: Reader, standing: LaneState) -> bool:
    """Tell whether the gate was not reached or refused, or the server ended before it knew."""
    command = facility.command(reader, command=standing.command_id) if standing.command_id else None
    if command is None:
        return False
    cut_off = command.outcome is Outcome.UNCERTAIN and command.detail == "restart"
    return cut_off or command.outcome in (Outcome.UNREACHABLE, Outcome.REJECTED)


def _case(unit: Unit, seen: Seen, verdict: Verdict, links: Links, evidence: Mapping[str, object]) -> None:
    lane = seen.lane
    kinds = [verdict.case] if verdict.case else []
    if "clock" in seen.flaws and not seen.happened:
        kinds.append(CaseKind.CLOCK_SKEW)
    for kind in kinds:
        records.raise_case(
            unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=kind, passage=seen.passage, stay=links.stay,
            evidence={"reason": verdict.reason, "flaws": list(seen.flaws), **evidence},
        )  # fmt: skip
