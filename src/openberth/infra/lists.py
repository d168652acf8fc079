"""Lists of history: rows of lots by a time of theirs, either way, narrowed by filters, at a bounded effort.

A list walks an index of (lot, time, id), or of (lot, filter, time, id) for filters that have one. Other filters are
looked at row by row as it goes, and a walk that has looked at ``WALK_MAX`` rows ends there: its page may hold fewer
rows than were asked for, and its key goes on. So no question is slow, however rare what it looks for is. Several lots
are merged row by row.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from operator import attrgetter
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import BigInteger, Column, Select, Table, and_, bindparam, case, literal_column, or_, select
from sqlalchemy.sql.expression import ColumnElement

from openberth.infra.database.statement import Query
from openberth.infra.database.types import IdType
from openberth.infra.database.unit import Reader
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import Instant

WALK_MAX = 10_000  # rows that a page looks at, of all lots
WALK_LEAST = 200  # of each lot, however many there are
COUNT_MAX = 10_000
LOTS_MAX = 100
AHEAD = 8  # rows that are read of a lot of several, beyond its share of a page

Key: TypeAlias = tuple[Instant, Id]
R = TypeVar("R")

_FIRST = Id(int=0)
_EARLIEST, _LATEST = Instant(-(1 << 62)), Instant(1 << 62)
_YES, _NO = literal_column("1", BigInteger()), literal_column("0", BigInteger())
_LOW_AT, _HIGH_AT = bindparam("low_at", type_=BigInteger()), bindparam("high_at", type_=BigInteger())
_LOW_ID, _HIGH_ID = bindparam("low_id", type_=IdType()), bindparam("high_id", type_=IdType())


@dataclass(frozen=True, slots=True)
class ListAsk:
    """Which rows are asked for: from ``since`` until before ``until``, beyond the key ``after``, at most ``limit``.

    ``counted`` asks how many there are in all.
    """

    limit: int
    newest: bool = True
    since: Instant | None = None
    until: Instant | None = None
    after: Key | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows there are: ``total``, or ``more_than`` where counting stopped; neither when nobody can tell."""

    total: int | None
    more_than: int | None


@dataclass(frozen=True, slots=True)
class Listed(Generic[R]):
    """A page; ``more_after`` is the key that goes on, None at the end."""

    items: Sequence[R]
    more_after: Key | None = None
    counted: Counted | None = None


class Listing(Generic[R]):
    """A table as a list by one of its instants.

    ``filters`` are conditions by name, each with a parameter of that name; ``indexed`` names those that have an index
    of (lot, column, ``at``, id), the most telling one first. ``keyed`` is one under which rows are few by nature, such
    as a plate: they are found by it and put in order. A row has the column's name as its attribute.
    """

    def __init__(
        self, rows: Table, at: "Column[int]", into: Callable[..., R], *,
        filters: Mapping[str, ColumnElement[bool]], indexed: Sequence[str] = (), keyed: str | None = None,
    ) -> None:  # fmt: skip
        self._table, self._at, self._into = rows, at, into
        self._filters, self._indexed, self.keyed = dict(filters), tuple(indexed), keyed
        self._known: dict[tuple[str, bool, frozenset[str]], Query[Any]] = {}
        self.key_of: Callable[[R], Key] = attrgetter(at.name, "id")

    def rows(self, newest: bool, names: Collection[str]) -> Query[R]:
        """Return the statement of some rows under some filters."""
        return self._made("rows", newest, names)

    def bound(self, newest: bool, names: Collection[str]) -> Query[Key]:
        """Return the statement of the key that lies so many rows of the index further, whatever other filters say.

        It sees the rows of others, too, as the walk will: what is found is where that stops.
        """
        return self._made("bound", newest, self.walked(names))

    def tally(self, newest: bool, names: Collection[str]) -> Query[int]:
        """Return the statement of one number for each row under some filters."""
        return self._made("tally", newest, names)

    def walked(self, names: Collection[str]) -> tuple[str, ...]:
        """Return the filter by which an index is walked, if any."""
        by = self._indexed if self.keyed is None else (self.keyed, *self._indexed)
        return next(((name,) for name in by if name in names), ())

    def _made(self, what: str, newest: bool, names: Collection[str]) -> Query[Any]:
        which = (what, newest, frozenset(names))
        if which not in self._known:
            self._known[which] = self._make(what, newest, sorted(names))
        return self._known[which]

    def _make(self, what: str, newest: bool, names: Sequence[str]) -> Query[Any]:
        table, at, walked = self._table, self._at, self.walked(names)
        conditions = [table.c.lot_id == bindparam("lot")]
        for name in names:
            wanted = self._filters[name]
            conditions.append(wanted if name in walked else _aside(wanted))
        within = _within(at, table.c.id, newest)
        conditions.append(_aside(within) if self.keyed in names else within)

        def narrowed(*columns: Any) -> "Select[Any]":
            return select(*columns).where(*conditions).limit(bindparam("limit"))

        by = at + _NO if self.keyed in names else at  # rows come from the key's index and no other
        order = (by.desc(), table.c.id.desc()) if newest else (by, table.c.id)
        if what == "rows":
            return Query(narrowed(table).order_by(*order), self._into)
        if what == "tally":
            return Query(narrowed(_YES), int)
        further = narrowed(at, table.c.id).order_by(*order).offset(bindparam("further"))
        return Query(further, lambda moment, identifier: (moment, identifier), everywhere=True)


