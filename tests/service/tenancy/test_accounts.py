"""Accounts, grants, own roles, sign-in and sessions on real databases."""

from typing import Any

import pytest

from openberth.contexts import tenancy
from openberth.contexts.tenancy.model.accounts import NOBODY, Account, AccountKind, Level
from openberth.contexts.tenancy.model.settings import LOGS_DAYS
from openberth.contexts.tenancy.service import accounts, grants, second_factor, sessions, signing_in
from openberth.contexts.tenancy.service.sessions import Device, digest_of
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Denied, Malformed, NotFound, Refused
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import DAY_US, MINUTE_US
from tests.service.acting import events, read, write

PHONE = Device("phone", "192.0.2.1")


def made(db: Database, login: str, company: Id | None = None, password: str | None = "digest") -> Account:
    return write(
        db, accounts.make_account, kind=AccountKind.PERSON, login=login, name="王小明", company=company,
        password=password,
    )  # fmt: skip


def person(account: Account, scope: Scope, role: tenancy.Role) -> Caller:
    return Caller(Actor(ActorKind.PERSON, str(account.id)), scope, tenancy.ROLES[role])


def company(db: Database, code: str = "demo") -> Id:
    return write(db, tenancy.ensure_company, code=code).id


def signed_in(db: Database, account: Account, refresh: str, **params: Any) -> signing_in.Outcome:
    values: dict[str, Any] = {
        "digest": "digest",
        "matches": True,
        "code": None,
        "device": PHONE,
        "refresh": digest_of(refresh),
    } | params
    return write(db, signing_in.sign_in, account=account.id, **values)


def test_a_login_is_kept_once_whatever_its_case(db: Database) -> None:
    first = made(db, " Desk ")
    assert first.login == "desk"
    assert read(db, accounts.account_named, name="DESK").id == first.id
    assert read(db, accounts.account_named, name=str(first.id)).id == first.id
    with pytest.raises(Refused, match=r"account\.login_taken"):
        made(db, "DESK")
    with pytest.raises(Malformed):
        made(db, "a b")


def test_a_login_of_another_company_is_taken_too(db: Database) -> None:
    demo, other = company(db), company(db, "other")
    boss = made(db, "boss", other)
    made(db, "desk", demo)
    by = person(boss, Scope(other), tenancy.Role.COMPANY_MANAGER)
    with pytest.raises(Refused, match=r"account\.login_taken"):
        write(
            db, accounts.make_account, by=by, kind=AccountKind.PERSON, login="desk", name="A", company=other,
            password=None,
        )  # fmt: skip


def test_accounts_of_others_do_not_exist(db: Database) -> None:
    demo, other = company(db), company(db, "other")
    desk, boss = made(db, "desk", demo), made(db, "boss", other)
    by = person(boss, Scope(other), tenancy.Role.COMPANY_MANAGER)
    for use_case in (accounts.lock, accounts.close, sessions.end_sessions_of):
        with pytest.raises(NotFound, match=r"account\.not_found"):
            write(db, use_case, by=by, account=desk.id)
    assert [each.id for each in read(db, accounts.accounts, by=by, before=BEYOND_ALL, limit=9)] == [boss.id]
    with pytest.raises(NotFound):
        write(db, grants.give, by=by, account=desk.id, role="guard", level=Level.COMPANY, node=other, company=other)


def test_nobody_gives_more_than_it_has_nor_to_itself(db: Database) -> None:
    demo = company(db)
    boss, desk = made(db, "boss", demo), made(db, "desk", demo)
    by = person(boss, Scope(demo), tenancy.Role.COMPANY_MANAGER)
    given = write(db, grants.give, by=by, account=desk.id, role="guard", level=Level.COMPANY, node=demo, company=demo)
    assert [each.role for each in read(db, grants.grants_of, by=by, account=desk.id)] == ["guard"]
    refused = [
        {"account": boss.id, "role": "guard", "level": Level.COMPANY, "node": demo, "company": demo},
        {"account": desk.id, "role": "security_administrator", "level": Level.COMPANY, "node": demo, "company": demo},
        {"account": desk.id, "role": "guard", "level": Level.PLATFORM},
    ]
    for params in refused:
        with pytest.raises(Denied):
            write(db, grants.give, by=by, **params)
    with pytest.raises(NotFound, match=r"role\.not_found"):
        write(db, grants.give, by=by, account=desk.id, role="king", level=Level.COMPANY, node=demo, company=demo)
    write(db, grants.take_back, by=by, grant=given.id)
    assert read(db, grants.held_by, account=desk.id) == []
    assert [each.kind for each in events(db, "tenancy.grant_given", "tenancy.grant_taken")] == [
        "tenancy.grant_given", "tenancy.grant_taken",
    ]  # fmt: skip


