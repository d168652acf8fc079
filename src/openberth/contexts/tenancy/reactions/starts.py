"""Writes down, when a process starts, what it starts with, and that its database came from a backup."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import structlog

from openberth.contexts.tenancy.service import starts as service
from openberth.infra.database import Database
from openberth.infra.place import RESTORED_FILE
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded

MARK_MAX = 10_000

log = structlog.get_logger()


async def note_start(
    database: Database, *, process: str, settings: Mapping[str, str], program: str, data: Path
) -> None:
    """Write down what a process starts with; a database that is too busy leaves it to the next start."""
    by = system("start")
    try:
        noted = partial(service.note_start, process=process, settings=settings, program=program)
        changed = await database.write(noted, by=by)
        if changed:
            log.info("settings.changed", names=changed)
        mark = _mark(data / RESTORED_FILE)
        if mark is not None:
            await database.write(partial(service.note_restore, **mark), by=by)
            (data / RESTORED_FILE).unlink(missing_ok=True)
    except Overloaded as problem:
        log.warning("start.not_noted", code=problem.code)


def _mark(path: Path) -> dict[str, str] | None:
    """Return what a restore left behind, None when there is nothing that can be read."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(MARK_MAX))
        return {name: str(found[name]) for name in ("backup", "made_at", "restored_at")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
