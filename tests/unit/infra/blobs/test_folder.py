"""Blobs in a folder: names are ids, files appear whole, failures are clear."""

import os
import threading
from pathlib import Path

import pytest

from openberth.infra.blobs import MAX_BLOB_BYTES, Blobs, FolderBlobs, day_path, syncing
from openberth.infra.blobs import folder as folder_module
from openberth.kernel.errors import Malformed, NotFound, Overloaded
from openberth.kernel.ids import uuid7

NAME = "019ab3c4-5d6e-7f80-8123-456789abcdef"
OTHER = "019ab3c4-5d6e-7f80-8123-456789abcdf0"
TRICKS = [
    "",
    ".",
    "..",
    "../../etc/passwd",
    f"../{NAME}",
    f"{NAME}/../../x",
    f"/{NAME}",
    f"{NAME}.jpg",
    f"{NAME}\n",
    f"{NAME}\x00",
    NAME.upper(),
    NAME.replace("-", ""),
    "019ab3c4-5d6e-4f80-8123-456789abcdef",  # version 4
    "019ab3c4-5d6e-7f80-c123-456789abcdef",  # another variant
    "ffffffff-ffff-7fff-8123-456789abcdef",  # a day beyond the calendar
    "粤B12345",
    "019ab3c4-5d6e-7f80-8123-456789abcde٠",
]


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "pictures")


def test_a_blob_lies_under_its_day(blobs: FolderBlobs, tmp_path: Path) -> None:
    store: Blobs = blobs
    store.put(NAME, b"\xff\xd8 picture")
    assert store.get(NAME) == b"\xff\xd8 picture"
    path = tmp_path / "pictures" / "2025-11" / "24" / NAME
    assert path.read_bytes() == b"\xff\xd8 picture"
    assert day_path(NAME) == f"2025-11/24/{NAME}"
    assert day_path(str(uuid7(0, 0, 0))).startswith("1970-01/01/")


def test_the_same_again_replaces_and_leaves_nothing_beside(blobs: FolderBlobs, tmp_path: Path) -> None:
    blobs.put(NAME, b"one")
    blobs.put(NAME, b"two")
    assert blobs.get(NAME) == b"two"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [NAME]


def test_deleting_is_idempotent(blobs: FolderBlobs) -> None:
    blobs.put(NAME, b"one")
    blobs.delete(NAME)
    blobs.delete(NAME)
    with pytest.raises(NotFound) as refused:
        blobs.get(NAME)
    assert refused.value.code == "blob.not_found"


@pytest.mark.parametrize("name", TRICKS)
def test_a_name_is_an_id_and_nothing_else(blobs: FolderBlobs, name: str, tmp_path: Path) -> None:
    for call in (lambda: blobs.put(name, b"x"), lambda: blobs.get(name), lambda: blobs.delete(name)):
        with pytest.raises(Malformed) as refused:
            call()
        assert refused.value.code == "blob.name"
    assert list(tmp_path.iterdir()) == []


def test_a_blob_has_a_bound(blobs: FolderBlobs) -> None:
    with pytest.raises(Malformed) as refused:
        blobs.put(NAME, bytes(MAX_BLOB_BYTES + 1))
    assert refused.value.code == "blob.too_large"


def test_a_broken_disk_is_said_and_leaves_nothing(
    blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    written: list[int] = []

    def full(handle: int, data: bytes) -> int:
        if written:
            raise OSError(28, "No space left on device")
        written.append(write(handle, data[:1]))
        return 1

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(Overloaded) as refused:
            blobs.put(NAME, b"data")
    assert (refused.value.code, refused.value.params["reason"]) == ("blob.unavailable", "No space left on device")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    (tmp_path / "file").write_text("")
    with pytest.raises(Overloaded):
        FolderBlobs(tmp_path / "file").put(NAME, b"x")


def test_flush_syncs_files_and_their_folders_once(
    blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(syncing, "_SYNCFS", None)
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    blobs.put(NAME, b"x")
    blobs.put(OTHER, b"y")
    assert synced == []
    blobs.flush()
    root = tmp_path / "pictures"
    day = root / "2025-11" / "24"
    assert set(synced[:2]) == {path.stat().st_ino for path in (day / NAME, day / OTHER)}
    assert set(synced[2:]) == {path.stat().st_ino for path in (day, day.parent, root)}
    blobs.flush()
    assert len(synced) == 5


def test_a_whole_file_system_is_synced_at_once_where_it_can(
    blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    answers = [-1, 0]

    def syncfs(handle: int) -> int:
        synced.append(os.fstat(handle).st_ino)
        return answers.pop(0)

    monkeypatch.setattr(syncing, "_SYNCFS", syncfs)
    blobs.put(NAME, b"x")
    with pytest.raises(Overloaded):
        blobs.flush()
    blobs.flush()  # what could not be synced was waiting
    blobs.flush()
    assert synced == 2 * [(tmp_path / "pictures").stat().st_ino]


@pytest.mark.parametrize("at_once", [True, False])
def test_flush_passes_over_what_was_deleted(
    blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    if not at_once:
        monkeypatch.setattr(syncing, "_SYNCFS", None)
    blobs.put(NAME, b"x")
    (tmp_path / "pictures" / day_path(NAME)).unlink()
    blobs.flush()


def test_what_could_not_be_synced_stays_waiting(blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def failing(handle: int) -> None:
        calls.append(handle)
        raise OSError(5, "Input/output error")

    blobs.put(NAME, b"x")
    monkeypatch.setattr(syncing, "_SYNCFS", None)
    monkeypatch.setattr(os, "fsync", failing)
    for tries in (1, 2):
        with pytest.raises(Overloaded):
            blobs.flush()
        assert len(calls) == tries


def test_many_files_flush_by_themselves(blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "UNSYNCED_MAX", 3)
    synced: list[int] = []
    monkeypatch.setattr(syncing, "_SYNCFS", None)
    monkeypatch.setattr(os, "fsync", synced.append)
    for number in range(7):
        blobs.put(str(uuid7(1_000, 0, number)), b"x")
    assert len(synced) == 2 * (3 + 3)


def test_threads_may_share_a_store(blobs: FolderBlobs) -> None:
    names = [str(uuid7(1_000, 0, number)) for number in range(40)]

    def write(part: list[str]) -> None:
        for name in part:
            blobs.put(name, name.encode())
            blobs.flush()

    threads = [threading.Thread(target=write, args=(names[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(blobs.get(name) == name.encode() for name in names)