def test_who_may_more_is_out_of_reach(db: Database) -> None:
    demo = company(db)
    boss, chief, root, guard = (made(db, login, demo) for login in ("boss", "chief", "root", "guard"))
    write(db, grants.give, account=chief.id, role="security_administrator", level=Level.PLATFORM)
    write(db, grants.give, account=root.id, role="platform_administrator", level=Level.PLATFORM)
    write(db, grants.give, account=boss.id, role="company_manager", level=Level.COMPANY, node=demo, company=demo)
    write(db, grants.give, account=guard.id, role="guard", level=Level.COMPANY, node=demo, company=demo)
    manager = person(boss, Scope(demo), tenancy.Role.COMPANY_MANAGER)
    wide = person(boss, EVERYTHING, tenancy.Role.COMPANY_MANAGER)
    platform = person(root, EVERYTHING, tenancy.Role.PLATFORM_ADMINISTRATOR)
    security = person(chief, EVERYTHING, tenancy.Role.SECURITY_ADMINISTRATOR)
    for by, account, use_case in (
        (manager, chief, accounts.lock), (wide, chief, accounts.lock), (wide, root, accounts.close),
        (platform, chief, accounts.close),
    ):  # fmt: skip
        with pytest.raises(Denied, match=r"account\.outranks"):
            write(db, use_case, by=by, account=account.id)
    for by, account in ((manager, chief), (platform, chief)):
        with pytest.raises(Denied, match=r"account\.outranks"):
            write(db, accounts.set_password, by=by, account=account.id, password="mine")
    with pytest.raises(Denied, match=r"grant\.beyond"):
        write(db, grants.give, by=wide, account=guard.id, role="auditor", level=Level.PLATFORM)
    write(db, accounts.set_password, by=manager, account=guard.id, password="new")
    write(db, accounts.set_password, by=platform, account=boss.id, password="new")
    write(db, accounts.lock, by=security, account=guard.id)
    write(db, accounts.lock, by=security, account=root.id)


@pytest.mark.parametrize("elsewhere", ["company", "lot", "platform"])
def test_nobody_becomes_somebody_who_acts_elsewhere_too(db: Database, elsewhere: str) -> None:
    """A new password, factor or secret lets its maker in: as an account of its own company into another one."""
    demo, other, lots = company(db), company(db, "other"), [Id(int=number) for number in (1, 2)]
    boss, desk, robot = made(db, "boss", demo), made(db, "desk", demo), made(db, "robot", demo, None)
    by = person(boss, Scope(demo, (lots[0],) if elsewhere == "lot" else None), tenancy.Role.COMPANY_MANAGER)
    node = {"company": other, "lot": lots[1], "platform": None}[elsewhere]
    owner = {"company": other, "lot": demo, "platform": None}[elsewhere]
    for account in (desk, robot):
        write(db, grants.give, account=account.id, role="guard", level=Level(elsewhere), node=node, company=owner)
    for use_case, values in (
        (accounts.set_password, {"password": "mine"}), (accounts.unlock, {}),
        (second_factor.remove_second_factor, {"reason": "lost"}),
        (accounts.add_secret, {"digest": "x" * 64, "old_until_s": 0}),
    ):  # fmt: skip
        with pytest.raises(Denied, match=r"account\.outranks"):
            write(db, use_case, by=by, account=(robot if "digest" in values else desk).id, **values)
    if elsewhere != "lot":
        write(db, accounts.lock, by=by, account=desk.id)  # it is still an account of this company


