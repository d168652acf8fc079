"""Tables that people take away as files: which there are, and how far one is. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from openberth.kernel.authority import Scope
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

ROWS_MAX = 1_000_000
XLSX_ROWS_MAX = 50_000  # a workbook is put together at once; beyond that CSV is the form for it
WAITING_MAX = 3  # of one account


class TableName(StrEnum):
    """Which table."""

    STAYS = "stays"
    PASSAGES = "passages"
    EXCEPTIONS = "exceptions"
    BILLS = "bills"
    RECEIPTS = "receipts"
    REFUNDS = "refunds"
    DEBTS = "debts"


# What is asked of whoever takes one away: what looking at it asks.
PERMISSIONS: Mapping[TableName, str] = {
    TableName.STAYS: "stay.read",
    TableName.PASSAGES: "passage.read",
    TableName.EXCEPTIONS: "case.read",
    TableName.BILLS: "bill.read",
    TableName.RECEIPTS: "bill.read",
    TableName.REFUNDS: "bill.read",
    TableName.DEBTS: "bill.read",
}


class FileForm(StrEnum):
    """What kind of file."""

    CSV = "csv"
    XLSX = "xlsx"


class TableState(StrEnum):
    """How far it is. A day after it was ready it is gone."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TableExport:
    """A table that somebody asked for, for the scope in which they asked.

    ``filters`` are plain values (a plate is its id in the vault); ``lots`` are those it is about. ``after`` is the key
    of the last row that is in it. ``complete`` is False when it ends at its bound.
    """

    id: Id
    company: Id | None
    scope: Scope
    table: TableName
    form: FileForm
    language: str
    lots: tuple[Id, ...]
    filters: Mapping[str, Any]
    state: TableState
    asked_by: str
    asked_at: Instant
    ended_at: Instant | None
    after: tuple[Instant, Id] | None
    rows: int
    total: int | None
    more_than: int | None
    complete: bool
    parts: int
    version: int

    @property
    def rows_max(self) -> int:
        """Return how many rows it may have."""
        return XLSX_ROWS_MAX if self.form is FileForm.XLSX else ROWS_MAX


def scope_to_plain(scope: Scope) -> dict[str, Any]:
    """Return a scope as JSON-able data."""
    return {
        "company": None if scope.company is None else str(scope.company),
        "lots": None if scope.lots is None else [str(each) for each in scope.lots],
        "companies": None if scope.companies is None else [str(each) for each in scope.companies],
    }


def scope_of_plain(plain: Mapping[str, Any]) -> Scope:
    """Return the scope that was written down."""
    company, lots, companies = plain["company"], plain["lots"], plain["companies"]
    return Scope(
        None if company is None else Id(company), None if lots is None else tuple(map(Id, lots)),
        None if companies is None else tuple(map(Id, companies)),
    )  # fmt: skip
