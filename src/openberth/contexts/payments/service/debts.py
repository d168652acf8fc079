"""Use cases and queries of debts. What is paid ends by itself, what nobody pays lapses, all else a person decides."""

from collections.abc import Sequence
from dataclasses import replace

from openberth.contexts import tenancy
from openberth.contexts.payments.model import Bill, BillState, written_off
from openberth.contexts.payments.model import ledger as booking
from openberth.contexts.payments.model.debts import Debt, DebtState, disputed, ended, raised, upheld, waived
from openberth.contexts.payments.service import ledger
from openberth.contexts.payments.service.bills import append, close_orders, issue_bill, locked, save_bill, withdraw_bill
from openberth.contexts.payments.service.carried import save_debt
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.payments.store import debts as store
from openberth.infra import jobs
from openberth.infra.database import Reader, Unit
from openberth.infra.jobs import JobClock
from openberth.infra.permitting import by_construction, inner, needs
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.persons import masked_words
from openberth.kernel.time import Instant

JOB_LAPSE = "payments.lapse_debt"


@inner
def raise_debt(
    unit: Unit, *, bill: Bill, plate: Id | None, passages: Sequence[Id], pictures: Sequence[str]
) -> Debt:  # fmt: skip
    """Make what is left of an open bill a debt, in the unit in which its car leaves. Once for a bill."""
    known = debt_of_bill(unit, bill=bill.id)
    if known is not None:
        return known
    days = int(tenancy.setting_of(unit, tenancy.DEBT_DAYS, company=bill.company, lot=bill.lot))
    debt, told = raised(
        bill, id=unit.new_id(), plate=plate, passages=passages, pictures=pictures, days=days, now=unit.now
    )
    unit.run(store.INSERT_DEBT, **store.debt_row(debt))
    jobs.schedule(
        unit, kind=JOB_LAPSE, body={"debt": str(debt.id)}, due_at=debt.lapses_at, clock=JobClock.BUSINESS,
        unique_key=debt.id.hex,
    )  # fmt: skip
    _append(unit, debt, (told,))
    return debt


@inner
def settle_debt(unit: Unit, bill: Bill) -> None:
    """End the debt of a bill that has been paid, if there is one; called in the unit that settles it."""
    found = debt_of_bill(unit, bill=bill.id)
    if found is not None:
        _keep(unit, found, *ended(found, DebtState.PAID, unit.now))


@inner
def owe_less(unit: Unit, *, debt: Debt, left: Money) -> None:
    """Ask only so much of a debt any more, because it is known by now that no more is owed: nothing left is paid.

    Its bill is superseded. Raises ``Refused("debt.being_paid")`` while the bill of a car at an exit asks for it.
    """
    found, bill = _locked(unit, debt.id)
    withdraw_bill(unit, bill=bill.id, into=BillState.SUPERSEDED)
    if not left.minor:
        _keep(unit, found, *ended(found, DebtState.PAID, unit.now))
        return
    own = issue_bill(
        unit, company=bill.company, lot=bill.lot, kind=bill.subject_kind, subject=bill.subject_id, due=left,
        tariff_version=bill.tariff_version, quote=bill.quote, quoted_at=bill.quoted_at, valid_until=bill.valid_until,
    )  # fmt: skip
    save_debt(unit, replace(found, bill=own.id), ())


@needs("debt.waive")
def waive_debt(unit: Unit, *, debt: Id, reason: str) -> Debt:
    """Let a debt go for a reason: its bill is written off and takes no more money.

    Raises ``NotFound("debt.not_found")``, ``Refused("debt.ended")``, ``Malformed("debt.reason")``; and
    ``Refused("debt.being_paid")`` while the bill of a car that is at an exit asks for it.
    """
    found, bill = _locked(unit, debt)
    after = _keep(unit, found, *waived(found, unit.now, reason))
    _write_off(unit, bill)
    return after


@needs("debt.dispute")
def dispute_debt(unit: Unit, *, debt: Id, reason: str) -> Debt:
    """Write down that a debt is contested, and why. Raises as ``waive_debt``."""
    found, _ = _locked(unit, debt)
    return _keep(unit, found, *disputed(found, reason))


@inner
def contest_debt(unit: Unit, *, debt: Id, reason: str) -> Debt:
    """Let whoever owes a debt dispute it, once: what was decided about stands. Raises as ``dispute_debt``, and
    ``Refused("debt.decided")``.
    """
    found, _ = _locked(unit, debt)
    if found.state is DebtState.DISPUTED:
        return found
    if found.reason is not None and found.is_owed:
        raise Refused("debt.decided")
    return _keep(unit, found, *disputed(found, masked_words(reason)))


