"""Two writers who read the same version do not both win: roles, settings, accounts and names of the organisation."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from openberth.contexts import tenancy
from openberth.contexts.tenancy.model.accounts import Account, AccountKind, AccountState
from openberth.contexts.tenancy.model.organisation import Node
from openberth.contexts.tenancy.model.permissions import OwnRole
from openberth.contexts.tenancy.service import accounts, grants, organisation, settings, signing_in
from openberth.contexts.tenancy.service.sessions import Device
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.kernel.errors import Problem, Refused
from openberth.kernel.ids import Id
from tests.service.acting import events, read, write
from tests.waiting import PATIENCE_S

WRITERS = 4
PICTURES = tenancy.PICTURES_DAYS.code
ROLE: dict[str, Any] = {"code": "night", "name": "夜班"}


def company(db: Database) -> Id:
    return write(db, organisation.found_company, code="demo", name="演示", name_en="Demo").id


def refusals(act: Callable[[int], Any]) -> list[str]:
    """Let several act at once; return the codes of what refused all but those who won."""
    ready = Barrier(WRITERS)

    def one(number: int) -> str | None:
        ready.wait(PATIENCE_S)
        try:
            act(number)
        except Problem as error:
            return error.code
        return None

    with ThreadPoolExecutor(WRITERS) as pool:
        return [each for each in pool.map(one, range(WRITERS)) if each is not None]


ALL_BUT_ONE = ["state.changed"] * (WRITERS - 1)


def roles(db: Database, owner: Id) -> list[OwnRole]:
    return read(db, grants.own_roles, company=owner)


def test_of_several_who_change_a_role_one_wins(db: Database) -> None:
    owner = company(db)
    first = write(db, grants.save_role, company=owner, **ROLE, permissions=["lot.read"], expected=0)

    def change(number: int) -> None:
        name = f"night {number}"
        write(db, grants.save_role, company=owner, code="night", name=name, permissions=[], expected=first.version)

    assert refusals(change) == ALL_BUT_ONE
    (now,) = roles(db, owner)
    assert now.version == first.version + 1
    write(db, grants.save_role, company=owner, **ROLE, permissions=["lot.read"], expected=now.version)


def test_of_several_who_make_a_role_of_one_code_one_wins(db: Database) -> None:
    owner = company(db)
    assert refusals(
        lambda number: write(
            db, grants.save_role, company=owner, code="night", name=f"night {number}", permissions=[], expected=0
        )
    ) == ALL_BUT_ONE  # fmt: skip


def test_a_role_that_was_dropped_and_made_anew_is_another_one(db: Database, machine: ManualClock) -> None:
    owner = company(db)
    first = write(db, grants.save_role, company=owner, **ROLE, permissions=["lot.read"])
    write(db, grants.drop_role, company=owner, code="night", expected=first.version)
    machine.advance(1)
    again = write(db, grants.save_role, company=owner, **ROLE, permissions=["lane.open"])
    with pytest.raises(Refused, match=r"state\.changed"):
        write(db, grants.drop_role, company=owner, code="night", expected=first.version)
    assert [each.version for each in roles(db, owner)] == [again.version]


def test_the_same_role_again_is_no_conflict_with_itself_and_no_change(db: Database) -> None:
    owner = company(db)
    asked: dict[str, Any] = {"company": owner, **ROLE, "permissions": ["lot.read"], "expected": 0}
    assert write(db, grants.save_role, **asked) == write(db, grants.save_role, **asked)
    assert len(events(db, "tenancy.role_changed")) == 1


def set_days(db: Database, days: int, expected: int | None) -> int:
    found = write(db, settings.set_setting, node=Node.platform(), key=PICTURES, value=days, expected=expected)
    assert found.own is not None
    return found.own.version


def test_of_several_who_set_a_value_one_wins(db: Database) -> None:
    assert refusals(lambda number: set_days(db, 70 + number, 0)) == ALL_BUT_ONE
    there = set_days(db, 90, None)
    assert refusals(lambda number: set_days(db, 100 + number, there)) == ALL_BUT_ONE
    assert set_days(db, 90, there + 1) == there + 2
    assert set_days(db, 90, there) == there + 2, "the same again after a lost answer"


def test_a_value_that_was_taken_back_and_set_anew_is_another_one(db: Database, machine: ManualClock) -> None:
    there = set_days(db, 90, 0)
    write(db, settings.clear_setting, node=Node.platform(), key=PICTURES, expected=there)
    machine.advance(1)
    assert set_days(db, 120, 0) != there
    for attempt in (
        lambda: set_days(db, 90, there),
        lambda: write(db, settings.clear_setting, node=Node.platform(), key=PICTURES, expected=there),
    ):
        with pytest.raises(Refused, match=r"state\.changed"):
            attempt()


def account(db: Database) -> Account:
    return write(
        db, accounts.make_account, kind=AccountKind.PERSON, login="desk-1", name="王小明", company=None, password="old"
    )


def test_of_several_who_give_a_password_one_wins(db: Database) -> None:
    seen = account(db)
    act = lambda number: write(  # noqa: E731 - what each of them does
        db, accounts.set_password, account=seen.id, password=f"digest {number}", expected=seen.changed_at
    )
    assert refusals(act) == ALL_BUT_ONE


def test_an_account_is_not_let_in_again_by_who_did_not_see_why_it_is_kept_out_now(db: Database) -> None:
    desk = account(db)
    write(db, accounts.lock, account=desk.id)
    seen = read(db, accounts.account, account=desk.id)
    write(db, accounts.unlock, account=desk.id, expected=seen.changed_at)
    write(db, accounts.lock, account=desk.id)
    with pytest.raises(Refused, match=r"state\.changed"):
        write(db, accounts.unlock, account=desk.id, expected=seen.changed_at)
    assert read(db, accounts.account, account=desk.id).state is AccountState.LOCKED


def test_guessing_passwords_keeps_nobody_from_writing(db: Database) -> None:
    seen = account(db)
    for _ in range(6):
        attempt = write(
            db, signing_in.sign_in, account=seen.id, digest="digest", matches=False, code=None,
            device=Device("p", "192.0.2.1"), refresh="x" * 64,
        )  # fmt: skip
        assert attempt.session is None
    now = read(db, accounts.account, account=seen.id)
    assert now.version > seen.version
    write(db, accounts.close, account=seen.id, expected=seen.changed_at)


def test_of_several_who_rename_a_company_one_wins(db: Database) -> None:
    company(db)
    seen = next(each for each in read(db, tenancy.companies) if each.code == "demo")
    assert refusals(
        lambda number: write(
            db, organisation.rename_company, company="demo", name=f"演示{number}", name_en="Demo", expected=seen.version
        )
    ) == ALL_BUT_ONE  # fmt: skip
