"""Who may change the sealing keys, what is written down of it, and when an old key may go."""

import asyncio
import base64
from functools import partial
from pathlib import Path

import pytest

from openberth.contexts import tenancy
from openberth.contexts.tenancy.model.permissions import PERMISSIONS, ROLES, Role
from openberth.contexts.tenancy.reactions.vault_keys import VaultKeys
from openberth.contexts.tenancy.service import vault_keys as service
from openberth.infra import key_keeping, vault
from openberth.infra.database import Database
from openberth.infra.http.idempotent import once
from openberth.infra.idempotency import RequestKey
from openberth.infra.jobs import Job
from openberth.infra.key_keeping import RESEAL, KeyKeeper
from openberth.infra.keys import Cipher, load_keys, open_keys
from openberth.infra.sealing import RingSealer
from openberth.infra.vault import VaultKind
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Denied, Refused
from openberth.kernel.ids import Id
from tests.service.acting import COMPANY, SYSTEM
from tests.service.tenancy.trail import all_entries, faults

OFFICER = Caller(
    Actor(ActorKind.PERSON, "zhao", "192.0.2.8"), EVERYTHING, ROLES[Role.SECURITY_ADMINISTRATOR]
)  # fmt: skip
JOB = Job(Id(int=1), RESEAL, {}, 1, None)


@pytest.fixture
def path(db: Database, tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "keys.json"
    db.keys = RingSealer(open_keys(path, key_in_use=None), path=path)
    return path


@pytest.fixture
def vault_keys(db: Database, path: Path) -> VaultKeys:
    return VaultKeys(db, KeyKeeper(db), cipher=Cipher.SM4)


def rotated(keys: VaultKeys, by: Caller = OFFICER) -> str:
    return asyncio.run(keys.rotate(cipher=None, by=by))


def retired(keys: VaultKeys, key: str, *, by: Caller = OFFICER, despite_backups: bool = False) -> Path:
    return asyncio.run(keys.retire(key=key, despite_backups=despite_backups, by=by))


def kept(db: Database, text: str = "粤B12345") -> Id:
    return db.write_now(partial(vault.keep, kind=VaultKind.PLATE, text=text), by=SYSTEM)


def refusal(keys: VaultKeys, key: str) -> Refused:
    with pytest.raises(Refused) as caught:
        retired(keys, key)
    return caught.value


def test_a_rotation_is_written_down_with_who_asked_for_it(db: Database, vault_keys: VaultKeys, path: Path) -> None:
    old = load_keys(path).current
    new = rotated(vault_keys)
    ring = load_keys(path)
    assert (ring.current, list(ring.sealing), ring.sealing[new].cipher) == (new, [old, new], Cipher.SM4)
    (entry,) = all_entries(db)
    assert (entry.deed, entry.subject, entry.actor_name, entry.address, entry.new_values) == (
        "vault_key.made", new, "zhao", "192.0.2.8", '{"algorithm":"sm4-gcm"}',
    )  # fmt: skip
    assert db.write_now(lambda unit: unit.keys.seal(b"x", context=b"y")[0], by=SYSTEM) == new


def test_who_may_not_changes_nothing(db: Database, vault_keys: VaultKeys, path: Path) -> None:
    manager = Caller(OFFICER.actor, EVERYTHING, ROLES[Role.PLATFORM_ADMINISTRATOR])
    old = load_keys(path).current
    for attempt in (lambda: rotated(vault_keys, manager), lambda: retired(vault_keys, old, by=manager)):
        with pytest.raises(Denied):
            attempt()
    of_company = Caller(OFFICER.actor, Scope(COMPANY), PERMISSIONS)
    for by in (manager, of_company):
        with pytest.raises(Denied):
            db.read_now(partial(service.standing, known=()), by=by)
    with pytest.raises(Denied):
        rotated(vault_keys, of_company)
    assert list(load_keys(path).sealing) == [old]
    assert all_entries(db) == []


def test_a_change_that_fails_is_told_and_written_down(db: Database, vault_keys: VaultKeys, path: Path) -> None:
    path.chmod(0o644)
    with pytest.raises(Refused, match=r"vault\.key_exposed"):
        rotated(vault_keys)
    assert [(each.deed, each.outcome, each.reason) for each in all_entries(db)] == [
        ("vault_key.made", "done", None), ("vault_key.made", "refused", "vault.key_exposed"),
    ]  # fmt: skip


def test_a_key_goes_when_nothing_needs_it_and_not_before(db: Database, vault_keys: VaultKeys, path: Path) -> None:
    old = load_keys(path).current
    kept(db)
    assert refusal(vault_keys, old).code == "vault.key_current"
    assert refusal(vault_keys, "00000000").code == "vault.key_not_there"
    request = RequestKey.of("k", caller="zhao", method="POST", path="/v1/x", body=b"")
    db.write_now(once(request, lambda _: {"secret": "s"}, secret=True), by=SYSTEM)
    backup = service.backup_deed(target="2026-11-20.tar", keys=(old,), revision="0008")
    db.write_now(lambda unit: tenancy.record(unit, backup), by=SYSTEM)
    new = rotated(vault_keys)
    db.write_now(partial(key_keeping._say, process="far:7", holds=(old, new), seals=old), by=SYSTEM)
    told = refusal(vault_keys, old)
    assert (told.code, told.params) == (
        "vault.key_needed", {"key": old, "rows": 1, "answers": 1, "processes": 1},
    )  # fmt: skip
    asyncio.run(KeyKeeper(db)._reseal(JOB))
    db.write_now(partial(key_keeping._say, process="far:7", holds=(old, new), seals=new), by=SYSTEM)
    assert refusal(vault_keys, old).params == {"key": old, "rows": 0, "answers": 1, "processes": 0}
    db.write_now(lambda unit: unit._session.execute("DELETE FROM idempotency", ()), by=SYSTEM)
    told = refusal(vault_keys, old)
    assert (told.code, told.params["backups"]) == ("vault.key_in_backups", 1)
    file = retired(vault_keys, old, despite_backups=True)
    assert old in file.name
    assert list(load_keys(path).sealing) == [new]
    assert [each.deed for each in all_entries(db)] == ["backup.made", "vault_key.made", "vault_key.retired"]
    assert faults(db) == []


def test_how_keys_stand_is_told(db: Database, vault_keys: VaultKeys, path: Path) -> None:
    old = load_keys(path).current
    for each in range(3):
        kept(db, f"value {each}")
    new = rotated(vault_keys)
    kept(db, "another")
    found = db.read_now(partial(service.standing, known=(old, new)), by=OFFICER)
    assert {key: need.rows for key, need in found.needs.items()} == {old: 3, new: 1}
    assert found.holders == () or {each.seals for each in found.holders} == {new}


def test_the_secret_of_a_key_is_in_no_row(db: Database, vault_keys: VaultKeys, path: Path) -> None:
    new = rotated(vault_keys)
    key = load_keys(path).sealing[new]
    for entry in all_entries(db):
        for form in (key.secret.hex(), base64.b64encode(key.secret).decode()):
            assert form not in repr(entry)
