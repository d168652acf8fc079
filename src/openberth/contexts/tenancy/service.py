"""Use cases and queries of tenancy."""

import hashlib
from dataclasses import dataclass

from openberth.contexts.tenancy import store
from openberth.infra.database import Reader, Unit
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class Company:
    """A company that runs lots."""

    id: Id
    code: str
    name: str


def ensure_company(unit: Unit, *, code: str) -> Company:
    """Return the company with a code, making it when it is new."""
    found = unit.one(store.COMPANY_BY_CODE, code=code)
    if found is None:
        unit.run(store.INSERT_COMPANY, id=unit.new_id(), code=code, name=code, created_at=unit.now)
        found = unit.one(store.COMPANY_BY_CODE, code=code)
    assert found is not None, "a company that was inserted can be read"
    return Company(*found)


def company_by_code(reader: Reader, *, code: str) -> Company:
    """Return a company. Raises ``NotFound("company.not_found")``."""
    found = reader.one(store.COMPANY_BY_CODE, code=code)
    if found is None:
        raise NotFound("company.not_found", company=code)
    return Company(*found)


def companies(reader: Reader) -> list[Company]:
    """Return all companies of the caller's scope."""
    return [Company(*found) for found in reader.all(store.COMPANIES)]


def remember_operator_token(unit: Unit, *, token: str, name: str) -> None:
    """Let a bearer token in and no earlier one of its name; its digest is kept alone, for it is 256 random bits."""
    unit.run(store.FORGET_OTHERS, token_name=name, kept=_digest(token))
    unit.run(store.INSERT_TOKEN, digest=_digest(token), name=name, created_at=unit.machine_now)


def operator_of(reader: Reader, *, token: str) -> str | None:
    """Return the operator's name for a bearer token, None for one nobody made."""
    return reader.one(store.TOKEN, digest=_digest(token))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
