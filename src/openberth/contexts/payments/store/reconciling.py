"""Statements of days that were held against our books."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select, update

from openberth.contexts.payments.model import RefundState
from openberth.contexts.payments.model.reconciling import (
    DayState,
    DifferenceKind,
    DifferenceState,
    Ours,
    RowKind,
)
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.payments.store.tables import (
    attempt,
    confirmed_row,
    difference,
    receipt,
    reconciled_day,
    refund,
)
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of a contract whose statement was read: its sums in minor units."""

    id: Id
    account: Id
    company: Id | None
    lot: Id | None
    day: date
    state: DayState
    row_count: int
    paid_minor: int
    refunded_minor: int
    fee_minor: int
    unbooked_fee_minor: int | None
    currency: str
    read_at: Instant
    closed_at: Instant | None
    closed_by: str | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference as it is kept, with what became of it."""

    id: Id
    account: Id
    company: Id | None
    lot: Id | None
    day: date
    kind: DifferenceKind
    row: RowKind
    number: str
    transaction: str
    theirs: Money | None
    ours: Money | None
    subject: Id | None
    state: DifferenceState
    reason: str | None
    decided_by: str | None
    decided_at: Instant | None
    found_at: Instant
    version: int


def read_day(*columns: Any) -> Day:
    """Return the day of a row."""
    row = dict(zip(reconciled_day.c.keys(), columns, strict=True))
    account, company, lot = (row.pop(name) for name in ("account_id", "company_id", "lot_id"))
    return Day(account=account, company=company, lot=lot, **(row | {"day": date.fromisoformat(row["day"])}))


def _difference(*columns: Any) -> Difference:
    row = dict(zip(difference.c.keys(), columns, strict=True))
    currency = row["currency"]
    return Difference(
        id=row["id"], account=row["account_id"], company=row["company_id"], lot=row["lot_id"],
        day=date.fromisoformat(row["day"]),
        kind=row["kind"], row=row["row_kind"], number=row["number"], transaction=row["transaction"],
        theirs=_money(row["theirs_minor"], currency), ours=_money(row["ours_minor"], currency),
        subject=row["subject_id"], state=row["state"], reason=row["reason"], decided_by=row["decided_by"],
        decided_at=row["decided_at"], found_at=row["found_at"], version=row["version"],
    )  # fmt: skip


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def _payment(key: Id, number: str, transaction: str, minor: int, currency: str) -> Ours:
    return Ours(RowKind.PAYMENT, key, number, transaction, Money(minor, currency))


def _refund(key: Id, number: str, minor: int, currency: str) -> Ours:
    return Ours(RowKind.REFUND, key, number, "", Money(minor, currency))


INSERT_DAY = insert_into(reconciled_day, once=True)
INSERT_CONFIRMED = insert_into(confirmed_row, once=True)
INSERT_DIFFERENCE = insert_into(difference, once=True)
DAY = Query(
    select(reconciled_day).where(
        reconciled_day.c.account_id == bindparam("account"), reconciled_day.c.day == bindparam("on_day")
    ),
    read_day,
)
DAY_BY_ID = Query(select(reconciled_day).where(reconciled_day.c.id == bindparam("day_id")), read_day)
LAST_DAY = Query(
    select(func.max(reconciled_day.c.day)).where(reconciled_day.c.account_id == bindparam("account")),
    lambda day: None if day is None else date.fromisoformat(day),
)


def _days(*narrowed: ColumnElement[bool]) -> Query[Day]:
    return Query(
        select(reconciled_day)
        .where(reconciled_day.c.id < bindparam("before"), *narrowed)
        .order_by(reconciled_day.c.id.desc())
        .limit(bindparam("limit")),
        read_day,
    )


_OF_ACCOUNT = reconciled_day.c.account_id == bindparam("account")
_IN_STATE = reconciled_day.c.state == bindparam("wanted")
# By whether one contract, and whether one state, is asked for.
DAYS = {
    (False, False): _days(),
    (True, False): _days(_OF_ACCOUNT),
    (False, True): _days(_IN_STATE),
    (True, True): _days(_OF_ACCOUNT, _IN_STATE),
}
CLOSE_DAY = Write(
    update(reconciled_day)
    .where(reconciled_day.c.id == bindparam("day_id"), reconciled_day.c.version == bindparam("seen"))
    .values(
        state=DayState.CLOSED,
        closed_at=bindparam("now"),
        closed_by=bindparam("by"),
        version=reconciled_day.c.version + 1,
    )
)
DIFFERENCES_OF_DAY = Query(
    select(difference)
    .where(difference.c.account_id == bindparam("account"), difference.c.day == bindparam("on_day"))
    .order_by(difference.c.id)
    .limit(bindparam("limit")),
    _difference,
)
DIFFERENCE = Query(select(difference).where(difference.c.id == bindparam("difference_id")), _difference)
OPEN_OF_DAY = Query(
    select(func.count()).where(
        difference.c.account_id == bindparam("account"),
        difference.c.day == bindparam("on_day"),
        difference.c.state == DifferenceState.OPEN,
    ),
    int,
)
# Those that nobody has decided are few, however long the history is.
OPEN_BY_DAY = Query(
    select(difference.c.account_id, difference.c.day, func.count())
    .where(difference.c.state == DifferenceState.OPEN)
    .group_by(difference.c.account_id, difference.c.day),
    lambda account, day, count: (account, day, int(count)),
)
OPEN_DIFFERENCES = Query(
    select(difference)
    .where(difference.c.account_id == bindparam("account"), difference.c.state == DifferenceState.OPEN)
    .limit(bindparam("limit")),
    _difference,
)
DECIDE = Write(
    update(difference)
    .where(difference.c.id == bindparam("difference_id"), difference.c.version == bindparam("seen"))
    .values(
        state=bindparam("new_state"), reason=bindparam("new_reason"), decided_by=bindparam("by"),
        decided_at=bindparam("now"), version=difference.c.version + 1,
    )
)  # fmt: skip
# Receipts and refunds of a contract between two moments, by their time-ordered ids.
PAYMENTS_BETWEEN = Query(
    select(receipt.c.id, attempt.c.number, receipt.c.transaction, receipt.c.amount_minor, receipt.c.currency)
    .select_from(receipt.join(attempt, attempt.c.id == receipt.c.attempt_id))
    .where(
        receipt.c.account_id == bindparam("account"),
        receipt.c.id > bindparam("after"),
        receipt.c.id < bindparam("until"),
    )
    .order_by(receipt.c.id)
    .limit(PAGE_MAX),
    _payment,
)
REFUNDS_BETWEEN = Query(
    select(refund.c.id, refund.c.number, refund.c.amount_minor, refund.c.currency)
    .where(
        refund.c.account_id == bindparam("account"),
        refund.c.id > bindparam("after"),
        refund.c.id < bindparam("until"),
        refund.c.state == RefundState.DONE,
    )
    .order_by(refund.c.id)
    .limit(PAGE_MAX),
    _refund,
)
FEES_OF_DAY: Query[int] = Query(
    select(func.coalesce(func.sum(confirmed_row.c.fee_minor), 0)).where(
        confirmed_row.c.account_id == bindparam("account"), confirmed_row.c.day == bindparam("on_day")
    ),
    int,
)
CONFIRMED_BETWEEN = Query(
    select(confirmed_row.c.subject_id).where(
        confirmed_row.c.subject_id > bindparam("after"), confirmed_row.c.subject_id < bindparam("until")
    ),
    one_id,
)
