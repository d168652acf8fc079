"""Correcting the plate of a car that is inside, or has left: it was misread, and somebody has looked."""

from contextlib import suppress

from openberth.contexts import facility, payments, permits
from openberth.contexts.facility import LaneKind
from openberth.contexts.stays.model.decisions import Right
from openberth.contexts.stays.model.entities import (
    CloseReason,
    OpenStay,
    PassageState,
    PlateCorrection,
    Resolution,
    Stay,
)
from openberth.contexts.stays.model.events import PlateCorrected
from openberth.contexts.stays.service import correcting_past, deciding_again, identity, late, parked, prices, records
from openberth.contexts.stays.service.seen import Permission, open_key
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import Instant

_LOOKED_AT = 50  # passages of the right plate, the newest first


@needs("plate.correct")
def correct_plate(unit: Unit, *, stay: Id, plate: Plate, reason: str) -> PlateCorrection | None:
    """Give a stay the plate it really has; the same plate again changes nothing (None).

    What the cameras read stays on the passages. The stay's right is looked up anew for all of its segments, as it would
    have been had the plate been read; a car that waits under the right plate at an exit or between areas is decided
    about again. One that has left under its right plate meanwhile ends its stay there: what was paid counts, what was
    not is a debt. A stay that is over is priced as the right car's (``correcting_past``).

    Raises ``NotFound("stay.not_found")``, ``Refused``: ``stay.closed`` (its car turned back: it was none),
    ``stay.debt_differs`` (it left a debt, and under this plate owes another sum), ``stay.plate_inside`` (another car
    inside has this plate), ``stay.at_lane`` (it waits at a lane under its old plate: that is resolved there),
    ``reason.missing``, ``reason.too_long``.
    """
    text = checked_reason(reason)
    closed = unit.one(store.STAY, stay=stay)
    if closed is not None and unit.one(store.OPEN_STAY, stay=stay) is None:
        return _correct_closed(unit, stay, closed.lot_id, plate, text)
    found = _open_stay(unit, stay)
    unit.lock(("lot", found.lot_id))
    found = _open_stay(unit, stay)
    plate_id = vault.keep(unit, VaultKind.PLATE, plate.key)
    if plate_id == found.plate_id:
        return None
    other = parked.stay_by_key(unit, open_key(found.lot_id, plate_id))
    if other is not None:
        raise Refused("stay.plate_inside", stay=str(other.id))
    for standing in unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=stay):
        if standing.plate_id != plate_id:
            raise parked.at_lane(unit, standing)
    _replate(unit, found, plate, plate_id, on_duty=_is_on_duty(unit, found.lot_id, plate))
    correction = _write_down(unit, found, plate_id, text)
    if not _decide_about_waiting(unit, found, plate_id):
        _end_where_it_left(unit, stay, plate_id)
    return correction


def _correct_closed(unit: Unit, stay: Id, lot: Id, plate: Plate, reason: str) -> PlateCorrection | None:
    unit.lock(("lot", lot), payments.subject_lock(stay))
    closed = unit.one(store.STAY, stay=stay)
    if closed is None or closed.closed_reason is CloseReason.TURNED_BACK:
        raise Refused("stay.closed")
    plate_id = vault.keep(unit, VaultKind.PLATE, plate.key)
    if plate_id == closed.plate_id:
        return None
    on_duty = _is_on_duty(unit, lot, plate)
    _regrant(unit, lot, stay, plate_id, on_duty=on_duty)
    correcting_past.replate_closed(unit, closed, plate, plate_id, on_duty=on_duty)
    return _write_down(unit, closed, plate_id, reason)


def _open_stay(unit: Unit, stay: Id) -> OpenStay:
    found = unit.one(store.OPEN_STAY, stay=stay)
    if found is None:
        raise NotFound("stay.not_found") if unit.one(store.STAY, stay=stay) is None else Refused("stay.closed")
    return found


def _is_on_duty(reader: Reader, lot: Id, plate: Plate) -> bool:
    """Tell whether no gate of the lot may hold up a plate: a person has looked, whatever colour a camera saw."""
    return plate.kind.value in facility.lot_detail(reader, lot=lot).rules.never_held


