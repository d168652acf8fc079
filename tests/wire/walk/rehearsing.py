"""What people ask for is done, looked at and taken back, so that a walk changes nothing and may ask for everything."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from openberth.infra.database import Reader, Unit, Urgency
from openberth.infra.database.schema import metadata
from openberth.kernel.authority import ActorKind, Caller, system
from tests.wire.api.house import House
from tests.wire.walk.rows import scoped_tables
from tests.wire.walk.tenants import Tenant

T = TypeVar("T")
PEOPLE = (ActorKind.PERSON, ActorKind.INTEGRATOR)
Rows = dict[str, list[Any]]


class _Over(Exception):
    """Ends a unit that went well."""


class Touched(AssertionError):
    """Somebody changed rows of another."""


def everything_of(tenant: Tenant) -> Callable[[Reader], Rows]:
    """Return a query for all rows of a company, and for those of its accounts, as the database keeps them."""
    asks: list[tuple[str, str, tuple[bytes, ...]]] = []
    for each in scoped_tables():
        ask = f"SELECT * FROM {each.name} WHERE {each.info['scope'][0]} IN (?, ?) ORDER BY 1, 2"
        asks.append((each.name, ask, (UUID(tenant.id).bytes, UUID(tenant.partner).bytes)))
    for each in metadata.sorted_tables:
        if each.info.get("scope") is None and "account_id" in each.columns:
            accounts = [UUID(account).bytes for account in tenant.accounts.values()]
            marks = ", ".join("?" for _ in accounts)
            ask = f"SELECT * FROM {each.name} WHERE account_id IN ({marks}) ORDER BY 1"
            asks.append((each.name, ask, tuple(accounts)))

    def read(reader: Reader) -> Rows:
        return {name: reader._session.execute(ask, values).fetchall() for name, ask, values in asks}

    return read


@contextmanager
def rehearsed(house: House, untouched: Tenant) -> Iterator[None]:
    """Take back whatever people do meanwhile, after a look at the rows that they must not have touched."""
    database, look = house.database, everything_of(untouched)
    before = database.read_now(look, by=system("walk"))
    write = database.write

    async def rehearse(use_case: Callable[[Unit], T], *, by: Caller, urgency: Urgency = Urgency.NORMAL) -> T:
        if by.actor.kind not in PEOPLE:
            return await write(use_case, by=by, urgency=urgency)
        done: list[T] = []

        def run(unit: Unit) -> T:
            done[:] = [use_case(unit)]
            changed = [name for name, rows in look(unit).items() if rows != before[name]]
            if changed:
                raise Touched(f"{changed} of {untouched.code}")
            raise _Over

        try:
            return await write(run, by=by, urgency=urgency)
        except _Over:
            return done[0]

    database.write = rehearse  # type: ignore[method-assign]
    try:
        yield
    finally:
        del database.write
    after = database.read_now(look, by=system("walk"))
    assert after == before, [name for name in before if after[name] != before[name]]
