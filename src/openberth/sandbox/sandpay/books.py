"""The way from the event loop to the store: one thread, one call after the other, a bounded queue."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from openberth.sandbox.sandpay.store import Full, Store

WAITING = 512

T = TypeVar("T")


class Books:
    """Runs calls on the store in its own thread. Raises ``Full`` when too many wait already."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sandpay-store")
        self._waiting = 0

    async def call(self, work: Callable[[Store], T], *, always: bool = False) -> T:
        """Do some work on the store and return what it returns; ``always`` is for callers that are few by nature."""
        if self._waiting >= WAITING and not always:
            raise Full("queue")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._store)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Finish what waits and close the file."""
        self._thread.shutdown()
        self._store.close()
