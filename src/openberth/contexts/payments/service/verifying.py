"""Proving that the ledger says what bills, receipts and refunds say: page by page, in constant memory (ADR 0008).

Every row of the ledger is a debit and a credit, so its sum is nothing whatever happens. What can be wrong is that a
deed was booked twice, otherwise, or not at all: then an account does not hold what its party says.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
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
from openberth.contexts.payments.service import ledger
from openberth.contexts.payments.store import verifying as store
from openberth.infra.database import Reader
from openberth.kernel.ids import Id

PAGE = 500
FIRST = Id(int=0)
T = TypeVar("T", Bill, Receipt, Refund)


class Check(StrEnum):
    """What is compared, in this order."""

    BILLS = "bills"
    RECEIPTS = "receipts"
    REFUNDS = "refunds"
    ATTEMPTS = "attempts"


@dataclass(frozen=True, slots=True)
class Difference:
    """What does not agree: a word for it, the row, what it should be and what it is, in minor units (or a count)."""

    what: str
    subject: Id
    expected: int
    found: int


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
    owed = ledger.of_parties(reader, AccountCode.RECEIVABLE, first=rows[0].id, last=rows[-1].id)
    return _compared(rows, "bill.receivable", _left, owed)


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

    def found() -> Iterator[Difference]:
        for row in rows:
            owed = back[row.id] - row.surplus.minor
            if surplus[row.id] != owed:
                yield Difference("receipt.surplus", row.id, owed, surplus[row.id])
            if booked.get(row.id, 0) != row.amount.minor:
                yield Difference("receipt.booked", row.id, row.amount.minor, booked.get(row.id, 0))
            for gone, most in ((back, row.surplus.minor), (refunded, row.applied.minor)):
                if gone[row.id] > most:
                    yield Difference("receipt.refunded", row.id, most, gone[row.id])

    return [row.id for row in rows], found()


def _refunds(reader: Reader, after: Id) -> tuple[list[Id], Iterator[Difference]]:
    rows = reader.all(store.REFUNDS, after=after, limit=PAGE)
    if not rows:
        return [], iter(())
    on_its_way = ledger.of_parties(reader, AccountCode.REFUNDING, first=rows[0].id, last=rows[-1].id)
    return _compared(rows, "refund.refunding", _on_its_way, on_its_way)


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
}  # fmt: skip
