"""Blobs as files in a folder, two levels deep by day."""

import os
import threading
from itertools import count
from pathlib import Path

from openberth.infra.blobs.naming import check_size, day_path
from openberth.kernel.errors import NotFound, Overloaded

UNSYNCED_MAX = 1_000  # written files that may wait for one flush


class FolderBlobs:
    """Stores blobs below a folder; thread-safe.

    A file appears whole under its name (written beside, then renamed). It is durable after ``flush``, which runs by
    itself when ``UNSYNCED_MAX`` files wait.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unsynced: set[Path] = set()
        self._lock = threading.Lock()
        self._serial = count()

    def put(self, name: str, data: bytes) -> None:
        """Store a blob; see ``Blobs.put``."""
        check_size(data)
        path = self._root / day_path(name)
        temporary = path.with_name(f".{name}.{os.getpid()}.{next(self._serial)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(data)
                temporary.replace(path)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _unavailable(error) from error
        with self._lock:
            self._unsynced.add(path)
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
        path = self._root / day_path(name)
        with self._lock:
            self._unsynced.discard(path)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _unavailable(error) from error

    def flush(self) -> None:
        """Sync the files written since the last flush, then the folders that name them."""
        with self._lock:
            waiting, self._unsynced = self._unsynced, set()
        try:
            for path in waiting:
                _sync(path)
            days = {path.parent for path in waiting}
            for folder in days | {day.parent for day in days} | ({self._root} if days else set()):
                _sync(folder)
        except OSError as error:
            with self._lock:
                self._unsynced |= waiting
            raise _unavailable(error) from error


def _sync(path: Path) -> None:
    if os.name != "posix" and path.is_dir():
        return
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return  # deleted meanwhile
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unavailable(error: OSError) -> Overloaded:
    return Overloaded("blob.unavailable", reason=error.strerror or type(error).__name__)
