"""Statements that walk what channels told, kept and paid out, and what the ledger says of it."""

from dataclasses import dataclass

from sqlalchemy import bindparam, case, func, or_, select

from openberth.contexts.payments.model import AccountCode
from openberth.contexts.payments.model.payouts import Payout
from openberth.contexts.payments.store.payouts import read_payout
from openberth.contexts.payments.store.reconciling import Day, read_day
from openberth.contexts.payments.store.tables import (
    channel_account,
    channel_payout,
    confirmed_row,
    ledger_transfer,
    payout_share,
    reconciled_day,
)
from openberth.contexts.payments.store.verifying import Count, count, in_order
from openberth.infra.database.statement import Query
from openberth.kernel.ids import Id

CurrencySum = tuple[str, int]
_T = ledger_transfer.c


@dataclass(frozen=True, slots=True)
class ConfirmedRow:
    """A receipt or a refund that a statement confirms, at the node of its contract. No fee: read before there were."""

    id: Id
    company: Id | None
    lot: Id | None
    fee_minor: int | None


@dataclass(frozen=True, slots=True)
class ContractRow:
    """A contract with a channel, and whose it is."""

    id: Id
    company: Id | None
    lot: Id | None


CONFIRMED: Query[ConfirmedRow] = Query(
    select(confirmed_row.c.subject_id, confirmed_row.c.company_id, confirmed_row.c.lot_id, confirmed_row.c.fee_minor)
    .where(confirmed_row.c.subject_id > bindparam("after"))
    .order_by(confirmed_row.c.subject_id)
    .limit(bindparam("limit")),
    ConfirmedRow,
)
DAYS: Query[Day] = Query(in_order(reconciled_day), read_day)
PAYOUTS: Query[Payout] = Query(in_order(channel_payout), read_payout)
_A = channel_account.c
CONTRACTS: Query[ContractRow] = Query(
    select(_A.id, _A.company_id, _A.lot_id).where(_A.id > bindparam("after")).order_by(_A.id).limit(bindparam("limit")),
    ContractRow,
)
_SIGNED = case((_T.credit == AccountCode.CLEARING, _T.amount_minor), else_=-_T.amount_minor)
FEES_OF_SUBJECTS: Query[Count] = Query(
    select(_T.subject_id, func.sum(_SIGNED))
    .where(_T.subject_id >= bindparam("first"), _T.subject_id <= bindparam("last"), _T.deed == "channel.fee")
    .group_by(_T.subject_id),
    count,
)
SHARES_OF_PAYOUTS: Query[Count] = Query(
    select(payout_share.c.payout_id, func.sum(payout_share.c.amount_minor))
    .where(payout_share.c.payout_id >= bindparam("first"), payout_share.c.payout_id <= bindparam("last"))
    .group_by(payout_share.c.payout_id),
    count,
)
BOOKED_OF_PAYOUTS: Query[Count] = Query(
    select(payout_share.c.payout_id, func.sum(_SIGNED))
    .select_from(payout_share.join(ledger_transfer, _T.subject_id == payout_share.c.id))
    .where(payout_share.c.payout_id >= bindparam("first"), payout_share.c.payout_id <= bindparam("last"))
    .group_by(payout_share.c.payout_id),
    count,
)
# What a contract owes less for: what went back to payers.
LESSENED: Query[CurrencySum] = Query(
    select(_T.currency, func.sum(_T.amount_minor))
    .where(
        _T.credit_party == bindparam("account"),
        _T.credit == AccountCode.CLEARING,
        or_(_T.deed == "refund.done", _T.deed == "refund.done_after_all"),
    )
    .group_by(_T.currency),
    lambda currency, minor: (currency, int(minor)),
)
EXCESSES: Query[CurrencySum] = Query(
    select(channel_payout.c.currency, func.sum(channel_payout.c.excess_minor))
    .where(channel_payout.c.account_id == bindparam("account"), channel_payout.c.state == bindparam("counting"))
    .group_by(channel_payout.c.currency),
    lambda currency, minor: (currency, int(minor)),
)
