"""Personal values at rest: one row a value, readable only in its place, gone when erased."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from openberth.infra.clocks import Clocks
from openberth.infra.database import Database, Reader, open_database
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.infra.keys import KeyRing
from openberth.infra.sealing import RingSealer
from openberth.infra.vault import VaultKind, count_of, erase, find, keep, keys_in_use, reveal
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from tests.service.infra import tables
from tests.service.infra.facts import BY

PLATE, OTHER = "粤B12345", "粤B54321"


def kept(db: Database, text: str = PLATE, kind: VaultKind = VaultKind.PLATE) -> Id:
    return db.write_now(partial(keep, kind=kind, text=text), by=BY)


def revealed(db: Database, vault_id: Id) -> str | None:
    return db.read_now(partial(reveal, vault_id=vault_id), by=BY)


def count(db: Database) -> int:
    return int(tables.execute(db, "SELECT count(*) FROM vault")[0][0])


def test_a_value_is_one_row_however_often_it_comes(db: Database) -> None:
    vault_id = kept(db)
    assert kept(db) == vault_id
    assert count(db) == 1
    assert revealed(db, vault_id) == PLATE
    assert db.read_now(partial(find, kind=VaultKind.PLATE, text=PLATE), by=BY) == vault_id
    assert db.read_now(partial(find, kind=VaultKind.PLATE, text=OTHER), by=BY) is None


def test_kinds_never_meet(db: Database) -> None:
    assert kept(db) != kept(db, kind=VaultKind.DEVICE_SECRET)
    assert count(db) == 2


def test_many_at_once_keep_one_row(db: Database) -> None:
    with ThreadPoolExecutor(12) as threads:
        found = set(threads.map(lambda _: kept(db), range(24)))
    assert len(found) == 1
    assert count(db) == 1


def test_nothing_of_the_value_is_in_the_row(db: Database) -> None:
    kept(db)
    ((*cells,),) = tables.execute(db, "SELECT * FROM vault")
    stored = b"|".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)
    assert PLATE.encode() not in stored
    assert b"12345" not in stored


def test_erasing_is_for_ever(db: Database) -> None:
    vault_id = kept(db)
    other = kept(db, OTHER)
    assert db.write_now(partial(erase, vault_id=vault_id), by=BY)
    assert not db.write_now(partial(erase, vault_id=vault_id), by=BY)
    assert revealed(db, vault_id) is None
    assert db.read_now(partial(find, kind=VaultKind.PLATE, text=PLATE), by=BY) is None
    assert revealed(db, other) == OTHER
    assert kept(db) != vault_id


@pytest.mark.parametrize("damage", ["sealed", "kind"])
def test_a_tampered_row_raises(db: Database, damage: str) -> None:
    vault_id = kept(db)
    if damage == "kind":
        tables.execute(db, "UPDATE vault SET kind = 'device_secret'")
    else:
        ((sealed,),) = tables.execute(db, "SELECT sealed FROM vault")
        flipped = bytes(sealed[:-1]) + bytes([sealed[-1] ^ 1])
        literal = rf"'\x{flipped.hex()}'" if db.kind == "postgresql" else f"X'{flipped.hex()}'"
        tables.execute(db, f"UPDATE vault SET sealed = {literal}")
    with pytest.raises(Refused, match=r"vault\.tampered"):
        revealed(db, vault_id)


def test_a_ciphertext_moved_to_another_row_raises(db: Database) -> None:
    first, second = kept(db), kept(db, OTHER)
    ((sealed,),) = tables.execute(db, f"SELECT sealed FROM vault WHERE id = {literal_of(db, first)}")
    value = rf"'\x{bytes(sealed).hex()}'" if db.kind == "postgresql" else f"X'{bytes(sealed).hex()}'"
    tables.execute(db, f"UPDATE vault SET sealed = {value} WHERE id = {literal_of(db, second)}")
    assert revealed(db, first) == PLATE
    with pytest.raises(Refused, match=r"vault\.tampered"):
        revealed(db, second)


def literal_of(db: Database, identifier: Id) -> str:
    return f"'{identifier}'" if db.kind == "postgresql" else f"X'{identifier.hex}'"


def test_the_keys_in_use_are_known(db: Database) -> None:
    sealer = db.keys
    assert isinstance(sealer, RingSealer)
    assert db.read_now(keys_in_use, by=BY) == []
    kept(db)
    kept(db, OTHER)
    assert db.read_now(keys_in_use, by=BY) == [sealer.current]
    tables.execute(db, f"UPDATE vault SET key_id = 'ffffffff' WHERE id = {literal_of(db, kept(db))}")
    assert db.read_now(keys_in_use, by=BY) == [sealer.current, "ffffffff"]
    assert db.read_now(partial(count_of, key_id=sealer.current), by=BY) == 1


def test_with_another_key_nothing_is_readable_and_nothing_is_doubled(sqlite: SqliteDatabase, clocks: Clocks) -> None:
    vault_id = kept(sqlite)
    sqlite.close()
    stranger = open_database(f"sqlite:///{sqlite.path}", clocks, RingSealer(KeyRing.fresh()), node="test")
    with pytest.raises(Refused, match=r"vault\.key_unknown"):
        revealed(stranger, vault_id)
    stranger.close()


def test_old_keys_stay_readable_after_a_rotation(sqlite: SqliteDatabase, clocks: Clocks) -> None:
    sqlite.close()
    ring = KeyRing.fresh()
    before = open_database(f"sqlite:///{sqlite.path}", clocks, RingSealer(ring), node="test")
    vault_id = kept(before)
    before.close()
    after = open_database(f"sqlite:///{sqlite.path}", clocks, RingSealer(ring.rotated()), node="test")
    assert kept(after) == vault_id
    assert revealed(after, vault_id) == PLATE

    def keys(_: Reader) -> set[str]:
        return {key for (key,) in tables.execute(after, "SELECT key_id FROM vault")}

    kept(after, OTHER)
    assert len(after.read_now(keys, by=BY)) == 2
    after.close()
