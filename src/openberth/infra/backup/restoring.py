"""The way back from a backup: everything is checked before anything is touched."""

import contextlib
import os
import shutil
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from openberth.infra.backup.making import DUMP_FILE, SQLITE_FILE
from openberth.infra.backup.manifest import (
    DATA,
    LIST,
    MANIFEST,
    MANIFEST_BYTES_MAX,
    Manifest,
    is_sound,
    read_list,
    sha256_of,
)
from openberth.infra.backup.sinks import sync_folder
from openberth.infra.clocks import SystemClock
from openberth.infra.database import migrating
from openberth.infra.database.backends import backend_for, scheme_of
from openberth.infra.database.opening import sole_owner
from openberth.infra.keys import load_keys
from openberth.kernel.errors import Malformed, Overloaded, Problem, Refused
from openberth.kernel.time import Clock, as_datetime

INCOMING = ".restoring"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. ``advice`` is what a person has still to do: a server's dump is loaded by its own tool."""

    manifest: Manifest
    advice: Problem | None


def verify(source: Path) -> Manifest:
    """Read a whole backup and compare every hash; return its manifest.

    Raises ``Malformed("backup.not_a_backup")`` or ``Refused("backup.damaged")`` naming the first bad file.
    """
    with _opened(source) as found:
        return _verified(found)


def restore(
    *,
    source: Path,
    database_url: str,
    data: Path,
    keys: Path,
    replace: bool = False,
    clock: Clock | None = None,
) -> Restored:
    """Bring a backup back into an empty data folder; with ``replace`` what is there is put aside first.

    ``keys`` is the key file; it must hold every key the backup needs. With ``replace`` the old content moves into
    ``replaced-TIME`` inside the data folder and nothing is deleted. Raises as ``verify``, and ``Refused``:
    ``backup.target_not_empty``, ``backup.keys_missing``, ``backup.too_new``, ``backup.other_database``,
    ``backup.unwritable``, ``database.in_use``; the key file's own codes (``vault.key_…``).
    """
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        raise Overloaded("database.unknown_kind", url=scheme_of(database_url)) from None
    data = data.absolute()
    database = Path(url.database or "").absolute() if url.get_backend_name() == "sqlite" else None
    with _opened(source) as found:
        manifest = _verified(found)
        _check_fits(manifest, url, keys)
        try:
            with sole_owner(database or data / SQLITE_FILE):
                _make_room(data, database, replace=replace, clock=clock or SystemClock())
                _bring(found, data, database)
        except OSError as error:
            raise Refused("backup.unwritable", target=str(data), reason=error.strerror or str(error)) from error
    return Restored(manifest, _advice(manifest, url, data))


def _check_fits(manifest: Manifest, url: URL, keys: Path) -> None:
    kind = "sqlite" if url.get_backend_name() == "sqlite" else backend_for(url).kind
    if manifest.database_kind != kind:
        raise Refused("backup.other_database", backup=manifest.database_kind, settings=kind)
    if not migrating.knows(manifest.revision):
        raise Refused("backup.too_new", program=manifest.program, revision=manifest.revision)
    if manifest.keys:
        missing = [key for key in manifest.keys if key not in load_keys(keys).sealing]
        if missing:
            raise Refused("backup.keys_missing", keys=", ".join(missing), path=str(keys))


def _make_room(data: Path, database: Path | None, *, replace: bool, clock: Clock) -> None:
    """Put aside what is in the way, or refuse; a write-ahead log left behind would spoil the restored database."""
    shutil.rmtree(data / INCOMING, ignore_errors=True)  # an interrupted restore's
    database = database or data / SQLITE_FILE
    lock = database.with_name(database.name + ".lock")
    files = [path for path in _companions(database) if path.exists()]
    others = set(data.iterdir() if data.is_dir() else ()) - {lock, *files}
    in_the_way = [*files, *sorted(path for path in others if not path.name.startswith("replaced-"))]
    if not in_the_way:
        return
    if not replace:
        raise Refused("backup.target_not_empty", target=str(data), found=in_the_way[0].name)
    aside = data / f"replaced-{as_datetime(clock.now()):%Y%m%dT%H%M%S%f}"
    aside.mkdir()
    # The database first: without it the rest is no data folder any more, whatever happens in between.
    for path in in_the_way:
        shutil.move(path, aside / path.name)


