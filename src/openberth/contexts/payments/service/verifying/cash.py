"""Proving that the cash of shifts and safes is what was taken, given back, handed over and carried away."""

from collections.abc import Iterator, Sequence

from openberth.contexts.payments.model import AccountCode, ReceiptMethod
from openberth.contexts.payments.model.safes import Safe
from openberth.contexts.payments.model.shifts import Check, Shift, ShiftState, found_now
from openberth.contexts.payments.service import ledger
from openberth.contexts.payments.store import safes as safe_store
from openberth.contexts.payments.store import verifying as store
from openberth.infra.database import Reader
from openberth.infra.verifying import Wrong
from openberth.kernel.ids import Id


def shifts(reader: Reader, after: Id, limit: int) -> tuple[Sequence[Shift], Iterator[Wrong]]:
    """Look at the next shifts: what their rows, receipts, refunds and hand-overs make of their tills."""
    rows = reader.all(store.SHIFTS, after=after, limit=limit)
    if not rows:
        return rows, iter(())
    first, last = rows[0].id, rows[-1].id
    tills = ledger.of_parties(reader, AccountCode.TILL, first=first, last=last)
    variances = ledger.of_parties(reader, AccountCode.CASH_VARIANCE, first=first, last=last)
    taken = dict(reader.all(store.CASH_TAKEN, first=first, last=last, method=ReceiptMethod.CASH))
    given = dict(reader.all(store.CASH_GIVEN, first=first, last=last, method=ReceiptMethod.CASH))
    passed = dict(reader.all(store.PASSED_ON, first=first, last=last))
    checks: dict[Id, list[Check]] = {}
    for check in reader.all(store.CHECKS_OF_SHIFTS, first=first, last=last):
        checks.setdefault(check.shift, []).append(check)

    def found() -> Iterator[Wrong]:
        for row in rows:
            held = row.opening.minor + passed.get(row.id, 0) + taken.get(row.id, 0) - given.get(row.id, 0)
            if row.expected is not None and row.expected.minor != held:
                yield Wrong("shift.expected", row.id, held, row.expected.minor)
            till = 0 if row.state is ShiftState.HANDED_OVER else held
            if tills[row.id] != till:
                yield Wrong("shift.till", row.id, till, tills[row.id])
            missing = _missing(row, checks.get(row.id, []))
            if variances[row.id] != missing:
                yield Wrong("shift.variance", row.id, missing, variances[row.id])

    return rows, found()


def _missing(shift: Shift, checks: list[Check]) -> int:
    if shift.state is not ShiftState.HANDED_OVER or shift.expected is None:
        return 0
    return shift.expected.minor - found_now(shift, checks).minor


def safes(reader: Reader, after: Id, limit: int) -> tuple[Sequence[Safe], Iterator[Wrong]]:
    """Look at the next safes: each holds what its row says, and nothing less than nothing."""
    rows = reader.all(safe_store.SAFES, after=after, limit=limit)
    if not rows:
        return rows, iter(())
    held = ledger.of_parties(reader, AccountCode.SAFE, first=rows[0].id, last=rows[-1].id)

    def found() -> Iterator[Wrong]:
        for row in rows:
            if held[row.id] != row.balance.minor:
                yield Wrong("safe.balance", row.id, row.balance.minor, held[row.id])
            if row.balance.minor < 0:
                yield Wrong("safe.negative", row.id, 0, row.balance.minor)

    return rows, found()
