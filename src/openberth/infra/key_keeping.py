"""Keeps the sealing keys of a process in step with its file and with the other processes of the installation.

A key that was added to the file comes into use by itself: every process reads the file again within seconds and says in
``key_holder`` which keys it holds; it seals with the newest key that all of them hold. A process that meets a value of
a key it does not know looks into its file before it refuses, so a machine that shares the file is never late. Values
under older keys are then sealed anew by a job, in small background units, and whatever interrupts it, it goes on where
rows are left.
"""

import asyncio
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy import Text, bindparam, delete, func, select, type_coerce, update

from openberth.infra import vault
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.database.schema import idempotency, key_holder
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.jobs import Job, JobRunner, NotYet, schedule
from openberth.infra.sealing import RingSealer
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant

LOOK_S = 10.0
SAID_AGAIN_US = MINUTE_US
HOLDS_US = 3 * MINUTE_US  # so long a process that was killed is waited for
RESEAL = "vault.reseal"
RESEAL_S = 20.0  # of one run of the job, well within its lease
PAUSE_S = 0.02  # between two units: the lanes come first

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Holder:
    """A process, the keys that it holds and the one it seals with."""

    process: str
    holds: tuple[str, ...]
    seals: str
    seen_at: Instant


_HOLDERS = Query(
    select(key_holder.c.process, key_holder.c.holds, key_holder.c.seals, key_holder.c.seen_at)
    .where(key_holder.c.seen_at > bindparam("since")).order_by(key_holder.c.process).limit(500),
    lambda process, holds, seals, seen_at: Holder(process, tuple(holds), seals, seen_at),
)  # fmt: skip
_INSERT = insert_into(key_holder, once=True)
_UPDATE = Write(
    update(key_holder)
    .where(key_holder.c.process == bindparam("of_process"))
    .values(holds=bindparam("new_holds"), seals=bindparam("new_seals"), seen_at=bindparam("new_seen_at"))
)
_LEAVE = Write(delete(key_holder).where(key_holder.c.process == bindparam("of_process")))
_FORGET = Write(delete(key_holder).where(key_holder.c.seen_at < bindparam("before")))
_ANSWERS = Query(
    select(func.count()).select_from(idempotency)
    .where(type_coerce(idempotency.c.answer, Text).like(bindparam("holding"))),
    int,
)  # fmt: skip


def holders(reader: Reader) -> list[Holder]:
    """Return the processes that were heard of lately; none on SQLite, where there is only one."""
    return reader.all(_HOLDERS, since=Instant(reader.machine_now - HOLDS_US))


def answers_sealed_with(reader: Reader, key_id: str) -> int:
    """Return how many remembered answers (two days of them) are sealed with a key."""
    return reader.all(_ANSWERS, holding=f'%"key":"{key_id}"%')[0]


def _say(unit: Unit, process: str, holds: Sequence[str], seals: str) -> list[Holder]:
    row = {"holds": list(holds), "seals": seals, "seen_at": unit.machine_now}
    if unit.run(_INSERT, process=process, **row) != 1:
        unit.run(_UPDATE, of_process=process, **{f"new_{name}": value for name, value in row.items()})
    unit.run(_FORGET, before=Instant(unit.machine_now - HOLDS_US))
    return holders(unit)


class KeyKeeper:
    """Looks after the keys of one process."""

    def __init__(self, database: Database, *, node: str = "node") -> None:
        assert isinstance(database.keys, RingSealer), "keys that are kept come from a ring"
        self.sealer = database.keys
        self._database = database
        self._process = f"{node}:{os.getpid()}:{secrets.token_hex(4)}"
        self._alone = database.kind == "sqlite"  # its file belongs to one process
        self._by = system("keys")
        self._said: tuple[tuple[str, ...], str] | None = None
        self._said_at = Instant(0)
        self._works = False

    def register(self, jobs: JobRunner) -> None:
        """Seal anew in this process what lies under old keys."""
        jobs.handle(RESEAL, self._reseal)

    def work(self) -> None:
        """Begin to look for values that wait to be sealed anew: this process has the role for it."""
        self._works = True

    async def run(self) -> None:
        """Keep in step until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Read the file if it has changed, say what is held, choose the key, and have old values sealed anew."""
        if await asyncio.to_thread(self.sealer.refresh):
            log.info("vault.keys_read", current=self.sealer.ring.current, keys=len(self.sealer.ring.sealing))
        await self._share()
        ring = self.sealer.ring
        if self._works and self.sealer.is_current(ring.current):
            waiting = await self._database.read(self._waiting, by=self._by)
            if waiting:
                ask = partial(schedule, kind=RESEAL, body={}, unique_key=ring.current)
                await self._database.write(ask, by=self._by, urgency=Urgency.BACKGROUND)

    async def leave(self) -> None:
        """Say that this process ends; nobody waits for it any more."""
        if self._said is None:
            return
        try:
            await self._database.write(lambda unit: unit.run(_LEAVE, of_process=self._process), by=self._by)
        except (Overloaded, Refused) as problem:
            log.warning("vault.not_left", code=problem.code)

    async def _share(self) -> None:
        if self._alone:
            return
        for _ in range(2):  # once more when what all hold makes this process seal with another key
            said, now = (tuple(self.sealer.ring.sealing), self.sealer.current), self._database.clocks.machine.now()
            if said != self._said or now - self._said_at >= SAID_AGAIN_US:
                say = partial(_say, process=self._process, holds=said[0], seals=said[1])
                found = await self._database.write(say, by=self._by, urgency=Urgency.BACKGROUND)
                self._said, self._said_at = said, now
            else:
                found = await self._database.read(holders, by=self._by)
            self.sealer.share(frozenset(said[0]).intersection(*(each.holds for each in found)))
            if self.sealer.current == said[1]:
                return

    def _waiting(self, reader: Reader) -> list[str]:
        return [each for each in vault.keys_in_use(reader) if not self.sealer.is_current(each)]

    async def _reseal(self, _job: Job) -> None:
        """Seal anew until nothing is left or the time of one run is over."""
        until = asyncio.get_running_loop().time() + RESEAL_S
        unreadable = 0
        for key_id in await self._database.read(self._waiting, by=self._by):
            after: Id | None = Id(int=0)
            while after is not None:
                read = partial(vault.sealed_anew, key_id=key_id, after=after)
                page = await self._database.read(read, by=self._by)
                unreadable += page.unreadable
                write = partial(vault.write_anew, rows=page.rows)
                await self._database.write(write, by=self._by, urgency=Urgency.BACKGROUND)
                after = page.last
                if asyncio.get_running_loop().time() > until:
                    raise NotYet(SECOND_US)
                await asyncio.sleep(PAUSE_S)
        if unreadable:  # told by the job: the rest has been done, and these stay as they are
            raise Refused("vault.rows_unreadable", count=unreadable)
