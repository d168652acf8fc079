"""Space sensors with their collectors, what they say, loops that count, and what is wired to the inputs of cameras."""

from openberth.migrations.steps import add_column, big, create_index, create_table, flag, ident, json, number, word

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    add_column("device", json("inputs", null=True))
    create_table(
        "collector",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("code", 40),
        word("kind", 24),
        word("serial", 64, null=True),
        json("networks"),
        number("silent_after_s", null=True),
        ident("secret_id", null=True),
        word("secret_fingerprint", 64, null=True),
        big("secret_issued_at", null=True),
        big("retired_at", null=True),
    )
    create_index("uq_collector_code", "collector", "lot_id", "code", unique=True)
    create_table(
        "collector_presence",
        ident("collector_id", key=True),
        ident("company_id"),
        ident("lot_id"),
        big("last_seen_at"),
        word("address", 64, null=True),
        flag("online"),
        json("state", null=True),
    )
    create_table(
        "sensor",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("collector_id"),
        ident("space_id"),
        word("code", 40),
        word("name", 64),
        word("model", 24, null=True),
        big("retired_at", null=True),
    )
    create_index("uq_sensor_code", "sensor", "lot_id", "code", unique=True)
    create_index("ix_sensor_collector", "sensor", "collector_id", "name")
    create_table(
        "sensor_state",
        ident("sensor_id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("state", 24),
        big("since_at"),
        big("changed_at"),
        flag("said", null=True),
        big("said_since"),
        json("changes"),
        flag("flapping"),
        big("measured_at"),
        number("confidence"),
        number("battery_mv", null=True),
        flag("battery_low"),
        word("fault", 60, null=True),
        flag("over_line"),
        flag("contradicts"),
        big("heard_at"),
        big("due_at", null=True),
        big("silent_at", null=True),
        big("version"),
    )
    create_index("ix_sensor_state_lot", "sensor_state", "lot_id")
    create_index("ix_sensor_state_due", "sensor_state", "due_at")
    create_index("ix_sensor_state_silent", "sensor_state", "silent_at")
    create_table(
        "sensor_report",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("sensor_id"),
        big("received_at"),
        json("raw"),
    )
    create_index("ix_sensor_report_sensor", "sensor_report", "sensor_id", "id")
    create_table(
        "area_loops",
        ident("lot_id", key=True),
        ident("area_id", key=True),
        ident("company_id"),
        big("counted_in"),
        big("counted_out"),
        number("beginning"),
        big("begun_at"),
    )
    create_table(
        "area_check",
        ident("lot_id", key=True),
        ident("area_id", key=True),
        ident("company_id"),
        big("checked_at"),
        number("counted"),
        number("stays"),
        number("capacity"),
        number("sensed_occupied", null=True),
        number("sensed_free", null=True),
        number("sensed_unknown", null=True),
        number("loops", null=True),
        big("differs_since", null=True),
        flag("is_told"),
    )
