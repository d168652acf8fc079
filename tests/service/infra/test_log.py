"""The log of events: positions without gaps, in the order of commits, none skipped and none twice."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import ClassVar

import pytest

from openberth.infra.clocks import Clocks, ManualClock
from openberth.infra.database import Database, Unit, open_database
from openberth.infra.database.log import head, number_committed, read_after
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.infra.sealing import RingSealer
from openberth.infra.upcasting import UPCASTERS, Upcasters
from openberth.kernel.errors import Refused
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from tests.service.infra.facts import BY, Counted, envelopes, following, number_all, numbers, tell, tell_all
from tests.waiting import PATIENCE_S, until


class Side(StrEnum):
    """A word."""

    NORTH = "north"


@dataclass(frozen=True, slots=True)
class Rich:
    """An event with every sort of field."""

    KIND: ClassVar[str] = "test.rich"
    VERSION: ClassVar[int] = 1
    word: Side
    ids: tuple[Id, ...]
    nothing: int | None
    numbers: Mapping[str, int]
    inside: Counted


RICH = Rich(Side.NORTH, (Id(int=1), Id(int=2)), None, {"a": 1}, Counted(3))


def test_an_event_comes_back_as_it_was_told(db: Database, business: ManualClock, machine: ManualClock) -> None:
    company, lot, key, cause = (Id(int=number) for number in (1, 2, 3, 4))

    def use_case(unit: Unit) -> Id:
        unit.cause = cause
        return unit.append(Counted(7), company=company, lot=lot, key=key)

    event_id = db.write_now(use_case, by=BY)
    number_all(db)
    (found,) = envelopes(db)
    assert (found.id, found.position, found.kind, found.version) == (event_id, 1, "test.counted", 1)
    assert (found.company, found.lot, found.key, found.cause) == (company, lot, key, cause)
    assert (found.node, found.node_sequence, found.actor) == ("test", 1, BY.actor)
    assert (found.occurred_at, found.recorded_at) == (business.now(), machine.now())
    assert found.body == {"number": 7}


def test_sqlite_numbers_in_the_order_of_commits_without_gaps(sqlite: SqliteDatabase) -> None:
    told: list[int] = []

    def use_case(unit: Unit, number: int) -> None:
        tell(unit, number)
        if number % 3 == 0:
            raise Refused("test.refused")
        told.append(number)
        if number % 5 == 0:
            tell(unit, -number, Id(int=number))
            told.append(-number)

    def attempt(number: int) -> None:
        try:
            sqlite.write_now(lambda unit: use_case(unit, number), by=BY)
        except Refused:
            return

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(attempt, range(1, 200)))
    found = envelopes(sqlite)
    assert numbers(found) == told
    assert [envelope.position for envelope in found] == list(range(1, len(told) + 1))
    assert [envelope.node_sequence for envelope in found] == list(range(1, len(told) + 1))


def test_positions_and_sequences_go_on_after_a_restart(
    sqlite: SqliteDatabase, business: ManualClock, machine: ManualClock, keys: RingSealer
) -> None:
    tell_all(sqlite, 1, 2, 3)
    sqlite.close()
    again = open_database(f"sqlite:///{sqlite.path}", Clocks(business, machine), keys, node="test")
    tell_all(again, 4)
    again.close()
    other = open_database(f"sqlite:///{sqlite.path}", Clocks(business, machine), keys, node="other")
    tell_all(other, 5)
    found = envelopes(other)
    other.close()
    assert [(each.position, each.node, each.node_sequence) for each in found] == [
        (1, "test", 1), (2, "test", 2), (3, "test", 3), (4, "test", 4), (5, "other", 1),
    ]  # fmt: skip


def test_a_failed_batch_leaves_no_gap(sqlite: SqliteDatabase) -> None:
    tell_all(sqlite, 1)

    def end_transaction(unit: Unit) -> None:
        tell(unit, 2)
        sqlite._writing.execute("ROLLBACK")
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        sqlite.write_now(end_transaction, by=BY)
    tell_all(sqlite, 3)
    assert [(each.position, each.node_sequence) for each in envelopes(sqlite)] == [(1, 1), (2, 2)]


def test_events_that_cannot_be_written_leave_no_gap(sqlite: SqliteDatabase) -> None:
    tell_all(sqlite, 1)

    def break_the_flush(unit: Unit) -> None:
        tell(unit, 2)
        unit.append(Counted(3), company=None, lot=None, key="no id")  # type: ignore[arg-type]

    with pytest.raises(AttributeError):
        sqlite.write_now(break_the_flush, by=BY)
    tell_all(sqlite, 4)
    assert [(each.position, each.node_sequence) for each in envelopes(sqlite)] == [(1, 1), (2, 2)]


def test_a_server_goes_on_counting_for_its_node(
    db: Database, business: ManualClock, machine: ManualClock, keys: RingSealer
) -> None:
    if db.numbers_at_commit:
        pytest.skip("only servers")
    tell_all(db, 1, 2)
    assert db.backend.last_node_sequence("test") == 2  # type: ignore[attr-defined]
    number_all(db)
    tell_all(db, 3)
    assert db.backend.last_node_sequence("test") == 3  # type: ignore[attr-defined]
    number_all(db)
    assert db.backend.last_node_sequence("test") == 3  # type: ignore[attr-defined]
    assert db.backend.last_node_sequence("other") == 0  # type: ignore[attr-defined]


def test_a_late_commit_is_numbered_late_and_not_skipped(db: Database) -> None:
    if db.numbers_at_commit:
        pytest.skip("one writer commits in order")
    told, go_on = threading.Event(), threading.Event()

    def slow(unit: Unit) -> None:
        tell(unit, 1)  # its id is the older one
        told.set()
        assert go_on.wait(PATIENCE_S)

    with ThreadPoolExecutor(1) as threads:
        late = threads.submit(db.write_now, slow, by=BY)
        assert told.wait(PATIENCE_S)
        tell_all(db, 2)
        number_all(db)
        seen = envelopes(db)
        assert numbers(seen) == [2]
        go_on.set()
        late.result(PATIENCE_S)
    number_all(db)
    assert numbers(envelopes(db, after=seen[-1].position or 0)) == [1]


def test_a_reader_among_interleaved_commits_sees_everything_once(db: Database) -> None:
    """Eight writers commit in any order, two sequencers number, a reader follows by its cursor all the while."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    finished = threading.Event()
    expected = [writer * 100 + number for writer in range(8) for number in range(25)]

    def write_many(writer: int) -> None:
        chance = random.Random(seed + writer)

        def use_case(unit: Unit, number: int) -> None:
            tell(unit, number)
            time.sleep(chance.choice((0, 0, 0.001, 0.004)))  # the id is taken, the commit comes later

        for number in range(25):
            db.write_now(partial(use_case, number=writer * 100 + number), by=BY)

    def sequence() -> None:
        while not finished.is_set():
            number_all(db)
            time.sleep(0.001)

    seen: list[tuple[int, int]] = []

    def follow() -> None:
        cursor = 0
        while True:
            last_look = finished.is_set()
            page = _page(db, cursor)
            if last_look and not page:
                return
            for envelope in page:
                cursor = envelope.position or 0
                seen.append((cursor, envelope.body["number"]))

    with ThreadPoolExecutor(12) as threads:
        others = [threads.submit(sequence), threads.submit(sequence), threads.submit(follow)]
        list(threads.map(write_many, range(8)))
        number_all(db)
        finished.set()
        for other in others:
            other.result(PATIENCE_S)
    assert [position for position, _ in seen] == list(range(1, len(expected) + 1))
    assert Counter(number for _, number in seen) == Counter(expected)
    assert db.read_now(head, by=BY) == len(expected)