def _aside(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition in a form that no database takes for a reason to use another index."""
    return case((condition, _YES), else_=_NO) == _YES


def _within(at: "Column[int]", identifier: "Column[Id]", newest: bool) -> ColumnElement[bool]:
    """Return that a key lies between two: beyond the one the walk begins at, up to the one it ends at.

    Not a comparison of pairs: MariaDB reads the whole lot for one. The first two conditions are what an index serves.
    """
    if newest:
        ends = (or_(at < _HIGH_AT, identifier < _HIGH_ID), or_(at > _LOW_AT, identifier >= _LOW_ID))
    else:
        ends = (or_(at > _LOW_AT, identifier > _LOW_ID), or_(at < _HIGH_AT, identifier <= _HIGH_ID))
    return and_(at >= _LOW_AT, at <= _HIGH_AT, *ends)


@dataclass(frozen=True, slots=True)
class Stream(Generic[R]):
    """The rows of one lot in a list, under filters with their values."""

    listing: Listing[R]
    lot: Id
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def looks_aside(self) -> bool:
        """Tell whether it looks at rows that were not asked for."""
        return {*self.given} != {*self.listing.walked(self.given)}

    def end_of(self, reader: Reader, ask: ListAsk, most: int) -> Key | None:
        """Return where a walk ends that may look at so many rows, None when it gets to the end before that.

        Also where every row is wanted: of a wide span MariaDB reads a whole lot from its end rather than a part of it.
        """
        if self.listing.keyed in self.given:
            return None
        given = {name: self.given[name] for name in self.listing.walked(self.given)}
        bound = self.listing.bound(ask.newest, self.given)
        found = reader.all(bound, lot=self.lot, limit=1, further=most - 1, **given, **_span(ask, ask.after, None))
        return found[0] if found else None

    def rows(self, reader: Reader, ask: ListAsk, at_once: int, most: int) -> Iterator[tuple[Key, R | None]]:
        """Return the rows in their order with their keys; where the walk ends before its time, a key without a row."""
        end, after = self.end_of(reader, ask, most), ask.after
        query = self.listing.rows(ask.newest, self.given)
        while True:
            found = reader.all(query, lot=self.lot, limit=at_once, **self.given, **_span(ask, after, end))
            for row in found:
                after = self.listing.key_of(row)
                yield after, row
            if len(found) < at_once:
                break
        if end is not None:
            yield end, None

    def count(self, reader: Reader, ask: ListAsk, most: int, walk: int) -> tuple[int, bool]:
        """Return how many rows there are, up to so many, and whether there may be more beyond those looked at."""
        end = self.end_of(reader, ask, walk)
        query = self.listing.tally(ask.newest, self.given)
        found = reader.all(query, lot=self.lot, limit=most, **self.given, **_span(ask, None, end))
        return len(found), end is not None


def over(listing: Listing[R], lots: Collection[Id], **given: Any) -> list[Stream[R]]:
    """Return the rows of several lots under the same filters; those with None are not asked for."""
    wanted = {name: value for name, value in given.items() if value is not None}
    return [Stream(listing, lot, wanted) for lot in lots]


def _span(ask: ListAsk, after: Key | None, end: Key | None) -> dict[str, Any]:
    low: Key = (_EARLIEST if ask.since is None else ask.since, _FIRST)
    high: Key = (_LATEST if ask.until is None else Instant(ask.until - 1), BEYOND_ALL)
    if ask.newest:
        low, high = end or low, after or high
    else:
        low, high = after or low, end or high
    return {"low_at": low[0], "low_id": low[1], "high_at": high[0], "high_id": high[1]}


def page(reader: Reader, streams: Sequence[Stream[R]], ask: ListAsk) -> Listed[R]:
    """Return a page of several streams as one list, and how many rows there are when that is asked."""
    counted = count(reader, streams, ask) if ask.counted else None
    if not streams:
        return Listed((), None, counted)
    at_once = min(ask.limit, ask.limit // len(streams) + AHEAD)
    most = max(WALK_LEAST, WALK_MAX // len(streams))
    each = [stream.rows(reader, ask, at_once, most) for stream in streams]
    found: list[R] = []
    for key, row in merge(*each, key=lambda pair: pair[0], reverse=ask.newest):
        if row is None:
            return Listed(found, key, counted)
        found.append(row)
        if len(found) == ask.limit:
            return Listed(found, key, counted)
    return Listed(found, None, counted)


def count(reader: Reader, streams: Sequence[Stream[Any]], ask: ListAsk) -> Counted:
    """Return how many rows the streams hold in all, honestly: a number, or that there are more than so many."""
    everything = ListAsk(ask.limit, ask.newest, ask.since, ask.until)
    share = max(WALK_LEAST, (COUNT_MAX + 1) // max(1, len(streams)))
    found, more = 0, False
    for stream in streams:
        most = COUNT_MAX + 1 - found
        of_it, beyond = stream.count(reader, everything, most, share if stream.looks_aside else most)
        found, more = found + of_it, more or beyond
        if found > COUNT_MAX:
            return Counted(None, COUNT_MAX)
    if more:
        return Counted(None, found - 1 if found else None)
    return Counted(found, None)
