"""Lists say the same as looking at every row would, walk an index whatever is asked, and count honestly."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from openberth.contexts.facility import LaneKind
from openberth.contexts.payments.model import BillState, ReceiptMethod, RefundCause, RefundState
from openberth.contexts.payments.model.debts import DebtState
from openberth.contexts.payments.store import listing as money
from openberth.contexts.stays.model.entities import Action, CaseKind, CloseReason, PassageState, Source
from openberth.contexts.stays.store import listing as lanes
from openberth.infra import lists
from openberth.infra.database import Database, Query, Reader
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.infra.database.statement import scope_params
from openberth.infra.lists import Counted, Key, ListAsk, Listing, Stream, over
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Scope
from openberth.kernel.ids import Id
from openberth.kernel.time import HOUR_US, Instant
from tests.service.history import BEGIN, LANES, PERMIT, STEP_US, Place, entered_at, fill, is_open, plate_of

HERE, THERE, FOREIGN = (Place(Id(int=0xC0 + n // 2), Id(int=0xA0 + n)) for n in range(3))
STAYS = 2_400
EVERY_FILTER: Mapping[str, tuple[Listing[Any], Mapping[str, Any]]] = {
    "open stays": (
        lanes.OPEN_STAYS,
        {"open_key": "499", "plate_kind": "ordinary", "right": "monthly", "casual": True, "permit": PERMIT},
    ),
    "stays": (
        lanes.CLOSED_STAYS,
        {
            "plate": plate_of(3), "plate_kind": "ordinary", "reason": CloseReason.MANUAL, "right": "monthly",
            "casual": True, "permit": PERMIT,
        },
    ),
    "stays by exit": (lanes.LEFT_STAYS, {"plate": plate_of(3), "right": "monthly"}),
    "passages": (
        lanes.PASSAGES,
        {
            "plate": plate_of(3), "lane": LANES[0], "direction": LaneKind.EXIT, "action": Action.REFUSE,
            "state": PassageState.REFUSED, "source": Source.MANUAL, "plate_kind": "unlicensed", "reason": "entry.full",
        },
    ),
    "cases": (lanes.CASES, {"open": True, "resolved": True, "kind": CaseKind.SURPLUS, "lane": LANES[0]}),
    "bills": (money.BILLS, {"state": BillState.OPEN}),
    "receipts": (money.RECEIPTS, {"method": ReceiptMethod.POS}),
    "refunds": (
        money.REFUNDS, {"state": RefundState.STUCK, "method": ReceiptMethod.POS, "cause": RefundCause.BY_HAND},
    ),
    "debts": (money.DEBTS, {"state": DebtState.OPEN}),
}  # fmt: skip


BIG = ("stays", "stays by exit", "passages", "bills", "receipts")


def person(scope: Scope) -> Caller:
    return Caller(Actor(ActorKind.SYSTEM, "somebody"), scope)


SCOPES = (
    EVERYTHING, Scope(HERE.company), Scope(HERE.company, (HERE.lot,)), Scope(HERE.company, (HERE.lot, THERE.lot)),
    Scope(companies=(HERE.company, FOREIGN.company)),
)  # fmt: skip


@pytest.fixture
def history(db: Database) -> Database:
    fill(db, (HERE, THERE, FOREIGN), STAYS)
    return db


def chosen(filters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return no filter, each of them, and each two."""
    for count in (0, 1, 2):
        for names in itertools.combinations(filters, count):
            yield {name: filters[name] for name in names}


def everything(
    db: Database, streams: list[Stream[Any]], ask: ListAsk, by: Caller, page: Callable[[int], int] = lambda _: 7
) -> list[Any]:
    """Return all rows, page by page."""
    found: list[Any] = []
    after: Key | None = ask.after
    for number in itertools.count():
        limit = page(number)
        asked = ListAsk(limit, ask.newest, ask.since, ask.until, after)
        got = db.read_now(lambda reader: lists.page(reader, streams, asked), by=by)  # noqa: B023 - run at once
        assert len(got.items) <= limit
        found += got.items
        if got.more_after is None:
            return found
        assert after is None or (got.more_after < after) == ask.newest
        after = got.more_after
    raise AssertionError


