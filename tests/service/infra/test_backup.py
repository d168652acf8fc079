"""Backups: made while the service writes, whole or not at all."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import make_url

from openberth import __version__
from openberth.infra.backup import backup, copying, making, restore, verify
from openberth.infra.clocks import Clocks, ManualClock
from openberth.infra.database import open_database, sole_owner
from openberth.infra.database.migrating import check, newest
from openberth.infra.sealing import RingSealer
from openberth.infra.vault import VaultKind, keep, reveal
from openberth.kernel.errors import Overloaded, Problem
from openberth.kernel.time import from_iso
from tests.service.infra.facts import BY, envelopes, numbers, tell
from tests.service.infra.sites import ALL_VAULT, KINDS, PICTURES, Site, listing, manifest_of, refused
from tests.waiting import eventually


def test_a_backup_says_what_it_is(site: Site) -> None:
    made = backup(
        database_url=site.url, data=site.data, target=site.root / "backup",
        clock=ManualClock(from_iso("2026-11-22T03:00:00Z")),
    )  # fmt: skip
    assert made.advice is None
    manifest = json.loads((made.target / "manifest.json").read_text("utf-8"))
    assert manifest["format"] == "openberth-backup/1"
    assert (manifest["program"], manifest["revision"]) == (__version__, newest())
    assert manifest["made_at"] == "2026-11-22T03:00:00.000000Z"
    assert manifest["keys"] == [site.ring.current]
    assert (manifest["rows"]["event"], manifest["rows"]["vault"], manifest["position"]) == (3, 1, 3)
    assert manifest["files"] == 1 + len(PICTURES)
    assert manifest_of(made.target) == made.manifest


def test_its_list_is_what_sha256sum_reads(site: Site) -> None:
    target = site.backup()
    done = subprocess.run(["sha256sum", "--check", "--strict", "files.sha256"], cwd=target, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b": OK") == 1 + len(PICTURES)
    assert listing(target) >= {f"data/{name}" for name in PICTURES} | {"openberth.db", "manifest.json"}


@pytest.mark.parametrize("name", KINDS)
def test_no_key_and_no_personal_value_is_in_it(site: Site, name: str) -> None:
    target = site.backup(name)
    files = [target] if target.is_file() else [path for path in target.rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    for key in [*(each.secret for each in site.ring.sealing.values()), site.ring.fingerprint]:
        assert key not in content
        assert key.hex().encode() not in content
    assert "粤B12345".encode() not in content


def test_nothing_but_whole_pictures_and_the_database_is_in_it(site: Site) -> None:
    (site.data / "pictures/2026-11/20/.half").write_bytes(b"x")
    (site.data / "pictures/link").symlink_to(site.keys)
    (site.data / "operator.token").write_text("secret")
    with sole_owner(site.data / "openberth.db"):
        target = site.backup()
    files = {path for path in listing(target / "data") if (target / "data" / path).is_file()}
    assert files == set(PICTURES)


def test_it_is_one_consistent_state_of_a_service_that_keeps_writing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small steps and many commits: without one snapshot the copy would begin anew at each commit, for ever."""
    stop, written, steps = threading.Event(), list[int](), list[int]()

    def pause(_: float) -> None:
        """Between two steps somebody writes and is through: nobody waits until the copy is done."""
        steps.append(len(written))
        assert eventually(lambda: len(written) > steps[-1] + 1)  # one may have begun before

    monkeypatch.setattr(copying, "PAGES_PER_STEP", 8)
    monkeypatch.setattr(copying, "time", SimpleNamespace(sleep=pause))
    ballast = os.urandom(1_000).hex()

    def fill(unit: Any) -> None:
        for number in range(400):
            keep(unit, VaultKind.DEVICE_SECRET, f"{number}{ballast}")

    site.db.write_now(fill, by=BY)

    def write() -> None:
        number = 3
        while not stop.is_set():
            number += 1
            site.db.write_now(lambda unit: tell(unit, number), by=BY)  # noqa: B023 - run before it changes
            written.append(number)
            time.sleep(0.001)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        target = site.backup()
    finally:
        stop.set()
        writer.join()
    assert len(steps) > 10
    with contextlib.closing(sqlite3.connect(target / "openberth.db")) as copy:
        positions = [position for (position,) in copy.execute("SELECT position FROM event ORDER BY position")]
    assert positions == list(range(1, len(positions) + 1))
    assert manifest_of(target).position == len(positions)
    assert len(positions) < len(numbers(envelopes(site.db)))


def test_unchanged_pictures_cost_nothing_the_next_time(site: Site) -> None:
    first = site.backup("first")
    (site.data / "pictures/2026-11/21/b").write_bytes(b"a new picture")
    (site.data / "pictures/2026-11/21/c").write_bytes(b"one more")
    (site.data / "pictures/empty").unlink()
    second = site.backup("second", previous=first)
    same, changed = "data/pictures/2026-11/20/a", "data/pictures/2026-11/21/b"
    assert (second / same).samefile(first / same)
    assert not (second / changed).samefile(first / changed)
    assert (second / changed).read_bytes() == b"a new picture"
    assert not (second / "data/pictures/empty").exists()
    assert manifest_of(first).files == 4
    assert manifest_of(second).files == 4
    shutil.rmtree(first)
    assert manifest_of(second).files == 4


def test_a_previous_backup_must_be_one(site: Site) -> None:
    refused(lambda: site.backup(previous=site.root / "nothing"), "backup.no_previous")
    assert not (site.root / "backup").exists()


