"""Statements of debts."""

from typing import Any

from sqlalchemy import bindparam, or_, select, update

from openberth.contexts.payments.model.debts import OWED, Debt
from openberth.contexts.payments.store.tables import debt
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.kernel.money import Money


def read_debt(*columns: Any) -> Debt:
    """Return the debt of a row."""
    row = dict(zip(debt.c.keys(), columns, strict=True))
    return Debt(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], bill=row["bill_id"], subject=row["subject_id"],
        plate=row["plate_id"], amount=Money(row["amount_minor"], row["currency"]), evidence=row["evidence"],
        state=row["state"], raised_at=row["raised_at"], lapses_at=row["lapses_at"], reason=row["reason"],
        ended_at=row["ended_at"], version=row["version"], carried_to=row["carried_to"],
        carried_minor=row["carried_minor"] or 0, credited_minor=row["credited_minor"] or 0,
    )  # fmt: skip


def debt_row(found: Debt) -> dict[str, Any]:
    """Return the columns of a debt."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "bill_id": found.bill,
        "subject_id": found.subject, "plate_id": found.plate, "amount_minor": found.amount.minor,
        "currency": found.amount.currency, "evidence": dict(found.evidence), "state": found.state,
        "raised_at": found.raised_at, "lapses_at": found.lapses_at, "reason": found.reason,
        "ended_at": found.ended_at, "version": found.version, "carried_to": found.carried_to,
        "carried_minor": found.carried_minor, "credited_minor": found.credited_minor,
    }  # fmt: skip


_OWED = or_(*(debt.c.state == state for state in sorted(OWED)))

CARRIED_BY = Query(select(debt).where(debt.c.carried_to == bindparam("bill_id")).order_by(debt.c.id), read_debt)
DEBTS_OF_SUBJECT = Query(select(debt).where(debt.c.subject_id == bindparam("subject")).order_by(debt.c.id), read_debt)
INSERT_DEBT = insert_into(debt)
DEBT = Query(select(debt).where(debt.c.id == bindparam("debt_id")), read_debt)
DEBT_OF_BILL = Query(select(debt).where(debt.c.bill_id == bindparam("bill_id")), read_debt)
DEBTS_OF_PLATE = Query(
    select(debt)
    .where(
        debt.c.plate_id == bindparam("plate"), debt.c.raised_at >= bindparam("since"), debt.c.id < bindparam("before"),
    )
    .order_by(debt.c.id.desc())
    .limit(bindparam("limit")),
    read_debt,
)  # fmt: skip
OWED_BY_PLATE = Query(
    select(debt)
    .where(debt.c.plate_id == bindparam("plate"), debt.c.lot_id == bindparam("lot"), _OWED)
    .order_by(debt.c.id)
    .limit(bindparam("limit")),
    read_debt,
)
LAPSED = Query(
    select(debt)
    .where(_OWED, debt.c.lapses_at <= bindparam("now"))
    .order_by(debt.c.lapses_at)
    .limit(bindparam("limit")),
    read_debt,
)
MOVE_DEBT = Write(
    update(debt)
    .where(debt.c.id == bindparam("debt_id"), debt.c.version == bindparam("old_version"))
    .values(plate_id=bindparam("new_plate"), version=debt.c.version + 1)
)
UPDATE_DEBT = Write(
    update(debt)
    .where(debt.c.id == bindparam("debt_id"), debt.c.version == bindparam("old_version"))
    .values(
        state=bindparam("new_state"), reason=bindparam("new_reason"), ended_at=bindparam("new_ended_at"),
        bill_id=bindparam("new_bill"), carried_to=bindparam("new_carried_to"),
        carried_minor=bindparam("new_carried"), credited_minor=bindparam("new_credited"), version=debt.c.version + 1,
    )
)  # fmt: skip
