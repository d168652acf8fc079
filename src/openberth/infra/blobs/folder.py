"""Blobs as files in a folder, two levels deep by day."""

import os
import threading
from itertools import count
from pathlib import Path

from openberth.infra.blobs.naming import check_size, day_path
from openberth.infra.blobs.syncing import sync_files
from openberth.kernel.errors import NotFound, Overloaded

UNSYNCED_MAX = 1_000  # written files that may wait for one flush

# Plain system calls: a camera's pictures come twice per car, and ``pathlib`` costs as much as the writing itself.
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class FolderBlobs:
    """Stores blobs below a folder; thread-safe.

    A file appears whole under its name (written beside, then renamed). It is durable after ``flush``, which runs by
    itself when ``UNSYNCED_MAX`` files wait.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unsynced: set[str] = set()
        self._lock = threading.Lock()
        self._serial = count()

    def put(self, name: str, data: bytes) -> None:
        """Store a blob; see ``Blobs.put``."""
        check_size(data)
        place = day_path(name)
        try:
            self._write(f"{self._root}/{place}", data)
        except OSError as error:
            raise _unavailable(error) from error
        with self._lock:
            self._unsynced.add(place)
            due = len(self._unsynced) >= UNSYNCED_MAX
        if due:
            self.flush()

    def get(self, name: str) -> bytes:
        """Return a blob; see ``Blobs.get``."""
        try:
            return (self._root / day_path(name)).read_bytes()
        except FileNotFoundError:
            raise NotFound("blob.not_found") from None
        except OSError as error:
            raise _unavailable(error) from error

    def delete(self, name: str) -> None:
        """Remove a blob; see ``Blobs.delete``."""
        place = day_path(name)
        with self._lock:
            self._unsynced.discard(place)
        try:
            (self._root / place).unlink(missing_ok=True)
        except OSError as error:
            raise _unavailable(error) from error

    def flush(self) -> None:
        """Make the files written since the last flush durable, with the folders that name them."""
        with self._lock:
            waiting, self._unsynced = self._unsynced, set()
        if not waiting:
            return
        try:
            sync_files(self._root, waiting)
        except OSError as error:
            with self._lock:
                self._unsynced |= waiting
            raise _unavailable(error) from error

    def _write(self, path: str, data: bytes) -> None:
        folder, _, name = path.rpartition("/")
        temporary = f"{folder}/.{name}.{os.getpid()}.{next(self._serial)}"
        try:
            handle = os.open(temporary, _NEW_FILE, 0o666)
        except FileNotFoundError:  # the first picture of a day
            Path(folder).mkdir(parents=True, exist_ok=True)
            handle = os.open(temporary, _NEW_FILE, 0o666)
        try:
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(handle, rest) :]
            finally:
                os.close(handle)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise


def _unavailable(error: OSError) -> Overloaded:
    return Overloaded("blob.unavailable", reason=error.strerror or type(error).__name__)
