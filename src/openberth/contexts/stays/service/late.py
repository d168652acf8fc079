"""Records that are told of late, in whatever order: which visit an exit of the past ended, and where a car went whose
entry nobody knew of yet.
"""

from openberth.contexts import facility, payments
from openberth.contexts.facility import LaneKind
from openberth.contexts.stays.model.entities import (
    CaseKind,
    CloseReason,
    OpenStay,
    Passage,
    PassageState,
    Resolution,
    Source,
    Stay,
)
from openberth.contexts.stays.service import doubts, identity, parked, prices, records, which_visit
from openberth.contexts.stays.service.seen import Seen, open_key
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.errors import Refused
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import DAY_US, SECOND_US, Instant

# Visits that were ended though nobody saw their cars leave: a record of it may come yet.
_UNSEEN = frozenset({CloseReason.ENTERED_AGAIN, CloseReason.SOFT_CLOSED})
_LOOKED_AT = 50  # passages of one plate, the newest first
_VISITS = 20


@inner
def stay_left(unit: Unit, seen: Seen, stay: OpenStay | None) -> OpenStay | None:
    """Return the stay that an exit of the past ended; ``stay`` is the present one of its plate, which may be a later
    visit.

    An earlier visit that was ended because its car came in again, or was never seen to leave, goes on beside the
    present one, to end where it did. Clocks of two cameras differ by the skew that the lot allows.
    """
    if not seen.happened or seen.plate_id is None or (stay is not None and stay.entered_at <= seen.at):
        return stay
    visit = visit_that_left(unit, seen.lane.lot, seen.plate_id, stay, at=seen.at, passage=seen.passage)
    if visit is not None:
        return visit
    if stay is not None and stay.entered_at - seen.at > seen.lane.device_skew_s * SECOND_US:
        return None
    return stay


@inner
def visit_that_left(
    unit: Unit, lot: Id, plate: Id, stay: OpenStay | None, *, at: Instant, passage: Id
) -> OpenStay | None:  # fmt: skip
    """Let the visit of a plate go on that was ended though nobody had seen its car leave, if it left at that moment;
    None where there is none. ``stay`` is the later one that is open.
    """
    visit = _visit_at(unit, lot, plate, at)
    if visit is None:
        return None
    key = None if stay is None else open_key(visit.lot_id, visit.entry_passage_id)
    if stay is not None and stay.again_of == visit.id:
        doubts.two_visits(unit, stay)
    else:
        _had_left(unit, visit)
    return records.reopen_stay(unit, visit, passage=passage, reason="seen_at_exit", key=key)


def is_over(reader: Reader, *, lot: Id, plate: Id, at: Instant, skew_us: int) -> bool:
    """Tell whether the visit of a plate at a moment has ended, or was settled by a debt: nothing else left then."""
    parked_then = (each for each in _visits(reader, lot, plate) if each.entered_at <= at <= each.left_at + skew_us)
    return any(each.closed_reason is not CloseReason.TURNED_BACK for each in parked_then)


def _had_left(unit: Unit, visit: Stay) -> None:
    """End the question whether the car of a visit had left before it came in for one that is over, too."""
    for each in _visits(unit, visit.lot_id, visit.plate_id):
        if each.entered_at > visit.entered_at and which_visit.unanswered(unit, each) == visit.id:
            doubts.answered(unit, lot=visit.lot_id, stay=each.id)


def visit_around(reader: Reader, seen: Seen) -> Stay | None:
    """Return the visit that a stored entry falls into, as it was taken: from an earlier entry to an exit that came
    first. Its car has left, so nobody is let in by it; a person looks which entry and which exit belong together.
    """
    if seen.plate_id is None:
        return None
    visits = _visits(reader, seen.lane.lot, seen.plate_id)
    skew = seen.lane.device_skew_s * SECOND_US
    around = (each for each in visits if each.entered_at < seen.at and each.left_at - seen.at > skew)
    return next((each for each in around if each.closed_reason.is_seen), None)


def _exit_of(reader: Reader, seen: Seen) -> Passage | None:
    """Return the exit that is known already of a car whose entry is told of only now: the first one after it that
    belongs to no stay, unless another entry lies in between.
    """
    if seen.plate_id is None:
        return None
    told = [
        each for each in reader.all(
            passage_store.PASSAGES_OF_PLATE, plate=seen.plate_id, lot=seen.lane.lot, before=BEYOND_ALL, limit=_LOOKED_AT
        )
        if each.state is PassageState.PASSED and each.id != seen.passage and each.captured_at >= seen.at
    ]  # fmt: skip
    after = min(
        (each for each in told if each.lane_kind is not LaneKind.INNER), key=lambda each: each.moment, default=None
    )
    if after is None or after.lane_kind is not LaneKind.EXIT or after.stay_id is not None:
        return None
    return None if after.reason in identity.NOT_AT_THE_LANE else after


