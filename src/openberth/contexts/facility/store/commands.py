"""Commands to hardware as rows. A command ends in the state in which it was read, so its first outcome stays."""

from sqlalchemy import bindparam, func, or_, select, update

from openberth.contexts.facility.model import LINKED, Command, CommandKind, CommandState
from openberth.contexts.facility.store.tables import command, device
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import IdType

PAGE_MAX = 200
SWEPT_MAX = 25  # commands ended in one unit: small units let lanes through in between
TAKEN_MAX = 8

_FIELDS = (
    command.c.id, command.c.company_id, command.c.lot_id, command.c.device_id, command.c.lane_id, command.c.kind,
    command.c.state, command.c.outcome, command.c.passage_id, command.c.reason, command.c.detail, command.c.actor,
    command.c.issued_at, command.c.expires_at, command.c.sent_at, command.c.ended_at,
)  # fmt: skip

INSERT_COMMAND = insert_into(command)
COMMAND = Query(select(*_FIELDS).where(command.c.id == bindparam("command")), Command)
WAITING_FOR_DEVICE = Query(
    select(*_FIELDS)
    .where(command.c.device_id == bindparam("device"), command.c.state == CommandState.WAITING)
    .order_by(command.c.id)
    .limit(TAKEN_MAX),
    Command,
)
# Devices with something to do, and until when: read once, at the start of a process.
WAITING_DEVICES = Query(
    select(command.c.device_id, func.max(command.c.expires_at))
    .where(command.c.state == CommandState.WAITING)
    .group_by(command.c.device_id),
    lambda device_id, expires_at: (device_id, expires_at),
)
OPEN_OF_LANE = Query(
    select(*_FIELDS)
    .where(
        command.c.lane_id == bindparam("lane"),
        command.c.device_id == bindparam("device"),
        command.c.state == CommandState.SENT,
    )
    .order_by(command.c.id)
    .limit(8),
    Command,
)
EXPIRED = Query(
    select(*_FIELDS)
    .where(command.c.state == bindparam("state"), command.c.expires_at < bindparam("machine_now"))
    .order_by(command.c.expires_at)
    .limit(SWEPT_MAX),
    Command,
)
# A device with a link is sent its command at once; one that nobody has taken is for a device without a link.
UNTAKEN_PUSH = Query(
    select(*_FIELDS)
    .select_from(command.join(device, device.c.id == command.c.device_id))
    .where(
        command.c.state == CommandState.WAITING,
        command.c.expires_at < bindparam("expires_before"),
        or_(*(device.c.kind == kind for kind in LINKED)),
    )
    .order_by(command.c.expires_at)
    .limit(SWEPT_MAX),
    Command,
)
UNFINISHED = Query(
    select(*_FIELDS).where(command.c.state == bindparam("state")).order_by(command.c.expires_at).limit(SWEPT_MAX),
    Command,
)
MARK_SENT = Write(
    update(command)
    .where(command.c.id == bindparam("command"), command.c.state == CommandState.WAITING)
    .values(state=CommandState.SENT, sent_at=bindparam("now"))
)
END = Write(
    update(command)
    .where(command.c.id == bindparam("command"), command.c.state == bindparam("old_state"))
    .values(
        state=CommandState.ENDED,
        outcome=bindparam("new_outcome"),
        detail=bindparam("new_detail"),
        ended_at=bindparam("now"),
    )
)
OF_LOT = Query(
    select(*_FIELDS)
    .where(command.c.lot_id == bindparam("lot"), command.c.id < bindparam("before"))
    .order_by(command.c.id.desc())
    .limit(bindparam("limit")),
    Command,
)
OF_DEVICE = Query(
    select(*_FIELDS)
    .where(command.c.device_id == bindparam("device"), command.c.id < bindparam("before"))
    .order_by(command.c.id.desc())
    .limit(bindparam("limit")),
    Command,
)
OF_PASSAGE = Query(
    select(*_FIELDS)
    .where(command.c.passage_id == bindparam("passage", type_=IdType()))
    .order_by(command.c.id)
    .limit(PAGE_MAX),
    Command,
)
LAST_OPEN_OF_LANE = Query(
    select(*_FIELDS)
    .where(
        command.c.lane_id == bindparam("lane"),
        command.c.device_id == bindparam("device"),
        command.c.kind == CommandKind.OPEN,
        or_(command.c.state == CommandState.WAITING, command.c.state == CommandState.SENT),
        command.c.issued_at >= bindparam("since"),
    )
    .order_by(command.c.id.desc())
    .limit(1),
    Command,
)
# What a gate was last told about staying open.
LAST_KEPT = Query(
    select(*_FIELDS)
    .where(
        command.c.lane_id == bindparam("lane"),
        command.c.device_id == bindparam("device"),
        or_(command.c.kind == CommandKind.LOCK_OPEN, command.c.kind == CommandKind.UNLOCK),
    )
    .order_by(command.c.id.desc())
    .limit(1),
    Command,
)
DEVICES_OF_LANE = Query(
    select(device.c.id, device.c.kind).where(device.c.lane_id == bindparam("lane"), device.c.retired_at.is_(None)),
    lambda device_id, kind: (device_id, kind),
)