def test_pages_of_several_lots_hold_every_row_once_and_in_order(history: Database, monkeypatch: Any) -> None:
    """However short walks are, whichever way, whatever is looked for."""
    monkeypatch.setattr(lists, "WALK_MAX", 90)
    monkeypatch.setattr(lists, "WALK_LEAST", 30)
    since, until = Instant(BEGIN + 3 * HOUR_US + 1), Instant(BEGIN + 30 * HOUR_US)
    wanted = [
        n for n in range(STAYS)
        if since <= entered_at(n) < until and n % 3 < 2 and n % 4 in (0, 2) and n % 5 == 0
    ]  # fmt: skip
    given = {"plate_kind": "ordinary", "right": "monthly"}
    streams: list[Stream[Any]] = [
        *over(lanes.OPEN_STAYS, (HERE.lot, THERE.lot), **given),
        *over(lanes.CLOSED_STAYS, (HERE.lot, THERE.lot), **given),
    ]
    for newest in (True, False):
        for scope in (EVERYTHING, Scope(HERE.company, (HERE.lot, THERE.lot))):
            ask = ListAsk(7, newest, since, until)
            found = everything(history, streams, ask, person(scope))
            assert len(found) == len(wanted) > 100
            keys = [(row.entered_at, row.id) for row in found]
            assert keys == sorted(keys, reverse=newest)
            assert {row.plate_id for row in found} == {plate_of(n) for n in wanted}
    mine = everything(history, over(lanes.CLOSED_STAYS, (HERE.lot, FOREIGN.lot)), ListAsk(200), person(SCOPES[1]))
    assert len(mine) == sum(n % 3 == 0 and not is_open(n) for n in range(STAYS))  # nothing of another company


def test_counts_are_exact_or_say_that_they_stopped(history: Database, monkeypatch: Any) -> None:
    def count(by: Scope, listing: Listing[Any], lots: tuple[Id, ...], **given: Any) -> Counted:
        streams = over(listing, lots, **given)
        return history.read_now(lambda reader: lists.count(reader, streams, ListAsk(1)), by=person(by))

    both = (HERE.lot, THERE.lot)
    rare = sum(n % 100 == 0 and n % 3 < 2 and not is_open(n) for n in range(STAYS))
    assert count(EVERYTHING, lanes.PASSAGES, both, action=Action.REFUSE) == Counted(rare, None)
    assert count(SCOPES[1], lanes.PASSAGES, both, action=Action.REFUSE) == Counted(rare, None)
    assert count(EVERYTHING, lanes.PASSAGES, ()) == Counted(0, None)
    monkeypatch.setattr(lists, "COUNT_MAX", 100)
    monkeypatch.setattr(lists, "WALK_LEAST", 10)
    assert count(EVERYTHING, lanes.PASSAGES, both) == Counted(None, 100)
    assert count(SCOPES[1], lanes.PASSAGES, both, plate=plate_of(3)) == Counted(1, None)
    few = count(SCOPES[1], lanes.PASSAGES, both, action=Action.REFUSE)  # looking ends before the second
    assert few.total is None
    assert few.more_than is None or few.more_than < rare


def explained(db: Database, scope: Scope, query: Query[Any], values: Mapping[str, Any]) -> str:
    word = "EXPLAIN QUERY PLAN" if isinstance(db, SqliteDatabase) else "EXPLAIN"

    def plan(reader: Reader) -> str:
        session = reader._session
        prepared = query.prepared(session.dialect, scope)
        rows = session.execute(f"{word} {prepared.sql}", prepared.bind({**values, **scope_params(scope)})).fetchall()
        return "\n".join((prepared.sql, *(" ".join(map(str, row)) for row in rows)))

    return db.read_now(plan, by=person(scope))


