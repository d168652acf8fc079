"""Lists as files: every row once, whatever stops the job, and nothing for whoever may not look."""

import asyncio
import csv
import io
import zipfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from openberth.contexts.insight.model import tables as model
from openberth.contexts.insight.model.tables import FileForm, TableExport, TableName, TableState
from openberth.contexts.insight.reactions import Tabling, tabling
from openberth.contexts.insight.service import table_exports as service
from openberth.contexts.insight.service.tables import TABLES
from openberth.infra.blobs import FolderBlobs
from openberth.infra.jobs import Job, NotYet
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Denied, Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from tests.service.acting import COMPANY, OTHER_COMPANY, read, write
from tests.service.databases import ONCE
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street

WORDS = frozenset(("stay.read", "passage.read", "bill.read", "case.read"))


def person(name: str = "ann", scope: Scope = EVERYTHING, words: frozenset[str] = WORDS) -> Caller:
    return Caller(Actor(ActorKind.PERSON, name), scope, words)


ANN = person(scope=Scope(COMPANY))


class Office:
    """Whoever asks for tables, and the job that makes them."""

    def __init__(self, street: Street, folder: Path) -> None:
        self.street, self.db = street, street.db
        self.tabling = Tabling(street.db, FolderBlobs(folder))

    def ask(
        self, table: TableName, who: Caller = ANN, form: FileForm = FileForm.CSV, language: Any = "en", **filters: Any
    ) -> TableExport:
        asked = {"table": table, "names": None, "filters": filters}
        read(self.db, service.check_table, by=who, **asked)
        return write(self.db, service.ask_for_table, by=who, form=form, language=language, **asked)

    def work(self, export: Id) -> int:
        """Do the job as often as it says that its time is not over yet, each time in another process."""
        runs = 0

        async def run() -> None:
            nonlocal runs
            while True:
                runs += 1
                try:
                    await self.tabling.work(Job(Id(int=1), service.JOB, {"export": str(export)}, 1, None))
                except NotYet:
                    continue
                return

        asyncio.run(run())
        return runs

    def look(self, export: Id, by: Caller = ANN) -> TableExport:
        return read(self.db, service.table_export, by=by, export=export)

    def take(self, export: Id, by: Caller = ANN) -> bytes:
        async def all_of(pieces: AsyncIterator[bytes]) -> bytes:
            return b"".join([piece async for piece in pieces])

        async def run() -> bytes:
            _, pieces = await self.tabling.fetch(export=export, by=by)
            return await all_of(pieces)

        return asyncio.run(run())

    def rows(self, export: Id, by: Caller = ANN) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.take(export, by).decode("utf-8-sig"), newline="")))


@pytest.fixture
def office(street: Street, tmp_path: Path) -> Office:
    return Office(street, tmp_path / "blobs")


@pytest.fixture
def busy(office: Office) -> Office:
    """Seven cars came; two have left, one of them paid."""
    for number in range(5):
        office.street.arrive("in-2", f"粤B7000{number}")
        office.street.pass_minutes(1)
    office.street.arrive("in-2", CAR)
    office.street.arrive("in-2", OTHER_CAR)
    office.street.pass_minutes(61)
    office.street.arrive("out-2", CAR)
    office.street.pay_cash("out-2")
    office.street.arrive("out-2", OTHER_CAR)
    office.street.open_by_hand("out-2", "no change")
    return office


def test_every_row_is_there_once_however_often_the_job_is_stopped(
    busy: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabling, "WORK_S", 0.0)
    monkeypatch.setattr(service, "PAGE", 2)
    asked = busy.ask(TableName.STAYS, order="oldest")
    assert (asked.state, asked.rows, asked.total) == (TableState.WAITING, 0, None)
    with pytest.raises(Refused, match=r"table\.not_ready"):
        busy.take(asked.id)
    assert busy.work(asked.id) > 3
    found = busy.look(asked.id)
    assert (found.state, found.rows, found.total, found.complete) == (TableState.READY, 7, 7, True)
    heading, *rows = busy.rows(asked.id)
    assert heading[:5] == ["Lot", "Plate", "Kind of plate", "State", "Entered"]
    assert [row[1] for row in rows] == [*(f"粤B·**00{number}" for number in range(5)), "粤B·**345", "粤B·**890"]
    paid = next(row for row in rows if row[1] == "粤B·**345")
    assert paid[3:11] == [
        "closed", "2026-03-02 16:05:00", "2026-03-02 17:06:00", "61", "left", "7.50", "7.50", "CNY",
    ]  # fmt: skip


def test_every_table_can_be_told(busy: Office) -> None:
    for table in TableName:
        asked = busy.ask(table, language="zh")
        busy.work(asked.id)
        heading, *rows = busy.rows(asked.id)
        assert len(heading) == len(TABLES[table].columns)
        assert {len(row) for row in rows} <= {len(heading)}
        assert bool(rows) == (table is not TableName.REFUNDS)
        assert CAR not in str(rows)


