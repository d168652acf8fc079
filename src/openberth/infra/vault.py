"""Personal values at rest: authenticated ciphertext with its key id, found by keyed hash.

Business rows, events, logs and file names carry the vault row's id only, so erasing the row erases the person. A
value is stored once per kind; its ciphertext is bound to the row's id and kind and cannot be moved to another row.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import bindparam, delete, select, update

from openberth.infra.database.schema import vault
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.unit import Reader, Unit
from openberth.kernel.ids import Id


class VaultKind(StrEnum):
    """What a sealed value is."""

    PLATE = "plate"
    DEVICE_SECRET = "device_secret"  # noqa: S105 - a word, not a secret
    CHANNEL_SECRET = "channel_secret"  # noqa: S105
    NAME = "name"
    PHONE = "phone"
    OPENID = "openid"
    TOTP_SECRET = "totp_secret"  # noqa: S105
    SIGNING_KEY = "signing_key"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A vault row as read, for statements that join it: opened with ``open_sealed``."""

    id: Id
    kind: str
    key_id: str
    sealed: bytes


_BY_FINGERPRINT = Query(
    select(vault.c.id).where(vault.c.kind == bindparam("kind"), vault.c.fingerprint == bindparam("fingerprint")),
    one_id,
)
_BY_ID = Query(
    select(vault.c.id, vault.c.kind, vault.c.key_id, vault.c.sealed).where(vault.c.id == bindparam("vault_id")), Sealed
)
_ANY = Query(select(vault.c.key_id).limit(1), lambda key_id: key_id)
_INSERT = insert_into(vault, once=True)
_ERASE = Write(delete(vault).where(vault.c.id == bindparam("vault_id")))
_RESEAL = Write(
    update(vault)
    .where(vault.c.id == bindparam("vault_id"))
    .values(key_id=bindparam("new_key_id"), sealed=bindparam("new_sealed"), fingerprint=bindparam("new_fingerprint"))
)


def find(reader: Reader, kind: VaultKind, text: str) -> Id | None:
    """Return the id under which a value is stored, None when it never was."""
    return reader.one(_BY_FINGERPRINT, kind=kind.value, fingerprint=reader.keys.fingerprint(kind.value, text))


def keep(unit: Unit, kind: VaultKind, text: str) -> Id:
    """Store a value once and return its id."""
    fingerprint = unit.keys.fingerprint(kind.value, text)
    found = unit.one(_BY_FINGERPRINT, kind=kind.value, fingerprint=fingerprint)
    if found is not None:
        return found
    vault_id = unit.new_id()
    key_id, sealed = unit.keys.seal(text.encode(), context=_context(vault_id, kind.value))
    added = unit.run(
        _INSERT, id=vault_id, kind=kind.value, fingerprint=fingerprint, key_id=key_id, sealed=sealed,
        at=unit.machine_now,
    )  # fmt: skip
    if added == 1:
        return vault_id
    raced = unit.one(_BY_FINGERPRINT, kind=kind.value, fingerprint=fingerprint)
    assert raced is not None, "an insert was ignored, yet no row has its key"
    return raced


def reveal(reader: Reader, vault_id: Id) -> str | None:
    """Return the plain value, None when the row was erased. Callers mask what they show."""
    row = reader.one(_BY_ID, vault_id=vault_id)
    return None if row is None else open_sealed(reader, row)


def open_sealed(reader: Reader, row: Sealed) -> str:
    """Return the plain value of a row that was read by a join."""
    return reader.keys.open(row.key_id, bytes(row.sealed), context=_context(row.id, row.kind)).decode()


def erase(unit: Unit, vault_id: Id) -> bool:
    """Erase a value for ever; rows that carry its id keep it and show nobody."""
    return unit.run(_ERASE, vault_id=vault_id) == 1


def key_in_use(reader: Reader) -> str | None:
    """Return the id of a key that some row is sealed with, None for an empty vault: start-up needs that key."""
    found = reader.all(_ANY)
    return found[0] if found else None


def _context(vault_id: Id, kind: str) -> bytes:
    return kind.encode() + b":" + vault_id.bytes
