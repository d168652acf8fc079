"""Correcting the plate of a car that has left: whose visit it was, what it costs, and who owes what of it."""

from dataclasses import replace

from openberth.contexts import facility, payments
from openberth.contexts.stays.model.entities import CaseKind, OpenStay, Stay
from openberth.contexts.stays.service import course, prices, records
from openberth.contexts.stays.store import stays as store
from openberth.infra.database import Unit
from openberth.infra.permitting import inner
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate


@inner
def replate_closed(unit: Unit, closed: Stay, plate: Plate, plate_id: Id, *, on_duty: bool) -> None:
    """Give a stay that is over another plate, price it as that car's, and have its debt be that car's.

    The caller has written the rights of its segments anew. What was paid counts: what is due beyond it becomes a debt,
    what was paid too much is told of; on duty it parked free, and owes nothing beyond what was paid. Raises
    ``Refused("stay.debt_differs")`` where a debt is owed and the sum would be another one,
    ``Refused("debt.being_paid")``.
    """
    then = course.as_it_was(unit, closed)
    stay = replace(then, plate_id=plate_id, plate_kind=plate.kind.value, again_of=None, one_visit=None)
    price = closed.price_minor
    if on_duty:
        price = closed.paid_minor
        _, asked = _owed(unit, closed)
        if asked:
            raise Refused("stay.debt_differs", owed=asked, due=0)
    elif closed.closed_reason.is_seen:
        currency = facility.lot_by_id(unit, lot=closed.lot_id).currency
        assessment, trouble = prices.assess_anyhow(unit, stay, currency=currency, at=closed.left_at)
        if not trouble:
            price = assessment.price.minor
            _ask_for_the_rest(unit, closed, stay, assessment, plate_id)
    unit.run(
        store.CORRECT_STAY, stay=closed.id, new_plate=plate_id, new_kind=plate.kind.value, new_price=price
    )  # fmt: skip


def _owed(unit: Unit, closed: Stay) -> tuple[list[payments.Debt], int]:
    owed = [each for each in payments.debts_of(unit, subject=closed.id) if each.is_owed]
    return owed, sum(payments.bill_by_id(unit, bill=each.bill).own_left.minor for each in owed)


def _ask_for_the_rest(
    unit: Unit, closed: Stay, stay: OpenStay, assessment: prices.Assessment, plate: Id
) -> None:  # fmt: skip
    owed, asked = _owed(unit, closed)
    if owed:
        if asked != assessment.due.minor:
            raise Refused("stay.debt_differs", owed=asked, due=assessment.due.minor)
        for each in owed:
            payments.move_debt(unit, debt=each, plate=plate)
        return
    if assessment.due:
        bill = prices.ensure_bill(unit, stay, assessment, at_exit=False)
        records.raise_debt(unit, stay, bill, proof=(closed.exit_passage_id,))
        _tell(unit, closed, CaseKind.LEFT_UNPAID, bill=str(bill.id), due_minor=assessment.due.minor)
    elif assessment.surplus:
        surplus = assessment.surplus
        _tell(unit, closed, CaseKind.SURPLUS, surplus_minor=surplus.minor, currency=surplus.currency)


def _tell(unit: Unit, closed: Stay, kind: CaseKind, **evidence: str | int) -> None:
    records.raise_case(
        unit, company=closed.company_id, lot=closed.lot_id, lane=None, kind=kind, passage=closed.exit_passage_id,
        stay=closed.id, evidence={"reason": "corrected", **evidence},
    )  # fmt: skip
