"""Statements of payouts, and of what channels owe by the ledger."""

from datetime import date
from typing import Any

from sqlalchemy import bindparam, func, select, update

from openberth.contexts.payments.model.ledger import AccountCode
from openberth.contexts.payments.model.payouts import Payout, Share
from openberth.contexts.payments.store.tables import channel_payout, ledger_transfer, payout_share
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.kernel.ids import Id
from openberth.kernel.money import Money

PlaceSum = tuple[Id, Id, str, int]  # company, lot, currency, minor units


def read_payout(*columns: Any) -> Payout:
    """Return the payout of a row."""
    row = dict(zip(channel_payout.c.keys(), columns, strict=True))
    currency = row["currency"]
    return Payout(
        id=row["id"], account=row["account_id"], company=row["company_id"], lot=row["lot_id"],
        amount=Money(row["amount_minor"], currency), excess=Money(row["excess_minor"], currency),
        day=date.fromisoformat(row["day"]), reference=row["reference"], state=row["state"], reason=row["reason"],
        recorded_at=row["recorded_at"], recorded_by=row["recorded_by"], withdrawn_at=row["withdrawn_at"],
        withdrawn_by=row["withdrawn_by"], version=row["version"],
    )  # fmt: skip


def _clearing(side: str) -> Query[PlaceSum]:
    row = ledger_transfer.c
    return Query(
        select(row.company_id, row.lot_id, row.currency, func.sum(row.amount_minor))
        .where(row[f"{side}_party"] == bindparam("account"), row[side] == AccountCode.CLEARING)
        .group_by(row.company_id, row.lot_id, row.currency),
        lambda company, lot, currency, minor: (company, lot, currency, int(minor)),
    )


# Every row of a contract is added up, so these belong into reports, not into units.
CLEARING_DEBITS, CLEARING_CREDITS = _clearing("debit"), _clearing("credit")

# Of the company under which it was booked: what was received stays in its books when the lot goes to another one.
BOOKED_AT: Query[tuple[Id, Id]] = Query(
    select(ledger_transfer.c.company_id, ledger_transfer.c.lot_id)
    .where(ledger_transfer.c.subject_id == bindparam("subject"))
    .limit(1),
    lambda company, lot: (company, lot),
)
INSERT = insert_into(channel_payout, once=True)
INSERT_SHARE = insert_into(payout_share)
PAYOUT = Query(select(channel_payout).where(channel_payout.c.id == bindparam("payout")), read_payout)
NEWEST: Query[Id] = Query(
    select(channel_payout.c.id)
    .where(channel_payout.c.account_id == bindparam("account"))
    .order_by(channel_payout.c.id.desc())
    .limit(1),
    one_id,
)
OF_ACCOUNT = Query(
    select(channel_payout)
    .where(channel_payout.c.account_id == bindparam("account"), channel_payout.c.id < bindparam("before"))
    .order_by(channel_payout.c.id.desc())
    .limit(bindparam("limit")),
    read_payout,
)
SHARES = Query(
    select(
        payout_share.c.id, payout_share.c.company_id, payout_share.c.lot_id, payout_share.c.amount_minor,
        payout_share.c.currency,
    ).where(payout_share.c.payout_id == bindparam("payout")).order_by(payout_share.c.lot_id),
    lambda key, company, lot, minor, currency: Share(key, company, lot, Money(minor, currency)),
)  # fmt: skip
WITHDRAW = Write(
    update(channel_payout)
    .where(channel_payout.c.id == bindparam("payout"), channel_payout.c.version == bindparam("seen"))
    .values(
        state=bindparam("new_state"), open_reference=None, reason=bindparam("new_reason"),
        withdrawn_at=bindparam("now"), withdrawn_by=bindparam("by"), version=channel_payout.c.version + 1,
    )
)  # fmt: skip
