"""Does the ledger say what bills, receipts, refunds and attempts say?"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from openberth.contexts.payments.model import (
    AccountCode,
    Attempt,
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
from openberth.contexts.payments.model.refunds import AFTER_ALL, ENDED
from openberth.contexts.payments.service import ledger
from openberth.contexts.payments.store import verifying as store
from openberth.infra.database import Reader
from openberth.infra.verifying import Wrong
from openberth.kernel.ids import Id

T = TypeVar("T", Bill, Receipt, Refund)


def bills(reader: Reader, after: Id, limit: int) -> tuple[Sequence[Bill], Iterator[Wrong]]:
    """Compare what is left of each bill with what is owed by the ledger."""
    rows = reader.all(store.BILLS, after=after, limit=limit)
    if not rows:
        return rows, iter(())
    first, last = rows[0].id, rows[-1].id
    owed = ledger.of_parties(reader, AccountCode.RECEIVABLE, first=first, last=last)
    putting_in = ledger.of_parties(reader, AccountCode.TOPPING_UP, first=first, last=last)
    return rows, chain(
        _compared(rows, "bill.receivable", _left, owed), _compared(rows, "bill.topping_up", _to_be_put_in, putting_in)
    )


def _to_be_put_in(bill: Bill) -> int:
    return -_left(bill) if bill.subject_kind == SUBJECT else 0


def _left(bill: Bill) -> int:
    return bill.left.minor if bill.state is BillState.OPEN else 0


def receipts(reader: Reader, after: Id, limit: int) -> tuple[Sequence[Receipt], Iterator[Wrong]]:
    """Compare each receipt with what was booked of it, and where, with its surplus, and with what went back of it."""
    rows = reader.all(store.RECEIPTS, after=after, limit=limit)
    if not rows:
        return rows, iter(())
    first, last = rows[0].id, rows[-1].id
    surplus = ledger.of_parties(reader, AccountCode.SURPLUS, first=first, last=last)
    back, refunded, most_back = _gone(reader, rows)
    booked = dict(reader.all(store.BOOKED_OF_SUBJECTS, first=first, last=last))
    held = Counter[tuple[Id, str, Id | None]]()  # where the books say that the money of a receipt went
    for receipt, code, party, minor in reader.all(store.HOLDERS_OF_RECEIPTS, first=first, last=last):
        held[receipt, code, party] += minor

    def found() -> Iterator[Wrong]:
        for row in rows:
            owed = back[row.id] - row.surplus.minor
            if surplus[row.id] != owed:
                yield Wrong("receipt.surplus", row.id, owed, surplus[row.id])
            if booked.get(row.id, 0) != row.amount.minor:
                yield Wrong("receipt.booked", row.id, row.amount.minor, booked.get(row.id, 0))
            where = taken_to(row)
            if (lies := held[row.id, where.code, where.party]) != booked.get(row.id, 0):
                yield Wrong("receipt.holder", row.id, booked.get(row.id, 0), lies)
            for gone, most in ((back, row.surplus.minor), (refunded, most_back[row.id])):
                if gone[row.id] > most:
                    yield Wrong("receipt.refunded", row.id, most, gone[row.id])

    return rows, found()


def _gone(reader: Reader, rows: Sequence[Receipt]) -> tuple[Counter[Id], Counter[Id], Counter[Id]]:
    """Return by receipt what went back of what nobody owed, what of what paid, and how much that may be at most.

    A channel's deed after a refund was given up is a fact, and the same money may have gone back otherwise before: it
    comes on top.
    """
    back, refunded = Counter[Id](), Counter[Id]()
    most = Counter[Id]({row.id: row.applied.minor for row in rows})
    for refund in reader.all(store.REFUNDS_OF_RECEIPTS, first=rows[0].id, last=rows[-1].id):
        if refund.state is RefundState.GIVEN_UP:
            continue
        if refund.cause is RefundCause.SURPLUS:
            back[refund.receipt] += refund.amount.minor
            continue
        refunded[refund.receipt] += refund.amount.minor
        if refund.detail == AFTER_ALL:
            most[refund.receipt] += refund.amount.minor
    return back, refunded, most


def refunds(reader: Reader, after: Id, limit: int) -> tuple[Sequence[Refund], Iterator[Wrong]]:
    """Compare each refund with the money that is on its way by the ledger, and what it was paid out of."""
    rows = reader.all(store.REFUNDS, after=after, limit=limit)
    if not rows:
        return rows, iter(())
    first, last = rows[0].id, rows[-1].id
    on_its_way = ledger.of_parties(reader, AccountCode.REFUNDING, first=first, last=last)
    given = Counter[tuple[Id, str, Id | None]]()  # out of what the books say that a refund was paid
    for refund, code, party, minor in reader.all(store.PAYERS_OF_REFUNDS, first=first, last=last):
        given[refund, code, party] += minor

    def paid_elsewhere() -> Iterator[Wrong]:
        for row in rows:
            where = holder_of(row.method, row.account, row.shift)
            owed = row.amount.minor if row.state is RefundState.DONE else 0
            if given[row.id, where.code, where.party] != owed:
                yield Wrong("refund.holder", row.id, owed, given[row.id, where.code, where.party])

    return rows, chain(_compared(rows, "refund.refunding", _on_its_way, on_its_way), paid_elsewhere())


def _on_its_way(refund: Refund) -> int:
    return -refund.amount.minor if refund.state not in ENDED else 0


def attempts(reader: Reader, after: Id, limit: int) -> tuple[Sequence[Attempt], Iterator[Wrong]]:
    """See that every attempt that was paid has a receipt, and no other has one."""
    rows = reader.all(store.ATTEMPTS, after=after, limit=limit)
    if not rows:
        return rows, iter(())
    receipts = dict(reader.all(store.RECEIPTS_OF_ATTEMPTS, first=rows[0].id, last=rows[-1].id))

    def found() -> Iterator[Wrong]:
        for row in rows:
            paid = row.state is AttemptState.PAID
            if (receipts.get(row.id, 0) > 0) != paid:
                yield Wrong("attempt.receipts", row.id, int(paid), receipts.get(row.id, 0))

    return rows, found()


def _compared(rows: Sequence[T], what: str, expected: Callable[[T], int], balances: Counter[Id]) -> Iterator[Wrong]:
    return (Wrong(what, row.id, expected(row), balances[row.id]) for row in rows if balances[row.id] != expected(row))
