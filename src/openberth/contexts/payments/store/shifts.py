"""Statements of shifts, of what supervisors found, and of the cash in their tills."""

from typing import Any

from sqlalchemy import bindparam, func, select, update

from openberth.contexts.payments.model import AccountCode, Receipt, ReceiptMethod, RefundState
from openberth.contexts.payments.model.shifts import Check, Holder, Shift
from openberth.contexts.payments.store.receipts import read_receipt
from openberth.contexts.payments.store.shift_tables import shift, shift_check
from openberth.contexts.payments.store.tables import ledger_transfer, receipt, refund
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.kernel.ids import Id
from openberth.kernel.money import Money

SLIPS_MAX = 500
CHECKS_MAX = 100
_CASH = ReceiptMethod.CASH


def open_key(lot: Id, holder: Holder) -> str:
    """Return what is unique among the shifts whose cash was not handed over."""
    return f"{lot.hex}:{holder.text}"


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def _pieces(stored: Any) -> dict[int, int] | None:
    """Return pieces by their worth; JSON knows names only."""
    return None if stored is None else {int(worth): many for worth, many in stored.items()}


def _named(stored: Any) -> dict[str, int] | None:
    return None if stored is None else {str(worth): many for worth, many in stored.items()}


def read_shift(*columns: Any) -> Shift:
    """Return the shift of a row."""
    row = dict(zip(shift.c.keys(), columns, strict=True))
    currency = row["currency"]
    return Shift(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], number=row["number"],
        holder=Holder(row["holder_kind"], row["holder"]), booth=row["booth_id"],
        opening=Money(row["float_minor"], currency), opened_at=row["opened_at"], state=row["state"],
        expected=_money(row["expected_minor"], currency), counted=_money(row["counted_minor"], currency),
        pieces=_pieces(row["pieces"]), totals=row["totals"], counted_at=row["counted_at"], closed_at=row["closed_at"],
        closed_by=None if row["closer"] is None else Holder(row["closer_kind"], row["closer"]), reason=row["reason"],
        passed=_money(row["passed_minor"], currency), next=row["next_id"], version=row["version"],
    )  # fmt: skip


