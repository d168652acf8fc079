"""Companies as later contexts ask for them: who runs lots."""

from collections.abc import Iterable

from openberth.contexts.tenancy.model.acting import Place
from openberth.contexts.tenancy.model.events import NodeMade
from openberth.contexts.tenancy.model.organisation import Company, NodeState, check_code
from openberth.contexts.tenancy.store import companies as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner, needs
from openberth.kernel.errors import Denied, NotFound, Refused
from openberth.kernel.ids import Id


@inner
def ensure_company(unit: Unit, *, code: str) -> Company:
    """Return the company with a code, to which something is added; who may (``organisation.write``) makes a new one.

    Raises ``Refused("company.closed")``.
    """
    found = unit.one(store.COMPANY_BY_CODE, code=code)
    if found is None:
        make_company(unit, code=code)
        found = unit.one(store.COMPANY_BY_CODE, code=code)
    assert found is not None, "a company that was inserted can be read"
    check_open(found)
    return found


@needs("organisation.write")
def make_company(
    unit: Unit, *, code: str, name: str | None = None, name_en: str | None = None, partner: Id | None = None
) -> None:
    """Make a company; one that exists stays as it is. Raises ``Refused("organisation.code_taken")``.

    Raises ``Denied("auth.out_of_scope")`` first: whoever acts in one place learns of no codes elsewhere.
    """
    check_everywhere(unit)
    made = unit.new_id()
    if unit.one(store.CODE_OF_PARTNER, code=check_code(code)) is not None:
        raise Refused("organisation.code_taken", code=code)
    inserted = unit.run(
        store.INSERT_COMPANY, id=made, code=code, name=name or code, created_at=unit.now, partner_id=partner,
        name_en=name_en, state=NodeState.ACTIVE, version=1,
    )  # fmt: skip
    if inserted:
        unit.append(NodeMade(level="company", node=made, code=code), company=made, lot=None, key=made)


def check_everywhere(reader: Reader) -> None:
    """Refuse what changes the tree for others to whoever does not act for the whole platform. Raises ``Denied``."""
    if not reader.caller.scope.is_everything:
        raise Denied("auth.out_of_scope")


def company_by_code(reader: Reader, *, code: str) -> Company:
    """Return a company. Raises ``NotFound("company.not_found")``."""
    found = reader.one(store.COMPANY_BY_CODE, code=code)
    if found is None:
        raise NotFound("company.not_found", company=code)
    return found


def company_by_id(reader: Reader, *, company: Id) -> Company:
    """Return a company by its id. Raises ``NotFound("company.not_found")``."""
    found = reader.one(store.COMPANY_BY_ID, company=company)
    if found is None:
        raise NotFound("company.not_found", company=str(company))
    return found


def companies(reader: Reader) -> list[Company]:
    """Return all companies of the caller's scope."""
    return reader.all(store.COMPANIES)


def place_named(reader: Reader, *, name: str) -> Place | None:
    """Return the company or partner that a code or an id names, None for nothing that the caller may see."""
    try:
        company, partner = (reader.one(store.COMPANY_BY_ID, company=Id(name)),
                            reader.one(store.PARTNER_BY_ID, partner_id=Id(name)))  # fmt: skip
    except ValueError:
        company, partner = reader.one(store.COMPANY_BY_CODE, code=name), reader.one(store.PARTNER_BY_CODE, code=name)
    if company is not None:
        return Place(company.id)
    if partner is None:
        return None
    return Place(partner.id, tuple(each.id for each in reader.all(store.COMPANIES_OF_PARTNER, partner=partner.id)))


def closed_among(reader: Reader, *, companies: Iterable[Id]) -> frozenset[Id]:
    """Return which of some companies are closed, wherever the caller's scope ends."""
    wanted = frozenset(companies)
    if not wanted:
        return wanted
    closed: list[Id] = reader.all(store.CLOSED_COMPANIES)
    return wanted.intersection(closed)


def check_company_open(reader: Reader, *, company: Id) -> None:
    """Refuse what would begin something in a closed company. Raises ``Refused("company.closed")``."""
    found = reader.one(store.ANY_COMPANY, company=company)
    if found is not None:
        check_open(found)


def check_open(found: Company) -> None:
    """Refuse a closed company. Raises ``Refused("company.closed")``."""
    if found.state is NodeState.CLOSED:
        raise Refused("company.closed", company=found.code)
