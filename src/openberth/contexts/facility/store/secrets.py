"""Secrets of devices that hold for a while after they were replaced: statements."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select

from openberth.contexts.facility.store.tables import device_old_secret
from openberth.infra.database.schema import vault
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.vault import Sealed
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

PURGE_MAX = 200
_T = device_old_secret.c


@dataclass(frozen=True, slots=True)
class OldSecret:
    """A secret that was replaced, and until when it holds (machine time)."""

    device: Id
    fingerprint: str
    until: Instant
    sealed: Sealed


def _old_secret(device: Id, fingerprint: str, until: Instant, *sealed: Any) -> OldSecret:
    return OldSecret(device, fingerprint, until, Sealed(*sealed))


INSERT = insert_into(device_old_secret)
DELETE = Write(delete(device_old_secret).where(_T.device_id == bindparam("device")))
SECRET_OF = Query(select(_T.secret_id).where(_T.device_id == bindparam("device")), lambda secret: secret)
HOLDING = Query(
    select(
        _T.device_id, _T.secret_fingerprint, _T.until_at, vault.c.id, vault.c.kind, vault.c.key_id, vault.c.sealed,
    )
    .select_from(device_old_secret.join(vault, vault.c.id == _T.secret_id))
    .where(_T.until_at > bindparam("now")),
    _old_secret,
)  # fmt: skip
OVER = Query(
    select(_T.device_id, _T.secret_id).where(_T.until_at <= bindparam("now")).order_by(_T.until_at).limit(PURGE_MAX),
    lambda device, secret: (device, secret),
)
