"""Puts exports together in the background, part by part, and hands them over as one ZIP file.

Parts are blobs, sealed, so that any process makes them and any process hands them over; a job that is killed goes on
after its last part. They go when the file was fetched, or a day after it was ready.
"""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec
import structlog

from openberth.contexts.tenancy.model.exports import FORMAT, Export
from openberth.contexts.tenancy.service import exporting as service
from openberth.infra.blobs import Blobs
from openberth.infra.database import Database, Reader, Urgency
from openberth.infra.jobs import Job, JobRunner, NotYet, tried
from openberth.kernel.authority import Caller, system
from openberth.kernel.ids import Id

WORK_S = 20.0
REST_S = 0.002
TRIES_MAX = 5

log = structlog.get_logger()


class Exporting:
    """Makes exports and hands them over."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._by = system("export")

    def register(self, runner: JobRunner) -> None:
        """Name the handlers of the jobs."""
        runner.handle(service.JOB_EXPORT, self.work)
        runner.handle(service.JOB_EXPORT_END, self.end)

    async def work(self, job: Job) -> None:
        """Go on with an export until it is ready or the time of this run is over."""
        export = Id(job.body["export"])
        await tried(job, self._work(export), most=TRIES_MAX, give_up=partial(self._give_up, export))

    async def _give_up(self, export: Id) -> None:
        await self._database.write(partial(service.give_up, export=export), by=self._by)
        await self._drop(export)

    async def _work(self, export: Id) -> None:
        clock = asyncio.get_running_loop().time
        ends = clock() + WORK_S
        while True:
            found = await self._database.report(partial(service.next_part, export=export), by=self._by)
            if found is None:
                return
            seen, part = found
            blob = await self._database.write(lambda unit: unit.new_id(), by=self._by, urgency=Urgency.BACKGROUND)
            if part.lines:
                await asyncio.to_thread(self._put, str(blob), part.sealed)
            add = partial(service.add_part, export=export, seen=seen.version, part=part, blob=blob)
            if not await self._database.write(add, by=self._by, urgency=Urgency.BACKGROUND):
                return
            if clock() > ends:
                raise NotYet(0)
            await asyncio.sleep(REST_S)

    async def end(self, job: Job) -> None:
        """Let an export go that has lain for a day."""
        await self._drop(Id(job.body["export"]))

    async def fetch(self, *, export: Id, by: Caller) -> tuple[Export, AsyncIterator[bytes]]:
        """Return a finished export and its ZIP file in pieces, once. Raises ``NotFound("export.not_found")``."""
        found = await self._database.write(partial(service.fetch, export=export), by=by)
        return found, self._zipped(found)

    async def _zipped(self, found: Export) -> AsyncIterator[bytes]:
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("manifest.json", msgspec.json.encode(_manifest(found)))
            number = 1
            while parts := await self._database.report(
                partial(service.parts_of, export=found.id, first=number), by=self._by
            ):
                for blob, number, name in parts:
                    lines = await self._lines(found.id, blob, number)
                    await asyncio.to_thread(archive.writestr, f"{name}/{number:06}.jsonl", lines)
                    yield sink.taken()
                number += 1
        yield sink.taken()
        await self._drop(found.id)

    async def _lines(self, export: Id, blob: Id, number: int) -> bytes:
        sealed = await asyncio.to_thread(self._blobs.get, str(blob))

        def opened(reader: Reader) -> bytes:
            return service.opened(reader, export=export, number=number, sealed=sealed)

        return await self._database.report(opened, by=self._by)

    def _put(self, name: str, data: bytes) -> None:
        self._blobs.put(name, data)
        self._blobs.flush()

    async def _drop(self, export: Id) -> None:
        number = 1
        while parts := await self._database.read(partial(service.parts_of, export=export, first=number), by=self._by):
            for blob, _, _ in parts:
                await asyncio.to_thread(self._blobs.delete, str(blob))
            number = parts[-1][1] + 1
        await self._database.write(partial(service.forget_parts, export=export), by=self._by)


class _Sink(io.RawIOBase):
    """A file that is written and never read or sought: what was written is taken piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, data: Any, /) -> int:
        """Keep what comes."""
        self._written += data
        return len(data)

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        taken, self._written = bytes(self._written), bytearray()
        return taken


def _manifest(found: Export) -> dict[str, Any]:
    return {
        "format": FORMAT, "level": found.level, "node": found.node, "code": found.code, "companies": found.companies,
        "asked_at": found.asked_at, "ended_at": found.ended_at, "unmasked": found.unmasked, "lines": found.lines,
        "files": "<table>/<number>.jsonl, one JSON object a line",
        "units": "instants are microseconds since 1970 UTC, *_minor are minor units of the row's currency",
    }  # fmt: skip
