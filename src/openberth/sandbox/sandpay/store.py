"""The books of the channel in one SQLite file: orders, notifications still to be told, nonces, totals.

Everything is on disk before it is answered (full synchronous WAL). One process at a time: the file is locked while it
is open. Methods block and belong into one thread; times are whole Unix seconds, of notifications milliseconds.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MAX_ORDERS = 1_000_000
MAX_NONCES = 200_000
RETRY_S = (1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64, 64)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    seq INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    merchant TEXT NOT NULL,
    out_trade_no TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    subject TEXT NOT NULL,
    notify_url TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    code TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('open', 'paid', 'closed')),
    transaction_id TEXT UNIQUE,
    paid_at INTEGER,
    UNIQUE (merchant, out_trade_no)
) STRICT;
CREATE TABLE IF NOT EXISTS notifications (
    id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    tries INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS notifications_due ON notifications (due_ms);
CREATE TABLE IF NOT EXISTS nonces (
    merchant TEXT NOT NULL,
    nonce TEXT NOT NULL,
    forget_at INTEGER NOT NULL,
    PRIMARY KEY (merchant, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS nonces_forget ON nonces (forget_at);
CREATE TABLE IF NOT EXISTS totals (
    currency TEXT PRIMARY KEY,
    paid_minor INTEGER NOT NULL,
    orders_paid INTEGER NOT NULL
) STRICT;
"""


class Full(Exception):
    """A bound of the store is reached."""


class Conflict(Exception):
    """An order of this number exists with other values."""


