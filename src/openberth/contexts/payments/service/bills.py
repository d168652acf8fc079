"""Use cases and queries of bills: each loads, asks the pure rules, writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from openberth.contexts.payments.model import Attempt, Bill, BillState, Refund, bill_number, issue, withdraw, withdrawn
from openberth.contexts.payments.model import ledger as booking
from openberth.contexts.payments.model.debts import Debt, DebtState
from openberth.contexts.payments.model.debts import ended as ended_debt
from openberth.contexts.payments.service import carried, ledger
from openberth.contexts.payments.store import attempts as attempt_store
from openberth.contexts.payments.store import bills as bill_store
from openberth.infra import jobs
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.errors import NotFound
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.money import Money, total
from openberth.kernel.time import Instant, as_datetime

JOB_CLOSE = "payments.close_attempt"
DEBT_LINE = "bill.line.debt"


@inner
def issue_bill(
    unit: Unit, *, company: Id, lot: Id, kind: str, subject: Id, due: Money, tariff_version: Id | None,
    quote: Mapping[str, Any], quoted_at: Instant, valid_until: Instant, carrying: Sequence[Debt] = (),
) -> Bill:  # fmt: skip
    """Write a bill for a subject (its kind and id). A subject has one open bill at most.

    ``carrying`` are debts of the same payer that are to be paid with it: each becomes a line beside ``quote``, and its
    own bill is superseded.
    """
    taken = [(debt, bill_by_id(unit, bill=debt.bill)) for debt in carrying]
    more = total((owed.left for _, owed in taken), due.currency)
    bill_id = unit.new_id()
    day = as_datetime(unit.now).strftime("%y%m%d")
    bill, events = issue(
        id=bill_id, company=company, lot=lot, subject_kind=kind, subject_id=subject,
        number=bill_number(bill_id, day), due=due + more, tariff_version=tariff_version,
        quote=_with_lines(quote, [owed for _, owed in taken]), quoted_at=quoted_at, valid_until=valid_until,
        now=unit.now,
    )  # fmt: skip
    if taken:
        bill = replace(bill, carried=more)
    unit.run(bill_store.INSERT_BILL, **bill_store.bill_row(bill))
    ledger.book(unit, company=company, lot=lot, transfers=booking.issued(bill))
    append(unit, bill, events)
    for debt, owed in taken:
        unit.lock(subject_lock(debt.subject))
        withdraw_bill(unit, bill=owed.id, into=BillState.SUPERSEDED)
        carried.note_carried(unit, debt, onto=bill.id, left=owed.left)
    return bill


def _with_lines(quote: Mapping[str, Any], owed: Sequence[Bill]) -> Mapping[str, Any]:
    """Return a quote with a line for each older bill that is paid with it, and no other such line."""
    own = [line for line in quote.get("lines", []) if line["code"] != DEBT_LINE]
    if not owed and len(own) == len(quote.get("lines", [])):
        return quote
    lines = [
        {
            "code": DEBT_LINE, "params": {"bill": each.number}, "minutes": 0,
            "amount": {"minor": each.left.minor, "currency": each.left.currency},
        }
        for each in owed
    ]  # fmt: skip
    return {**quote, "lines": [*own, *lines]}


@inner
def withdraw_bill(unit: Unit, *, bill: Id, into: BillState) -> Bill:
    """Void or supersede an open bill; its live attempts are closed at their channels, and debts that it carried are
    asked for by bills of their own again. The same again changes nothing.
    """
    found = bill_by_id(unit, bill=bill)
    after = withdraw(found, into)
    if after is not found:
        save_bill(unit, after)
        ledger.book(unit, company=found.company, lot=found.lot, transfers=booking.withdrawn(found))
        append(unit, found, (withdrawn(found, into, unit.now),))
        close_orders(unit, bill)
        if found.carried is not None:
            _give_back(unit, found)
    return after


def _give_back(unit: Unit, found: Bill) -> None:
    """Give the debts that a withdrawn bill carried bills of their own again. ``found`` is as it was before."""
    for debt, left in carried.taken_off(unit, found):
        if not left.minor:
            carried.save_debt(unit, *ended_debt(debt, DebtState.PAID, unit.now))
            continue
        unit.lock(subject_lock(debt.subject))
        before = bill_by_id(unit, bill=debt.bill)
        own = issue_bill(
            unit, company=debt.company, lot=debt.lot, kind=before.subject_kind, subject=debt.subject, due=left,
            tariff_version=before.tariff_version, quote=before.quote, quoted_at=before.quoted_at,
            valid_until=before.valid_until,
        )  # fmt: skip
        carried.save_debt(unit, replace(debt, bill=own.id), ())


@inner
def close_orders(unit: Unit, bill: Id) -> None:
    """Have the orders of a bill that takes no more money closed at their channels."""
    for live in unit.all(attempt_store.LIVE_ATTEMPTS, bill_id=bill):
        jobs.schedule(unit, kind=JOB_CLOSE, body={"attempt": str(live.id)}, unique_key=live.number)


def bill_by_id(reader: Reader, *, bill: Id) -> Bill:
    """Return a bill. Raises ``NotFound("bill.not_found")``."""
    found = reader.one(bill_store.BILL, bill_id=bill)
    if found is None:
        raise NotFound("bill.not_found")
    return found


def open_bill_of(reader: Reader, *, kind: str, subject: Id) -> Bill | None:
    """Return the open bill of a subject."""
    return reader.one(bill_store.OPEN_BILL, key=f"{kind}:{subject.hex}")


def bills_of(reader: Reader, *, subject: Id) -> list[Bill]:
    """Return all bills of a subject, oldest first."""
    return reader.all(bill_store.BILLS_OF_SUBJECT, subject=subject)


@inner
def locked(unit: Unit, bill: Id) -> Bill:
    """Return a bill as it is once nobody else can bill or take money for its subject until the unit ends."""
    subject = bill_by_id(unit, bill=bill).subject_id
    unit.lock(("bill", bill), subject_lock(subject))
    return bill_by_id(unit, bill=bill)


def subject_lock(subject: Id) -> tuple[str, Id]:
    """Return the lock under which a subject is billed, paid and closed; taken after every lock of its owner."""
    return ("subject", subject)


def bill_now(reader: Reader, bill: Id) -> Bill:
    """Return the bill that money for ``bill`` pays today: the open one that took its place, if it was superseded.

    Somebody who pays the price shown a moment ago pays for the same stay; asking twice would be charging twice.
    """
    found = bill_by_id(reader, bill=bill)
    if found.state is not BillState.SUPERSEDED:
        return found
    return open_bill_of(reader, kind=found.subject_kind, subject=found.subject_id) or found


@inner
def save_bill(unit: Unit, bill: Bill) -> None:
    """Save what a rule made of a bill; somebody who was faster has the unit run again."""
    unit.save(
        bill_store.UPDATE_BILL, bill_id=bill.id, old_version=bill.version, new_state=bill.state,
        new_paid=bill.paid.minor, new_settled_at=bill.settled_at, new_open_key=bill_store.open_key(bill),
    )  # fmt: skip


@inner
def append(unit: Unit, owner: Bill | Attempt | Refund, events: Iterable[Event]) -> None:
    """Tell what happened to a bill, or to an attempt or a refund of one, in the order of the bill."""
    key = owner.id if isinstance(owner, Bill) else owner.bill
    for event in events:
        unit.append(event, company=owner.company, lot=owner.lot, key=key)