@pytest.mark.parametrize("name", KINDS)
def test_no_backup_is_ever_overwritten(site: Site, name: str) -> None:
    site.backup(name)
    refused(lambda: site.backup(name), "backup.target_exists")


def test_a_backup_does_not_hold_itself(site: Site) -> None:
    refused(lambda: site.backup("data/backup"), "backup.target_inside")


@pytest.mark.parametrize("name", KINDS)
def test_a_failed_backup_leaves_nothing(site: Site, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = listing(site.root)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(making, "_pictures_of", fail)
    problem = refused(lambda: site.backup(name), "backup.unwritable")
    assert "No space" in str(problem.params["reason"])
    assert listing(site.root) == before


def test_a_damaged_database_is_found_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.db.write_now(lambda unit: [tell(unit, number) for number in range(3_000)], by=BY)
    site.db.close()
    path = site.data / "openberth.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_event_position'").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 2_000)
    with pytest.raises(Problem) as caught:
        site.backup()
    assert caught.value.code in ("backup.database_damaged", "database.unreachable")
    assert not (site.root / "backup").exists()


def test_what_is_no_database_of_ours_is_refused(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE x (y)")
    params: dict[str, Any] = {"data": tmp_path / "data", "target": tmp_path / "backup"}
    refused(lambda: backup(database_url=f"sqlite:///{tmp_path / 'other.db'}", **params), "database.not_migrated")
    refused(lambda: backup(database_url=f"sqlite:///{tmp_path / 'absent.db'}", **params), "database.unreachable")
    refused(lambda: backup(database_url="oracle://x/y", **params), "database.unknown_kind")
    assert not (tmp_path / "absent.db").exists()


def test_a_server_is_dumped_by_its_own_tool_and_the_dump_loads(
    server_site: Site, new_database: Callable[[str], str], clocks: Clocks
) -> None:
    made = backup(database_url=server_site.url, data=server_site.data, target=server_site.root / "backup")
    assert made.advice is None
    assert made.manifest.database_kind == server_site.db.kind
    assert made.manifest.keys == (server_site.ring.current,)
    to = server_site.root / "restored"
    done = restore(source=made.target, database_url=server_site.url, data=to, keys=server_site.keys)
    assert done.advice is not None
    assert done.advice.code == "backup.load_dump"
    assert done.advice.params["file"] == str(to / "database.dump")
    assert (to / "pictures/empty").exists()
    url = make_url(new_database(server_site.db.kind))
    if server_site.db.kind == "postgresql":
        command = [
            "pg_restore",
            "--no-owner",
            f"--dbname=postgresql://{url.username}@{url.host}:{url.port}/{url.database}",
        ]
        subprocess.run([*command, str(to / "database.dump")], check=True)
    else:
        with (to / "database.dump").open("rb") as dump:
            command = ["mysql", f"--host={url.host}", f"--port={url.port}", f"--user={url.username}", str(url.database)]
            subprocess.run(command, stdin=dump, check=True)
    loaded = open_database(url.render_as_string(), clocks, RingSealer(server_site.ring), node="test")
    assert check(url.render_as_string()) == newest()
    (vault_id,) = loaded.read_now(lambda reader: reader.all(ALL_VAULT), by=BY)
    assert loaded.read_now(lambda reader: reveal(reader, vault_id), by=BY) == "粤B12345"
    loaded.close()


def test_without_the_tool_a_person_is_told_what_is_missing(server_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    made = backup(database_url=server_site.url, data=server_site.data, target=server_site.root / "backup.tar")
    assert made.advice is not None
    assert made.advice.code == "backup.use_server_tool"
    assert made.advice.params["tool"] == ("pg_dump" if server_site.db.kind == "postgresql" else "mysqldump")
    assert made.manifest.database_file is None
    assert verify(made.target).files == len(PICTURES)
    to = server_site.root / "restored"
    done = restore(source=made.target, database_url=server_site.url, data=to, keys=server_site.keys)
    assert done.advice is not None
    assert done.advice.code == "backup.use_server_tool"
    assert (to / "pictures/empty").exists()


def test_a_tool_that_fails_says_why(server_site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "pg_dump"
    tool.write_text("#!/bin/sh\necho 'server version mismatch' >&2\nexit 1\n")
    tool.chmod(0o700)
    monkeypatch.setattr(shutil, "which", lambda _: str(tool))
    problem = refused(lambda: server_site.backup(), "backup.tool_failed")
    assert problem.params["reason"] == "server version mismatch"
    assert not (server_site.root / "backup").exists()


def test_a_password_is_in_no_argument(tmp_path: Path) -> None:
    url = make_url("postgresql://user:se%22cret@host:1234/parking")
    with copying._invocation(url, "tool", tmp_path / "dump") as (command, environment):
        assert not any("cret" in argument for argument in command)
        assert {"--host=host", "--port=1234"} <= set(command)
        assert environment["PGPASSWORD"] == 'se"cret'
    with copying._invocation(url.set(drivername="mysql"), "tool", tmp_path / "dump") as (command, environment):
        assert not any("cret" in text for text in [*command, *environment.values()])
        options = Path(command[1].partition("=")[2])
        assert options.stat().st_mode & 0o777 == 0o600
        assert 'password="se\\"cret"' in options.read_text()
    assert not options.exists()


def test_an_unreachable_server_says_so(tmp_path: Path) -> None:
    with pytest.raises(Overloaded, match=r"database\.unreachable"):
        backup(database_url="postgresql://u@127.0.0.1:1/d", data=tmp_path / "data", target=tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
