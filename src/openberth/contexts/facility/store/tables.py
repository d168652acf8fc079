"""The tables of facility. What disappears from a lot file is retired (``retired_at``), never deleted."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer

from openberth.contexts.facility.model import (
    CommandKind,
    CommandState,
    DeviceKind,
    LaneKind,
    LotState,
    Outcome,
)
from openberth.infra.database.schema import OnMove, business_table, table
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column

CODE_LENGTH = 40
NAME_LENGTH = 120
SCAN_CODE_LENGTH = 16

lot = table(
    "lot",
    id_column(primary_key=True),
    id_column("company_id"),
    word_column("code", CODE_LENGTH),
    word_column("name_zh", NAME_LENGTH),
    word_column("name_en", NAME_LENGTH),
    word_column("zone", 60),
    word_column("currency", 3),
    Column("capacity", Integer, nullable=False),
    word_column("tariff_code", CODE_LENGTH),
    enum_column("state", LotState),
    word_column("scan_code", SCAN_CODE_LENGTH),
    json_column("rules"),
    json_column("simulation", nullable=True),
    instant_column("retired_at", nullable=True),
    Column("version", BigInteger, nullable=False),
    json_column("pricing", nullable=True),
    scope=("company_id", "id"),
    moves=OnMove.FOLLOW,
)
Index("uq_lot_code", lot.c.company_id, lot.c.code, unique=True)
Index("uq_lot_scan_code", lot.c.scan_code, unique=True)

area = business_table(
    "area",
    word_column("code", CODE_LENGTH),
    word_column("name_zh", NAME_LENGTH),
    word_column("name_en", NAME_LENGTH),
    id_column("inside_id", nullable=True),
    Column("capacity", Integer, nullable=False),
    word_column("tariff_code", CODE_LENGTH, nullable=True),
    instant_column("retired_at", nullable=True),
    json_column("tariffs", nullable=True),
    moves=OnMove.FOLLOW,
)
Index("uq_area_code", area.c.lot_id, area.c.code, unique=True)

# Three numbers, never one: cars counted at lanes, what people corrected, and the area's capacity (its own row).
occupancy = table(
    "occupancy",
    id_column("lot_id", primary_key=True),
    id_column("area_id", primary_key=True),
    id_column("company_id"),
    Column("count", Integer, nullable=False),
    Column("adjustment", Integer, nullable=False),
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)

space = business_table(
    "space",
    id_column("area_id"),
    word_column("code", CODE_LENGTH),
    instant_column("retired_at", nullable=True),
    moves=OnMove.FOLLOW,
)
Index("uq_space_code", space.c.lot_id, space.c.code, unique=True)

booth = business_table(
    "booth",
    word_column("code", CODE_LENGTH),
    word_column("name_zh", NAME_LENGTH),
    word_column("name_en", NAME_LENGTH),
    instant_column("retired_at", nullable=True),
    moves=OnMove.FOLLOW,
)
Index("uq_booth_code", booth.c.lot_id, booth.c.code, unique=True)

lane = business_table(
    "lane",
    word_column("code", CODE_LENGTH),
    word_column("name_zh", NAME_LENGTH),
    word_column("name_en", NAME_LENGTH),
    enum_column("kind", LaneKind),
    id_column("from_area_id", nullable=True),
    id_column("to_area_id", nullable=True),
    id_column("booth_id", nullable=True),
    word_column("scan_code", SCAN_CODE_LENGTH),
    instant_column("retired_at", nullable=True),
    moves=OnMove.FOLLOW,
)
Index("uq_lane_code", lane.c.lot_id, lane.c.code, unique=True)
Index("uq_lane_scan_code", lane.c.scan_code, unique=True)

device = business_table(
    "device",
    id_column("lane_id"),
    word_column("code", CODE_LENGTH),
    enum_column("kind", DeviceKind),
    word_column("serial", 64, nullable=True),
    json_column("networks"),
    word_column("heartbeat", 12, nullable=True),
    id_column("secret_id", nullable=True),
    word_column("secret_fingerprint", 64, nullable=True),
    instant_column("secret_issued_at", nullable=True),
    instant_column("retired_at", nullable=True),
    moves=OnMove.FOLLOW,
)
Index("uq_device_code", device.c.lot_id, device.c.code, unique=True)
Index("ix_device_lane", device.c.lane_id)

# The secret before the present one, for as long as a device that takes over the new one slowly may still show it.
device_old_secret = table(
    "device_old_secret",
    id_column("device_id", primary_key=True),
    id_column("company_id"),
    id_column("lot_id"),
    id_column("secret_id"),
    word_column("secret_fingerprint", 64),
    instant_column("until_at"),
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)
Index("ix_device_old_secret_until", device_old_secret.c.until_at)

# Written at most every few seconds per device: heartbeats are not events.
device_presence = table(
    "device_presence",
    id_column("device_id", primary_key=True),
    id_column("company_id"),
    id_column("lot_id"),
    instant_column("last_seen_at"),
    word_column("address", 64, nullable=True),
    Column("online", Boolean, nullable=False),
    Column("clock_offset_us", BigInteger, nullable=True),
    json_column("state", nullable=True),
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)

command = business_table(
    "command",
    id_column("device_id"),
    id_column("lane_id"),
    enum_column("kind", CommandKind),
    enum_column("state", CommandState),
    enum_column("outcome", Outcome, nullable=True),
    id_column("passage_id", nullable=True),
    word_column("reason", 200, nullable=True),
    word_column("detail", 60, nullable=True),
    word_column("actor", 100),
    instant_column("issued_at"),
    instant_column("expires_at"),
    instant_column("sent_at", nullable=True),
    instant_column("ended_at", nullable=True),
    moves=lambda each: each.c.state != CommandState.ENDED,
)
Index("ix_command_state", command.c.state, command.c.expires_at)
Index("ix_command_device", command.c.device_id, command.c.state)
Index("ix_command_lot", command.c.lot_id, command.c.id)
