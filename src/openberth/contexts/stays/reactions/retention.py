"""The daily job that deletes old pictures: in small parts, each written down after its pictures are gone.

Killed at any moment it goes on where the last part ended: pictures are deleted before the row that says so, and
deleting what is gone is no error.
"""

import asyncio
from functools import partial

import structlog

from openberth.contexts import facility, tenancy
from openberth.contexts.facility import LotSummary
from openberth.contexts.stays.service import retention
from openberth.contexts.stays.service.keeping import JOB_FORGET, KEEPERS
from openberth.contexts.stays.service.retention import Part
from openberth.contexts.stays.store.retention import NOTHING
from openberth.infra import jobs
from openberth.infra.blobs import Blobs
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.jobs import Job, JobRunner, NotYet
from openberth.kernel.authority import system
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, HOUR_US, SECOND_US, Instant

JOB_PICTURES = "stays.pictures"
NIGHT_US = 19 * HOUR_US  # UTC: three at night in China
WORK_S = 20.0  # of one run, whose lease is longer; then others get their turn

log = structlog.get_logger()


class PictureRetention:
    """Deletes pictures after their days."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._by = system("retention")

    def register(self, runner: JobRunner) -> None:
        """Name the handler of the daily job."""
        runner.handle(JOB_PICTURES, self._run)
        runner.handle(JOB_FORGET, self._forget)

    async def start(self) -> None:
        """See to it that the next run is planned."""
        await self._database.write(_plan, by=self._by)

    async def _run(self, _job: Job) -> None:
        # Tomorrow is planned first: a store that does not answer all day must not be the end of it.
        await self._database.write(_plan, by=self._by)
        if not await self.delete_old():
            raise NotYet(SECOND_US)
        while await self._write(partial(tenancy.let_go_of_kept, keepers=KEEPERS)):
            pass

    async def _forget(self, job: Job) -> None:
        """Delete the pictures of a plate whose owner was forgotten; what is there still to look at stays its days."""
        plate, ends = Id(job.body["plate"]), _now() + WORK_S
        after = NOTHING if job.body["after"] is None else Id(job.body["after"])
        is_done = False
        while not is_done:
            part = await self._database.read(partial(retention.next_of_plate, plate=plate, after=after), by=self._by)
            await self._delete(part)
            await self._write(partial(retention.note_forgotten, part=part))
            after, is_done = part.after, part.is_last
            if not is_done and _now() > ends:
                raise NotYet(SECOND_US)

    async def delete_old(self, *, work_s: float = WORK_S) -> bool:
        """Delete what has had its time, for about so many seconds; tell whether nothing is left for today."""
        ends = _now() + work_s
        for lot in await self._database.read(facility.lots, by=self._by):
            is_done = await self._old(lot, ends) and await self._held(lot, ends)
            gone = await self._write(partial(retention.report, lot=lot))
            if gone:
                log.info("pictures.deleted", lot=lot.code, pictures=gone)
            if not is_done:
                return False
        return True

    async def _old(self, lot: LotSummary, ends: float) -> bool:
        while not await self._next_part(lot):
            if _now() > ends:
                return False
        return True

    async def _next_part(self, lot: LotSummary) -> bool:
        part = await self._database.read(partial(retention.next_part, lot=lot), by=self._by)
        await self._delete(part)
        await self._write(partial(retention.note_part, lot=lot, part=part))
        return part.is_last

    async def _held(self, lot: LotSummary, ends: float) -> bool:
        after = NOTHING
        while True:
            part = await self._database.read(partial(retention.next_held, lot=lot, after=after), by=self._by)
            if part.going:
                await self._delete(part)
                await self._write(partial(retention.note_let_go, lot=lot, part=part))
            if part.is_last or _now() > ends:
                return part.is_last
            after = part.after

    async def _delete(self, part: Part) -> None:
        for name in part.names():
            await asyncio.to_thread(self._blobs.delete, name)

    async def _write(self, use_case: "partial[int] | partial[None]") -> int:
        return await self._database.write(use_case, by=self._by, urgency=Urgency.BACKGROUND) or 0


def _now() -> float:
    return asyncio.get_running_loop().time()


def _plan(unit: Unit) -> None:
    """Plan the next run; its day is its name, so that several processes plan one."""
    next_day = (unit.machine_now - NIGHT_US) // DAY_US + 1
    due = Instant(next_day * DAY_US + NIGHT_US)
    jobs.schedule(unit, kind=JOB_PICTURES, body={}, due_at=due, unique_key=f"day-{next_day}")
