"""The unit of work as use cases see it: read with a ``Reader``, change with a ``Unit``.

Two types, so that a type checker stops writes on a read path. A unit function may run more than once and touches
nothing but its unit; events, jobs and rows are committed together or not at all.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from openberth.infra.database.statement import Query, Write, scope_params
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Denied, Refused
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

T = TypeVar("T")


class Session(Protocol):
    """What a database gives a unit: a cursor on its connection and its own ways."""

    @property
    def dialect(self) -> Any:
        """Return the SQLAlchemy dialect that statements are compiled for."""
        ...

    def execute(self, sql: str, params: Sequence[Any]) -> Any:
        """Run one statement and return the cursor."""
        ...

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for many rows."""
        ...

    def lock(self, names: Sequence[str]) -> None:
        """Hold the named locks until the transaction ends; nothing where there is one writer."""
        ...

    def new_id(self) -> Id:
        """Return a fresh id."""
        ...


class Sealer(Protocol):
    """Keys that seal personal values and find them again; the key file lies outside the database."""

    def seal(self, plain: bytes, *, context: bytes) -> tuple[str, bytes]:
        """Return (key id, authenticated ciphertext bound to the context)."""
        ...

    def open(self, key_id: str, sealed: bytes, *, context: bytes) -> bytes:
        """Return the plain bytes; a wrong key, context or changed ciphertext raises."""
        ...

    def fingerprint(self, kind: str, text: str) -> str:
        """Return the keyed hash by which a value is found, at most 64 characters."""
        ...


class Stale(Exception):
    """A row changed between reading and saving; the database runs the unit again."""


class Reader:
    """Reads one consistent state of the caller's rows.

    ``now`` is business time and ``machine_now`` machine time, both taken once for the whole unit.
    """

    __slots__ = ("_scope_params", "_session", "caller", "keys", "machine_now", "now")

    def __init__(self, session: Session, caller: Caller, now: Instant, machine_now: Instant, keys: Sealer) -> None:
        self._session = session
        self.caller = caller
        self.keys = keys
        self.now = now
        self.machine_now = machine_now
        self._scope_params = scope_params(caller.scope)

    def all(self, query: Query[T], /, **params: Any) -> list[T]:
        """Return every row of the query."""
        prepared = query.prepared(self._session.dialect, self.caller.scope)
        if self._scope_params:
            params.update(self._scope_params)
        rows = self._session.execute(prepared.sql, prepared.bind(params)).fetchall()
        into, read = query.into, prepared.read
        return [into(*read(row)) for row in rows]

    def one(self, query: Query[T], /, **params: Any) -> T | None:
        """Return the only row of the query, or None; two rows are a defect."""
        found = self.all(query, **params)
        if len(found) > 1:
            raise AssertionError("a query for one row found several")
        return found[0] if found else None


class Unit(Reader):
    """Changes the caller's rows and tells what happened."""

    __slots__ = ("cause", "events")

    def __init__(self, session: Session, caller: Caller, now: Instant, machine_now: Instant, keys: Sealer) -> None:
        super().__init__(session, caller, now, machine_now, keys)
        self.events: list[tuple[Id, Event, Id | None, Id | None, Id]] = []
        self.cause: Id | None = None

    def run(self, write: Write, row: object = None, /, **params: Any) -> int:
        """Run a statement and return how many rows it touched; ``row`` gives parameters by attribute name."""
        prepared = write.prepared(self._session.dialect, self.caller.scope)
        if write.checked is not None:
            self._check(write.checked, params, row)
        elif self._scope_params:
            params.update(self._scope_params)
        return int(self._session.execute(prepared.sql, prepared.bind(params, row)).rowcount)

    def run_all(self, write: Write, rows: Sequence[object]) -> None:
        """Run an insert for many rows, each giving its parameters by attribute name."""
        if not rows:
            return
        prepared = write.prepared(self._session.dialect, self.caller.scope)
        bound = []
        for row in rows:
            if write.checked is not None:
                self._check(write.checked, {}, row)
            bound.append(prepared.bind({}, row))
        self._session.execute_many(prepared.sql, bound)

    def save(self, write: Write, row: object = None, /, **params: Any) -> None:
        """Run an update that must change one row; otherwise somebody changed it first and the unit runs again.

        It has to change something: MySQL does not count a row that already has all the new values.
        """
        if self.run(write, row, **params) != 1:
            raise Stale(str(write.clause.table))

    def lock(self, *names: tuple[str, Id]) -> None:
        """Hold locks (kind, id) until the unit ends; a read-then-write use case takes all of its locks first, at
        once.
        """
        self._session.lock(sorted(f"{kind}:{identifier}" for kind, identifier in names))

    def append(self, event: Event, *, company: Id | None, lot: Id | None, key: Id) -> Id:
        """Write what happened into the log; events of one ``key`` are consumed in order. Returns the event's id."""
        if not self.caller.scope.allows(company, lot):
            raise Denied("auth.out_of_scope")
        event_id = self._session.new_id()
        self.events.append((event_id, event, company, lot, key))
        return event_id

    def new_id(self) -> Id:
        """Return a fresh id."""
        return self._session.new_id()

    def _check(self, columns: tuple[str, str | None], given: Mapping[str, Any], row: object) -> None:
        scope = self.caller.scope
        if scope.is_everything:
            return
        company, lot = (_parameter(name, given, row) for name in columns)
        if not scope.allows(company, lot):
            raise Denied("auth.out_of_scope")


def _parameter(name: str | None, given: Mapping[str, Any], row: object) -> Any:
    if name is None:
        return None
    return given[name] if name in given else getattr(row, name)


def stale_refusal() -> Refused:
    """Return what a caller is told when a row keeps changing under its unit."""
    return Refused("state.changed")


def check_version(there: int, expected: int | None) -> None:
    """Refuse to write over what somebody else changed after it was read: optimistic locking, one way for all forms.

    ``there`` is the version of what stands now, 0 for nothing; ``expected`` the one that was read, None to write
    whatever stands. A use case asks only after it knows that it would change something: the same again, after an
    answer that was lost, is no conflict with itself. Raises ``Refused("state.changed")``.
    """
    if expected is not None and expected != there:
        raise stale_refusal()
