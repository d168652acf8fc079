"""The tables of the channel's books: documents with the few columns by which they are looked up."""

from pathlib import Path

import msgspec

from openberth.sandbox.alipay.records import App, Flow, Notice, Refund, Token, Trade
from openberth.sandbox.books import Books

_SCHEMA = """
CREATE TABLE IF NOT EXISTS apps (app_id TEXT PRIMARY KEY, doc BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, doc BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trades (
    seq INTEGER PRIMARY KEY, pid TEXT NOT NULL, number TEXT NOT NULL, ticket TEXT NOT NULL UNIQUE,
    page TEXT NOT NULL UNIQUE, trade_no TEXT UNIQUE, paid_us INTEGER, expires_us INTEGER, doc BLOB NOT NULL,
    UNIQUE (pid, number)
) STRICT;
CREATE INDEX IF NOT EXISTS trades_paid ON trades (paid_us);
CREATE INDEX IF NOT EXISTS trades_number ON trades (number);
CREATE INDEX IF NOT EXISTS trades_expires ON trades (expires_us);
CREATE TABLE IF NOT EXISTS refunds (
    seq INTEGER PRIMARY KEY, trade_seq INTEGER NOT NULL, number TEXT NOT NULL, done_us INTEGER, due_us INTEGER,
    doc BLOB NOT NULL, UNIQUE (trade_seq, number)
) STRICT;
CREATE INDEX IF NOT EXISTS refunds_number ON refunds (number);
CREATE INDEX IF NOT EXISTS refunds_done ON refunds (done_us);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (due_us);
CREATE TABLE IF NOT EXISTS notices (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, state TEXT NOT NULL, due_us INTEGER, doc BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS notices_due ON notices (due_us);
CREATE TABLE IF NOT EXISTS flows (
    seq INTEGER PRIMARY KEY, pid TEXT NOT NULL, at_us INTEGER NOT NULL, doc BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS flows_at ON flows (pid, at_us);
CREATE TABLE IF NOT EXISTS balances (pid TEXT PRIMARY KEY, fen INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS edits (
    seq INTEGER PRIMARY KEY, pid TEXT NOT NULL, day TEXT NOT NULL, doc TEXT NOT NULL
) STRICT;
"""


