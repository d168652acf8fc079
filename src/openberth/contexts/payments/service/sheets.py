"""Queries of shifts: the sheet of one, while it runs (X) and once it was handed over (Z), and lists of them.

Before the count nobody who holds a shift is told how much cash it should hold; a supervisor who does not hold it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openberth.contexts.payments.model import Receipt, ReceiptMethod
from openberth.contexts.payments.model.shifts import Check, Holder, Shift, ShiftState, found_now
from openberth.contexts.payments.service.tills import holder_in
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.payments.store import shifts as store
from openberth.infra.database import Reader
from openberth.infra.permitting import needs
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.money import Money

FLOAT, PASSED_ON = "shift.float", "shift.passed_on"


@dataclass(frozen=True, slots=True)
class MethodTotal:
    """What a shift took and gave back by one method. Sums are None where they would tell what the till should hold."""

    method: ReceiptMethod
    count: int
    taken: Money | None
    given_count: int
    given: Money | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet of a shift. ``taken_over`` came from the tills of others; ``expected`` is None while it is blind.

    ``slips`` are the receipts that are not cash, the first 500; ``next`` is the shift that got the cash.
    """

    shift: Shift
    methods: Sequence[MethodTotal]
    taken_over: Money
    expected: Money | None
    checks: Sequence[Check]
    slips: Sequence[Receipt]
    next: Shift | None

    @property
    def found(self) -> Money | None:
        """Return what was counted last, by whomever; None before the count."""
        return None if self.shift.counted is None else found_now(self.shift, self.checks)

    @property
    def variance(self) -> Money | None:
        """Return how much more that is than expected."""
        return None if self.found is None or self.expected is None else self.found - self.expected


@needs("shift.read")
def sheet(reader: Reader, *, shift: Id) -> Sheet:
    """Return the sheet of any shift. Raises ``NotFound("shift.not_found")``."""
    return sheet_of(reader, _shift(reader, shift))


@needs("shift.run")
def own_sheet(reader: Reader, *, shift: Id) -> Sheet:
    """Return the sheet of a shift of the caller's. Raises ``NotFound("shift.not_found")``."""
    found = _shift(reader, shift)
    if found.holder != holder_in(reader):
        raise NotFound("shift.not_found")
    return sheet_of(reader, found)


@needs("shift.read")
def shifts_of_lot(reader: Reader, *, lot: Id, before: Id, limit: int, number: int | None = None) -> list[Shift]:
    """Return a page of a lot's shifts, newest first; of a number there is one for each company that had the lot."""
    page = {"lot": lot, "before": before, "limit": min(limit, PAGE_MAX)}
    if number is None:
        return reader.all(store.SHIFTS_OF_LOT, **page)
    return reader.all(store.SHIFTS_NUMBERED, **page, wanted=number)


@needs("shift.run")
def own_shifts(reader: Reader, *, lot: Id, before: Id, limit: int) -> list[Shift]:
    """Return a page of the caller's own shifts at a lot, newest first."""
    who: Holder = holder_in(reader)
    return reader.all(
        store.SHIFTS_OF_HOLDER, lot=lot, before=before, limit=min(limit, PAGE_MAX), kind=who.kind, name=who.name
    )


def sheet_of(reader: Reader, shift: Shift) -> Sheet:
    """Return the sheet of a shift as the caller may see it."""
    currency = shift.opening.currency
    into = {deed: minor for deed, _, minor in reader.all(store.INTO_TILL, party=shift.id)}
    blind = shift.state is ShiftState.OPEN and (
        shift.holder == holder_in(reader) or not reader.caller.may("shift.confirm")
    )
    expected = shift.expected
    if expected is None and not blind:
        out = sum(minor for _, _, minor in reader.all(store.OUT_OF_TILL, party=shift.id))
        expected = Money(sum(into.values()) - out, currency)
    totals = shift.totals if shift.totals is not None else totals_of(reader, shift=shift.id)
    return Sheet(
        shift=shift,
        methods=[_method(each, currency, blind) for each in totals],
        taken_over=Money(into.get(PASSED_ON, 0), currency),
        expected=None if blind else expected,
        checks=reader.all(store.CHECKS, of_shift=shift.id),
        slips=reader.all(store.SLIPS_OF_SHIFT, of_shift=shift.id),
        next=None if shift.next is None else reader.one(store.SHIFT, shift_id=shift.next),
    )


def totals_of(reader: Reader, *, shift: Id) -> list[dict[str, Any]]:
    """Return what was taken and given back in a shift by method, as it is kept from the count on."""
    taken = {method: (count, minor) for method, count, minor in reader.all(store.TAKEN_BY_METHOD, of_shift=shift)}
    given = {method: (count, minor) for method, count, minor in reader.all(store.GIVEN_BY_METHOD, of_shift=shift)}
    return [
        {
            "method": method.value, "count": taken.get(method, (0, 0))[0], "taken": taken.get(method, (0, 0))[1],
            "given_count": given.get(method, (0, 0))[0], "given": given.get(method, (0, 0))[1],
        }
        for method in ReceiptMethod
        if method in taken or method in given
    ]  # fmt: skip


def saw_cash(reader: Reader, *, shift: Id) -> bool:
    """Tell whether any cash went through the till of a shift, its float included."""
    return bool(reader.all(store.INTO_TILL, party=shift) or reader.all(store.OUT_OF_TILL, party=shift))


def _method(told: Mapping[str, Any], currency: str, blind: bool) -> MethodTotal:
    method = ReceiptMethod(told["method"])
    hidden = blind and method is ReceiptMethod.CASH
    taken, given = (None if hidden else Money(told[name], currency) for name in ("taken", "given"))
    return MethodTotal(method, told["count"], taken, told["given_count"], given)


def _shift(reader: Reader, shift: Id) -> Shift:
    found = reader.one(store.SHIFT, shift_id=shift)
    if found is None:
        raise NotFound("shift.not_found")
    return found
