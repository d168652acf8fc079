"""The tables of the channel's books: documents with the few columns by which they are looked up."""

from pathlib import Path
from typing import TypeVar

import msgspec

from openberth.sandbox.books import Books
from openberth.sandbox.wechatpay.records import Callback, Flow, Merchant, Order, Refund

_SCHEMA = """
CREATE TABLE IF NOT EXISTS merchants (mchid TEXT PRIMARY KEY, doc BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    seq INTEGER PRIMARY KEY, caller TEXT NOT NULL, payee TEXT NOT NULL, number TEXT NOT NULL,
    ticket TEXT NOT NULL UNIQUE, page TEXT NOT NULL UNIQUE, transaction_id TEXT UNIQUE, paid_us INTEGER,
    doc BLOB NOT NULL, UNIQUE (caller, number, payee)
) STRICT;
CREATE INDEX IF NOT EXISTS orders_paid ON orders (paid_us);
CREATE TABLE IF NOT EXISTS refunds (
    seq INTEGER PRIMARY KEY, caller TEXT NOT NULL, number TEXT NOT NULL, refund_id TEXT NOT NULL UNIQUE,
    order_seq INTEGER NOT NULL, created_us INTEGER NOT NULL, due_us INTEGER, doc BLOB NOT NULL, UNIQUE (caller, number)
) STRICT;
CREATE INDEX IF NOT EXISTS refunds_order ON refunds (order_seq);
CREATE INDEX IF NOT EXISTS refunds_created ON refunds (created_us);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (due_us);
CREATE TABLE IF NOT EXISTS callbacks (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, state TEXT NOT NULL, due_us INTEGER, doc BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS callbacks_due ON callbacks (due_us);
CREATE TABLE IF NOT EXISTS flows (
    seq INTEGER PRIMARY KEY, payee TEXT NOT NULL, at_us INTEGER NOT NULL, doc BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS flows_at ON flows (payee, at_us);
CREATE TABLE IF NOT EXISTS balances (payee TEXT PRIMARY KEY, fen INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS edits (
    seq INTEGER PRIMARY KEY, payee TEXT NOT NULL, day TEXT NOT NULL, doc TEXT NOT NULL
) STRICT;
"""

T = TypeVar("T")


