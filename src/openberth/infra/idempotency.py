"""Answers remembered by ``Idempotency-Key``: written in the unit whose effect they describe.

The same key with the same request gets the stored answer; with another request it is refused.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select

from openberth.infra.database.schema import idempotency
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.unit import Reader, Unit
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.time import DAY_US

KEPT_US = 2 * DAY_US
KEY_MAX = 200
PURGE_MAX = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered the first time."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A caller's key for one request, with the digest of what it asked."""

    key_hash: str
    request_hash: str

    @classmethod
    def of(cls, key: str, *, caller: str, method: str, path: str, body: bytes) -> "RequestKey":
        """Make the key of a request, of its path with its query; keys of different callers never meet."""
        if not 1 <= len(key) <= KEY_MAX:
            raise Malformed("request.idempotency_key", longest=KEY_MAX)
        key_hash = hashlib.sha256(f"{caller}\n{key}".encode()).hexdigest()
        return cls(key_hash, hashlib.sha256(f"{method} {path}\n".encode() + body).hexdigest())


_FIND = Query(
    select(idempotency.c.request_hash, idempotency.c.status, idempotency.c.answer).where(
        idempotency.c.key_hash == bindparam("key_hash")
    ),
    lambda request_hash, status, answer: (request_hash, Answer(status, answer)),
)
_INSERT = insert_into(idempotency, once=True)
_OLD = Query(
    select(idempotency.c.key_hash).where(idempotency.c.at < bindparam("before")).limit(PURGE_MAX), lambda key: key
)
_FORGET = Write(delete(idempotency).where(idempotency.c.key_hash == bindparam("old")))


def earlier_answer(reader: Reader, key: RequestKey) -> Answer | None:
    """Return the answer this key got before, None when it is new; a key used for another request is refused."""
    found = reader.one(_FIND, key_hash=key.key_hash)
    if found is None:
        return None
    request_hash, answer = found
    if request_hash != key.request_hash:
        raise Refused("request.idempotency_reused")
    return answer


def remember_answer(unit: Unit, key: RequestKey, answer: Answer) -> None:
    """Write the answer down; when another process was first, refuse so that the caller asks again and gets that one."""
    added = unit.run(
        _INSERT, key_hash=key.key_hash, request_hash=key.request_hash, status=answer.status, answer=answer.body,
        at=unit.machine_now,
    )  # fmt: skip
    if added != 1:
        raise Refused("request.in_progress")


def purge(unit: Unit) -> int:
    """Forget some answers older than two days; call again while it returns 500."""
    old = unit.all(_OLD, before=unit.machine_now - KEPT_US)
    for key_hash in old:
        unit.run(_FORGET, old=key_hash)
    return len(old)
