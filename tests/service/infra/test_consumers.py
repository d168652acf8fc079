"""Durable consumers: an effect happens once, a poisoned event parks its key and nobody else, and heals."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import pytest

from openberth.infra.database import Database, Unit
from openberth.infra.database.log import read_after
from openberth.infra.outbox import Consumer, ConsumerRunner, Tail, parked_keys
from openberth.infra.outbox import consumers as outbox
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from tests.service.infra import tables
from tests.service.infra.facts import BY, caught_up, following, running, tell_all, tell_later
from tests.waiting import until

KEYS = [Id(int=number) for number in (1, 2, 3)]
NAME = "test"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "FAILURE_PAUSE_S", 0.0005)
    monkeypatch.setattr(outbox, "PARKED_RETRY_S", 0.1)
    monkeypatch.setattr(outbox, "IDLE_S", 0.05)


@dataclass
class Books:
    """Effects as rows: one counter row per event, so that a second effect of the same event is an error."""

    db: Database
    poison: set[int] = field(default_factory=set)
    attempts: Counter[int] = field(default_factory=Counter)

    def effect(self, unit: Unit, envelope: Envelope) -> None:
        number = envelope.body["number"]
        self.attempts[number] += 1
        assert unit.cause == envelope.id
        tables.add(unit, envelope.id, value=number, company=envelope.key)
        if number in self.poison:
            raise ValueError(f"cannot take {number}")

    def consumer(self) -> Consumer:
        return Consumer(NAME, frozenset({"test.counted"}), self.effect)

    def done(self) -> list[int]:
        return sorted(self.db.read_now(lambda reader: [row.value for row in reader.all(tables.ALL)], by=BY))

    def cursor(self) -> int:
        found = tables.execute(self.db, f"SELECT position FROM consumer WHERE name = '{NAME}'")
        return int(found[0][0]) if found else 0

    def parked(self) -> list[tuple[str, str]]:
        return self.db.read_now(parked_keys, by=BY)


@pytest.fixture
def books(counters: Database) -> Books:
    return Books(counters)


def test_everything_is_consumed_once_in_order(books: Books) -> None:
    async def main() -> None:
        async with following(books.db) as tail, running(ConsumerRunner(books.db, tail, books.consumer()).run()):
            for number in range(1, 40):
                await tell_later(books.db, number)
            await until(lambda: len(books.done()) == 39)

    asyncio.run(main())
    assert books.done() == list(range(1, 40))
    assert books.cursor() == 39


def test_an_effect_and_its_cursor_stand_or_fall_together(books: Books) -> None:
    """Runners are killed at any moment and started anew: no effect is missing, none comes twice (a key would clash)."""

    async def main() -> None:
        tell_all(books.db, *range(1, 301))
        for pause_ms in range(0, 12, 2):
            async with following(books.db) as tail, running(ConsumerRunner(books.db, tail, books.consumer()).run()):
                await asyncio.sleep(pause_ms / 1_000)
            tell_all(books.db, *range(1000 + pause_ms * 10, 1000 + pause_ms * 10 + 15))
        async with following(books.db) as tail, running(ConsumerRunner(books.db, tail, books.consumer()).run()):
            await until(lambda: len(books.done()) == 390)

    asyncio.run(main())
    assert books.cursor() == 390


def test_two_processes_share_a_consumer_without_doubling(books: Books) -> None:
    async def main() -> None:
        async with following(books.db) as tail:
            runners = [ConsumerRunner(books.db, tail, books.consumer()).run() for _ in range(3)]
            async with running(*runners):
                for number in range(1, 61):
                    await tell_later(books.db, number)
                await until(lambda: len(books.done()) == 60)
                await asyncio.sleep(0.05)

    asyncio.run(main())
    assert books.done() == list(range(1, 61))
    assert books.attempts == Counter(range(1, 61))
    assert books.parked() == []


def test_a_poisoned_event_parks_its_key_and_a_retry_heals_it(books: Books) -> None:
    books.poison.add(4)

    async def main() -> None:
        async with following(books.db) as tail, running(ConsumerRunner(books.db, tail, books.consumer()).run()):
            for number in range(1, 31):
                await tell_later(books.db, number, KEYS[number % 3])
            others = [number for number in range(1, 31) if number % 3 != 1 or number < 4]
            await until(lambda: books.done() == others)
            ((name, error),) = books.parked()
            assert name == NAME
            assert "ValueError: cannot take 4" in error
            assert books.attempts[7] == 0 or books.attempts[7] <= books.attempts[4]
            books.poison.clear()
            await until(lambda: len(books.done()) == 30)
            assert books.parked() == []
            await tell_later(books.db, 31, KEYS[1])
            await until(lambda: 31 in books.done())

    asyncio.run(main())
    assert books.done() == list(range(1, 32))
    first = [
        row for row in books.db.read_now(lambda reader: reader.all(tables.ALL), by=BY) if row.company_id == KEYS[1]
    ]
    assert [row.value for row in first] == [1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31]


def test_a_parked_key_stays_parked_over_a_restart(books: Books) -> None:
    books.poison.add(1)

    async def run(numbers: list[int], expected: list[int]) -> None:
        async with following(books.db) as tail, running(ConsumerRunner(books.db, tail, books.consumer()).run()):
            for number in numbers:
                await tell_later(books.db, number, KEYS[number % 3])
            await until(lambda: books.done() == expected)
            await asyncio.sleep(0.02)

    asyncio.run(run([1, 2, 3, 4], [2, 3]))
    assert len(books.parked()) == 1
    asyncio.run(run([5, 7], [2, 3, 5]))
    books.poison.clear()
    asyncio.run(run([], [1, 2, 3, 4, 5, 7]))
    assert books.parked() == []


def test_what_was_healed_does_not_come_again_after_a_restart(books: Books) -> None:
    """A parked key's events move no cursor while they are passed over; healing them must."""
    books.poison.add(1)

    async def main() -> None:
        tail = Tail(books.db)
        runner = ConsumerRunner(books.db, tail, books.consumer())
        await runner._load()
        tell_all(books.db, 1, key=KEYS[0])
        await caught_up(tail)
        await runner._step()
        assert len(books.parked()) == 1
        tell_all(books.db, 2, 3, key=KEYS[0])
        await caught_up(tail)
        await runner._step()
        assert books.cursor() == 1
        books.poison.clear()
        await runner._retry_parked()
        assert books.done() == [1, 2, 3]
        again = ConsumerRunner(books.db, tail, books.consumer())
        await again._load()
        while await again._step():
            pass

    asyncio.run(main())
    assert books.done() == [1, 2, 3]
    assert books.attempts[2] == 1


