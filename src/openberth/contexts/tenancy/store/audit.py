"""The audit chain: its table and statements. There is no update and no delete: triggers refuse both."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, Column, Index, bindparam, func, insert, or_, select
from sqlalchemy import column as a_column
from sqlalchemy import table as a_table

from openberth.contexts.tenancy.model.audit import FIELDS, REASON_MAX, VALUES_MAX, Entry
from openberth.infra.database.schema import OnMove, table
from openberth.infra.database.statement import Query, Write
from openberth.infra.database.types import id_column, instant_column, word_column

audit_entry = table(
    "audit_entry",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    instant_column("at"),
    word_column("actor_kind", 12),
    word_column("actor_name", 80),
    word_column("address", 64, nullable=True),
    word_column("deed", 60),
    word_column("outcome", 8),
    word_column("subject_kind", 24),
    word_column("subject", 120),
    id_column("company_id", nullable=True),
    id_column("lot_id", nullable=True),
    word_column("reason", REASON_MAX, nullable=True),
    word_column("old_values", VALUES_MAX, nullable=True),
    word_column("new_values", VALUES_MAX, nullable=True),
    id_column("cause", nullable=True),
    word_column("previous", 64),
    word_column("hash", 64),
    word_column("mac", 64, nullable=True),
    scope=("company_id", "lot_id"),
    moves=OnMove.STAY,
)
_T = audit_entry.c
Index("ix_audit_entry_at", _T.at)
Index("ix_audit_entry_actor", _T.actor_name, _T.number)
Index("ix_audit_entry_deed", _T.deed, _T.number)
Index("ix_audit_entry_subject", _T.subject, _T.number)
Index("ix_audit_entry_company", _T.company_id, _T.number)

COLUMNS = (*FIELDS, "hash", "mac")

# The chain is in nobody's scope: whoever acts adds to it, and what comes next hangs on all that was before. Reading
# what the entries say goes through the table above, and is narrowed.
_CHAIN = a_table("audit_entry", *(a_column(each.name, each.type) for each in audit_entry.columns))
_C = _CHAIN.c

APPEND = Write(insert(_CHAIN).values({name: bindparam(name) for name in COLUMNS}))
NEWEST = Query(
    select(_C.number, _C.hash).order_by(_C.number.desc()).limit(1), lambda number, found: (int(number), str(found))
)
LAST_NUMBER = Query(select(func.coalesce(func.max(_C.number), 0)), int)
_SPAN = (_C.number > bindparam("after_number"), _C.number <= bindparam("last_number"))
AFTER = Query(
    select(*(_C[name] for name in COLUMNS))
    .where(*_SPAN)
    .order_by(_C.number)
    .limit(bindparam("limit")),
    Entry,
)  # fmt: skip
NUMBERS_AFTER = Query(select(_C.number).where(*_SPAN).order_by(_C.number).limit(bindparam("limit")), int)

COUNT_SINCE = Query(
    select(func.count())
    .select_from(_CHAIN)
    .where(
        _C.at >= bindparam("since"), _C.actor_name == bindparam("actor"),
        or_(_C.deed == bindparam("deed"), _C.deed == bindparam("other_deed")),
    ),
    int,
)  # fmt: skip

COUNT_OF = Query(
    select(func.count())
    .select_from(_CHAIN)
    .where(
        _C.subject == bindparam("subject"), _C.deed == bindparam("deed"), _C.actor_name == bindparam("actor"),
        _C.at > bindparam("since"),
    ),
    int,
)  # fmt: skip

FILTERS = {
    "actor": _T.actor_name == bindparam("actor"),
    "deed": _T.deed == bindparam("deed"),
    "subject": _T.subject == bindparam("subject"),
    "outcome": _T.outcome == bindparam("outcome"),
    "since": _T.at >= bindparam("since"),
    "until": _T.at < bindparam("until"),
}


_asked: dict[frozenset[str], Query[Entry]] = {}  # one statement for each choice of filters, compiled once


def asked(names: Collection[str]) -> Query[Entry]:
    """Return the query for a page of entries, newest first, with these filters."""
    key = frozenset(names)
    found = _asked.get(key)
    if found is None:
        clause = select(*(_T[name] for name in COLUMNS)).where(_T.number < bindparam("below"))
        for name in sorted(key):
            clause = clause.where(FILTERS[name])
        found = _asked[key] = Query(clause.order_by(_T.number.desc()).limit(bindparam("limit")), Entry)
    return found


def params_of(**filters: Any) -> dict[str, Any]:
    """Return the filters that were given."""
    return {name: value for name, value in filters.items() if value is not None}
