"""When devices were last heard. Written a few at a time by whoever hears them; never an event by itself."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, bindparam, func, select, update
from sqlalchemy.sql.expression import ColumnElement

from openberth.contexts.facility.store.tables import device, device_firmware, device_presence, lot
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

LOST_MAX = 100


@dataclass(frozen=True, slots=True)
class Silent:
    """A device that counts as online and has not been heard for too long."""

    device: Id
    company: Id
    lot: Id
    lane: Id
    code: str
    last_seen_at: Instant
    retired_at: Instant | None
    address: str | None


@dataclass(frozen=True, slots=True)
class Firmware:
    """What a device says it runs, from an instant of machine time on."""

    id: Id
    text: str
    seen_at: Instant


def _new_or_known(name: str, column: "Column[Any]") -> "ColumnElement[Any]":
    return func.coalesce(bindparam(name, type_=column.type), column)


_TOUCHED: dict[str, Any] = {
    "last_seen_at": bindparam("seen_at"),
    "address": _new_or_known("new_address", device_presence.c.address),
    "clock_offset_us": _new_or_known("new_offset", device_presence.c.clock_offset_us),
    "state": _new_or_known("new_state", device_presence.c.state),
}

INSERT = insert_into(device_presence, once=True)
CAME = Write(
    update(device_presence)
    .where(device_presence.c.device_id == bindparam("device"), device_presence.c.online.is_(False))
    .values(**_TOUCHED, online=True, since_at=bindparam("seen_at"))
)
# Several processes may hear one device: the latest wins.
TOUCH = Write(
    update(device_presence)
    .where(device_presence.c.device_id == bindparam("device"), device_presence.c.last_seen_at < bindparam("seen_at"))
    .values(**_TOUCHED)
)
SILENT = Query(
    select(
        device.c.id, device.c.company_id, device.c.lot_id, device.c.lane_id, device.c.code,
        device_presence.c.last_seen_at, device.c.retired_at, device_presence.c.address,
    )
    .select_from(device_presence.join(device, device.c.id == device_presence.c.device_id))
    .where(device_presence.c.online.is_(True), device_presence.c.last_seen_at < bindparam("seen_before"))
    .order_by(device_presence.c.last_seen_at)
    .limit(LOST_MAX),
    Silent,
)  # fmt: skip
LOST = Write(
    update(device_presence)
    .where(
        device_presence.c.device_id == bindparam("device"),
        device_presence.c.online.is_(True),
        device_presence.c.last_seen_at == bindparam("seen_at"),
    )
    .values(online=False, since_at=bindparam("now"))
)
FIRMWARE_OF = Query(
    select(device_presence.c.firmware).where(device_presence.c.device_id == bindparam("device")), lambda text: text
)
SET_FIRMWARE = Write(
    update(device_presence).where(device_presence.c.device_id == bindparam("device")).values(firmware=bindparam("text"))
)
INSERT_FIRMWARE = insert_into(device_firmware)
FIRMWARES = Query(
    select(device_firmware.c.id, device_firmware.c.firmware, device_firmware.c.seen_at)
    .where(device_firmware.c.device_id == bindparam("device"), device_firmware.c.id < bindparam("before"))
    .order_by(device_firmware.c.id.desc())
    .limit(bindparam("limit")),
    Firmware,
)
IS_ONLINE = Query(select(device_presence.c.online).where(device_presence.c.device_id == bindparam("device")), bool)
CODE_OF = Query(select(device.c.code).where(device.c.id == bindparam("device")), lambda code: code)
LOT_OF = Query(select(lot.c.code).where(lot.c.id == bindparam("lot")), lambda code: code)
