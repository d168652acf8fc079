"""Correcting the plate of a car that is inside: it was misread at the entry, and somebody has looked."""

from contextlib import suppress

from openberth.contexts import facility, permits
from openberth.contexts.facility import LaneKind
from openberth.contexts.stays.model.decisions import Right
from openberth.contexts.stays.model.entities import OpenStay, PlateCorrection, Resolution
from openberth.contexts.stays.model.events import PlateCorrected
from openberth.contexts.stays.service import records, releasing
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


@needs("plate.correct")
def correct_plate(unit: Unit, *, stay: Id, plate: Plate, reason: str) -> PlateCorrection | None:
    """Give an open stay the plate it really has; the same plate again changes nothing (None).

    What the cameras read stays on the passages. The stay's right is looked up anew for all of its segments, as it would
    have been had the plate been read; a car that waits under the right plate at an exit or between areas is decided
    about again. Raises ``NotFound("stay.not_found")``, ``Refused``: ``stay.closed``, ``stay.plate_inside`` (another
    car inside has this plate), ``stay.at_lane`` (it waits at a lane under its old plate: that is resolved there),
    ``reason.missing``, ``reason.too_long``.
    """
    text = checked_reason(reason)
    found = _open_stay(unit, stay)
    unit.lock(("lot", found.lot_id))
    found = _open_stay(unit, stay)
    plate_id = vault.keep(unit, VaultKind.PLATE, plate.key)
    if plate_id == found.plate_id:
        return None
    other = records.stay_by_key(unit, open_key(found.lot_id, plate_id))
    if other is not None:
        raise Refused("stay.plate_inside", stay=str(other.id))
    for standing in unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=stay):
        if standing.plate_id != plate_id:
            lanes = facility.codes_of(unit, lot=found.lot_id).lanes
            raise Refused("stay.at_lane", lane=lanes.get(standing.lane_id, str(standing.lane_id)))
    _replate(unit, found, plate, plate_id)
    correction = _write_down(unit, found, plate_id, text)
    _decide_about_waiting(unit, found, plate_id)
    return correction


def _open_stay(unit: Unit, stay: Id) -> OpenStay:
    found = unit.one(store.OPEN_STAY, stay=stay)
    if found is None:
        raise NotFound("stay.not_found") if unit.one(store.STAY, stay=stay) is None else Refused("stay.closed")
    return found


def _replate(unit: Unit, stay: OpenStay, plate: Plate, plate_id: Id) -> None:
    now_there = _permission(unit, stay.lot_id, plate_id, stay.since)
    unit.save(
        store.REPLATE_OPEN_STAY, stay=stay.id, old_version=stay.version, new_plate=plate_id, new_kind=plate.kind.value,
        new_open_key=open_key(stay.lot_id, plate_id), new_right=_word(now_there), new_permit=now_there.permit,
    )  # fmt: skip
    for part in unit.all(store.SEGMENTS, stay=stay.id):
        then = _permission(unit, stay.lot_id, plate_id, part.start_at)
        unit.run(
            store.REGRANT_SEGMENT, stay=stay.id, part=part.ordinal, new_right=_word(then), new_permit=then.permit
        )  # fmt: skip


def _permission(reader: Reader, lot: Id, plate: Id, at: Instant) -> Permission:
    permit = permits.permit_of(reader, lot=lot, plate=plate, at=at)
    return Permission(permit.id if permit else None, Right(permit.kind.value) if permit else None).inside


def _word(permission: Permission) -> str | None:
    return permission.right.value if permission.right else None


def _write_down(unit: Unit, stay: OpenStay, plate: Id, reason: str) -> PlateCorrection:
    correction = PlateCorrection(
        id=unit.new_id(), company_id=stay.company_id, lot_id=stay.lot_id, stay_id=stay.id, old_plate_id=stay.plate_id,
        new_plate_id=plate, corrected_at=unit.now, corrected_by=records.actor_of(unit), reason=reason,
    )  # fmt: skip
    unit.run(store.INSERT_CORRECTION, correction)
    unit.append(
        PlateCorrected(stay.id, stay.plate_id, plate, reason), company=stay.company_id, lot=stay.lot_id, key=stay.id
    )
    return correction


def _decide_about_waiting(unit: Unit, stay: OpenStay, plate: Id) -> None:
    """Let the car go on that stood somewhere under its right plate, and whose stay nobody found."""
    for standing in unit.all(passage_store.LANES_OF_LOT, lot=stay.lot_id):
        if standing.waiting and standing.plate_id == plate and standing.stay_id is None:
            with suppress(NotFound):  # the lane was retired
                if facility.lane_context(unit, lane=standing.lane_id).kind is not LaneKind.ENTRY:
                    releasing.match_stay(
                        unit, lot=stay.lot_id, lane=standing.lane_id, stay=stay.id, cause="corrected",
                        resolution=Resolution.CORRECTED,
                    )  # fmt: skip
                    return
