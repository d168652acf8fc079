"""Which car is inside by a plate: the one stay of its key, or several where two cars have it."""

from openberth.contexts import facility
from openberth.contexts.stays.model.entities import LaneState, OpenStay
from openberth.contexts.stays.service.seen import open_key
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra.database import Reader
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id


def stay_by_key(reader: Reader, key: str) -> OpenStay | None:
    """Return the open stay with a key."""
    return reader.one(stay_store.BY_OPEN_KEY, open_key=key)


def stays_of_plate(reader: Reader, *, lot: Id, plate: Id) -> list[OpenStay]:
    """Return the stay that a plate names inside; several where two cars have it, and none is found by it alone."""
    named = stay_by_key(reader, open_key(lot, plate))
    return [named] if named is not None else reader.all(stay_store.OPEN_OF_PLATE, plate=plate, lot=lot)


def stay_of_plate(reader: Reader, *, lot: Id, plate: Id) -> OpenStay | None:
    """Return the one stay of a plate inside. Raises ``Refused("stay.several")`` where two cars have it."""
    found = stays_of_plate(reader, lot=lot, plate=plate)
    if len(found) > 1:
        raise Refused("stay.several", count=len(found))
    return found[0] if found else None


def at_lane(reader: Reader, standing: LaneState) -> Refused:
    """Return the refusal of what cannot be while the car of a stay stands at a lane, which it names."""
    lanes = facility.codes_of(reader, lot=standing.lot_id).lanes
    return Refused("stay.at_lane", lane=lanes.get(standing.lane_id, str(standing.lane_id)))