def analysed(db: Database) -> str:
    """Have a server count its rows, and return what kind it is."""
    if isinstance(db, SqliteDatabase):
        return "sqlite"
    kind = str(db.backend.kind)  # type: ignore[attr-defined]
    word = "ANALYZE" if kind == "postgresql" else "ANALYZE TABLE"
    tables = ("stay", "open_stay", "segment", "passage", "lane_case", "bill", "receipt", "refund", "debt")
    for table in tables:
        db.read_now(lambda reader: reader._session.execute(f"{word} {table}", ()), by=person(EVERYTHING))  # noqa: B023
    return kind


def complaint(kind: str, plan: str, listing: Listing[Any], given: Mapping[str, Any]) -> str | None:
    """Return what a plan does that no list may do."""
    if kind == "sqlite":
        scans = "SCAN" in plan
    elif kind == "postgresql":
        scans = "Seq Scan" in plan
    else:
        scans = " ALL " in plan
    if scans:
        return "scans"
    if listing.keyed in given:
        wanted = {"sqlite": ("plate_id=?", "open_key=?"), "postgresql": ("plate_id =",), "mysql": ("plate",)}[kind]
        conditions = plan.partition("Index Cond")[2].partition("Filter")[0] if kind == "postgresql" else plan
        return None if any(word in conditions for word in wanted) else "goes by something else"
    if {"sqlite": "TEMP B-TREE", "postgresql": "Sort", "mysql": "filesort"}[kind] in plan:
        return "sorts"
    at = listing._at.name
    ranged = {"sqlite": f"{at}>? AND {at}<?", "postgresql": f"({at} >=", "mysql": " range "}[kind]
    return None if ranged in plan else "reads the whole lot"


def test_no_list_scans_or_sorts_whatever_is_asked(history: Database) -> None:
    kind = analysed(history)
    found: list[str] = []
    for what, (listing, filters) in EVERY_FILTER.items():
        if kind == "sqlite" or what in BIG:  # a server reads a table of a page as it is
            for given in chosen(filters):
                found += complaints(history, kind, listing, given)
    assert not found, found[0]


def complaints(db: Database, kind: str, listing: Listing[Any], given: Mapping[str, Any]) -> Iterator[str]:
    # Servers know by counting what SQLite guesses; of a few hundred rows a plate is no better than a lot twice named.
    scopes = SCOPES if kind == "sqlite" else (SCOPES[1 if listing.keyed in given else 3],)
    for scope, newest in itertools.product(scopes, (True, False)):
        statements: list[tuple[Any, dict[str, int]]] = [
            (listing.rows(newest, given), {"limit": 20}), (listing.tally(newest, given), {"limit": 99}),
        ]  # fmt: skip
        if listing.keyed not in given:
            statements.append((listing.bound(newest, given), {"limit": 1, "further": 100}))
        for query, more in statements:
            span = lists._span(
                ListAsk(20, newest, Instant(BEGIN + 29 * HOUR_US), Instant(BEGIN + 30 * HOUR_US)), None, None
            )
            plan = explained(db, scope, query, {**given, **span, **more, "lot": HERE.lot})
            wrong = complaint(kind, plan, listing, given)
            if wrong:
                yield f"{wrong}: {sorted(given)} {scope}\n{plan}"


def test_a_list_goes_on_where_a_page_ended_though_many_came_at_one_instant(db: Database) -> None:
    fill(db, (HERE,), 40)
    streams = over(lanes.PASSAGES, (HERE.lot,))
    for newest in (True, False):
        found = everything(db, streams, ListAsk(1, newest), person(EVERYTHING), page=lambda n: 1 + n % 3)
        assert len({row.id for row in found}) == len(found) == 40
    at = Instant(BEGIN + 10 * STEP_US)
    exactly = everything(db, streams, ListAsk(5, since=at, until=Instant(at + 1)), person(EVERYTHING))
    assert [row.captured_at for row in exactly] == [at, at]