class Store(Books):
    """The open books of the channel."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, _SCHEMA)

    def merchants(self) -> dict[str, Merchant]:
        """Return all merchants."""
        rows = self._db.execute("SELECT mchid, doc FROM merchants ORDER BY mchid").fetchall()
        return {mchid: msgspec.json.decode(doc, type=Merchant) for mchid, doc in rows}

    def save_merchant(self, merchant: Merchant) -> None:
        """Write a merchant."""
        self._db.execute(
            "INSERT OR REPLACE INTO merchants VALUES (?, ?)", (merchant.mchid, msgspec.json.encode(merchant))
        )

    def add_order(self, order: Order) -> int:
        """Write a new order; return its row."""
        done = self._db.execute(
            "INSERT INTO orders (caller, payee, number, ticket, page, transaction_id, paid_us, doc)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (order.caller, order.payee, order.number, order.ticket, order.page, order.transaction_id, order.paid_us,
             msgspec.json.encode(order)),
        )  # fmt: skip
        return int(done.lastrowid or 0)

    def save_order(self, seq: int, order: Order) -> None:
        """Write an order anew."""
        self._db.execute(
            "UPDATE orders SET ticket = ?, transaction_id = ?, paid_us = ?, doc = ? WHERE seq = ?",
            (order.ticket, order.transaction_id, order.paid_us, msgspec.json.encode(order), seq),
        )

    def orders(self, where: str, *values: object, limit: int = -1) -> list[tuple[int, Order]]:
        """Return the orders, with their rows, for which a condition on the columns holds; the oldest first."""
        rows = self._db.execute(
            f"SELECT seq, doc FROM (SELECT seq, doc FROM orders WHERE {where} ORDER BY seq DESC LIMIT ?) ORDER BY seq",  # noqa: S608
            (*values, limit),
        )
        return [(seq, msgspec.json.decode(doc, type=Order)) for seq, doc in rows.fetchall()]

    def order(self, where: str, *values: object) -> tuple[int, Order] | None:
        """Return the one such order."""
        return next(iter(self.orders(where, *values, limit=1)), None)

    def totals(self) -> tuple[int, int]:
        """Return how much was paid in all, in fen and whatever was refunded since, and by how many orders."""
        minor, orders = self._db.execute(
            "SELECT COALESCE(SUM(json_extract(CAST(doc AS TEXT), '$.total')), 0), COUNT(*) FROM orders"
            " WHERE paid_us IS NOT NULL"
        ).fetchone()
        return int(minor), int(orders)

    def add_refund(self, refund: Refund) -> int:
        """Write a new refund; return its row."""
        done = self._db.execute(
            "INSERT INTO refunds (caller, number, refund_id, order_seq, created_us, due_us, doc)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (refund.caller, refund.number, refund.refund_id, refund.order, refund.created_us, refund.due_us,
             msgspec.json.encode(refund)),
        )  # fmt: skip
        return int(done.lastrowid or 0)

    def save_refund(self, seq: int, refund: Refund) -> None:
        """Write a refund anew."""
        self._db.execute(
            "UPDATE refunds SET due_us = ?, doc = ? WHERE seq = ?", (refund.due_us, msgspec.json.encode(refund), seq)
        )

    def refunds(self, where: str, *values: object) -> list[tuple[int, Refund]]:
        """Return the refunds, with their rows, for which a condition on the columns holds; the oldest first."""
        rows = self._db.execute(f"SELECT seq, doc FROM refunds WHERE {where} ORDER BY seq", values)  # noqa: S608
        return [(seq, msgspec.json.decode(doc, type=Refund)) for seq, doc in rows.fetchall()]

    def save_callback(self, callback: Callback) -> None:
        """Write a callback, new or known."""
        self._db.execute(
            "INSERT INTO callbacks VALUES (?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM callbacks), ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET state = excluded.state, due_us = excluded.due_us, doc = excluded.doc",
            (callback.id, callback.state, callback.due_us, msgspec.json.encode(callback)),
        )

    def callbacks(self, where: str, *values: object, limit: int = -1) -> list[Callback]:
        """Return the callbacks for which a condition on the columns holds; the oldest first."""
        rows = self._db.execute(
            f"SELECT doc FROM (SELECT seq, doc FROM callbacks WHERE {where} ORDER BY seq DESC LIMIT ?) ORDER BY seq",  # noqa: S608
            (*values, limit),
        )
        return [msgspec.json.decode(doc, type=Callback) for (doc,) in rows.fetchall()]

    def due(self, now_us: int, limit: int) -> list[Callback]:
        """Return what has to be told now, the most overdue first."""
        rows = self._db.execute(
            "SELECT doc FROM callbacks WHERE due_us <= ? ORDER BY due_us, seq LIMIT ?", (now_us, limit)
        )
        return [msgspec.json.decode(doc, type=Callback) for (doc,) in rows.fetchall()]

    def next_due(self, now_us: int) -> int | None:
        """Return when the next callback or refund is due that is not yet."""
        (found,) = self._db.execute(
            "SELECT MIN(due_us) FROM (SELECT MIN(due_us) due_us FROM callbacks WHERE due_us > ?1"
            " UNION ALL SELECT MIN(due_us) FROM refunds WHERE due_us > ?1)",
            (now_us,),
        ).fetchone()
        return None if found is None else int(found)

    def balance(self, payee: str) -> int:
        """Return what a merchant's account holds."""
        row = self._db.execute("SELECT fen FROM balances WHERE payee = ?", (payee,)).fetchone()
        return 0 if row is None else int(row[0])

    def move(self, flow: Flow) -> None:
        """Write a movement and the balance after it (``flow.balance`` is set here)."""
        flow.balance = self.balance(flow.payee) + (flow.amount if flow.income else -flow.amount)
        self._db.execute("INSERT OR REPLACE INTO balances VALUES (?, ?)", (flow.payee, flow.balance))
        self._db.execute(
            "INSERT INTO flows (payee, at_us, doc) VALUES (?, ?, ?)",
            (flow.payee, flow.at_us, msgspec.json.encode(flow)),
        )

    def flows(self, payee: str, from_us: int, until_us: int) -> list[Flow]:
        """Return the movements of a period, in their order."""
        rows = self._db.execute(
            "SELECT doc FROM flows WHERE payee = ? AND at_us >= ? AND at_us < ? ORDER BY seq",
            (payee, from_us, until_us),
        )
        return [msgspec.json.decode(doc, type=Flow) for (doc,) in rows.fetchall()]

    def add_edit(self, payee: str, day: str, doc: str) -> None:
        """Keep a falsification of a bill."""
        self._db.execute("INSERT INTO edits (payee, day, doc) VALUES (?, ?, ?)", (payee, day, doc))

    def edits(self, payee: str, day: str) -> list[str]:
        """Return the falsifications of a bill, in their order."""
        rows = self._db.execute("SELECT doc FROM edits WHERE payee = ? AND day = ? ORDER BY seq", (payee, day))
        return [str(doc) for (doc,) in rows.fetchall()]

    def forget_edits(self, payee: str, day: str) -> None:
        """Let a bill tell the truth again."""
        self._db.execute("DELETE FROM edits WHERE payee = ? AND day = ?", (payee, day))