def shift_row(found: Shift) -> dict[str, Any]:
    """Return the columns of a shift that has just been opened."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "number": found.number,
        "holder_kind": found.holder.kind, "holder": found.holder.name, "open_key": open_key(found.lot, found.holder),
        "booth_id": found.booth, "float_minor": found.opening.minor, "currency": found.opening.currency,
        "opened_at": found.opened_at, "state": found.state, "expected_minor": None, "counted_minor": None,
        "pieces": None, "totals": None, "counted_at": None, "closed_at": None, "closer_kind": None, "closer": None,
        "reason": None, "passed_minor": None, "next_id": None, "version": found.version,
    }  # fmt: skip


def saved_values(after: Shift) -> dict[str, Any]:
    """Return what ``UPDATE_SHIFT`` takes."""
    by = after.closed_by
    return {
        "shift_id": after.id, "old_version": after.version, "new_state": after.state,
        "new_open_key": None if after.closed_at is not None else open_key(after.lot, after.holder),
        "new_expected": None if after.expected is None else after.expected.minor,
        "new_counted": None if after.counted is None else after.counted.minor, "new_pieces": _named(after.pieces),
        "new_totals": after.totals, "new_counted_at": after.counted_at, "new_closed_at": after.closed_at,
        "new_closer_kind": None if by is None else by.kind, "new_closer": None if by is None else by.name,
        "new_reason": after.reason, "new_passed": None if after.passed is None else after.passed.minor,
        "new_next": after.next,
    }  # fmt: skip


def check_row(found: Check, of: Shift) -> dict[str, Any]:
    """Return the columns of a check."""
    return {
        "id": found.id, "company_id": of.company, "lot_id": of.lot, "shift_id": found.shift, "number": found.number,
        "kind": found.kind, "counted_minor": found.counted.minor, "currency": found.counted.currency,
        "pieces": _named(found.pieces), "reason": found.reason, "by_kind": found.by.kind, "by_name": found.by.name,
        "at": found.at,
    }  # fmt: skip


def read_check(*columns: Any) -> Check:
    """Return the check of a row."""
    row = dict(zip(shift_check.c.keys(), columns, strict=True))
    return Check(
        id=row["id"], shift=row["shift_id"], number=row["number"], kind=row["kind"],
        counted=Money(row["counted_minor"], row["currency"]), pieces=_pieces(row["pieces"]), reason=row["reason"],
        by=Holder(row["by_kind"], row["by_name"]), at=row["at"],
    )  # fmt: skip


INSERT_SHIFT, INSERT_CHECK = insert_into(shift), insert_into(shift_check)
SHIFT = Query(select(shift).where(shift.c.id == bindparam("shift_id")), read_shift)
SHIFT_BY_KEY = Query(select(shift).where(shift.c.open_key == bindparam("key")), read_shift)
LAST_NUMBER = Query(
    select(func.max(shift.c.number)).where(
        shift.c.lot_id == bindparam("lot"), shift.c.company_id == bindparam("company")
    ),
    lambda number: int(number or 0),
)
SHIFTS_OF_LOT = Query(
    select(shift)
    .where(shift.c.lot_id == bindparam("lot"), shift.c.id < bindparam("before"))
    .order_by(shift.c.id.desc())
    .limit(bindparam("limit")),
    read_shift,
)
SHIFTS_NUMBERED = Query(
    select(shift)
    .where(shift.c.lot_id == bindparam("lot"), shift.c.number == bindparam("wanted"), shift.c.id < bindparam("before"))
    .order_by(shift.c.id.desc())
    .limit(bindparam("limit")),
    read_shift,
)
SHIFTS_OF_HOLDER = Query(
    select(shift)
    .where(
        shift.c.lot_id == bindparam("lot"), shift.c.id < bindparam("before"),
        shift.c.holder_kind == bindparam("kind"), shift.c.holder == bindparam("name"),
    )
    .order_by(shift.c.id.desc())
    .limit(bindparam("limit")),
    read_shift,
)  # fmt: skip
# By the index of shifts that are open, which are few however long the history is.
OPEN_OF_LOT = Query(
    select(shift).where(shift.c.open_key.is_not(None), shift.c.lot_id == bindparam("lot")).order_by(shift.c.id),
    read_shift,
)
OPEN_OF_COMPANY = Query(
    select(func.count()).where(shift.c.open_key.is_not(None), shift.c.company_id == bindparam("company")), int
)
UPDATE_SHIFT = Write(
    update(shift)
    .where(shift.c.id == bindparam("shift_id"), shift.c.version == bindparam("old_version"))
    .values(
        state=bindparam("new_state"), open_key=bindparam("new_open_key"), expected_minor=bindparam("new_expected"),
        counted_minor=bindparam("new_counted"), pieces=bindparam("new_pieces"), totals=bindparam("new_totals"),
        counted_at=bindparam("new_counted_at"), closed_at=bindparam("new_closed_at"),
        closer_kind=bindparam("new_closer_kind"), closer=bindparam("new_closer"), reason=bindparam("new_reason"),
        passed_minor=bindparam("new_passed"), next_id=bindparam("new_next"), version=shift.c.version + 1,
    )
)  # fmt: skip
CHECKS = Query(
    select(shift_check)
    .where(shift_check.c.shift_id == bindparam("of_shift"))
    .order_by(shift_check.c.number)
    .limit(CHECKS_MAX),
    read_check,
)


def _till(side: str) -> Query[tuple[str, int, int]]:
    """Return what went into a till (``debit``) or out of it (``credit``), by the word of the deed."""
    transfer = ledger_transfer.c
    return Query(
        select(transfer.deed, func.count(), func.sum(transfer.amount_minor))
        .where(transfer[f"{side}_party"] == bindparam("party"), transfer[side] == AccountCode.TILL)
        .group_by(transfer.deed),
        lambda deed, count, minor: (deed, int(count), int(minor)),
    )


INTO_TILL, OUT_OF_TILL = _till("debit"), _till("credit")

TAKEN_BY_METHOD = Query(
    select(receipt.c.method, func.count(), func.sum(receipt.c.amount_minor))
    .where(receipt.c.shift_id == bindparam("of_shift"))
    .group_by(receipt.c.method),
    lambda method, count, minor: (method, int(count), int(minor)),
)
GIVEN_BY_METHOD = Query(
    select(refund.c.method, func.count(), func.sum(refund.c.amount_minor))
    .where(refund.c.shift_id == bindparam("of_shift"), refund.c.state == RefundState.DONE)
    .group_by(refund.c.method),
    lambda method, count, minor: (method, int(count), int(minor)),
)
SLIPS_OF_SHIFT: Query[Receipt] = Query(
    select(receipt)
    .where(receipt.c.shift_id == bindparam("of_shift"), receipt.c.method != _CASH)
    .order_by(receipt.c.id)
    .limit(SLIPS_MAX),
    read_receipt,
)
