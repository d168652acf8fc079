"""Watches loops in front of gates: one that stays occupied without a plate is a car that no camera read.

The timers live in memory: a loop that is occupied is told again by the next thing that happens there, and a restart
must not find cars that have gone. Where several processes hear a lane's device, one may be told that its loop is
occupied and another that it is free: who does not wait for a loop that is free writes that down.
"""

import asyncio
from dataclasses import dataclass
from functools import partial

import structlog

from openberth.contexts import facility
from openberth.contexts.stays.service.loops import loop_freed, loop_occupied
from openberth.infra.database import Database, Urgency
from openberth.infra.ids import IdSource
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Problem
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

WATCHED_MAX = 10_000  # lanes with an occupied loop at once

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LoopPlace:
    """Where a loop lies, and which device reports it."""

    lot: Id
    lane: Id
    device: Id


class LoopWatch:
    """Tells a lane that a car stands on its loop which nobody has read."""

    def __init__(self, database: Database, ids: IdSource) -> None:
        self._database = database
        self._ids = ids
        self._watched: dict[Id, asyncio.Task[None]] = {}
        self._freed: dict[Id, asyncio.Task[None]] = {}

    def changed(self, place: LoopPlace, *, occupied: bool, by: Caller) -> None:
        """Take note that a loop is occupied or free; occupied again while it is changes nothing."""
        if not occupied:
            watching = self._watched.get(place.lane)
            if watching is not None:
                watching.cancel()
            elif place.lane not in self._freed and len(self._freed) < WATCHED_MAX:
                freed = asyncio.create_task(self._tell_free(place, by), name=f"loop-free-{place.lane}")
                self._freed[place.lane] = freed
                freed.add_done_callback(partial(self._ended, self._freed, place.lane))
        elif place.lane not in self._watched and len(self._watched) < WATCHED_MAX:
            since = Instant(self._database.clocks.machine.now())
            task = asyncio.create_task(self._watch(place, since, by), name=f"loop-{place.lane}")
            self._watched[place.lane] = task
            task.add_done_callback(partial(self._ended, self._watched, place.lane))

    async def settled(self) -> None:
        """Wait until no loop is watched any more."""
        await asyncio.gather(*self._watched.values(), *self._freed.values(), return_exceptions=True)

    async def aclose(self) -> None:
        """Forget what is watched."""
        tasks = [*self._watched.values(), *self._freed.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, place: LoopPlace, since: Instant, by: Caller) -> None:
        lane = await self._database.read(partial(facility.lane_context, lane=place.lane), by=by)
        if not lane.rules.unread_after_s:
            return
        await asyncio.sleep(lane.rules.unread_after_s)
        told = partial(
            loop_occupied, lot=place.lot, lane=place.lane, device=place.device, passage=self._ids.new_id(), since=since
        )
        if await self._database.write(told, by=by, urgency=Urgency.LANE) is not None:
            log.info("loop.unread", lane=lane.code, lot=lane.lot_code)

    async def _tell_free(self, place: LoopPlace, by: Caller) -> None:
        await self._database.write(partial(loop_freed, lane=place.lane), by=by, urgency=Urgency.LANE)

    @staticmethod
    def _ended(tasks: "dict[Id, asyncio.Task[None]]", lane: Id, task: "asyncio.Task[None]") -> None:
        tasks.pop(lane, None)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Problem):
            log.warning("loop.not_told", code=error.code)
        elif error is not None:
            log.error("loop.not_told", error=f"{type(error).__name__}: {error}"[:400])
