"""Booking: what happened with money enters the ledger in the unit in which it happened."""

from collections import Counter
from collections.abc import Iterable

from openberth.contexts.payments.model.ledger import AccountCode, Transfer
from openberth.contexts.payments.store import ledger as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.ids import Id


@inner
def book(unit: Unit, *, company: Id, lot: Id, transfers: Iterable[Transfer]) -> None:
    """Write transfers down. A deed that its subject has had already is a defect and fails the unit."""
    for one in transfers:
        unit.run(
            store.INSERT_TRANSFER, id=unit.new_id(), company_id=company, lot_id=lot, deed=one.deed,
            subject_id=one.subject, debit=one.debit.code, debit_party=one.debit.party, credit=one.credit.code,
            credit_party=one.credit.party, amount_minor=one.amount.minor, currency=one.amount.currency, at=unit.now,
        )  # fmt: skip


def balances(reader: Reader, *, lot: Id) -> dict[tuple[str, str], int]:
    """Return what was debited less what was credited of a lot's accounts, by code and currency, in minor units."""
    found: Counter[tuple[str, str]] = Counter()
    for code, currency, minor in reader.all(store.DEBITS_OF_LOT, lot=lot):
        found[code, currency] += minor
    for code, currency, minor in reader.all(store.CREDITS_OF_LOT, lot=lot):
        found[code, currency] -= minor
    return {key: minor for key, minor in sorted(found.items()) if minor}


def booked_of_lot(reader: Reader, *, lot: Id) -> list[tuple[Id, str, str, int]]:
    """Return what was booked at a lot: company, currency, deed and minor units. Bills that put money into prepaid
    accounts are left out: they are no income.
    """
    return reader.all(store.DEEDS_OF_LOT, lot=lot)


def of_parties(reader: Reader, account: AccountCode, *, first: Id, last: Id) -> Counter[Id]:
    """Return the balances of an account's parties between two ids, both included."""
    found: Counter[Id] = Counter()
    for party, minor in reader.all(store.DEBITS_OF_PARTIES, account=account, first=first, last=last):
        found[party] += minor
    for party, minor in reader.all(store.CREDITS_OF_PARTIES, account=account, first=first, last=last):
        found[party] -= minor
    return found
