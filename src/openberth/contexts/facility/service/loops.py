"""Loops at the ways into an area count cars apart from plates; they begin with the cars that lanes have counted."""

from openberth.contexts.facility.service.occupancy import occupancy
from openberth.contexts.facility.store import sensors as store
from openberth.infra.database import Unit
from openberth.infra.permitting import by_construction
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id


@by_construction
def count_loop(unit: Unit, *, lot: Id, area: str, inward: bool) -> None:
    """Count a car that crossed a loop into an area or out of it. Raises ``NotFound("area.not_found")``."""
    found = next((each for each in occupancy(unit, lot=lot) if each.code == area), None)
    company = unit.caller.scope.company
    if found is None or company is None:
        raise NotFound("area.not_found", area=area)
    moved = {"lot": lot, "area": found.area, "more_in": int(inward), "more_out": int(not inward)}
    if unit.run(store.LOOPS_COUNT, **moved) == 1:
        return
    # The car that is being counted may be counted by its lane already, or not yet: one car, within every band.
    made = unit.run(
        store.LOOPS_BEGIN, lot_id=lot, area_id=found.area, company_id=company, counted_in=int(inward),
        counted_out=int(not inward), beginning=found.occupied, begun_at=unit.now,
    )  # fmt: skip
    if made == 0:
        unit.run(store.LOOPS_COUNT, **moved)
