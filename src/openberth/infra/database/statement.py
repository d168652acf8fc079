"""Statements: written with SQLAlchemy Core, compiled once, run by the raw driver, narrowed to the caller's scope.

Measured on SQLite (docs/adr/0002): a Core execution costs about 95 µs, the same compiled statement on the raw cursor
about 20 µs. A statement knows which tables carry scope columns; the variant that is run is chosen by the caller's
scope, so no statement can forget it.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Delete, Insert, Select, Table, Update, bindparam, false, insert
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.sql.util import find_tables

from openberth.kernel.authority import Scope
from openberth.kernel.ids import Id

# Shapes of a scope: how many companies and how many of their lots; None is all of them. Numbers are rounded up to
# powers of two, so that hundreds of companies compile a handful of variants; the last place fills what is left.
Shape = tuple[int | None, int | None]
_EVERYTHING: Shape = (None, None)

T = TypeVar("T")
Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement compiled for one dialect and one shape of scope."""

    sql: str
    names: tuple[str, ...]  # the parameters that are given, in the order of the SQL text
    binders: tuple[tuple[int, Processor], ...]  # those of them that the driver wants in another form
    constants: tuple[tuple[int, Any], ...]  # places in the SQL text whose value is always the same
    readers: tuple[tuple[int, Processor], ...]  # columns that the driver gives in another form
    attributes: Callable[[object], tuple[Any, ...]]  # the given parameters, all as attributes of one row

    def bind(self, given: Mapping[str, Any], row: object = None) -> list[Any]:
        """Return the parameters in the order of the SQL text; a missing one is a ``KeyError``.

        What is not given is read from a row's attributes; one that it does not have either is an ``AttributeError``.
        """
        if row is None:
            values = [given[name] for name in self.names]
        elif given:
            values = [given[name] if name in given else getattr(row, name) for name in self.names]
        else:
            values = list(self.attributes(row))
        for place, process in self.binders:
            values[place] = process(values[place])
        for place, constant in self.constants:
            values.insert(place, constant)
        return values

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """Turn a driver's row into domain values."""
        if not self.readers:
            return row
        values = list(row)
        for place, process in self.readers:
            if values[place] is not None:
                values[place] = process(values[place])
        return values


class _Compiled:
    """What queries and writes share: the clause and its prepared variants."""

    def __init__(self, clause: Any) -> None:
        self.clause = clause
        self._variants: dict[tuple[str, Shape], Prepared] = {}
        self._lock = threading.Lock()

    def prepared(self, dialect: Dialect, scope: Scope) -> Prepared:
        """Return the variant for the dialect and the scope's shape, compiling it the first time."""
        shape = _shape(scope)
        found = self._variants.get((dialect.name, shape))
        if found is None:
            with self._lock:
                found = self._variants[(dialect.name, shape)] = self._prepare(dialect, shape)
        return found

    def _prepare(self, dialect: Dialect, shape: Shape) -> Prepared:
        return compile_clause(self._scoped(shape), dialect)

    def _scoped(self, shape: Shape) -> Any:
        clause = self.clause
        if shape == _EVERYTHING:
            return clause
        for condition in _scope_conditions(self._tables(), shape):
            clause = clause.where(condition)
        return clause

    def _tables(self) -> list[Table]:
        clause = self.clause
        if isinstance(clause, Select):
            sources = clause.get_final_froms()
            return [found for source in sources for found in find_tables(source) if isinstance(found, Table)]
        return [clause.table]


class Query(_Compiled, Generic[T]):
    """A select and the function (often a dataclass) that makes one value of one row's columns.

    ``everywhere`` is for rules that must see the rows of others to hold, such as "this name is taken": what is found
    decides, and never leaves.
    """

    def __init__(self, clause: "Select[Any]", into: Callable[..., T], *, everywhere: bool = False) -> None:
        super().__init__(clause)
        self.into = into
        self.everywhere = everywhere

    def _scoped(self, shape: Shape) -> Any:
        return self.clause if self.everywhere else super()._scoped(shape)


