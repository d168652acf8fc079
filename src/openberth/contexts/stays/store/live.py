"""Statements of the live page: who stands at many lanes at once, and what waits for a person."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from openberth.contexts.stays.model.entities import Action, Ask, PassageState
from openberth.contexts.stays.store.tables import lane_case, lane_state, passage
from openberth.infra.database.batches import among_batch
from openberth.infra.database.schema import vault
from openberth.infra.database.statement import Query
from openberth.infra.vault import Sealed
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


@dataclass(frozen=True, slots=True)
class StandingRow:
    """The car that came to a lane last. ``reason`` and the rest are of its passage; ``sealed`` is its plate."""

    lane: Id
    passage: Id
    captured_at: Instant
    waiting: bool
    ask: Ask
    stay: Id | None
    bill: Id | None
    command: Id | None
    action: Action
    reason: str
    state: PassageState
    pictures: int
    sealed: Sealed | None


def _standing(*columns: Any) -> StandingRow:
    values: list[Any] = [*columns[:-4], None if columns[-4] is None else Sealed(*columns[-4:])]
    return StandingRow(*values)


_STANDING = select(
    lane_state.c.lane_id, lane_state.c.passage_id, lane_state.c.captured_at, lane_state.c.waiting, lane_state.c.ask,
    lane_state.c.stay_id, lane_state.c.bill_id, lane_state.c.command_id, passage.c.action, passage.c.reason,
    passage.c.state, passage.c.pictures, vault.c.id, vault.c.kind, vault.c.key_id, vault.c.sealed,
).select_from(
    lane_state.join(passage, passage.c.id == lane_state.c.passage_id).outerjoin(
        vault, vault.c.id == lane_state.c.plate_id
    )
)  # fmt: skip
STANDING_AT = Query(_STANDING.where(among_batch(lane_state.c.lane_id)), _standing)

_OPEN = lane_case.c.resolved_at.is_(None)
OPEN_CASES = Query(
    select(lane_case.c.lot_id, func.count()).where(among_batch(lane_case.c.lot_id), _OPEN).group_by(lane_case.c.lot_id),
    lambda lot, count: (lot, int(count)),
)
