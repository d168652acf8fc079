"""Use cases of shifts: opened with a float, counted blind, handed over, looked at again by a supervisor."""

from dataclasses import dataclass

from openberth.contexts import facility, tenancy
from openberth.contexts.payments.model import cash_ledger as booking
from openberth.contexts.payments.model.shifts import (
    LEFT_OPEN_US,
    Count,
    Shift,
    ShiftState,
    checked,
    counted,
    found_now,
    handed_over,
    opened,
    wants_reason,
)
from openberth.contexts.payments.service import ledger, sheets
from openberth.contexts.payments.service.safes import change_safe, safe_lock, safe_of
from openberth.contexts.payments.service.tills import holder_in, in_till, own_shift
from openberth.contexts.payments.store import shifts as store
from openberth.infra import alarms, jobs
from openberth.infra.alarms import Trouble
from openberth.infra.database import Reader, Unit
from openberth.infra.jobs import JobClock
from openberth.infra.permitting import by_construction, inner, needs
from openberth.kernel.errors import NotFound, Param, Refused
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import HOUR_US, Instant

JOB_LEFT_OPEN = "payments.shift_left_open"
ALARM_LEFT_OPEN = "shift_left_open"


@dataclass(frozen=True, slots=True)
class Onward:
    """Which open shift gets the cash, and how much of it (None: all)."""

    shift: Id
    passed: Money | None = None


@needs("shift.run")
def open_shift(unit: Unit, *, lot: Id, opening: Money, booth: str | None = None) -> Shift:
    """Begin the caller's shift at a lot with a float out of its safe.

    Raises ``NotFound("booth.not_found")``; ``Refused``: ``shift.already_open``, ``safe.too_little``,
    ``shift.currency``.
    """
    unit.lock(("shifts", lot), safe_lock(lot))
    found = facility.lot_by_id(unit, lot=lot)  # whose it is stays so: a lot moves under these locks
    if opening.currency != found.currency:
        raise Refused("shift.currency", currency=found.currency)
    stands = own_shift(unit, lot=lot)
    if stands is not None:
        raise Refused("shift.already_open", shift=stands.number)
    number = unit.all(store.LAST_NUMBER, lot=lot, company=found.company)[0] + 1
    shift = Shift(
        id=unit.new_id(), company=found.company, lot=lot, number=number, holder=holder_in(unit),
        booth=None if booth is None else _booth(unit, lot, booth), opening=opening, opened_at=unit.now,
    )  # fmt: skip
    safe = safe_of(unit, company=shift.company, lot=lot, currency=found.currency)
    change_safe(unit, safe, -opening)
    unit.run(store.INSERT_SHIFT, **store.shift_row(shift))
    ledger.book(unit, company=shift.company, lot=lot, transfers=booking.opened(shift, safe.id))
    jobs.schedule(
        unit, kind=JOB_LEFT_OPEN, body={"shift": str(shift.id)}, due_at=Instant(shift.opened_at + LEFT_OPEN_US),
        clock=JobClock.BUSINESS, unique_key=shift.id.hex,
    )  # fmt: skip
    _append(unit, shift, opened(shift))
    return shift


@needs("shift.run")
def hand_over(
    unit: Unit, *, shift: Id, count: Count | None, reason: str | None = None, onward: Onward | None = None
) -> Shift:
    """Count the caller's own shift and hand its cash over: to another open shift of the lot, else into the safe.

    A count that differs by the lot's ``shifts.variance_reason_from`` or more wants a reason: without one the shift
    stays ``counted``, its cash where it is, and the same is asked again with the reason. Raises
    ``NotFound("shift.not_found")``; ``Refused``: ``shift.count_needed``, ``shift.closed``, ``shift.counted``,
    ``shift.next_not_open``, ``shift.passed_too_much``, ``shift.currency``.
    """
    if shift_by_id(unit, shift=shift).holder != holder_in(unit):
        raise NotFound("shift.not_found")
    return _handed_over(unit, shift, count, reason, onward)


@needs("shift.confirm")
def close_shift(unit: Unit, *, shift: Id, count: Count | None, reason: str | None = None) -> Shift:
    """Count the shift of somebody who did not, and put its cash into the safe. Raises as ``hand_over``."""
    shift_by_id(unit, shift=shift)
    return _handed_over(unit, shift, count, reason, None)


