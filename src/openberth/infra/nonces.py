"""Nonces that were shown: each is good once, and is remembered for as long as a request that carries it is timely.

The row is written in the unit that lets the request in, so a nonce is used up on disk before anything happens.
"""

import hashlib

from sqlalchemy import bindparam, delete, select

from openberth.infra.database.schema import request_nonce
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.unit import Unit
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

PURGE_MAX = 500

_USE = insert_into(request_nonce, once=True)
_OLD = Query(select(request_nonce.c.digest).where(request_nonce.c.ends_at < bindparam("now")).limit(PURGE_MAX), one_id)
_FORGET = Write(delete(request_nonce).where(request_nonce.c.digest == bindparam("old")))


def use(unit: Unit, *, of: str, nonce: str, until: Instant) -> bool:
    """Use up a nonce of somebody; False when it was used before.

    ``until`` is when no request that carries it is timely any more.
    """
    digest = Id(bytes=hashlib.blake2b(f"{of}\n{nonce}".encode(), digest_size=16).digest())
    return unit.run(_USE, digest=digest, ends_at=until) == 1


def purge(unit: Unit) -> int:
    """Forget some nonces that are good for nothing any more; call again while it returns ``PURGE_MAX``."""
    old = unit.all(_OLD, now=unit.machine_now)
    for digest in old:
        unit.run(_FORGET, old=digest)
    return len(old)
