"""Displays as rows: what lots say of theirs, and what people put on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from openberth.contexts.facility.model import DeviceKind, LaneKind
from openberth.contexts.facility.store.tables import device, display_advert, lane, lane_text, lot
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

PURGE_MAX = 200
_L, _T, _A = lot.c, lane_text.c, display_advert.c


@dataclass(frozen=True, slots=True)
class LotDisplaysRow:
    """A lot that has displays."""

    id: Id
    company: Id
    code: str
    name_zh: str
    name_en: str
    zone: str
    currency: str
    displays: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LaneRow:
    """A lane with the code on its sign, and the areas it leads between."""

    id: Id
    code: str
    name_zh: str
    name_en: str
    kind: LaneKind
    scan_code: str


@dataclass(frozen=True, slots=True)
class LaneTextRow:
    """What a person has put on a display; instants are machine time."""

    lane: Id
    text: str
    aloud: bool
    shown_by: str
    shown_at: Instant
    until: Instant


_LOT = select(_L.id, _L.company_id, _L.code, _L.name_zh, _L.name_en, _L.zone, _L.currency, _L.displays).where(
    _L.displays.is_not(None), _L.retired_at.is_(None)
)
LOTS = Query(_LOT, LotDisplaysRow)
LOT = Query(_LOT.where(_L.id == bindparam("lot")), LotDisplaysRow)
LANES = Query(
    select(lane.c.id, lane.c.code, lane.c.name_zh, lane.c.name_en, lane.c.kind, lane.c.scan_code).where(
        lane.c.lot_id == bindparam("lot"), lane.c.retired_at.is_(None)
    ),
    LaneRow,
)


def _device(identifier: Id, code: str, at: Id, kind: DeviceKind) -> tuple[Id, str, Id, DeviceKind]:
    return identifier, code, at, kind


DEVICES = Query(
    select(device.c.id, device.c.code, device.c.lane_id, device.c.kind)
    .where(device.c.lot_id == bindparam("lot"), device.c.retired_at.is_(None))
    .order_by(device.c.id),
    _device,
)
TEXT = Query(
    select(_T.lane_id, _T.text, _T.aloud, _T.shown_by, _T.shown_at, _T.until_at).where(
        _T.lane_id == bindparam("lane"), _T.until_at > bindparam("now")
    ),
    LaneTextRow,
)
INSERT_TEXT = insert_into(lane_text, once=True)
REPLACE_TEXT = Write(
    update(lane_text)
    .where(_T.lane_id == bindparam("at_lane"))
    .values(
        text=bindparam("new_text"), aloud=bindparam("new_aloud"), shown_by=bindparam("new_shown_by"),
        shown_at=bindparam("now"), until_at=bindparam("new_until"),
    )
)  # fmt: skip
DELETE_TEXT = Write(delete(lane_text).where(_T.lane_id == bindparam("at_lane")))
OVER = Query(select(_T.lane_id).where(_T.until_at <= bindparam("now")).limit(PURGE_MAX), lambda found: found)


@dataclass(frozen=True, slots=True)
class AdvertRow:
    """The mark of what a display keeps in its own memory, and since when (machine time)."""

    kept: str
    kept_at: Instant


ADVERT = Query(select(_A.kept, _A.kept_at).where(_A.device_id == bindparam("device")), AdvertRow)
ADVERTS_RETIRED = Query(
    select(_A.device_id)
    .select_from(display_advert.join(device, device.c.id == _A.device_id))
    .where(device.c.retired_at.is_not(None))
    .limit(PURGE_MAX),
    one_id,
)
DELETE_ADVERT = Write(delete(display_advert).where(_A.device_id == bindparam("of_device")))
INSERT_ADVERT = insert_into(display_advert, once=True)
REPLACE_ADVERT = Write(
    update(display_advert)
    .where(_A.device_id == bindparam("of_device"))
    .values(kept=bindparam("new_kept"), kept_at=bindparam("now"))
)
