"""Cars that are inside while their lot comes to another company, and a company that is to be closed."""

from openberth.contexts import payments, tenancy
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id


@inner
def carry_lot(unit: Unit, move: tenancy.LotMove) -> None:
    """Take the bills of the cars inside along, also of one that waits at a lane.

    Raises ``Refused("lot.money_in_flight")``.
    """
    for stay in unit.all(store.IDS_INSIDE, lot=move.lot):
        for before, after in payments.carry_bills(unit, subject=stay, company=move.target.id).items():
            unit.run(passage_store.REBILL_LANES, stay=stay, old_bill=before, new_bill=after)
            unit.run(passage_store.REBILL_PASSAGES, stay=stay, old_bill=before, new_bill=after)


def refuse_closing(reader: Reader, company: Id) -> None:
    """Refuse to close a company while cars are inside. Raises ``Refused("company.has_cars")``."""
    inside = reader.all(store.INSIDE_COMPANY, company=company)[0]
    if inside:
        raise Refused("company.has_cars", count=inside)
