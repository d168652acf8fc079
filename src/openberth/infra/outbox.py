"""Reading the one log: a sequencer where the writer does not number, a live tail, and durable consumers.

A consumer's cursor moves in the same unit as its effect, so an effect happens once. Order holds per key: an event
that fails five times parks its key, raises an alarm, and the others go on; parked keys are tried again by themselves
every minute.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice

import structlog
from sqlalchemy import bindparam, delete, select, update

from openberth.infra.database import log as event_log
from openberth.infra.database.database import Database
from openberth.infra.database.schema import consumer, event, parked_key
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.unit import Reader, Unit
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id

POLL_S = 0.25
FAILURES_MAX = 5
FAILURE_PAUSE_S = 0.05  # before the second try of an event; four times as long before each further one
PARKED_RETRY_S = 60.0
IDLE_S = 2.0
CURSOR_LAG_MAX = 1_000
SUBSCRIBER_QUEUE_MAX = 2_000
RECENT_MAX = 5_000  # events kept in memory, so that consumers near the head read nothing

log = structlog.get_logger()

Effect = Callable[[Unit, Envelope], None]

_CURSOR = Query(select(consumer.c.position).where(consumer.c.name == bindparam("name")), int)
_NEW_CURSOR = insert_into(consumer, once=True)
_MOVE = Write(
    update(consumer)
    .where(consumer.c.name == bindparam("consumer_name"), consumer.c.position == bindparam("old"))
    .values(position=bindparam("new"), moved_at=bindparam("machine_now"))
)
_PARK = insert_into(parked_key, once=True)
# Whoever decides by what is parked holds this row first, so that processes decide one after the other.
_LOCKED_CURSOR = Query(select(consumer.c.position).where(consumer.c.name == bindparam("name")).with_for_update(), int)
_THIS_PARKED = (
    parked_key.c.consumer == bindparam("name"),
    parked_key.c.key == bindparam("parked"),
    parked_key.c.position == bindparam("missed_from"),
)
_UNPARK = Write(delete(parked_key).where(*_THIS_PARKED))
_PARKED_FROM = Write(update(parked_key).where(*_THIS_PARKED).values(position=bindparam("new_position")))
_PARKED = Query(
    select(parked_key.c.key, parked_key.c.position, parked_key.c.error).where(
        parked_key.c.consumer == bindparam("name")
    ),
    lambda key, position, error: Parked(key, position, error),
)
_ALL_PARKED = Query(select(parked_key.c.consumer, parked_key.c.error).limit(100), lambda name, error: (name, error))
_OF_KEY = Query(
    select(event)
    .where(
        event.c.key == bindparam("parked"),
        event.c.position >= bindparam("first"),
        event.c.position <= bindparam("last"),
    )
    .order_by(event.c.position)
    .limit(event_log.PAGE_MAX),
    event_log.AFTER.into,
)


@dataclass(frozen=True, slots=True)
class Parked:
    """A key whose events a consumer could not take, from which position on, and why."""

    key: Id
    position: int
    error: str


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable reader of the log: its name for ever, the kinds it wants, and the effect of one event in a unit."""

    name: str
    kinds: frozenset[str]
    effect: Effect


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


