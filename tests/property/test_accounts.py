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
from openberth.contexts.tenancy.model.acting import NOWHERE, Held, acting
from openberth.kernel.authority import EVERYTHING
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, Instant

COMPANIES = [Id(int=0xC0), Id(int=0xC1)]
LOTS = {COMPANIES[0]: [Id(int=0x10), Id(int=0x11)], COMPANIES[1]: [Id(int=0x20)]}
WORDS = ["lot.read", "lane.open", "tariff.publish"]


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
def held(draw: st.DrawFn) -> Held:
    level = draw(st.sampled_from([Level.PLATFORM, Level.COMPANY, Level.LOT]))
    company = None if level is Level.PLATFORM else draw(st.sampled_from(COMPANIES))
    node = company
    if level is Level.LOT and company is not None:
        node = draw(st.sampled_from(LOTS[company]))
    grant = Grant(Id(int=1), Id(int=2), "role", level, node, company, "somebody", Instant(0), None)
    return Held(grant, frozenset(draw(st.sets(st.sampled_from(WORDS)))))


@given(st.lists(held(), max_size=6), st.sampled_from([None, *COMPANIES]))
def test_no_permission_holds_beyond_its_grant(grants: list[Held], company: Id | None) -> None:
    try:
        found = acting(grants, company=company)
    except (Refused, NotFound):
        return
    if found.scope == NOWHERE:
        assert not found.permissions
        return
    places = [(lot_company, lot) for lot_company, lots in LOTS.items() for lot in lots]
    for lot_company, lot in places:
        if not found.scope.allows(lot_company, lot):
            continue
        allowed: set[str] = set()
        for each in grants:
            if each.grant.level is Level.PLATFORM or each.grant.node in (lot_company, lot):
                allowed |= each.permissions
        assert found.permissions <= allowed


@given(st.lists(held(), max_size=6), st.sampled_from(COMPANIES))
def test_a_company_that_is_named_bounds_everything(grants: list[Held], company: Id) -> None:
    try:
        found = acting(grants, company=company)
    except NotFound:
        assert all(each.grant.company != company for each in grants)
        return
    assert found.scope != EVERYTHING
    assert found.scope.company in (company, NOWHERE.company)
