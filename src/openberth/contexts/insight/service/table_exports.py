"""Use cases of tables that are taken away as files: asking for one, the rows it is made of, and handing it over.

It is put together for the scope in which it was asked for; whoever takes it must still be allowed to look at that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from openberth.contexts import facility, stays, tenancy
from openberth.contexts.insight.model.tables import (
    PERMISSIONS,
    WAITING_MAX,
    FileForm,
    TableExport,
    TableName,
    TableState,
    scope_to_plain,
)
from openberth.contexts.insight.service.tables import TABLES, Place
from openberth.contexts.insight.store import table_exports as store
from openberth.infra import jobs
from openberth.infra.catalogue import Language
from openberth.infra.database import Reader, Unit
from openberth.infra.lists import Key, ListAsk
from openberth.infra.permitting import by_construction, needs, require
from openberth.infra.sheets import Cell
from openberth.kernel.authority import Actor, ActorKind, Caller
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, Instant

JOB, JOB_END = "insight.table", "insight.table_end"
KEPT_US = DAY_US
PAGE = 1_000

NOBODY = Id(int=0)  # whose tables those of the platform are, to its lock


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a table as cells, and the key that goes on, None at its end. ``counted`` comes with the first."""

    rows: Sequence[Sequence[Cell]]
    then: Key | None
    counted: tuple[int | None, int | None] | None


_READERS = sorted({*PERMISSIONS.values()} - {"stay.read"})


@needs("stay.read", *_READERS)
def check_table(
    reader: Reader, *, table: TableName, names: Sequence[str] | None, filters: Mapping[str, Any]
) -> None:  # fmt: skip
    """See whether a table can be asked for so; outside of a unit, for it looks at rows.

    Raises ``Denied``, ``NotFound`` with ``lot.not_found`` or ``lane.not_found``, and ``Malformed`` with
    ``request.lots`` or ``request.filters``.
    """
    require(reader.caller, PERMISSIONS[table])
    kept = {name: value for name, value in filters.items() if value is not None and name != "plate"}
    TABLES[table].rows(reader, tuple(facility.lots_named(reader, names=names)), ListAsk(1), kept)


@needs("stay.read", *_READERS)
def ask_for_table(
    unit: Unit, *, table: TableName, form: FileForm, language: Language, names: Sequence[str] | None,
    filters: Mapping[str, Any],
) -> TableExport:  # fmt: skip
    """Begin to put a table together, for lots that are named or all that one may see; ``check_table`` comes before.

    Raises ``Denied``, ``NotFound("lot.not_found")``, ``Malformed("request.lots")`` and ``Refused("table.too_many")``.
    """
    require(unit.caller, PERMISSIONS[table])
    asker = unit.caller.actor.name
    unit.lock(("tables", _company_of(unit.caller) or NOBODY))  # counted and asked for by one at a time
    if unit.all(store.WAITING_OF_ASKER, asker=asker)[0] >= WAITING_MAX:
        raise Refused("table.too_many", most=WAITING_MAX)
    lots = tuple(facility.lots_named(unit, names=names))
    kept = {name: value for name, value in filters.items() if value is not None}
    if "plate" in kept:
        kept["plate"] = str(stays.plate_named(unit, text=kept["plate"]))
    asked = TableExport(
        unit.new_id(), _company_of(unit.caller), unit.caller.scope, table, form, language, lots, kept,
        TableState.WAITING, asker, unit.machine_now, None, None, 0, None, None, True, 0, 1,
    )  # fmt: skip
    unit.run(
        store.INSERT, id=asked.id, company_id=asked.company, for_scope=scope_to_plain(asked.scope), name=table,
        form=form, language=language, lots=[str(each) for each in lots], filters=kept, state=asked.state,
        asked_by=asker, asked_at=asked.asked_at, ended_at=None, after_at=None, after_id=None, row_count=0, total=None,
        more_than=None, complete=True, parts=0, version=1,
    )  # fmt: skip
    jobs.schedule(unit, kind=JOB, body={"export": str(asked.id)})
    return asked


def table_export(reader: Reader, *, export: Id) -> TableExport:
    """Return a table that the caller asked for. Raises ``NotFound("table.not_found")``, also for one of others."""
    found = reader.one(store.EXPORT, export=export)
    if found is None or found.asked_by != reader.caller.actor.name:
        raise NotFound("table.not_found")
    return found


def table_exports(reader: Reader) -> list[TableExport]:
    """Return the tables that the caller asked for, the latest first, 20 at most."""
    return reader.all(store.OF_ASKER, asker=reader.caller.actor.name)


@needs("stay.read", *_READERS)
def take_table(unit: Unit, *, export: Id) -> TableExport:
    """Hand a finished table to whoever asked for it, as often as it is asked, and write that down.

    What was allowed when it was asked for must be allowed now: the permission, and every lot that it is about.
    """
    found = table_export(unit, export=export)
    require(unit.caller, PERMISSIONS[found.table])
    if found.state is not TableState.READY:
        raise Refused("table.not_ready")
    for lot in found.lots:
        facility.lot_by_id(unit, lot=lot)
    only = found.lots[0] if len(found.lots) == 1 else None
    told = {"form": found.form.value, "rows": found.rows, "lots": len(found.lots)}
    told |= {name: value for name, value in found.filters.items() if name != "plate"}
    tenancy.record(unit, tenancy.Deed("table.taken", "table", found.table.value, found.company, only, after=told))
    return found