def test_own_roles_hold_what_their_maker_has(db: Database) -> None:
    demo = company(db)
    boss, desk = made(db, "boss", demo), made(db, "desk", demo)
    by = person(boss, Scope(demo), tenancy.Role.COMPANY_MANAGER)
    role = {"company": demo, "code": "night_guard", "name": "夜班"}
    write(db, grants.save_role, by=by, **role, permissions=["lot.read", "lane.open"])
    write(db, grants.give, by=by, account=desk.id, role="night_guard", level=Level.COMPANY, node=demo, company=demo)
    assert read(db, grants.held_by, account=desk.id)[0].permissions == {"lot.read", "lane.open"}
    write(db, grants.save_role, by=by, **role, permissions=["lot.read"])
    assert read(db, grants.held_by, account=desk.id)[0].permissions == {"lot.read"}
    with pytest.raises(Denied, match=r"role\.beyond"):
        write(db, grants.save_role, by=by, **role, permissions=["audit.read"])
    with pytest.raises(Malformed, match=r"role\.permissions"):
        write(db, grants.save_role, by=by, **role, permissions=["lot.own"])
    with pytest.raises(Refused, match=r"role\.in_use"):
        write(db, grants.drop_role, by=by, company=demo, code="night_guard")
    with pytest.raises(Refused, match=r"role\.built_in"):
        write(db, grants.save_role, by=by, company=demo, code="guard", name="x", permissions=[])


def test_a_grant_ends_by_itself(db: Database, machine: ManualClock) -> None:
    demo, desk = company(db), made(db, "desk")
    until = machine.now() + MINUTE_US
    write(db, grants.give, account=desk.id, role="guard", level=Level.COMPANY, node=demo, company=demo, until=until)
    assert len(read(db, grants.held_by, account=desk.id)) == 1
    machine.advance(MINUTE_US)
    assert read(db, grants.held_by, account=desk.id) == []


def test_failures_make_the_right_password_wait_too(db: Database, machine: ManualClock) -> None:
    desk = made(db, "desk")
    for _ in range(5):
        assert signed_in(db, desk, "r", matches=False).refused == "credentials"
    assert signed_in(db, desk, "r").refused == "waiting"
    machine.advance(MINUTE_US)
    assert signed_in(db, desk, "r").session is not None
    told = events(db, "tenancy.sign_in_refused")
    assert [each.body["reason"] for each in told] == ["password"] * 5 + ["waiting"]
    assert read(db, accounts.account, account=desk.id).failures.count == 0


def test_a_login_that_nobody_has_leaves_as_much_work_behind_as_a_wrong_password(db: Database) -> None:
    """Both write to disk before they are answered, so that neither is the faster one; and both are in the trail."""
    desk = made(db, "desk")
    write(db, signing_in.sign_in, account=None, digest=None, matches=False, code=None, device=PHONE, refresh="x" * 64)
    assert signed_in(db, desk, "r", matches=False).refused == "credentials"
    told = [(each.body["account"], each.body["reason"]) for each in events(db, "tenancy.sign_in_refused")]
    assert told == [(str(NOBODY), "unknown"), (str(desk.id), "password")]


def test_a_locked_account_is_told_nothing_else_than_a_wrong_password(db: Database) -> None:
    desk = made(db, "desk")
    first = signed_in(db, desk, "r").session
    assert first is not None
    write(db, accounts.lock, account=desk.id)
    assert read(db, signing_in.standing, session=first.id) is None
    assert signed_in(db, desk, "r2").refused == "credentials"
    write(db, accounts.unlock, account=desk.id)
    assert signed_in(db, desk, "r3").session is not None
    write(db, accounts.close, account=desk.id)
    with pytest.raises(Refused, match=r"account\.closed"):
        write(db, accounts.unlock, account=desk.id)


