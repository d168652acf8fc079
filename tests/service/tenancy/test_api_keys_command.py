"""``openberth account machine | add-key | keys | end-key`` on a data folder without a server."""

from pathlib import Path

import pytest

from openberth.entrypoints.cli.app import run
from tests.service.databases import SqliteFiles


def test_a_machine_gets_a_key_which_is_listed_and_ended(
    tmp_path: Path, sqlite_files: SqliteFiles, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENBERTH_DATABASE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "data").mkdir()
    sqlite_files.url(tmp_path / "data")

    def command(*words: str) -> tuple[int, str, str]:
        general = ["--data", str(tmp_path / "data"), "--keys", str(tmp_path / "keys.json"), "--language", "en"]
        status = run(["account", *words, *general])
        said = capsys.readouterr()
        return status, said.out, said.err

    assert command("machine", "robot", "--role", "guard")[0] == 0
    status, out, err = command("add-key", "robot", "--scope", "lot.read", "--scope", "lane.open", "--days", "30")
    assert status == 0, err
    key, secret = out.split()
    assert key.startswith("obk_")
    assert "is shown this once" in err
    _, listed, _ = command("keys", "robot")
    assert key in listed
    assert "lane.open lot.read" in listed
    assert secret not in listed
    refused = command("add-key", "robot", "--scope", "role.write")
    assert refused[0] != 0
    assert "role.write" in refused[2]
    assert command("end-key", "robot", key)[0] == 0
    assert "over" in command("keys", "robot")[1]
