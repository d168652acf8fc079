"""The lanes of many lots at once, for the live page: who came last, what was decided, who waits, what needs a person.

Plates leave masked; they come with the rows and are opened in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openberth.contexts import facility
from openberth.contexts.facility import LaneOnLot, Opening
from openberth.contexts.stays.model.entities import Action, Ask, Case, PassageState
from openberth.contexts.stays.store import cases as case_store
from openberth.contexts.stays.store import live as store
from openberth.infra.database import Reader
from openberth.infra.database.batches import in_batches
from openberth.infra.vault import open_sealed
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import Instant


@dataclass(frozen=True, slots=True)
class CarAtLane:
    """The car that came to a lane last, and what was decided; ``opening`` is what became of the command to the gate."""

    passage: Id
    captured_at: Instant
    plate: str | None
    action: Action
    reason: str
    state: PassageState
    ask: Ask
    waiting: bool
    stay: Id | None
    bill: Id | None
    pictures: int
    opening: Opening | None


@dataclass(frozen=True, slots=True)
class LiveLane:
    """A lane with the car that came last, None before the first one."""

    lane: LaneOnLot
    car: CarAtLane | None


@dataclass(frozen=True, slots=True)
class OpenCases:
    """How many things of a lot need a person, and the newest of them."""

    count: int
    newest: Case | None


def live_lanes(reader: Reader, *, lanes: Sequence[LaneOnLot]) -> list[LiveLane]:
    """Return lanes with who came last: a statement for 64 of them, and one for as many commands."""
    rows = {row.lane: row for row in in_batches(reader, store.STANDING_AT, (lane.id for lane in lanes))}
    commands = facility.openings(reader, commands=[row.command for row in rows.values() if row.command is not None])
    return [LiveLane(lane, _car(reader, rows.get(lane.id), commands)) for lane in lanes]


def open_cases(reader: Reader, *, lots: Sequence[Id]) -> Mapping[Id, OpenCases]:
    """Return what needs a person, by lot; lots where nobody is needed are left out."""
    found: dict[Id, OpenCases] = {}
    for lot, count in in_batches(reader, store.OPEN_CASES, lots):
        found[lot] = OpenCases(count, reader.one(case_store.NEWEST_OPEN, lot=lot))
    return found


def _car(reader: Reader, row: store.StandingRow | None, commands: Mapping[Id, Opening]) -> CarAtLane | None:
    if row is None:
        return None
    plate = None if row.sealed is None else Plate(open_sealed(reader, row.sealed)).masked
    opening = None if row.command is None else commands.get(row.command)
    return CarAtLane(
        row.passage, row.captured_at, plate, row.action, row.reason, row.state, row.ask, row.waiting, row.stay,
        row.bill, row.pictures, opening,
    )  # fmt: skip
