"""Indexes of lists: by lot and time, and by what people narrow them with most."""

from openberth.migrations.steps import create_index

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    create_index("ix_passage_captured", "passage", "lot_id", "captured_at", "id")
    create_index("ix_passage_lot_plate", "passage", "lot_id", "plate_id", "id")
    create_index("ix_open_stay_entered", "open_stay", "lot_id", "entered_at", "id")
    create_index("ix_stay_entered", "stay", "lot_id", "entered_at", "id")
    create_index("ix_stay_lot_plate", "stay", "lot_id", "plate_id", "id")
    create_index("ix_lane_case_raised", "lane_case", "lot_id", "raised_at", "id")
    create_index("ix_lane_case_open_raised", "lane_case", "lot_id", "resolved_at", "raised_at", "id")
    create_index("ix_lane_case_kind", "lane_case", "lot_id", "kind", "raised_at", "id")
    create_index("ix_bill_issued", "bill", "lot_id", "issued_at", "id")
    create_index("ix_bill_state", "bill", "lot_id", "state", "issued_at", "id")
    create_index("ix_receipt_received", "receipt", "lot_id", "received_at", "id")
    create_index("ix_receipt_method", "receipt", "lot_id", "method", "received_at", "id")
    create_index("ix_refund_asked", "refund", "lot_id", "asked_at", "id")
    create_index("ix_refund_state", "refund", "lot_id", "state", "asked_at", "id")
    create_index("ix_debt_raised", "debt", "lot_id", "raised_at", "id")
    create_index("ix_debt_state", "debt", "lot_id", "state", "raised_at", "id")
