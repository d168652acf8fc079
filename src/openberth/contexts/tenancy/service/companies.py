"""Companies: who runs lots."""

from dataclasses import dataclass

from openberth.contexts.tenancy.store import companies as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner, needs
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class Company:
    """A company that runs lots."""

    id: Id
    code: str
    name: str


@inner
def ensure_company(unit: Unit, *, code: str) -> Company:
    """Return the company with a code; who may (``organisation.write``) makes it when it is new."""
    found = unit.one(store.COMPANY_BY_CODE, code=code)
    if found is None:
        make_company(unit, code=code)
        found = unit.one(store.COMPANY_BY_CODE, code=code)
    assert found is not None, "a company that was inserted can be read"
    return Company(*found)


@needs("organisation.write")
def make_company(unit: Unit, *, code: str) -> None:
    """Make a company; one that exists stays as it is."""
    unit.run(store.INSERT_COMPANY, id=unit.new_id(), code=code, name=code, created_at=unit.now)


def company_by_code(reader: Reader, *, code: str) -> Company:
    """Return a company. Raises ``NotFound("company.not_found")``."""
    found = reader.one(store.COMPANY_BY_CODE, code=code)
    if found is None:
        raise NotFound("company.not_found", company=code)
    return Company(*found)


def companies(reader: Reader) -> list[Company]:
    """Return all companies of the caller's scope."""
    return [Company(*found) for found in reader.all(store.COMPANIES)]
