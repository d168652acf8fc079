"""The tables of facility. What disappears from a lot file is retired (``retired_at``), never deleted."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer

from openberth.contexts.facility.model import (
    CommandKind,
    CommandState,
    DeviceKind,
    LaneKind,
    LotState,
    Outcome,
    SensorModel,
    SpaceState,
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
    Column("longitude_e7", Integer, nullable=True),  # whole units of 1e-7 degrees
    Column("latitude_e7", Integer, nullable=True),
    word_column("address_zh", NAME_LENGTH, nullable=True),
    word_column("address_en", NAME_LENGTH, nullable=True),
    json_column("plan", nullable=True),
    json_column("displays", nullable=True),
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
    instant_column("held_open_until", nullable=True),  # machine time
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
    word_column("endpoint", 200, nullable=True),  # where we call it
    word_column("gate", 24, nullable=True),
    id_column("login_id", nullable=True),  # user name and password by which we call it, in the vault
    json_column("inputs", nullable=True),
    moves=OnMove.FOLLOW,
)
Index("uq_device_code", device.c.lot_id, device.c.code, unique=True)
Index("ix_device_lane", device.c.lane_id)
Index("ix_device_serial", device.c.serial)

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
    word_column("firmware", 80, nullable=True),
    instant_column("since_at", nullable=True),  # when it came or was lost
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)

device_firmware = business_table(
    "device_firmware",
    id_column("device_id"),
    word_column("firmware", 80),
    instant_column("seen_at"),
    moves=OnMove.FOLLOW,
)
Index("ix_device_firmware_device", device_firmware.c.device_id, device_firmware.c.id)

# What a person has put on a lane's display, until it is over.
lane_text = table(
    "lane_text",
    id_column("lane_id", primary_key=True),
    id_column("company_id"),
    id_column("lot_id"),
    word_column("text", 120),
    Column("aloud", Boolean, nullable=False),
    word_column("shown_by", 100),
    instant_column("shown_at"),
    instant_column("until_at"),
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)
Index("ix_lane_text_until", lane_text.c.until_at)

# What the display behind a device keeps in its own memory, so that a restart of ours does not write it again.
display_advert = table(
    "display_advert",
    id_column("device_id", primary_key=True),
    id_column("company_id"),
    id_column("lot_id"),
    word_column("kept", 64),
    instant_column("kept_at"),
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)

# Who called and is no device of anybody yet: of no company, a few at a time.
waiting_device = table(
    "waiting_device",
    id_column(primary_key=True),
    enum_column("kind", DeviceKind),
    word_column("serial", 64),  # empty when it does not say
    word_column("address", 64),
    instant_column("first_seen_at"),
    instant_column("last_seen_at"),
    Column("times", BigInteger, nullable=False),
    instant_column("refused_at", nullable=True),
    word_column("refused_by", 100, nullable=True),
    word_column("reason", 200, nullable=True),
)
Index(
    "uq_waiting_device", waiting_device.c.kind, waiting_device.c.serial, waiting_device.c.address, unique=True
)  # fmt: skip
Index("ix_waiting_device_seen", waiting_device.c.last_seen_at)

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
Index("ix_command_device_id", command.c.device_id, command.c.id)
Index("ix_command_lot", command.c.lot_id, command.c.id)
Index("ix_command_passage", command.c.passage_id)

# Those that stand are in the table of ``infra.alarms``.
ended_alarm = business_table(
    "ended_alarm",
    word_column("kind", 40),
    id_column("subject_id"),
    instant_column("since_at"),
    instant_column("ended_at"),
    json_column("params"),
    moves=OnMove.STAY,
)
Index("ix_ended_alarm_lot", ended_alarm.c.lot_id, ended_alarm.c.id)
Index("ix_ended_alarm_subject", ended_alarm.c.subject_id, ended_alarm.c.id)

collector = business_table(
    "collector",
    word_column("code", CODE_LENGTH),
    enum_column("kind", DeviceKind),
    word_column("serial", 64, nullable=True),
    json_column("networks"),
    Column("silent_after_s", Integer, nullable=True),
    id_column("secret_id", nullable=True),
    word_column("secret_fingerprint", 64, nullable=True),
    instant_column("secret_issued_at", nullable=True),
    instant_column("retired_at", nullable=True),
    moves=OnMove.FOLLOW,
)
Index("uq_collector_code", collector.c.lot_id, collector.c.code, unique=True)

# Written every few seconds at most: that a collector is heard is no event.
collector_presence = table(
    "collector_presence",
    id_column("collector_id", primary_key=True),
    id_column("company_id"),
    id_column("lot_id"),
    instant_column("last_seen_at"),
    word_column("address", 64, nullable=True),
    Column("online", Boolean, nullable=False),
    json_column("state", nullable=True),
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)

sensor = business_table(
    "sensor",
    id_column("collector_id"),
    id_column("space_id"),
    word_column("code", CODE_LENGTH),
    word_column("name", 64),
    enum_column("model", SensorModel, nullable=True),
    instant_column("retired_at", nullable=True),
    moves=OnMove.FOLLOW,
)
Index("uq_sensor_code", sensor.c.lot_id, sensor.c.code, unique=True)
Index("ix_sensor_collector", sensor.c.collector_id, sensor.c.name)

# What is known of a sensor's space. ``due_at`` (business) and ``silent_at`` (machine) are when time alone changes it.
sensor_state = table(
    "sensor_state",
    id_column("sensor_id", primary_key=True),
    id_column("company_id"),
    id_column("lot_id"),
    enum_column("state", SpaceState),
    instant_column("since_at"),
    instant_column("changed_at"),
    Column("said", Boolean, nullable=True),
    instant_column("said_since"),
    json_column("changes"),
    Column("flapping", Boolean, nullable=False),
    instant_column("measured_at"),
    Column("confidence", Integer, nullable=False),
    Column("battery_mv", Integer, nullable=True),
    Column("battery_low", Boolean, nullable=False),
    word_column("fault", 60, nullable=True),
    Column("over_line", Boolean, nullable=False),
    Column("contradicts", Boolean, nullable=False),
    instant_column("heard_at"),
    instant_column("due_at", nullable=True),
    instant_column("silent_at", nullable=True),
    Column("version", BigInteger, nullable=False),
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)
Index("ix_sensor_state_lot", sensor_state.c.lot_id)
Index("ix_sensor_state_due", sensor_state.c.due_at)
Index("ix_sensor_state_silent", sensor_state.c.silent_at)

# Reports as they came, for a while: what they mean may be read anew.
sensor_report = business_table(
    "sensor_report",
    id_column("sensor_id"),
    instant_column("received_at"),
    json_column("raw"),
    moves=OnMove.STAY,
)
Index("ix_sensor_report_sensor", sensor_report.c.sensor_id, sensor_report.c.id)

# What loops at the ways into an area counted, apart from plates.
area_loops = table(
    "area_loops",
    id_column("lot_id", primary_key=True),
    id_column("area_id", primary_key=True),
    id_column("company_id"),
    Column("counted_in", BigInteger, nullable=False),
    Column("counted_out", BigInteger, nullable=False),
    Column("beginning", Integer, nullable=False),  # the cars that were there when the loops began to count
    instant_column("begun_at"),
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)
