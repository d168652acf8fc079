"""The queue of pictures: never waits, never loses silently, ends in order."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from openberth.infra.blobs import PictureQueue
from openberth.infra.blobs import queue as queue_module
from openberth.infra.telemetry import REGISTRY
from openberth.kernel.errors import NotFound, Overloaded
from openberth.kernel.ids import uuid7
from tests.waiting import PATIENCE_S, eventually


class Store:
    """A store that waits when it is told to and fails when it is told to."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.error: Exception | None = None
        self.flushes = 0

    def put(self, name: str, data: bytes) -> None:
        self.entered.set()
        assert self.open.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        self.held[name] = data

    def get(self, name: str) -> bytes:
        if name not in self.held:
            raise NotFound("blob.not_found")
        return self.held[name]

    def delete(self, name: str) -> None:
        self.held.pop(name, None)

    def flush(self) -> None:
        self.flushes += 1


def name(number: int) -> str:
    return str(uuid7(1_000, 0, number))


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("openberth_pictures_total", {"outcome": outcome}) or 0.0


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def queue(store: Store) -> Iterator[PictureQueue]:
    made = PictureQueue(store, max_waiting=3, max_waiting_bytes=100)
    made.start()
    yield made
    store.open.set()
    made.close(PATIENCE_S)


def test_pictures_are_written_in_their_order(queue: PictureQueue, store: Store) -> None:
    before = counted("stored")
    for number in range(20):
        queue.put_nowait([(name(number), b"x")]).result(PATIENCE_S)
    assert list(store.held) == [name(number) for number in range(20)]
    assert queue.close(PATIENCE_S)
    assert counted("stored") == before + 20
    assert queue.waiting == 0
    assert store.flushes >= 1


def test_the_count_is_bounded_with_the_one_in_work(queue: PictureQueue, store: Store) -> None:
    store.open.clear()
    before = counted("dropped")
    taken = [queue.put_nowait([(name(number), b"x")]) for number in range(3)]
    assert store.entered.wait(PATIENCE_S)
    refused = queue.put_nowait([(name(3), b"x")])
    assert refused.done()
    error = refused.exception()
    assert isinstance(error, Overloaded)
    assert error.code == "pictures.full"
    assert counted("dropped") == before + 1
    store.open.set()
    for future in taken:
        future.result(PATIENCE_S)
    assert eventually(lambda: queue.waiting == 0)
    queue.put_nowait([(name(4), b"x")]).result(PATIENCE_S)
    assert name(3) not in store.held


def test_bytes_are_bounded(queue: PictureQueue, store: Store) -> None:
    store.open.clear()
    first = queue.put_nowait([(name(0), bytes(60))])
    refused = queue.put_nowait([(name(1), bytes(41))])
    second = queue.put_nowait([(name(2), bytes(40))])
    assert isinstance(refused.exception(0), Overloaded)
    store.open.set()
    first.result(PATIENCE_S)
    second.result(PATIENCE_S)
    assert isinstance(queue.put_nowait([(name(3), bytes(101))]).exception(PATIENCE_S), Overloaded)


def test_a_failing_store_fails_the_picture_and_not_the_queue(queue: PictureQueue, store: Store) -> None:
    before = counted("failed")
    for error in (Overloaded("blob.unavailable", reason="full"), ZeroDivisionError()):
        store.error = error
        assert queue.put_nowait([(name(0), b"x")]).exception(PATIENCE_S) is error
    assert counted("failed") == before + 2
    store.error = None
    queue.put_nowait([(name(1), b"x")]).result(PATIENCE_S)
    assert eventually(lambda: queue.waiting == 0)


def test_a_failing_flush_is_counted(queue: PictureQueue, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = counted("flush_failed")

    def failing() -> None:
        raise Overloaded("blob.unavailable", reason="io")

    monkeypatch.setattr(store, "flush", failing)
    queue.put_nowait([(name(0), b"x")]).result(PATIENCE_S)
    assert queue.close(PATIENCE_S)
    assert counted("flush_failed") == before + 1


def test_pictures_become_durable_without_new_ones(
    queue: PictureQueue, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "FLUSH_EVERY_S", 0.02)
    queue.put_nowait([(name(0), b"x")]).result(PATIENCE_S)
    assert eventually(lambda: store.flushes == 1)
    time.sleep(0.06)
    assert store.flushes == 1  # nothing new, nothing to flush


def test_closing_writes_what_waits_and_takes_no_more(queue: PictureQueue, store: Store) -> None:
    store.open.clear()
    taken = [queue.put_nowait([(name(number), b"x")]) for number in range(3)]
    threading.Timer(0.02, store.open.set).start()
    assert queue.close(PATIENCE_S)
    assert all(future.done() and future.exception() is None for future in taken)
    assert store.flushes >= 1
    late = queue.put_nowait([(name(9), b"x")]).exception(0)
    assert isinstance(late, Overloaded)
    assert late.code == "pictures.closed"


def test_closing_does_not_wait_for_ever(queue: PictureQueue, store: Store) -> None:
    store.open.clear()
    before = counted("dropped")
    taken = [queue.put_nowait([(name(number), b"x")]) for number in range(3)]
    assert store.entered.wait(PATIENCE_S)
    assert not queue.close(0.02)
    assert [future.done() for future in taken] == [False, True, True]
    assert isinstance(taken[1].exception(0), Overloaded)
    assert counted("dropped") == before + 2
    store.open.set()
    taken[0].result(PATIENCE_S)


def test_a_cancelled_picture_is_not_written(queue: PictureQueue, store: Store) -> None:
    store.open.clear()
    queue.put_nowait([(name(0), b"x")])
    assert store.entered.wait(PATIENCE_S)
    second = queue.put_nowait([(name(1), b"x")])
    assert second.cancel()
    store.open.set()
    queue.put_nowait([(name(2), b"x")]).result(PATIENCE_S)
    assert name(1) not in store.held


def test_a_queue_that_never_started_drops_when_closed(store: Store) -> None:
    queue = PictureQueue(store)
    future = queue.put_nowait([(name(0), b"x")])
    assert not queue.close(0.01)
    assert isinstance(future.exception(0), Overloaded)


def test_the_event_loop_does_not_wait_for_the_disk(queue: PictureQueue, store: Store) -> None:
    store.open.clear()

    async def lane() -> list[None]:
        futures = [asyncio.wrap_future(queue.put_nowait([(name(number), b"x")])) for number in range(3)]
        await asyncio.sleep(0)
        assert not any(future.done() for future in futures)  # the loop is here while the store stands still
        store.open.set()
        return await asyncio.wait_for(asyncio.gather(*futures), PATIENCE_S)

    assert asyncio.run(lane()) == [None] * 3
