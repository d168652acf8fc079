"""Money for a stay that is over: what was owed is owed no more, and what was paid in time counts as paid in time."""

from openberth.contexts import payments
from openberth.contexts.stays.model.entities import CaseKind, CloseReason, Resolution, Stay
from openberth.contexts.stays.service import prices, records
from openberth.contexts.stays.service.course import as_it_was, gone_on_by
from openberth.contexts.stays.store import cases as case_store
from openberth.contexts.stays.store import stays as store
from openberth.infra.database import Unit
from openberth.infra.permitting import inner
from openberth.kernel.ids import Id
from openberth.kernel.money import Money, total

_OF_DEBTS = frozenset({CaseKind.LEFT_UNPAID, CaseKind.TAILGATER})


@inner
def settle_closed(unit: Unit, *, stay: Id, lot: Id) -> None:
    """Write on a closed stay what was paid of it since; a debt that is paid needs nobody any more.

    A channel may tell of money when the car has gone: what was paid in advance opens its minutes to leave in all the
    same, and what was asked for because nobody knew of it is not owed.
    """
    closed = unit.one(store.STAY, stay=stay)
    if closed is None:
        return
    unit.lock(payments.subject_lock(stay))
    received = [each.amount for each in payments.paid_for(unit, subject=stay)]
    received += [money for money, _ in payments.credits_of(unit, subject=stay)]
    paid, price = total(received, closed.currency).minor, closed.price_minor
    if paid != closed.paid_minor:
        unit.run(store.SET_PAID, stay=stay, new_paid=paid)
        price -= _owed_no_more(unit, closed)
    if paid >= price:
        resolve_of_debts(unit, stay=stay, lot=lot)


@inner
def resolve_of_debts(unit: Unit, *, stay: Id, lot: Id, reason: str | None = None) -> None:
    """End the cases that ask a person to look after what a stay owes."""
    for case in unit.all(case_store.OPEN_OF_STAY, lot=lot, stay=stay):
        if case.kind in _OF_DEBTS:
            records.resolve_case(unit, case, resolution=Resolution.BY_ITSELF, reason=reason)


def _owed_no_more(unit: Unit, closed: Stay) -> int:
    """Take off the debt of a stay what its payments show not to be owed; returns how much, in minor units.

    A debt that a later visit is asked for just now stays: that bill may be paid in this moment. One of another price
    than is known today, after a correction, stays too: a person decides about it. So does that of a visit which was
    never priced by itself, because its plate came in again, or which a later one went on from: both were priced as one
    with it, and what it is less the later one would have been more.
    """
    if closed.closed_reason is CloseReason.ENTERED_AGAIN or gone_on_by(unit, closed) is not None:
        return 0
    owed = [each for each in payments.debts_of(unit, subject=closed.id) if each.is_owed and each.carried_to is None]
    left = sum(payments.bill_by_id(unit, bill=each.bill).own_left.minor for each in owed)
    if len(owed) != 1 or not left:
        return 0
    assessment, trouble = prices.assess_anyhow(
        unit, as_it_was(unit, closed), currency=closed.currency, at=closed.left_at
    )
    less = left - assessment.due.minor
    in_time = assessment.leave_by is not None and not trouble
    if not in_time or less <= 0 or assessment.price.minor != closed.price_minor - less:
        return 0
    payments.owe_less(unit, debt=owed[0], left=Money(assessment.due.minor, closed.currency))
    unit.run(store.SET_PRICE, stay=closed.id, new_price=assessment.price.minor)
    return less
