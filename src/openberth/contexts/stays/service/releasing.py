"""Letting a waiting car through, because it paid; and that a car which was let through has gone on.

Persons let it through in ``by_hand``; one that is identified after all is decided about in ``deciding_again``.
"""

from collections.abc import Sequence

from openberth.contexts import facility, payments
from openberth.contexts.facility import Command, CommandKind, LaneContext
from openberth.contexts.stays.model.entities import (
    Action,
    Ask,
    CaseKind,
    CloseReason,
    LaneState,
    OpenStay,
    PassageState,
    Resolution,
)
from openberth.contexts.stays.model.events import PassageReleased
from openberth.contexts.stays.service import paid_late, prices, records, tailgating
from openberth.contexts.stays.service.records import Links
from openberth.contexts.stays.store import cases as case_store
from openberth.contexts.stays.store import passages as store
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id


@by_construction
def car_passed(unit: Unit, *, lot: Id, lane: Id, device: Id) -> int:
    """Take note that a car drove over the loop behind the gate: the car that was let through has gone on.

    One that nothing was opened for came behind another (``tailgating``). Returns how many commands that ends.
    """
    unit.lock(("lot", lot))  # who is let through at the lane in this moment is counted before or after, never lost
    if unit.run(store.CAR_PASSED, lane=lane, now=unit.machine_now) != 1:
        standing = unit.one(store.LANE, lane=lane)
        if standing is not None and not _held_open(unit, lane):
            tailgating.second_crossed(unit, standing)
    return facility.passed(unit, lane=lane, device=device)


def _held_open(reader: Reader, lane: Id) -> bool:
    try:
        until = facility.lane_context(reader, lane=lane).held_open_until
    except NotFound:
        return False
    return until is not None and reader.machine_now < until


@by_construction
def money_came(unit: Unit, *, stay: Id, lot: Id) -> int:
    """Open the gate where the car of this stay waits to pay and owes nothing any more, once.

    Paid in advance there is nobody to let through; paid after leaving, the debt is settled. Where the lane has been
    retired meanwhile, or has lost its gate, a person is asked. Returns how many gates.
    """
    unit.lock(("lot", lot))
    found = unit.one(stay_store.OPEN_STAY, stay=stay)
    if found is None:
        paid_late.settle_closed(unit, stay=stay, lot=lot)
        return 0
    waiting = [one for one in unit.all(store.LANES_WAITING_FOR_STAY, stay=stay) if one.ask is Ask.PAY]
    if not waiting:
        return 0
    records.leave_other_lanes(unit, stay, lane=waiting[0].lane_id)
    return _release_paid(unit, waiting[0], found)


@by_construction
def account_filled(unit: Unit, *, account: Id, company: Id) -> None:
    """Have an account that money was put into pay for its cars that wait at exits; settled bills open their gates."""
    plates = payments.plates_of(unit, account=account)
    unit.lock(*{("lot", one.lot_id) for one in _waiting_to_pay(unit, company, plates)})
    for standing in _waiting_to_pay(unit, company, plates):
        assert standing.bill_id is not None, "who waits to pay waits for a bill"
        bill = payments.bill_by_id(unit, bill=standing.bill_id)
        unit.lock(("bill", bill.id), payments.subject_lock(bill.subject_id))
        bill = payments.bill_by_id(unit, bill=bill.id)
        if bill.stands(unit.now) and standing.plate_id is not None:
            payments.pay_by_account(unit, bill=bill, plate=standing.plate_id)


def _waiting_to_pay(reader: Reader, company: Id, plates: Sequence[Id]) -> list[LaneState]:
    found = (one for plate in plates for one in reader.all(store.LANES_WAITING_FOR_PLATE, company=company, plate=plate))
    return [one for one in found if one.ask is Ask.PAY and one.bill_id is not None]


