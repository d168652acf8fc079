"""The key file: made once, never silently anew, never readable by others, and clear about what is wrong."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from openberth.infra.catalogue import text
from openberth.infra.keys import (
    Cipher,
    KeyRing,
    SealingKey,
    load_keys,
    open_keys,
    read_keys,
    restore_key,
    retire_key,
    rotate_keys,
    settle_keys,
)
from openberth.kernel.errors import Refused
from openberth.kernel.time import Instant


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
    assert json.loads(path.read_text())["format"] == "openberth-keys/2"
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
    settle_keys(path, ring, keys_in_use=())
    assert read_keys(path) == ring


def test_the_keys_of_another_database_are_refused(path: Path) -> None:
    open_keys(path, key_in_use=None)
    problem = refusal(lambda: open_keys(path, key_in_use="00000000"), "vault.key_unknown")
    assert problem.params["key"] == "00000000"


def test_a_start_that_comes_second_does_not_replace_the_keys(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_keys(path, key_in_use=None)
    monkeypatch.setattr(Path, "exists", lambda _: False)  # as if both had looked before either wrote
    refusal(lambda: settle_keys(path, KeyRing.fresh(), keys_in_use=()), "vault.key_unwritable")
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
        lambda content: content.replace(b"keys/2", b"keys/9"),
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
    refusal(lambda: settle_keys(blocked / "keys.json", KeyRing.fresh(), keys_in_use=()), "vault.key_unwritable")


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
    for key in (*(each.secret for each in ring.sealing.values()), ring.fingerprint):
        assert key.hex() not in shown
        assert repr(key) not in shown


AES_KEY = SealingKey(Cipher.AES, b"x" * 32)


@pytest.mark.parametrize(
    ("current", "sealing", "fingerprint"),
    [
        ("aabbccdd", {}, b"x" * 32),
        ("aabbccdd", {"aabbccdd": AES_KEY}, b"x" * 31),
        ("AABBCCDD", {"AABBCCDD": AES_KEY}, b"x" * 32),
        ("zz", {"zz": AES_KEY}, b"x" * 32),
    ],
)
def test_a_ring_without_sense_is_refused(current: str, sealing: dict[str, SealingKey], fingerprint: bytes) -> None:
    with pytest.raises(ValueError, match=r"32 bytes|hexadecimal"):
        KeyRing(current, sealing, fingerprint)


@pytest.mark.parametrize(("cipher", "length"), [(Cipher.AES, 16), (Cipher.SM4, 32), (Cipher.SM4, 15)])
def test_a_key_has_the_length_of_its_cipher(cipher: Cipher, length: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        SealingKey(cipher, bytes(length))


# -- forms of the file, ciphers, keys that come and go -----------------------------------------------------------------

FIRST_FORM = {
    "format": "openberth-keys/1", "current": "0a0b0c0d",
    "sealing": {"01020304": "AQEB" * 10 + "AQE=", "0a0b0c0d": "AgIC" * 10 + "AgI="},
    "fingerprint": "AwMD" * 10 + "AwM=",
}  # fmt: skip


def written(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    path.chmod(0o600)


def test_a_file_of_the_first_form_is_read_and_stays_until_something_changes(path: Path) -> None:
    written(path, FIRST_FORM)
    before = path.read_bytes()
    ring = open_keys(path, key_in_use="01020304")
    assert path.read_bytes() == before
    assert (ring.current, ring.fingerprint) == ("0a0b0c0d", b"\x03" * 32)
    assert dict(ring.sealing) == {
        "01020304": SealingKey(Cipher.AES, b"\x01" * 32), "0a0b0c0d": SealingKey(Cipher.AES, b"\x02" * 32),
    }  # fmt: skip
    after = rotate_keys(path, Cipher.SM4, made_at=Instant(1_700_000_000_000_000))
    assert json.loads(path.read_text())["format"] == "openberth-keys/2"
    assert load_keys(path) == after
    assert list(after.sealing)[:2] == list(ring.sealing)
    assert (after.fingerprint, after.sealing["01020304"]) == (ring.fingerprint, ring.sealing["01020304"])
    made = after.sealing[after.current]
    assert (made.cipher, len(made.secret), made.made_at) == (Cipher.SM4, 16, 1_700_000_000_000_000)


@pytest.mark.parametrize(
    "change",
    [{"algorithm": "rot13"}, {"algorithm": "sm4-gcm"}, {"key": "c2hvcnQ="}, {"key": None}, {"made_at": "yesterday"}],
)
def test_a_key_that_does_not_fit_its_cipher_is_refused(path: Path, change: dict[str, object]) -> None:
    ring = open_keys(path, key_in_use=None)
    content = json.loads(path.read_text())
    content["sealing"][ring.current] |= change
    written(path, content)
    assert refusal(lambda: load_keys(path), "vault.key_malformed").__cause__ is None


def test_a_retired_key_leaves_the_file_and_comes_back(path: Path) -> None:
    old = open_keys(path, key_in_use=None)
    new = rotate_keys(path, Cipher.SM4)
    refusal(lambda: retire_key(path, new.current), "vault.key_current")
    refusal(lambda: retire_key(path, "00000000"), "vault.key_not_there")
    retired = retire_key(path, old.current)
    assert retired.stat().st_mode & 0o777 == 0o600
    assert retired.parent == path.parent
    assert list(load_keys(path).sealing) == [new.current]
    refusal(lambda: settle_keys(path, load_keys(path), keys_in_use=(old.current,)), "vault.key_unknown")
    for _ in range(2):
        assert restore_key(path, retired) == old.current
    back = load_keys(path)
    assert back.current == new.current
    assert list(back.sealing.items()) == [*old.sealing.items(), (new.current, new.sealing[new.current])]


@pytest.mark.parametrize("spoil", [{"format": "openberth-keys/2"}, {"algorithm": "sm4-gcm"}, {"key": "AAAA"}])
def test_what_is_no_retired_key_is_refused(path: Path, spoil: dict[str, str]) -> None:
    old = open_keys(path, key_in_use=None)
    rotate_keys(path)
    retired = retire_key(path, old.current)
    content = json.loads(retired.read_text())
    written(retired, content | spoil)
    refusal(lambda: restore_key(path, retired), "vault.key_malformed")
    restored = load_keys(path)
    assert old.current not in restored.sealing


def test_rotations_at_once_lose_no_key(path: Path) -> None:
    open_keys(path, key_in_use=None)
    with ThreadPoolExecutor(8) as pool:
        made = {ring.current for ring in pool.map(lambda _: rotate_keys(path), range(16))}
    assert len(made) == 16
    assert made < set(load_keys(path).sealing)
