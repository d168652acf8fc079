"""What happened, as facts in one log.

An event is a frozen dataclass with ``KIND`` and ``VERSION``; its fields hold ids and plain values only, never personal
data. The envelope says where, when, by whom and because of what. Positions are given after the commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from openberth.kernel.authority import Actor
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


class Event(Protocol):
    """A fact: a frozen dataclass of ids and plain values."""

    KIND: ClassVar[str]
    VERSION: ClassVar[int]


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event as written in the log.

    ``key`` orders: events of one key are consumed in their order. ``position`` counts committed events and is None
    until the sequencer has numbered the row. ``occurred_at`` is business time, ``recorded_at`` machine time.
    """

    id: Id
    position: int | None
    kind: str
    version: int
    company: Id | None
    lot: Id | None
    key: Id
    node: str
    node_sequence: int
    actor: Actor
    cause: Id | None
    occurred_at: Instant
    recorded_at: Instant
    body: Mapping[str, Any]
