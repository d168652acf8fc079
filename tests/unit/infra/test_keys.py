"""The key file: made once, never silently anew, never readable by others, and clear about what is wrong."""

import json
import os
from pathlib import Path

import pytest

from openberth.infra.catalogue import text
from openberth.infra.keys import KeyRing, load_keys, open_keys, read_keys, rotate_keys, settle_keys
from openberth.kernel.errors import Refused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "openberth" / "keys.json"


def refusal(call: object, code: str) -> Refused:
    assert callable(call)
    with pytest.raises(Refused) as refused:
        call()
    assert refused.value.code == code
    return refused.value


def test_the_first_start_makes_the_file(path: Path) -> None:
    ring = open_keys(path, key_in_use=None)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["format"] == "openberth-keys/1"
    assert open_keys(path, key_in_use=None) == ring == load_keys(path)
    assert open_keys(path, key_in_use=ring.current) == ring
    assert [item.name for item in path.parent.iterdir()] == ["keys.json"]


def test_a_lost_file_is_not_replaced_when_the_vault_holds_rows(path: Path) -> None:
    ring = open_keys(path, key_in_use=None)
    path.unlink()
    problem = refusal(lambda: open_keys(path, key_in_use=ring.current), "vault.key_missing")
    assert not path.exists()
    said = text(problem.code, "en", **problem.params)
    assert said == (
        f"The key file {path} is missing, but the database holds sealed values. "
        "Put back the copy that you keep apart (no backup holds it); new keys cannot read the values."
    )
    refusal(lambda: load_keys(path), "vault.key_missing")


def test_reading_writes_nothing(path: Path) -> None:
    ring = read_keys(path)
    assert not path.exists()
    settle_keys(path, ring, key_in_use=None)
    assert read_keys(path) == ring


def test_the_keys_of_another_database_are_refused(path: Path) -> None:
    open_keys(path, key_in_use=None)
    problem = refusal(lambda: open_keys(path, key_in_use="00000000"), "vault.key_unknown")
    assert problem.params["key"] == "00000000"


def test_a_start_that_comes_second_does_not_replace_the_keys(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_keys(path, key_in_use=None)
    monkeypatch.setattr(Path, "exists", lambda _: False)  # as if both had looked before either wrote
    refusal(lambda: settle_keys(path, KeyRing.fresh(), key_in_use=None), "vault.key_unwritable")
    monkeypatch.undo()
    assert load_keys(path) == first
    assert [item.name for item in path.parent.iterdir()] == ["keys.json"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_file_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    open_keys(path, key_in_use=None)
    path.chmod(mode)
    problem = refusal(lambda: open_keys(path, key_in_use=None), "vault.key_exposed")
    assert problem.params["mode"] == f"{mode:04o}"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: b"\xff\xfe",
        lambda content: content[:-20],
        lambda content: b"[]",
        lambda content: content.replace(b"keys/1", b"keys/9"),
        lambda content: content.replace(b'"current": "', b'"current": "0'),
        lambda content: content.replace(b'"sealing"', b'"sealed"'),
        lambda content: content.replace(b"=", b""),
        lambda content: json.dumps({**json.loads(content), "fingerprint": "c2hvcnQ="}).encode(),
        lambda content: json.dumps({**json.loads(content), "fingerprint": None}).encode(),
        lambda content: json.dumps({**json.loads(content), "sealing": []}).encode(),
    ],
)
def test_a_damaged_file_is_refused_without_showing_keys(path: Path, spoil: object) -> None:
    open_keys(path, key_in_use=None)
    secret = json.loads(path.read_text())["fingerprint"]
    assert callable(spoil)
    path.write_bytes(spoil(path.read_bytes()))
    problem = refusal(lambda: load_keys(path), "vault.key_malformed")
    assert problem.__cause__ is None
    assert secret not in f"{problem!r}{problem}"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    refusal(lambda: settle_keys(blocked / "keys.json", KeyRing.fresh(), key_in_use=None), "vault.key_unwritable")


def test_rotation_keeps_every_old_key(path: Path) -> None:
    before = open_keys(path, key_in_use=None)
    after = rotate_keys(path)
    assert after == load_keys(path)
    assert after.current != before.current
    assert after.sealing[before.current] == before.sealing[before.current]
    assert after.fingerprint == before.fingerprint
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_keys(path, key_in_use=before.current) == after


def test_a_ring_shows_no_keys() -> None:
    ring = KeyRing.fresh()
    shown = f"{ring!r} {ring}"
    for key in (*ring.sealing.values(), ring.fingerprint):
        assert key.hex() not in shown
        assert repr(key) not in shown


@pytest.mark.parametrize(
    ("current", "sealing", "fingerprint"),
    [
        ("aabbccdd", {}, b"x" * 32),
        ("aabbccdd", {"aabbccdd": b"x" * 16}, b"x" * 32),
        ("aabbccdd", {"aabbccdd": b"x" * 32}, b"x" * 31),
        ("AABBCCDD", {"AABBCCDD": b"x" * 32}, b"x" * 32),
        ("zz", {"zz": b"x" * 32}, b"x" * 32),
    ],
)
def test_a_ring_without_sense_is_refused(current: str, sealing: dict[str, bytes], fingerprint: bytes) -> None:
    with pytest.raises(ValueError, match=r"32 bytes|hexadecimal"):
        KeyRing(current, sealing, fingerprint)
