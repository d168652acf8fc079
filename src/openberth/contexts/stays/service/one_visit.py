"""Saying whether a car that came in while it was inside had left before: two visits, or one from the first entry on."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from openberth.contexts import facility, payments
from openberth.contexts.facility import LaneKind
from openberth.contexts.stays.model.entities import Case, CaseKind, CloseReason, OpenStay, Resolution, Stay
from openberth.contexts.stays.service import course, deciding_again, doubts, prices, records, which_visit
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money


@inner
def settle(unit: Unit, case: Case, *, stay: Id | None, resolution: Resolution, reason: str) -> None:
    """Write down what a person says of a case that asks it: ``stay`` is the one the car parks since, the earlier or the
    later one; None means that it had left, too.

    The car is decided about again where it waits at an exit. One that has left meanwhile owes for the earlier visit
    what the whole costs more, as a debt. Raises ``Refused``: ``exception.action`` (the earlier stay goes on by itself,
    or is another car's by now; or neither is named), ``stay.has_debt`` (the earlier visit left one that is owed still).
    """
    later, earlier = case.stay_id, Id(case.evidence[which_visit.EARLIER])
    assert later is not None, "such a case is of a stay"
    if stay not in (None, later, earlier):
        raise Refused("exception.action")
    asking = which_visit.open_cases(unit, lot=case.lot_id, stay=later)
    for each in asking:
        records.resolve_case(unit, each, resolution=resolution, reason=reason)
    found = unit.one(store.OPEN_STAY, stay=later)
    if stay == earlier:
        before = unit.one(store.STAY, stay=earlier)
        now = found or unit.one(store.STAY, stay=later)
        if before is None or now is None or not _may_be_one(before, now):
            raise Refused("exception.action")
        if isinstance(now, Stay):
            _ask_for_the_rest(unit, before, now)
    if found is not None:
        doubts.say(unit, found, earlier=earlier, one_visit=stay == earlier)
    waiting = found or _waits_for(unit, asking)
    if waiting is not None:
        _decide_where_it_waits(unit, waiting)


def _may_be_one(earlier: Stay, later: OpenStay | Stay) -> bool:
    is_over = isinstance(later, Stay) and later.closed_reason is CloseReason.TURNED_BACK
    return earlier.closed_reason is CloseReason.ENTERED_AGAIN and earlier.plate_id == later.plate_id and not is_over


def _waits_for(reader: Reader, asking: Sequence[Case]) -> OpenStay | None:
    """Return the stay whose car waits at an exit for what is asked about two of its earlier entries."""
    for each in asking:
        standing = reader.one(passage_store.LANE, lane=each.lane_id) if each.lane_id is not None else None
        if standing is not None and standing.waiting and standing.passage_id == each.passage_id and standing.stay_id:
            return reader.one(store.OPEN_STAY, stay=standing.stay_id)
    return None


def _decide_where_it_waits(unit: Unit, stay: OpenStay) -> None:
    for standing in unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=stay.id):
        with suppress(NotFound):  # the lane was retired
            if facility.lane_context(unit, lane=standing.lane_id).kind is LaneKind.EXIT:
                deciding_again.match_stay(unit, lot=stay.lot_id, lane=standing.lane_id, stay=stay.id)
                return


def _ask_for_the_rest(unit: Unit, earlier: Stay, later: Stay) -> None:
    """Price both as one, and ask for what that is more: it is owed for the earlier visit, which nobody priced.

    Where the later one was ended by one more entry that was none, it is priced with the one that ended last.
    """
    if later.continues_id is not None:
        return
    unit.lock(payments.subject_lock(earlier.id), payments.subject_lock(later.id))
    unit.run(store.CONTINUE_STAY, stay=later.id, new_continues=earlier.id)
    while later.closed_reason is CloseReason.ENTERED_AGAIN:
        next_one = course.gone_on_by(unit, later)
        if next_one is None:
            return
        later = next_one
    if not later.closed_reason.is_seen:
        return
    whole = prices.assess_alone(
        unit, replace(course.as_it_was(unit, later), again_of=later.continues_id or earlier.id, one_visit=True),
        at=later.left_at,
    )  # fmt: skip
    more = whole.price.minor - later.price_minor
    if more <= 0:
        return
    if any(each.is_owed for each in payments.debts_of(unit, subject=earlier.id)):
        raise Refused("stay.has_debt")
    before = course.as_it_was(unit, earlier)
    bill = prices.ensure_bill(unit, before, replace(whole, due=Money(more, whole.price.currency)), at_exit=False)
    records.raise_debt(unit, before, bill, proof=(later.entry_passage_id, later.exit_passage_id))
    unit.run(store.SET_PRICE, stay=earlier.id, new_price=earlier.price_minor + more)
    records.raise_case(
        unit, company=earlier.company_id, lot=earlier.lot_id, lane=None, kind=CaseKind.LEFT_UNPAID,
        passage=later.exit_passage_id, stay=earlier.id,
        evidence={"bill": str(bill.id), "due_minor": more, "reason": "entered_again"},
    )  # fmt: skip
