"""The sealing keys of the vault, as far as the database knows: what needs them, and who changed them.

The keys themselves lie in a file. A change is written into the audit trail before it is made there, so that no key
comes or goes unseen.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from openberth.contexts.tenancy.model.audit import Deed, Outcome
from openberth.contexts.tenancy.service.audit import record
from openberth.contexts.tenancy.store import audit as audit_store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.key_keeping import Holder, answers_sealed_with, holders
from openberth.infra.keys import Cipher
from openberth.infra.permitting import needs, require_whole
from openberth.kernel.errors import Refused
from openberth.kernel.time import Instant, to_iso

BACKUP_MADE = "backup.made"
BACKUPS_MAX = 500  # so many of the newest are looked at


@dataclass(frozen=True, slots=True)
class Need:
    """What needs a key: sealed values, remembered answers, backups that are known, and the newest of them."""

    rows: int = 0
    answers: int = 0
    backups: int = 0
    newest_backup: Instant | None = None


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that somebody noted: when (machine time), its name, and the sealing keys that it needs."""

    at: Instant
    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What needs each key, and which processes hold which (none are told of where there is one process only)."""

    needs: Mapping[str, Need]
    holders: tuple[Holder, ...]


@needs("key.rotate")
def standing(reader: Reader, *, known: tuple[str, ...]) -> Standing:
    """Return how the keys stand: those of the file (``known``) and those that rows name besides."""
    require_whole(reader.caller)
    every = dict.fromkeys((*known, *vault.keys_in_use(reader)))
    return Standing({key: _need_of(reader, key) for key in every}, tuple(holders(reader)))


@needs("key.rotate")
def begin_rotation(unit: Unit, *, key: str, cipher: Cipher) -> None:
    """Write down that a key is made."""
    require_whole(unit.caller)
    record(unit, Deed("vault_key.made", "vault_key", key, after={"algorithm": cipher.value}))


@needs("key.rotate")
def begin_retirement(unit: Unit, *, key: str, sealing: str, despite_backups: bool) -> None:
    """Write down that a key is retired, once nothing needs it; ``sealing`` is the key that this process seals with.

    Raises ``Refused``: ``vault.key_current``, ``vault.key_needed``, ``vault.key_in_backups``.
    """
    require_whole(unit.caller)
    if key == sealing:
        raise Refused("vault.key_current", key=key)
    need = _need_of(unit, key)
    processes = sum(each.seals == key for each in holders(unit))
    if need.rows or need.answers or processes:
        raise Refused("vault.key_needed", key=key, rows=need.rows, answers=need.answers, processes=processes)
    if need.newest_backup is not None and not despite_backups:
        raise Refused("vault.key_in_backups", key=key, backups=need.backups, newest=to_iso(need.newest_backup))
    record(unit, Deed("vault_key.retired", "vault_key", key, before={"backups": need.backups}))


@needs("key.rotate")
def failed(unit: Unit, *, deed: str, key: str, reason: str) -> None:
    """Write down that the file could not be changed after all."""
    record(unit, Deed(deed, "vault_key", key, reason=reason, outcome=Outcome.REFUSED))


def backups(reader: Reader) -> list[Backup]:
    """Return the backups that are known, newest first: the trail remembers them. They are the platform's alone."""
    page = audit_store.asked(("deed",))
    found = reader.all(page, deed=BACKUP_MADE, below=(1 << 63) - 1, limit=BACKUPS_MAX)
    return [Backup(each.at, each.subject, _keys_of(each.new_values)) for each in found]


def _need_of(reader: Reader, key: str) -> Need:
    made = [each.at for each in backups(reader) if key in each.keys]
    return Need(vault.count_of(reader, key), answers_sealed_with(reader, key), len(made), made[0] if made else None)


def _keys_of(stored: str | None) -> tuple[str, ...]:
    keys = json.loads(stored or "{}").get("keys", ())
    return tuple(map(str, keys))


def backup_deed(*, target: str, keys: tuple[str, ...], revision: str) -> Deed:
    """Return the deed of a backup: its name, the keys that it needs, and its revision."""
    return Deed(BACKUP_MADE, "backup", target, after={"keys": keys, "revision": revision})
