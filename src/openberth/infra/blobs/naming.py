"""What every blob store has in common: the protocol, the names and the bound."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from openberth.kernel.errors import Malformed

MAX_BLOB_BYTES = 16 * 1024 * 1024
_DAY_MS = 86_400_000

_NAME = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")


class Blobs(Protocol):
    """A store of blobs. The functions block: call them in a thread.

    A name is a version 7 id in canonical lower-case text, otherwise ``Malformed("blob.name")``. When the store itself
    fails they raise ``Overloaded("blob.unavailable")``.
    """

    def put(self, name: str, data: bytes) -> None:
        """Store a blob, whole or not at all; the same name again replaces it. Too big: ``Malformed``."""
        ...

    def get(self, name: str) -> bytes:
        """Return a blob; raises ``NotFound("blob.not_found")``."""
        ...

    def delete(self, name: str) -> None:
        """Remove a blob; one that is not there is no error."""
        ...

    def flush(self) -> None:
        """Make everything stored so far durable against power loss."""
        ...


def day_path(name: str) -> str:
    """Return ``YYYY-MM/DD/NAME`` (UTC) of a name; everything that is not a version 7 id is refused before any path."""
    if not _NAME.match(name):
        raise Malformed("blob.name")
    unix_ms = int(name[:8] + name[9:13], 16)
    try:
        return f"{_folder_of_day(unix_ms // _DAY_MS)}/{name}"
    except (ValueError, OverflowError, OSError):  # 48 bits of milliseconds reach beyond the calendar
        raise Malformed("blob.name") from None


@lru_cache(maxsize=64)
def _folder_of_day(day: int) -> str:
    return f"{datetime.fromtimestamp(day * (_DAY_MS // 1_000), UTC):%Y-%m/%d}"


def check_size(data: bytes) -> None:
    """Refuse a blob beyond the bound."""
    if len(data) > MAX_BLOB_BYTES:
        raise Malformed("blob.too_large", limit=MAX_BLOB_BYTES)
