"""Durable consumers of the log.

A consumer's cursor moves in the same unit as its effect, so an effect happens once. Order holds per key: an event
that fails five times parks its key, raises an alarm, and the others go on; parked keys are tried again by themselves
every minute.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from openberth.infra.database import log as event_log
from openberth.infra.database.database import Database
from openberth.infra.database.unit import Reader, Unit
from openberth.infra.outbox import store
from openberth.infra.outbox.store import Parked
from openberth.infra.outbox.tail import POLL_S, Tail
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.persons import masked_words

FAILURES_MAX = 5
FAILURE_PAUSE_S = 0.05  # before the second try of an event; four times as long before each further one
PARKED_RETRY_S = 60.0
IDLE_S = 2.0
CURSOR_LAG_MAX = 1_000

log = structlog.get_logger()

Effect = Callable[[Unit, Envelope], None]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable reader of the log: its name for ever, the kinds it wants, and the effect of one event in a unit."""

    name: str
    kinds: frozenset[str]
    effect: Effect


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
                await self._tail.moved_beyond(self._read_to, IDLE_S, kinds=self._consumer.kinds)

    async def _load(self) -> None:
        name = self._consumer.name
        await self._database.write(
            lambda unit: unit.run(store.NEW_CURSOR, name=name, position=0, moved_at=unit.machine_now), by=self._by
        )
        self._cursor, parked = await self._database.read(
            lambda reader: (reader.one(store.CURSOR, name=name) or 0, reader.all(store.PARKED, name=name)), by=self._by
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
        text = masked_words(f"{type(error).__name__}: {error}")[:400]
        log.error("consumer.parked", consumer=self._consumer.name, kind=found.kind, key=str(found.key), error=text)
        position = found.position or 0

        def park(unit: Unit) -> bool:
            # The cursor moves beyond the event with it, so that nobody else does the effect while the key is parked.
            if not self._move(unit, position):
                return False
            unit.run(
                store.PARK, consumer=self._consumer.name, key=found.key, position=position, failures=FAILURES_MAX,
                error=text, since=unit.machine_now,
            )  # fmt: skip
            return True

        parked = await self._moved(await self._database.write(park, by=self._by), position)
        if parked:
            self._parked[found.key] = Parked(found.key, position, text)
        return parked

    def _move(self, unit: Unit, position: int) -> bool:
        moved = unit.run(
            store.MOVE, consumer_name=self._consumer.name, old=self._cursor, new=position, machine_now=unit.machine_now
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
        unit.all(store.LOCKED_CURSOR, name=name)
        return {found.key for found in unit.all(store.PARKED, name=name)} == self._parked.keys()

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
        if unit.one(store.LOCKED_CURSOR, name=name) != self._cursor:
            return False
        this = {"name": name, "parked": parked.key, "missed_from": parked.position}
        left = (
            unit.run(store.UNPARK, **this)
            if rest is None
            else unit.run(store.PARKED_FROM, **this, new_position=rest.position)
        )
        if left != 1:
            return False
        _effects(unit, [found for found in missed if found.kind in self._consumer.kinds], self._consumer.effect)
        return True


def parked_keys(reader: Reader) -> list[tuple[str, str]]:
    """Return (consumer, error) of every parked key: the alarm list reads it."""
    return reader.all(store.ALL_PARKED)


def _missed(reader: Reader, *, key: Id, first: int, last: int) -> list[Envelope]:
    return reader.all(store.OF_KEY, parked=key, first=first, last=last)


def _effects(unit: Unit, envelopes: Iterable[Envelope], effect: Effect) -> None:
    for envelope in envelopes:
        unit.cause = envelope.id
        effect(unit, envelope)
    unit.cause = None
