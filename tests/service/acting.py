"""Who acts in service tests, and what they look at: lots from the examples, events, query plans."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

import pytest

from openberth.contexts import facility, payments
from openberth.contexts.facility.document import read_lot
from openberth.contexts.payments.model import Refund
from openberth.contexts.payments.service import listing as money
from openberth.contexts.tenancy import PERMISSIONS
from openberth.infra.database import Database, Query
from openberth.infra.database.log import number_committed, read_after
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.infra.database.statement import scope_params
from openberth.infra.lists import ListAsk
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


def newest(db: Database, query: Callable[..., Any], lot: Id, limit: int = 1_000) -> list[Any]:
    """Return what a list of one lot holds, newest first."""
    return list(read(db, query, lots=[lot], ask=ListAsk(limit)).items)


def bills_in(db: Database, lot: Id) -> list[payments.Bill]:
    """Return the bills of a lot, newest first."""
    return newest(db, money.listed_bills, lot)


def receipts_in(db: Database, lot: Id) -> list[payments.Receipt]:
    """Return the receipts of a lot, newest first."""
    return newest(db, money.listed_receipts, lot)


def refunds_in(db: Database, lot: Id) -> list[Refund]:
    """Return the refunds of a lot, newest first."""
    return newest(db, money.listed_refunds, lot)


def debts_in(db: Database, lot: Id) -> list[payments.Debt]:
    """Return the debts of a lot, newest first."""
    return newest(db, money.listed_debts, lot)


def lot_file(name: str) -> facility.Lot:
    """Return one of the example lots."""
    return read_lot((ROOT / "lots" / f"{name}.yaml").read_text(encoding="utf-8"), name=name)


def mall(db: Database, company: Id = COMPANY, networks: Sequence[str] = ()) -> Id:
    """Apply the example mall, with its devices in other networks if some are given, and return its id."""
    lot = lot_file("mall")
    if networks:
        there = tuple(ip_network(text) for text in networks)
        lot = replace(lot, devices=tuple(replace(each, networks=there) for each in lot.devices))
    return write(db, facility.apply_lot, company=company, lot=lot).lot


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


def plan_of(db: Database, query: Query[Any], params: Mapping[str, Any], scope: Scope = EVERYTHING) -> str:
    """Return how SQLite runs a query; servers are skipped."""
    if not isinstance(db, SqliteDatabase):
        pytest.skip("query plans are looked at on SQLite")
    prepared = query.prepared(db._dialect, scope)
    with contextlib.closing(sqlite3.connect(db.path)) as connection:
        rows = connection.execute(
            f"EXPLAIN QUERY PLAN {prepared.sql}", prepared.bind({**params, **scope_params(scope)})
        ).fetchall()
    return "\n".join(row[3] for row in rows)
