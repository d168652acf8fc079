"""Stays whose cars nobody saw leave: ended softly, going on after all, and resets of who is believed to be inside.

A stay that is ended softly costs what was paid of it and asks for nothing: nobody knows how long it was. The lot's
count goes down by a correction, so that what lanes counted can still be told from what people said. When its car is
seen at an exit after all the stay goes on as if nothing had been.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from openberth.contexts import facility, payments
from openberth.contexts.facility import LotSummary
from openberth.contexts.stays.model.decisions import Right
from openberth.contexts.stays.model.entities import CloseReason, NeutralReset, OpenStay, Stay
from openberth.contexts.stays.model.events import PassbackReset, StaySoftClosed
from openberth.contexts.stays.service import late, parked, prices, records
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import resets as reset_store
from openberth.contexts.stays.store import stays as store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import DAY_US, Instant

SWEPT_AT_ONCE = 25  # stays of one unit: lanes wait for no sweep
CASUAL = "casual"
RIGHTS = (CASUAL, *(each.value for each in Right if each not in (Right.BLOCKED, Right.EMERGENCY)))


@needs("occupancy.write")
def soft_close(unit: Unit, *, stay: Id, reason: str) -> Stay:
    """End a stay whose car is believed to be gone, for a reason; one that is softly ended already stays as it is.

    Raises ``NotFound("stay.not_found")``, ``Refused``: ``stay.closed``, ``stay.at_lane`` (its car waits at a lane),
    ``reason.missing``, ``reason.too_long``.
    """
    text = checked_reason(reason)
    found = _alone(unit, stay)
    if isinstance(found, Stay):
        if found.closed_reason is not CloseReason.SOFT_CLOSED:
            raise Refused("stay.closed")
        return found
    waiting = unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=stay)
    if waiting:
        raise parked.at_lane(unit, waiting[0])
    return _end_softly(unit, found, text)


@needs("occupancy.write")
def reopen(unit: Unit, *, stay: Id, reason: str) -> OpenStay:
    """Let a stay go on that was ended though its car is inside, for a reason; one that is open stays as it is.

    What was paid stays paid. Raises ``NotFound("stay.not_found")``, ``Refused``: ``stay.plate_inside`` (another stay of
    this plate is open), ``stay.came_again`` (it came in again later and left), ``stay.has_debt`` (what it left unpaid
    is asked for already), ``reason.missing``, ``reason.too_long``.
    """
    text = checked_reason(reason)
    closed = _alone(unit, stay)
    if isinstance(closed, OpenStay):
        return closed
    late.check_goes_on(unit, closed)
    if any(each.is_owed for each in payments.debts_of(unit, subject=stay)):
        raise Refused("stay.has_debt")
    return records.reopen_stay(unit, closed, passage=None, reason=text)


@needs("occupancy.write")
def reset_passback(
    unit: Unit, *, lot: Id, reason: str, plate: Plate | None = None, rights: Sequence[str] = ()
) -> NeutralReset:  # fmt: skip
    """Take it that nobody knows where cars are: the next that is seen of each may be an entry or an exit, once.

    It means one plate, or cars under some rights (``RIGHTS``; without any, all). Nothing is ended or counted by it.
    Raises ``NotFound("lot.not_found")``, ``Refused("passback.right")``, ``reason.missing``, ``reason.too_long``.
    """
    text = checked_reason(reason)
    unit.lock(("lot", lot))
    found = facility.lot_by_id(unit, lot=lot)
    unknown = next((each for each in rights if each not in RIGHTS), None)
    if unknown is not None:
        raise Refused("passback.right", right=unknown)
    reset = NeutralReset(
        id=unit.new_id(), company_id=found.company, lot_id=lot,
        plate_id=None if plate is None else vault.keep(unit, VaultKind.PLATE, plate.key),
        rights=[] if plate is not None else sorted(set(rights)), at=unit.now, reset_by=records.actor_of(unit),
        reason=text,
    )  # fmt: skip
    unit.run(reset_store.INSERT, reset)
    unit.append(
        PassbackReset(reset.id, reset.plate_id, list(reset.rights), text), company=found.company, lot=lot, key=lot
    )
    return reset


@dataclass(frozen=True, slots=True)
class Swept:
    """What one part of a night's work did: how many stays were ended, and after which the next part goes on."""

    ended: int
    after_at: Instant
    after_id: Id
    is_last: bool


FIRST = Swept(0, Instant(0), Id(int=0), is_last=False)


@by_construction
def sweep(unit: Unit, *, lot: LotSummary, after: Swept = FIRST) -> Swept:
    """End a few stays of a lot that are older than its rules allow, the oldest first; nobody owes anything by it."""
    rules = facility.lot_detail(unit, lot=lot.id).rules
    days = [each for each in (rules.soft_close_days, rules.soft_close_permit_days) if each]
    if not days:
        return Swept(0, after.after_at, after.after_id, is_last=True)
    unit.lock(("lot", lot.id))
    rows = unit.all(
        store.OLD_OPEN_STAYS, lot=lot.id, after_at=after.after_at, after_id=after.after_id,
        before_at=Instant(unit.now - min(days) * DAY_US), limit=SWEPT_AT_ONCE,
    )  # fmt: skip
    ended = 0
    for each in rows:
        most = rules.soft_close_days if each.right is None else rules.soft_close_permit_days
        is_old = bool(most) and each.entered_at < unit.now - most * DAY_US
        if is_old and not unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=each.id):
            _end_softly(unit, each, "sweep")
            ended += 1
    last = rows[-1] if rows else None
    return Swept(
        ended, last.entered_at if last else after.after_at, last.id if last else after.after_id,
        is_last=len(rows) < SWEPT_AT_ONCE,
    )  # fmt: skip


def _alone(unit: Unit, stay: Id) -> OpenStay | Stay:
    """Return a stay while nobody else can end it or let it go on. Raises ``NotFound("stay.not_found")``."""
    seen = _stay(unit, stay)
    if seen is not None:
        unit.lock(("lot", seen.lot_id))
    found = None if seen is None else _stay(unit, stay)
    if found is None:
        raise NotFound("stay.not_found")
    return found


def _stay(reader: Reader, stay: Id) -> OpenStay | Stay | None:
    return reader.one(store.OPEN_STAY, stay=stay) or reader.one(store.STAY, stay=stay)


def _end_softly(unit: Unit, stay: OpenStay, reason: str) -> Stay:
    currency = facility.lot_by_id(unit, lot=stay.lot_id).currency
    leaving = prices.leave_free(unit, stay, currency=currency, at=unit.now)
    records.close_stay(
        unit, stay, leaving.assessment, passage=None, at=unit.now, reason=CloseReason.SOFT_CLOSED, why=reason
    )  # fmt: skip
    unit.append(
        StaySoftClosed(stay.id, stay.area_id, int(stay.entered_at), reason), company=stay.company_id, lot=stay.lot_id,
        key=stay.id,
    )  # fmt: skip
    closed = unit.one(store.STAY, stay=stay.id)
    assert closed is not None, "a stay that was ended can be read"
    return closed
