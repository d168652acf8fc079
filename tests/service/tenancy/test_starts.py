"""What processes start with, backups and restores in the trail: names and digests, never values."""

import asyncio
import json
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from openberth.contexts.tenancy.reactions import note_start
from openberth.contexts.tenancy.service import starts
from openberth.entrypoints.cli.app import run
from openberth.infra.database import Database
from openberth.infra.place import RESTORED_FILE
from openberth.infra.settings import S3Settings, Settings, texts_of
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Denied
from tests.service.acting import COMPANY, SYSTEM, write
from tests.service.tenancy.trail import all_entries, faults

PASSWORD = "hunter2hunter2"
FIRST = {"http.port": "8420", "database": f"mysql://parking:{PASSWORD}@db/openberth"}


def started(db: Database, folder: Path, settings: dict[str, str], process: str = "box/api", program: str = "1") -> None:
    asyncio.run(note_start(db, process=process, settings=settings, program=program, data=folder))


def test_only_what_changed_is_told_and_no_value(db: Database, tmp_path: Path) -> None:
    changed = FIRST | {"http.port": "9000", "log.level": "debug"}
    for settings in (FIRST, FIRST, changed, changed):
        started(db, tmp_path, settings)
    started(db, tmp_path, FIRST, process="other/worker")
    del changed["log.level"]
    started(db, tmp_path, changed, program="2")
    first, second, other, third = all_entries(db, deed="settings.changed")
    assert (first.old_values, first.new_values) == (None, '{"program":"1","settings":2}')
    assert (second.subject, other.subject, second.actor_kind) == ("box/api", "other/worker", "system")
    assert set(json.loads(second.new_values or "")) == {"http.port", "log.level"}
    assert json.loads(second.old_values or "")["log.level"] is None
    assert json.loads(third.old_values or "") == {
        "program": "1", "log.level": json.loads(second.new_values or "")["log.level"],
    }  # fmt: skip
    assert json.loads(third.new_values or "") == {"program": "2", "log.level": None}
    for entry in all_entries(db):
        assert PASSWORD not in repr(entry)
        assert "9000" not in repr(entry.new_values)
    assert faults(db) == []


def test_every_setting_has_its_name_and_secrets_count(tmp_path: Path) -> None:
    def texts(secret: str) -> dict[str, str]:
        s3 = S3Settings(
            endpoint="https://s3.example", bucket="bucket", access_key=SecretStr("a"), secret_key=SecretStr(secret)
        )
        return texts_of(Settings(data=tmp_path / "data", keys=tmp_path / "keys.json", s3=s3))

    one, other = texts("one"), texts("other")
    assert [name for name in one if one[name] != other[name]] == ["s3.secret_key"]
    assert {"http.port", "log.level", "accounts.algorithm", "vault.algorithm"} <= set(one)


def test_a_restore_is_told_once_by_the_next_start(db: Database, tmp_path: Path) -> None:
    mark = {"backup": "night.tar", "made_at": "2026-11-19T00:00:00Z", "restored_at": "2026-11-20T00:00:00Z"}
    (tmp_path / RESTORED_FILE).write_text(json.dumps(mark))
    for _ in range(2):
        started(db, tmp_path, FIRST)
    (entry,) = all_entries(db, deed="backup.restored")
    assert (entry.subject, json.loads(entry.new_values or "")["made_at"]) == ("night.tar", "2026-11-19T00:00:00Z")
    (tmp_path / RESTORED_FILE).write_text("spoilt")
    started(db, tmp_path, FIRST)
    assert len(all_entries(db, deed="backup.restored")) == 1


def test_who_notes_a_backup_acts_for_the_whole(db: Database) -> None:
    use_case = partial(starts.note_backup, name="night.tar", keys=("0a0b0c0d",), revision="0018")
    words = frozenset({"backup.write"})
    with pytest.raises(Denied):
        write(db, use_case, by=Caller(Actor(ActorKind.PERSON, "a"), Scope(COMPANY), words))
    with pytest.raises(Denied):
        write(db, use_case, by=Caller(Actor(ActorKind.PERSON, "a"), EVERYTHING, frozenset()))
    write(db, use_case, by=SYSTEM)
    assert all_entries(db, deed="backup.made")[0].new_values == '{"keys":["0a0b0c0d"],"revision":"0018"}'


def test_the_command_says_that_it_made_a_backup_and_a_restore_leaves_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENBERTH_DATABASE", raising=False)
    general = ["--data", str(tmp_path / "data"), "--keys", str(tmp_path / "keys.json"), "--language", "en"]
    assert run(["keys", "status", *general]) == 0  # makes the data folder
    target = tmp_path / "night.tar"
    assert run(["backup", str(target), *general]) == 0
    assert "could not be told" not in capsys.readouterr().out
    assert run(["keys", "rotate", "--vault", "--algorithm", "sm4-gcm", *general]) == 0
    assert run(["keys", "status", *general]) == 0
    said = capsys.readouterr().out
    assert "sm4-gcm" in said
    assert "opens old values" in said
    assert run(["restore", str(target), *general, "--replace"]) == 0
    assert json.loads((tmp_path / "data" / RESTORED_FILE).read_text())["backup"] == "night.tar"