class AlreadyPaid(Exception):
    """A paid order cannot be closed."""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a merchant asks for."""

    out_trade_no: str
    amount_minor: int
    currency: str
    subject: str
    notify_url: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Order(OrderRequest):
    """An order as it stands."""

    order_id: str
    merchant: str
    code: str
    state: str
    transaction_id: str | None
    paid_at: int | None

    @property
    def request(self) -> OrderRequest:
        """What the merchant asked for."""
        return OrderRequest(
            self.out_trade_no, self.amount_minor, self.currency, self.subject, self.notify_url, self.expires_at
        )


@dataclass(frozen=True, slots=True)
class Notification:
    """A telling that is due."""

    id: int
    order: Order
    tries: int


_COLUMNS = (
    "out_trade_no, amount_minor, currency, subject, notify_url, expires_at,"
    " order_id, merchant, code, state, transaction_id, paid_at"
)


class Store:
    """The open file. ``sqlite3.OperationalError`` on opening means that another process holds it."""

    def __init__(self, path: Path, max_orders: int = MAX_ORDERS) -> None:
        self._max_orders = max_orders
        self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        (self._nonces,) = self._db.execute("SELECT COUNT(*) FROM nonces").fetchone()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def use_nonce(self, merchant: str, nonce: str, now: int, forget_at: int) -> bool:
        """Remember a nonce until ``forget_at``; False when it was used before. Raises ``Full``."""
        with self._unit():
            gone = self._db.execute("DELETE FROM nonces WHERE forget_at < ?", (now,)).rowcount
            held = self._nonces - gone
            if held >= MAX_NONCES:
                raise Full("nonces")
            done = self._db.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?, ?)", (merchant, nonce, forget_at))
        self._nonces = held + done.rowcount
        return done.rowcount == 1

    def open(self, merchant: str, request: OrderRequest, now: int) -> Order:
        """Make an order, or return the one made before by the same values. Raises ``Conflict``, ``Full``."""
        with self._unit():
            known = self._by_number(merchant, request.out_trade_no, now)
            if known is not None:
                if known.request != request:
                    raise Conflict
                return known
            (last,) = self._db.execute("SELECT COALESCE(MAX(seq), 0) FROM orders").fetchone()
            if last >= self._max_orders:
                raise Full("orders")
            self._db.execute(
                f"INSERT INTO orders ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', NULL, NULL)",  # noqa: S608
                (request.out_trade_no, request.amount_minor, request.currency, request.subject, request.notify_url,
                 request.expires_at, "SP" + secrets.token_hex(12), merchant, secrets.token_urlsafe(12)),
            )  # fmt: skip
            made = self._by_number(merchant, request.out_trade_no, now)
            if made is None:
                raise RuntimeError("an order just written is gone")
            return made

    def find(self, merchant: str, out_trade_no: str, now: int) -> Order | None:
        """Return an order of a merchant."""
        with self._unit():
            return self._by_number(merchant, out_trade_no, now)

    def by_code(self, code: str, now: int) -> Order | None:
        """Return the order behind a code."""
        with self._unit():
            return self._one("code = ?", (code,), now)

    def close_order(self, merchant: str, out_trade_no: str, now: int) -> Order | None:
        """Close an order, so that nobody can pay it. Raises ``AlreadyPaid``."""
        with self._unit():
            order = self._by_number(merchant, out_trade_no, now)
            if order is not None and order.state == "paid":
                raise AlreadyPaid
            self._db.execute(
                "UPDATE orders SET state = 'closed' WHERE merchant = ? AND out_trade_no = ?", (merchant, out_trade_no)
            )
            return self._by_number(merchant, out_trade_no, now)

    def pay(self, code: str, now: int, tell_at_ms: int, times: int) -> Order | None:
        """Pay the order behind a code if it is open, to be told ``times`` times; return it as it then stands."""
        with self._unit():
            order = self._one("code = ?", (code,), now)
            if order is None or order.state != "open":
                return order
            self._db.execute(
                "UPDATE orders SET state = 'paid', transaction_id = ?, paid_at = ? WHERE code = ?",
                ("ST" + secrets.token_hex(13), now, code),
            )
            self._db.execute(
                "INSERT INTO totals VALUES (?, ?, 1) ON CONFLICT (currency) DO UPDATE"
                " SET paid_minor = paid_minor + excluded.paid_minor, orders_paid = orders_paid + 1",
                (order.currency, order.amount_minor),
            )
            self._db.executemany(
                "INSERT INTO notifications (order_id, due_ms, tries) VALUES (?, ?, 0)",
                [(order.order_id, tell_at_ms)] * times,
            )
            return self._one("code = ?", (code,), now)

    def due(self, now_ms: int, limit: int, leave_out: set[int]) -> tuple[list[Notification], int | None]:
        """Return what has to be told now, and when (ms) the next telling is due that is not yet."""
        with self._unit():
            rows = self._db.execute(
                "SELECT id, order_id, tries FROM notifications WHERE due_ms <= ? ORDER BY due_ms LIMIT ?",
                (now_ms, limit + len(leave_out)),
            ).fetchall()
            found: list[Notification] = []
            for id_, order_id, tries in rows:
                order = None if id_ in leave_out else self._one("order_id = ?", (order_id,), now_ms // 1000)
                if order is not None and len(found) < limit:
                    found.append(Notification(id_, order, tries))
            (later,) = self._db.execute("SELECT MIN(due_ms) FROM notifications WHERE due_ms > ?", (now_ms,)).fetchone()
            return found, later

    def told(self, notification: Notification, now_ms: int, success: bool) -> None:
        """Note a try: a success or the last try ends the telling, else it is due again after the next pause."""
        with self._unit():
            if success or notification.tries >= len(RETRY_S):
                self._db.execute("DELETE FROM notifications WHERE id = ?", (notification.id,))
            else:
                self._db.execute(
                    "UPDATE notifications SET tries = tries + 1, due_ms = ? WHERE id = ?",
                    (now_ms + RETRY_S[notification.tries] * 1000, notification.id),
                )

    def totals(self) -> tuple[dict[str, int], int]:
        """Return the money paid by currency and the number of orders paid."""
        rows = self._db.execute("SELECT currency, paid_minor, orders_paid FROM totals ORDER BY currency").fetchall()
        return {currency: paid for currency, paid, _ in rows}, sum(orders for _, _, orders in rows)

    def _by_number(self, merchant: str, out_trade_no: str, now: int) -> Order | None:
        return self._one("merchant = ? AND out_trade_no = ?", (merchant, out_trade_no), now)

    def _one(self, where: str, values: tuple[str, ...], now: int) -> Order | None:
        # An order expires when somebody looks at it: nobody can tell the difference, and no timer is needed.
        self._db.execute(
            f"UPDATE orders SET state = 'closed' WHERE {where} AND state = 'open' AND expires_at <= ?",  # noqa: S608
            (*values, now),
        )
        row = self._db.execute(f"SELECT {_COLUMNS} FROM orders WHERE {where}", values).fetchone()  # noqa: S608
        return None if row is None else Order(*row)

    @contextmanager
    def _unit(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