def parts_of(reader: Reader, *, export: Id, first: int = 1) -> list[tuple[Id, int, bool]]:
    """Return some blobs of a table from a number on: name, number, whether it is a piece of the file."""
    found: list[tuple[Id, int, bool]] = reader.all(store.PARTS, export=export, first=first)
    return found


# -- putting it together -----------------------------------------------------------------------------------------------


def waiting_table(reader: Reader, *, export: Id) -> TableExport | None:
    """Return a table that is being put together, None when there is nothing to do."""
    found = reader.one(store.EXPORT, export=export)
    return found if found is not None and found.state is TableState.WAITING else None


def maker_of(found: TableExport) -> Caller:
    """Return who puts a table together: the system, within the scope it was asked for."""
    return Caller(Actor(ActorKind.SYSTEM, "table"), found.scope)


def next_page(reader: Reader, *, found: TableExport) -> Page:
    """Return the rows of a table that come next. Outside of a unit, as ``maker_of``."""
    lots = {each: facility.lot_by_id(reader, lot=each) for each in found.lots}
    given = found.filters
    ask = ListAsk(
        min(PAGE, found.rows_max - found.rows), given.get("order", "newest") == "newest", given.get("since"),
        given.get("until"), found.after, counted=found.parts == 0,
    )  # fmt: skip
    table = TABLES[found.table]
    listed = table.rows(reader, list(lots), ask, given)
    place = Place(reader, lots, "zh" if found.language == "zh" else "en")
    rows = [table.cells(row, place) for row in listed.items]
    counted = None if listed.counted is None else (listed.counted.total, listed.counted.more_than)
    return Page(rows, listed.more_after, counted)


@by_construction
def add_page(unit: Unit, *, found: TableExport, page: Page, blob: Id) -> TableExport | None:
    """Keep rows that lie under ``blob``; returns the table as it is then, None when somebody was faster."""
    unit.lock(("table", found.id))
    now = waiting_table(unit, export=found.id)
    if now is None or now.version != found.version:
        return None
    rows = now.rows + len(page.rows)
    is_cut = page.then is not None and rows >= now.rows_max
    after = replace(now, rows=rows, after=page.then, parts=now.parts + 1, complete=not is_cut, version=now.version + 1)
    if page.counted is not None:
        after = replace(after, total=page.counted[0], more_than=page.counted[1])
    _add_part(unit, after, blob, is_file=False)
    if now.form is FileForm.CSV and (page.then is None or is_cut):
        after = _ready(unit, after)
    _save(unit, after, now.version)
    return after


def has_all_rows(found: TableExport) -> bool:
    """Tell whether every row of a table that is being put together is there."""
    return found.parts > 0 and (found.after is None or not found.complete)


@by_construction
def add_file(unit: Unit, *, found: TableExport, blobs: Sequence[Id]) -> None:
    """Keep the pieces of the file that a table was made into."""
    unit.lock(("table", found.id))
    now = waiting_table(unit, export=found.id)
    if now is None or now.version != found.version:
        return
    after = replace(now, version=now.version + 1)
    for blob in blobs:
        after = replace(after, parts=after.parts + 1)
        _add_part(unit, after, blob, is_file=True)
    _save(unit, _ready(unit, after), now.version)


@by_construction
def give_up(unit: Unit, *, export: Id) -> None:
    """Say that a table cannot be put together."""
    found = waiting_table(unit, export=export)
    if found is not None:
        _save(unit, replace(_ready(unit, found), state=TableState.FAILED), found.version)


@by_construction
def forget(unit: Unit, *, export: Id) -> None:
    """Forget a table whose blobs are gone."""
    unit.run(store.DELETE_PARTS, export=export)
    unit.run(store.DELETE, export=export)


def _company_of(caller: Caller) -> Id | None:
    scope = caller.scope
    return scope.companies[0] if scope.companies else scope.company


def _ready(unit: Unit, found: TableExport) -> TableExport:
    due = Instant(unit.machine_now + KEPT_US)
    jobs.schedule(unit, kind=JOB_END, body={"export": str(found.id)}, due_at=due)
    return replace(found, state=TableState.READY, ended_at=unit.machine_now)


def _add_part(unit: Unit, found: TableExport, blob: Id, *, is_file: bool) -> None:
    unit.run(
        store.INSERT_PART, id=blob, company_id=found.company, export_id=found.id, number=found.parts, is_file=is_file
    )


def _save(unit: Unit, found: TableExport, seen: int) -> None:
    at, identifier = found.after or (None, None)
    unit.save(
        store.SAVE, export=found.id, seen=seen, new_state=found.state, new_ended_at=found.ended_at, new_after_at=at,
        new_after_id=identifier, new_rows=found.rows, new_total=found.total, new_more_than=found.more_than,
        new_complete=found.complete, new_parts=found.parts,
    )  # fmt: skip
