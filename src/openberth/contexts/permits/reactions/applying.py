"""What permits does outside of units: a list of any length, worked out by a reader and written in small units."""

import secrets
from collections.abc import Sequence
from functools import partial

from openberth.contexts.permits.model import Permit, PermitChanges
from openberth.contexts.permits.service import granting as service
from openberth.infra.database import Database, Urgency
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id


async def apply_list(
    database: Database, *, company: Id, lot: Id, permits: Sequence[Permit], by: Caller
) -> PermitChanges:
    """Make a list the lot's permits and return what it changed; the same list again changes nothing.

    It is written in parts, so a car may meet a half-written list; a list that broke off is finished by applying it
    again. Raises ``Refused("state.changed")`` while another list of this lot is being applied.
    """
    owner = secrets.token_hex(8)
    await database.write(partial(service.claim, lot=lot, owner=owner), by=by)
    try:
        changes = await database.read(partial(service.list_changes, lot=lot, permits=permits), by=by)
        for part in service.parts(changes):
            await database.write(
                partial(service.write_part, company=company, lot=lot, owner=owner, part=part),
                by=by,
                urgency=Urgency.BACKGROUND,
            )
    finally:
        await database.write(partial(service.give_back, lot=lot, owner=owner), by=by)
    return changes