def _release_paid(unit: Unit, standing: LaneState, stay: OpenStay) -> int:
    try:
        lane = facility.lane_context(unit, lane=standing.lane_id)
    except NotFound:
        # Nobody will look at that lane again; the car goes to another one, where its payment counts.
        unit.run(store.EMPTY_LANE, lane=standing.lane_id)
        unit.run(store.SET_STATE, passage=standing.passage_id, new_state=PassageState.GONE)
        _tell_no_gate(unit, standing, stay, "lane_retired")
        return 0
    assessment, trouble = prices.assess_anyhow(unit, stay, currency=lane.currency, at=standing.captured_at)
    if assessment.due:
        prices.ensure_bill(unit, stay, assessment)
        return 0
    if facility.gate_of(unit, lane=lane.id) is None:
        _tell_no_gate(unit, standing, stay, "no_gate")
        return 0
    if trouble:
        tell_trouble(unit, lane, standing.passage_id, stay.id, trouble)
    records.close_priced(
        unit, stay, assessment, passage=standing.passage_id, lane=lane.id, at=standing.captured_at,
        reason=CloseReason.LEFT,
    )  # fmt: skip
    let_through(unit, lane, standing, cause="paid", resolution=Resolution.BY_ITSELF)
    return 1


@by_construction
def debt_ended(unit: Unit, *, stay: Id, lot: Id, reason: str | None) -> None:
    """Take note that what a stay owed needs nobody any more: it was paid, let go, or has lapsed."""
    unit.lock(("lot", lot))
    paid_late.settle_closed(unit, stay=stay, lot=lot)
    paid_late.resolve_of_debts(unit, stay=stay, lot=lot, reason=reason)


def _tell_no_gate(unit: Unit, standing: LaneState, stay: OpenStay, reason: str) -> None:
    """Ask a person to let out a car that has paid at a lane which cannot open any more; once for a car at a lane."""
    if any(
        case.kind is CaseKind.PAID_NO_GATE for case in unit.all(case_store.OPEN_OF_PASSAGE, passage=standing.passage_id)
    ):
        return
    records.raise_case(
        unit, company=stay.company_id, lot=stay.lot_id, lane=standing.lane_id, kind=CaseKind.PAID_NO_GATE,
        passage=standing.passage_id, stay=stay.id,
        evidence={"reason": reason, "bill": str(standing.bill_id) if standing.bill_id else None},
    )  # fmt: skip


@inner
def tell_trouble(unit: Unit, lane: LaneContext, passage: Id, stay: Id, trouble: str) -> None:
    """Ask a person to look at a car that was let go without an honest price."""
    records.raise_case(
        unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=CaseKind.DECISION_FAILED, passage=None, stay=stay,
        evidence={"error": trouble[:200], "passage": str(passage)},
    )  # fmt: skip


@inner
def let_through(
    unit: Unit, lane: LaneContext, standing: LaneState, *, cause: str, resolution: Resolution, reason: str | None =
    None, stay: Id | None = None,
) -> Command:  # fmt: skip
    """Tell the gate to open for the car that stands at a lane, and write that it goes on: nothing of it is open any
    more.
    """
    command = facility.issue_command(
        unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=CommandKind.OPEN, passage=standing.passage_id,
        reason=reason,
    )  # fmt: skip
    links = Links(stay=stay or standing.stay_id, bill=standing.bill_id, command=command.id)
    records.update_lane(unit, standing, waiting=False, action=Action.OPEN, ask=Ask.NOTHING, links=links)
    unit.run(
        store.UPDATE_PASSAGE, passage=standing.passage_id, new_state=PassageState.PASSED, new_stay=links.stay,
        new_bill=links.bill, new_command=command.id,
    )  # fmt: skip
    records.resolve_of_passage(unit, passage=standing.passage_id, resolution=resolution, reason=reason)
    unit.append(
        PassageReleased(standing.passage_id, lane.id, cause, links.stay, command.id),
        company=lane.company, lot=lane.lot, key=lane.id,
    )  # fmt: skip
    return command
