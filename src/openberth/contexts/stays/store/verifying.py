"""Statements that walk passages for verification."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select

from openberth.contexts.facility.model import LaneKind
from openberth.contexts.stays.model.entities import PassageState
from openberth.contexts.stays.store.tables import passage
from openberth.infra.database.statement import Query
from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class Opened:
    """A passage as verification looks at it: what it rests on, and the command that opened for it."""

    id: Id
    company: Id
    lot: Id
    lane_kind: LaneKind
    state: PassageState
    stay: Id | None
    bill: Id | None
    command: Id | None


_P = passage.c
_COLUMNS = (_P.id, _P.company_id, _P.lot_id, _P.lane_kind, _P.state, _P.stay_id, _P.bill_id, _P.command_id)

PASSAGES: Query[Opened] = Query(
    select(*_COLUMNS).where(_P.id > bindparam("after")).order_by(_P.id).limit(bindparam("limit")), Opened
)
OF_STAY: Query[Opened] = Query(
    select(*_COLUMNS).where(_P.stay_id == bindparam("stay")).order_by(_P.id).limit(100), Opened
)
