"""Personal values at rest: authenticated ciphertext with its key id, found by keyed hash.

Business rows, events, logs and file names carry the vault row's id only, so erasing the row erases the person. A
value is stored once per kind; its ciphertext is bound to the row's id and kind and cannot be moved to another row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import bindparam, delete, func, select, update

from openberth.infra.database.schema import vault
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.unit import Reader, Unit
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id


class VaultKind(StrEnum):
    """What a sealed value is."""

    PLATE = "plate"
    LISTED_PLATE = "listed_plate"  # of a car that a camera was told to let in by itself
    OWN_PLATE = "own_plate"  # what somebody calls its own, apart from what cameras saw
    DEVICE_SECRET = "device_secret"  # noqa: S105 - a word, not a secret
    DEVICE_LOGIN = "device_login"
    CHANNEL_SECRET = "channel_secret"  # noqa: S105
    NAME = "name"
    IDENTITY = "identity"
    PHONE = "phone"
    OPENID = "openid"
    TOTP_SECRET = "totp_secret"  # noqa: S105
    SIGNING_KEY = "signing_key"
    API_SECRET = "api_secret"  # noqa: S105


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
_NEXT_KEY = Query(
    select(vault.c.key_id).where(vault.c.key_id > bindparam("after_key")).order_by(vault.c.key_id).limit(1),
    lambda key_id: str(key_id),
)
_COUNT = Query(select(func.count()).select_from(vault).where(vault.c.key_id == bindparam("of_key")), int)
_PAGE = Query(
    select(vault.c.id, vault.c.kind, vault.c.key_id, vault.c.sealed)
    .where(vault.c.key_id == bindparam("of_key"), vault.c.id > bindparam("after"))
    .order_by(vault.c.id).limit(bindparam("most")),
    Sealed,
)  # fmt: skip
_INSERT = insert_into(vault, once=True)
_ERASE = Write(delete(vault).where(vault.c.id == bindparam("vault_id")))
_RESEAL = Write(
    update(vault)
    .where(vault.c.id == bindparam("vault_id"), vault.c.key_id == bindparam("old_key_id"))
    .values(key_id=bindparam("new_key_id"), sealed=bindparam("new_sealed"))
)
RESEAL_MAX = 50


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


def look(reader: Reader, vault_id: Id) -> tuple[str, str] | None:
    """Return the kind and plain value of a row, None when it was erased."""
    row = reader.one(_BY_ID, vault_id=vault_id)
    return None if row is None else (row.kind, open_sealed(reader, row))


def open_sealed(reader: Reader, row: Sealed) -> str:
    """Return the plain value of a row that was read by a join."""
    return reader.keys.open(row.key_id, bytes(row.sealed), context=_context(row.id, row.kind)).decode()


def erase(unit: Unit, vault_id: Id) -> bool:
    """Erase a value for ever; rows that carry its id keep it and show nobody."""
    return unit.run(_ERASE, vault_id=vault_id) == 1


def keys_in_use(reader: Reader) -> list[str]:
    """Return the ids of the keys that rows are sealed with: one step of the index for each, however many rows."""
    found: list[str] = []
    while (following := reader.one(_NEXT_KEY, after_key=found[-1] if found else "")) is not None:
        found.append(following)
    return found


def count_of(reader: Reader, key_id: str) -> int:
    """Return how many rows are sealed with a key."""
    return reader.all(_COUNT, of_key=key_id)[0]


@dataclass(frozen=True, slots=True)
class Anew:
    """A row's value sealed with the current key, for whom it still lies under the old one."""

    vault_id: Id
    old_key_id: str
    new_key_id: str
    new_sealed: bytes


@dataclass(frozen=True, slots=True)
class AnewPage:
    """Values sealed anew; ``last`` is where the next page begins, None at the end. Some could not be opened."""

    rows: tuple[Anew, ...]
    unreadable: int
    last: Id | None


def sealed_anew(reader: Reader, key_id: str, after: Id) -> AnewPage:
    """Open the next rows of an old key and seal them with the current one, at most 50: work for outside a unit."""
    anew: list[Anew] = []
    found = reader.all(_PAGE, of_key=key_id, after=after, most=RESEAL_MAX)
    for row in found:
        context = _context(row.id, row.kind)
        try:
            plain = reader.keys.open(row.key_id, bytes(row.sealed), context=context)
        except Refused:  # damaged or without its key: counted, and no reason to leave the others behind
            continue
        anew.append(Anew(row.id, row.key_id, *reader.keys.seal(plain, context=context)))
    return AnewPage(tuple(anew), len(found) - len(anew), found[-1].id if len(found) == RESEAL_MAX else None)


def write_anew(unit: Unit, rows: Sequence[Anew]) -> int:
    """Write values that were sealed anew, and return how many; a row that was erased meanwhile stays erased."""
    return sum(unit.run(_RESEAL, row) for row in rows)


def _context(vault_id: Id, kind: str) -> bytes:
    return kind.encode() + b":" + vault_id.bytes
