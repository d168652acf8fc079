"""Tells merchants what happened, on the schedule of a channel, until they acknowledge or the tries are used up.

What is still to be told is in the books, so a killed stand-in goes on after its restart. A merchant may be told twice
(a kill between an answer and its note); nothing stays untold while tries are left.
"""

import asyncio
import logging
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import httpx2

from openberth.sandbox.clock import SECOND_US, Clock

ANSWER_WITHIN_S = 5  # of the machine's time: how long a merchant may think is no matter of business time
AT_ONCE = 16
ATTEMPTS_KEPT = 40
LONGEST_PAUSE_S = 60
BROKEN_PAUSE_S = 5


class Note(Protocol):
    """What is to be told, as the books keep it; ``due_us`` None: nothing more will be sent by itself."""

    id: str
    due_us: int | None
    state: str  # waiting | held | done | given_up | dropped
    tries: int
    attempts: list[dict[str, Any]]


Key = TypeVar("Key")
N = TypeVar("N", bound=Note)


class Rounds(ABC, Generic[Key]):
    """The loop of tellings. ``wake`` it when something may be due; cancel ``run`` to stop it."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._woken = asyncio.Event()
        self._telling: dict[Key, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look again at what is due."""
        self._woken.set()

    async def run(self) -> None:
        """Tell what is due, for ever."""
        try:
            while True:
                self._woken.clear()
                try:
                    pause_s = await self._round()
                except sqlite3.Error:
                    self._log.exception("the books cannot be read or written")
                    pause_s = BROKEN_PAUSE_S
                # Not wait_for: in Python 3.11 it can swallow a cancellation.
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._woken.wait()
        finally:
            for task in self._telling.values():
                task.cancel()
            await asyncio.gather(*self._telling.values(), return_exceptions=True)
            await self._close()

    @abstractmethod
    async def _round(self) -> float | None:
        """Begin what is due; return after how many seconds to look again, None: when woken."""

    async def _close(self) -> None:
        """Let go of what the loop holds."""

    def _begin(self, key: Key, telling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(telling)
        self._telling[key] = task
        task.add_done_callback(partial(self._ended, key))

    def _ended(self, key: Key, _task: asyncio.Task[None]) -> None:
        del self._telling[key]
        self._woken.set()


class Teller(Rounds[str], Generic[N]):
    """The loop of a channel whose notes go out over HTTP, by its own schedule ``repeats_s`` of business time."""

    def __init__(self, log: logging.Logger, clock: Clock, repeats_s: Sequence[int]) -> None:
        super().__init__(log)
        self._clock = clock
        self._repeats_s = repeats_s
        self._http = httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=None)  # bounded by ``send``

    @abstractmethod
    async def send(self, note: N, how: str) -> bool:
        """Send a note once, rightly or wrongly; True when it is acknowledged in time. The attempt is noted."""

    @abstractmethod
    def _ripen(self) -> None:
        """Let come to pass what time alone brings: refunds that are done, orders that end."""

    @abstractmethod
    def _due(self, now_us: int, limit: int) -> Sequence[N]:
        """Return what has to be told now, the most overdue first."""

    @abstractmethod
    def _next_due(self, now_us: int) -> int | None:
        """Return when the next thing falls due that is not yet."""

    @abstractmethod
    def _kept(self, note_id: str) -> N:
        """Return a note as the books have it."""

    @abstractmethod
    def _keep(self, note: N) -> None:
        """Write a note."""

    @abstractmethod
    async def _tell(self, note: N) -> bool:
        """Tell a note with the mishaps that are asked for; True when it is acknowledged."""

    async def send_many(self, note: N, how: str, copies: int) -> int:
        """Send a note now, whatever its state, so many times at one instant; return how many were acknowledged.

        A good one that is acknowledged is told. Others change nothing.
        """
        heard = sum(await self._sent(note, how, copies))
        if heard and how == "good":
            known = self._kept(note.id)
            known.state, known.due_us = "done", None
            self._keep(known)
        return heard

    async def send_held(self, note: N) -> None:
        """Send a note that was held back; unacknowledged it goes on by the schedule."""
        known = self._kept(note.id)
        known.state = "waiting"
        self._keep(known)  # not due: only this sending tells it
        self._noted(note.id, await self.send(known, "good"))

    async def _round(self) -> float | None:
        self._ripen()
        now = self._clock.now()
        for note in self._due(now, AT_ONCE + len(self._telling)):
            if note.id not in self._telling and len(self._telling) < AT_ONCE:
                self._begin(note.id, self._told(note))
        if len(self._telling) >= AT_ONCE:
            return None  # whoever ends wakes the loop
        due = self._next_due(now)
        return None if due is None else min(LONGEST_PAUSE_S, self._clock.until(due))

    async def _close(self) -> None:
        await self._http.aclose()

    async def _told(self, note: N) -> None:
        try:
            self._noted(note.id, await self._tell(note))
        except Exception:
            # It is still due: pause, or it would be told again and again without end.
            self._log.exception("note %s cannot be told", note.id)
            await asyncio.sleep(BROKEN_PAUSE_S)

    async def _sent(self, note: N, how: str, copies: int) -> list[bool]:
        return await asyncio.gather(*(self.send(note, how) for _ in range(copies)))

    def _noted(self, note_id: str, heard: bool) -> None:
        """Note a try: a success or the last try ends the telling, else it is due again after the next pause."""
        note = self._kept(note_id)
        if note.state != "waiting":
            return  # taken back, or told by hand, in the meantime
        note.tries += 1
        if heard:
            note.state, note.due_us = "done", None
        elif note.tries > len(self._repeats_s):
            note.state, note.due_us = "given_up", None
        else:
            note.due_us = self._clock.now() + self._repeats_s[note.tries - 1] * SECOND_US
        self._keep(note)

    def _attempted(self, note_id: str, attempt: dict[str, Any]) -> None:
        known = self._kept(note_id)
        known.attempts = [*known.attempts, attempt][-ATTEMPTS_KEPT:]
        self._keep(known)
