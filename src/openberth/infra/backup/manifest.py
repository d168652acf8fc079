"""What a backup says about itself, and the list of its files."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import IO

from openberth.kernel.errors import Malformed

FORMAT = "openberth-backup/1"
MANIFEST = "manifest.json"
LIST = "files.sha256"
DATA = "data"
MANIFEST_BYTES_MAX = 1_000_000
LIST_LINE_MAX = 5_000
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup's own words.

    ``database_file`` is None when the server's own tool has to copy the database. ``rows`` counts each table and
    ``position`` is that of the newest event; both are only known of SQLite, where the copy itself is counted.
    ``keys`` are the ids of the sealing keys without which personal values stay unreadable; ``files`` and ``size``
    (bytes) count what the list holds.
    """

    program: str
    revision: str
    made_at: str
    database_kind: str
    database_file: str | None
    rows: Mapping[str, int]
    position: int | None
    keys: tuple[str, ...]
    files: int
    size: int
    list_sha256: str

    def to_json(self) -> bytes:
        """Return the file's content."""
        content = {"format": FORMAT, **asdict(self)}
        return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes, *, source: str) -> "Manifest":
        """Read the file's content; anything else is ``Malformed("backup.not_a_backup")``."""
        try:
            read = json.loads(content)
            if read.pop("format") != FORMAT:
                raise ValueError("another format")
            manifest = cls(**{**read, "keys": tuple(read["keys"])})
            _check_types(manifest)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Malformed("backup.not_a_backup", source=source) from None
        return manifest


def _check_types(manifest: Manifest) -> None:
    words = (manifest.program, manifest.revision, manifest.made_at, manifest.database_kind, manifest.list_sha256)
    numbers = (manifest.files, manifest.size, manifest.position or 0, *manifest.rows.values())
    if not all(isinstance(word, str) for word in (*words, manifest.database_file or "", *manifest.keys)):
        raise TypeError("a word is expected")
    if not all(isinstance(number, int) for number in numbers):
        raise TypeError("a number is expected")


def is_sound(name: str) -> bool:
    """Tell whether a name stays inside the backup and on its line of the list."""
    path = PurePosixPath(name)
    inside = not path.is_absolute() and ".." not in path.parts and str(path) == name and "\\" not in name
    return inside and name not in (MANIFEST, LIST, ".") and name.isprintable()


def read_list(lines: IO[bytes], *, source: str) -> Iterator[tuple[str, str]]:
    """Yield (name, SHA-256) of every file; a line that is none is ``Malformed("backup.not_a_backup")``."""
    while line := lines.readline(LIST_LINE_MAX):
        try:
            digest, _, name = line.decode().removesuffix("\n").partition("  ")
        except UnicodeDecodeError:
            raise Malformed("backup.not_a_backup", source=source) from None
        if len(digest) != 64 or not is_sound(name):
            raise Malformed("backup.not_a_backup", source=source)
        yield name, digest


def sha256_of(stream: IO[bytes], into: IO[bytes] | None = None) -> str:
    """Return the hash of a stream, copying it on the way if asked."""
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
        if into is not None:
            into.write(chunk)
    return digest.hexdigest()
