"""Waiting after failed sign-ins, and where grants let somebody act, under generated input."""

from hypothesis import given
from hypothesis import strategies as st

from openberth.contexts.tenancy.model.accounts import (
    FAILURES_WITHIN_US,
    FREE_FAILURES,
    WAIT_MAX_US,
    Failures,
    Grant,
    Level,
)
from openberth.contexts.tenancy.model.acting import NOWHERE, Held, Place, acting
from openberth.contexts.tenancy.model.permissions import changes_something
from openberth.kernel.authority import EVERYTHING, Scope
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, Instant

COMPANIES = [Id(int=0xC0), Id(int=0xC1), Id(int=0xC2)]
LOTS = {COMPANIES[0]: [Id(int=0x10), Id(int=0x11)], COMPANIES[1]: [Id(int=0x20)], COMPANIES[2]: [Id(int=0x30)]}
PARTNERS = {Id(int=0xB0): tuple(COMPANIES[:2]), Id(int=0xB1): (COMPANIES[2],), Id(int=0xB2): ()}
PROPERTIES = {Id(int=0xD0): (COMPANIES[0], (LOTS[COMPANIES[0]][0],)), Id(int=0xD1): (COMPANIES[1], ())}
WORDS = ["lot.read", "lane.open", "tariff.publish", "audit.export"]


@given(st.lists(st.integers(0, 30 * MINUTE_US), min_size=1, max_size=40))
def test_waits_grow_and_never_shrink_while_failures_go_on(pauses: list[int]) -> None:
    failures, now = Failures(), 1_000 * MINUTE_US
    waits: list[int] = []
    for pause in pauses:
        started = max(now + pause, failures.wait_until or 0)
        fresh = (
            failures.last_at is not None
            and started - max(failures.last_at, failures.wait_until or 0) > FAILURES_WITHIN_US
        )
        now = started
        failures = failures.another(Instant(now))
        if fresh:
            waits = []
        assert failures.last_at == now
        wait = 0 if failures.wait_until is None else failures.wait_until - now
        assert 0 <= wait <= WAIT_MAX_US
        assert failures.is_waiting(Instant(now)) is (wait > 0)
        assert (wait > 0) is (failures.count >= FREE_FAILURES)
        assert not waits or wait >= waits[-1]
        waits.append(wait)


def test_the_waits_are_those_of_the_decision() -> None:
    failures, now, minutes = Failures(), 1_000 * MINUTE_US, []
    for _ in range(12):
        failures = failures.another(Instant(now))
        wait = 0 if failures.wait_until is None else failures.wait_until - now
        minutes.append(wait // MINUTE_US)
        now += wait
    assert minutes == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]


@st.composite
def held(draw: st.DrawFn, levels: tuple[Level, ...] = tuple(Level)) -> Held:
    level = draw(st.sampled_from(levels))
    company = draw(st.sampled_from(COMPANIES))
    node: Id | None
    places: tuple[Id, ...] = ()
    if level is Level.PLATFORM:
        node = owner = None
    elif level is Level.PARTNER:
        node = owner = draw(st.sampled_from(list(PARTNERS)))
        places = PARTNERS[node]
    elif level is Level.PROPERTY:
        node, owner = draw(st.sampled_from(list(PROPERTIES))), company
        owner, places = PROPERTIES[node]
    else:
        owner = company
        node = company if level is Level.COMPANY else draw(st.sampled_from(LOTS[company]))
    grant = Grant(Id(int=1), Id(int=2), "role", level, node, owner, "somebody", Instant(0), None)
    return Held(grant, frozenset(draw(st.sets(st.sampled_from(WORDS)))), places)


PLACES = [None, *map(Place, COMPANIES), *(Place(partner, below) for partner, below in PARTNERS.items())]


def allowed_at(grants: list[Held], company: Id, lot: Id) -> set[str]:
    """Return what grants give at one lot, said as simply as can be."""
    allowed: set[str] = set()
    for each in grants:
        node = each.grant.node
        if each.grant.level is Level.PLATFORM or node in (company, lot) or {company, lot} & set(each.places):
            allowed |= each.permissions
    return allowed


# Where being two things at two places is easiest, and where it is anything.
GRANTS = st.lists(held((Level.PROPERTY, Level.LOT)), max_size=6) | st.lists(held(), max_size=6)


@given(GRANTS, st.sampled_from(PLACES), st.sets(st.sampled_from(COMPANIES)))
def test_no_permission_holds_beyond_its_grant(grants: list[Held], at: Place | None, closed: set[Id]) -> None:
    try:
        found = acting(grants, at=at, closed=closed)
    except (Refused, NotFound):
        return
    if found.scope == NOWHERE:
        assert not found.permissions
        return
    for company, lots in LOTS.items():
        for lot in lots:
            if found.scope.allows(company, lot):
                assert found.permissions <= allowed_at(grants, company, lot)
        if found.scope.company == company and company in closed:
            assert not any(map(changes_something, found.permissions))
        if found.scope.companies is not None:
            assert not closed & set(found.scope.companies)
    for partner in PARTNERS:
        if found.scope.allows(partner, None):
            assert found.permissions <= allowed_at(grants, partner, partner)


@given(st.lists(held(), max_size=6), st.sampled_from(COMPANIES))
def test_a_company_that_is_named_bounds_everything(grants: list[Held], company: Id) -> None:
    try:
        found = acting(grants, at=Place(company))
    except NotFound:
        assert all(each.grant.company != company and company not in each.places for each in grants)
        return
    assert found.scope != EVERYTHING
    assert found.scope.company in (company, NOWHERE.company)


@given(st.lists(held(), max_size=6), st.sampled_from(list(PARTNERS)))
def test_a_partner_that_is_named_bounds_everything(grants: list[Held], partner: Id) -> None:
    try:
        found = acting(grants, at=Place(partner, PARTNERS[partner]))
    except NotFound:
        assert all(each.grant.node != partner for each in grants)
        assert not any(each.permissions for each in grants if each.grant.level is Level.PLATFORM)
        return
    assert found.scope == Scope(companies=(partner, *PARTNERS[partner]))
