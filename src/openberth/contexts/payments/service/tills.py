"""Where cash goes that a person takes or gives back: the till of its shift, else the common one of the lot."""

from openberth.contexts import tenancy
from openberth.contexts.payments.model import ReceiptMethod
from openberth.contexts.payments.model.shifts import Holder, Shift, ShiftState
from openberth.contexts.payments.store import shifts as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money


def holder_in(reader: Reader) -> Holder:
    """Return whoever acts as the holder of shifts."""
    return Holder(reader.caller.actor.kind.value, reader.caller.actor.name)


def own_shift(reader: Reader, *, lot: Id) -> Shift | None:
    """Return the caller's shift at a lot whose cash was not handed over."""
    return reader.one(store.SHIFT_BY_KEY, key=store.open_key(lot, holder_in(reader)))


@inner
def shift_for(unit: Unit, *, company: Id, lot: Id, method: ReceiptMethod, currency: str) -> Id | None:
    """Return the caller's shift at a lot, which stays open until the unit ends, for money of a method.

    One that it has there for another company than the money's is none. Cash without one lies in the lot's common till
    (None), where the lot's setting lets it. Raises ``Refused``: ``shift.none_open``, ``shift.counted`` while a count
    waits for its reason, ``shift.currency``.
    """
    found = _kept_open(unit, lot)
    if found is not None and found.company != company:
        found = None
    if method is not ReceiptMethod.CASH:
        return None if found is None or found.state is not ShiftState.OPEN else found.id
    if found is None:
        if tenancy.setting_of(unit, tenancy.SHIFTS_REQUIRED, company=company, lot=lot):
            raise Refused("shift.none_open")
        return None
    if found.state is not ShiftState.OPEN:
        raise Refused("shift.counted", shift=found.number)
    if found.opening.currency != currency:
        raise Refused("shift.currency", currency=found.opening.currency)
    return found.id


@inner
def refuse_empty(unit: Unit, *, shift: Id | None, amount: Money) -> None:
    """Refuse to give more out of the till of a shift than is in it. Raises ``Refused("till.too_little")``."""
    if shift is not None and in_till(unit, shift=shift) < amount.minor:
        raise Refused("till.too_little")


def in_till(reader: Reader, *, shift: Id) -> int:
    """Return the cash that the till of a shift should hold, in minor units of its currency."""
    into = sum(minor for _, _, minor in reader.all(store.INTO_TILL, party=shift))
    return into - sum(minor for _, _, minor in reader.all(store.OUT_OF_TILL, party=shift))


def _kept_open(unit: Unit, lot: Id) -> Shift | None:
    """Return the caller's shift under its lock; one that was handed over meanwhile is another one's or none."""
    found = own_shift(unit, lot=lot)
    while found is not None:
        unit.lock(("shift", found.id))
        again = own_shift(unit, lot=lot)
        if again is None or again.id == found.id:
            return again
        found = again
    return None
