"""The tables that can be taken away: which rows each holds, and what its cells say in a language. Plates are masked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from openberth.contexts import facility, payments, stays
from openberth.contexts.facility import Codes, LaneKind, LotSummary
from openberth.contexts.insight.model.tables import TableName
from openberth.contexts.payments.model import BillState, ReceiptMethod, RefundCause, RefundState
from openberth.contexts.stays import CaseKind, PassageState
from openberth.contexts.stays.model.entities import Action, CloseReason, OpenStay, Source
from openberth.infra.catalogue import Language, catalogue, text
from openberth.infra.database import Reader
from openberth.infra.lists import ListAsk, Listed
from openberth.infra.sheets import Cell
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, Instant, as_datetime

Filters = Mapping[str, Any]
Rows = Callable[[Reader, Sequence[Id], ListAsk, Filters], Listed[Any]]


class Place:
    """Where rows are from: lots with their codes, their zones and the language of whoever reads."""

    def __init__(self, reader: Reader, lots: Mapping[Id, LotSummary], language: Language) -> None:
        self._reader, self._lots, self._language = reader, lots, language
        self._codes: dict[Id, Codes] = {}

    def lot(self, lot: Id) -> str:
        """Return the code of a lot."""
        return self._lots[lot].code

    def lane(self, lot: Id, lane: Id | None) -> str:
        """Return the code of a lane."""
        if lane is None:
            return ""
        if lot not in self._codes:
            self._codes[lot] = facility.codes_of(self._reader, lot=lot)
        return self._codes[lot].lanes.get(lane, str(lane))

    def moment(self, lot: Id, instant: Instant | None) -> str:
        """Return an instant as clocks at the lot show it."""
        if instant is None:
            return ""
        return as_datetime(instant, ZoneInfo(self._lots[lot].zone)).strftime("%Y-%m-%d %H:%M:%S")

    def word(self, value: str | None) -> str:
        """Return a word of a row in the language; one that nobody has told is itself."""
        if value is None:
            return ""
        code = f"tables.word.{value}"
        return text(code, self._language) if catalogue().entry(code) is not None else value

    def text(self, code: str) -> str:
        """Return a text of the catalogue."""
        return text(code, self._language)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns (``tables.column.<name>``), where its rows come from, and what the cells of a row are."""

    columns: tuple[str, ...]
    rows: Rows
    cells: Callable[[Any, Place], Sequence[Cell]]


def heading_of(name: TableName, language: Language) -> tuple[str, ...]:
    """Return the heading of a table."""
    return tuple(text(f"tables.column.{column}", language) for column in TABLES[name].columns)


# -- stays, passages and exceptions ------------------------------------------------------------------------------------


def _stays(reader: Reader, lots: Sequence[Id], ask: ListAsk, given: Filters) -> Listed[Any]:
    state, reason = given.get("state"), given.get("reason")
    only = stays.StaysAsked(
        open_ones=None if state is None else state == "open", by_exit=given.get("by") == "left",
        plate=_id(given.get("plate")), plate_kind=given.get("plate_kind"), right=given.get("right"),
        permit=_id(given.get("permit")), reason=None if reason is None else CloseReason(reason),
    )  # fmt: skip
    return stays.listed_stays(reader, lots=lots, ask=ask, only=only)


def _stay(row: stays.StayRow, place: Place) -> Sequence[Cell]:
    found = row.stay
    head = (place.lot(found.lot_id), row.plate or "", place.word(found.plate_kind))
    entered = place.moment(found.lot_id, found.entered_at)
    if isinstance(found, OpenStay):
        return (*head, place.word("open"), entered, "", "", "", "", "", "", str(found.id))
    minutes = (found.left_at - found.entered_at) // MINUTE_US
    return (
        *head, place.word("closed"), entered, place.moment(found.lot_id, found.left_at), int(minutes),
        place.word(found.closed_reason), Money(found.price_minor, found.currency),
        Money(found.paid_minor, found.currency), found.currency, str(found.id),
    )  # fmt: skip


def _passages(reader: Reader, lots: Sequence[Id], ask: ListAsk, given: Filters) -> Listed[Any]:
    kinds: dict[str, Callable[[str], Any]] = {
        "direction": LaneKind, "action": Action, "state": PassageState, "source": Source, "reason": str,
        "plate_kind": str, "plate": Id,
    }  # fmt: skip
    only = stays.PassagesAsked(**{name: kind(given[name]) for name, kind in kinds.items() if name in given})
    lanes = stays.lanes_named(reader, lots, given.get("lane"))
    return stays.listed_passages(reader, lanes=lanes, ask=ask, only=only)


def _passage(row: stays.PassageRow, place: Place) -> Sequence[Cell]:
    found = row.passage
    return (
        place.lot(found.lot_id), place.lane(found.lot_id, found.lane_id), place.word(found.lane_kind),
        place.moment(found.lot_id, found.captured_at), row.plate or "", place.word(found.plate_kind),
        found.confidence, place.word(found.action), place.text(found.reason), place.word(found.state),
        place.word(found.source), "" if found.stay_id is None else str(found.stay_id), str(found.id),
    )  # fmt: skip


