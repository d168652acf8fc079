"""From the grants of an account to what it may do in one request: a scope and the permissions that hold all over it.

An account acts in one place at a time: the whole platform, one company, or some lots of one. Permissions never spread
beyond their node: over several lots only what is held at each of them counts, so nobody gains by being two things.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openberth.contexts.tenancy.model.accounts import Grant, Level
from openberth.kernel.authority import EVERYTHING, Scope
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id

# No row lies in it: for accounts that may do nothing but look after themselves.
NOWHERE = Scope(Id(int=0), ())


@dataclass(frozen=True, slots=True)
class Held:
    """A grant with the permissions of its role."""

    grant: Grant
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Acting:
    """Where somebody acts and what it may do there."""

    scope: Scope
    permissions: frozenset[str]


def acting(held: Sequence[Held], *, company: Id | None = None) -> Acting:
    """Return where an account acts, in a company that it names or in the only place it has.

    Raises ``NotFound("company.not_found")`` for a company it has no grant in, and ``Refused("auth.which_company")``
    when it has several and names none.
    """
    everywhere = _union(each for each in held if each.grant.level is Level.PLATFORM)
    mine = [each for each in held if each.grant.level is not Level.PLATFORM]
    if company is None and any(each.grant.level is Level.PLATFORM for each in held):
        return Acting(EVERYTHING, everywhere)
    companies = {each.grant.company for each in mine if each.grant.company is not None}
    if company is None:
        if not companies:
            return Acting(NOWHERE, frozenset())
        if len(companies) > 1:
            raise Refused("auth.which_company", count=len(companies))
        company = next(iter(companies))
    elif company not in companies:
        if not everywhere:
            raise NotFound("company.not_found", company=str(company))
        return Acting(Scope(company), everywhere)
    here = [each for each in mine if each.grant.company == company]
    return _inside(here, company, everywhere)


def _inside(here: Sequence[Held], company: Id, everywhere: frozenset[str]) -> Acting:
    whole = [each for each in here if each.grant.level is Level.COMPANY]
    if whole or everywhere:
        return Acting(Scope(company), everywhere | _union(whole))
    lots: dict[Id, frozenset[str]] = {}
    for each in here:
        if each.grant.level is Level.LOT and each.grant.node is not None:
            lots[each.grant.node] = lots.get(each.grant.node, frozenset()) | each.permissions
    if not lots:
        return Acting(NOWHERE, frozenset())
    return Acting(Scope(company, tuple(sorted(lots))), frozenset.intersection(*lots.values()))


def _union(held: Iterable[Held]) -> frozenset[str]:
    return frozenset().union(*(each.permissions for each in held))