@needs("debt.dispute")
def uphold_debt(unit: Unit, *, debt: Id) -> Debt:
    """End a dispute: the debt stands. Raises ``NotFound("debt.not_found")``, ``Refused("debt.not_disputed")``."""
    found, _ = _locked(unit, debt)
    return _keep(unit, found, upheld(found), ())


@by_construction
def lapse_debt(unit: Unit, *, debt: Id) -> Debt:
    """End a debt whose limitation is over; one that has ended changes nothing."""
    found, bill = _locked(unit, debt)
    if unit.now < found.lapses_at or not found.is_owed:
        return found
    after = _keep(unit, found, *ended(found, DebtState.LAPSED, unit.now))
    _write_off(unit, bill)
    return after


@inner
def move_debt(unit: Unit, *, debt: Debt, plate: Id) -> None:
    """Have a debt be that of another plate: somebody has found that it was read wrong.

    Raises ``Refused("debt.being_paid")`` while the bill of a car at an exit asks for it.
    """
    found, _ = _locked(unit, debt.id)
    if found.carried_to is not None:
        raise Refused("debt.being_paid")
    unit.save(store.MOVE_DEBT, debt_id=found.id, old_version=found.version, new_plate=plate)


def debt_by_id(reader: Reader, *, debt: Id) -> Debt:
    """Return a debt. Raises ``NotFound("debt.not_found")``."""
    found = reader.one(store.DEBT, debt_id=debt)
    if found is None:
        raise NotFound("debt.not_found")
    return found


def debt_of_bill(reader: Reader, *, bill: Id) -> Debt | None:
    """Return the debt that a bill became, None for one whose car has not left unpaid."""
    return reader.one(store.DEBT_OF_BILL, bill_id=bill)


def debts_to_ask(reader: Reader, *, lot: Id, plate: Id, currency: str, onto: Id | None) -> list[Debt]:
    """Return what a car shall pay with a bill of a later visit (None: not issued yet), as its lot wants it."""
    found = [
        each
        for each in owed_by_plate(reader, lot=lot, plate=plate)
        if each.state is DebtState.OPEN and each.amount.currency == currency and each.carried_to in (None, onto)
    ]
    if not found:
        return []
    how = tenancy.setting_of(reader, tenancy.DEBT_AT_EXIT, company=found[0].company, lot=lot)
    return found if how == tenancy.ASK else []


def debts_of(reader: Reader, *, subject: Id) -> list[Debt]:
    """Return what a subject left unpaid, oldest first."""
    return reader.all(store.DEBTS_OF_SUBJECT, subject=subject)


def owed_by_plate(reader: Reader, *, lot: Id, plate: Id) -> list[Debt]:
    """Return what the car of a plate (its id in the vault) owes at a lot, the oldest first."""
    return reader.all(store.OWED_BY_PLATE, lot=lot, plate=plate, limit=PAGE_MAX)


def debts_of_plate(reader: Reader, *, plate: Id, since: Instant, before: Id, limit: int) -> list[Debt]:
    """Return a page of the debts of a plate wherever they came about, raised since an instant, newest first."""
    return reader.all(store.DEBTS_OF_PLATE, plate=plate, since=since, before=before, limit=min(limit, PAGE_MAX))


def _locked(unit: Unit, debt: Id) -> tuple[Debt, Bill]:
    bill = locked(unit, debt_by_id(unit, debt=debt).bill)
    found = debt_by_id(unit, debt=debt)
    if found.carried_to is not None:
        raise Refused("debt.being_paid")
    return found, bill


def _write_off(unit: Unit, bill: Bill) -> None:
    if bill.state is not BillState.OPEN:
        return
    save_bill(unit, replace(bill, state=BillState.WRITTEN_OFF))
    ledger.book(unit, company=bill.company, lot=bill.lot, transfers=booking.written_off(bill))
    append(unit, bill, (written_off(bill, unit.now),))
    close_orders(unit, bill.id)


def _keep(unit: Unit, before: Debt, after: Debt, events: tuple[Event, ...]) -> Debt:
    if after is not before:
        if not after.is_owed:
            jobs.cancel(unit, kind=JOB_LAPSE, unique_key=after.id.hex)
        save_debt(unit, after, events)
    return after


def _append(unit: Unit, debt: Debt, events: tuple[Event, ...]) -> None:
    for event in events:
        unit.append(event, company=debt.company, lot=debt.lot, key=debt.bill)
