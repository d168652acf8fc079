"""The database as the edges see it: ``await db.write(use_case, by=caller)`` and ``await db.read(query, by=caller)``.

Never touched on the event loop. ``read`` sees every write acknowledged before it; ``report`` may lag behind on a
replica.
"""

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from openberth.infra.clocks import Clocks
from openberth.infra.database.queue import Urgency, Work, WorkQueue
from openberth.infra.database.unit import Reader, Sealer, Unit
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Overloaded
from openberth.kernel.events import Envelope
from openberth.kernel.time import Instant

T = TypeVar("T")

READS_WAITING_MAX = 2_000
UNIT_SLOW_US = 5_000
TROUBLE_S = 10.0  # a failure older than this says nothing about now


@dataclass(slots=True)
class Figures:
    """What the database counts about itself; telemetry reads it."""

    units: int = 0
    failed: int = 0
    batches: int = 0
    retries: int = 0
    slow: int = 0
    commit_failures: int = 0
    events: int = 0
    longest_us: int = field(default=0)


class Database(ABC):
    """One database of OpenBerth. Made by ``open_database``; closed with ``close``."""

    def __init__(self, clocks: Clocks, keys: Sealer, *, readers: int) -> None:
        self.clocks = clocks
        self.keys = keys
        self.figures = Figures()
        self._queue = WorkQueue()
        self._reads = ThreadPoolExecutor(readers, thread_name_prefix="db-read")
        self._reading = threading.BoundedSemaphore(READS_WAITING_MAX)
        self._listeners: list[Callable[[Sequence[Envelope]], None]] = []
        self._trouble: tuple[str, float] | None = None

    async def write(self, use_case: Callable[[Unit], T], *, by: Caller, urgency: Urgency = Urgency.NORMAL) -> T:
        """Run a use case in a unit and return its result once it is durable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(Work(use_case, by, urgency, future, loop))
        return await future

    def write_now(self, use_case: Callable[[Unit], T], *, by: Caller, urgency: Urgency = Urgency.NORMAL) -> T:
        """Run a use case and wait for it: for threads without an event loop (start-up, command line)."""
        future: Future[T] = Future()
        self._queue.put(Work(use_case, by, urgency, future, None))
        return future.result()

    async def read(self, query: Callable[[Reader], T], *, by: Caller) -> T:
        """Run a query on one consistent state and return its result."""
        return await asyncio.wrap_future(self._submit_read(query, by))

    def read_now(self, query: Callable[[Reader], T], *, by: Caller) -> T:
        """Run a query and wait for it: for threads without an event loop."""
        return self._submit_read(query, by).result()

    async def report(self, query: Callable[[Reader], T], *, by: Caller) -> T:
        """Run a query that may be answered by a replica: statistics and exports."""
        return await self.read(query, by=by)

    def on_events(self, listener: Callable[[Sequence[Envelope]], None]) -> None:
        """Call ``listener`` (from a database thread, quickly) after each commit that wrote events.

        It gets the events where the writer numbers them, and nothing where they still have to be numbered and read.
        """
        self._listeners.append(listener)

    def waiting(self) -> dict[str, int]:
        """Return how many units wait, by urgency."""
        return self._queue.depth()

    def trouble(self) -> str | None:
        """Return the code of the failure that kept the database from its last work, None when it works.

        It is forgotten by the next success, and after ten seconds without another failure: whoever gets no more
        requests because of it must be able to be tried again.
        """
        trouble = self._trouble
        return trouble[0] if trouble is not None and time.monotonic() - trouble[1] < TROUBLE_S else None

    def close(self) -> None:
        """Finish what waits, then close all connections."""
        self._queue.close()
        self._reads.shutdown(wait=True)
        self._stop()

    @property
    @abstractmethod
    def kind(self) -> str:
        """Return ``sqlite``, ``postgresql`` or ``mysql``."""

    @property
    @abstractmethod
    def numbers_at_commit(self) -> bool:
        """Tell whether events are numbered by the writer itself; otherwise a sequencer must run."""

    @abstractmethod
    def _stop(self) -> None: ...

    @abstractmethod
    def _run_read(self, query: Callable[[Reader], Any], caller: Caller) -> Any: ...

    def _works(self) -> None:
        self._trouble = None

    def _ails(self, problem: Overloaded) -> Overloaded:
        """Remember why the database did not do its work, and return the problem to raise."""
        self._trouble = (problem.code, time.monotonic())
        return problem

    def _submit_read(self, query: Callable[[Reader], T], caller: Caller) -> "Future[T]":
        if not self._reading.acquire(blocking=False):
            raise Overloaded("queue.full", queue="read")
        try:
            future: Future[T] = self._reads.submit(self._run_read, query, caller)
        except RuntimeError:
            self._reading.release()
            raise Overloaded("database.closed") from None
        future.add_done_callback(lambda _: self._reading.release())
        return future

    def _moments(self) -> tuple[Instant, Instant]:
        return self.clocks.business.now(), self.clocks.machine.now()

    def _tell_listeners(self, envelopes: Sequence[Envelope] = ()) -> None:
        for listener in self._listeners:
            listener(envelopes)
