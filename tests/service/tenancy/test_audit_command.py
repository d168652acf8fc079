"""``openberth audit`` on a data folder: words, files and exit statuses."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from openberth.contexts.tenancy.reactions import HeadKeeper
from openberth.entrypoints.cli.app import run
from openberth.infra.clocks import Clocks, SystemClock
from openberth.infra.database import Database, open_database
from openberth.infra.keys import KeyRing, settle_keys
from openberth.infra.sealing import RingSealer
from tests.service.databases import SqliteFiles
from tests.service.tenancy.trail import head, write_deeds


@pytest.fixture
def database(tmp_path: Path, sqlite_files: SqliteFiles, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A running service's database with three entries, in a data folder of its own."""
    monkeypatch.delenv("OPENBERTH_DATABASE", raising=False)
    ring = KeyRing.fresh()
    settle_keys(tmp_path / "keys.json", ring, keys_in_use=())
    clocks = Clocks(SystemClock(), SystemClock())
    (tmp_path / "data").mkdir()
    database = open_database(sqlite_files.url(tmp_path / "data"), clocks, RingSealer(ring), node="test")
    write_deeds(database, 3)
    yield database
    database.close()


def command(folder: Path, *words: str, language: str = "en") -> int:
    general = ["--data", str(folder / "data"), "--keys", str(folder / "keys.json"), "--language", language]
    return run(["audit", *words, *general])


def test_a_whole_chain_ends_well_in_both_languages(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path, "verify") == 0
    assert capsys.readouterr().out.strip() == (
        f"The audit chain is intact: 3 entries, the hash of the last is {head(database).hash}."
    )
    assert command(tmp_path, "verify", language="zh") == 0
    assert "审计链完好：共 3 条" in capsys.readouterr().out


def test_a_head_is_written_once_and_proves_what_was_cut(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "head.json"
    assert command(tmp_path, "head", "--out", str(out)) == 0
    assert command(tmp_path, "head", "--out", str(out)) == 1
    assert "is not overwritten" in capsys.readouterr().err
    assert command(tmp_path, "head") == 0
    printed = json.loads(capsys.readouterr().out)
    assert {**printed, "at": "", "mac": ""} == {**json.loads(out.read_text()), "at": "", "mac": ""}
    assert command(tmp_path, "verify", "--head", str(out)) == 0
    with closing(sqlite3.connect(tmp_path / "data" / "openberth.db")) as connection:
        connection.execute("DROP TRIGGER audit_entry_no_delete")
        connection.execute("DELETE FROM audit_entry WHERE number > 1")
        connection.commit()
    assert command(tmp_path, "verify") == 0
    capsys.readouterr()
    assert command(tmp_path, "verify", "--head", str(out)) == 1
    said = capsys.readouterr().out
    assert "Entries 2 to 3: an exported head proves that they were there" in said
    assert "1 faults (1 entries)" in said


def test_a_chain_without_keyed_hashes_is_proven_by_a_head_or_not_at_all(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "head.json"
    assert command(tmp_path, "head", "--out", str(out)) == 0
    with closing(sqlite3.connect(tmp_path / "data" / "openberth.db")) as connection:
        connection.execute("DROP TRIGGER audit_entry_no_update")
        connection.execute("UPDATE audit_entry SET mac = NULL")
        connection.commit()
    capsys.readouterr()
    assert command(tmp_path, "verify") == 1
    said = capsys.readouterr().out
    assert "The first 3 entries carry no keyed hash" in said
    assert "intact" not in said
    assert command(tmp_path, "verify", "--head", str(out)) == 0


def test_a_head_that_was_touched_or_is_none_is_refused(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "head.json"
    assert command(tmp_path, "head", "--out", str(out)) == 0
    out.write_text(out.read_text().replace('"number": 3', '"number": 2'))
    assert command(tmp_path, "verify", "--head", str(out)) == 1
    assert "the file has been changed" in capsys.readouterr().err
    for content in ("", "[]", "{" * 100_000, '"\\ud800"'):
        out.write_text(content)
        assert command(tmp_path, "verify", "--head", str(out)) == 1
        assert "is no head of an audit chain" in capsys.readouterr().err
    assert command(tmp_path, "verify", "--head", str(tmp_path / "none.json")) == 1


def test_the_heads_of_the_folder_in_the_settings_are_held_against_the_chain(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "away"
    monkeypatch.setenv("OPENBERTH_AUDIT__HEADS_FOLDER", str(kept))
    assert command(tmp_path, "verify") == 0
    asyncio.run(HeadKeeper(database, kept, node="box-1").look())
    kept.mkdir()
    asyncio.run(HeadKeeper(database, kept, node="box-1").look())
    assert command(tmp_path, "verify") == 0
    with closing(sqlite3.connect(tmp_path / "data" / "openberth.db")) as connection:
        connection.execute("DROP TRIGGER audit_entry_no_delete")
        connection.execute("DELETE FROM audit_entry WHERE number = 3")
        connection.commit()
    capsys.readouterr()
    assert command(tmp_path, "verify") == 1
    assert "Entries 3 to 3: an exported head proves" in capsys.readouterr().out
    monkeypatch.setenv("OPENBERTH_AUDIT__HEADS_FOLDER", str(tmp_path / "data" / "heads"))
    assert command(tmp_path, "verify") == 1
    assert "lies inside the data folder" in capsys.readouterr().err
