"""The books are verified all the time: what differs stands as an alarm until it is mended, and nothing else does."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from openberth.bootstrap import CHECKS
from openberth.contexts.payments.reactions import Verifying
from openberth.contexts.payments.reactions import verifying as reaction
from openberth.contexts.payments.service import watching
from openberth.contexts.payments.store.watching import Walk
from openberth.infra import alarms
from openberth.infra.jobs import Job, NotYet
from openberth.infra.verifying import FIRST, Check, Wrong, next_page, still
from openberth.kernel.errors import Overloaded
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, HOUR_US, MINUTE_US
from tests.service.acting import read
from tests.service.databases import ONCE
from tests.service.payments.test_refunds import at_the_exit, paid_by_phone
from tests.service.stays.street import Street
from tests.service.tenancy.trail import sql

JOB = Job(Id(int=1), reaction.JOB_VERIFY, {}, 1, None)


@pytest.fixture(autouse=True)
def night(street: Street) -> None:
    """Make it three o'clock at night in Beijing, when everything is looked at."""
    street.machine.advance((19 * HOUR_US - street.machine.now()) % DAY_US)


def verified(street: Street, checks: Any = CHECKS) -> int:
    return asyncio.run(Verifying(street.db, checks, settle_s=0).run())


def told(street: Street) -> dict[str, tuple[int, int, int]]:
    found = read(street.db, alarms.of_kind, kind=watching.ALARM)
    return {one.params["what"]: (one.params["expected"], one.params["found"], one.params["count"]) for one in found}


def walk(street: Street, name: str = reaction.NIGHTLY) -> Walk:
    return read(street.db, watching.walks)[name]


def test_books_that_agree_are_walked_over_at_night_and_nobody_is_told(street: Street) -> None:
    at_the_exit(street)
    paid_by_phone(street, 1000)
    verified(street)
    assert (walk(street).check, walk(street).finished_at) == (None, street.machine.now())
    assert (walk(street).finished_rows or 0) >= 4
    assert told(street) == {}


def test_what_differs_stands_until_it_is_mended(street: Street) -> None:
    at_the_exit(street)
    sql(street.db, "UPDATE bill SET paid_minor = paid_minor + 1 WHERE state = 'open'")
    verified(street)
    assert told(street) == {"bill.receivable": (749, 750, 1)}
    street.machine.advance(MINUTE_US)
    verified(street)  # it is told once, and keeps its instant
    [one] = read(street.db, watching.standing, limit=5)
    assert (one.difference.what, one.found_at) == ("bill.receivable", street.machine.now() - MINUTE_US)
    sql(street.db, "UPDATE bill SET paid_minor = paid_minor - 1 WHERE state = 'open'")
    verified(street)
    assert told(street) == {}
    assert read(street.db, watching.how_many) == 0


@ONCE
def test_by_day_the_young_rows_are_looked_at_every_few_minutes(street: Street) -> None:
    street.machine.advance(6 * HOUR_US)
    at_the_exit(street)
    verified(street)
    assert reaction.NIGHTLY not in read(street.db, watching.walks)
    sql(street.db, "UPDATE bill SET paid_minor = paid_minor + 1 WHERE state = 'open'")
    verified(street)
    assert told(street) == {}  # its time has not come
    street.machine.advance(5 * MINUTE_US)
    verified(street)
    assert list(told(street)) == ["bill.receivable"]


@ONCE
def test_old_rows_are_looked_at_at_night_only(street: Street) -> None:
    street.machine.advance(6 * HOUR_US)
    at_the_exit(street)
    sql(street.db, "UPDATE bill SET paid_minor = paid_minor + 1 WHERE state = 'open'")
    street.machine.advance(3 * HOUR_US)
    verified(street)
    assert told(street) == {}
    street.machine.advance(15 * HOUR_US)
    verified(street)
    assert list(told(street)) == ["bill.receivable"]


class Row:
    def __init__(self, key: int) -> None:
        self.id, self.company, self.lot = Id(int=key), None, None


def walking(seen: list[int], most: int, wrong: Callable[[int], bool] = lambda _: False) -> Check:
    """Return a check over the rows 1 to ``most``, two a page."""

    def look(_reader: object, after: Id, limit: int) -> tuple[list[Row], list[Wrong]]:
        rows = [Row(key) for key in range(after.int + 1, min(after.int + limit, most) + 1)]
        seen.extend(row.id.int for row in rows)
        return rows, [Wrong("bill.receivable", row.id, 0, 1) for row in rows if wrong(row.id.int)]

    return Check("made_up", look, page=2, young=False)


def test_a_walk_goes_on_where_it_was_whoever_does(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    young = Check("young", lambda _reader, _after, _limit: ([], []))
    seen: list[int] = []
    checks = [young, walking(seen, 5)]
    verified(street, [young])
    monkeypatch.setattr(reaction, "WORK_S", -1)
    street.machine.advance(6 * HOUR_US + 18 * HOUR_US)
    assert verified(street, checks) == 0  # no time at all: it comes again
    monkeypatch.setattr(reaction, "WORK_S", 20)
    asyncio.run(Verifying(street.db, checks, settle_s=0).run())
    assert seen == [1, 2, 3, 4, 5]
    assert walk(street).finished_rows == 5


@ONCE
def test_what_is_right_when_it_is_looked_at_again_is_never_told(street: Street) -> None:
    young = Check("young", lambda _reader, _after, _limit: ([], []))
    seen: list[int] = []
    verified(street, [young, walking(seen, 3, wrong=lambda key: key == 3 and seen.count(3) == 1)])
    assert seen == [1, 2, 3, 3]
    assert told(street) == {}


@ONCE
def test_a_check_that_fails_is_seen_and_comes_again(street: Street) -> None:
    def look(_reader: object, _after: Id, _limit: int) -> Any:
        raise Overloaded("queue.full", retry_after_s=1)

    failing = Verifying(street.db, [Check("made_up", look)], settle_s=0)
    with pytest.raises(NotYet):
        asyncio.run(failing.work(JOB))
    assert walk(street).error == "queue.full"
    [one] = read(street.db, alarms.of_kind, kind=watching.STUCK)
    assert one.params == {"error": "queue.full"}
    verified(street)
    assert walk(street).error is None
    assert read(street.db, alarms.of_kind, kind=watching.STUCK) == []


def test_pages_say_where_to_go_on() -> None:
    reader: Any = None
    check = walking([], 4, wrong=lambda key: key == 2)
    first = next_page(reader, check=check, after=FIRST)
    assert first.goes_on is not None
    assert (first.looked_at, first.goes_on.int, [one.subject.int for one in first.differences]) == (2, 2, [2])
    second = next_page(reader, check=check, after=first.goes_on)
    last = next_page(reader, check=check, after=second.goes_on or FIRST)
    assert (second.looked_at, last.looked_at, last.goes_on) == (2, 0, None)
    assert still(reader, checks=[check], suspects=first.differences) == list(first.differences)
    assert still(reader, checks=[walking([], 4)], suspects=first.differences) == []
    assert still(reader, checks=[], suspects=first.differences) == []
