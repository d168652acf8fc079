"""The way back: everything fits, or nothing is touched."""

import contextlib
import hashlib
import io
import sqlite3
import tarfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openberth.contexts.tenancy.model.audit import Fault
from openberth.infra.backup import Manifest, backup, restore, verify
from openberth.infra.clocks import Clocks, ManualClock
from openberth.infra.database import open_database, sole_owner
from openberth.infra.database.migrating import check, migrate, newest
from openberth.infra.keys import open_keys
from openberth.infra.sealing import RingSealer
from openberth.infra.vault import reveal
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.time import from_iso
from tests.service.infra.facts import BY, envelopes, numbers, tell_all
from tests.service.infra.sites import ALL_VAULT, KINDS, PICTURES, Site, listing, manifest_of, refused
from tests.service.tenancy.trail import faults, head, sql, write_deeds


@pytest.mark.parametrize("name", KINDS)
def test_everything_comes_back_and_works(site: Site, name: str, clocks: Clocks) -> None:
    source = site.backup(name)
    data = site.restore(source)
    for picture, content in PICTURES.items():
        assert (data / picture).read_bytes() == content
    url = f"sqlite:///{data / 'openberth.db'}"
    assert check(url) == newest()
    db = open_database(url, clocks, RingSealer(site.ring), node="test")
    tell_all(db, 4)
    assert [(found.position, found.body["number"]) for found in envelopes(db)] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    (vault_id,) = db.read_now(lambda reader: reader.all(ALL_VAULT), by=BY)
    assert db.read_now(lambda reader: reveal(reader, vault_id), by=BY) == "粤B12345"
    db.close()
    assert not (data / ".restoring").exists()


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("file", ["openberth.db", "data/pictures/2026-11/20/a", "files.sha256", "manifest.json"])
def test_one_changed_byte_is_enough(site: Site, name: str, file: str) -> None:
    source = site.backup(name)
    damage(source, file, lambda content: content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    before = listing(site.root)
    with pytest.raises((Refused, Malformed)) as caught:
        site.restore(source)
    assert caught.value.code in ("backup.damaged", "backup.not_a_backup")
    if file not in ("files.sha256", "manifest.json"):
        assert caught.value.params["file"] == file
    assert listing(site.root) == before


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("file", ["openberth.db", "data/pictures/2026-11/20/a", "files.sha256", "manifest.json"])
def test_a_missing_file_is_noticed(site: Site, name: str, file: str) -> None:
    source = site.backup(name)
    damage(source, file, lambda content: None)
    with pytest.raises((Refused, Malformed)):
        site.restore(source)
    assert not (site.root / "restored").exists()


def damage(source: Path, file: str, change: Callable[[bytes], bytes | None]) -> None:
    """Change or remove a file of a backup."""
    if source.is_dir():
        content = change((source / file).read_bytes())
        (source / file).unlink()
        if content is not None:
            (source / file).write_bytes(content)
        return
    with tarfile.open(source) as tar:
        held = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    content = change(held.pop(file))
    if content is not None:
        held[file] = content
    pack(source, held)


def pack(target: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(target, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def rewrite_manifest(source: Path, **changes: Any) -> None:
    manifest = replace(manifest_of(source), **changes)
    (source / "manifest.json").write_bytes(manifest.to_json())


def test_without_its_keys_nothing_comes_back(site: Site) -> None:
    source = site.backup()
    other = site.root / "other.json"
    open_keys(other, key_in_use=None)
    problem = refused(lambda: site.restore(source, keys=other), "backup.keys_missing")
    assert problem.params == {"keys": site.ring.current, "path": str(other)}
    refused(lambda: site.restore(source, keys=site.root / "absent.json"), "vault.key_missing")
    assert not (site.root / "restored").exists()


def test_an_empty_vault_needs_no_keys(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'data/openberth.db'}"
    migrate(url)
    made = backup(database_url=url, data=tmp_path / "data", target=tmp_path / "backup")
    to = tmp_path / "restored"
    restore(source=made.target, database_url=f"sqlite:///{to / 'openberth.db'}", data=to, keys=tmp_path / "absent")
    assert (to / "openberth.db").exists()


def test_a_newer_program_s_backup_is_refused(site: Site) -> None:
    source = site.backup()
    rewrite_manifest(source, revision="9999", program="9.9.9")
    problem = refused(lambda: site.restore(source), "backup.too_new")
    assert problem.params == {"program": "9.9.9", "revision": "9999"}


def test_a_backup_of_another_kind_of_database_is_refused(site: Site) -> None:
    source = site.backup()
    refused(lambda: site.restore(source, database_url="postgresql://u@h/d"), "backup.other_database")


def test_what_is_there_is_not_overwritten_unless_told(site: Site, clocks: Clocks) -> None:
    source = site.backup()
    tell_all(site.db, 99)  # stays in the write-ahead log, which must not meet the restored database
    site.db.close()
    before = listing(site.data)
    refused(lambda: site.restore(source, to="data"), "backup.target_not_empty")
    assert listing(site.data) - {"openberth.db.lock"} == before
    site.restore(source, to="data", replace=True, clock=ManualClock(from_iso("2026-11-22T03:00:00Z")))
    db = open_database(site.url, clocks, RingSealer(site.ring), node="test")
    assert numbers(envelopes(db)) == [1, 2, 3]
    db.close()
    aside = site.data / "replaced-20261122T030000000000"
    assert (aside / "pictures/2026-11/20/a").read_bytes() == PICTURES["pictures/2026-11/20/a"]
    with contextlib.closing(sqlite3.connect(aside / "openberth.db")) as old:
        assert old.execute("SELECT count(*) FROM event").fetchone() == (4,)
    assert "replaced" not in " ".join(listing(site.backup("next") / "data"))


def test_a_running_service_is_not_restored_over(site: Site) -> None:
    source = site.backup()
    with sole_owner(site.data / "openberth.db"):
        refused(lambda: site.restore(source, to="data", replace=True), "database.in_use")
    assert numbers(envelopes(site.db)) == [1, 2, 3]


def test_an_interrupted_restore_can_be_begun_again(site: Site) -> None:
    source = site.backup()
    left = site.root / "restored/.restoring/data"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"x")
    data = site.restore(source)
    assert (data / "openberth.db").exists()
    assert not (data / "half").exists()


def test_what_is_no_backup_says_so(site: Site) -> None:
    (site.root / "folder").mkdir()
    (site.root / "text.tar").write_text("hello")
    pack(site.root / "empty.tar", {})
    pack(site.root / "other.tar", {"manifest.json": b'{"format": "something/1"}'})
    pack(site.root / "wrong.tar", {"manifest.json": b"[1, 2]"})
    for name in ("folder", "text.tar", "empty.tar", "other.tar", "wrong.tar", "absent"):
        refused(partial(verify, site.root / name), "backup.not_a_backup")


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "data/../../evil", "data\\evil", "data/a\u202eb"])
def test_names_that_lead_out_are_refused(site: Site, name: str) -> None:
    source = site.backup("backup.tar")
    with tarfile.open(source) as tar:
        held = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    held[name] = b"evil"
    held["files.sha256"] += f"{hashlib.sha256(b'evil').hexdigest()}  {name}\n".encode()
    manifest = Manifest.from_json(held["manifest.json"], source="")
    changed = replace(manifest, files=manifest.files + 1, list_sha256=hashlib.sha256(held["files.sha256"]).hexdigest())
    held["manifest.json"] = changed.to_json()
    pack(source, held)
    refused(lambda: site.restore(source), "backup.not_a_backup")
    assert not (site.root / "evil").exists()


def test_a_link_in_a_backup_is_not_followed(site: Site) -> None:
    source = site.backup()
    picture = source / "data/pictures/empty"
    picture.unlink()
    (site.root / "empty").write_bytes(b"")
    picture.symlink_to(site.root / "empty")
    refused(lambda: site.restore(source), "backup.damaged")


def test_the_audit_chain_comes_back_whole_and_closed(site: Site, clocks: Clocks) -> None:
    write_deeds(site.db, 3)
    carried = head(site.db)
    source = site.backup()
    write_deeds(site.db, 1)
    db = open_database(f"sqlite:///{site.restore(source) / 'openberth.db'}", clocks, RingSealer(site.ring), node="test")
    assert faults(db, carried) == []
    assert faults(db, head(site.db)) == [(Fault.CUT, 4, 4)]  # what came after the backup is lost, and that shows
    write_deeds(db, 1)
    assert faults(db, carried) == []
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        sql(db, "DELETE FROM audit_entry")
    db.close()
