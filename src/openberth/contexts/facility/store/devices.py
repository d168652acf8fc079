"""Statements of the list of devices: each shape of a question is one statement, made when it is first asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, exists, select
from sqlalchemy.sql.expression import ColumnElement

from openberth.contexts.facility.model import DeviceKind
from openberth.contexts.facility.store.tables import device, device_presence, lane, lot
from openberth.infra.database.batches import among_batch
from openberth.infra.database.statement import Query
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


class DeviceState(StrEnum):
    """Whether a device is heard."""

    ONLINE = "online"
    OFFLINE = "offline"
    NEVER_SEEN = "never_seen"


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device with where it stands."""

    id: Id
    code: str
    kind: DeviceKind
    serial: str | None
    networks: Sequence[str]
    lot: Id
    lot_code: str
    lane: Id
    lane_code: str
    secret: Id | None
    endpoint: str | None
    login: Id | None


@dataclass(frozen=True, slots=True)
class Heard:
    """When a device was heard last (machine time), from where, and what it says of itself."""

    device: Id
    online: bool
    last_seen_at: Instant
    address: str | None
    clock_offset_us: int | None
    state: Mapping[str, Any] | None
    firmware: str | None
    since_at: Instant | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a device stands that is not retired."""

    company: Id
    lot: Id
    lane: Id


STANDING = Query(
    select(device.c.company_id, device.c.lot_id, device.c.lane_id).where(
        device.c.id == bindparam("device"), device.c.retired_at.is_(None)
    ),
    Standing,
)
_SEEN = device_presence.c
HEARD = Query(
    select(
        _SEEN.device_id, _SEEN.online, _SEEN.last_seen_at, _SEEN.address, _SEEN.clock_offset_us, _SEEN.state,
        _SEEN.firmware, _SEEN.since_at,
    ).where(among_batch(_SEEN.device_id)),
    Heard,
)  # fmt: skip


def _is(heard: DeviceState) -> ColumnElement[bool]:
    """Return whether a device is heard, without a join: a scope would narrow that, too."""
    row = exists().where(_SEEN.device_id == device.c.id)
    if heard is DeviceState.NEVER_SEEN:
        return ~row
    return row.where(_SEEN.online.is_(heard is DeviceState.ONLINE))


@lru_cache(maxsize=32)
def listed(*, of_lot: bool, heard: DeviceState | None, kind: bool) -> Query[ListedDevice]:
    """Return the statement for a page: ``before`` and ``limit``, and ``lot`` and ``of_kind`` when they narrow it."""
    wanted = [device.c.retired_at.is_(None), lot.c.retired_at.is_(None), device.c.id < bindparam("before")]
    wanted += [device.c.lot_id == bindparam("lot")] if of_lot else []
    wanted += [_is(heard)] if heard is not None else []
    wanted += [device.c.kind == bindparam("of_kind")] if kind else []
    clause = (
        select(
            device.c.id, device.c.code, device.c.kind, device.c.serial, device.c.networks, device.c.lot_id,
            lot.c.code.label("lot_code"), device.c.lane_id, lane.c.code.label("lane_code"), device.c.secret_id,
            device.c.endpoint, device.c.login_id,
        )
        .select_from(device.join(lot, lot.c.id == device.c.lot_id).join(lane, lane.c.id == device.c.lane_id))
        .where(*wanted)
        .order_by(device.c.id.desc())
        .limit(bindparam("limit"))
    )  # fmt: skip
    return Query(clause, ListedDevice)
