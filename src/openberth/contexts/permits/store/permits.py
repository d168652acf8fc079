"""Permits as rows. The plate is a vault id: equal ids are equal plates, so the lane finds a permit without opening
anything.
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, bindparam, or_, select, update

from openberth.contexts.permits.model import GrantedPermit, PermitKind
from openberth.infra.database.schema import OnMove, business_table, vault
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.types import enum_column, id_column, instant_column, word_column
from openberth.infra.vault import Sealed
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, Period

PAGE_MAX = 500
HELD_MAX = 8  # of one plate at one instant; the list allows one

permit = business_table(
    "permit",
    word_column("code", 40),
    id_column("plate_id"),
    enum_column("kind", PermitKind),
    instant_column("valid_from"),
    instant_column("valid_until", nullable=True),
    instant_column("retired_at", nullable=True),
    Column("version", BigInteger, nullable=False),
    id_column("holder_id", nullable=True),
    moves=OnMove.FOLLOW,
)
Index("uq_permit_code", permit.c.lot_id, permit.c.code, unique=True)
Index("ix_permit_holder", permit.c.holder_id)
Index("ix_permit_plate", permit.c.lot_id, permit.c.plate_id)


@dataclass(frozen=True, slots=True)
class PermitRow:
    """An active permit with its sealed plate; ``sealed`` is None when the plate was erased from the vault."""

    id: Id
    code: str
    kind: PermitKind
    valid: Period
    sealed: Sealed | None
    holder: Id | None
    version: int


@dataclass(frozen=True, slots=True)
class HeldPermit:
    """A permit as its holder sees it."""

    id: Id
    lot: Id
    code: str
    kind: PermitKind
    plate: Id
    valid_from: Instant
    valid_until: Instant | None
    retired_at: Instant | None


def _granted(
    permit_id: Id, code: str, kind: PermitKind, start: Instant, until: Instant | None, retired_at: Instant | None
) -> GrantedPermit:
    ends = [end for end in (until, retired_at) if end is not None]
    # Retired before it began: it never held, which is an empty period and not one that ends before it starts.
    return GrantedPermit(permit_id, code, kind, Period(start, max(start, min(ends)) if ends else None))


def _row(
    permit_id: Id, code: str, kind: PermitKind, start: Instant, until: Instant | None, holder: Id | None, version: int,
    vault_id: Id | None, vault_kind: str | None, key_id: str | None, sealed: bytes | None,
) -> PermitRow:  # fmt: skip
    plate = None
    if vault_id is not None and vault_kind is not None and key_id is not None and sealed is not None:
        plate = Sealed(vault_id, vault_kind, key_id, sealed)
    return PermitRow(permit_id, code, kind, Period(start, until), plate, holder, version)


_GRANTED = (
    permit.c.id, permit.c.code, permit.c.kind, permit.c.valid_from, permit.c.valid_until, permit.c.retired_at,
)  # fmt: skip
_AT = bindparam("at", type_=BigInteger())

HOLDING = Query(
    select(*_GRANTED)
    .where(
        permit.c.lot_id == bindparam("lot"),
        permit.c.plate_id == bindparam("plate"),
        permit.c.valid_from <= _AT,
        or_(permit.c.valid_until.is_(None), permit.c.valid_until > _AT),
        or_(permit.c.retired_at.is_(None), permit.c.retired_at > _AT),
    )
    .order_by(permit.c.kind, permit.c.code)  # "blocked" sorts first, so the bound never cuts it off
    .limit(HELD_MAX),
    _granted,
)
BY_ID = Query(select(*_GRANTED).where(permit.c.id == bindparam("permit_id")), _granted)
PLATE_OF_CODE = Query(
    select(permit.c.id, permit.c.plate_id).where(
        permit.c.lot_id == bindparam("lot"), permit.c.code == bindparam("permit_code")
    ),
    lambda permit_id, plate_id: (permit_id, plate_id),
)
ACTIVE_OF_LOT = Query(
    select(
        permit.c.id, permit.c.code, permit.c.kind, permit.c.valid_from, permit.c.valid_until, permit.c.holder_id,
        permit.c.version, vault.c.id, vault.c.kind, vault.c.key_id, vault.c.sealed,
    )
    .select_from(permit.outerjoin(vault, vault.c.id == permit.c.plate_id))
    .where(permit.c.lot_id == bindparam("lot"), permit.c.code > bindparam("after"), permit.c.retired_at.is_(None))
    .order_by(permit.c.code)
    .limit(bindparam("limit")),
    _row,
)  # fmt: skip
INSERT = insert_into(permit, once=True)
REPLACE = Write(
    update(permit)
    .where(permit.c.lot_id == bindparam("lot"), permit.c.code == bindparam("permit_code"))
    .values(
        plate_id=bindparam("new_plate"),
        kind=bindparam("new_kind"),
        valid_from=bindparam("new_from"),
        valid_until=bindparam("new_until"),
        retired_at=None,
        version=permit.c.version + 1,
    )
)
RETIRE = Write(
    update(permit)
    .where(
        permit.c.lot_id == bindparam("lot"),
        permit.c.code == bindparam("permit_code"),
        permit.c.retired_at.is_(None),
    )
    .values(retired_at=bindparam("now"), version=permit.c.version + 1)
)
HELD_NOW = Query(
    select(permit.c.id, permit.c.holder_id, permit.c.version).where(
        permit.c.lot_id == bindparam("lot"), permit.c.code == bindparam("permit_code")
    ),
    lambda permit_id, holder, version: (permit_id, holder, version),
)
SET_HOLDER = Write(
    update(permit)
    .where(permit.c.id == bindparam("permit_id"), permit.c.version == bindparam("seen"))
    .values(holder_id=bindparam("new_holder"), version=permit.c.version + 1)
)
# A person's permits wherever they are: what it sees of itself, and what it wants forgotten, knows no company.
OF_HOLDER = Query(
    select(
        permit.c.id, permit.c.lot_id, permit.c.code, permit.c.kind, permit.c.plate_id, permit.c.valid_from,
        permit.c.valid_until, permit.c.retired_at,
    )
    .where(permit.c.holder_id == bindparam("holder"))
    .order_by(permit.c.id)
    .limit(PAGE_MAX),
    HeldPermit, everywhere=True,
)  # fmt: skip
LET_GO_OF_HOLDER = Write(
    update(permit)
    .where(permit.c.holder_id == bindparam("holder"), permit.c.retired_at.is_(None))
    .values(retired_at=bindparam("now"), version=permit.c.version + 1)
)
NO_HOLDER = Write(update(permit).where(permit.c.holder_id == bindparam("holder")).values(holder_id=None))
ACTIVE_OF_PLATE = Query(
    select(permit.c.id)
    .where(permit.c.plate_id == bindparam("plate"), permit.c.retired_at.is_(None))
    .limit(1),
    one_id, everywhere=True,
)  # fmt: skip
