"""Where a backup goes: a folder or a tar file. A sink keeps the list of what it holds."""

import contextlib
import hashlib
import io
import os
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from openberth.infra.backup.manifest import LIST, MANIFEST, Manifest, read_list, sha256_of
from openberth.kernel.errors import Refused


class Sink(ABC):
    """A backup while it is made."""

    room: Path
    """A folder on the same disk for the copy of the database."""

    def __init__(self) -> None:
        self.files = 0
        self.size = 0
        self._list = io.BytesIO()

    def __enter__(self) -> "Sink":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def listing(self) -> bytes:
        """Return the list of files so far."""
        return self._list.getvalue()

    def add(self, name: str, path: Path) -> None:
        """Copy a file; one that retention has just deleted is left out."""
        with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            self._note(name, self._copy(name, stream, status), status.st_size)

    def take(self, name: str, path: Path) -> None:
        """Move a file of our own in."""
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            self._note(name, self._copy(name, stream, status), status.st_size)
        path.unlink()

    def finish(self, manifest: Manifest) -> Manifest:
        """Write the list and the manifest."""
        self._write(LIST, self.listing)
        self._write(MANIFEST, manifest.to_json())
        return manifest

    def _note(self, name: str, digest: str, size: int) -> None:
        self.files += 1
        self.size += size
        self._list.write(f"{digest}  {name}\n".encode())

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""

    @abstractmethod
    def sync(self) -> None:
        """Make it durable; the files themselves are already."""

    @abstractmethod
    def _copy(self, name: str, stream: IO[bytes], status: os.stat_result) -> str: ...

    @abstractmethod
    def _write(self, name: str, content: bytes) -> None: ...


class FolderSink(Sink):
    """A new folder; files unchanged since a previous backup become links to it."""

    def __init__(self, root: Path, previous: Path | None) -> None:
        super().__init__()
        root.mkdir(mode=0o700)
        self.room = self._root = root
        self._previous = previous
        self._known = _hashes_of(previous) if previous else {}
        self._made: set[Path] = {root}

    def close(self) -> None:
        """Nothing is open between files."""

    def sync(self) -> None:
        """Sync the folders that name the files."""
        for folder in self._made:
            sync_folder(folder)

    def take(self, name: str, path: Path) -> None:
        """Move a file of our own in, without a second copy."""
        with path.open("rb") as stream:
            digest = sha256_of(stream)
            os.fsync(stream.fileno())
            size = os.fstat(stream.fileno()).st_size
        path.rename(self._root / name)
        self._note(name, digest, size)

    def _copy(self, name: str, stream: IO[bytes], status: os.stat_result) -> str:
        path = self._root / name
        self._make(path.parent)
        if (digest := self._linked(name, path, status)) is not None:
            return digest
        with path.open("xb") as copy:
            digest = sha256_of(stream, copy)
            copy.flush()
            os.fsync(copy.fileno())
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        return digest

    def _make(self, folder: Path) -> None:
        if folder not in self._made:
            self._make(folder.parent)
            folder.mkdir()
            self._made.add(folder)

    def _linked(self, name: str, path: Path, status: os.stat_result) -> str | None:
        digest = self._known.get(name)
        if digest is None or self._previous is None:
            return None
        try:
            earlier = self._previous / name
            found = earlier.stat()
            if (found.st_size, found.st_mtime_ns) != (status.st_size, status.st_mtime_ns):
                return None
            path.hardlink_to(earlier)
        except OSError:  # another disk, or a file system without links
            return None
        return digest

    def _write(self, name: str, content: bytes) -> None:
        with (self._root / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


class TarSink(Sink):
    """A new tar file, written in one go."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.room = path.parent
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def close(self) -> None:
        """Write the end of the archive and sync it."""
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def sync(self) -> None:
        """Closing has synced it."""

    def _copy(self, name: str, stream: IO[bytes], status: os.stat_result) -> str:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime, entry.mode = status.st_size, int(status.st_mtime), 0o600
        hashing = _Hashing(stream)
        self._tar.addfile(entry, hashing)
        return hashing.digest.hexdigest()

    def _write(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o600
        self._tar.addfile(entry, io.BytesIO(content))


class _Hashing(io.RawIOBase):
    """A stream that hashes what is read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._stream.read(size)
        self.digest.update(chunk)
        return chunk


def _hashes_of(previous: Path) -> Mapping[str, str]:
    try:
        with (previous / LIST).open("rb") as lines:
            return dict(read_list(lines, source=str(previous)))
    except OSError as error:
        raise Refused("backup.no_previous", previous=str(previous), reason=error.strerror or str(error)) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