@ONCE
def test_filters_are_those_of_the_list(busy: Office) -> None:
    looked_for: tuple[tuple[TableName, int, dict[str, Any]], ...] = (
        (TableName.STAYS, 5, {"state": "open"}), (TableName.STAYS, 1, {"plate": CAR}),
        (TableName.STAYS, 0, {"plate": THIRD_CAR}), (TableName.STAYS, 2, {"by": "left", "right": "casual"}),
        (TableName.PASSAGES, 2, {"direction": "exit", "lane": "out-2"}), (TableName.RECEIPTS, 1, {"method": "cash"}),
        (TableName.EXCEPTIONS, 1, {"kind": "left_unpaid"}), (TableName.BILLS, 1, {"state": "settled"}),
    )  # fmt: skip
    for table, count, filters in looked_for:
        asked = busy.ask(table, **filters)
        busy.work(asked.id)
        assert busy.look(asked.id).rows == count, (table, filters)
    with pytest.raises(Malformed, match=r"request\.filters"):
        busy.ask(TableName.STAYS, state="open", by="left")
    with pytest.raises(NotFound, match=r"lane\.not_found"):
        busy.ask(TableName.PASSAGES, lane="nowhere")


def test_only_who_asked_and_may_still_look_takes_it(busy: Office) -> None:
    asked = busy.ask(TableName.RECEIPTS)
    busy.work(asked.id)
    with pytest.raises(NotFound, match=r"table\.not_found"):
        busy.take(asked.id, person("ben"))
    with pytest.raises(Denied):
        busy.take(asked.id, person(words=frozenset(("stay.read",))))
    with pytest.raises(NotFound):
        busy.take(asked.id, person(scope=Scope(OTHER_COMPANY)))
    with pytest.raises(NotFound):
        busy.take(asked.id, person(scope=Scope(COMPANY, (Id(int=7),))))
    with pytest.raises(Denied):
        busy.ask(TableName.BILLS, who=person(words=frozenset(("stay.read",))))
    stranger = person("eve", Scope(OTHER_COMPANY))
    nothing = busy.ask(TableName.STAYS, who=stranger)
    busy.work(nothing.id)
    assert len(busy.rows(nothing.id, stranger)) == 1
    assert len(busy.rows(asked.id)) == 2
    assert [each.id for each in read(busy.db, service.table_exports, by=ANN)] == [asked.id]


@ONCE
def test_a_table_ends_at_its_bound_and_says_so(busy: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "ROWS_MAX", 3)
    monkeypatch.setattr(model, "XLSX_ROWS_MAX", 3)
    asked = busy.ask(TableName.STAYS)
    busy.work(asked.id)
    assert (busy.look(asked.id).rows, busy.look(asked.id).complete, busy.look(asked.id).total) == (3, False, 7)
    assert busy.rows(asked.id)[-1] == ["only the first 3 rows, which is the bound"]
    book = busy.ask(TableName.STAYS, form=FileForm.XLSX)
    busy.work(book.id)
    with zipfile.ZipFile(io.BytesIO(busy.take(book.id))) as inside:
        sheet = inside.read("xl/worksheets/sheet1.xml").decode()
    assert ("粤B·**890" in sheet, "only the first 3 rows" in sheet, "粤B·**000" in sheet) == (True, True, False)


def test_who_asks_for_many_at_once_gets_no_more_than_a_few(busy: Office) -> None:
    def ask(_: int) -> bool:
        try:
            busy.ask(TableName.STAYS)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(ask, range(6))) == model.WAITING_MAX


@ONCE
def test_an_account_has_a_few_at_a_time_and_a_day_to_take_them(busy: Office, tmp_path: Path) -> None:
    kept = [busy.ask(TableName.STAYS) for _ in range(3)]
    with pytest.raises(Refused, match=r"table\.too_many"):
        busy.ask(TableName.STAYS)
    for each in kept:
        busy.work(each.id)
    assert any(path.is_file() for path in (tmp_path / "blobs").rglob("*"))
    for each in kept:
        asyncio.run(busy.tabling.end(Job(Id(int=2), service.JOB_END, {"export": str(each.id)}, 1, None)))
        with pytest.raises(NotFound):
            busy.look(each.id)
    assert not any(path.is_file() for path in (tmp_path / "blobs").rglob("*"))


@ONCE
def test_a_job_that_fails_again_and_again_says_so(busy: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise OSError("the disk is full")

    asked = busy.ask(TableName.STAYS)
    monkeypatch.setattr(FolderBlobs, "put", broken)
    with pytest.raises(OSError, match="full"):
        asyncio.run(busy.tabling.work(Job(Id(int=1), service.JOB, {"export": str(asked.id)}, 5, None)))
    assert busy.look(asked.id).state is TableState.FAILED
    monkeypatch.undo()
    found = busy.look(asked.id)
    assert write(busy.db, service.add_file, found=replace(found, version=1), blobs=[]) is None
    assert busy.look(asked.id).state is TableState.FAILED