def _page(db: Database, after: int) -> list[Envelope]:
    return db.read_now(partial(read_after, position=after, limit=7), by=BY)


def test_events_of_one_key_keep_their_order(db: Database) -> None:
    key = Id(int=9)
    counter = [0]

    def use_case(unit: Unit) -> None:
        unit.lock(("key", key))
        counter[0] += 1
        tell(unit, counter[0], key)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: db.write_now(use_case, by=BY), range(60)))
    number_all(db)
    found = numbers(envelopes(db))
    assert found == sorted(found)
    assert len(found) == 60


def test_pages_are_bounded(db: Database) -> None:
    tell_all(db, *range(1, 602))
    number_all(db)
    page = db.read_now(lambda reader: read_after(reader, position=0, limit=10_000), by=BY)
    assert len(page) == 500
    assert numbers(envelopes(db)) == list(range(1, 602))


def test_the_tail_hands_over_what_the_log_holds(db: Database) -> None:
    """Consumers near the head get events from memory; they must look as if read."""
    seen: list[Envelope] = []

    async def main() -> None:
        async with following(db) as tail:
            tail.watch(seen.extend)
            await db.write(lambda unit: unit.append(RICH, company=Id(int=1), lot=None, key=Id(int=2)), by=BY)
            await until(lambda: seen)

    asyncio.run(main())
    assert seen == envelopes(db)
    assert seen[0].body == {
        "word": "north", "ids": [str(Id(int=1)), str(Id(int=2))], "nothing": None, "numbers": {"a": 1},
        "inside": {"number": 3},
    }  # fmt: skip


def test_the_tail_follows_and_wakes(db: Database) -> None:
    async def main() -> None:
        tell_all(db, 1)
        number_all(db)
        seen: list[int] = []
        async with following(db) as tail:
            assert tail.position == 1  # what was there is not told again
            tail.watch(lambda page: seen.extend(numbers(list(page))))
            live = tail.subscribe()
            await db.write(lambda unit: tell(unit, 2), by=BY)
            assert numbers(list(await asyncio.wait_for(live.next(), PATIENCE_S))) == [2]
            await tail.moved_beyond(1, PATIENCE_S)
            assert tail.position == 2
            await db.write(lambda unit: [tell(unit, number) for number in range(3, 1200)], by=BY)
            await until(lambda: len(seen) == 1198)
            tail.unsubscribe(live)
        assert seen == list(range(2, 1200))

    asyncio.run(main())


def test_an_old_event_is_read_in_todays_shape(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tell_all(db, 7)
    number_all(db)
    steps = Upcasters()
    steps.add("test.counted", 1, lambda body: {"count": body["number"]})
    steps.add("test.counted", 2, lambda body: {**body, "unit": "cars"})
    steps.add("test.other", 1, lambda body: {})
    monkeypatch.setattr(UPCASTERS, "_steps", steps._steps)
    (found,) = envelopes(db)
    assert (found.version, found.body) == (3, {"count": 7, "unit": "cars"})


def test_number_committed_tells_how_many(db: Database) -> None:
    if db.numbers_at_commit:
        pytest.skip("only servers number afterwards")
    assert db.write_now(number_committed, by=BY) == 0
    tell_all(db, 1, 2, 3)
    assert db.write_now(number_committed, by=BY) == 3
    assert db.write_now(number_committed, by=BY) == 0
