"""What somebody who is signed in sees of cars with plates of its own, and what it does: wherever they park.

Proven plates show the visits that had not ended when they were proven; of any plate that is bound, a bill that is named
may be paid. All of it is asked over every company: that the car is one's own takes the place of a scope.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openberth.contexts import facility, payments, tariffs, tenancy
from openberth.contexts.facility import LaneContext, LotSummary
from openberth.contexts.stays.model.entities import Ask, Barrier, LaneState, OpenStay, Stay
from openberth.contexts.stays.service import prices
from openberth.contexts.stays.service.codes import barrier_of
from openberth.contexts.stays.store import keeping as keeping_store
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_itself
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import Instant

FOR_EVER = Instant((1 << 62) - 1)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a car waits, and what it has to do there."""

    lane: LaneContext
    ask: Ask


@dataclass(frozen=True, slots=True)
class Now:
    """What an open stay costs now (None: that cannot be told), the bill that asks for it, and where the car waits."""

    assessment: prices.Assessment | None
    bill: payments.Bill | None
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class OwnStay:
    """A visit of one's own car. ``now`` while it is inside."""

    stay: OpenStay | Stay
    sight: tenancy.Sight
    lot: LotSummary
    bills: Sequence[payments.Bill]
    receipts: Sequence[payments.Receipt]
    now: Now | None

    @property
    def id(self) -> Id:
        """Return the stay's id."""
        return self.stay.id


@dataclass(frozen=True, slots=True)
class OwnBill:
    """A bill that one may pay. ``at_lane``: its car waits for it; ``barrier`` is what the barrier did once it is paid.

    ``receipts`` are those that one is shown: of a car that is proven to be one's own, or of one's own account.
    """

    bill: payments.Bill
    at_lane: bool
    barrier: Barrier | None
    receipts: Sequence[payments.Receipt]
    replaced_by: Id | None


@dataclass(frozen=True, slots=True)
class OwnDebt:
    """What one's own car left unpaid, and the bill that asks for it."""

    debt: payments.Debt
    sight: tenancy.Sight
    lot: LotSummary
    bill: payments.Bill

    @property
    def id(self) -> Id:
        """Return the debt's id."""
        return self.debt.id


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid for a visit, or put into a prepaid account at once: ``id`` is that of the visit or payment."""

    id: Id
    receipts: Sequence[payments.Receipt]
    plate: str | None


# -- visits ------------------------------------------------------------------------------------------------------------


def inside_now(reader: Reader, *, account: Id) -> list[OwnStay]:
    """Return the visits of one's own cars that are inside, the newest first."""
    found = [
        _told(reader, each, sight)
        for sight in tenancy.sights(reader, account=account)
        for each in reader.all(keeping_store.OPEN_OF_PLATE, plate=sight.plate)
        if sight.shows(each.entered_at, None)
    ]
    return sorted(found, key=lambda each: each.id, reverse=True)


def visits(reader: Reader, *, account: Id, before: Id, limit: int) -> list[OwnStay]:
    """Return a page of the visits of one's own cars that are over, the newest first."""
    return [_told(reader, each, sight) for each, sight in _visits(reader, account, before, limit)]


def visit(reader: Reader, *, account: Id, stay: Id) -> OwnStay:
    """Return a visit of a car of one's own. Raises ``NotFound("stay.not_found")``, also for one of somebody else."""
    found = _stay(reader, stay)
    sight = None if found is None else _sight(reader, account, found)
    if found is None or sight is None:
        raise NotFound("stay.not_found")
    return _told(reader, found, sight)


def lot_of_car(reader: Reader, *, own_plate: Id, account: Id, stay: Id | None) -> LotSummary:
    """Return the lot in which the car of a proven plate stands; ``stay`` names one of several.

    Raises ``NotFound("stay.not_found")``, also for a plate that is not proven, and ``Refused("stay.which")``.
    """
    found = [
        each for each in inside_now(reader, account=account)
        if each.sight.own_plate == own_plate and stay in (None, each.id)
    ]  # fmt: skip
    if not found:
        raise NotFound("stay.not_found")
    if len(found) > 1:
        raise Refused("stay.which", count=len(found))
    return found[0].lot


