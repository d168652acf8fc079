"""Statements of the ledger: rows are added and read, never changed."""

from sqlalchemy import bindparam, func, or_, select

from openberth.contexts.payments.model.ledger import AccountCode
from openberth.contexts.payments.store.tables import ledger_transfer as transfer
from openberth.infra.database.statement import Query, insert_into
from openberth.kernel.ids import Id

Sum = tuple[str, str, int]  # account code, currency, minor units
PartySum = tuple[Id, int]

INSERT_TRANSFER = insert_into(transfer)

_SUM = func.sum(transfer.c.amount_minor)


def _sums(side: str) -> Query[Sum]:
    column = transfer.c[side]
    return Query(
        select(column, transfer.c.currency, _SUM)
        .where(transfer.c.lot_id == bindparam("lot"))
        .group_by(column, transfer.c.currency),
        lambda code, currency, minor: (code.value, currency, int(minor)),
    )


def _party_sums(side: str) -> Query[PartySum]:
    party = transfer.c[f"{side}_party"]
    return Query(
        select(party, _SUM)
        .where(
            transfer.c[side] == bindparam("account"),
            party >= bindparam("first"),
            party <= bindparam("last"),
        )
        .group_by(party),
        lambda key, minor: (key, int(minor)),
    )


DEEDS_OF_LOT: Query[tuple[Id, str, str, int]] = Query(
    select(transfer.c.company_id, transfer.c.currency, transfer.c.deed, _SUM)
    # A bill that puts money into a prepaid account asks for nothing that was earned.
    .where(
        transfer.c.lot_id == bindparam("lot"),
        or_(transfer.c.deed != "bill.issued", transfer.c.credit != AccountCode.TOPPING_UP),
        or_(transfer.c.deed != "bill.withdrawn", transfer.c.debit != AccountCode.TOPPING_UP),
    )
    .group_by(transfer.c.company_id, transfer.c.currency, transfer.c.deed),
    lambda company, currency, deed, minor: (company, currency, deed, int(minor)),
)
DEBITS_OF_LOT, CREDITS_OF_LOT = _sums("debit"), _sums("credit")
DEBITS_OF_PARTIES, CREDITS_OF_PARTIES = _party_sums("debit"), _party_sums("credit")
