"""Statements of safes and of what is carried into and out of them."""

from typing import Any

from sqlalchemy import and_, bindparam, func, select, update

from openberth.contexts.payments.model import AccountCode
from openberth.contexts.payments.model.safes import Safe, SafeMove
from openberth.contexts.payments.model.shifts import Holder
from openberth.contexts.payments.store.shift_tables import safe, safe_move
from openberth.contexts.payments.store.tables import ledger_transfer
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.kernel.ids import Id
from openberth.kernel.money import Money


def _read_safe(id_: Id, company: Id, lot: Id, currency: str, minor: int) -> Safe:
    return Safe(id_, company, lot, Money(minor, currency))


def safe_row(found: Safe) -> dict[str, Any]:
    """Return the columns of a safe."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "currency": found.balance.currency,
        "balance_minor": found.balance.minor,
    }  # fmt: skip


def _read_move(*columns: Any) -> SafeMove:
    row = dict(zip(safe_move.c.keys(), columns, strict=True))
    return SafeMove(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], safe=row["safe_id"], kind=row["kind"],
        amount=Money(row["amount_minor"], row["currency"]), reference=row["reference"],
        by=Holder(row["by_kind"], row["by_name"]), at=row["at"],
    )  # fmt: skip


def move_row(found: SafeMove) -> dict[str, Any]:
    """Return the columns of a move."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "safe_id": found.safe, "kind": found.kind,
        "amount_minor": found.amount.minor, "currency": found.amount.currency, "reference": found.reference,
        "by_kind": found.by.kind, "by_name": found.by.name, "at": found.at,
    }  # fmt: skip


INSERT_SAFE, INSERT_MOVE = insert_into(safe), insert_into(safe_move)
SAFE = Query(
    select(safe).where(
        safe.c.lot_id == bindparam("lot"), safe.c.company_id == bindparam("company"),
        safe.c.currency == bindparam("in_currency"),
    ),
    _read_safe,
)  # fmt: skip
SAFES = Query(
    select(safe).where(safe.c.id > bindparam("after")).order_by(safe.c.id).limit(bindparam("limit")), _read_safe
)
SAFES_OF_LOT = Query(select(safe).where(safe.c.lot_id == bindparam("lot")).order_by(safe.c.id), _read_safe)
FILLED_OF_COMPANY = Query(
    select(func.count()).where(safe.c.company_id == bindparam("company"), safe.c.balance_minor > 0), int
)
# Never below nothing: no row is touched then, and the table would refuse it besides.
CHANGE = Write(
    update(safe)
    .where(safe.c.id == bindparam("safe_id"), safe.c.balance_minor + bindparam("change") >= 0)
    .values(balance_minor=safe.c.balance_minor + bindparam("change"))
)
MOVE_BY_REFERENCE = Query(
    select(safe_move).where(
        safe_move.c.safe_id == bindparam("of_safe"), safe_move.c.kind == bindparam("of_kind"),
        safe_move.c.reference == bindparam("known_reference"),
    ),
    _read_move,
)  # fmt: skip
MOVES_OF_LOT = Query(
    select(safe_move)
    .where(safe_move.c.lot_id == bindparam("lot"), safe_move.c.id < bindparam("before"))
    .order_by(safe_move.c.id.desc())
    .limit(bindparam("limit")),
    _read_move,
)


def _common(side: str) -> Query[int]:
    """Return the sum of one side of a lot's common till: over its whole history, for the rare deed of emptying it."""
    transfer = ledger_transfer.c
    return Query(
        select(func.coalesce(func.sum(transfer.amount_minor), 0)).where(
            and_(
                transfer.lot_id == bindparam("lot"), transfer.company_id == bindparam("company"),
                transfer.currency == bindparam("in_currency"), transfer[side] == AccountCode.TILL,
                transfer[f"{side}_party"].is_(None),
            )
        ),
        int,
    )  # fmt: skip


INTO_COMMON_TILL, OUT_OF_COMMON_TILL = _common("debit"), _common("credit")
