"""Letting a waiting car through: because it paid, because a person said so, or because it was identified after all."""

from collections.abc import Sequence
from dataclasses import replace

from openberth.contexts import facility, payments
from openberth.contexts.facility import Command, CommandKind, LaneContext, LaneKind
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
from openberth.contexts.stays.model.events import PassageReleased
from openberth.contexts.stays.service import deciding, prices, records
from openberth.contexts.stays.service.records import Links
from openberth.contexts.stays.service.seen import LaneAnswer, Seen
from openberth.contexts.stays.store import cases as case_store
from openberth.contexts.stays.store import passages as store
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import total
from openberth.kernel.plates import Plate
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import SECOND_US

PRESSED_TWICE_US = 5 * SECOND_US  # a second press of the same button, or a retry of its request
_STANDING = (PassageState.WAITING, PassageState.REFUSED, PassageState.UNDECIDED)


@by_construction
def car_passed(unit: Unit, *, lane: Id, device: Id) -> int:
    """Take note that a car drove over the loop behind the gate: the car that was let through has gone on.

    Returns how many commands that ends.
    """
    unit.run(store.CAR_PASSED, lane=lane, now=unit.machine_now)
    return facility.passed(unit, lane=lane, device=device)


@by_construction
def bill_settled(unit: Unit, *, stay: Id, lot: Id) -> int:
    """Open the gate where the car of this stay waits to pay and owes nothing any more, once.

    Paid in advance there is nobody to let through; paid after leaving, the debt is settled. Where the lane has been
    retired meanwhile, or has lost its gate, a person is asked. Returns how many gates.
    """
    unit.lock(("lot", lot))
    found = unit.one(stay_store.OPEN_STAY, stay=stay)
    if found is None:
        _settle_debt(unit, stay=stay, lot=lot)
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
        _tell_trouble(unit, lane, standing.passage_id, stay.id, trouble)
    records.close_priced(
        unit, stay, assessment, passage=standing.passage_id, lane=lane.id, at=standing.captured_at,
        reason=CloseReason.LEFT,
    )  # fmt: skip
    _let_through(unit, lane, standing, cause="paid", resolution=Resolution.BY_ITSELF)
    return 1


def _settle_debt(unit: Unit, *, stay: Id, lot: Id) -> None:
    """Write on a closed stay what was paid of it since; a debt that is paid needs nobody any more."""
    closed = unit.one(stay_store.STAY, stay=stay)
    if closed is None:
        return
    unit.lock(payments.subject_lock(stay))
    received = [each.amount for each in payments.paid_for(unit, subject=stay)]
    received += [money for money, _ in payments.credits_of(unit, subject=stay)]
    paid = total(received, closed.currency).minor
    if paid != closed.paid_minor:
        unit.run(stay_store.SET_PAID, stay=stay, new_paid=paid)
    if paid >= closed.price_minor:
        for case in unit.all(case_store.OPEN_OF_STAY, lot=lot, stay=stay):
            if case.kind is CaseKind.LEFT_UNPAID:
                records.resolve_case(unit, case, resolution=Resolution.BY_ITSELF, reason=None)


@by_construction
def debt_ended(unit: Unit, *, stay: Id, lot: Id, reason: str | None) -> None:
    """Take note that what a stay owed needs nobody any more: it was paid, let go, or has lapsed."""
    unit.lock(("lot", lot))
    _settle_debt(unit, stay=stay, lot=lot)
    for case in unit.all(case_store.OPEN_OF_STAY, lot=lot, stay=stay):
        if case.kind is CaseKind.LEFT_UNPAID:
            records.resolve_case(unit, case, resolution=Resolution.BY_ITSELF, reason=reason)


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


def _tell_trouble(unit: Unit, lane: LaneContext, passage: Id, stay: Id, trouble: str) -> None:
    records.raise_case(
        unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=CaseKind.DECISION_FAILED, passage=None, stay=stay,
        evidence={"error": trouble[:200], "passage": str(passage)},
    )  # fmt: skip


def _let_through(
    unit: Unit, lane: LaneContext, standing: LaneState, *, cause: str, resolution: Resolution, reason: str | None =
    None, stay: Id | None = None,
) -> Command:  # fmt: skip
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
    if standing is None or passage is None or passage.state not in _STANDING:
        pressed_again = facility.opening_under_way(unit, lane=lane, within_us=PRESSED_TWICE_US)
        if pressed_again is not None:
            return pressed_again
        command = facility.issue_command(
            unit, company=context.company, lot=lot, lane=lane, kind=CommandKind.OPEN, passage=None, reason=text
        )
        records.raise_case(
            unit, company=context.company, lot=lot, lane=lane, kind=CaseKind.OPENED_BY_HAND, passage=None, stay=None,
            evidence={"reason": text, "command": str(command.id)},
        )  # fmt: skip
        return command
    seen = seen_again(unit, context, passage)
    stay = _pass_by_hand(unit, seen, standing)
    return _let_through(unit, context, standing, cause="by_hand", resolution=Resolution.OPENED, reason=text, stay=stay)