class Store(Books):
    """The open books of the channel."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, _SCHEMA)

    def apps(self) -> dict[str, App]:
        """Return all apps."""
        rows = self._db.execute("SELECT app_id, doc FROM apps ORDER BY app_id").fetchall()
        return {app_id: msgspec.json.decode(doc, type=App) for app_id, doc in rows}

    def save_app(self, app: App) -> None:
        """Write an app."""
        self._db.execute("INSERT OR REPLACE INTO apps VALUES (?, ?)", (app.app_id, msgspec.json.encode(app)))

    def tokens(self) -> dict[str, Token]:
        """Return all authorisations."""
        rows = self._db.execute("SELECT token, doc FROM tokens").fetchall()
        return {token: msgspec.json.decode(doc, type=Token) for token, doc in rows}

    def save_token(self, token: Token) -> None:
        """Write an authorisation."""
        self._db.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?)", (token.token, msgspec.json.encode(token)))

    def add_trade(self, trade: Trade) -> int:
        """Write a new trade; return its row."""
        done = self._db.execute(
            "INSERT INTO trades (pid, number, ticket, page, trade_no, paid_us, expires_us, doc)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (trade.pid, trade.number, trade.ticket, trade.page, trade.trade_no, trade.paid_us, trade.expires_us,
             msgspec.json.encode(trade)),
        )  # fmt: skip
        return int(done.lastrowid or 0)

    def save_trade(self, seq: int, trade: Trade) -> None:
        """Write a trade anew."""
        self._db.execute(
            "UPDATE trades SET ticket = ?, trade_no = ?, paid_us = ?, expires_us = ?, doc = ? WHERE seq = ?",
            (trade.ticket, trade.trade_no, trade.paid_us, trade.expires_us, msgspec.json.encode(trade), seq),
        )

    def trades(self, where: str, *values: object, limit: int = -1) -> list[tuple[int, Trade]]:
        """Return the trades, with their rows, for which a condition on the columns holds; the oldest first."""
        rows = self._db.execute(
            f"SELECT seq, doc FROM (SELECT seq, doc FROM trades WHERE {where} ORDER BY seq DESC LIMIT ?) ORDER BY seq",  # noqa: S608
            (*values, limit),
        )
        return [(seq, msgspec.json.decode(doc, type=Trade)) for seq, doc in rows.fetchall()]

    def trade(self, where: str, *values: object) -> tuple[int, Trade] | None:
        """Return the one such trade."""
        return next(iter(self.trades(where, *values, limit=1)), None)

    def totals(self) -> tuple[int, int]:
        """Return how much was paid in all, in fen and whatever was refunded since, and by how many trades."""
        minor, trades = self._db.execute(
            "SELECT COALESCE(SUM(json_extract(CAST(doc AS TEXT), '$.total')), 0), COUNT(*) FROM trades"
            " WHERE paid_us IS NOT NULL"
        ).fetchone()
        return int(minor), int(trades)

    def save_refund(self, refund: Refund) -> None:
        """Write a refund, new or known."""
        self._db.execute(
            "INSERT INTO refunds (trade_seq, number, done_us, due_us, doc) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (trade_seq, number) DO UPDATE"
            " SET done_us = excluded.done_us, due_us = excluded.due_us, doc = excluded.doc",
            (refund.trade, refund.number, refund.done_us, refund.due_us, msgspec.json.encode(refund)),
        )

    def refunds(self, where: str, *values: object) -> list[Refund]:
        """Return the refunds for which a condition on the columns holds; the oldest first."""
        rows = self._db.execute(f"SELECT doc FROM refunds WHERE {where} ORDER BY seq", values)  # noqa: S608
        return [msgspec.json.decode(doc, type=Refund) for (doc,) in rows.fetchall()]

    def save_notice(self, notice: Notice) -> None:
        """Write a notification, new or known."""
        self._db.execute(
            "INSERT INTO notices VALUES (?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM notices), ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET state = excluded.state, due_us = excluded.due_us, doc = excluded.doc",
            (notice.id, notice.state, notice.due_us, msgspec.json.encode(notice)),
        )

    def notices(self, where: str, *values: object, limit: int = -1) -> list[Notice]:
        """Return the notifications for which a condition on the columns holds; the oldest first."""
        rows = self._db.execute(
            f"SELECT doc FROM (SELECT seq, doc FROM notices WHERE {where} ORDER BY seq DESC LIMIT ?) ORDER BY seq",  # noqa: S608
            (*values, limit),
        )
        return [msgspec.json.decode(doc, type=Notice) for (doc,) in rows.fetchall()]

    def due(self, now_us: int, limit: int) -> list[Notice]:
        """Return what has to be told now, the most overdue first."""
        rows = self._db.execute(
            "SELECT doc FROM notices WHERE due_us <= ? ORDER BY due_us, seq LIMIT ?", (now_us, limit)
        )
        return [msgspec.json.decode(doc, type=Notice) for (doc,) in rows.fetchall()]

    def next_due(self, now_us: int) -> int | None:
        """Return when the next notification, refund or end of a trade is due that is not yet."""
        (found,) = self._db.execute(
            "SELECT MIN(us) FROM (SELECT MIN(due_us) us FROM notices WHERE due_us > ?1"
            " UNION ALL SELECT MIN(due_us) FROM refunds WHERE due_us > ?1"
            " UNION ALL SELECT MIN(expires_us) FROM trades WHERE expires_us > ?1)",
            (now_us,),
        ).fetchone()
        return None if found is None else int(found)

    def balance(self, pid: str) -> int:
        """Return what a merchant's account holds."""
        row = self._db.execute("SELECT fen FROM balances WHERE pid = ?", (pid,)).fetchone()
        return 0 if row is None else int(row[0])

    def move(self, flow: Flow) -> None:
        """Write a movement and the balance after it (``flow.balance`` is set here)."""
        flow.balance = self.balance(flow.pid) + flow.amount
        self._db.execute("INSERT OR REPLACE INTO balances VALUES (?, ?)", (flow.pid, flow.balance))
        self._db.execute(
            "INSERT INTO flows (pid, at_us, doc) VALUES (?, ?, ?)", (flow.pid, flow.at_us, msgspec.json.encode(flow))
        )

    def flows(self, pid: str, from_us: int, until_us: int) -> list[Flow]:
        """Return the movements of a period, in their order."""
        rows = self._db.execute(
            "SELECT doc FROM flows WHERE pid = ? AND at_us >= ? AND at_us < ? ORDER BY seq", (pid, from_us, until_us)
        )
        return [msgspec.json.decode(doc, type=Flow) for (doc,) in rows.fetchall()]

    def put_edits(self, pid: str, day: str, docs: list[str]) -> None:
        """Keep the falsifications of a bill in place of those there were."""
        with self.unit():
            self._db.execute("DELETE FROM edits WHERE pid = ? AND day = ?", (pid, day))
            for doc in docs:
                self._db.execute("INSERT INTO edits (pid, day, doc) VALUES (?, ?, ?)", (pid, day, doc))

    def edits(self, pid: str, day: str) -> list[str]:
        """Return the falsifications of a bill, in their order."""
        rows = self._db.execute("SELECT doc FROM edits WHERE pid = ? AND day = ? ORDER BY seq", (pid, day))
        return [str(doc) for (doc,) in rows.fetchall()]
