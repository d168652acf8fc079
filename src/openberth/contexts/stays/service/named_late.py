"""Naming a car that has gone on already: nobody knew whose it was when it passed an exit, or between two areas."""

from openberth.contexts import facility
from openberth.contexts.facility import LaneKind
from openberth.contexts.stays.model.entities import Case, CaseKind, OpenStay, Passage, PassageState
from openberth.contexts.stays.service import late, parked, prices, records
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate

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
def settle(unit: Unit, passage: Passage, *, plate: Plate | None, stay: Id | None) -> None:
    """Let the stay go where its car has gone: a person read the plate from the pictures, or says which stay it was.

    At an exit it ends, and what it owes is a debt. Where the clocks of two cameras are so far apart that it left before
    it came, it left when it came. One that was ended softly goes on and ends there.

    Raises ``NotFound("stay.not_found")``, ``Refused``: ``stay.several`` (two cars inside have this plate),
    ``stay.closed`` (it was seen to end), ``stay.soft_closed``, ``stay.came_again``, ``stay.at_lane`` (its car stands at
    a lane, so it has not left).
    """
    found = _of_plate(unit, passage, plate) if stay is None and plate is not None else _chosen(unit, passage, stay)
    if passage.lane_kind is LaneKind.INNER:
        _move(unit, passage, found)
        return
    _check_is_nowhere(unit, found)
    if prices.is_free(found):
        currency = facility.lot_by_id(unit, lot=found.lot_id).currency
        leaving = prices.leave_free(unit, found, currency=currency, at=passage.captured_at)
    else:
        leaving = prices.assess_leaving(unit, found, at=passage.captured_at, at_exit=False)
    late.end_at(unit, found, passage, leaving, reason="named_late")


def _of_plate(unit: Unit, passage: Passage, plate: Plate) -> OpenStay:
    plate_id = vault.keep(unit, VaultKind.PLATE, plate.key)
    unit.run(passage_store.CORRECT_PLATE, passage=passage.id, new_plate=plate_id, new_kind=plate.kind.value)
    found = parked.stay_of_plate(unit, lot=passage.lot_id, plate=plate_id) or late.revive_of_plate(
        unit, lot=passage.lot_id, plate=plate_id, at=passage.captured_at, passage=passage.id
    )
    if found is None:
        raise NotFound("stay.not_found")
    return found


def _chosen(unit: Unit, passage: Passage, stay: Id | None) -> OpenStay:
    found = unit.one(store.OPEN_STAY, stay=stay) or (
        None if stay is None else late.revive(unit, lot=passage.lot_id, stay=stay, passage=passage.id)
    )
    if found is not None and found.lot_id == passage.lot_id:
        return found
    closed = unit.one(store.STAY, stay=stay)
    is_over = closed is not None and closed.lot_id == passage.lot_id
    raise Refused("stay.closed") if is_over else NotFound("stay.not_found")


def _move(unit: Unit, passage: Passage, stay: OpenStay) -> None:
    """Note where a car went between two areas, unless it was seen elsewhere since."""
    to_area = facility.lane_context(unit, lane=passage.lane_id).to_area
    if to_area and stay.area_id != to_area and passage.captured_at >= stay.since:
        records.move_stay(unit, stay, passage=passage.id, to_area=to_area, at=passage.captured_at)
    unit.run(
        passage_store.UPDATE_PASSAGE, passage=passage.id, new_state=PassageState.PASSED, new_stay=stay.id,
        new_bill=passage.bill_id, new_command=passage.command_id,
    )  # fmt: skip


def _check_is_nowhere(unit: Unit, stay: OpenStay) -> None:
    for standing in unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=stay.id):
        lanes = facility.codes_of(unit, lot=stay.lot_id).lanes
        raise Refused("stay.at_lane", lane=lanes.get(standing.lane_id, str(standing.lane_id)))
