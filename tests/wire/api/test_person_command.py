"""``openberth person`` against a running server."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from openberth.entrypoints.cli.app import run
from tests.wire.api.house import CAR, TOKEN, House

TEL = "13800138000"
Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(house: House, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    capfd.readouterr()

    def run_it(*line: str) -> tuple[int, str]:
        where = ("--url", house.url, "--token-file", str(token), "--language", "en")
        status = run(["person", *line, *where])
        return status, "".join(capfd.readouterr())

    return run_it


def test_people_by_command(house: House, command: Command, tmp_path: Path) -> None:
    person = house.post("/v1/people", {"name": "甲乙丙", "phone": TEL, "company": "demo"}).json()["id"]
    status, told = command("list")
    assert status == 0
    assert "138****8000" in told
    assert TEL not in told
    assert command("unmask", person, "--field", "phone", "--reason", "calls") == (0, f"phone: +86{TEL}\n")
    status, told = command("unmask", person, "--field", "phone", "--reason", " ")
    assert status == 1
    assert TEL not in told
    file = tmp_path / "data.json"
    assert command("export", person, "--reason", "letter", "--in-clear", "--out", str(file))[0] == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text("utf-8"))["person"]["phone"] == f"+86{TEL}"
    assert command("export", person, "--reason", "letter", "--out", str(file))[0] == 1
    assert "138****8000" in command("export", person, "--reason", "letter")[1]
    status, told = command("erase", person, "--reason", "letter")
    assert (status, "2 values are gone" in told) == (0, True)
    assert command("erase", person, "--reason", "letter")[0] == 1


def test_a_whole_plate_by_command(house: House, command: Command) -> None:
    stay = house.arrive("in-1", CAR).stay
    assert command("plate", str(stay), "--reason", "towing") == (0, f"{CAR}\n")
