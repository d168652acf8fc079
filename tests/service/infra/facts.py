"""An artificial event, and small helpers around the log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from openberth.infra.database import Database, Unit
from openberth.infra.database.log import PAGE_MAX, number_committed, read_after
from openberth.infra.outbox import Tail
from openberth.kernel.authority import system
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id

BY = system("test")


@dataclass(frozen=True, slots=True)
class Counted:
    """Something was counted."""

    KIND: ClassVar[str] = "test.counted"
    VERSION: ClassVar[int] = 1
    number: int


def tell(unit: Unit, number: int, key: Id | None = None) -> Id:
    return unit.append(Counted(number), company=None, lot=None, key=key or Id(int=number))


def tell_all(db: Database, *numbers: int, key: Id | None = None) -> None:
    """Tell numbers in one unit."""
    db.write_now(lambda unit: [tell(unit, number, key) for number in numbers], by=BY)


async def tell_later(db: Database, number: int, key: Id | None = None) -> None:
    """Tell a number in a unit of its own, from a loop."""
    await db.write(lambda unit: tell(unit, number, key), by=BY)


def number_all(db: Database) -> None:
    """Number what is committed, as the sequencer does on servers."""
    while not db.numbers_at_commit and db.write_now(number_committed, by=BY) == PAGE_MAX:
        pass


def envelopes(db: Database, after: int = 0) -> list[Envelope]:
    found: list[Envelope] = []
    while page := db.read_now(partial(read_after, position=after), by=BY):
        found += page
        after = page[-1].position or 0
    return found


def numbers(found: list[Envelope]) -> list[int]:
    return [envelope.body["number"] for envelope in found]


@contextlib.asynccontextmanager
async def running(*coroutines: Any) -> AsyncIterator[list["asyncio.Task[Any]"]]:
    """Run coroutines in the background; cancel them at the end and let their errors out."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


@contextlib.asynccontextmanager
async def following(db: Database) -> AsyncIterator[Tail]:
    """Follow the log as a process does, numbering on servers."""
    tail = Tail(db)
    await tail.start()
    async with running(tail.run()):
        yield tail


async def caught_up(tail: Tail) -> None:
    """Number what is committed and let a tail that does not run read it."""
    number_all(tail._database)
    while await tail._advance():
        pass
