"""Everything that is a tenant's, as lines of JSON: which tables, and what of a row leaves in which form. Pure.

The tables of a tenant are those that carry its company: nobody can forget one. What does not leave is said here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from openberth.contexts.tenancy.model.accounts import Level
from openberth.kernel.ids import Id
from openberth.kernel.persons import masked_identity, masked_name, masked_openid, masked_phone
from openberth.kernel.plates import Plate
from openberth.kernel.time import Instant

FORMAT = "openberth-export/1"

# Tables that carry a company and do not leave, and why.
NOT_EXPORTED: Mapping[str, str] = {
    "tenant_export": "the exports themselves",
    "export_part": "the exports themselves",
    "table_export": "tables that people took away, gone a day later",
    "table_export_part": "tables that people took away, gone a day later",
    "device_old_secret": "secrets only",
    "audit_entry": "read by auditors (audit.read); whoever exports a tenant is another officer",
}
# Columns that do not leave: what proves who somebody is, and where it lies.
WITHHELD = frozenset(("password", "totp_id", "totp_step", "secret_id", "secret_fingerprint"))
# Columns that name personal values in the vault, by the name under which the value leaves, masked or not.
PERSONAL: Mapping[str, str] = {
    "plate_id": "plate", "old_plate_id": "old_plate", "new_plate_id": "new_plate", "name_id": "person_name",
    "phone_id": "phone", "openid_id": "openid", "identity_id": "identity", "old_id": "old", "new_id": "new",
}  # fmt: skip


class ExportState(StrEnum):
    """How far an export is. A fetched one is fetched for ever: its parts are gone."""

    WAITING = "waiting"
    READY = "ready"
    FETCHED = "fetched"
    FAILED = "failed"
    OVER = "over"  # nobody fetched it in time


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where an export goes on: table and company by their place in the lists, after a key (None: from the first)."""

    table: int = 0
    company: int = 0
    after: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """All data of a company, or of a partner with its companies."""

    id: Id
    node: Id
    level: Level
    code: str
    companies: tuple[Id, ...]
    reason: str
    unmasked: bool
    state: ExportState
    asked_by: str
    asked_at: Instant
    ended_at: Instant | None
    cursor: Cursor
    parts: int
    lines: int
    version: int


_MASKS = {
    "plate": lambda text: Plate(text).masked,
    "identity": masked_identity,
    "phone": masked_phone,
    "name": masked_name,
    "openid": masked_openid,
}


def masked_value(kind: str, text: str) -> str:
    """Return a personal value masked as its kind is; what nobody knows is hidden whole."""
    mask = _MASKS.get(kind)
    return "****" if mask is None else mask(text)
