"""A lot comes to another company, and a company is closed: use cases in which every context has its say.

Tenancy stands below whoever knows lots, cars and money. So they hand in functions (``Carrier``, ``Objection``), and
all of it happens in one unit or not at all.
"""

from collections.abc import Callable, Sequence

from openberth.contexts.tenancy.model.accounts import Level
from openberth.contexts.tenancy.model.events import GrantTaken, LotCame, LotLeft, NodeChanged
from openberth.contexts.tenancy.model.moving import LotMove
from openberth.contexts.tenancy.model.organisation import NodeState
from openberth.contexts.tenancy.service.companies import check_everywhere, check_open, company_by_code
from openberth.contexts.tenancy.service.sessions import end_all_of
from openberth.contexts.tenancy.store import accounts as account_store
from openberth.contexts.tenancy.store import companies as store
from openberth.infra.database import Reader, Unit
from openberth.infra.database.moving import move_rows
from openberth.infra.permitting import needs
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.reasons import checked_reason

# Does what is right for a context's own rows before they move, or refuses the move with a ``Problem``.
Carrier = Callable[[Unit, LotMove], None]
# Refuses the closing of a company with a ``Problem`` while something in a context is still open there.
Objection = Callable[[Reader, Id], None]


@needs("organisation.write")
def move_lot(
    unit: Unit, *, lot: Id, code: str, source: Id, target: str, reason: str, carriers: Sequence[Carrier]
) -> None:
    """Give a lot to another company.

    What lives comes along: the ground with its devices, permits, settings, cars inside with their bills and receipts,
    what waits at lanes, open cases, unfinished commands. History stays with the company under which it happened, so do
    the books. Grants at the lot end, for they are the old company's; it leaves its property. Raises ``Refused``:
    ``lot.already_there``, ``company.closed``, and what the contexts object (``lot.code_taken``, ``lot.tariff_taken``,
    ``lot.money_in_flight``).
    """
    check_everywhere(unit)
    why = checked_reason(reason)
    owner = company_by_code(unit, code=target)
    if owner.id == source:
        raise Refused("lot.already_there", lot=code, company=target)
    unit.lock(
        ("lot", lot), ("permits", lot), *(
            (kind, company) for kind in ("lots", "tariffs", "company") for company in (source, owner.id)
        ),
    )  # fmt: skip
    owner = company_by_code(unit, code=target)
    check_open(owner)
    move = LotMove(lot, code, source, owner)
    for carry in carriers:
        carry(unit, move)
    _end_grants(unit, lot, source)
    unit.run(store.DELETE_PROPERTY_LOT, lot=lot)
    move_rows(unit, lot=lot, source=source, target=owner.id)
    unit.append(LotLeft(lot=lot, company=owner.id, reason=why), company=source, lot=lot, key=lot)
    unit.append(LotCame(lot=lot, company=source, reason=why), company=owner.id, lot=lot, key=lot)


@needs("organisation.write")
def close_company(unit: Unit, *, company: str, reason: str, objections: Sequence[Objection]) -> None:
    """Close a company for ever: nothing can be opened there, its accounts sign in no more, their sessions end.

    Its rows stay readable for whoever acts for the platform or its partner. Raises what the contexts object
    (``company.has_lots``, ``company.has_cars``, ``company.money_open``) and ``Refused("company.has_properties")``.
    """
    check_everywhere(unit)
    why = checked_reason(reason)
    found = company_by_code(unit, code=company)
    unit.lock(("company", found.id), ("lots", found.id))
    found = company_by_code(unit, code=company)
    check_open(found)
    for object_to in objections:
        object_to(unit, found.id)
    if unit.all(store.OPEN_PROPERTY_OF_COMPANY, company=found.id):
        raise Refused("company.has_properties", company=found.code)
    unit.save(
        store.SAVE_COMPANY, node=found.id, seen=found.version, new_name=found.name, new_name_en=found.name_en,
        new_state=NodeState.CLOSED, new_partner_id=found.partner,
    )  # fmt: skip
    end_all_of(unit, company=found.id)
    told = NodeChanged(
        level="company", node=found.id, what="closed", before={"state": "active"}, after={"state": "closed"},
        reason=why,
    )  # fmt: skip
    unit.append(told, company=found.id, lot=None, key=found.id)


def is_closed(reader: Reader, *, company: Id | None) -> bool:
    """Tell whether an account's company or partner (None: the platform's) was closed, so that it lets nobody in."""
    if company is None:
        return False
    found = reader.one(store.ANY_COMPANY, company=company) or reader.one(store.ANY_PARTNER, partner_id=company)
    return found is not None and found.state is NodeState.CLOSED


def _end_grants(unit: Unit, lot: Id, company: Id) -> None:
    for grant in unit.all(account_store.GRANTS_AT, node=lot, level=Level.LOT):
        unit.run(account_store.DELETE_GRANT, grant_id=grant.id)
        told = GrantTaken(account=grant.account, grant=grant.id, role=grant.role)
        unit.append(told, company=company, lot=lot, key=grant.account)