def test_healing_takes_any_number_of_missed_events(books: Books) -> None:
    books.poison.add(0)

    async def main() -> None:
        tail = Tail(books.db)
        runner = ConsumerRunner(books.db, tail, books.consumer())
        await runner._load()
        tell_all(books.db, *range(1_203), key=KEYS[0])
        await caught_up(tail)
        while await runner._step():
            pass
        assert books.done() == []
        books.poison.clear()
        await runner._retry_parked()

    asyncio.run(main())
    assert books.done() == list(range(1_203))
    assert books.parked() == []


def test_another_process_that_holds_old_news_loses_nothing(books: Books) -> None:
    """One process parks and heals a key; the other, which still thinks it parked, must not pass over its events."""
    books.poison.add(1)

    async def main() -> None:
        tail = Tail(books.db)
        one, other = (ConsumerRunner(books.db, tail, books.consumer()) for _ in range(2))
        await one._load()
        tell_all(books.db, 1, key=KEYS[0])
        await caught_up(tail)
        await one._step()
        await other._load()  # sees the key parked
        assert KEYS[0] in other._parked
        books.poison.clear()
        await one._retry_parked()
        tell_all(books.db, 2, key=KEYS[0])
        tell_all(books.db, 3, key=KEYS[1])
        await caught_up(tail)
        while await other._step():
            pass
        while await one._step():
            pass

    asyncio.run(main())
    assert books.done() == [1, 2, 3]


def test_a_process_that_is_behind_never_moves_the_cursor_back(books: Books) -> None:
    books.poison.add(2)

    async def main() -> None:
        tail = Tail(books.db)
        slow, fast = (ConsumerRunner(books.db, tail, books.consumer()) for _ in range(2))
        await slow._load()
        await fast._load()
        tell_all(books.db, *range(1, 7))
        await caught_up(tail)
        page = books.db.read_now(lambda reader: read_after(reader, position=0), by=BY)
        while await fast._step():
            pass
        assert books.cursor() == 6
        tries = books.attempts.total()
        await slow._one_by_one(page, 6)  # it had read the page before the other was done
        assert books.cursor() == 6
        assert books.attempts.total() == tries
        assert len(books.parked()) == 1
        books.poison.clear()
        await fast._retry_parked()

    asyncio.run(main())
    assert books.done() == [1, 2, 3, 4, 5, 6]


def test_kinds_nobody_wants_move_the_cursor_now_and_then(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "CURSOR_LAG_MAX", 5)
    deaf = Consumer(NAME, frozenset({"test.other"}), books.effect)

    async def main() -> None:
        async with following(books.db) as tail, running(ConsumerRunner(books.db, tail, deaf).run()):
            for number in range(1, 8):
                await tell_later(books.db, number)
            await until(lambda: books.cursor() >= 5)

    asyncio.run(main())
    assert books.done() == []
