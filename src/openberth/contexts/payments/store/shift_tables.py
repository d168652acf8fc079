"""The tables of shifts and safes. Checks and moves are added, never changed; no safe holds less than nothing."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer

from openberth.contexts.payments.model.safes import MoveKind
from openberth.contexts.payments.model.shifts import CheckKind, ShiftState
from openberth.infra.database.schema import OnMove, business_table
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column

HOLDER_KIND_MAX, HOLDER_MAX = 12, 80

# ``open_key`` names lot and holder until the cash is handed over: nobody has two shifts at a lot.
shift = business_table(
    "shift",
    Column("number", Integer, nullable=False),
    word_column("holder_kind", HOLDER_KIND_MAX),
    word_column("holder", HOLDER_MAX),
    word_column("open_key", 130, nullable=True),
    id_column("booth_id", nullable=True),
    Column("float_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    instant_column("opened_at"),
    enum_column("state", ShiftState),
    Column("expected_minor", BigInteger, nullable=True),
    Column("counted_minor", BigInteger, nullable=True),
    json_column("pieces", nullable=True),
    json_column("totals", nullable=True),
    instant_column("counted_at", nullable=True),
    instant_column("closed_at", nullable=True),
    word_column("closer_kind", HOLDER_KIND_MAX, nullable=True),
    word_column("closer", HOLDER_MAX, nullable=True),
    word_column("reason", 200, nullable=True),
    Column("passed_minor", BigInteger, nullable=True),
    id_column("next_id", nullable=True),
    Column("version", BigInteger, nullable=False),
    moves=OnMove.STAY,  # no lot moves while one is open
)
Index("uq_shift_open_key", shift.c.open_key, unique=True)
Index("uq_shift_number", shift.c.lot_id, shift.c.company_id, shift.c.number, unique=True)
Index("ix_shift_lot", shift.c.lot_id, shift.c.id)
Index("ix_shift_next", shift.c.next_id)

shift_check = business_table(
    "shift_check",
    id_column("shift_id"),
    Column("number", Integer, nullable=False),
    enum_column("kind", CheckKind),
    Column("counted_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    json_column("pieces", nullable=True),
    word_column("reason", 200, nullable=True),
    word_column("by_kind", HOLDER_KIND_MAX),
    word_column("by_name", HOLDER_MAX),
    instant_column("at"),
    moves=OnMove.STAY,
)
Index("uq_shift_check", shift_check.c.shift_id, shift_check.c.number, unique=True)

safe = business_table(
    "safe",
    word_column("currency", 3),
    Column("balance_minor", BigInteger, nullable=False),
    CheckConstraint("balance_minor >= 0", name="ck_safe_balance"),
    moves=OnMove.STAY,
)
Index("uq_safe", safe.c.lot_id, safe.c.company_id, safe.c.currency, unique=True)

safe_move = business_table(
    "safe_move",
    id_column("safe_id"),
    enum_column("kind", MoveKind),
    Column("amount_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    word_column("reference", 40),
    word_column("by_kind", HOLDER_KIND_MAX),
    word_column("by_name", HOLDER_MAX),
    instant_column("at"),
    moves=OnMove.STAY,
)
Index("uq_safe_move", safe_move.c.safe_id, safe_move.c.kind, safe_move.c.reference, unique=True)
Index("ix_safe_move_lot", safe_move.c.lot_id, safe_move.c.id)
