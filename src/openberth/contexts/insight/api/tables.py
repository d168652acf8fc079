"""Routes of tables that are taken away as files: asking for one, looking how far it is, and fetching it."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Path
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from openberth.contexts.facility import LaneKind
from openberth.contexts.insight.model.tables import FileForm, TableExport, TableName, TableState
from openberth.contexts.insight.reactions import Tabling
from openberth.contexts.insight.service import table_exports as service
from openberth.contexts.payments import BillState, DebtState
from openberth.contexts.payments.model import ReceiptMethod, RefundCause, RefundState
from openberth.contexts.stays import CaseKind, PassageState
from openberth.contexts.stays.model.entities import Action, CloseReason, Source
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Unit
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.asks import Code, Form, Moment, Words
from openberth.infra.http.auth import SELF, May, signed_in
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.spending import HEAVY
from openberth.infra.lists import LOTS_MAX
from openberth.infra.sheets import CSV, XLSX
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

ExportPath = Annotated[Id, Path(description="id of a table that one asked for")]
Asker = Annotated[Caller, Depends(signed_in)]
HeavyAsker = Annotated[Caller, Depends(May(SELF, rate=HEAVY))]
Plate = Annotated[Words, Field(min_length=1, max_length=64)]
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {CSV: {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string", "format": "binary"}}}}
}


class FiltersForm(Form):
    """What every list is narrowed by; names and meanings are those of the list."""

    lot: Annotated[list[Code] | None, Field(max_length=LOTS_MAX)] = None
    since: Moment | None = None
    until: Moment | None = None
    order: Literal["newest", "oldest"] = "newest"


class StayFilters(FiltersForm):
    """What ``GET /v1/stays`` is narrowed by."""

    state: Literal["open", "closed"] | None = None
    by: Literal["entered", "left"] | None = None
    plate: Plate | None = None
    plate_kind: Code | None = None
    right: Code | None = None
    permit: Id | None = None
    reason: CloseReason | None = None


class PassageFilters(FiltersForm):
    """What ``GET /v1/passages`` is narrowed by."""

    lane: Code | None = None
    plate: Plate | None = None
    plate_kind: Code | None = None
    direction: LaneKind | None = None
    action: Action | None = None
    state: PassageState | None = None
    source: Source | None = None
    reason: Code | None = None


class CaseFilters(FiltersForm):
    """What ``GET /v1/exceptions`` is narrowed by; all of them unless said otherwise."""

    lane: Code | None = None
    state: Literal["open", "resolved", "any"] | None = None
    kind: CaseKind | None = None


class BillFilters(FiltersForm):
    """What ``GET /v1/bills`` is narrowed by."""

    state: BillState | None = None


class ReceiptFilters(FiltersForm):
    """What ``GET /v1/receipts`` is narrowed by."""

    method: ReceiptMethod | None = None


class RefundFilters(FiltersForm):
    """What ``GET /v1/refunds`` is narrowed by."""

    state: RefundState | None = None
    method: ReceiptMethod | None = None
    cause: RefundCause | None = None


class DebtFilters(FiltersForm):
    """What ``GET /v1/debts`` is narrowed by."""

    state: DebtState | None = None


class FileWish(Form):
    """What kind of file, in which language."""

    format: FileForm = FileForm.CSV
    lang: Language = "zh"


class StaysWish(FileWish):
    """Stays as a file."""

    table: Literal[TableName.STAYS]
    filters: StayFilters = StayFilters()


class PassagesWish(FileWish):
    """Passages as a file."""

    table: Literal[TableName.PASSAGES]
    filters: PassageFilters = PassageFilters()


class ExceptionsWish(FileWish):
    """Exceptions as a file."""

    table: Literal[TableName.EXCEPTIONS]
    filters: CaseFilters = CaseFilters()


class BillsWish(FileWish):
    """Bills as a file."""

    table: Literal[TableName.BILLS]
    filters: BillFilters = BillFilters()


class ReceiptsWish(FileWish):
    """Receipts as a file."""

    table: Literal[TableName.RECEIPTS]
    filters: ReceiptFilters = ReceiptFilters()


class RefundsWish(FileWish):
    """Refunds as a file."""

    table: Literal[TableName.REFUNDS]
    filters: RefundFilters = RefundFilters()


class DebtsWish(FileWish):
    """Debts as a file."""

    table: Literal[TableName.DEBTS]
    filters: DebtFilters = DebtFilters()


Wish = Annotated[
    StaysWish | PassagesWish | ExceptionsWish | BillsWish | ReceiptsWish | RefundsWish | DebtsWish,
    Body(discriminator="table"),
]


class TableView(View):
    """A table that one asked for. ``rows`` are those that are in it already, of ``total`` (null: nobody has counted
    them, or they are more than ``more_than``). It can be fetched while it is ``ready``, until ``until``.

    ``complete`` is false when it ends at its bound: 1 000 000 rows of CSV, 50 000 of a workbook.
    """

    id: Id
    table: TableName
    format: FileForm
    state: TableState
    rows: int
    total: int | None
    more_than: int | None
    complete: bool
    asked_at: When
    ended_at: When | None
    until: When | None


class TablesView(View):
    """The tables that one asked for in the last day, the latest first."""

    items: list[TableView]


class TablesApi:
    """Serves the routes."""

    def __init__(self, database: Database, tabling: Tabling) -> None:
        self._database = database
        self._tabling = tabling
        self.router = APIRouter(prefix="/v1/tables", tags=["tables"])
        add = self.router.add_api_route
        add("/exports", self.ask, methods=["POST"], status_code=202, response_model=TableView)
        add("/exports", self.tables, methods=["GET"])
        add("/exports/{table_export}", self.table, methods=["GET"])
        add(
            "/exports/{table_export}/file", self.file, methods=["GET"], response_class=StreamingResponse,
            responses=FILES,
        )  # fmt: skip

    async def ask(self, form: Wish, by: HeavyAsker, key: Key) -> Response:
        """Ask for a list as a file; it is put together in the background. What looking at the list asks is asked."""
        wanted = form.filters
        if wanted.since is not None and wanted.until is not None and wanted.since >= wanted.until:
            raise Malformed("request.span")
        filters = wanted.model_dump(mode="json", exclude_none=True, exclude={"lot"})
        table: TableName = form.table
        await self._database.read(
            partial(service.check_table, table=table, names=wanted.lot, filters=filters), by=by
        )  # fmt: skip

        def effect(unit: Unit) -> TableView:
            return _view(
                service.ask_for_table(
                    unit, table=table, form=form.format, language=form.lang, names=wanted.lot, filters=filters
                )
            )  # fmt: skip

        return answered(await self._database.write(once(key, effect, status=202), by=by))

    async def tables(self, by: Asker) -> TablesView:
        """Return the tables that one asked for."""
        found = await self._database.read(service.table_exports, by=by)
        return TablesView(items=[_view(each) for each in found])

    async def table(self, table_export: ExportPath, by: Asker) -> TableView:
        """Return how far a table is."""
        return _view(await self._database.read(partial(service.table_export, export=table_export), by=by))

    async def file(self, table_export: ExportPath, by: HeavyAsker) -> StreamingResponse:
        """Fetch a table as a file; who may no longer look at all of it gets nothing. It is written down."""
        found, pieces = await self._tabling.fetch(export=table_export, by=by)
        name = f"{found.table.value}-{found.id}.{found.form.value}"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        media_type = f"{CSV}; charset=utf-8" if found.form is FileForm.CSV else XLSX
        return StreamingResponse(pieces, media_type=media_type, headers=headers)


def _view(found: TableExport) -> TableView:
    ready = found.state is TableState.READY and found.ended_at is not None
    until = None if not ready or found.ended_at is None else Instant(found.ended_at + service.KEPT_US)
    return TableView(
        id=found.id, table=found.table, format=found.form, state=found.state, rows=found.rows, total=found.total,
        more_than=found.more_than, complete=found.complete, asked_at=instant(found.asked_at),
        ended_at=instant_or_none(found.ended_at), until=instant_or_none(until),
    )  # fmt: skip
