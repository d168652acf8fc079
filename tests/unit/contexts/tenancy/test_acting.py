"""Where somebody acts: what each level of a grant reaches, and what several of them come to."""

import pytest

from openberth.contexts.tenancy.model.accounts import Grant, Level
from openberth.contexts.tenancy.model.acting import NOWHERE, Acting, Held, Place, acting
from openberth.kernel.authority import EVERYTHING, PLACES_MAX, Scope
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

PARTNER, OTHER_PARTNER = Id(int=0xB0), Id(int=0xB1)
A, B, ALONE = Id(int=0xC0), Id(int=0xC1), Id(int=0xC2)
UNIT, EMPTY_UNIT = Id(int=0xD0), Id(int=0xD1)
LOT_1, LOT_2, LOT_3 = Id(int=0x10), Id(int=0x11), Id(int=0x12)
OVER_PARTNER = Scope(companies=(PARTNER, A, B))


def held(level: Level, node: Id | None, company: Id | None, words: str, *places: Id) -> Held:
    grant = Grant(Id(int=1), Id(int=2), "role", level, node, company, "somebody", Instant(0), None)
    return Held(grant, frozenset(words.split()), places)


def platform(words: str) -> Held:
    return held(Level.PLATFORM, None, None, words)


def partner(words: str) -> Held:
    return held(Level.PARTNER, PARTNER, PARTNER, words, A, B)


def company(of: Id, words: str) -> Held:
    return held(Level.COMPANY, of, of, words)


def unit(words: str, *lots: Id) -> Held:
    return held(Level.PROPERTY, UNIT, A, words, *lots)


def lot(of: Id, words: str) -> Held:
    return held(Level.LOT, of, A, words)


AT_PARTNER = Place(PARTNER, (A, B))


@pytest.mark.parametrize(
    ("grants", "at", "scope", "words"),
    [
        ([], None, NOWHERE, ""),
        ([platform("x")], None, EVERYTHING, "x"),
        ([platform("x")], Place(ALONE), Scope(ALONE), "x"),
        ([platform("x")], AT_PARTNER, OVER_PARTNER, "x"),
        ([partner("x")], None, OVER_PARTNER, "x"),
        ([partner("x")], AT_PARTNER, OVER_PARTNER, "x"),
        ([partner("x")], Place(B), Scope(B), "x"),
        # More in one of the companies is not more in all of them, and is there when that company is named.
        ([partner("x"), company(A, "y")], None, OVER_PARTNER, "x"),
        ([partner("x"), company(A, "y")], Place(A), Scope(A), "x y"),
        ([partner("x"), company(A, "y")], Place(B), Scope(B), "x"),
        ([partner("x"), lot(LOT_1, "y")], Place(A), Scope(A), "x"),
        ([company(A, "x"), unit("y", LOT_1)], None, Scope(A), "x"),
        ([unit("x", LOT_1, LOT_2)], None, Scope(A, (LOT_1, LOT_2)), "x"),
        ([unit("x", LOT_1, LOT_2), lot(LOT_3, "x y")], None, Scope(A, (LOT_1, LOT_2, LOT_3)), "x"),
        ([unit("x", LOT_1), lot(LOT_1, "y")], None, Scope(A, (LOT_1,)), "x y"),
        ([unit("x")], None, NOWHERE, ""),
        ([unit("x"), lot(LOT_1, "y")], None, Scope(A, (LOT_1,)), "y"),
    ],
)
def test_grants_reach_what_lies_below_them(grants: list[Held], at: Place | None, scope: Scope, words: str) -> None:
    assert acting(grants, at=at) == Acting(scope, frozenset(words.split()))


@pytest.mark.parametrize(
    ("grants", "at", "problem"),
    [
        ([company(A, "x"), company(B, "x")], None, "auth.which_company"),
        ([partner("x"), company(ALONE, "x")], None, "auth.which_company"),
        ([partner("x"), held(Level.PARTNER, OTHER_PARTNER, OTHER_PARTNER, "x")], None, "auth.which_company"),
        ([company(A, "x")], Place(B), "company.not_found"),
        ([company(A, "x")], AT_PARTNER, "company.not_found"),
        ([partner("x")], Place(ALONE), "company.not_found"),
        ([partner("x")], Place(OTHER_PARTNER, ()), "company.not_found"),
        ([unit("x", *(Id(int=number) for number in range(PLACES_MAX + 1)))], None, "auth.too_many_places"),
    ],
)
def test_where_nobody_may_act_is_refused(grants: list[Held], at: Place | None, problem: str) -> None:
    with pytest.raises((NotFound, Refused)) as refused:
        acting(grants, at=at)
    assert refused.value.code == problem


def test_a_partner_of_very_many_companies_names_one() -> None:
    many = tuple(Id(int=number) for number in range(0x1000, 0x1000 + PLACES_MAX))
    grant = held(Level.PARTNER, PARTNER, PARTNER, "x", *many)
    with pytest.raises(Refused, match=r"auth\.too_many_places"):
        acting([grant])
    assert acting([grant], at=Place(many[7])).scope == Scope(many[7])
    assert len(acting([grant], closed=many[:1]).scope.companies or ()) == PLACES_MAX


def test_in_a_closed_company_one_looks_and_nothing_more() -> None:
    words = "stay.read audit.export lane.open"
    for grants in ([company(A, words)], [partner(words)], [platform(words)], [lot(LOT_1, words)]):
        found = acting(grants, at=Place(A), closed={A})
        assert found.permissions == {"stay.read", "audit.export"}
    assert acting([partner(words)], closed={A}) == Acting(Scope(companies=(PARTNER, B)), frozenset(words.split()))
    assert acting([company(A, words)], closed={A}).permissions == {"stay.read", "audit.export"}
