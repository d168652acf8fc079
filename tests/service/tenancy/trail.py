"""What tests of the audit trail do: write deeds, look at the chain, and touch it as only who owns the server can."""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from openberth.contexts import tenancy
from openberth.contexts.tenancy import Deed, Head
from openberth.contexts.tenancy.model.audit import Entry, Fault
from openberth.contexts.tenancy.service import audit
from openberth.entrypoints.cli.audit import walked
from openberth.infra.database import Database
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id
from tests.service.acting import COMPANY, SYSTEM, of_company

GUARD = of_company(COMPANY)


def deed(number: int = 1, **changes: Any) -> Deed:
    values: dict[str, Any] = {
        "deed": "account.closed", "subject_kind": "account", "subject": f"account-{number}", "company": COMPANY,
        "lot": Id(int=0x10), "reason": "left", "before": {"state": "active"}, "after": {"state": "closed"},
    }  # fmt: skip
    return Deed(**(values | changes))


def write_deeds(db: Database, count: int, by: Caller = GUARD) -> None:
    """Write deeds in units of their own."""
    for number in range(1, count + 1):
        db.write_now(partial(_record, deed=deed(number)), by=by)


def _record(unit: Any, deed: Deed) -> int:
    return tenancy.record(unit, deed)


def all_entries(db: Database, by: Caller = SYSTEM, **wanted: Any) -> list[Entry]:
    """Return entries, oldest first."""
    query = partial(audit.entries, wanted=audit.Wanted(**wanted), below=None, limit=500)
    return db.read_now(query, by=by)[::-1]


def head(db: Database) -> Head:
    return db.read_now(tenancy.audit_head, by=SYSTEM).head


def faults(db: Database, *heads: Head) -> list[tuple[Fault, int, int]]:
    """Verify the chain and return what is wrong."""
    return [(found.fault, found.first, found.last) for found in walked(db, list(heads)).finish()]


def sql(db: Database, *statements: str) -> None:
    """Run raw statements in one unit."""

    def run(unit: Any) -> None:
        for statement in statements:
            unit._session.execute(statement, ())

    db.write_now(run, by=SYSTEM)


@contextlib.contextmanager
def unlocked(db: Database, table: str = "audit_entry") -> Iterator[None]:
    """Take the triggers away, as an administrator of the server may."""
    if db.kind == "postgresql":
        sql(db, f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        yield
        sql(db, f"ALTER TABLE {table} ENABLE TRIGGER ALL")
    elif db.kind == "sqlite":
        sql(db, *(f"DROP TRIGGER {table}_no_{verb}" for verb in ("update", "delete", "replace")))
        yield  # the file is this test's own
    else:
        names = [f"{table}_no_{verb}" for verb in ("update", "delete")]
        made = [_trigger(db, name) for name in names]
        sql(db, *(f"DROP TRIGGER {name}" for name in names))
        yield
        sql(db, *made)


def _trigger(db: Database, name: str) -> str:
    def show(reader: Any) -> str:
        return str(reader._session.execute(f"SHOW CREATE TRIGGER {name}", ()).fetchone()[2])

    return db.read_now(show, by=SYSTEM)