def _pass_by_hand(unit: Unit, seen: Seen, standing: LaneState) -> Id | None:
    """Write what an opened lane means for the stay of the car that stood there."""
    if seen.lane.kind is LaneKind.ENTRY:
        inside = records.stay_by_key(unit, seen.open_key)
        admitted = deciding.admit(unit, seen, deciding.permission_of(unit, seen), inside)
        return admitted.id if admitted else None
    stay = unit.one(stay_store.OPEN_STAY, stay=standing.stay_id) if standing.stay_id else None
    if stay is None and seen.plate_id is not None:
        stay = records.stay_by_key(unit, seen.open_key)
    if stay is None:
        return None
    if seen.lane.kind is LaneKind.INNER:
        if seen.lane.to_area and seen.lane.to_area != stay.area_id:
            records.move_stay(unit, stay, passage=seen.passage, to_area=seen.lane.to_area, at=seen.at)
        return stay.id
    _close_by_hand(unit, seen, stay)
    return stay.id


def _close_by_hand(unit: Unit, seen: Seen, stay: OpenStay) -> None:
    lane = seen.lane
    assessment, trouble = prices.assess_anyhow(unit, stay, currency=lane.currency, at=seen.at)
    if trouble:
        _tell_trouble(unit, lane, seen.passage, stay.id, trouble)
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
def identify(unit: Unit, *, lot: Id, lane: Id, plate: Plate, cause: str, resolution: Resolution) -> LaneAnswer:
    """Decide again about the car that waits at a lane, now that its plate (or pass) is known.

    Raises ``Refused("lane.nobody_waiting")`` when nobody waits there.
    """
    context, standing, passage = waiting_at(unit, lot=lot, lane=lane)
    plate_id = vault.keep(unit, VaultKind.PLATE, plate.key)
    unit.run(store.CORRECT_PLATE, passage=passage.id, new_plate=plate_id, new_kind=plate.kind.value)
    seen = replace(seen_again(unit, context, passage), plate=plate, plate_id=plate_id)
    stay = records.stay_by_key(unit, seen.open_key)
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
    inside = records.stay_by_key(unit, seen.open_key)
    admitted = deciding.admit(unit, seen, deciding.permission_of(unit, seen), inside)
    unit.run(
        store.UPDATE_PASSAGE, passage=passage.id, new_state=PassageState.PASSED,
        new_stay=admitted.id if admitted else None, new_bill=None, new_command=None,
    )  # fmt: skip


@inner
def match_stay(
    unit: Unit, *, lot: Id, lane: Id, stay: Id, cause: str = "matched", resolution: Resolution = Resolution.MATCHED
) -> LaneAnswer:  # fmt: skip
    """Decide again about the car that waits at an exit as the car of a stay that a person chose."""
    context, standing, passage = waiting_at(unit, lot=lot, lane=lane)
    if context.kind is LaneKind.ENTRY:
        raise Refused("lane.not_an_exit", lane=context.code)
    found = unit.one(stay_store.OPEN_STAY, stay=stay)
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
        admitted = deciding.admit(unit, seen, deciding.permission_of(unit, seen), stay)
        _let_through(unit, lane, standing, cause=cause, resolution=resolution, stay=admitted.id if admitted else None)
        return LaneAnswer(seen.passage, False, Action.OPEN, f"entry.{cause}", Ask.NOTHING, None, None)
    if stay is None:
        raise NotFound("stay.not_found")
    if lane.kind is LaneKind.INNER:
        if lane.to_area and stay.area_id != lane.to_area:
            records.move_stay(unit, stay, passage=seen.passage, to_area=lane.to_area, at=seen.at)
        _let_through(unit, lane, standing, cause=cause, resolution=resolution, stay=stay.id)
        return LaneAnswer(seen.passage, False, Action.OPEN, "inner.inside", Ask.NOTHING, stay.id, None)
    return _leave_again(unit, seen, standing, stay, cause, resolution)


def _leave_again(
    unit: Unit, seen: Seen, standing: LaneState, stay: OpenStay, cause: str, resolution: Resolution
) -> LaneAnswer:
    lane = seen.lane
    records.leave_other_lanes(unit, stay.id, lane=lane.id)
    leaving = prices.assess_leaving(unit, stay, at=seen.at)
    if not leaving.assessment.due:
        records.close_priced(
            unit, stay, leaving.assessment, passage=seen.passage, lane=lane.id, at=seen.at, reason=CloseReason.LEFT
        )
        _let_through(unit, lane, standing, cause=cause, resolution=resolution, stay=stay.id)
        reason = "exit.prepaid" if leaving.paid_by_account else "exit.nothing_due"
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


def seen_again(reader: Reader, lane: LaneContext, passage: Passage) -> Seen:
    """Return a stored passage as it was seen, to decide about it again."""
    text = vault.reveal(reader, passage.plate_id) if passage.plate_id else None
    return Seen(
        passage=passage.id, lane=lane, device=passage.device_id, source=Source.MANUAL,
        plate=Plate(text) if text else None, plate_id=passage.plate_id, colour=passage.colour,
        confidence=passage.confidence, at=passage.captured_at, device_at=passage.device_at,
        received_at=passage.received_at, pictures=passage.pictures, flaws=passage.flaws,
    )  # fmt: skip