def _companions(database: Path) -> list[Path]:
    return [database.with_name(database.name + ending) for ending in ("", "-wal", "-shm", "-journal")]


def _bring(found: "_Source", data: Path, database: Path | None) -> None:
    """Copy everything beside its place, hash it once more, then move it in; the database comes last."""
    incoming = data / INCOMING
    incoming.mkdir(parents=True, mode=0o700)
    names = []
    with found.open(LIST) as lines:
        for name, digest in read_list(lines, source=found.name):
            names.append(name)
            target = incoming / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with found.open(name) as stream, target.open("xb") as copy:
                if sha256_of(stream, copy) != digest:
                    raise Refused("backup.damaged", source=found.name, file=name)
                copy.flush()
                os.fsync(copy.fileno())
    folder = incoming / DATA
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        entry.rename(data / entry.name)
    if DUMP_FILE in names:
        (incoming / DUMP_FILE).rename(data / DUMP_FILE)
    if database is not None and SQLITE_FILE in names:
        shutil.move(incoming / SQLITE_FILE, database)
        sync_folder(database.parent)
    shutil.rmtree(incoming)
    sync_folder(data)


def _advice(manifest: Manifest, url: URL, data: Path) -> Problem | None:
    if manifest.database_kind == "sqlite":
        return None
    tool = "pg_restore" if manifest.database_kind == "postgresql" else "mysql"
    shown = url.render_as_string(hide_password=True)
    if manifest.database_file is None:
        return Refused("backup.use_server_tool", tool=tool, database=shown)
    return Refused("backup.load_dump", tool=tool, file=str(data / DUMP_FILE), database=shown)


def _verified(found: "_Source") -> Manifest:
    with found.open(MANIFEST) as stream:
        manifest = Manifest.from_json(stream.read(MANIFEST_BYTES_MAX), source=found.name)
    with found.open(LIST) as stream:
        if sha256_of(stream) != manifest.list_sha256:
            raise Refused("backup.damaged", source=found.name, file=LIST)
    count = 0
    held = set()
    with found.open(LIST) as lines:
        for name, digest in read_list(lines, source=found.name):
            count += 1
            held.add(name if not name.startswith(f"{DATA}/") else DATA)
            with found.open(name) as stream:
                if sha256_of(stream) != digest:
                    raise Refused("backup.damaged", source=found.name, file=name)
    expected = {manifest.database_file} if manifest.database_file else set()
    if count != manifest.files or held - {DATA} != expected or not expected <= {SQLITE_FILE, DUMP_FILE}:
        raise Malformed("backup.not_a_backup", source=found.name)
    return manifest


class _Source(ABC):
    """A backup being read."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """Open a file of the backup; a missing one is ``Refused("backup.damaged")``."""


class _FolderSource(_Source):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._root = root

    def open(self, name: str) -> IO[bytes]:
        path = self._root / name
        try:
            if path.is_symlink():  # a link could lead anywhere
                raise Refused("backup.damaged", source=self.name, file=name)
            return path.open("rb")
        except OSError:
            if name == MANIFEST:
                raise Malformed("backup.not_a_backup", source=self.name) from None
            raise Refused("backup.damaged", source=self.name, file=name) from None


class _TarSource(_Source):
    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        super().__init__(path)
        self._tar = tar
        self._members = {member.name: member for member in tar if member.isreg() and _is_ours(member.name)}

    def open(self, name: str) -> IO[bytes]:
        member = self._members.get(name)
        stream = self._tar.extractfile(member) if member else None
        if stream is None:
            if name == MANIFEST:
                raise Malformed("backup.not_a_backup", source=self.name)
            raise Refused("backup.damaged", source=self.name, file=name)
        return stream


def _is_ours(name: str) -> bool:
    return name in (MANIFEST, LIST) or is_sound(name)


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[_Source]:
    if source.is_dir():
        yield _FolderSource(source)
        return
    try:
        tar = tarfile.open(source, "r:")  # noqa: SIM115 - closed by the "with" below, errors are told apart here
    except (OSError, tarfile.TarError):
        raise Malformed("backup.not_a_backup", source=str(source)) from None
    with tar:
        try:
            yield _TarSource(source, tar)
        except tarfile.TarError:
            raise Refused("backup.damaged", source=str(source), file=source.name) from None
