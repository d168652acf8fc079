"""The tables of payments. A receipt's ``source`` is unique: money is counted once. Ledger rows are never changed."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer

from openberth.contexts.payments.model import (
    AccountCode,
    AttemptState,
    BillState,
    PayPlace,
    ReceiptMethod,
    RefundCause,
    RefundState,
)
from openberth.contexts.payments.model.channels import ChannelAccountState, ChannelKind
from openberth.contexts.payments.model.debts import DebtState
from openberth.contexts.payments.model.payouts import PayoutState
from openberth.contexts.payments.model.prepaid import HoldState, PrepaidState, Spending
from openberth.contexts.payments.model.reconciling import DayState, DifferenceKind, DifferenceState, RowKind
from openberth.contexts.tenancy.model.accounts import Level
from openberth.infra.database.schema import OnMove, business_table, table
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column

URL_MAX, LONG_URL_MAX = 500, 2_000

bill = business_table(
    "bill",
    word_column("subject_kind", 20),
    id_column("subject_id"),
    word_column("open_key", 60, nullable=True),
    word_column("number", 24),
    Column("due_minor", BigInteger, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    enum_column("state", BillState),
    id_column("tariff_version", nullable=True),
    json_column("quote"),
    instant_column("quoted_at"),
    instant_column("valid_until"),
    instant_column("issued_at"),
    instant_column("settled_at", nullable=True),
    Column("version", BigInteger, nullable=False),
    Column("carried_minor", BigInteger, nullable=True),
    moves=OnMove.TOLD,
)
Index("uq_bill_open_key", bill.c.open_key, unique=True)
Index("uq_bill_number", bill.c.lot_id, bill.c.number, unique=True)
Index("ix_bill_subject", bill.c.subject_id)
Index("ix_bill_lot", bill.c.lot_id, bill.c.id)
Index("ix_bill_issued", bill.c.lot_id, bill.c.issued_at, bill.c.id)
Index("ix_bill_state", bill.c.lot_id, bill.c.state, bill.c.issued_at, bill.c.id)

attempt = business_table(
    "attempt",
    id_column("bill_id"),
    word_column("channel", 20),
    word_column("number", 40),
    Column("amount_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    enum_column("state", AttemptState),
    instant_column("created_at"),
    instant_column("expires_at"),
    word_column("pay_url", URL_MAX, nullable=True),
    word_column("channel_order", 80, nullable=True),
    instant_column("ended_at", nullable=True),
    word_column("reason", 200, nullable=True),
    Column("version", BigInteger, nullable=False),
    id_column("account_id", nullable=True),
    word_column("scene", 8, nullable=True),
    id_column("payer_id", nullable=True),
    word_column("long_pay_url", LONG_URL_MAX, nullable=True),  # signed addresses of pages do not fit into pay_url
    enum_column("place", PayPlace, nullable=True),
    moves=OnMove.TOLD,
)
Index("uq_attempt_number", attempt.c.channel, attempt.c.number, unique=True)
Index("ix_attempt_bill", attempt.c.bill_id)

receipt = business_table(
    "receipt",
    id_column("bill_id"),
    id_column("attempt_id", nullable=True),
    enum_column("method", ReceiptMethod),
    Column("amount_minor", BigInteger, nullable=False),
    Column("surplus_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    word_column("transaction", 100),
    word_column("source", 120),
    instant_column("received_at"),
    id_column("account_id", nullable=True),
    enum_column("place", PayPlace, nullable=True),
    Column("grace_minutes", Integer, nullable=True),
    id_column("shift_id", nullable=True),
    word_column("note", 200, nullable=True),
    moves=OnMove.TOLD,
)
Index("uq_receipt_source", receipt.c.source, unique=True)
Index("ix_receipt_bill", receipt.c.bill_id)
Index("ix_receipt_attempt", receipt.c.attempt_id)
Index("ix_receipt_shift", receipt.c.shift_id)
Index("ix_receipt_account", receipt.c.account_id, receipt.c.id)
Index("ix_receipt_lot", receipt.c.lot_id, receipt.c.id)
Index("ix_receipt_received", receipt.c.lot_id, receipt.c.received_at, receipt.c.id)
Index("ix_receipt_method", receipt.c.lot_id, receipt.c.method, receipt.c.received_at, receipt.c.id)

refund = business_table(
    "refund",
    id_column("receipt_id"),
    id_column("bill_id"),
    id_column("attempt_id", nullable=True),
    id_column("account_id", nullable=True),
    enum_column("method", ReceiptMethod),
    word_column("number", 40),
    Column("amount_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    enum_column("cause", RefundCause),
    word_column("reason", 200),
    enum_column("state", RefundState),
    instant_column("asked_at"),
    instant_column("ended_at", nullable=True),
    word_column("channel_refund", 80, nullable=True),
    word_column("detail", 200, nullable=True),
    Column("version", BigInteger, nullable=False),
    word_column("asked_by", 80, nullable=True),
    id_column("shift_id", nullable=True),
    moves=OnMove.STAY,
)
Index("uq_refund_number", refund.c.method, refund.c.number, unique=True)
Index("ix_refund_receipt", refund.c.receipt_id)
Index("ix_refund_shift", refund.c.shift_id)
Index("ix_refund_account", refund.c.account_id, refund.c.id)
Index("ix_refund_lot", refund.c.lot_id, refund.c.id)
Index("ix_refund_asked", refund.c.lot_id, refund.c.asked_at, refund.c.id)
Index("ix_refund_state", refund.c.lot_id, refund.c.state, refund.c.asked_at, refund.c.id)

# A bill of a car that has left, once.
debt = business_table(
    "debt",
    id_column("bill_id"),
    id_column("subject_id"),
    id_column("plate_id", nullable=True),
    Column("amount_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    json_column("evidence"),
    enum_column("state", DebtState),
    instant_column("raised_at"),
    instant_column("lapses_at"),
    word_column("reason", 200, nullable=True),
    instant_column("ended_at", nullable=True),
    Column("version", BigInteger, nullable=False),
    id_column("carried_to", nullable=True),
    Column("carried_minor", BigInteger, nullable=True),
    Column("credited_minor", BigInteger, nullable=True),
    moves=OnMove.STAY,  # it is owed to the company under which the car parked
)
Index("uq_debt_bill", debt.c.bill_id, unique=True)
Index("ix_debt_subject", debt.c.subject_id)
Index("ix_debt_carried", debt.c.carried_to)
Index("ix_debt_plate", debt.c.plate_id)
Index("ix_debt_lapsing", debt.c.state, debt.c.lapses_at)
Index("ix_debt_lot", debt.c.lot_id, debt.c.id)
Index("ix_debt_raised", debt.c.lot_id, debt.c.raised_at, debt.c.id)
Index("ix_debt_state", debt.c.lot_id, debt.c.state, debt.c.raised_at, debt.c.id)

# Money held for a person; it pays at other lots of the company, too. What it is worth stands here, checked, and in the
# ledger, which proves it.
prepaid_account = business_table(
    "prepaid_account",
    word_column("code", 40),
    id_column("holder_id", nullable=True),
    enum_column("spending", Spending),
    Column("pays_by_itself", Boolean, nullable=False),
    enum_column("state", PrepaidState),
    Column("balance_minor", BigInteger, nullable=False),
    Column("held_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    instant_column("opened_at"),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("balance_minor >= 0", name="ck_prepaid_account_balance"),
    CheckConstraint("held_minor >= 0", name="ck_prepaid_account_held"),
    moves=OnMove.STAY,  # its money lies with the company that took it
)
Index("uq_prepaid_account_code", prepaid_account.c.company_id, prepaid_account.c.code, unique=True)
Index("ix_prepaid_account_holder", prepaid_account.c.holder_id)
Index("ix_prepaid_account_lot", prepaid_account.c.lot_id, prepaid_account.c.id)

# The cars that an account pays for; a plate has one account in a company.
prepaid_plate = business_table(
    "prepaid_plate",
    id_column("account_id"),
    id_column("plate_id"),
    moves=OnMove.STAY,
)
Index("uq_prepaid_plate", prepaid_plate.c.company_id, prepaid_plate.c.plate_id, unique=True)
Index("ix_prepaid_plate_account", prepaid_plate.c.account_id)
Index("ix_prepaid_plate_plate", prepaid_plate.c.plate_id)

prepaid_hold = business_table(
    "prepaid_hold",
    id_column("account_id"),
    word_column("subject_kind", 20),
    id_column("subject_id"),
    Column("amount_minor", BigInteger, nullable=False),
    Column("captured_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    enum_column("state", HoldState),
    instant_column("made_at"),
    instant_column("lapses_at"),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("amount_minor > 0", name="ck_prepaid_hold_amount"),
    CheckConstraint("captured_minor >= 0 AND captured_minor <= amount_minor", name="ck_prepaid_hold_captured"),
    moves=OnMove.STAY,
)
Index("ix_prepaid_hold_account", prepaid_hold.c.account_id)

# Debit and credit stand in one row, so that no row can be one without the other; triggers refuse change and deletion.
ledger_transfer = business_table(
    "ledger_transfer",
    word_column("deed", 24),
    id_column("subject_id"),
    enum_column("debit", AccountCode),
    id_column("debit_party", nullable=True),
    enum_column("credit", AccountCode),
    id_column("credit_party", nullable=True),
    Column("amount_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    instant_column("at"),
    CheckConstraint("amount_minor > 0", name="ck_ledger_transfer_amount"),
    moves=OnMove.STAY,
)
Index("uq_ledger_transfer_deed", ledger_transfer.c.subject_id, ledger_transfer.c.deed, unique=True)
Index("ix_ledger_transfer_debit", ledger_transfer.c.debit_party)
Index("ix_ledger_transfer_credit", ledger_transfer.c.credit_party)
Index("ix_ledger_transfer_lot", ledger_transfer.c.lot_id, ledger_transfer.c.id)

# Bills and refunds that ended before their ends were told: each is told once, and taken out.
untold = table("untold", id_column(primary_key=True), word_column("kind", 8))

channel_account = table(
    "channel_account",
    id_column(primary_key=True),
    enum_column("level", Level),
    id_column("node_id"),
    id_column("company_id", nullable=True),
    id_column("lot_id", nullable=True),
    enum_column("kind", ChannelKind),
    word_column("name", 60),
    json_column("params"),
    json_column("secrets"),
    enum_column("state", ChannelAccountState),
    Column("rank", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    scope=("company_id", "lot_id"),
    moves=OnMove.STAY,  # a contract is its company's: it takes no money of a lot that has gone to another
)
Index("uq_channel_account_name", channel_account.c.node_id, channel_account.c.kind, channel_account.c.name, unique=True)

# A day of a contract whose statement was read. Days are those of the channel, as ISO text.
reconciled_day = table(
    "reconciled_day",
    id_column(primary_key=True),
    id_column("account_id"),
    id_column("company_id", nullable=True),
    id_column("lot_id", nullable=True),
    word_column("day", 10),
    enum_column("state", DayState),
    Column("row_count", BigInteger, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    instant_column("read_at"),
    instant_column("closed_at", nullable=True),
    word_column("closed_by", 100, nullable=True),
    Column("version", BigInteger, nullable=False),
    Column("unbooked_fee_minor", BigInteger, nullable=True),  # None: read before fees were booked
    scope=("company_id", "lot_id"),
    moves=OnMove.STAY,
)
Index("uq_reconciled_day", reconciled_day.c.account_id, reconciled_day.c.day, unique=True)

# Receipts and refunds that a statement confirms, each once.
confirmed_row = table(
    "confirmed_row",
    id_column("subject_id", primary_key=True),
    id_column("account_id"),
    id_column("company_id", nullable=True),
    id_column("lot_id", nullable=True),
    word_column("day", 10),
    Column("fee_minor", BigInteger, nullable=True),  # None: confirmed before fees were booked
    scope=("company_id", "lot_id"),
    moves=OnMove.STAY,
)
Index("ix_confirmed_row_day", confirmed_row.c.account_id, confirmed_row.c.day)

difference = table(
    "difference",
    id_column(primary_key=True),
    id_column("account_id"),
    id_column("company_id", nullable=True),
    id_column("lot_id", nullable=True),
    word_column("day", 10),
    enum_column("kind", DifferenceKind),
    enum_column("row_kind", RowKind),
    word_column("number", 64),
    word_column("transaction", 100),
    Column("theirs_minor", BigInteger, nullable=True),
    Column("ours_minor", BigInteger, nullable=True),
    word_column("currency", 3),
    id_column("subject_id", nullable=True),
    enum_column("state", DifferenceState),
    word_column("reason", 200, nullable=True),
    word_column("decided_by", 100, nullable=True),
    instant_column("decided_at", nullable=True),
    instant_column("found_at"),
    Column("version", BigInteger, nullable=False),
    scope=("company_id", "lot_id"),
    moves=OnMove.STAY,
)
Index(
    "uq_difference", difference.c.account_id, difference.c.row_kind, difference.c.number, difference.c.kind, unique=True
)
Index("ix_difference_day", difference.c.account_id, difference.c.day)

# Money that a channel paid out to the bank. ``open_reference`` is set while it counts: the bank tells of it once.
channel_payout = table(
    "channel_payout",
    id_column(primary_key=True),
    id_column("account_id"),
    id_column("company_id", nullable=True),
    id_column("lot_id", nullable=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("excess_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    word_column("day", 10),
    word_column("reference", 64),
    word_column("open_reference", 64, nullable=True),
    enum_column("state", PayoutState),
    word_column("reason", 200, nullable=True),
    instant_column("recorded_at"),
    word_column("recorded_by", 100),
    instant_column("withdrawn_at", nullable=True),
    word_column("withdrawn_by", 100, nullable=True),
    Column("version", BigInteger, nullable=False),
    scope=("company_id", "lot_id"),
    moves=OnMove.STAY,
)
Index("uq_channel_payout", channel_payout.c.account_id, channel_payout.c.open_reference, unique=True)
Index("ix_channel_payout_account", channel_payout.c.account_id, channel_payout.c.id)

# What of a payout is a lot's: negative where the channel took back more of the lot than it had for it.
payout_share = business_table(
    "payout_share",
    id_column("payout_id"),
    Column("amount_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    moves=OnMove.STAY,
)
Index("ix_payout_share_payout", payout_share.c.payout_id)

# One row for each walk. While one is under way, ``check_name`` and ``after_id`` say where it goes on.
verification = table(
    "verification",
    word_column("name", 12, primary_key=True),
    word_column("check_name", 24, nullable=True),
    id_column("after_id", nullable=True),
    instant_column("started_at"),
    Column("looked_at", BigInteger, nullable=False),
    instant_column("finished_at", nullable=True),
    Column("finished_rows", BigInteger, nullable=True),
    word_column("error", 200, nullable=True),
)
verification_difference = table(
    "verification_difference",
    word_column("check_name", 24, primary_key=True),
    word_column("what", 32, primary_key=True),
    id_column("subject_id", primary_key=True),
    id_column("company_id", nullable=True),
    id_column("lot_id", nullable=True),
    Column("expected", BigInteger, nullable=False),
    Column("found", BigInteger, nullable=False),
    instant_column("found_at"),
    scope=("company_id", "lot_id"),
    moves=OnMove.STAY,
)
