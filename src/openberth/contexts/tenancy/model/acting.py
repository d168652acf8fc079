"""From the grants of an account to what it may do in one request: a scope and the permissions that hold all over it.

An account acts in one place at a time: the whole platform, a partner with its companies, one company, or some lots of
one. Permissions never spread beyond their node: over several places only what is held at each of them counts, so nobody
gains by being two things.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from openberth.contexts.tenancy.model.accounts import Grant, Level
from openberth.contexts.tenancy.model.permissions import changes_something
from openberth.kernel.authority import EVERYTHING, PLACES_MAX, Scope
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id

# No row lies in it: for accounts that may do nothing but look after themselves.
NOWHERE = Scope(Id(int=0), ())


@dataclass(frozen=True, slots=True)
class Held:
    """A grant with the permissions of its role, and the places below its node.

    ``places`` are the companies of a partner, or the lots of a property; other nodes need none.
    """

    grant: Grant
    permissions: frozenset[str]
    places: tuple[Id, ...] = ()


@dataclass(frozen=True, slots=True)
class Acting:
    """Where somebody acts and what it may do there."""

    scope: Scope
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Place:
    """A company, or a partner with its companies, in which a caller says that it acts."""

    id: Id
    companies: tuple[Id, ...] | None = None  # of a partner


def acting(held: Sequence[Held], *, at: Place | None = None, closed: Collection[Id] = frozenset()) -> Acting:
    """Return where an account acts, in a place that it names or in the only one it has.

    ``closed`` are companies in which nothing may be done but looking. Raises ``NotFound("company.not_found")`` for a
    place it has no grant in, ``Refused("auth.which_company")`` when it has several and names none, and
    ``Refused("auth.too_many_places")``.
    """
    everywhere = _union(each for each in held if each.grant.level is Level.PLATFORM)
    if at is None:
        if any(each.grant.level is Level.PLATFORM for each in held):
            return Acting(EVERYTHING, everywhere)
        at = _only_place(held)
        if at is None:
            return Acting(NOWHERE, frozenset())
    if at.companies is not None:
        return _over_partner(held, at, everywhere, closed)
    found = _in_company(held, at.id, everywhere)
    if at.id not in closed:
        return found
    return Acting(found.scope, frozenset(word for word in found.permissions if not changes_something(word)))


def _only_place(held: Sequence[Held]) -> Place | None:
    """Return where somebody acts who names no place; what lies below a partner that it acts for is no place more."""
    partners = {each.grant.node: each.places for each in held if each.grant.level is Level.PARTNER}
    below = {company for companies in partners.values() for company in companies}
    places = {node: Place(node, companies) for node, companies in partners.items() if node is not None}
    for each in held:
        company = each.grant.company
        if each.grant.level is not Level.PARTNER and company is not None and company not in below:
            places[company] = Place(company)
    if len(places) > 1:
        raise Refused("auth.which_company", count=len(places))
    return next(iter(places.values()), None)


def _over_partner(held: Sequence[Held], at: Place, everywhere: frozenset[str], closed: Collection[Id]) -> Acting:
    """Return acting over all open companies of a partner: only what is held at the partner is held at each of them."""
    here = [each for each in held if each.grant.level is Level.PARTNER and each.grant.node == at.id]
    if not here and not everywhere:
        raise NotFound("company.not_found", company=str(at.id))
    companies = tuple(sorted(each for each in at.companies or () if each not in closed))
    if len(companies) >= PLACES_MAX:
        raise Refused("auth.too_many_places", count=len(companies), most=PLACES_MAX)
    return Acting(Scope(companies=(at.id, *companies)), everywhere | _union(here))


def _in_company(held: Sequence[Held], company: Id, everywhere: frozenset[str]) -> Acting:
    here = [each for each in held if each.grant.level is not Level.PARTNER and each.grant.company == company]
    above = [each for each in held if each.grant.level is Level.PARTNER and company in each.places]
    whole = [each for each in here if each.grant.level is Level.COMPANY] + above
    if not here and not above and not everywhere:
        raise NotFound("company.not_found", company=str(company))
    if whole or everywhere:
        return Acting(Scope(company), everywhere | _union(whole))
    lots = _by_lot(here)
    if not lots:
        return Acting(NOWHERE, frozenset())
    if len(lots) > PLACES_MAX:
        raise Refused("auth.too_many_places", count=len(lots), most=PLACES_MAX)
    return Acting(Scope(company, tuple(sorted(lots))), frozenset.intersection(*lots.values()))


def _by_lot(here: Sequence[Held]) -> Mapping[Id, frozenset[str]]:
    lots: dict[Id, frozenset[str]] = {}
    for each in here:
        if each.grant.node is None:
            continue
        for lot in each.places if each.grant.level is Level.PROPERTY else (each.grant.node,):
            lots[lot] = lots.get(lot, frozenset()) | each.permissions
    return lots


def _union(held: Iterable[Held]) -> frozenset[str]:
    return frozenset().union(*(each.permissions for each in held))
