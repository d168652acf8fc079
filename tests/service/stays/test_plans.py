"""No statement of a lane scans: what a passage costs does not grow with the cars that have been there."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from openberth.contexts.stays.store.passages import PASSAGES_OF_PLATE
from openberth.contexts.stays.store.stays import STAYS_OF_PLATE
from openberth.infra.database import Database, Query
from openberth.infra.database import sqlite as sqlite_module
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.kernel.authority import EVERYTHING, Scope
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US
from tests.service.acting import events, plan_of
from tests.service.stays.street import CAR, OTHER_CAR, Street

CAR_ID = Id(int=0xCA)
# Small by nature: areas of one lot, devices of one lane, consumers.
SMALL = ("occupancy", "event_head", "lock_bucket")


def test_no_statement_of_a_lane_scans(street: Street, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(db, SqliteDatabase):
        pytest.skip("query plans are looked at on SQLite")
    seen: dict[str, list[Any]] = {}
    run = sqlite_module._Session.execute

    def noted(self: Any, sql: str, params: Sequence[Any]) -> Any:
        seen.setdefault(sql, list(params))
        return run(self, sql, params)

    monkeypatch.setattr(sqlite_module._Session, "execute", noted)
    street.arrive("in-1", CAR)
    street.arrive("in-2", OTHER_CAR)
    street.arrive("vip-in", CAR)
    street.pass_minutes(61)
    street.arrive("vip-out", CAR)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.arrive("out-2", OTHER_CAR, captured_at=street.business.now() + MINUTE_US)
    street.open_by_hand("out-2")
    monkeypatch.undo()
    assert len(seen) > 25
    assert events(db)
    scans = []
    for sql, params in seen.items():
        plan = db._writing.execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
        steps = [row[3] for row in plan if row[3].startswith("SCAN")]
        scans += [f"{step}: {sql[:120]}" for step in steps if not any(name in step for name in SMALL)]
    assert [one for one in scans if " event" not in one[:12]] == []


def test_what_a_plate_did_before_is_found_by_the_plate_whoever_asks(street: Street, db: Database) -> None:
    """A camera acts for one lot: its statements name the lot twice, and must not walk it for that."""
    scopes = EVERYTHING, Scope(street.company), Scope(street.company, (street.lot,))
    asked = {"plate": CAR_ID, "lot": street.lot, "before": CAR_ID, "limit": 1}
    asking: tuple[tuple[Query[Any], str], ...] = ((STAYS_OF_PLATE, "stay"), (PASSAGES_OF_PLATE, "passage"))
    for scope, (query, table) in product(scopes, asking):
        plan = plan_of(db, query, asked, scope)
        assert f"ix_{table}_lot_plate (lot_id=? AND plate_id=? AND id<?)" in plan


def test_every_step_of_a_passage_uses_an_index_on_its_keys(street: Street, db: Database) -> None:
    """The open stay of a plate is found by its unique key, however many cars are inside."""
    if not isinstance(db, SqliteDatabase):
        pytest.skip("query plans are looked at on SQLite")
    plan = db._writing.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM open_stay WHERE open_key = ? AND company_id = ? AND lot_id IN (?)",
        ("", b"", b""),
    ).fetchall()
    assert "uq_open_stay_open_key" in plan[0][3]