@needs("shift.confirm")
def check_shift(unit: Unit, *, shift: Id, count: Count | None, reason: str | None = None) -> Shift:
    """Confirm what was counted at a hand-over, or count otherwise: then the safe holds as much more or less.

    Raises ``NotFound("shift.not_found")``; ``Refused``: ``shift.not_handed_over``, ``shift.own``,
    ``shift.confirmed``, ``shift.passed_on``, ``safe.too_little``, ``reason.missing`` for a correction without one.
    """
    found = shift_by_id(unit, shift=shift)
    unit.lock(("shift", shift), safe_lock(found.lot))
    found = shift_by_id(unit, shift=shift)
    before = unit.all(store.CHECKS, of_shift=shift)
    check, events = checked(
        found, before, count, id=unit.new_id(), by=holder_in(unit),
        reason=checked_reason(reason or "") if count is not None or reason is not None else None, now=unit.now,
    )  # fmt: skip
    believed = found_now(found, before)
    unit.run(store.INSERT_CHECK, **store.check_row(check, found))
    if check.counted != believed:
        safe = safe_of(unit, company=found.company, lot=found.lot, currency=believed.currency)
        change_safe(unit, safe, check.counted - believed)
        ledger.book(unit, company=found.company, lot=found.lot, transfers=booking.corrected(check, believed, safe.id))
    _append(unit, found, events)
    return found


@by_construction
def note_left_open(unit: Unit, *, shift: Id) -> bool:
    """Raise the alarm about a shift that is still open after a day; tells whether it is."""
    unit.lock(("shift", shift))
    found = shift_by_id(unit, shift=shift)
    if found.state is ShiftState.HANDED_OVER:
        return False
    lot = facility.lot_by_id(unit, lot=found.lot)
    params: dict[str, Param] = {"lot": lot.code, "shift": found.number, "hours": LEFT_OPEN_US // HOUR_US}
    alarms.stand(unit, company=found.company, trouble=Trouble(ALARM_LEFT_OPEN, found.id.hex, params, found.lot))
    return True


def shift_by_id(reader: Reader, *, shift: Id) -> Shift:
    """Return a shift. Raises ``NotFound("shift.not_found")``."""
    found = reader.one(store.SHIFT, shift_id=shift)
    if found is None:
        raise NotFound("shift.not_found")
    return found


@inner
def _handed_over(unit: Unit, shift: Id, count: Count | None, reason: str | None, onward: Onward | None) -> Shift:
    found = shift_by_id(unit, shift=shift)
    unit.lock(("shift", shift), safe_lock(found.lot), *(() if onward is None else (("shift", onward.shift),)))
    before = shift_by_id(unit, shift=shift)
    found, events = _counted(unit, before, count)
    why = None if reason is None else checked_reason(reason)
    onto = None if onward is None else _next(unit, onward.shift)
    after, told = handed_over(
        found, by=holder_in(unit), reason=why, onto=onto, passed=None if onward is None else onward.passed,
        now=unit.now,
    )  # fmt: skip
    threshold = int(tenancy.setting_of(unit, tenancy.SHIFT_REASON_FROM, company=found.company, lot=found.lot))
    if why is None and wants_reason(found, threshold=threshold):
        if found is not before:
            unit.save(store.UPDATE_SHIFT, **store.saved_values(found))
            _append(unit, found, events)
        return found
    unit.save(store.UPDATE_SHIFT, **store.saved_values(after))
    safe = safe_of(unit, company=after.company, lot=after.lot, currency=after.opening.currency)
    ledger.book(unit, company=after.company, lot=after.lot, transfers=booking.handed_over(after, safe.id))
    change_safe(unit, safe, after.to_safe)
    jobs.cancel(unit, kind=JOB_LEFT_OPEN, unique_key=shift.hex)
    alarms.over(unit, company=after.company, kind=ALARM_LEFT_OPEN, subject=shift.hex)
    _append(unit, after, (*events, *told))
    return after


def _counted(unit: Unit, found: Shift, count: Count | None) -> tuple[Shift, tuple[Event, ...]]:
    """Write the count down; a shift without any cash need not be counted, and a count stands when asked again."""
    currency = found.opening.currency
    if count is None:
        if found.state is ShiftState.COUNTED:
            return found, ()
        if found.state is ShiftState.OPEN and sheets.saw_cash(unit, shift=found.id):
            raise Refused("shift.count_needed")
        count = Count(Money(0, currency))
    elif count.amount.currency != currency:
        raise Refused("shift.currency", currency=currency)
    expected = Money(in_till(unit, shift=found.id), currency)
    return counted(found, count, expected=expected, totals=sheets.totals_of(unit, shift=found.id), now=unit.now)


def _next(unit: Unit, shift: Id) -> Shift:
    found = unit.one(store.SHIFT, shift_id=shift)
    if found is None:
        raise Refused("shift.next_not_open")
    return found


def _booth(reader: Reader, lot: Id, code: str) -> Id:
    for booth in facility.lot_detail(reader, lot=lot).booths:
        if booth.code == code:
            return booth.id
    raise NotFound("booth.not_found", booth=code)


def _append(unit: Unit, shift: Shift, events: tuple[Event, ...]) -> None:
    for event in events:
        unit.append(event, company=shift.company, lot=shift.lot, key=shift.id)