def check_goes_on(reader: Reader, closed: Stay) -> None:
    """Refuse to let a stay go on whose car is inside by another one, or came again since: that time is another visit's.

    Raises ``Refused``: ``stay.plate_inside``, ``stay.came_again``.
    """
    other = parked.stay_by_key(reader, open_key(closed.lot_id, closed.plate_id or closed.entry_passage_id))
    if other is not None:
        raise Refused("stay.plate_inside", stay=str(other.id))
    if closed.plate_id is None:
        return
    visits = _visits(reader, closed.lot_id, closed.plate_id)
    later = next((each for each in visits if each.entered_at > closed.entered_at), None)
    if later is not None:
        raise Refused("stay.came_again", stay=str(later.id))


def ended_lately(reader: Reader, *, lot: Id, plate: Id, at: Instant) -> Stay | None:
    """Return the last visit of a plate if it was ended softly, so short a time ago that it goes on by itself.

    Raises ``Refused("stay.soft_closed")`` where it is longer ago: a person says whether that stay goes on.
    """
    last = reader.one(store.STAYS_OF_PLATE, plate=plate, lot=lot, before=BEYOND_ALL, limit=1)
    if last is None or last.closed_reason is not CloseReason.SOFT_CLOSED:
        return None
    days = facility.lot_detail(reader, lot=lot).rules.revive_days
    if at - last.left_at > days * DAY_US:
        raise Refused("stay.soft_closed", stay=str(last.id))
    return last


@inner
def revive_of_plate(unit: Unit, *, lot: Id, plate: Id, at: Instant, passage: Id | None) -> OpenStay | None:
    """Let the stay of a plate go on that somebody names or shows, if it was ended softly; raises as ``ended_lately``
    does.
    """
    ended = ended_lately(unit, lot=lot, plate=plate, at=at)
    return None if ended is None else revive(unit, lot=lot, stay=ended.id, passage=passage)


@inner
def revive(unit: Unit, *, lot: Id, stay: Id, passage: Id | None) -> OpenStay | None:
    """Let a stay that was ended softly go on, because a person says that its car is here; None where it is none."""
    closed = unit.one(store.STAY, stay=stay)
    if closed is None or closed.lot_id != lot or closed.closed_reason is not CloseReason.SOFT_CLOSED:
        return None
    check_goes_on(unit, closed)
    return records.reopen_stay(unit, closed, passage=passage, reason="seen_at_exit")


@inner
def end_where_it_left(unit: Unit, seen: Seen, stay: OpenStay) -> bool:
    """End a stay at the exit that is known of its car already, told of before its entry: what it owes is a debt. Tells
    whether there is one.
    """
    passage = _exit_of(unit, seen)
    if passage is None:
        return False
    leaving = prices.leaving(
        unit, stay, currency=seen.lane.currency, at=passage.captured_at, on_duty=seen.on_duty, at_exit=False
    )
    end_at(unit, stay, passage, leaving, reason=passage.reason)
    return True


@inner
def end_at(unit: Unit, stay: OpenStay, passage: Passage, leaving: prices.Leaving, *, reason: str) -> None:
    """End a stay at an exit through which its car has gone while nobody knew whose it was; what it owes is a debt, and
    a person is told for what ``reason``.
    """
    bill, due = leaving.bill, leaving.assessment.due
    unit.run(
        passage_store.UPDATE_PASSAGE, passage=passage.id, new_state=PassageState.PASSED, new_stay=stay.id,
        new_bill=bill.id if bill else None, new_command=passage.command_id,
    )  # fmt: skip
    records.resolve_of_passage(unit, passage=passage.id, resolution=Resolution.BY_ITSELF)
    if due:
        records.raise_case(
            unit, company=stay.company_id, lot=stay.lot_id, lane=passage.lane_id, kind=CaseKind.LEFT_UNPAID,
            passage=passage.id, stay=stay.id,
            evidence={"reason": reason, "due_minor": due.minor, "bill": str(bill.id) if bill else None},
        )  # fmt: skip
    offline = passage.source in (Source.OFFLINE, Source.CAMERA)
    records.close_priced(
        unit, stay, leaving.assessment, passage=passage.id, lane=passage.lane_id, at=passage.captured_at,
        reason=CloseReason.LEFT_OFFLINE if offline else CloseReason.LEFT,
    )  # fmt: skip


def _visit_at(reader: Reader, lot: Id, plate: Id, at: Instant) -> Stay | None:
    """Return the visit of the car at that moment, ended without its exit; one that left a debt is settled by that."""
    then = (each for each in _visits(reader, lot, plate) if each.entered_at <= at <= each.left_at)
    there = [each for each in then if each.closed_reason in _UNSEEN]
    visit = max(there, key=lambda each: each.entered_at, default=None)
    return None if visit is None or payments.debts_of(reader, subject=visit.id) else visit


def _visits(reader: Reader, lot: Id, plate: Id | None) -> list[Stay]:
    """Return the visits of a plate that are over, the newest first."""
    return reader.all(store.STAYS_OF_PLATE, plate=plate, lot=lot, before=BEYOND_ALL, limit=_VISITS)
