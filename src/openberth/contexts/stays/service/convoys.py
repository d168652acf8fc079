"""Convoys: a person has a lane let everybody through for a while. Every car is recorded as ever.

A gate that can be told to stay open is told so once; another one is told to open for every car. What a car owes that
leaves in a convoy becomes a debt, as whenever a person opens.
"""

from openberth.contexts import facility
from openberth.contexts.facility import Command, CommandKind, LaneContext
from openberth.contexts.stays.model.entities import Action
from openberth.contexts.stays.model.events import ConvoyBegan, ConvoyEnded
from openberth.contexts.stays.service import by_hand
from openberth.contexts.stays.store import passages as store
from openberth.infra import jobs
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, needs
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import MINUTE_US, Instant

JOB_OVER = "stays.convoy_over"
MINUTES_MAX = 240
STANDS_US = MINUTE_US  # a car that was refused is taken to stand before the gate for so long


@needs("lane.open")
def begin_convoy(unit: Unit, *, lot: Id, lane: Id, minutes: int, reason: str) -> Instant:
    """Let everybody through at a lane for so many minutes (of the machine's clock), and return until when.

    A car that stands there already goes first, as when a person opens for it: no camera tells of it anew. Said again
    while it lasts it lasts until then; a gate that is not known to stay open is told once more. Raises
    ``NotFound("lane.not_found")``, ``Refused``: ``convoy.minutes``, ``lane.no_gate``, ``reason.missing``,
    ``reason.too_long``.
    """
    text = checked_reason(reason)
    if not 1 <= minutes <= MINUTES_MAX:
        raise Refused("convoy.minutes", most=MINUTES_MAX)
    unit.lock(("lot", lot))
    context = facility.lane_context(unit, lane=lane)
    if context.lot != lot:
        raise Refused("lane.no_gate", lane=context.code)
    _let_the_first_through(unit, context, text)
    if not is_open(unit, context) or not facility.stands_open(unit, lane=lane):
        _tell_gate(unit, context, CommandKind.LOCK_OPEN, text)
    until = Instant(unit.machine_now + minutes * MINUTE_US)
    facility.hold_open(unit, lane=lane, until=until)
    jobs.cancel(unit, kind=JOB_OVER, unique_key=lane.hex)
    jobs.schedule(unit, kind=JOB_OVER, body={"lot": str(lot), "lane": str(lane)}, due_at=until, unique_key=lane.hex)
    unit.append(ConvoyBegan(lane, int(until), text), company=context.company, lot=lot, key=lane)
    return until


@needs("lane.open")
def end_convoy(unit: Unit, *, lot: Id, lane: Id) -> bool:
    """Have a lane decide about every car again; tells whether it had let everybody through.

    Said again it tells a gate once more that may stay open still.
    """
    return _end(unit, lot, lane, "by_hand")


@by_construction
def convoy_over(unit: Unit, *, lot: Id, lane: Id) -> bool:
    """End a convoy whose time is over; one that was prolonged meanwhile goes on."""
    context = facility.lane_context(unit, lane=lane)
    if context.held_open_until is not None and unit.machine_now < context.held_open_until:
        return False
    return _end(unit, lot, lane, "time")


def is_open(reader: Reader, lane: LaneContext) -> bool:
    """Tell whether a lane lets everybody through at this moment."""
    return lane.held_open_until is not None and reader.machine_now < lane.held_open_until


def _end(unit: Unit, lot: Id, lane: Id, cause: str) -> bool:
    unit.lock(("lot", lot))
    context = facility.lane_context(unit, lane=lane)
    if context.lot != lot:
        return False
    if context.held_open_until is None:
        if facility.may_stay_open(unit, lane=lane):
            _tell_gate(unit, context, CommandKind.UNLOCK, None)
        return False
    _tell_gate(unit, context, CommandKind.UNLOCK, None)
    facility.hold_open(unit, lane=lane, until=None)
    jobs.cancel(unit, kind=JOB_OVER, unique_key=lane.hex)
    unit.append(ConvoyEnded(lane, cause), company=context.company, lot=lot, key=lane)
    return True


def _let_the_first_through(unit: Unit, lane: LaneContext, reason: str) -> None:
    """Open for the car that waits, or was refused a moment ago and stands there still."""
    standing = unit.one(store.LANE, lane=lane.id)
    if standing is None:
        return
    is_new = unit.machine_now - standing.decided_at <= STANDS_US
    if standing.waiting or (standing.action is Action.REFUSE and is_new):
        by_hand.open_by_hand(unit, lot=lane.lot, lane=lane.id, reason=reason)


def _tell_gate(unit: Unit, lane: LaneContext, kind: CommandKind, reason: str | None) -> Command | None:
    if not facility.keeps_open(unit, lane=lane.id):
        if facility.gate_of(unit, lane=lane.id) is None:
            raise Refused("lane.no_gate", lane=lane.code)
        return None
    return facility.issue_command(
        unit, company=lane.company, lot=lane.lot, lane=lane.id, kind=kind, passage=None, reason=reason
    )