def _replate(unit: Unit, stay: OpenStay, plate: Plate, plate_id: Id, *, on_duty: bool) -> None:
    now_there = _permission(unit, stay.lot_id, plate_id, stay.since, on_duty=on_duty)
    unit.save(
        store.REPLATE_OPEN_STAY, stay=stay.id, old_version=stay.version, new_plate=plate_id, new_kind=plate.kind.value,
        new_open_key=open_key(stay.lot_id, plate_id), new_right=_word(now_there), new_permit=now_there.permit,
    )  # fmt: skip
    _regrant(unit, stay.lot_id, stay.id, plate_id, on_duty=on_duty)


def _regrant(unit: Unit, lot: Id, stay: Id, plate_id: Id, *, on_duty: bool) -> None:
    for part in unit.all(store.SEGMENTS, stay=stay):
        then = _permission(unit, lot, plate_id, part.start_at, on_duty=on_duty)
        unit.run(store.REGRANT_SEGMENT, stay=stay, part=part.ordinal, new_right=_word(then), new_permit=then.permit)


def _permission(reader: Reader, lot: Id, plate: Id, at: Instant, *, on_duty: bool) -> Permission:
    if on_duty:
        return Permission(None, Right.EMERGENCY)
    permit = permits.permit_of(reader, lot=lot, plate=plate, at=at)
    return Permission(permit.id if permit else None, Right(permit.kind.value) if permit else None).inside


def _word(permission: Permission) -> str | None:
    return permission.right.value if permission.right else None


def _write_down(unit: Unit, stay: OpenStay | Stay, plate: Id, reason: str) -> PlateCorrection:
    correction = PlateCorrection(
        id=unit.new_id(), company_id=stay.company_id, lot_id=stay.lot_id, stay_id=stay.id, old_plate_id=stay.plate_id,
        new_plate_id=plate, corrected_at=unit.now, corrected_by=records.actor_of(unit), reason=reason,
    )  # fmt: skip
    unit.run(store.INSERT_CORRECTION, correction)
    unit.append(
        PlateCorrected(stay.id, stay.plate_id, plate, reason), company=stay.company_id, lot=stay.lot_id, key=stay.id
    )
    return correction


def _end_where_it_left(unit: Unit, stay: Id, plate: Id) -> None:
    """End a stay at the exit through which its car has gone, let out by somebody who did not find it."""
    found = _open_stay(unit, stay)
    told = unit.all(
        passage_store.PASSAGES_OF_PLATE, plate=plate, lot=found.lot_id, before=unit.new_id(), limit=_LOOKED_AT
    )
    left = [
        each for each in told
        if each.lane_kind is LaneKind.EXIT and each.state is PassageState.PASSED and each.stay_id is None
        and each.captured_at >= found.entered_at and each.reason not in identity.NOT_AT_THE_LANE
    ]  # fmt: skip
    if not left:
        return
    passage = min(left, key=lambda each: each.captured_at)
    currency = facility.lot_by_id(unit, lot=found.lot_id).currency
    assessment, _ = prices.assess_out(unit, found, currency=currency, at=passage.captured_at)
    bill = prices.ensure_bill(unit, found, assessment, at_exit=False) if assessment.due else None
    late.end_at(unit, found, passage, prices.Leaving(assessment, bill), reason="corrected")


def _decide_about_waiting(unit: Unit, stay: OpenStay, plate: Id) -> bool:
    """Let the car go on that stood somewhere under its right plate, and whose stay nobody found; tell if one did."""
    for standing in unit.all(passage_store.LANES_OF_LOT, lot=stay.lot_id):
        if standing.waiting and standing.plate_id == plate and standing.stay_id is None:
            with suppress(NotFound):  # the lane was retired
                if facility.lane_context(unit, lane=standing.lane_id).kind is not LaneKind.ENTRY:
                    deciding_again.match_stay(
                        unit, lot=stay.lot_id, lane=standing.lane_id, stay=stay.id, cause="corrected",
                        resolution=Resolution.CORRECTED,
                    )  # fmt: skip
                    return True
    return False
