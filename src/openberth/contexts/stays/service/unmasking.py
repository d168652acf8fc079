"""The whole plate of a stay or a passage, shown once for a reason that is written down."""

from openberth.contexts import tenancy
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra.database import Unit
from openberth.infra.permitting import needs
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id


@needs("plate.unmask")
def unmask_stay(unit: Unit, *, stay: Id, reason: str) -> str | None:
    """Return the plate of a stay in clear, None when it has none or it was erased. Raises as ``tenancy.unmask_plate``
    and ``NotFound("stay.not_found")``.
    """
    found = unit.one(stay_store.OPEN_STAY, stay=stay) or unit.one(stay_store.STAY, stay=stay)
    if found is None:
        raise NotFound("stay.not_found")
    return tenancy.unmask_plate(
        unit, plate=found.plate_id, subject_kind="stay", subject=stay, company=found.company_id, lot=found.lot_id,
        reason=reason,
    )  # fmt: skip


@needs("plate.unmask")
def unmask_passage(unit: Unit, *, passage: Id, reason: str) -> str | None:
    """Return the plate that was read at a passage in clear; as ``unmask_stay``. Raises
    ``NotFound("passage.not_found")``.
    """
    found = unit.one(passage_store.PASSAGE, passage=passage)
    if found is None:
        raise NotFound("passage.not_found")
    return tenancy.unmask_plate(
        unit, plate=found.plate_id, subject_kind="passage", subject=passage, company=found.company_id,
        lot=found.lot_id, reason=reason,
    )  # fmt: skip
