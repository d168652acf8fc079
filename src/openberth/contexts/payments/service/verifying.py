"""Proving that the ledger says what bills, receipts and refunds say: page by page, in constant memory (ADR 0008).

Every row of the ledger is a debit and a credit, so its sum is nothing whatever happens. What can be wrong is that a
deed was booked twice, otherwise, or not at all: then an account does not hold what its party says.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TypeVar

from openberth.contexts.payments.model import (
    AccountCode,
    AttemptState,
    Bill,
    BillState,
    Receipt,
    Refund,
    RefundCause,
    RefundState,
)
from openberth.contexts.payments.model.ledger import holder_of, taken_to
from openberth.contexts.payments.model.prepaid import SUBJECT
from openberth.contexts.payments.service import ledger
from openberth.contexts.payments.service.verifying_cash import PAGE, Difference, safes_differing, shifts_differing
from openberth.contexts.payments.service.verifying_prepaid import accounts_differing
from openberth.contexts.payments.store import verifying as store
from openberth.infra.database import Reader
from openberth.kernel.ids import Id

FIRST = Id(int=0)
T = TypeVar("T", Bill, Receipt, Refund)


class Check(StrEnum):
    """What is compared, in this order."""

    BILLS = "bills"
    RECEIPTS = "receipts"
    REFUNDS = "refunds"
    ATTEMPTS = "attempts"
    SHIFTS = "shifts"
    SAFES = "safes"
    PREPAID = "prepaid"


@dataclass(frozen=True, slots=True)
class Page:
    """One page: how many rows were looked at, what does not agree, and where to go on (None: all is done)."""

    looked_at: int
    differences: tuple[Difference, ...]
    goes_on: tuple[Check, Id] | None


def verify_page(reader: Reader, *, check: Check, after: Id) -> Page:
    """Look at the next rows of a check. Begin with ``Check.BILLS`` and ``FIRST`` and go on where each page says."""
    rows, found = _CHECKS[check](reader, after)
    if len(rows) == PAGE:
        return Page(len(rows), tuple(found), (check, rows[-1]))
    checks = list(Check)
    following = checks.index(check) + 1
    return Page(len(rows), tuple(found), (checks[following], FIRST) if following < len(checks) else None)


def _bills(reader: Reader, after: Id) -> tuple[list[Id], Iterator[Difference]]:
    rows = reader.all(store.BILLS, after=after, limit=PAGE)
    if not rows:
        return [], iter(())
    first, last = rows[0].id, rows[-1].id
    owed = ledger.of_parties(reader, AccountCode.RECEIVABLE, first=first, last=last)
    putting_in = ledger.of_parties(reader, AccountCode.TOPPING_UP, first=first, last=last)
    looked_at, wrong = _compared(rows, "bill.receivable", _left, owed)
    return looked_at, chain(wrong, _compared(rows, "bill.topping_up", _to_be_put_in, putting_in)[1])


def _to_be_put_in(bill: Bill) -> int:
    return -_left(bill) if bill.subject_kind == SUBJECT else 0


def _left(bill: Bill) -> int:
    return bill.left.minor if bill.state is BillState.OPEN else 0


def _receipts(reader: Reader, after: Id) -> tuple[list[Id], Iterator[Difference]]:
    rows = reader.all(store.RECEIPTS, after=after, limit=PAGE)
    if not rows:
        return [], iter(())
    first, last = rows[0].id, rows[-1].id
    surplus = ledger.of_parties(reader, AccountCode.SURPLUS, first=first, last=last)
    back, refunded = Counter[Id](), Counter[Id]()  # of what nobody owed, and of what paid
    for refund in reader.all(store.REFUNDS_OF_RECEIPTS, first=first, last=last):
        if refund.state is not RefundState.GIVEN_UP:
            part = back if refund.cause is RefundCause.SURPLUS else refunded
            part[refund.receipt] += refund.amount.minor
    booked = dict(reader.all(store.BOOKED_OF_SUBJECTS, first=first, last=last))
    held = Counter[tuple[Id, str, Id | None]]()  # where the books say that the money of a receipt went
    for receipt, code, party, minor in reader.all(store.HOLDERS_OF_RECEIPTS, first=first, last=last):
        held[receipt, code, party] += minor

    def found() -> Iterator[Difference]:
        for row in rows:
            owed = back[row.id] - row.surplus.minor
            if surplus[row.id] != owed:
                yield Difference("receipt.surplus", row.id, owed, surplus[row.id])
            if booked.get(row.id, 0) != row.amount.minor:
                yield Difference("receipt.booked", row.id, row.amount.minor, booked.get(row.id, 0))
            where = taken_to(row)
            if (lies := held[row.id, where.code, where.party]) != booked.get(row.id, 0):
                yield Difference("receipt.holder", row.id, booked.get(row.id, 0), lies)
            for gone, most in ((back, row.surplus.minor), (refunded, row.applied.minor)):
                if gone[row.id] > most:
                    yield Difference("receipt.refunded", row.id, most, gone[row.id])

    return [row.id for row in rows], found()


def _refunds(reader: Reader, after: Id) -> tuple[list[Id], Iterator[Difference]]:
    rows = reader.all(store.REFUNDS, after=after, limit=PAGE)
    if not rows:
        return [], iter(())
    first, last = rows[0].id, rows[-1].id
    on_its_way = ledger.of_parties(reader, AccountCode.REFUNDING, first=first, last=last)
    given = Counter[tuple[Id, str, Id | None]]()  # out of what the books say that a refund was paid
    for refund, code, party, minor in reader.all(store.PAYERS_OF_REFUNDS, first=first, last=last):
        given[refund, code, party] += minor

    def paid_elsewhere() -> Iterator[Difference]:
        for row in rows:
            where = holder_of(row.method, row.account, row.shift)
            owed = row.amount.minor if row.state is RefundState.DONE else 0
            if given[row.id, where.code, where.party] != owed:
                yield Difference("refund.holder", row.id, owed, given[row.id, where.code, where.party])

    ids, wrong = _compared(rows, "refund.refunding", _on_its_way, on_its_way)
    return ids, chain(wrong, paid_elsewhere())


def _on_its_way(refund: Refund) -> int:
    return -refund.amount.minor if refund.state in (RefundState.ASKED, RefundState.STUCK) else 0


def _attempts(reader: Reader, after: Id) -> tuple[list[Id], Iterator[Difference]]:
    rows = reader.all(store.ATTEMPTS, after=after, limit=PAGE)
    if not rows:
        return [], iter(())
    receipts = dict(reader.all(store.RECEIPTS_OF_ATTEMPTS, first=rows[0].id, last=rows[-1].id))

    def found() -> Iterator[Difference]:
        for row in rows:
            paid = row.state is AttemptState.PAID
            if (receipts.get(row.id, 0) > 0) != paid:
                yield Difference("attempt.receipts", row.id, int(paid), receipts.get(row.id, 0))

    return [row.id for row in rows], found()


def _compared(
    rows: Sequence[T], what: str, expected: Callable[[T], int], balances: Counter[Id]
) -> tuple[list[Id], Iterator[Difference]]:
    wrong = (
        Difference(what, row.id, expected(row), balances[row.id]) for row in rows if balances[row.id] != expected(row)
    )
    return [row.id for row in rows], wrong


_CHECKS: dict[Check, Callable[[Reader, Id], tuple[list[Id], Iterator[Difference]]]] = {
    Check.BILLS: _bills, Check.RECEIPTS: _receipts, Check.REFUNDS: _refunds, Check.ATTEMPTS: _attempts,
    Check.SHIFTS: shifts_differing, Check.SAFES: safes_differing, Check.PREPAID: accounts_differing,
}  # fmt: skip
