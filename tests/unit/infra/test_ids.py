"""Ids of one process are version 7, all different and strictly growing, whatever the clock and the threads do."""

import os
import threading

import pytest

from openberth.infra.clocks import ManualClock
from openberth.infra.ids import IdSource
from openberth.kernel.ids import Id, unix_ms_of
from openberth.kernel.time import Instant

NOW_MS = 1_790_000_000_000


def source() -> tuple[IdSource, ManualClock]:
    clock = ManualClock(Instant(NOW_MS * 1_000))
    return IdSource(clock), clock


def test_an_id_carries_machine_time() -> None:
    ids, clock = source()
    made = ids.new_id()
    assert made.version == 7
    assert unix_ms_of(made) == NOW_MS
    clock.advance(7_000)
    assert unix_ms_of(ids.new_id()) == NOW_MS + 7


def test_ids_grow_through_counter_overflow() -> None:
    ids, _ = source()
    made = [ids.new_id() for _ in range(10_000)]  # more than 12 bits count
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert unix_ms_of(made[-1]) - NOW_MS <= 10_000 // 4096 + 1


def test_ids_grow_when_the_clock_steps_back() -> None:
    ids, clock = source()
    first = ids.new_id()
    clock.set(Instant((NOW_MS - 60_000) * 1_000))
    second = ids.new_id()
    clock.set(Instant((NOW_MS + 1) * 1_000))
    assert first < second < ids.new_id()


def test_threads_never_share_an_id() -> None:
    ids, _ = source()
    batches: list[list[Id]] = []

    def make() -> None:
        batches.append([ids.new_id() for _ in range(2_000)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({made for batch in batches for made in batch}) == 8_000
    assert all(batch == sorted(batch) for batch in batches)


def test_two_sources_of_one_moment_differ() -> None:
    assert source()[0].new_id() != source()[0].new_id()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # newer Pythons warn; the child only writes and ends
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_child_does_not_repeat_its_parents_ids() -> None:
    ids, _ = source()
    ids.new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, ids.new_id().bytes)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read(16) != ids.new_id().bytes
