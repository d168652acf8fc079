"""Statements of what ended before its end was told."""

from sqlalchemy import bindparam, delete, select

from openberth.contexts.payments.store.tables import ledger_transfer as transfer
from openberth.contexts.payments.store.tables import untold
from openberth.infra.database.statement import Query, Write
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

Booked = tuple[Id, Id, Instant]  # under which company and lot, and when

UNTOLD: Query[tuple[Id, str]] = Query(
    select(untold).order_by(untold.c.id).limit(bindparam("limit")), lambda found, kind: (found, kind)
)
DELETE = Write(delete(untold).where(untold.c.id == bindparam("told")))
BOOKED: Query[Booked] = Query(
    select(transfer.c.company_id, transfer.c.lot_id, transfer.c.at).where(
        transfer.c.subject_id == bindparam("subject"), transfer.c.deed == bindparam("deed")
    ),
    lambda company, lot, at: (company, lot, Instant(at)),
)
