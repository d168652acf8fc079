"""Companies as later contexts ask for them: who runs lots."""

from openberth.contexts.tenancy.model.events import NodeMade
from openberth.contexts.tenancy.model.organisation import Company, NodeState, check_code
from openberth.contexts.tenancy.store import companies as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner, needs
from openberth.kernel.errors import NotFound, Refused
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
    """Make a company; one that exists stays as it is. Raises ``Refused("organisation.code_taken")``."""
    made = unit.new_id()
    if unit.one(store.CODE_OF_PARTNER, code=check_code(code)) is not None:
        raise Refused("organisation.code_taken", code=code)
    inserted = unit.run(
        store.INSERT_COMPANY, id=made, code=code, name=name or code, created_at=unit.now, partner_id=partner,
        name_en=name_en, state=NodeState.ACTIVE, version=1,
    )  # fmt: skip
    if inserted:
        unit.append(NodeMade(level="company", node=made, code=code), company=made, lot=None, key=made)


def company_by_code(reader: Reader, *, code: str) -> Company:
    """Return a company. Raises ``NotFound("company.not_found")``."""
    found = reader.one(store.COMPANY_BY_CODE, code=code)
    if found is None:
        raise NotFound("company.not_found", company=code)
    return found


def companies(reader: Reader) -> list[Company]:
    """Return all companies of the caller's scope."""
    return reader.all(store.COMPANIES)


def check_company_open(reader: Reader, *, company: Id) -> None:
    """Refuse what would begin something in a closed company. Raises ``Refused("company.closed")``."""
    found = reader.one(store.ANY_COMPANY, company=company)
    if found is not None:
        check_open(found)


def check_open(found: Company) -> None:
    """Refuse a closed company. Raises ``Refused("company.closed")``."""
    if found.state is NodeState.CLOSED:
        raise Refused("company.closed", company=found.code)
