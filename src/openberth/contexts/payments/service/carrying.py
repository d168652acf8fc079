"""Bills of cars that are inside while their lot comes to another company."""

from openberth.contexts import tenancy
from openberth.contexts.payments.model import BillState
from openberth.contexts.payments.service.bills import bills_of, issue_bill, subject_lock, withdraw_bill
from openberth.contexts.payments.service.safes import safe_lock
from openberth.contexts.payments.store import attempts as attempt_store
from openberth.contexts.payments.store import bills as bill_store
from openberth.contexts.payments.store import carrying as store
from openberth.contexts.payments.store import prepaid as prepaid_store
from openberth.contexts.payments.store import safes as safe_store
from openberth.contexts.payments.store import shifts as shift_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id


@inner
def carry_bills(unit: Unit, *, subject: Id, company: Id) -> dict[Id, Id]:
    """Give the bills of a subject and what was paid on them to another company, so that nobody pays twice.

    The books stay as they are: what was earned and received before is the old company's. So a bill that is open is
    withdrawn there, and the new company issues another one for what is left: returned by the id of the one before.
    Raises ``Refused("lot.money_in_flight")`` while somebody is paying, or money is on its way back.
    """
    unit.lock(subject_lock(subject))
    found = bills_of(unit, subject=subject)
    live = any(unit.all(attempt_store.LIVE_ATTEMPTS, bill_id=bill.id) for bill in found)
    if live or unit.all(store.UNENDED_REFUNDS, subject=subject):
        raise Refused("lot.money_in_flight")
    standing = [bill for bill in found if bill.state is BillState.OPEN]
    for bill in standing:
        withdraw_bill(unit, bill=bill.id, into=BillState.SUPERSEDED)
    for write in (store.MOVE_ATTEMPTS, store.MOVE_RECEIPTS, store.MOVE_BILLS):
        unit.run(write, subject=subject, new_company=company)
    return {
        bill.id: issue_bill(
            unit, company=company, lot=bill.lot, kind=bill.subject_kind, subject=subject, due=bill.own_left,
            tariff_version=bill.tariff_version, quote=bill.quote, quoted_at=bill.quoted_at,
            valid_until=bill.valid_until,
        ).id
        for bill in standing
        if bill.own_left.minor
    }  # fmt: skip


@inner
def carry_lot(unit: Unit, move: tenancy.LotMove) -> None:
    """Refuse a lot whose cash somebody holds in hand or that lies in its safe: it is the old company's, who could not
    reach it any more. Raises ``Refused``: ``lot.shift_open``, ``lot.cash_in_safe``.
    """
    unit.lock(("shifts", move.lot), safe_lock(move.lot))
    held = unit.all(shift_store.OPEN_OF_LOT, lot=move.lot)
    if held:
        raise Refused("lot.shift_open", shift=held[0].number)
    for safe in unit.all(safe_store.SAFES_OF_LOT, lot=move.lot):
        if safe.balance:
            raise Refused("lot.cash_in_safe", holds=safe.balance.amount_text)


def refuse_closing(reader: Reader, company: Id) -> None:
    """Refuse to close a company that is owed or owes money, or whose cash somebody holds in hand or lies in a safe.

    Raises ``Refused``: ``company.money_open``, ``company.prepaid_open``, ``company.shift_open``,
    ``company.cash_in_safe``.
    """
    shifts = reader.all(shift_store.OPEN_OF_COMPANY, company=company)[0]
    if shifts:
        raise Refused("company.shift_open", shifts=shifts)
    safes = reader.all(safe_store.FILLED_OF_COMPANY, company=company)[0]
    if safes:
        raise Refused("company.cash_in_safe", safes=safes)
    bills = reader.all(bill_store.OPEN_OF_COMPANY, company=company)[0]
    refunds = reader.all(store.UNENDED_OF_COMPANY, company=company)[0]
    if bills or refunds:
        raise Refused("company.money_open", bills=bills, refunds=refunds)
    accounts = reader.all(prepaid_store.LEFT_OF_COMPANY, company=company)[0]
    if accounts:
        raise Refused("company.prepaid_open", accounts=accounts)