class Tail:
    """Follows the head of the log, numbers rows where the writer does not, and wakes whoever waits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("tail")
        self._wake = asyncio.Event()
        self._bells: list[asyncio.Future[None]] = []
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

    async def moved_beyond(self, position: int, timeout_s: float) -> None:
        """Wait until the head is beyond a position, or the time is over."""
        if self.position > position:
            return
        bell: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._bells.append(bell)
        try:
            async with asyncio.timeout(timeout_s):
                await bell
        except TimeoutError:
            with suppress(ValueError):
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
            try:
                # Not wait_for: that of Python 3.11 can lose a cancellation, and the task would never end.
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue
            finally:
                self._wake.clear()

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
        for bell in self._bells:
            if not bell.done():
                bell.set_result(None)
        self._bells.clear()
        for watcher in self._watchers:
            watcher(page)
        for subscription in self._subscriptions:
            subscription.offer(page)


class ConsumerRunner:
    """Runs one durable consumer in this process; several processes may run the same one, the cursor decides."""

    def __init__(self, database: Database, tail: Tail, wanted: Consumer) -> None:
        self._database = database
        self._tail = tail
        self._consumer = wanted
        self._by = system(f"consumer.{wanted.name}")
        self._cursor = 0  # what the row says
        self._read_to = 0  # what has been looked at
        self._parked: dict[Id, Parked] = {}

    async def run(self) -> None:
        """Consume until cancelled. A database that does not answer is tried again; nothing is skipped."""
        loop = asyncio.get_running_loop()
        loaded = False
        retry_at = loop.time() + PARKED_RETRY_S
        while True:
            try:
                if not loaded:
                    await self._load()
                    loaded = True
                consumed = await self._step()
                if loop.time() >= retry_at:
                    retry_at = loop.time() + PARKED_RETRY_S
                    await self._retry_parked()
            except Overloaded as problem:
                log.warning("consumer.waiting", consumer=self._consumer.name, code=problem.code)
                await asyncio.sleep(POLL_S)
                continue
            if not consumed:
                await self._tail.moved_beyond(self._read_to, IDLE_S)

    async def _load(self) -> None:
        name = self._consumer.name
        await self._database.write(
            lambda unit: unit.run(_NEW_CURSOR, name=name, position=0, moved_at=unit.machine_now), by=self._by
        )
        self._cursor, parked = await self._database.read(
            lambda reader: (reader.one(_CURSOR, name=name) or 0, reader.all(_PARKED, name=name)), by=self._by
        )
        self._read_to = self._cursor
        self._parked = {found.key: found for found in parked}

    async def _step(self) -> bool:
        after = self._read_to
        page = self._tail.recent(after)
        if page is None:
            page = await self._database.read(lambda reader: event_log.read_after(reader, position=after), by=self._by)
        if not page:
            return False
        last = page[-1].position or after
        wanted = [found for found in page if found.kind in self._consumer.kinds and found.key not in self._parked]
        if not wanted and last - self._cursor < CURSOR_LAG_MAX:
            self._read_to = last
            return True
        try:
            await self._apply(wanted, last)
        except Overloaded:
            raise
        except Exception:
            await self._one_by_one(wanted, last)
        return True

    async def _one_by_one(self, wanted: Sequence[Envelope], last: int) -> None:
        for found in wanted:
            if found.key not in self._parked and not await self._apply_or_park(found):
                return  # another process is ahead: what we hold is old
        await self._apply([], last)

    async def _apply_or_park(self, found: Envelope) -> bool:
        position = found.position or 0
        for failures in range(1, FAILURES_MAX):
            try:
                return await self._apply([found], position)
            except Overloaded:
                raise
            except Exception:
                await asyncio.sleep(FAILURE_PAUSE_S * 4 ** (failures - 1))
        try:
            return await self._apply([found], position)
        except Overloaded:
            raise
        except Exception as error:
            return await self._park(found, error)

    async def _apply(self, envelopes: Sequence[Envelope], last: int) -> bool:
        """Move the cursor and do the effects in one unit; False when another process has moved it before."""

        def apply(unit: Unit) -> bool:
            if self._parked and not self._still_parked(unit):
                return False
            if not self._move(unit, last):
                return False
            _effects(unit, envelopes, self._consumer.effect)
            return True

        if last == self._cursor and not envelopes:
            return True
        return await self._moved(await self._database.write(apply, by=self._by), last)

    async def _park(self, found: Envelope, error: Exception) -> bool:
        text = f"{type(error).__name__}: {error}"[:400]
        log.error("consumer.parked", consumer=self._consumer.name, kind=found.kind, key=str(found.key), error=text)
        position = found.position or 0

        def park(unit: Unit) -> bool:
            # The cursor moves beyond the event with it, so that nobody else does the effect while the key is parked.
            if not self._move(unit, position):
                return False
            unit.run(
                _PARK, consumer=self._consumer.name, key=found.key, position=position, failures=FAILURES_MAX,
                error=text, since=unit.machine_now,
            )  # fmt: skip
            return True

        parked = await self._moved(await self._database.write(park, by=self._by), position)
        if parked:
            self._parked[found.key] = Parked(found.key, position, text)
        return parked

    def _move(self, unit: Unit, position: int) -> bool:
        moved = unit.run(
            _MOVE, consumer_name=self._consumer.name, old=self._cursor, new=position, machine_now=unit.machine_now
        )
        return moved == 1

    async def _moved(self, moved: bool, position: int) -> bool:
        if moved:
            self._cursor = self._read_to = position
        else:
            await self._load()
        return moved

    def _still_parked(self, unit: Unit) -> bool:
        """Tell whether the keys passed over are parked still: another process may have healed one."""
        name = self._consumer.name
        unit.all(_LOCKED_CURSOR, name=name)
        return {found.key for found in unit.all(_PARKED, name=name)} == self._parked.keys()

    async def _retry_parked(self) -> None:
        for parked in list(self._parked.values()):
            try:
                await self._heal(parked)
            except Overloaded:
                raise
            except Exception as error:
                log.warning(
                    "consumer.still_parked", consumer=self._consumer.name, key=str(parked.key), error=str(error)
                )

    async def _heal(self, parked: Parked) -> None:
        """Do what a key missed, a page a unit, and unpark it."""
        # What has only been looked at becomes the cursor first: it must not come again after a restart.
        if not await self._apply([], self._read_to):
            return
        while True:
            first, last = parked.position, self._cursor
            missed = await self._database.read(partial(_missed, key=parked.key, first=first, last=last), by=self._by)
            rest = None
            if len(missed) == event_log.PAGE_MAX:
                rest = Parked(parked.key, (missed[-1].position or 0) + 1, parked.error)
            if not await self._database.write(
                partial(self._catch_up, parked=parked, missed=missed, rest=rest), by=self._by
            ):
                await self._load()
                return
            if rest is None:
                del self._parked[parked.key]
                return
            self._parked[parked.key] = parked = rest

    def _catch_up(self, unit: Unit, *, parked: Parked, missed: Sequence[Envelope], rest: Parked | None) -> bool:
        name = self._consumer.name
        if unit.one(_LOCKED_CURSOR, name=name) != self._cursor:
            return False
        this = {"name": name, "parked": parked.key, "missed_from": parked.position}
        left = unit.run(_UNPARK, **this) if rest is None else unit.run(_PARKED_FROM, **this, new_position=rest.position)
        if left != 1:
            return False
        _effects(unit, [found for found in missed if found.kind in self._consumer.kinds], self._consumer.effect)
        return True


def parked_keys(reader: Reader) -> list[tuple[str, str]]:
    """Return (consumer, error) of every parked key: the alarm list reads it."""
    return reader.all(_ALL_PARKED)


def _missed(reader: Reader, *, key: Id, first: int, last: int) -> list[Envelope]:
    return reader.all(_OF_KEY, parked=key, first=first, last=last)


def _effects(unit: Unit, envelopes: Iterable[Envelope], effect: Effect) -> None:
    for envelope in envelopes:
        unit.cause = envelope.id
        effect(unit, envelope)
    unit.cause = None


def _tell_from_thread(
    loop: asyncio.AbstractEventLoop, told: Callable[[Sequence[Envelope]], None], envelopes: Sequence[Envelope]
) -> None:
    try:
        loop.call_soon_threadsafe(told, envelopes)
    except RuntimeError:  # the loop has closed
        return