# -- money -------------------------------------------------------------------------------------------------------------


def own_bill(reader: Reader, *, account: Id, bill: Id) -> OwnBill:
    """Return a bill of a car whose plate is bound, or of one's own prepaid account.

    Raises ``NotFound("bill.not_found")`` alike for all others.
    """
    found = payments.bill_by_id(reader, bill=bill)
    if found.subject_kind == payments.PREPAID:
        mine = payments.prepaid_of_holder(reader, holder=account)
        if found.subject_id not in {each.id for each in mine}:
            raise NotFound("bill.not_found")
        return OwnBill(found, False, None, payments.receipts_of(reader, bill=bill), _replaced_by(reader, found))
    stay = _stay(reader, found.subject_id) if found.subject_kind == prices.SUBJECT else None
    if stay is None or not _is_bound(reader, account, stay):
        raise NotFound("bill.not_found")
    lane = next((each for each in _lanes(reader, stay.id) if each.bill_id == bill), None)
    is_paid = found.state is payments.BillState.SETTLED
    # Whoever knows a plate may pay for it, and no more: where the car is, is told to who may see the visit.
    shown = _sight(reader, account, stay) is not None
    seen = lane if shown else None
    barrier = barrier_of(reader, lane=seen.lane_id, bill=bill) if seen is not None and is_paid else None
    return OwnBill(
        found, seen is not None and seen.waiting, barrier, payments.receipts_of(reader, bill=bill) if shown else (),
        _replaced_by(reader, found),
    )  # fmt: skip


def paid_by_me(reader: Reader, *, account: Id, before: Id, limit: int) -> list[Paid]:
    """Return a page of what was paid for one's own cars, by visit, and put into one's own accounts, newest first."""
    found = [
        Paid(each.id, each.receipts, each.sight.text)
        for each in inside_now(reader, account=account)
        if each.id < before
    ]  # fmt: skip
    found += [
        Paid(each.id, _receipts(reader, payments.bills_of(reader, subject=each.id)), sight.text)
        for each, sight in _visits(reader, account, before, limit)
    ]
    for prepaid in payments.prepaid_of_holder(reader, holder=account):
        found += [
            Paid(each.id, (each,), None)
            for each in payments.receipts_of_subject(reader, subject=prepaid.id, before=before, limit=limit)
        ]
    return sorted(found, key=lambda each: each.id, reverse=True)[:limit]


def own_debts(reader: Reader, *, account: Id, before: Id, limit: int) -> list[OwnDebt]:
    """Return a page of what one's own cars left unpaid since their plates were proven, newest first."""
    found = [
        _debt_told(reader, each, sight)
        for sight in tenancy.sights(reader, account=account)
        for each in payments.debts_of_plate(
            reader, plate=sight.plate, since=sight.since, before=before, limit=limit
        )
        if _shows(reader, sight, each)
    ]  # fmt: skip
    return sorted(found, key=lambda each: each.id, reverse=True)[:limit]


@by_itself
def dispute_own(unit: Unit, *, account: Id, debt: Id, reason: str) -> OwnDebt:
    """Dispute what one's own car is said to owe, once. Raises ``NotFound("debt.not_found")`` for any other debt, and as
    ``payments.contest_debt`` does.
    """
    found = payments.debt_by_id(unit, debt=debt)
    sight = next((each for each in tenancy.sights(unit, account=account) if each.plate == found.plate), None)
    if sight is None or found.raised_at < sight.since or not _shows(unit, sight, found):
        raise NotFound("debt.not_found")
    return _debt_told(unit, payments.contest_debt(unit, debt=debt, reason=reason), sight)


# -- steps of these ----------------------------------------------------------------------------------------------------


def _visits(reader: Reader, account: Id, before: Id, limit: int) -> list[tuple[Stay, tenancy.Sight]]:
    found = [
        (each, sight)
        for sight in tenancy.sights(reader, account=account)
        for each in reader.all(
            keeping_store.CLOSED_SINCE,
            plate=sight.plate,
            since=sight.since,
            until=sight.until or FOR_EVER,
            before=before,
            limit=limit,
        )
    ]
    return sorted(found, key=lambda each: each[0].id, reverse=True)[:limit]


