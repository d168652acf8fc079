"""Statements of consumers: their cursors, and the keys they could not take."""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, update

from openberth.infra.database import log as event_log
from openberth.infra.database.schema import consumer, event, parked_key
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class Parked:
    """A key whose events a consumer could not take, from which position on, and why."""

    key: Id
    position: int
    error: str


CURSOR = Query(select(consumer.c.position).where(consumer.c.name == bindparam("name")), int)
NEW_CURSOR = insert_into(consumer, once=True)
MOVE = Write(
    update(consumer)
    .where(consumer.c.name == bindparam("consumer_name"), consumer.c.position == bindparam("old"))
    .values(position=bindparam("new"), moved_at=bindparam("machine_now"))
)
PARK = insert_into(parked_key, once=True)
# Whoever decides by what is parked holds this row first, so that processes decide one after the other.
LOCKED_CURSOR = Query(select(consumer.c.position).where(consumer.c.name == bindparam("name")).with_for_update(), int)
_THIS_PARKED = (
    parked_key.c.consumer == bindparam("name"),
    parked_key.c.key == bindparam("parked"),
    parked_key.c.position == bindparam("missed_from"),
)
UNPARK = Write(delete(parked_key).where(*_THIS_PARKED))
PARKED_FROM = Write(update(parked_key).where(*_THIS_PARKED).values(position=bindparam("new_position")))
PARKED = Query(
    select(parked_key.c.key, parked_key.c.position, parked_key.c.error).where(
        parked_key.c.consumer == bindparam("name")
    ),
    lambda key, position, error: Parked(key, position, error),
)
ALL_PARKED = Query(select(parked_key.c.consumer, parked_key.c.error).limit(100), lambda name, error: (name, error))
OF_KEY = Query(
    select(event)
    .where(
        event.c.key == bindparam("parked"),
        event.c.position >= bindparam("first"),
        event.c.position <= bindparam("last"),
    )
    .order_by(event.c.position)
    .limit(event_log.PAGE_MAX),
    event_log.AFTER.into,
)
