"""The database: units of work with group commit, one event log, three servers behind one face.

Words: a *use case* changes things through a ``Unit``, a *query* reads through a ``Reader``; edges call
``await db.write(use_case, by=caller)`` and ``await db.read(query, by=caller)``.
"""

from openberth.infra.database.database import Database
from openberth.infra.database.opening import open_database, sole_owner
from openberth.infra.database.queue import Urgency
from openberth.infra.database.schema import business_table, metadata, table
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.unit import Reader, Stale, Unit

__all__ = [
    "Database",
    "Query",
    "Reader",
    "Stale",
    "Unit",
    "Urgency",
    "Write",
    "business_table",
    "insert_into",
    "metadata",
    "open_database",
    "sole_owner",
    "table",
]
