"""Who a token belongs to: remembered for seconds, in bounded memory, and forgotten when the log tells of a change."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from openberth.contexts import tenancy
from openberth.contexts.tenancy.model.accounts import Account, AccountKind, Level
from openberth.contexts.tenancy.reactions import Entrance, door
from openberth.contexts.tenancy.service import accounts, grants, sessions
from openberth.contexts.tenancy.service.sessions import Device
from openberth.contexts.tenancy.store.sessions import Session
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database, Unit
from openberth.infra.passwords import Hashing
from openberth.kernel.authority import ActorKind
from openberth.kernel.errors import NotFound, Unknown
from openberth.kernel.time import MINUTE_US
from tests.service.acting import SYSTEM, events, following, write
from tests.waiting import PATIENCE_S

HASHING = Hashing(memory_kib=64, passes=1)


def manager(db: Database, *, at: Level = Level.COMPANY, role: str = "company_manager") -> tuple[Account, Session]:
    def make(unit: Unit) -> tuple[Account, Session]:
        company = tenancy.ensure_company(unit, code="demo").id
        account = accounts.make_account(
            unit, kind=AccountKind.PERSON, login="boss", name="boss", company=company, password=None
        )
        node = None if at is Level.PLATFORM else company
        grants.give(unit, account=account.id, role=role, level=at, node=node, company=node)
        device = Device("phone", None)
        return account, sessions.begin(unit, account=account, how="password", device=device, refresh="x" * 64)

    return db.write_now(make, by=SYSTEM)


def inside(
    db: Database, use: Callable[[Entrance, str], Awaitable[None]], session: Session, *, enforced: bool = False
) -> None:
    async def run() -> None:
        entrance = Entrance.of(db, hashing=HASHING, second_factor_for_administrators=enforced)
        await entrance.keys.start()
        token, _ = await entrance.keys.issue(session)
        await use(entrance, token)

    asyncio.run(run())


def test_a_caller_acts_in_its_company_with_its_permissions(db: Database) -> None:
    account, session = manager(db)

    async def use(entrance: Entrance, token: str) -> None:
        by = await entrance.door.caller(token, "192.0.2.1")
        assert (by.actor.kind, by.actor.name, by.actor.address) == (ActorKind.PERSON, str(account.id), "192.0.2.1")
        assert by.scope.company == account.company
        assert by.permissions == tenancy.ROLES[tenancy.Role.COMPANY_MANAGER]
        assert await entrance.door.session_of(token) == session.id

    inside(db, use, session)


def test_a_change_that_the_log_tells_counts_at_once(db: Database) -> None:
    account, session = manager(db)

    async def use(entrance: Entrance, token: str) -> None:
        async with following(db, entrance.watch):
            await entrance.door.caller(token, None)
            write(db, accounts.lock, account=account.id)
            events(db)  # numbered on servers, too
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    try:
                        await entrance.door.caller(token, None)
                    except Unknown:
                        return
                    await asyncio.sleep(0.01)

    inside(db, use, session)


def test_without_the_log_a_change_counts_within_seconds(db: Database, machine: ManualClock) -> None:
    account, session = manager(db)

    async def use(entrance: Entrance, token: str) -> None:
        await entrance.door.caller(token, None)
        write(db, accounts.lock, account=account.id)
        await entrance.door.caller(token, None)
        machine.advance(door.KNOWN_US)
        with pytest.raises(Unknown):
            await entrance.door.caller(token, None)

    inside(db, use, session)


def test_a_token_ends_though_its_signature_was_seen_before(db: Database, machine: ManualClock) -> None:
    _, session = manager(db)

    async def use(entrance: Entrance, token: str) -> None:
        await entrance.door.caller(token, None)
        machine.advance(10 * MINUTE_US)
        with pytest.raises(Unknown):
            await entrance.door.caller(token, None)

    inside(db, use, session)


def test_administrators_do_nothing_before_they_have_a_second_factor_where_it_is_wanted(db: Database) -> None:
    _, session = manager(db)

    async def use(entrance: Entrance, token: str) -> None:
        assert (await entrance.door.caller(token, None)).permissions == frozenset()

    inside(db, use, session, enforced=True)


@pytest.mark.parametrize(("word", "asked"), [("grant.write", True), ("lane.open", False)])
def test_who_administers_by_an_own_role_needs_a_second_factor_as_well(db: Database, word: str, asked: bool) -> None:
    company = write(db, tenancy.ensure_company, code="demo").id
    write(db, grants.save_role, company=company, code="deputy", name="x", permissions=[word])
    _, session = manager(db, role="deputy")

    async def use(entrance: Entrance, token: str) -> None:
        assert (await entrance.door.caller(token, None)).may(word) is not asked

    inside(db, use, session, enforced=True)


@pytest.mark.parametrize("enforced", [False, True])
def test_a_company_of_others_is_no_company(db: Database, enforced: bool) -> None:
    """Neither its id nor another kind of answer tells that there is one, even to who still lacks a second factor."""
    _, session = manager(db)
    other = db.write_now(lambda unit: tenancy.ensure_company(unit, code="other").id, by=SYSTEM)

    async def use(entrance: Entrance, token: str) -> None:
        for name in ("other", str(other), "nowhere"):
            with pytest.raises(NotFound) as told:
                await entrance.door.caller(token, None, name)
            assert (told.value.code, told.value.params) == ("company.not_found", {"company": name})

    inside(db, use, session, enforced=enforced)


def test_answers_about_tokens_are_kept_in_bounded_memory(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "KNOWN_MAX", 10)
    write(db, tenancy.remember_operator_token, token="good-token-of-some-length", name="operator")
    _, session = manager(db)

    async def use(entrance: Entrance, token: str) -> None:
        for number in range(30):
            with pytest.raises(Unknown):
                await entrance.door.caller(f"bad-token-of-some-length-{number}", None)
        assert len(entrance.door._operators) <= 10
        by = await entrance.door.caller("good-token-of-some-length", None)
        assert by.permissions == tenancy.PERMISSIONS
        # Not the last byte of the signature: of one in sixteen it is zero already (RFC 8032: S is below 2^253).
        signed, _, signature = token.rpartition(".")
        other = f"{signed}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
        for odd in ("", "x" * 15, "x" * 2_001, "ü" * 30, "a.b.c" * 5, token + "x", other):
            with pytest.raises(Unknown):
                await entrance.door.caller(odd, None)

    inside(db, use, session)
