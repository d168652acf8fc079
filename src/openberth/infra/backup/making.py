"""Making a backup: the database first, then the files, so that every picture a row names is there."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from openberth import __version__
from openberth.infra.backup.copying import Facts, copy_sqlite, dump, dump_tool, server_facts
from openberth.infra.backup.manifest import DATA, Manifest, is_sound
from openberth.infra.backup.sinks import FolderSink, Sink, TarSink, sync_folder
from openberth.infra.clocks import SystemClock
from openberth.infra.database.backends import backend_for, scheme_of
from openberth.kernel.errors import Overloaded, Problem, Refused
from openberth.kernel.time import Clock, to_iso

SQLITE_FILE = "openberth.db"
DUMP_FILE = "database.dump"
PICTURES = "pictures"  # and nothing else of the data folder: the operator's token lies there too

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup. ``advice`` is what a person has still to do: copy a database that no tool here could copy."""

    target: Path
    manifest: Manifest
    advice: Problem | None


def backup(
    *, database_url: str, data: Path, target: Path, previous: Path | None = None, clock: Clock | None = None
) -> Made:
    """Back up the database and the data folder's pictures while the service runs.

    ``target`` is a new folder or ``NAME.tar``.

    With ``previous``, an earlier backup folder on the same disk, files that have not changed are hard links and cost
    nothing. Raises ``Refused``: ``backup.target_exists``, ``backup.target_inside``, ``backup.unwritable``,
    ``backup.database_damaged``, ``backup.tool_failed``, ``database.not_migrated``; ``Overloaded``:
    ``database.unreachable``, ``database.unknown_kind``.
    """
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        raise Overloaded("database.unknown_kind", url=scheme_of(database_url)) from None
    target, data = target.absolute(), data.absolute()
    if target.exists():
        raise Refused("backup.target_exists", target=str(target))
    if target.is_relative_to(data):
        raise Refused("backup.target_inside", target=str(target), data=str(data))
    made_at = to_iso((clock or SystemClock()).now())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _partial(target) as partial:
            sink: Sink = TarSink(partial) if target.suffix == ".tar" else FolderSink(partial, previous)
            with sink:
                manifest = _fill(sink, url, data, made_at)
            sink.sync()
            partial.rename(target)
            sync_folder(target.parent)
    except OSError as error:
        raise Refused("backup.unwritable", target=str(target), reason=error.strerror or str(error)) from error
    return Made(target, manifest, _advice(url) if manifest.database_file is None else None)


def _fill(sink: Sink, url: URL, data: Path, made_at: str) -> Manifest:
    is_file = url.get_backend_name() == "sqlite"
    with tempfile.TemporaryDirectory(prefix=".openberth-", dir=sink.room) as folder:
        if is_file:
            database_file: str | None = SQLITE_FILE
            facts = copy_sqlite(Path(url.database or ""), Path(folder) / SQLITE_FILE)
        else:
            facts, tool = server_facts(url), dump_tool(url)
            database_file = DUMP_FILE if tool else None
            if tool:
                dump(url, tool, Path(folder) / DUMP_FILE)
        if database_file:
            sink.take(database_file, Path(folder) / database_file)
    for name, path in _pictures_of(data):
        sink.add(f"{DATA}/{name}", path)
    kind = "sqlite" if is_file else backend_for(url).kind
    return sink.finish(_manifest(facts, kind, database_file, made_at, sink))


def _manifest(facts: Facts, kind: str, file: str | None, made_at: str, sink: Sink) -> Manifest:
    return Manifest(
        program=__version__, revision=facts.revision, made_at=made_at, database_kind=kind, database_file=file,
        rows=facts.rows, position=facts.position, keys=facts.keys, files=sink.files, size=sink.size,
        list_sha256=hashlib.sha256(sink.listing).hexdigest(),
    )  # fmt: skip


def _advice(url: URL) -> Problem:
    tool = "pg_dump" if backend_for(url).kind == "postgresql" else "mysqldump"
    return Refused("backup.use_server_tool", tool=tool, database=url.render_as_string(hide_password=True))


def _pictures_of(data: Path) -> Iterator[tuple[str, Path]]:
    """Yield the pictures by their name below the data folder; half-written ones (hidden) and links are left out."""
    for place, folders, names in os.walk(data / PICTURES):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            relative = path.relative_to(data).as_posix()
            if is_sound(relative):
                yield relative, path
            else:
                log.warning("backup.name_left_out", name=repr(relative))


@contextlib.contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """Give a name beside the target to work under, and leave nothing there after a failure."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        yield partial
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)