def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_session(db: Database) -> None:
    desk = made(db, "desk")
    session = signed_in(db, desk, "r1").session
    assert session is not None
    change: dict[str, Any] = {"address": "192.0.2.9"}
    first = write(db, sessions.refresh, token=digest_of("r1"), following=digest_of("r2"), **change)
    assert first.session is not None
    assert first.session.id == session.id
    assert not write(db, sessions.refresh, token=digest_of("nobody's"), following=digest_of("x"), **change).reused
    again = write(db, sessions.refresh, token=digest_of("r1"), following=digest_of("r3"), **change)
    assert (again.session, again.reused) == (None, True)
    assert write(db, sessions.refresh, token=digest_of("r2"), following=digest_of("r4"), **change).session is None
    assert read(db, signing_in.standing, session=session.id) is None
    assert [each.body["reason"] for each in events(db, "tenancy.session_ended")] == ["reuse"]


def test_signing_out_of_one_and_of_all(db: Database) -> None:
    desk, bert = made(db, "desk"), made(db, "bert")
    by = Caller(Actor(ActorKind.PERSON, str(desk.id)), EVERYTHING, frozenset())
    mine = [signed_in(db, desk, f"r{number}").session for number in range(3)]
    others = signed_in(db, bert, "b").session
    assert others is not None
    assert all(mine)
    write(db, sessions.sign_out, by=by, account=desk.id, session=mine[0].id)  # type: ignore[union-attr]
    assert len(read(db, sessions.open_sessions, account=desk.id)) == 2
    with pytest.raises(NotFound, match=r"session\.not_found"):
        write(db, sessions.sign_out, by=by, account=desk.id, session=others.id)
    with pytest.raises(Denied):
        write(db, sessions.sign_out_everywhere, by=by, account=bert.id)
    write(db, sessions.sign_out_everywhere, by=by, account=desk.id)
    assert read(db, sessions.open_sessions, account=desk.id) == []
    assert len(read(db, sessions.open_sessions, account=bert.id)) == 1


def test_old_sessions_are_forgotten(db: Database, machine: ManualClock) -> None:
    desk = made(db, "desk")
    signed_in(db, desk, "r")
    assert write(db, sessions.purge) == 0
    machine.advance(sessions.SESSION_US + int(LOGS_DAYS.default) * DAY_US + 1)
    assert write(db, sessions.purge) == 1
    assert write(db, sessions.refresh, token=digest_of("r"), following="x" * 64, address=None).session is None


def test_client_secrets_overlap_while_they_are_changed(db: Database, machine: ManualClock) -> None:
    robot = write(
        db, accounts.make_account, kind=AccountKind.INTEGRATOR, login="robot", name="robot", company=None, password=None
    )  # fmt: skip

    def let_in(secret: str, client: str = "robot") -> bool:
        found = write(
            db, signing_in.sign_in_machine, secret=digest_of(secret), client=client, device=PHONE, life_us=MINUTE_US
        )  # fmt: skip
        return found.session is not None

    write(db, accounts.add_secret, account=robot.id, digest=digest_of("one"), old_until_s=0)
    assert let_in("one")
    assert not let_in("one", "other")
    write(db, accounts.add_secret, account=robot.id, digest=digest_of("two"), old_until_s=60)
    assert let_in("one")
    assert let_in("two")
    machine.advance(MINUTE_US)
    assert not let_in("one")
    assert let_in("two", str(robot.id))
    assert not signed_in(db, robot, "r").session
    with pytest.raises(Refused, match=r"account\.no_secret"):
        write(db, accounts.add_secret, account=made(db, "desk").id, digest="d" * 64, old_until_s=0)


def test_a_driver_is_one_account_by_openid_and_phone(db: Database) -> None:
    def come(openid: str | None, phone: str | None, refresh: str) -> Id:
        found = write(
            db, signing_in.sign_in_driver, openid=openid, phone=phone, device=PHONE, refresh=digest_of(refresh)
        )  # fmt: skip
        assert found.session is not None
        return found.session.account

    first = come("app:o1", None, "a")
    assert come("app:o1", "+8613800138000", "b") == first
    assert come(None, "+8613800138000", "c") == first
    assert come("app:o2", None, "d") != first
    assert len(events(db, "tenancy.account_made")) == 2
