"""The first schema. Written by scripts/write_first_revision.py and frozen with the first release."""

from openberth.migrations.steps import big, create_index, create_table, flag, ident, json, number, octets, seed, word

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_table(
        "area",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("code", 40),
        word("name_zh", 120),
        word("name_en", 120),
        ident("inside_id", null=True),
        number("capacity"),
        word("tariff_code", 40, null=True),
        big("retired_at", null=True),
    )
    create_index("uq_area_code", "area", "lot_id", "code", unique=True)
    create_table(
        "attempt",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("bill_id"),
        word("channel", 20),
        word("number", 40),
        big("amount_minor"),
        word("currency", 3),
        word("state", 24),
        big("created_at"),
        big("expires_at"),
        word("pay_url", 500, null=True),
        word("channel_order", 80, null=True),
        big("ended_at", null=True),
        word("reason", 200, null=True),
        big("version"),
    )
    create_index("ix_attempt_bill", "attempt", "bill_id")
    create_index("uq_attempt_number", "attempt", "channel", "number", unique=True)
    create_table(
        "bill",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("subject_kind", 20),
        ident("subject_id"),
        word("open_key", 60, null=True),
        word("number", 24),
        big("due_minor"),
        big("paid_minor"),
        word("currency", 3),
        word("state", 24),
        ident("tariff_version", null=True),
        json("quote"),
        big("quoted_at"),
        big("valid_until"),
        big("issued_at"),
        big("settled_at", null=True),
        big("version"),
    )
    create_index("ix_bill_lot", "bill", "lot_id", "id")
    create_index("ix_bill_subject", "bill", "subject_id")
    create_index("uq_bill_number", "bill", "lot_id", "number", unique=True)
    create_index("uq_bill_open_key", "bill", "open_key", unique=True)
    create_table(
        "booth",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("code", 40),
        word("name_zh", 120),
        word("name_en", 120),
        big("retired_at", null=True),
    )
    create_index("uq_booth_code", "booth", "lot_id", "code", unique=True)
    create_table(
        "command",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("device_id"),
        ident("lane_id"),
        word("kind", 24),
        word("state", 24),
        word("outcome", 24, null=True),
        ident("passage_id", null=True),
        word("reason", 200, null=True),
        word("detail", 60, null=True),
        word("actor", 100),
        big("issued_at"),
        big("expires_at"),
        big("sent_at", null=True),
        big("ended_at", null=True),
    )
    create_index("ix_command_device", "command", "device_id", "state")
    create_index("ix_command_lot", "command", "lot_id", "id")
    create_index("ix_command_state", "command", "state", "expires_at")
    create_table(
        "company",
        ident("id", key=True),
        word("code", 40),
        word("name", 120),
        big("created_at"),
    )
    create_index("uq_company_code", "company", "code", unique=True)
    create_table(
        "consumer",
        word("name", 60, key=True),
        big("position"),
        big("moved_at"),
    )
    create_table(
        "device",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("lane_id"),
        word("code", 40),
        word("kind", 24),
        word("serial", 64, null=True),
        json("networks"),
        word("heartbeat", 12, null=True),
        ident("secret_id", null=True),
        word("secret_fingerprint", 64, null=True),
        big("secret_issued_at", null=True),
        big("retired_at", null=True),
    )
    create_index("ix_device_lane", "device", "lane_id")
    create_index("uq_device_code", "device", "lot_id", "code", unique=True)
    create_table(
        "device_presence",
        ident("device_id", key=True),
        ident("company_id"),
        ident("lot_id"),
        big("last_seen_at"),
        word("address", 64, null=True),
        flag("online"),
        big("clock_offset_us", null=True),
        json("state", null=True),
    )
    create_table(
        "event",
        ident("id", key=True),
        big("position", null=True),
        word("kind", 60),
        number("version"),
        ident("company_id", null=True),
        ident("lot_id", null=True),
        ident("key"),
        word("node", 40),
        big("node_sequence"),
        word("actor_kind", 12),
        word("actor_name", 80),
        word("actor_address", 64, null=True),
        ident("cause", null=True),
        big("occurred_at"),
        big("recorded_at"),
        json("body"),
        history=True,
    )
    create_index("ix_event_position", "event", "position")
    create_table(
        "event_head",
        number("id", key=True),
        big("position", null=True),
    )
    create_table(
        "idempotency",
        word("key_hash", 64, key=True),
        word("request_hash", 64),
        number("status"),
        json("answer", null=True),
        big("at"),
    )
    create_index("ix_idempotency_at", "idempotency", "at")
    create_table(
        "job",
        ident("id", key=True),
        word("kind", 60),
        word("unique_key", 80, null=True),
        word("clock", 8),
        big("due_at"),
        word("state", 10),
        number("attempts"),
        word("owner", 60, null=True),
        big("leased_until", null=True),
        word("error", 400, null=True),
        json("body"),
        ident("cause", null=True),
    )
    create_index("ix_job_due", "job", "state", "clock", "due_at")
    create_index("uq_job_unique", "job", "kind", "unique_key", unique=True)
    create_table(
        "lane",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("code", 40),
        word("name_zh", 120),
        word("name_en", 120),
        word("kind", 24),
        ident("from_area_id", null=True),
        ident("to_area_id", null=True),
        ident("booth_id", null=True),
        word("scan_code", 16),
        big("retired_at", null=True),
    )
    create_index("uq_lane_code", "lane", "lot_id", "code", unique=True)
    create_index("uq_lane_scan_code", "lane", "scan_code", unique=True)
    create_table(
        "lane_case",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("lane_id", null=True),
        word("kind", 24),
        ident("passage_id", null=True),
        ident("stay_id", null=True),
        json("evidence"),
        big("raised_at"),
        word("resolution", 24, null=True),
        big("resolved_at", null=True),
        word("resolved_by", 100, null=True),
        word("reason", 200, null=True),
    )
    create_index("ix_lane_case_open", "lane_case", "lot_id", "resolved_at", "id")
    create_index("ix_lane_case_passage", "lane_case", "passage_id")
    create_table(
        "lane_state",
        ident("lane_id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("passage_id"),
        ident("plate_id", null=True),
        big("captured_at"),
        big("decided_at"),
        word("action", 24),
        flag("waiting"),
        word("ask", 24),
        ident("stay_id", null=True),
        ident("bill_id", null=True),
        ident("command_id", null=True),
        big("passed_at", null=True),
    )
    create_index("ix_lane_state_stay", "lane_state", "stay_id")
    create_table(
        "lease",
        word("name", 80, key=True),
        word("owner", 60),
        big("until"),
        big("fence"),
    )
    create_table(
        "lock_bucket",
        number("bucket", key=True),
    )
    create_table(
        "lot",
        ident("id", key=True),
        ident("company_id"),
        word("code", 40),
        word("name_zh", 120),
        word("name_en", 120),
        word("zone", 60),
        word("currency", 3),
        number("capacity"),
        word("tariff_code", 40),
        word("state", 24),
        word("scan_code", 16),
        json("rules"),
        json("simulation", null=True),
        big("retired_at", null=True),
        big("version"),
    )
    create_index("uq_lot_code", "lot", "company_id", "code", unique=True)
    create_index("uq_lot_scan_code", "lot", "scan_code", unique=True)
    create_table(
        "occupancy",
        ident("lot_id", key=True),
        ident("area_id", key=True),
        ident("company_id"),
        number("count"),
        number("adjustment"),
    )
    create_table(
        "open_stay",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("plate_id", null=True),
        word("plate_kind", 24),
        word("open_key", 80),
        ident("entry_passage_id"),
        ident("entry_lane_id"),
        big("entered_at"),
        ident("area_id"),
        word("right", 16, null=True),
        ident("permit_id", null=True),
        big("since"),
        number("segments"),
        big("version"),
    )
    create_index("ix_open_stay_lot", "open_stay", "lot_id", "id")
    create_index("uq_open_stay_open_key", "open_stay", "open_key", unique=True)
    create_table(
        "operator_token",
        word("digest", 64, key=True),
        word("name", 80),
        big("created_at"),
    )
    create_table(
        "parked_key",
        word("consumer", 60, key=True),
        ident("key", key=True),
        big("position"),
        number("failures"),
        word("error", 400),
        big("since"),
    )
    create_table(
        "passage",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("lane_id"),
        ident("device_id", null=True),
        word("lane_kind", 24),
        word("source", 24),
        ident("plate_id", null=True),
        word("plate_kind", 24),
        word("colour", 16),
        number("confidence"),
        big("captured_at"),
        big("device_at", null=True),
        big("received_at"),
        word("action", 24),
        word("reason", 40),
        word("state", 24),
        word("ask", 24),
        ident("stay_id", null=True),
        ident("bill_id", null=True),
        ident("command_id", null=True),
        number("pictures"),
        json("flaws"),
        history=True,
    )
    create_index("ix_passage_lot", "passage", "lot_id", "id")
    create_index("ix_passage_plate", "passage", "plate_id", "id")
    create_index("ix_passage_stay", "passage", "stay_id")
    create_table(
        "permit",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("code", 40),
        ident("plate_id"),
        word("kind", 24),
        big("valid_from"),
        big("valid_until", null=True),
        big("retired_at", null=True),
        big("version"),
    )
    create_index("ix_permit_plate", "permit", "lot_id", "plate_id")
    create_index("uq_permit_code", "permit", "lot_id", "code", unique=True)
    create_table(
        "plate_correction",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("stay_id"),
        ident("old_plate_id", null=True),
        ident("new_plate_id"),
        big("corrected_at"),
        word("corrected_by", 100),
        word("reason", 200),
    )
    create_index("ix_plate_correction_stay", "plate_correction", "stay_id", "id")
    create_table(
        "receipt",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("bill_id"),
        ident("attempt_id", null=True),
        word("method", 24),
        big("amount_minor"),
        big("surplus_minor"),
        word("currency", 3),
        word("transaction", 100),
        word("source", 120),
        big("received_at"),
    )
    create_index("ix_receipt_bill", "receipt", "bill_id")
    create_index("ix_receipt_lot", "receipt", "lot_id", "id")
    create_index("uq_receipt_source", "receipt", "source", unique=True)
    create_table(
        "seen",
        ident("digest", key=True),
        big("at"),
        ident("ref"),
    )
    create_index("ix_seen_at", "seen", "at")
    create_table(
        "segment",
        ident("stay_id", key=True),
        number("ordinal", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("area_id"),
        word("right", 16, null=True),
        ident("permit_id", null=True),
        big("start_at"),
        big("end_at"),
    )
    create_table(
        "space",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("area_id"),
        word("code", 40),
        big("retired_at", null=True),
    )
    create_index("uq_space_code", "space", "lot_id", "code", unique=True)
    create_table(
        "stay",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("plate_id", null=True),
        word("plate_kind", 24),
        ident("entry_passage_id"),
        ident("exit_passage_id", null=True),
        big("entered_at"),
        big("left_at"),
        word("closed_reason", 24),
        big("price_minor"),
        big("paid_minor"),
        word("currency", 3),
        number("segments"),
        history=True,
    )
    create_index("ix_stay_lot", "stay", "lot_id", "id")
    create_index("ix_stay_plate", "stay", "plate_id", "id")
    create_table(
        "tariff_version",
        ident("id", key=True),
        ident("company_id"),
        word("code", 40),
        number("number"),
        big("valid_from"),
        big("published_at"),
        json("document"),
    )
    create_index("uq_tariff_version_number", "tariff_version", "company_id", "code", "number", unique=True)
    create_table(
        "vault",
        ident("id", key=True),
        word("kind", 20),
        word("fingerprint", 64),
        word("key_id", 40),
        octets("sealed", 4096),
        big("at"),
    )
    create_index("uq_vault_fingerprint", "vault", "kind", "fingerprint", unique=True)
    seed("event_head", ("id", "position"), [(1, 0)])
    seed("lock_bucket", ("bucket",), [(bucket,) for bucket in range(1024)])
