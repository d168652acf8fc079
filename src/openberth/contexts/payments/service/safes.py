"""Use cases and queries of safes: what is carried to the bank and fetched from it, counted once by its reference."""

from dataclasses import replace

from openberth.contexts import facility
from openberth.contexts.payments.model import cash_ledger as booking
from openberth.contexts.payments.model.safes import MoveKind, Safe, SafeMove
from openberth.contexts.payments.model.slips import checked_number
from openberth.contexts.payments.service import ledger
from openberth.contexts.payments.service.tills import holder_in
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.payments.store import safes as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner, needs
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money


@needs("safe.write")
def move_cash(unit: Unit, *, lot: Id, kind: MoveKind, amount: Money, reference: str) -> SafeMove:
    """Take note that cash was carried: from the safe to the bank, from there, or from the common till into the safe.

    The same reference twice is one move. Raises ``Malformed``: ``safe.not_positive``, ``offline.reference``;
    ``Refused``: ``safe.differs`` for another sum under a known reference, ``safe.too_little`` with what the safe
    holds, ``till.too_little`` for more than the common till holds, ``shift.currency``.
    """
    if amount.minor <= 0:
        raise Malformed("safe.not_positive")
    number = checked_number(reference)
    unit.lock(safe_lock(lot))
    found = facility.lot_by_id(unit, lot=lot)  # whose it is stays so: a lot moves under this lock
    if amount.currency != found.currency:
        raise Refused("shift.currency", currency=found.currency)
    safe = safe_of(unit, company=found.company, lot=lot, currency=amount.currency)
    known = unit.one(store.MOVE_BY_REFERENCE, of_safe=safe.id, of_kind=kind, known_reference=number)
    if known is not None:
        if known.amount != amount:
            raise Refused("safe.differs", reference=number)
        return known
    if kind is MoveKind.COLLECTED and in_common_till(unit, safe) < amount.minor:
        raise Refused("till.too_little")
    move = SafeMove(
        id=unit.new_id(), company=safe.company, lot=lot, safe=safe.id, kind=kind, amount=amount, reference=number,
        by=holder_in(unit), at=unit.now,
    )  # fmt: skip
    change_safe(unit, safe, -amount if kind is MoveKind.DEPOSITED else amount)
    unit.run(store.INSERT_MOVE, **store.move_row(move))
    ledger.book(unit, company=safe.company, lot=lot, transfers=booking.carried(move))
    unit.append(move.event, company=safe.company, lot=lot, key=safe.id)
    return move


@inner
def safe_of(unit: Unit, *, company: Id, lot: Id, currency: str) -> Safe:
    """Return the safe of a lot, which is made when it is looked for first; call it under ``safe_lock``."""
    found = unit.one(store.SAFE, company=company, lot=lot, in_currency=currency)
    if found is None:
        found = Safe(unit.new_id(), company, lot, Money(0, currency))
        unit.run(store.INSERT_SAFE, **store.safe_row(found))
    return found


@inner
def change_safe(unit: Unit, safe: Safe, change: Money) -> Safe:
    """Put cash into a safe or take it out. Raises ``Refused("safe.too_little")`` with what it holds."""
    if change.minor and unit.run(store.CHANGE, safe_id=safe.id, change=change.minor) != 1:
        raise Refused("safe.too_little", holds=safe.balance.amount_text)
    return replace(safe, balance=safe.balance + change)


def safe_lock(lot: Id) -> tuple[str, Id]:
    """Return the lock under which the safe of a lot is changed; taken with or after those of shifts."""
    return ("safe", lot)


def in_common_till(reader: Reader, safe: Safe) -> int:
    """Return the cash in the common till of a safe's lot, in minor units: what people took without a shift."""
    place = {"company": safe.company, "lot": safe.lot, "in_currency": safe.balance.currency}
    return reader.all(store.INTO_COMMON_TILL, **place)[0] - reader.all(store.OUT_OF_COMMON_TILL, **place)[0]


@needs("shift.read")
def safes_of_lot(reader: Reader, *, lot: Id) -> list[Safe]:
    """Return the safes of a lot: one for each currency that it ever held."""
    return reader.all(store.SAFES_OF_LOT, lot=lot)


@needs("shift.read")
def moves_of_lot(reader: Reader, *, lot: Id, before: Id, limit: int) -> list[SafeMove]:
    """Return a page of what was carried into and out of a lot's safe, newest first."""
    return reader.all(store.MOVES_OF_LOT, lot=lot, before=before, limit=min(limit, PAGE_MAX))
