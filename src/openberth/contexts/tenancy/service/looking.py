"""Who looked at a picture: one entry of the trail for each account, picture's passage and day, however often it looks.

Pictures show plates and may show faces: who had access must be told (汽车数据安全管理若干规定; PIPL art. 51 and 54).
One row for each request would bury the trail under the thumbnails of one busy booth.
"""

from openberth.contexts.tenancy.model.audit import Deed
from openberth.contexts.tenancy.service import audit
from openberth.contexts.tenancy.store import audit as store
from openberth.infra.database import Unit
from openberth.infra.permitting import needs
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US

PICTURE_SEEN = "picture.seen"


@needs("picture.read")
def note_look(unit: Unit, *, passage: Id, company: Id, lot: Id) -> bool:
    """Write down that the caller looks at the pictures of a passage, unless it has within a day; tell whether it did.

    Called last in the unit, as ``audit.record``.
    """
    unit.lock(("audit", audit.CHAIN))
    done = unit.all(
        store.COUNT_OF, subject=str(passage), actor=unit.caller.actor.name, deed=PICTURE_SEEN,
        since=unit.machine_now - DAY_US,
    )  # fmt: skip
    if done[0]:
        return False
    audit.record(unit, Deed(PICTURE_SEEN, "passage", str(passage), company, lot))
    return True
