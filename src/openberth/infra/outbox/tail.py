"""The head of the log in this process: followed, numbered where the writer does not number, shown to whoever waits."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice

import structlog

from openberth.infra.database import log as event_log
from openberth.infra.database.database import Database
from openberth.infra.waking import woken
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded
from openberth.kernel.events import Envelope

POLL_S = 0.25
SUBSCRIBER_QUEUE_MAX = 2_000
UNWANTED_MAX = event_log.PAGE_MAX // 2  # events of other kinds before a waiting consumer looks at them
RECENT_MAX = 5_000  # events kept in memory, so that consumers near the head read nothing

log = structlog.get_logger()


class Subscription:
    """A live view of the log in this process. It may fall behind; then it ends and its owner resumes from a
    position.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Sequence[Envelope]] = asyncio.Queue(SUBSCRIBER_QUEUE_MAX)
        self.lagging = False

    def offer(self, envelopes: Sequence[Envelope]) -> None:
        """Hand over new events, or mark the subscription as lagging."""
        try:
            self._queue.put_nowait(envelopes)
        except asyncio.QueueFull:
            self.lagging = True

    async def next(self) -> Sequence[Envelope]:
        """Wait for the next events."""
        return await self._queue.get()


@dataclass(frozen=True, slots=True, eq=False)
class _Bell:
    """Somebody who waits for the head to move beyond a position, perhaps for some kinds of events only."""

    rung: asyncio.Future[None]
    position: int
    kinds: Collection[str] | None

    def answers(self, page: Sequence[Envelope], head: int) -> bool:
        if self.kinds is None or head - self.position > UNWANTED_MAX:
            return True
        return any(found.kind in self.kinds for found in page)


class Tail:
    """Follows the head of the log, numbers rows where the writer does not, and wakes whoever waits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("tail")
        self._wake = asyncio.Event()
        self._bells: list[_Bell] = []
        self._subscriptions: set[Subscription] = set()
        self._watchers: list[Callable[[Sequence[Envelope]], None]] = []
        self._recent: deque[Envelope] = deque(maxlen=RECENT_MAX)
        self.position = 0

    def watch(self, watcher: Callable[[Sequence[Envelope]], None]) -> None:
        """Call ``watcher`` on the loop with every page of new events: for caches and wake-ups, never for effects."""
        self._watchers.append(watcher)

    def subscribe(self) -> Subscription:
        """Return a live view from the present head on."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a live view."""
        self._subscriptions.discard(subscription)

    async def moved_beyond(self, position: int, timeout_s: float, *, kinds: Collection[str] | None = None) -> None:
        """Wait until the head is beyond a position, or the time is over.

        With ``kinds``, once it is there, only an event of these kinds ends the wait, or so many others that whoever
        waits could no longer read them from memory in one page.
        """
        if self.position > position:
            return
        bell = _Bell(asyncio.get_running_loop().create_future(), position, kinds)
        self._bells.append(bell)
        try:
            async with asyncio.timeout(timeout_s):
                await bell.rung
        except TimeoutError:
            return
        finally:
            with suppress(ValueError):  # rung bells are taken down already
                self._bells.remove(bell)

    async def start(self) -> None:
        """Find the present head and listen for commits."""
        loop = asyncio.get_running_loop()
        self._database.on_events(partial(_tell_from_thread, loop, self._told))
        self.position = await self._database.read(event_log.head, by=self._by)

    async def run(self) -> None:
        """Follow until cancelled. A database that does not answer is tried again; nothing is skipped."""
        while True:
            try:
                if not self._database.numbers_at_commit:
                    numbered = await self._database.write(event_log.number_committed, by=self._by)
                    if numbered == event_log.PAGE_MAX:
                        self._wake.set()
                while await self._advance():
                    pass
            except Overloaded as problem:
                log.warning("tail.waiting", code=problem.code)
            await woken(self._wake, within_s=POLL_S)

    def recent(self, after: int) -> Sequence[Envelope] | None:
        """Return the events after a position from memory; None when they reach too far back."""
        missing = self.position - after
        if missing <= 0:
            return ()
        if missing > min(len(self._recent), event_log.PAGE_MAX):
            return None
        newest_first = islice(reversed(self._recent), missing)
        return tuple(newest_first)[::-1]

    def _told(self, envelopes: Sequence[Envelope]) -> None:
        """Take events that the writer handed over; a gap (there was none so far) is read from the log."""
        new = [found for found in envelopes if (found.position or 0) > self.position]
        if not new or new[0].position != self.position + 1:
            self._wake.set()
            return
        self._move(new)

    async def _advance(self) -> bool:
        after = self.position
        page = await self._database.read(lambda reader: event_log.read_after(reader, position=after), by=self._by)
        new = [found for found in page if (found.position or 0) > self.position]
        if new:
            self._move(new)
        return len(page) == event_log.PAGE_MAX

    def _move(self, page: Sequence[Envelope]) -> None:
        # Memory holds a run without gaps: positions on servers have none either, for the sequencer counts.
        if self._recent and page[0].position != (self._recent[-1].position or 0) + 1:
            self._recent.clear()
        self._recent.extend(page)
        self.position = page[-1].position or self.position
        self._ring(page)
        for watcher in self._watchers:
            watcher(page)
        for subscription in self._subscriptions:
            subscription.offer(page)

    def _ring(self, page: Sequence[Envelope]) -> None:
        waiting, self._bells = self._bells, []
        for bell in waiting:
            if not bell.answers(page, self.position):
                self._bells.append(bell)
            elif not bell.rung.done():
                bell.rung.set_result(None)


def _tell_from_thread(
    loop: asyncio.AbstractEventLoop, told: Callable[[Sequence[Envelope]], None], envelopes: Sequence[Envelope]
) -> None:
    try:
        loop.call_soon_threadsafe(told, envelopes)
    except RuntimeError:  # the loop has closed
        return
