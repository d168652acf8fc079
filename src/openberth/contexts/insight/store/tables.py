"""The tables of insight. Rows of money are added to and never corrected: a rebuild writes a generation of its own."""

from sqlalchemy import BigInteger, Column, Index, Integer

from openberth.contexts.insight.model.movements import MEASURES
from openberth.infra.database.schema import OnMove, table
from openberth.infra.database.types import id_column, instant_column, word_column

# Every day and every month of a lot (``period``, e.g. 20261130 and 202611), by everything that money is asked by.
finance_row = table(
    "finance_row",
    Column("generation", Integer, primary_key=True, autoincrement=False),
    id_column("lot_id", primary_key=True),
    Column("period", Integer, primary_key=True, autoincrement=False),
    id_column("company_id", primary_key=True),
    Column("span", Integer, primary_key=True, autoincrement=False),
    word_column("currency", 3, primary_key=True),
    word_column("method", 24, primary_key=True),
    id_column("channel_id", primary_key=True),
    id_column("tariff_id", primary_key=True),
    word_column("operator", 80, primary_key=True),
    *(Column(f"{each}_minor", BigInteger, nullable=False) for each in MEASURES),
    *(Column(f"{each}_count", BigInteger, nullable=False) for each in MEASURES),
    scope=("company_id", "lot_id"),
    moves=OnMove.STAY,
)
Index("ix_finance_row_period", finance_row.c.generation, finance_row.c.period)
Index("ix_finance_row_company", finance_row.c.generation, finance_row.c.company_id, finance_row.c.period)

# What was known of a lot from a position of the log on: a day is told in the zone that held when it was counted.
finance_lot = table(
    "finance_lot",
    id_column("lot_id", primary_key=True),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
    id_column("company_id"),
    word_column("code", 40),
    word_column("zone", 60),
    scope=("company_id", "lot_id"),
    moves=OnMove.STAY,
)

# Generations made by a rebuild; the first one has no row. ``copied_span`` is the last span whose events the log had
# lost, 0 for none: its rows were copied; ``copied_period`` is how far.
finance_generation = table(
    "finance_generation",
    Column("number", Integer, primary_key=True, autoincrement=False),
    word_column("state", 12),
    Column("copied_span", Integer, nullable=False),
    Column("copied_period", Integer, nullable=False),
    instant_column("begun_at"),
    instant_column("serving_since", nullable=True),
)
