"""Who acts in service tests, and what they look at: lots from the examples, events, query plans."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from openberth.contexts import facility
from openberth.contexts.facility.document import read_lot
from openberth.contexts.tenancy import PERMISSIONS
from openberth.infra.database import Database, Query
from openberth.infra.database.log import number_committed, read_after
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.infra.outbox import Tail
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Scope, system
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
SYSTEM = system("test")
COMPANY = Id(int=0xC0)
OTHER_COMPANY = Id(int=0xC1)


def of_company(company: Id, *lots: Id) -> Caller:
    """Return a person who may touch one company's rows, or some of its lots only."""
    return Caller(Actor(ActorKind.PERSON, "operator"), Scope(company, lots or None), PERMISSIONS)


def write(db: Database, use_case: Callable[..., T], /, by: Caller = SYSTEM, **params: Any) -> T:
    """Run a use case in a unit."""
    return db.write_now(partial(use_case, **params), by=by)


def read(db: Database, query: Callable[..., T], /, by: Caller = SYSTEM, **params: Any) -> T:
    """Run a query."""
    return db.read_now(partial(query, **params), by=by)


def lot_file(name: str) -> facility.Lot:
    """Return one of the example lots."""
    return read_lot((ROOT / "lots" / f"{name}.yaml").read_text(encoding="utf-8"), name=name)


def mall(db: Database, company: Id = COMPANY) -> Id:
    """Apply the example mall and return its id."""
    return write(db, facility.apply_lot, company=company, lot=lot_file("mall")).lot


def ids_of(db: Database, lot: Id) -> Mapping[str, Id]:
    """Return the ids of a lot's active areas, lanes and devices by code."""
    found = read(db, facility.lot_detail, lot=lot)
    ids = {each.code: each.id for each in found.areas}
    ids |= {each.code: each.id for each in found.lanes}
    return ids | {each.code: each.id for each in found.devices}


def events(db: Database, *kinds: str) -> list[Envelope]:
    """Return what has happened, all of it or of some kinds, in order."""
    if not db.numbers_at_commit:
        db.write_now(number_committed, by=SYSTEM)
    found = db.read_now(lambda reader: read_after(reader, position=0), by=SYSTEM)
    return [envelope for envelope in found if not kinds or envelope.kind in kinds]


@contextlib.asynccontextmanager
async def following(db: Database, *watchers: Callable[[Sequence[Envelope]], None]) -> AsyncIterator[Tail]:
    """Follow the log as a running process does."""
    tail = Tail(db)
    for watcher in watchers:
        tail.watch(watcher)
    await tail.start()
    task = asyncio.create_task(tail.run())
    try:
        yield tail
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def plan_of(db: Database, query: Query[Any], params: Mapping[str, Any]) -> str:
    """Return how SQLite runs a query; servers are skipped."""
    if not isinstance(db, SqliteDatabase):
        pytest.skip("query plans are looked at on SQLite")
    prepared = query.prepared(db._dialect, EVERYTHING)
    with contextlib.closing(sqlite3.connect(db.path)) as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {prepared.sql}", prepared.bind(params)).fetchall()
    return "\n".join(row[3] for row in rows)
