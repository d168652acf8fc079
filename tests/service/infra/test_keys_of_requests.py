"""What came before: deduplication of facts from outside, and answers remembered by Idempotency-Key."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from openberth.infra import dedup, idempotency
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database, Unit
from openberth.infra.dedup import Sighted
from openberth.infra.idempotency import Answer, RequestKey, earlier_answer, remember_answer
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.ids import Id
from tests.service.infra import tables
from tests.service.infra.facts import BY

SOURCE, OTHER = Id(int=1), Id(int=2)
FIRST, SECOND = Id(int=11), Id(int=12)


def remember(db: Database, key: str, ref: Id, source: Id = SOURCE) -> bool:
    return db.write_now(partial(dedup.remember, source=source, key=key, ref=ref), by=BY)


def earlier(db: Database, key: str, source: Id = SOURCE) -> Sighted | None:
    return db.read_now(partial(dedup.earlier, source=source, key=key), by=BY)


def test_the_first_arrival_is_kept(db: Database, machine: ManualClock) -> None:
    at = machine.now()
    assert earlier(db, "k") is None
    assert remember(db, "k", FIRST)
    machine.advance(1)
    assert not remember(db, "k", SECOND)
    assert earlier(db, "k") == Sighted(FIRST, at)
    assert remember(db, "k", SECOND, source=OTHER)
    assert remember(db, "K", SECOND)
    assert earlier(db, "k", source=OTHER) == Sighted(SECOND, machine.now())


def test_a_key_stands_or_falls_with_its_unit(db: Database) -> None:
    def fail(unit: Unit) -> None:
        dedup.remember(unit, source=SOURCE, key="k", ref=FIRST)
        raise Refused("test.refused")

    with pytest.raises(Refused):
        db.write_now(fail, by=BY)
    assert earlier(db, "k") is None


def test_a_fact_sent_by_many_at_once_is_accepted_once(counters: Database) -> None:
    def accept(unit: Unit, ref: Id) -> bool:
        if dedup.earlier(unit, source=SOURCE, key="k") or not dedup.remember(unit, source=SOURCE, key="k", ref=ref):
            return False
        tables.add(unit, ref)
        return True

    with ThreadPoolExecutor(12) as threads:
        accepted = list(threads.map(lambda n: counters.write_now(partial(accept, ref=Id(int=n)), by=BY), range(1, 25)))
    assert accepted.count(True) == 1
    found = earlier(counters, "k")
    assert found is not None
    assert list(counters.read_now(tables.values, by=BY)) == [found.ref.int]


def test_old_keys_are_forgotten_a_few_at_a_time(db: Database, machine: ManualClock) -> None:
    def many(unit: Unit) -> None:
        for number in range(dedup.PURGE_MAX + 20):
            dedup.remember(unit, source=SOURCE, key=str(number), ref=FIRST)

    db.write_now(many, by=BY)
    machine.advance(dedup.KEPT_US)
    assert db.write_now(dedup.purge, by=BY) == 0
    machine.advance(1)
    remember(db, "new", SECOND)
    assert db.write_now(dedup.purge, by=BY) == dedup.PURGE_MAX
    assert db.write_now(dedup.purge, by=BY) == 20
    assert earlier(db, "new") is not None
    assert earlier(db, "0") is None


def test_a_key_is_claimed_once_and_may_become_something_else(db: Database) -> None:
    def claimed(ref: Id) -> dedup.Sighted | None:
        return db.write_now(partial(dedup.claim, source=SOURCE, key="k", ref=ref), by=BY)

    assert claimed(FIRST) is None
    again = claimed(SECOND)
    assert again is not None
    assert again.ref == FIRST
    db.write_now(partial(dedup.repoint, source=SOURCE, key="k", ref=SECOND), by=BY)
    now = claimed(FIRST)
    assert now is not None
    assert now.ref == SECOND


def request(key: str = "k", body: bytes = b"{}", caller: str = "token", path: str = "/v1/x") -> RequestKey:
    return RequestKey.of(key, caller=caller, method="POST", path=path, body=body)


def answer_before(db: Database, key: RequestKey) -> Answer | None:
    return db.read_now(partial(earlier_answer, key=key), by=BY)


def test_the_same_request_gets_the_same_answer(db: Database) -> None:
    answer = Answer(201, {"id": "x", "list": [1, None]})
    assert answer_before(db, request()) is None
    db.write_now(partial(remember_answer, key=request(), answer=answer), by=BY)
    assert answer_before(db, request()) == answer
    assert answer_before(db, request(caller="other")) is None
    assert answer_before(db, request(key="other")) is None


@pytest.mark.parametrize("other", [{"body": b'{"a": 1}'}, {"path": "/v1/y"}])
def test_the_same_key_for_another_request_is_refused(db: Database, other: dict[str, str]) -> None:
    db.write_now(partial(remember_answer, key=request(), answer=Answer(200, None)), by=BY)
    with pytest.raises(Refused, match=r"request\.idempotency_reused"):
        answer_before(db, request(**other))  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_a_length(key: str) -> None:
    with pytest.raises(Malformed, match=r"request\.idempotency_key"):
        request(key=key)


def test_of_many_at_once_one_acts_and_the_others_ask_again(counters: Database) -> None:
    def act(unit: Unit, number: int) -> str:
        if (found := earlier_answer(unit, request())) is not None:
            return f"again {found.body}"
        tables.add(unit, Id(int=number))
        remember_answer(unit, request(), Answer(200, "done"))
        return "acted"

    def attempt(number: int) -> str:
        try:
            return counters.write_now(partial(act, number=number), by=BY)
        except Refused as problem:
            return problem.code

    with ThreadPoolExecutor(12) as threads:
        outcomes = Counter(threads.map(attempt, range(1, 25)))
    assert outcomes["acted"] == 1
    assert set(outcomes) <= {"acted", "again done", "request.in_progress"}
    assert len(counters.read_now(tables.values, by=BY)) == 1


def test_old_answers_are_forgotten(db: Database, machine: ManualClock) -> None:
    db.write_now(partial(remember_answer, key=request(), answer=Answer(200, None)), by=BY)
    machine.advance(idempotency.KEPT_US)
    assert db.write_now(idempotency.purge, by=BY) == 0
    machine.advance(1)
    assert db.write_now(idempotency.purge, by=BY) == 1
    assert answer_before(db, request()) is None
