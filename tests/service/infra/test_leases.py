"""Leases: one holder at a time, by machine time, with a fence that tells old work from new."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.infra.leases import acquire, release
from openberth.kernel.time import SECOND_US
from tests.service.infra.facts import BY

SPAN_US = 10 * SECOND_US


def take(db: Database, owner: str, name: str = "sequencer") -> int | None:
    return db.write_now(partial(acquire, name=name, owner=owner, span_us=SPAN_US), by=BY)


def test_one_holds_and_others_wait_until_it_is_over(db: Database, machine: ManualClock, business: ManualClock) -> None:
    assert take(db, "one") == 1
    assert take(db, "other") is None
    assert take(db, "other", name="something else") == 1
    machine.advance(SPAN_US)
    business.advance(100 * SPAN_US)
    assert take(db, "other") is None
    machine.advance(1)
    assert take(db, "other") == 2
    assert take(db, "one") is None


def test_a_renewal_keeps_the_fence_and_a_lapse_does_not(db: Database, machine: ManualClock) -> None:
    assert take(db, "one") == 1
    assert take(db, "one") == 1  # at the same microsecond
    machine.advance(SPAN_US // 2)
    assert take(db, "one") == 1
    machine.advance(SPAN_US)
    assert take(db, "other") is None  # renewed at half time
    machine.advance(1)
    assert take(db, "one") == 2  # nobody had it, somebody might have
    assert take(db, "other") is None


def test_a_lease_given_back_is_free_at_once(db: Database) -> None:
    assert take(db, "one") == 1
    db.write_now(partial(release, name="sequencer", owner="other"), by=BY)
    assert take(db, "other") is None
    db.write_now(partial(release, name="sequencer", owner="one"), by=BY)
    assert take(db, "other") == 2
    db.write_now(partial(release, name="sequencer", owner="one"), by=BY)
    assert take(db, "one") is None


def test_of_many_at_one_instant_one_wins(db: Database, machine: ManualClock) -> None:
    for fence in (1, 2, 3):
        with ThreadPoolExecutor(12) as threads:
            fences = list(threads.map(lambda number: take(db, f"owner {number}"), range(12)))
        assert sorted(fence for fence in fences if fence) == [fence]
        machine.advance(SPAN_US + 1)
