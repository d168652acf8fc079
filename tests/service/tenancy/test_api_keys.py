"""Keys of machines on real databases: a nonce is good once whoever races, a day's count outlives the process."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from openberth.contexts import tenancy
from openberth.contexts.tenancy.model.accounts import Account, AccountKind, Level
from openberth.contexts.tenancy.model.api_keys import ApiKey, Use
from openberth.contexts.tenancy.service import accounts, api_keys, confirming, grants
from openberth.infra import nonces
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database, Unit
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Denied, Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, MINUTE_US, Instant
from tests.service.acting import SYSTEM, read, write


def robot(db: Database, kind: AccountKind = AccountKind.INTEGRATOR) -> Account:
    def make(unit: Unit) -> Account:
        company = tenancy.ensure_company(unit, code="demo").id
        made = accounts.make_account(unit, kind=kind, login="robot", name="robot", company=company, password=None)
        grants.give(unit, account=made.id, role="guard", level=Level.COMPANY, node=company, company=company)
        return made

    return db.write_now(make, by=SYSTEM)


def key_for(db: Database, account: Account, name: str = "k1", **changes: object) -> ApiKey:
    values: dict[str, object] = {
        "key": f"obk_{name}", "secret": f"secret of {name}", "name": name, "scopes": ["lot.read"], "per_minute": 60,
        "per_day": 5,
    }  # fmt: skip
    make = partial(api_keys.make_key, account=account.id, **(values | changes))  # type: ignore[arg-type]
    return db.write_now(make, by=SYSTEM)


def used(db: Database, key: ApiKey, nonce: str) -> Use:
    until = Instant(db.clocks.machine.now() + 10 * MINUTE_US)
    found = write(db, api_keys.use_key, key=key.id, nonce=nonce, per_day=key.per_day, timely_until=until)
    return Use(found.use)


def test_a_nonce_is_good_once_for_its_key(db: Database) -> None:
    account = robot(db)
    first, second = key_for(db, account), key_for(db, account, "k2")
    assert [used(db, first, "n" * 16) for _ in range(2)] == [Use.GOOD, Use.REPLAYED]
    assert used(db, second, "n" * 16) is Use.GOOD
    assert read(db, api_keys.uses_of, key=first) == (1, db.clocks.machine.now())


def test_of_many_who_show_the_same_nonce_at_once_one_is_let_in(db: Database) -> None:
    key = key_for(db, robot(db), per_day=100)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: used(db, key, "the-same-nonce-1"), range(8)))
    assert sorted(found) == [Use.GOOD] + [Use.REPLAYED] * 7


def test_a_days_quota_is_counted_on_disk_also_by_many_at_once(db: Database, machine: ManualClock) -> None:
    key = key_for(db, robot(db))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: used(db, key, f"nonce-number-{number:04}"), range(8)))
    assert sorted(found) == [Use.GOOD] * 5 + [Use.OVER] * 3
    assert read(db, api_keys.uses_of, key=key)[0] == 5
    machine.advance(DAY_US)
    assert used(db, key, "another-day-00001") is Use.GOOD


def test_nonces_and_old_days_are_forgotten(db: Database, machine: ManualClock) -> None:
    key = key_for(db, robot(db))
    assert used(db, key, "n" * 16) is Use.GOOD
    assert db.write_now(nonces.purge, by=SYSTEM) == 0
    machine.advance(10 * MINUTE_US + 1)
    assert db.write_now(nonces.purge, by=SYSTEM) == 1
    machine.advance(401 * DAY_US)
    assert write(db, api_keys.purge_uses) == 1
    assert read(db, api_keys.uses_of, key=key) == (0, None)


def test_two_keys_hold_at_a_time_and_an_ended_ones_secret_is_erased(db: Database, machine: ManualClock) -> None:
    account = robot(db)
    first = key_for(db, account, until_s=3_600)
    key_for(db, account, "k2")
    with pytest.raises(Refused, match=r"api_key\.two_already"):
        key_for(db, account, "k3")
    opened = read(db, api_keys.opened, key=first.key)
    assert opened is not None
    assert opened.secret == "secret of k1"
    assert "secret of k1" not in repr(opened)
    machine.advance(3_600 * 1_000_000)
    assert read(db, api_keys.opened, key=first.key) is None
    key_for(db, account, "k3")
    write(db, api_keys.end_key, account=account.id, key="obk_k2")
    assert read(db, api_keys.opened, key="obk_k2") is None
    write(db, api_keys.end_key, account=account.id, key="obk_k2")
    assert [each.key for each in read(db, api_keys.keys_of, account=account.id)] == ["obk_k3", "obk_k2", "obk_k1"]
    with pytest.raises(NotFound, match=r"api_key\.not_found"):
        write(db, api_keys.end_key, account=account.id, key="obk_none")


def test_a_key_holds_no_more_than_its_account_and_is_made_by_who_may(db: Database) -> None:
    account = robot(db)
    with pytest.raises(Malformed, match=r"api_key\.scopes"):
        key_for(db, account, scopes=["lot.read", "role.write"])
    guard = Caller(replace(SYSTEM.actor), SYSTEM.scope, tenancy.ROLES[tenancy.Role.GUARD])
    make = partial(api_keys.make_key, account=account.id, key="k", secret="s", name="n", scopes=["lot.read"],
                   per_minute=1, per_day=1)  # fmt: skip
    with pytest.raises(Denied):
        db.write_now(make, by=guard)


def test_people_have_no_keys(db: Database) -> None:
    with pytest.raises(Refused, match=r"api_key\.person"):
        key_for(db, robot(db, AccountKind.PERSON))


def test_a_confirmation_is_good_once_for_what_it_was_given(db: Database, machine: ManualClock) -> None:
    session, other = Id(int=7), Id(int=8)
    made: str = read(db, confirming.confirmation_of, session=session, deed="lane.open", subject="/v1/x")

    def use(**changes: object) -> bool:
        values: dict[str, object] = {
            "session": session, "deed": "lane.open", "subject": "/v1/x", "confirmation": made,
        }  # fmt: skip
        return db.write_now(partial(confirming.use_confirmation, **(values | changes)), by=SYSTEM)  # type: ignore[arg-type]

    assert not use(session=other)
    assert not use(deed="refund.write")
    assert not use(subject="/v1/y")
    assert not use(confirmation=made[:-1] + ("0" if made[-1] != "0" else "1"))
    assert use()
    assert not use()
    until, nonce, mac = read(
        db, confirming.confirmation_of, session=session, deed="lane.open", subject=f"/v1/x\n{2**60}"
    ).split(".")
    assert not use(confirmation=f"{2**60}.{until}\n{nonce}.{mac}")  # no subject makes another's end later
    late: str = read(db, confirming.confirmation_of, session=session, deed="lane.open", subject="/v1/x")
    machine.advance(2 * MINUTE_US)
    assert not use(confirmation=late)