def _cases(reader: Reader, lots: Sequence[Id], ask: ListAsk, given: Filters) -> Listed[Any]:
    state, kind = given.get("state", "any"), given.get("kind")
    return stays.listed_cases(
        reader, lanes=stays.lanes_named(reader, lots, given.get("lane")), ask=ask,
        open_ones=None if state == "any" else state == "open", kind=None if kind is None else CaseKind(kind),
    )  # fmt: skip


def _case(row: stays.CaseDetail, place: Place) -> Sequence[Cell]:
    found = row.case
    return (
        place.lot(found.lot_id), place.lane(found.lot_id, found.lane_id), place.text(f"case.{found.kind}"),
        row.plate or "", place.moment(found.lot_id, found.raised_at),
        place.word("open" if found.resolved_at is None else "resolved"), place.word(found.resolution),
        place.moment(found.lot_id, found.resolved_at), found.resolved_by or "", found.reason or "",
        "" if found.stay_id is None else str(found.stay_id), str(found.id),
    )  # fmt: skip


# -- money -------------------------------------------------------------------------------------------------------------


def _bills(reader: Reader, lots: Sequence[Id], ask: ListAsk, given: Filters) -> Listed[Any]:
    state = given.get("state")
    return payments.listed_bills(reader, lots=lots, ask=ask, state=None if state is None else BillState(state))


def _bill(found: payments.Bill, place: Place) -> Sequence[Cell]:
    return (
        place.lot(found.lot), found.number, place.word(found.state), found.due, found.paid, found.left,
        found.due.currency, place.moment(found.lot, found.issued_at), place.moment(found.lot, found.settled_at),
        str(found.subject_id), str(found.id),
    )  # fmt: skip


def _receipts(reader: Reader, lots: Sequence[Id], ask: ListAsk, given: Filters) -> Listed[Any]:
    return payments.listed_receipts(reader, lots=lots, ask=ask, method=_method(given))


def _receipt(found: payments.Receipt, place: Place) -> Sequence[Cell]:
    return (
        place.lot(found.lot), place.text(f"finance.method.{found.method}"), found.amount, found.surplus,
        found.amount.currency, place.moment(found.lot, found.received_at), found.transaction, found.note or "",
        str(found.bill), str(found.id),
    )  # fmt: skip


def _refunds(reader: Reader, lots: Sequence[Id], ask: ListAsk, given: Filters) -> Listed[Any]:
    state, cause = given.get("state"), given.get("cause")
    return payments.listed_refunds(
        reader, lots=lots, ask=ask, state=None if state is None else RefundState(state), method=_method(given),
        cause=None if cause is None else RefundCause(cause),
    )  # fmt: skip


def _refund(found: payments.Refund, place: Place) -> Sequence[Cell]:
    return (
        place.lot(found.lot), found.number, place.text(f"finance.method.{found.method}"), found.amount,
        found.amount.currency, place.word(found.cause), found.reason, place.word(found.state),
        place.moment(found.lot, found.asked_at), place.moment(found.lot, found.ended_at), str(found.receipt),
        str(found.id),
    )  # fmt: skip


def _debts(reader: Reader, lots: Sequence[Id], ask: ListAsk, given: Filters) -> Listed[Any]:
    state = given.get("state")
    wanted = None if state is None else payments.DebtState(state)
    return payments.listed_debts(reader, lots=lots, ask=ask, state=wanted)


def _debt(found: payments.Debt, place: Place) -> Sequence[Cell]:
    return (
        place.lot(found.lot), found.amount, found.amount.currency, place.word(found.state),
        place.moment(found.lot, found.raised_at), place.moment(found.lot, found.lapses_at),
        place.moment(found.lot, found.ended_at), found.reason or "", str(found.subject), str(found.bill),
        str(found.id),
    )  # fmt: skip


def _method(given: Filters) -> ReceiptMethod | None:
    method = given.get("method")
    return None if method is None else ReceiptMethod(method)


def _id(plain: str | None) -> Id | None:
    return None if plain is None else Id(plain)


TABLES: Mapping[TableName, Table] = {
    TableName.STAYS: Table(
        (
            "lot", "plate", "plate_kind", "state", "entered", "left", "minutes", "end", "price", "paid", "currency",
            "stay",
        ),
        _stays, _stay,
    ),
    TableName.PASSAGES: Table(
        (
            "lot", "lane", "direction", "captured", "plate", "plate_kind", "confidence", "action", "decision",
            "state", "source", "stay", "passage",
        ),
        _passages, _passage,
    ),
    TableName.EXCEPTIONS: Table(
        (
            "lot", "lane", "kind", "plate", "raised", "state", "resolution", "resolved", "by", "reason", "stay",
            "exception",
        ),
        _cases, _case,
    ),
    TableName.BILLS: Table(
        ("lot", "number", "state", "due", "paid", "unpaid", "currency", "issued", "settled", "subject", "bill"),
        _bills, _bill,
    ),
    TableName.RECEIPTS: Table(
        ("lot", "method", "amount", "surplus", "currency", "received", "transaction", "note", "bill", "receipt"),
        _receipts, _receipt,
    ),
    TableName.REFUNDS: Table(
        (
            "lot", "number", "method", "amount", "currency", "cause", "reason", "state", "asked", "ended", "receipt",
            "refund",
        ),
        _refunds, _refund,
    ),
    TableName.DEBTS: Table(
        (
            "lot", "amount", "currency", "state", "raised", "lapses", "ended", "reason", "stay", "bill", "debt",
        ),
        _debts, _debt,
    ),
}  # fmt: skip
