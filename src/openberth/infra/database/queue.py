"""The bounded queue of units that wait for a writer, in three urgencies."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from openberth.infra.database.unit import Unit
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Overloaded


class Urgency(IntEnum):
    """Who goes first: a car at a barrier, ordinary work, or work that can wait."""

    LANE = 0
    NORMAL = 1
    BACKGROUND = 2


# Bounds: a lane queue this long is 20 s of a full writer; more would only answer too late.
WAITING_MAX = {Urgency.LANE: 4_000, Urgency.NORMAL: 4_000, Urgency.BACKGROUND: 1_000}
BACKGROUND_PER_BATCH = 4


@dataclass(slots=True)
class Work:
    """One unit function with its caller and where its outcome goes: an asyncio future, or a plain one for threads."""

    function: Callable[[Unit], Any]
    caller: Caller
    urgency: Urgency
    future: "asyncio.Future[Any] | Future[Any]"
    loop: asyncio.AbstractEventLoop | None
    result: Any = None
    error: BaseException | None = field(default=None)


class WorkQueue:
    """Holds waiting work; writers take from it, most urgent first."""

    def __init__(self) -> None:
        self._waiting: dict[Urgency, deque[Work]] = {urgency: deque() for urgency in Urgency}
        self._condition = threading.Condition()
        self._closed = False

    def put(self, work: Work) -> None:
        """Add work; at the bound of its urgency raise ``Overloaded`` so that the caller can say so at once."""
        with self._condition:
            if self._closed:
                raise Overloaded("database.closed")
            line = self._waiting[work.urgency]
            if len(line) >= WAITING_MAX[work.urgency]:
                raise Overloaded("queue.full", queue=work.urgency.name.lower())
            line.append(work)
            self._condition.notify()

    def put_back(self, works: list[Work]) -> None:
        """Return work that was taken and not begun, in front of its line."""
        with self._condition:
            for work in reversed(works):
                self._waiting[work.urgency].appendleft(work)
            self._condition.notify()

    def take(self, most: int) -> list[Work]:
        """Wait for work and return up to ``most`` pieces; an empty list means the queue is closed and empty."""
        with self._condition:
            while not any(self._waiting.values()):
                if self._closed:
                    return []
                self._condition.wait()
            taken: list[Work] = []
            for urgency, line in self._waiting.items():
                bound = BACKGROUND_PER_BATCH if urgency is Urgency.BACKGROUND else most
                taken.extend(line.popleft() for _ in range(min(len(line), most - len(taken), bound)))
            return taken

    def close(self) -> None:
        """Take no more work; writers finish what waits and stop."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def depth(self) -> dict[str, int]:
        """Return how many units wait, by urgency."""
        return {urgency.name.lower(): len(line) for urgency, line in self._waiting.items()}


def deliver(works: list[Work]) -> None:
    """Hand outcomes to their callers: one wake-up per event loop for the whole batch."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Work]] = {}
    for work in works:
        if work.loop is None:
            _settle(work)
        else:
            by_loop.setdefault(work.loop, []).append(work)
    for loop, mine in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, mine)
        except RuntimeError:  # the loop has closed: nobody waits any more
            continue


def _settle_all(works: list[Work]) -> None:
    for work in works:
        _settle(work)


def _settle(work: Work) -> None:
    future = work.future
    if future.done():  # the caller was cancelled; the unit stands all the same
        return
    if work.error is not None:
        future.set_exception(work.error)
    else:
        future.set_result(work.result)
