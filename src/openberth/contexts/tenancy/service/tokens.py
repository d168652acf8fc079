"""The operator token: whoever may read the file of this machine acts for the whole installation."""

import hashlib

from openberth.contexts.tenancy.store import tokens as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction


@by_construction
def remember_operator_token(unit: Unit, *, token: str, name: str) -> None:
    """Let a bearer token in and no earlier one of its name; its digest is kept alone, for it is 256 random bits."""
    unit.run(store.FORGET_OTHERS, token_name=name, kept=_digest(token))
    unit.run(store.INSERT_TOKEN, digest=_digest(token), name=name, created_at=unit.machine_now)


def operator_of(reader: Reader, *, token: str) -> str | None:
    """Return the operator's name for a bearer token, None for one nobody made."""
    return reader.one(store.TOKEN, digest=_digest(token))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
