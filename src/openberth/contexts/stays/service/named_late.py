"""Naming a car that has gone on already: nobody knew whose it was when it passed an exit, or between two areas."""

from openberth.contexts import facility, permits
from openberth.contexts.facility import LaneKind
from openberth.contexts.permits import PermitKind
from openberth.contexts.stays.model.entities import Case, CaseKind, OpenStay, Passage, PassageState, Source
from openberth.contexts.stays.service import late, parked, prices, records
from openberth.contexts.stays.service.seen import is_on_duty
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import SECOND_US

_NAMELESS = frozenset({CaseKind.EXIT_WITHOUT_ENTRY, CaseKind.INNER_WITHOUT_ENTRY})


def passage_of(reader: Reader, case: Case) -> Passage | None:
    """Return the passage of a car that has gone on, if the case asks whose it was."""
    if case.kind not in _NAMELESS or case.passage_id is None:
        return None
    passage = reader.one(passage_store.PASSAGE, passage=case.passage_id)
    if passage is None or passage.state is not PassageState.PASSED or passage.stay_id is not None:
        return None
    return passage if passage.lane_kind in (LaneKind.EXIT, LaneKind.INNER) else None


@inner
def settle(unit: Unit, passage: Passage, *, plate: Plate | None = None, stay: Id | None = None) -> None:
    """Let the stay go where its car has gone: a person read the plate from the pictures, or says which stay it was.
    One of the two is given.

    At an exit it ends, and what it owes is a debt; on duty it parked free. Where the car has come in again since, it is
    its visit of then that ends. Where the clocks of two cameras are so far apart that it left before it came, it left
    when it came. One that was ended softly goes on and ends there.

    Raises ``NotFound("stay.not_found")``, ``Refused``: ``stay.several`` (two cars inside have this plate),
    ``stay.closed`` (it was seen to end), ``stay.soft_closed``, ``stay.came_again``, ``stay.came_later`` (it came only
    after that), ``stay.plate_differs`` (the plate at the exit has a permit, and the stay is of another plate),
    ``stay.at_lane`` (its car stands at a lane, so it has not left).
    """
    named = None
    if plate is not None:
        named = vault.keep(unit, VaultKind.PLATE, plate.key)
        unit.run(passage_store.CORRECT_PLATE, passage=passage.id, new_plate=named, new_kind=plate.kind.value)
    if passage.lane_kind is LaneKind.INNER:
        _move(unit, passage, _inside(unit, passage, plate=named, stay=stay))
        return
    found = _of_plate(unit, passage, named) if named is not None else _chosen(unit, passage, stay)
    _check_can_have_left(unit, passage, found, plate=named or passage.plate_id)
    leaving = prices.leaving(
        unit, found, currency=facility.lot_by_id(unit, lot=found.lot_id).currency,
        at=max(passage.captured_at, found.since), on_duty=_is_on_duty(unit, passage, plate), at_exit=False,
    )  # fmt: skip
    late.end_at(unit, found, passage, leaving, reason="named_late")


def _inside(reader: Reader, passage: Passage, *, plate: Id | None, stay: Id | None) -> OpenStay:
    """Return the stay of a car that is inside; that it went between two areas lets none go on that was ended."""
    if plate is not None:
        found = parked.stay_of_plate(reader, lot=passage.lot_id, plate=plate)
    else:
        found = reader.one(store.OPEN_STAY, stay=stay)
    if found is not None and found.lot_id == passage.lot_id:
        return found
    raise _none_such(reader, passage, stay)


def _of_plate(unit: Unit, passage: Passage, plate: Id) -> OpenStay:
    """Return the stay of a plate that was at an exit: its visit of then, or the one that is open now."""
    lot, at = passage.lot_id, passage.captured_at
    present = parked.stay_of_plate(unit, lot=lot, plate=plate)
    if present is not None and present.entered_at <= at:
        return present
    visit = late.visit_that_left(unit, lot, plate, present, at=at, passage=passage.id)
    if visit is not None:
        return visit
    if late.is_over(unit, lot=lot, plate=plate, at=at, skew_us=_skew_us(unit, lot)):
        raise Refused("stay.closed")
    found = present or late.revive_of_plate(unit, lot=lot, plate=plate, at=at, passage=passage.id)
    if found is None:
        raise NotFound("stay.not_found")
    return found


def _chosen(unit: Unit, passage: Passage, stay: Id | None) -> OpenStay:
    """Return the stay that a person chose, or the earlier visit of its car that this exit ended."""
    found = unit.one(store.OPEN_STAY, stay=stay)
    if found is None and stay is not None:
        found = late.revive(unit, lot=passage.lot_id, stay=stay, passage=passage.id)
    if found is None or found.lot_id != passage.lot_id:
        raise _none_such(unit, passage, stay)
    if found.plate_id is None or found.entered_at <= passage.captured_at:
        return found
    return late.visit_that_left(
        unit, found.lot_id, found.plate_id, found, at=passage.captured_at, passage=passage.id
    ) or found  # fmt: skip


def _none_such(reader: Reader, passage: Passage, stay: Id | None) -> NotFound | Refused:
    closed = None if stay is None else reader.one(store.STAY, stay=stay)
    is_over = closed is not None and closed.lot_id == passage.lot_id
    return Refused("stay.closed") if is_over else NotFound("stay.not_found")


def _move(unit: Unit, passage: Passage, stay: OpenStay) -> None:
    """Note where a car went between two areas, unless it was seen elsewhere since."""
    to_area = facility.lane_context(unit, lane=passage.lane_id).to_area
    if to_area and stay.area_id != to_area and passage.captured_at >= stay.since:
        records.move_stay(unit, stay, passage=passage.id, to_area=to_area, at=passage.captured_at)
    unit.run(
        passage_store.UPDATE_PASSAGE, passage=passage.id, new_state=PassageState.PASSED, new_stay=stay.id,
        new_bill=passage.bill_id, new_command=passage.command_id,
    )  # fmt: skip


def _check_can_have_left(unit: Unit, passage: Passage, stay: OpenStay, *, plate: Id | None) -> None:
    """Refuse what cannot be, whatever clocks of cameras say: a car that was seen here live after its exit had been told
    of left another time.

    Nor is a debt made of a permit: where the plate at the exit has one, the stay is of a plate that was misread.
    """
    for standing in unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=stay.id):
        raise parked.at_lane(unit, standing)
    told = unit.all(passage_store.PASSAGES_OF_STAY, stay=stay.id)
    if any(each.source is Source.LIVE and each.received_at > passage.received_at for each in told):
        raise Refused("stay.came_later", stay=str(stay.id))
    if plate is None or plate == stay.plate_id or stay.right is not None:
        return
    permit = permits.permit_of(unit, lot=stay.lot_id, plate=plate, at=passage.captured_at)
    if permit is not None and permit.kind is not PermitKind.BLOCKED:
        raise Refused("stay.plate_differs", stay=str(stay.id))


def _is_on_duty(reader: Reader, passage: Passage, plate: Plate | None) -> bool:
    """Tell whether the car at the exit was on duty, by the plate that a person read or else by what its camera did."""
    if plate is None:
        text = vault.reveal(reader, passage.plate_id) if passage.plate_id else None
        plate = Plate(text) if text else None
    never_held = facility.lot_detail(reader, lot=passage.lot_id).rules.never_held
    return is_on_duty(plate, passage.colour, never_held)


def _skew_us(reader: Reader, lot: Id) -> int:
    return facility.lot_detail(reader, lot=lot).rules.device_skew_s * SECOND_US
