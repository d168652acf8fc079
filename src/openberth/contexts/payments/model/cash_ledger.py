"""What shifts and safes book (ADR 0008). A shift's till is worth nothing once it was handed over."""

from collections.abc import Iterator

from openberth.contexts.payments.model.ledger import Account, AccountCode, Transfer, moved, till_of
from openberth.contexts.payments.model.safes import MoveKind, SafeMove
from openberth.contexts.payments.model.shifts import Check, Shift
from openberth.kernel.ids import Id
from openberth.kernel.money import Money

BANK = Account(AccountCode.BANK)


def opened(shift: Shift, safe: Id) -> Iterator[Transfer]:
    """Yield what the float of a shift books."""
    yield from moved("shift.float", shift.id, till_of(shift.id), _safe(safe), shift.opening)


def handed_over(shift: Shift, safe: Id) -> Iterator[Transfer]:
    """Yield what a hand-over books: what was counted less or more than expected, what the next shift gets, the rest."""
    assert shift.variance is not None, "it was counted"
    till = till_of(shift.id)
    yield from _differed("shift", shift.id, shift.id, till, shift.variance)
    if shift.passed is not None and shift.next is not None:
        yield from moved("shift.passed_on", shift.id, till_of(shift.next), till, shift.passed)
    yield from moved("shift.handed_over", shift.id, _safe(safe), till, shift.to_safe)


def corrected(check: Check, before: Money, safe: Id) -> Iterator[Transfer]:
    """Yield what a count by a supervisor books: the safe holds as much less or more as it differs from the last."""
    yield from _differed("check", check.id, check.shift, _safe(safe), check.counted - before)


def carried(move: SafeMove) -> Iterator[Transfer]:
    """Yield what cash books that somebody carried."""
    safe = _safe(move.safe)
    if move.kind is MoveKind.DEPOSITED:
        yield from moved("safe.deposited", move.id, BANK, safe, move.amount)
    else:
        source = BANK if move.kind is MoveKind.FETCHED else till_of(None)
        yield from moved(f"safe.{move.kind}", move.id, safe, source, move.amount)


def _differed(word: str, subject: Id, shift: Id, place: Account, variance: Money) -> Iterator[Transfer]:
    account = Account(AccountCode.CASH_VARIANCE, shift)
    if variance.minor < 0:
        yield from moved(f"{word}.less", subject, account, place, -variance)
    else:
        yield from moved(f"{word}.more", subject, place, account, variance)


def _safe(safe: Id) -> Account:
    return Account(AccountCode.SAFE, safe)
