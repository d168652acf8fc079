"""Proving that a plate is one's own by standing at a lane with it."""

from openberth.contexts import tenancy
from openberth.contexts.stays.store import passages as store
from openberth.infra.database import Unit
from openberth.infra.permitting import by_itself
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US

# A car that a lane still has as waiting after this long has gone, or has been left there: it proves nothing.
PRESENT_US = 30 * MINUTE_US


@by_itself
def prove_by_presence(unit: Unit, *, account: Id, own_plate: Id, lot: Id, lane: Id) -> tenancy.OwnPlate:
    """Take a plate as proven because a car with it waits at the lane whose code its driver has scanned.

    Raises ``NotFound("own_plate.not_found")``; ``Refused``: ``own_plate.not_here`` alike for another car and for none,
    ``own_plate.held`` where another account has it proven: presence moves nothing.
    """
    unit.lock(("lot", lot))
    found = tenancy.own_plate(unit, account=account, own_plate=own_plate)
    plate, standing = tenancy.seen_as(unit, found), unit.one(store.LANE, lane=lane)
    if (
        standing is None
        or not standing.waiting
        or plate is None
        or standing.plate_id != plate
        or unit.machine_now - standing.decided_at > PRESENT_US
    ):
        raise Refused("own_plate.not_here")
    return tenancy.prove(unit, own_plate=found.id, proof=tenancy.PlateProof.PRESENCE)
