"""What a process starts with, in the trail: which settings are others than at its last start, never their values.

A setting is known by a keyed digest of its value, so that neither the database nor the trail tells a secret, nor lets a
short one be guessed.
"""

from collections.abc import Mapping

from openberth.contexts.tenancy.model.audit import Deed
from openberth.contexts.tenancy.service.audit import record
from openberth.contexts.tenancy.service.vault_keys import backup_deed
from openberth.contexts.tenancy.store import starts as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, needs, require_whole

SHOWN = 12  # characters of a digest in the trail: enough to tell one from another


@by_construction
def note_start(unit: Unit, *, process: str, settings: Mapping[str, str], program: str) -> list[str]:
    """Write down which settings changed since the last start of a process, and return their names.

    ``settings`` are values by name, as text; ``program`` is the version, which is told as it is.
    """
    now = {name: _digest(unit, name, value) for name, value in settings.items()} | {"program": program}
    before = dict(unit.all(store.SETTINGS, process=process))
    changed = sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
    if not changed:
        return []
    for name in changed:
        unit.run(store.FORGET, process=process, setting=name)
        if name in now:
            unit.run(store.INSERT, process=process, name=name, digest=now[name])
    if before:
        was, is_now = ({name: _shown(each.get(name)) for name in changed} for each in (before, now))
        record(unit, Deed("settings.changed", "process", process, before=was, after=is_now))
    else:
        first = {"program": program, "settings": len(settings)}
        record(unit, Deed("settings.changed", "process", process, after=first))
    return changed


@by_construction
def note_restore(unit: Unit, *, backup: str, made_at: str, restored_at: str) -> None:
    """Write down that this database came from a backup."""
    record(unit, Deed("backup.restored", "backup", backup, after={"made_at": made_at, "restored_at": restored_at}))


@needs("backup.write")
def note_backup(unit: Unit, *, name: str, keys: tuple[str, ...], revision: str) -> None:
    """Write down that a backup was made, and which sealing keys it needs."""
    require_whole(unit.caller)
    record(unit, backup_deed(target=name, keys=keys, revision=revision))


def _digest(reader: Reader, name: str, value: str) -> str:
    return reader.keys.fingerprint("setting", f"{name}={value}")


def _shown(digest: str | None) -> str | None:
    return None if digest is None else digest[:SHOWN]
