"""Debts on the bill of a later visit: taken on when it is issued, paid with it, given back a bill of their own else.

A debt is asked for once at any time: by its own bill, which is open, or by another one that carries it, and then its
own is superseded. What comes pays the other bill's own part first; the rest is credited to the debts in their order.
"""

from dataclasses import replace

from openberth.contexts.payments.model import Bill
from openberth.contexts.payments.model.debts import Debt, DebtState, carried, credited, ended
from openberth.contexts.payments.store import debts as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant


def carried_by(reader: Reader, *, bill: Id) -> list[Debt]:
    """Return the debts that a bill asks for beside its own, the oldest first."""
    return reader.all(store.CARRIED_BY, bill_id=bill)


def credits_of(reader: Reader, *, subject: Id) -> list[tuple[Money, Instant]]:
    """Return what was paid for a subject on bills of later visits, and when at the latest."""
    found = reader.all(store.DEBTS_OF_SUBJECT, subject=subject)
    return [
        (Money(each.credited_minor, each.amount.currency), each.ended_at or each.raised_at)
        for each in found
        if each.credited_minor
    ]


def asked_elsewhere(reader: Reader, *, subject: Id) -> int:
    """Return how much of what a subject owes bills of later visits ask for now, in minor units."""
    return sum(each.carried_minor for each in reader.all(store.DEBTS_OF_SUBJECT, subject=subject))


@inner
def note_carried(unit: Unit, debt: Debt, *, onto: Id, left: Money) -> None:
    """Write down that a bill asks for a debt."""
    save_debt(unit, carried(debt, onto=onto, minor=left.minor), ())


@inner
def paid_with(unit: Unit, bill: Bill) -> None:
    """End the debts that a settled bill carried."""
    for debt in carried_by(unit, bill=bill.id):
        paid = replace(debt, credited_minor=debt.credited_minor + debt.carried_minor, carried_to=None, carried_minor=0)
        save_debt(unit, *ended(paid, DebtState.PAID, unit.now))


@inner
def taken_off(unit: Unit, bill: Bill) -> list[tuple[Debt, Money]]:
    """Take all debts off an open bill that is withdrawn; returns those that are owed still, with what is left.

    ``bill`` is as it was. Who calls gives each a bill of its own.
    """
    owed = []
    excess = max(bill.paid.minor - bill.own_due.minor, 0)
    for debt in carried_by(unit, bill=bill.id):
        part = min(excess, debt.carried_minor)
        excess -= part
        owed.append((credited(debt, part), Money(debt.carried_minor - part, bill.due.currency)))
    return owed


@inner
def save_debt(unit: Unit, after: Debt, events: tuple[Event, ...]) -> Debt:
    """Save what a rule made of a debt, and tell."""
    unit.save(
        store.UPDATE_DEBT, debt_id=after.id, old_version=after.version, new_state=after.state, new_bill=after.bill,
        new_reason=after.reason, new_ended_at=after.ended_at, new_carried_to=after.carried_to,
        new_carried=after.carried_minor, new_credited=after.credited_minor,
    )  # fmt: skip
    for event in events:
        unit.append(event, company=after.company, lot=after.lot, key=after.bill)
    return after
