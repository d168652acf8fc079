"""The event log as rows: appended in the unit, numbered after the commit, read by position and lifted to the newest
version.

Wire form of a body: the event's dataclass as JSON. Every kind and version has a golden file under
``tests/golden/events``.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, or_, select, update

from openberth.infra.database.schema import event, event_head
from openberth.infra.database.statement import Prepared, Query, Write, insert_into, one_id
from openberth.infra.database.unit import Reader, Session, Unit
from openberth.infra.upcasting import UPCASTERS
from openberth.kernel.authority import Actor, ActorKind
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

PAGE_MAX = 500

INSERT_EVENT = insert_into(event)


def _envelope(
    id: Id,  # noqa: A002 - columns in the order of the table
    position: int | None,
    kind: str,
    version: int,
    company: Id | None,
    lot: Id | None,
    key: Id,
    node: str,
    node_sequence: int,
    actor_kind: str,
    actor_name: str,
    actor_address: str | None,
    cause: Id | None,
    occurred_at: int,
    recorded_at: int,
    body: Any,
) -> Envelope:
    actor = Actor(ActorKind(actor_kind), actor_name, actor_address)
    version, body = UPCASTERS.lift(kind, version, body)
    return Envelope(
        id, position, kind, version, company, lot, key, node, node_sequence, actor, cause,
        Instant(occurred_at), Instant(recorded_at), body,
    )  # fmt: skip


AFTER = Query(
    select(event).where(event.c.position > bindparam("after")).order_by(event.c.position).limit(bindparam("limit")),
    _envelope,
)
UNREAD_OF_LOT = Query(
    select(event).where(
        or_(event.c.position > bindparam("after"), event.c.position.is_(None)),
        event.c.lot_id == bindparam("wanted_lot"),
    ),
    _envelope,
)
HEAD = Query(select(func.coalesce(func.max(event.c.position), 0)), int)


def read_after(reader: Reader, *, position: int, limit: int = PAGE_MAX) -> list[Envelope]:
    """Return numbered events after a position, in order, at most ``limit`` (≤ 500)."""
    return reader.all(AFTER, after=position, limit=min(limit, PAGE_MAX))


def unread_of_lot(reader: Reader, *, lot: Id, position: int, kinds: frozenset[str]) -> list[Envelope]:
    """Return the events of a lot after a position, also those without one yet, of some kinds. For checks: all of them.

    Who reads the log for work reads it page by page; a check is about the little that is on its way.
    """
    return [one for one in reader.all(UNREAD_OF_LOT, after=position, wanted_lot=lot) if one.kind in kinds]


def head(reader: Reader) -> int:
    """Return the position of the newest numbered event, 0 for an empty log."""
    return reader.all(HEAD)[0]


class EventWriter:
    """Turns a unit's events into rows. One per database; ``node_sequence`` counts this node's events."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.node_sequence = 0
        self._prepared: Prepared | None = None

    def flush(self, unit: Unit, session: Session, first_position: int | None) -> list[Envelope]:
        """Insert the unit's events and return them as they will be read.

        With ``first_position`` they are numbered at once (the single writer of SQLite).
        """
        prepared = self._prepared
        if prepared is None:
            prepared = self._prepared = INSERT_EVENT.prepared(session.dialect, unit.caller.scope)
        actor = unit.caller.actor
        rows = []
        envelopes = []
        for index, (event_id, happened, company, lot, key) in enumerate(unit.events):
            self.node_sequence += 1
            position = None if first_position is None else first_position + index
            encoded = msgspec.json.encode(happened)
            body = msgspec.json.decode(encoded)  # as it will be read: lists, not tuples
            values = {
                "id": event_id, "position": position, "kind": happened.KIND, "version": happened.VERSION,
                "company_id": company, "lot_id": lot, "key": key, "node": self.node,
                "node_sequence": self.node_sequence, "actor_kind": actor.kind.value, "actor_name": actor.name,
                "actor_address": actor.address, "cause": unit.cause, "occurred_at": unit.now,
                "recorded_at": unit.machine_now, "body": msgspec.Raw(encoded),
            }  # fmt: skip
            rows.append(prepared.bind(values))
            envelopes.append(
                Envelope(
                    event_id, position, happened.KIND, happened.VERSION, company, lot, key, self.node,
                    self.node_sequence, actor, unit.cause, unit.now, unit.machine_now, body,
                )
            )  # fmt: skip
        session.execute_many(prepared.sql, rows)
        return envelopes


UNNUMBERED = Query(select(event.c.id).where(event.c.position.is_(None)).order_by(event.c.id).limit(PAGE_MAX), one_id)
LOCK_HEAD = Query(select(event_head.c.position).where(event_head.c.id == 1).with_for_update(), int)
NUMBER = Write(
    update(event).where(event.c.id == bindparam("event_id")).values(position=bindparam("new_position")),
)
MOVE_HEAD = Write(update(event_head).where(event_head.c.id == 1).values(position=bindparam("new_position")))


def number_committed(unit: Unit) -> int:
    """Give positions to committed events that have none, in one transaction that holds the head row. Servers only.

    The head row is locked for the transaction, so there is one sequencer at a time however many processes try.
    Returns how many events were numbered.
    """
    position = unit.all(LOCK_HEAD)[0]
    waiting: Sequence[Id] = unit.all(UNNUMBERED)
    for event_id in waiting:
        position += 1
        unit.run(NUMBER, event_id=event_id, new_position=position)
    if waiting:
        unit.run(MOVE_HEAD, new_position=position)
    return len(waiting)
