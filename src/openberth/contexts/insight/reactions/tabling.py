"""Puts tables together in the background, page by page, and hands them over as files.

Rows are blobs, so that any process goes on where another was killed, and any process hands them over. A CSV file is
made of them as it leaves; a workbook is made once, when all rows are there. All of it goes a day after it was ready.
"""

import asyncio
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
import structlog

from openberth.contexts.insight.model.tables import FileForm, TableExport
from openberth.contexts.insight.service import table_exports as service
from openberth.contexts.insight.service.tables import heading_of
from openberth.infra.blobs import Blobs
from openberth.infra.catalogue import Language, text
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.jobs import Job, JobRunner, NotYet, tried
from openberth.infra.sheets import BOM, Cell, Sheet, csv_lines, write_xlsx
from openberth.kernel.authority import Caller, system
from openberth.kernel.ids import Id
from openberth.kernel.money import Money

WORK_S = 20.0
REST_S = 0.005
TRIES_MAX = 5
PIECE = 8 * 1024 * 1024

log = structlog.get_logger()


class Tabling:
    """Makes tables and hands them over."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._by = system("table")

    def register(self, runner: JobRunner) -> None:
        """Name the handlers of the jobs."""
        runner.handle(service.JOB, self.work)
        runner.handle(service.JOB_END, self.end)

    async def work(self, job: Job) -> None:
        """Go on with a table until it is ready or the time of this run is over."""
        export = Id(job.body["export"])
        await tried(
            job, self._work(export), most=TRIES_MAX,
            give_up=lambda: self._database.write(partial(service.give_up, export=export), by=self._by),
        )  # fmt: skip

    async def _work(self, export: Id) -> None:
        clock = asyncio.get_running_loop().time
        ends = clock() + WORK_S
        found = await self._database.report(partial(service.waiting_table, export=export), by=self._by)
        while found is not None and not service.has_all_rows(found):
            page = await self._database.report(partial(service.next_page, found=found), by=service.maker_of(found))
            [blob] = await self._names(1)
            await asyncio.to_thread(self._put, {str(blob): _packed(page.rows)})
            add = partial(service.add_page, found=found, page=page, blob=blob)
            found = await self._database.write(add, by=self._by, urgency=Urgency.BACKGROUND)
            if found is None or found.ended_at is not None:
                return
            if clock() > ends:
                raise NotYet(0)
            await asyncio.sleep(REST_S)
        if found is not None:
            await self._make_file(found)

    async def _make_file(self, found: TableExport) -> None:
        blobs = [blob async for blob, is_file in self._parts(found.id) if not is_file]
        pieces = await asyncio.to_thread(self._workbook, found, blobs)
        names = await self._names(len(pieces))
        await asyncio.to_thread(self._put, {str(name): piece for name, piece in zip(names, pieces, strict=True)})
        add = partial(service.add_file, found=found, blobs=names)
        await self._database.write(add, by=self._by, urgency=Urgency.BACKGROUND)

    def _workbook(self, found: TableExport, blobs: Sequence[Id]) -> list[bytes]:
        language: Language = "zh" if found.language == "zh" else "en"
        notes = () if found.complete else ((_cut(found, language), ""),)
        rows: Iterator[Sequence[Cell]] = (row for blob in blobs for row in _rows(self._blobs.get(str(blob))))
        sheet = Sheet(text(f"tables.title.{found.table}", language), notes, heading_of(found.table, language), rows)
        with tempfile.TemporaryFile() as out:
            write_xlsx(out, sheet, long=True)
            out.seek(0)
            return list(iter(partial(out.read, PIECE), b""))

    async def fetch(self, *, export: Id, by: Caller) -> tuple[TableExport, AsyncIterator[bytes]]:
        """Return a finished table and its file in pieces. Raises as ``service.take_table``."""
        found = await self._database.write(partial(service.take_table, export=export), by=by)
        return found, self._csv(found) if found.form is FileForm.CSV else self._file(found)

    async def _csv(self, found: TableExport) -> AsyncIterator[bytes]:
        language: Language = "zh" if found.language == "zh" else "en"
        yield BOM.encode() + csv_lines([heading_of(found.table, language)])
        async for blob, _ in self._parts(found.id):
            yield await asyncio.to_thread(lambda name: csv_lines(_rows(self._blobs.get(name))), str(blob))
        if not found.complete:
            yield csv_lines([[_cut(found, language)]])

    async def _file(self, found: TableExport) -> AsyncIterator[bytes]:
        async for blob, is_file in self._parts(found.id):
            if is_file:
                yield await asyncio.to_thread(self._blobs.get, str(blob))

    async def end(self, job: Job) -> None:
        """Let a table go that has lain for a day."""
        export = Id(job.body["export"])
        async for blob, _ in self._parts(export):
            await asyncio.to_thread(self._blobs.delete, str(blob))
        await self._database.write(partial(service.forget, export=export), by=self._by, urgency=Urgency.BACKGROUND)

    async def _parts(self, export: Id) -> AsyncIterator[tuple[Id, bool]]:
        first = 1
        while parts := await self._database.read(partial(service.parts_of, export=export, first=first), by=self._by):
            for blob, number, is_file in parts:
                yield blob, is_file
                first = number + 1

    async def _names(self, count: int) -> list[Id]:
        def made(unit: Unit) -> list[Id]:
            return [unit.new_id() for _ in range(count)]

        return await self._database.write(made, by=self._by, urgency=Urgency.BACKGROUND)

    def _put(self, blobs: dict[str, bytes]) -> None:
        for name, data in blobs.items():
            self._blobs.put(name, data)
        self._blobs.flush()


def _cut(found: TableExport, language: Language) -> str:
    return text("tables.cut", language, rows=found.rows)


def _packed(rows: Sequence[Sequence[Cell]]) -> bytes:
    plain = [[[cell.minor, cell.currency] if isinstance(cell, Money) else cell for cell in row] for row in rows]
    return zlib.compress(msgspec.msgpack.encode(plain), 6)


def _rows(packed: bytes) -> list[list[Cell]]:
    plain: list[list[Any]] = msgspec.msgpack.decode(zlib.decompress(packed))
    return [[Money(*cell) if isinstance(cell, list) else cell for cell in row] for row in plain]
