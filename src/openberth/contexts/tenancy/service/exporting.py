"""Use cases of exports: asking for one, the pages it is made of, and handing it over once to whoever asked."""

import zlib
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Table

from openberth.contexts.tenancy.model.events import ExportAsked, ExportFetched
from openberth.contexts.tenancy.model.exports import PERSONAL, Cursor, Export, ExportState, masked_value
from openberth.contexts.tenancy.model.organisation import Node
from openberth.contexts.tenancy.store import companies as nodes
from openberth.contexts.tenancy.store import exports as store
from openberth.infra import jobs, vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, needs, require
from openberth.kernel.errors import Denied, NotFound
from openberth.kernel.ids import Id
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import DAY_US, Instant

JOB_EXPORT, JOB_EXPORT_END = "tenancy.export", "tenancy.export_end"
KEPT_US = DAY_US
PAGE = 1_000
PIECE = 3_000  # bytes that are sealed at once


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a table as they will leave, sealed; no lines when there were none. ``then`` is where it goes on."""

    name: str
    lines: int
    sealed: bytes
    then: Cursor | None


@needs("organisation.export")
def ask_for_export(unit: Unit, *, node: Node, code: str, reason: str, unmasked: bool) -> Export:
    """Begin to put all data of a company or partner together. Personal values are masked unless ``unmasked``.

    Raises ``Denied`` (also for unmasked values without ``person.unmask``) and ``Refused("reason.missing")``.
    """
    text = checked_reason(reason)
    if unmasked:
        require(unit.caller, "person.unmask")
    if node.company is None or not unit.caller.scope.allows(node.company, None):
        raise Denied("auth.out_of_scope")
    below = [each.id for each in unit.all(nodes.COMPANIES_OF_PARTNER, partner=node.id)]
    asked = Export(
        unit.new_id(), node.id, node.level, code, (node.id, *below), text, unmasked, ExportState.WAITING,
        unit.caller.actor.name, unit.machine_now, None, Cursor(), 0, 0, 1,
    )  # fmt: skip
    unit.run(
        store.INSERT_EXPORT, id=asked.id, company_id=node.id, level=node.level, code=code,
        companies=[str(each) for each in asked.companies], reason=text, unmasked=unmasked, state=asked.state,
        asked_by=asked.asked_by, asked_at=asked.asked_at, ended_at=None, cursor=asked.cursor, parts=0, lines=0,
        version=1,
    )  # fmt: skip
    jobs.schedule(unit, kind=JOB_EXPORT, body={"export": str(asked.id)})
    told = ExportAsked(export=asked.id, level=node.level.value, node=node.id, unmasked=unmasked, reason=text)
    unit.append(told, company=node.id, lot=None, key=asked.id)
    return asked


@needs("organisation.export")
def export(reader: Reader, *, export: Id) -> Export:
    """Return an export that the caller asked for. Raises ``NotFound("export.not_found")``, also for one of others."""
    found = reader.one(store.EXPORT, export=export)
    if found is None or found.asked_by != reader.caller.actor.name:
        raise NotFound("export.not_found")
    return found


@needs("organisation.export")
def fetch(unit: Unit, *, export: Id) -> Export:
    """Hand a finished export over, once, to whoever asked for it.

    Raises ``NotFound("export.not_found")`` for every other state, so that nothing is told to anybody else.
    """
    unit.lock(("export", export))
    found = unit.one(store.EXPORT, export=export)
    if found is None or found.asked_by != unit.caller.actor.name or found.state is not ExportState.READY:
        raise NotFound("export.not_found")
    if found.unmasked:
        require(unit.caller, "person.unmask")
    _save(unit, replace(found, state=ExportState.FETCHED), found.version)
    unit.append(ExportFetched(export=export, lines=found.lines), company=found.node, lot=None, key=export)
    return found


# -- putting it together -----------------------------------------------------------------------------------------------


def next_part(reader: Reader, *, export: Id) -> tuple[Export, Part] | None:
    """Return an export that is being made with its next part, None when there is nothing to do. Outside of a unit."""
    found = reader.one(store.EXPORT, export=export)
    if found is None or found.state is not ExportState.WAITING:
        return None
    return found, _part(reader, found)


def _part(reader: Reader, found: Export) -> Part:
    tables, cursor = store.exported(), found.cursor
    each = tables[cursor.table]
    params = {} if cursor.after is None else store.after_of(each, cursor.after)
    owner = found.companies[cursor.company]
    page = store.page_of(each, cursor.after is not None)
    rows = reader.all(page, owner=owner, most=PAGE, **params)
    then: Cursor | None
    if len(rows) == PAGE:
        then = replace(cursor, after=_key(each, rows[-1]))
    elif cursor.company + 1 < len(found.companies):
        then = Cursor(cursor.table, cursor.company + 1)
    else:
        then = Cursor(cursor.table + 1) if cursor.table + 1 < len(tables) else None
    known: dict[Id, str | None] = {}
    lines = [_line(reader, each, row, found.unmasked, known) for row in rows]
    if not lines:
        return Part(each.name, 0, b"", then)
    packed = zlib.compress(b"\n".join(lines) + b"\n", 6)
    return Part(each.name, len(lines), _sealed(reader, found.id, found.parts + 1, packed), then)


def _line(reader: Reader, each: Table, row: tuple[Any, ...], unmasked: bool, known: dict[Id, str | None]) -> bytes:
    told: dict[str, Any] = {}
    for column, value in zip(store.columns_of(each), row, strict=True):
        told[column.name] = value
        leaves_as = PERSONAL.get(column.name)
        if leaves_as is not None:
            told[leaves_as] = None if value is None else _personal(reader, value, unmasked, known)
    return msgspec.json.encode(told)


def _personal(reader: Reader, value: Id, unmasked: bool, known: dict[Id, str | None]) -> str | None:
    if value not in known:
        found = vault.look(reader, value)
        known[value] = None if found is None else found[1] if unmasked else masked_value(*found)
    return known[value]


def _key(each: Table, row: tuple[Any, ...]) -> tuple[Any, ...]:
    names = [column.name for column in store.columns_of(each)]
    return tuple(
        str(value) if isinstance(value, Id) else value
        for value in (row[names.index(column.name)] for column in store.key_of(each))
    )


@by_construction
def add_part(unit: Unit, *, export: Id, seen: int, part: Part, blob: Id) -> bool:
    """Keep a part that lies under ``blob``, and go on; tells whether there is more. Somebody faster makes it void."""
    unit.lock(("export", export))
    found = unit.one(store.EXPORT, export=export)
    if found is None or found.version != seen or found.state is not ExportState.WAITING:
        return False
    parts = found.parts
    if part.lines:
        parts += 1
        unit.run(
            store.INSERT_PART, id=blob, company_id=found.node, export_id=export, number=parts, name=part.name,
            lines=part.lines,
        )  # fmt: skip
    after = replace(found, parts=parts, lines=found.lines + part.lines, cursor=part.then or found.cursor)
    if part.then is None:
        after = replace(after, state=ExportState.READY, ended_at=unit.machine_now)
        due = unit.machine_now + KEPT_US
        jobs.schedule(unit, kind=JOB_EXPORT_END, body={"export": str(export)}, due_at=Instant(due))
    _save(unit, after, found.version)
    return part.then is not None


@by_construction
def give_up(unit: Unit, *, export: Id) -> None:
    """Say that an export cannot be made."""
    found = unit.one(store.EXPORT, export=export)
    if found is not None and found.state is ExportState.WAITING:
        _save(unit, replace(found, state=ExportState.FAILED, ended_at=unit.machine_now), found.version)


@by_construction
def forget_parts(unit: Unit, *, export: Id) -> None:
    """Forget the parts of an export whose blobs are gone; one that nobody fetched is over."""
    unit.lock(("export", export))
    unit.run(store.DELETE_PARTS, export=export)
    found = unit.one(store.EXPORT, export=export)
    if found is not None and found.state is ExportState.READY:
        _save(unit, replace(found, state=ExportState.OVER), found.version)


def parts_of(reader: Reader, *, export: Id, first: int) -> list[tuple[Id, int, str]]:
    """Return some parts of an export from a number on: blob, number, table."""
    found: list[tuple[Id, int, str]] = reader.all(store.PARTS, export=export, first=first)
    return found


def _save(unit: Unit, found: Export, seen: int) -> None:
    unit.save(
        store.SAVE_EXPORT, export=found.id, seen=seen, new_state=found.state, new_cursor=found.cursor,
        new_parts=found.parts, new_lines=found.lines, new_ended_at=found.ended_at,
    )  # fmt: skip


# -- at rest: sealed like every personal value, whatever it holds ------------------------------------------------------


def _sealed(reader: Reader, export: Id, number: int, packed: bytes) -> bytes:
    """Seal in pieces of the size that the keys take; each is bound to its place, and packing tells a missing end."""
    pieces = [packed[start : start + PIECE] for start in range(0, len(packed), PIECE)]
    return msgspec.msgpack.encode(
        [reader.keys.seal(piece, context=_context(export, number, place)) for place, piece in enumerate(pieces)]
    )


def opened(reader: Reader, *, export: Id, number: int, sealed: bytes) -> bytes:
    """Return the lines of a part."""
    pieces = msgspec.msgpack.decode(sealed, type=list[tuple[str, bytes]])
    packed = (
        reader.keys.open(key_id, piece, context=_context(export, number, place))
        for place, (key_id, piece) in enumerate(pieces)
    )
    return zlib.decompress(b"".join(packed))


def _context(export: Id, number: int, place: int) -> bytes:
    return b"export:" + export.bytes + number.to_bytes(4, "big") + place.to_bytes(4, "big")
