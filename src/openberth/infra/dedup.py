"""What has been seen from outside, by (source, its own id): short-lived keys in a table of their own.

The key is written in the unit that stores the fact, so a fact is accepted once however often it is sent.
"""

import hashlib
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, update

from openberth.infra.database.schema import seen
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.unit import Reader, Unit
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, Instant

KEPT_US = 14 * DAY_US
PURGE_MAX = 500

_FIND = Query(
    select(seen.c.ref, seen.c.at).where(seen.c.digest == bindparam("digest")), lambda ref, at: Sighted(ref, at)
)
_REMEMBER = insert_into(seen, once=True)
_REPOINT = Write(update(seen).where(seen.c.digest == bindparam("of_digest")).values(ref=bindparam("new_ref")))
_OLD = Query(select(seen.c.digest).where(seen.c.at < bindparam("before")).limit(PURGE_MAX), lambda digest: digest)
_FORGET = Write(delete(seen).where(seen.c.digest == bindparam("digest")))


@dataclass(frozen=True, slots=True)
class Sighted:
    """What an earlier arrival of the same thing became, and when (machine time)."""

    ref: Id
    at: Instant


def earlier(reader: Reader, *, source: Id, key: str) -> Sighted | None:
    """Return what this key of this source became when it came first, or None."""
    return reader.one(_FIND, digest=_digest(source, key))


def remember(unit: Unit, *, source: Id, key: str, ref: Id) -> bool:
    """Write the key down; False when it was there already (a race lost on a server)."""
    return unit.run(_REMEMBER, digest=_digest(source, key), at=unit.machine_now, ref=ref) == 1


def claim(unit: Unit, *, source: Id, key: str, ref: Id) -> Sighted | None:
    """Write down what this key of this source becomes; when it came before, return what it became then.

    One statement for what is new, which nearly everything is.
    """
    return None if remember(unit, source=source, key=key, ref=ref) else earlier(unit, source=source, key=key)


def repoint(unit: Unit, *, source: Id, key: str, ref: Id) -> None:
    """Say that a key claimed in this unit became something else."""
    unit.save(_REPOINT, of_digest=_digest(source, key), new_ref=ref)


def purge(unit: Unit) -> int:
    """Forget some keys older than 14 days; call again while it returns 500."""
    old = unit.all(_OLD, before=unit.machine_now - KEPT_US)
    for digest in old:
        unit.run(_FORGET, digest=digest)
    return len(old)


def _digest(source: Id, key: str) -> Id:
    return Id(bytes=hashlib.blake2b(source.bytes + key.encode(), digest_size=16).digest())