def _stay(reader: Reader, stay: Id) -> OpenStay | Stay | None:
    return reader.one(stay_store.OPEN_STAY, stay=stay) or reader.one(stay_store.STAY, stay=stay)


def _sight(reader: Reader, account: Id, stay: OpenStay | Stay) -> tenancy.Sight | None:
    left_at = None if isinstance(stay, OpenStay) else stay.left_at
    for each in tenancy.sights(reader, account=account):
        if each.plate == stay.plate_id and each.shows(stay.entered_at, left_at):
            return each
    return None


def _shows(reader: Reader, sight: tenancy.Sight, debt: payments.Debt) -> bool:
    """Tell whether the visit that a debt is of is shown; one that is kept no more is not, unless all of them are."""
    if sight.until is None:
        return True
    stay = _stay(reader, payments.bill_by_id(reader, bill=debt.bill).subject_id)
    return isinstance(stay, Stay) and sight.shows(stay.entered_at, stay.left_at)


def _is_bound(reader: Reader, account: Id, stay: OpenStay | Stay) -> bool:
    if stay.plate_id is None:
        return False
    return any(
        tenancy.seen_as(reader, each) == stay.plate_id for each in tenancy.own_plates(reader, account=account)
    )  # fmt: skip


def _told(reader: Reader, stay: OpenStay | Stay, sight: tenancy.Sight) -> OwnStay:
    bills = payments.bills_of(reader, subject=stay.id)
    return OwnStay(
        stay, sight, facility.lot_by_id(reader, lot=stay.lot_id), bills, _receipts(reader, bills),
        _now(reader, stay) if isinstance(stay, OpenStay) else None,
    )  # fmt: skip


def _now(reader: Reader, stay: OpenStay) -> Now:
    waiting = next((each for each in _lanes(reader, stay.id) if each.waiting), None)
    try:
        at = reader.now if waiting is None else waiting.captured_at  # time stops for a car that waits
        assessment = prices.assess(reader, stay, at=at)
    except tariffs.NotComputable:
        assessment = None
    bill = payments.open_bill_of(reader, kind=prices.SUBJECT, subject=stay.id)
    return Now(assessment, bill, None if waiting is None else _standing(reader, waiting))


def _standing(reader: Reader, waiting: LaneState) -> Standing | None:
    try:
        return Standing(facility.lane_context(reader, lane=waiting.lane_id), waiting.ask)
    except NotFound:  # the lane was retired meanwhile
        return None


def _lanes(reader: Reader, stay: Id) -> list[LaneState]:
    return reader.all(passage_store.LANES_OF_STAY, stay=stay)


def _receipts(reader: Reader, bills: Iterable[payments.Bill]) -> list[payments.Receipt]:
    return [receipt for bill in bills for receipt in payments.receipts_of(reader, bill=bill.id)]


def _replaced_by(reader: Reader, bill: payments.Bill) -> Id | None:
    """Return the bill that took the place of a superseded one: the open one, or the last one once that is settled too,
    so that a payer who looks late still finds where the money went.
    """
    if bill.state is not payments.BillState.SUPERSEDED:
        return None
    now = payments.bill_now(reader, bill.id)
    last = now if now.id != bill.id else payments.bills_of(reader, subject=bill.subject_id)[-1]
    return None if last.id == bill.id else last.id


def _debt_told(reader: Reader, debt: payments.Debt, sight: tenancy.Sight) -> OwnDebt:
    bill = payments.bill_by_id(reader, bill=debt.carried_to or debt.bill)
    return OwnDebt(debt, sight, facility.lot_by_id(reader, lot=debt.lot), bill)


def plate_of(reader: Reader, found: tenancy.OwnPlate) -> Plate:
    """Return a plate of one's own. Raises ``NotFound("own_plate.not_found")`` for one that was erased."""
    text = tenancy.own_plate_text(reader, found)
    if text is None:
        raise NotFound("own_plate.not_found")
    return Plate(text)
