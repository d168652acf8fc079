"""Where a consumer stands, and a second reader of the log that does its work anew from the beginning.

A second reader has a cursor of its own, so that retention keeps what it has still to read.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, or_, select

from openberth.infra.database.schema import consumer, event, parked_key
from openberth.infra.database.statement import Query, Write, one_id
from openberth.infra.database.unit import Reader, Unit
from openberth.infra.outbox import store
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

_PARKED = Query(select(func.count()).where(parked_key.c.consumer == bindparam("name")), int)
_UNPARK = Write(delete(parked_key).where(parked_key.c.consumer == bindparam("name")))
_FORGET = Write(delete(consumer).where(consumer.c.name == bindparam("wanted")))
_OLDEST_ID: Query[Id] = Query(select(event.c.id).order_by(event.c.id).limit(1), one_id)  # no server has min() of ids
_FIRST = Query(select(func.coalesce(func.min(event.c.position), 0)), int)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a consumer is: the last position it has taken, and how many keys it could not take."""

    position: int
    parked: int


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where the log begins: the first position it still has, 0 for an empty log, and when it was recorded."""

    position: int
    recorded_at: Instant


def standing_of(reader: Reader, *, name: str) -> Standing:
    """Return how far a consumer is."""
    return Standing(reader.one(store.CURSOR, name=name) or 0, reader.all(_PARKED, name=name)[0])


def held_standing(unit: Unit, *, name: str) -> Standing:
    """Return how far a consumer is; it does not go on until the unit ends."""
    return Standing(unit.one(store.LOCKED_CURSOR, name=name) or 0, unit.all(_PARKED, name=name)[0])


def beginning(reader: Reader) -> Beginning:
    """Return where the log begins, which loses its oldest months in time."""
    oldest = reader.one(_OLDEST_ID)
    at = 0 if oldest is None else (oldest.int >> 80) * 1_000  # ids of version 7 begin with their millisecond
    return Beginning(reader.all(_FIRST)[0], Instant(at))


def begin_again(unit: Unit, *, name: str, after: int) -> None:
    """Begin to read as a second reader, after a position. One that has begun goes on where it is."""
    unit.run(store.NEW_CURSOR, name=name, position=after, moved_at=unit.machine_now)


def go_on(unit: Unit, *, name: str, old: int, new: int) -> bool:
    """Move a second reader's cursor; False when another process has moved it before."""
    moved = unit.run(store.MOVE, consumer_name=name, old=old, new=new, machine_now=unit.machine_now)
    return moved == 1


def caught_up(unit: Unit, *, name: str, of: str) -> None:
    """End a second reader that has done all that the consumer ``of`` had to do, also what it could not take."""
    unit.run(_FORGET, wanted=name)
    unit.run(_UNPARK, name=of)


class Waiting:
    """Which kinds a consumer waits for; the statement is made once."""

    def __init__(self, kinds: frozenset[str]) -> None:
        of_kind = or_(*(event.c.kind == kind for kind in sorted(kinds)))
        self.query: Query[Instant] = Query(
            select(event.c.occurred_at)
            .where(or_(event.c.position > bindparam("after"), event.c.position.is_(None)), of_kind)
            .order_by(event.c.position)
            .limit(1),
            Instant,
        )


def waiting_since(reader: Reader, *, kinds: Waiting, position: int) -> Instant | None:
    """Return when the oldest event of the caller's scope happened that a consumer has not taken, None for none."""
    return reader.one(kinds.query, after=position)