class Write(_Compiled):
    """An insert, update or delete. ``once`` makes an insert do nothing when its key exists.

    ``everywhere`` is for an update of what a whole company shares and each of its lots moves: the statement itself
    names the company.
    """

    def __init__(self, clause: "Insert | Update | Delete", *, once: bool = False, everywhere: bool = False) -> None:
        super().__init__(clause)
        self.once = once
        self.everywhere = everywhere
        scope = clause.table.info.get("scope") if isinstance(clause.table, Table) else None
        # Inserts are not narrowed by a condition: the values themselves are checked against the scope.
        self.checked: tuple[str, str | None] | None = scope if isinstance(clause, Insert) else None

    def _scoped(self, shape: Shape) -> Any:
        return self.clause if self.everywhere else super()._scoped(shape)

    def _prepare(self, dialect: Dialect, shape: Shape) -> Prepared:
        if not isinstance(self.clause, Insert):
            return super()._prepare(dialect, shape)
        return compile_clause(_once(self.clause, dialect) if self.once else self.clause, dialect)


def insert_into(target: Table, *, once: bool = False) -> Write:
    """Return the insert of a whole row, one parameter per column."""
    return Write(insert(target).values({column.name: bindparam(column.name) for column in target.columns}), once=once)


def scope_params(scope: Scope) -> dict[str, Any]:
    """Return the parameters that the scoped variants read."""
    companies, lots = _shape(scope)
    params: dict[str, Any] = {}
    if companies is not None:
        params |= _named("scope_company", scope.companies or (scope.company,), companies)
    if lots is not None:
        params |= _named("scope_lot", scope.lots or (), lots)
    return params


def _shape(scope: Scope) -> Shape:
    lots = None if scope.lots is None else _padded(len(scope.lots))
    if scope.company is not None:
        return 1, lots
    return (None if scope.companies is None else _padded(len(scope.companies))), lots


def _padded(count: int) -> int:
    return 0 if count == 0 else 1 << (count - 1).bit_length()


def _named(name: str, places: Sequence[Id | None], count: int) -> dict[str, Any]:
    return {f"{name}_{index}": places[min(index, len(places) - 1)] for index in range(count)}


def compile_clause(clause: Any, dialect: Dialect) -> Prepared:
    """Compile a Core clause into SQL text and processors for the raw cursor."""
    compiled = clause.compile(dialect=dialect)
    always = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    names: list[str] = []
    binders: list[tuple[int, Processor]] = []
    constants: list[tuple[int, Any]] = []
    for place, name in enumerate(compiled.positiontup or ()):
        process = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
        if name in always:
            constants.append((place, always[name] if process is None else process(always[name])))
            continue
        if process is not None:
            binders.append((len(names), process))
        names.append(name)
    sql = str(compiled)
    assert "POSTCOMPILE" not in sql, "give IN a fixed list of binds: the statement is compiled once"
    return Prepared(sql, tuple(names), tuple(binders), tuple(constants), _readers(clause, dialect), _attributes(names))


def _readers(clause: Any, dialect: Dialect) -> tuple[tuple[int, Processor], ...]:
    if not isinstance(clause, Select):
        return ()
    found = (
        (place, column.type.dialect_impl(dialect).result_processor(dialect, None))
        for place, column in enumerate(clause.selected_columns)
    )
    return tuple((place, process) for place, process in found if process is not None)


def _attributes(names: Sequence[str]) -> Callable[[object], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda row: tuple(getattr(row, name) for name in names)


def _scope_conditions(tables: list[Table], shape: Shape) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    companies, lots = shape
    for found in tables:
        names = found.info.get("scope")
        if names is None:
            continue
        company, lot = names
        if companies is not None:
            conditions.append(_among(found.c[company], "scope_company", companies))
        if lots is not None and lot is not None:
            conditions.append(_among(found.c[lot], "scope_lot", lots))
    return conditions


def _among(column: ColumnElement[Any], name: str, count: int) -> ColumnElement[bool]:
    """Return that a column holds one of so many parameters: a list, for a chain of ORs is bounded in depth."""
    binds = [bindparam(f"{name}_{index}", type_=column.type) for index in range(count)]
    if not binds:
        return false()
    return column == binds[0] if count == 1 else column.in_(binds)


def _once(clause: Insert, dialect: Dialect) -> Any:
    target = clause.table
    values: dict[str, Any] = {column.name: bindparam(column.name) for column in target.columns}
    if dialect.name == "sqlite":
        return clause.prefix_with("OR IGNORE")
    if dialect.name == "postgresql":
        return postgresql.insert(target).values(values).on_conflict_do_nothing()
    key = next(iter(target.primary_key.columns))  # type: ignore[attr-defined]
    return mysql.insert(target).values(values).on_duplicate_key_update({key.name: key})


def one_id(value: Id) -> Id:
    """Take a one-column row of ids as it is: the ``into`` of queries for an id."""
    return value
