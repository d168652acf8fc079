"""What people look at: the overview, who waits at lanes, stays and passages with all that belongs to them, the books.

Plates leave masked; they are opened in memory, one by one, for the rows that are shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from openberth.contexts import facility, payments, tariffs
from openberth.contexts.facility import LaneKind, LotSummary
from openberth.contexts.stays.model.entities import (
    Ask,
    Case,
    CloseReason,
    LaneState,
    OpenStay,
    Passage,
    PlateCorrection,
    Segment,
    Stay,
)
from openberth.contexts.stays.service import prices
from openberth.contexts.stays.service.candidates import similar_inside
from openberth.contexts.stays.service.seen import open_key
from openberth.contexts.stays.store import cases as case_store
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import reading
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra import vault
from openberth.infra.database import Reader
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id, lowest_at
from openberth.kernel.money import Money, total
from openberth.kernel.plates import InvalidPlate, Plate
from openberth.kernel.time import SECOND_US, Instant, as_datetime, instant_of

RATE_WINDOW_US = 60 * SECOND_US
SCANNED_PAGES_MAX = 5  # statements that one page of a lane's passages may take


class _HasId(Protocol):
    @property
    def id(self) -> Id: ...


R = TypeVar("R", bound=_HasId)


@dataclass(frozen=True, slots=True)
class Rows(Generic[R]):
    """A page of history, newest first; ``more_after`` is the last row looked at when there may be more."""

    items: Sequence[R]
    more_after: Id | None

    @classmethod
    def of(cls, rows: Sequence[R], limit: int) -> "Rows[R]":
        """Return the rows of one statement as a page."""
        return cls(rows, rows[-1].id if len(rows) >= limit else None)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The car that stands at a lane. ``plate`` is masked, None when it was not read; ``since`` is business time."""

    passage: Id
    plate: str | None
    ask: Ask
    since: Instant
    stay: Id | None
    bill: payments.Bill | None


@dataclass(frozen=True, slots=True)
class LaneNow:
    """A lane with the car that waits there."""

    lane: facility.LaneView
    waiting: Waiting | None


@dataclass(frozen=True, slots=True)
class LotGround:
    """A lot with what stands on it and who waits at its lanes."""

    lot: LotSummary
    areas: Sequence[facility.AreaView]
    lanes: Sequence[LaneNow]
    devices: Sequence[facility.DeviceView]


@dataclass(frozen=True, slots=True)
class LotNow:
    """A lot as it is at this moment: who waits, what needs a person, and the money since local midnight."""

    ground: LotGround
    cases_open: int
    received_today: Money
    entries: int  # in the last minute of machine time
    exits: int


@dataclass(frozen=True, slots=True)
class StayRow:
    """A stay in a list: open or closed, with its plate masked."""

    stay: OpenStay | Stay
    plate: str | None

    @property
    def id(self) -> Id:
        """Return the stay's id."""
        return self.stay.id


@dataclass(frozen=True, slots=True)
class StayDetail:
    """A stay with everything that belongs to it. ``assessment`` is what an open one costs now, None without a price."""

    row: StayRow
    segments: Sequence[Segment]
    bills: Sequence[payments.Bill]
    receipts: Sequence[payments.Receipt]
    passages: Sequence["PassageRow"]
    corrections: Sequence["Corrected"]
    assessment: prices.Assessment | None


@dataclass(frozen=True, slots=True)
class Corrected:
    """A correction of a stay's plate, with both plates masked."""

    correction: PlateCorrection
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage with its plate masked."""

    passage: Passage
    plate: str | None

    @property
    def id(self) -> Id:
        """Return the passage's id."""
        return self.passage.id


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """A case with the plate it is about, and stays inside that look like it, nearest first (plates masked)."""

    case: Case
    plate: str | None
    candidates: Sequence[tuple[Id, str]]

    @property
    def id(self) -> Id:
        """Return the case's id."""
        return self.case.id


@dataclass(frozen=True, slots=True)
class Books:
    """The totals of a lot since its beginning.

    ``billed`` is what was ever asked for and not taken back; it equals ``due`` plus what was received, less surplus.
    All of these are in the lot's own currency; ``foreign`` is money of other currencies, none of which was owed.
    ``stays_turned_back`` are those of cars that were let in and backed out of the lane; they are not among the closed.
    """

    passages_in: int
    passages_out: int
    stays_open: int
    stays_closed: int
    stays_turned_back: int
    billed: Money
    received: Mapping[str, Money]
    due: Money
    surplus: Money
    foreign: Sequence[Money]


def overview(reader: Reader) -> list[LotNow]:
    """Return every lot of the caller's scope as it is now: a dozen statements each, none over history."""
    return [lot_now(reader, lot=lot) for lot in facility.lots(reader)]


def lot_now(reader: Reader, *, lot: LotSummary) -> LotNow:
    """Return a lot as it is now."""
    since_id = lowest_at(max(0, reader.machine_now - RATE_WINDOW_US) // 1_000)
    crossed = dict(reader.all(reading.CROSSED_SINCE, lot=lot.id, since_id=since_id))
    received = payments.received_since(reader, lot=lot.id, currency=lot.currency, since=_midnight(reader.now, lot.zone))
    return LotNow(
        lot_ground(reader, lot=lot.id), reader.all(case_store.OPEN_COUNT, lot=lot.id)[0],
        received, crossed.get(LaneKind.ENTRY, 0), crossed.get(LaneKind.EXIT, 0),
    )  # fmt: skip


def lot_ground(reader: Reader, *, lot: Id) -> LotGround:
    """Return a lot with what stands on it and who waits. Raises ``NotFound("lot.not_found")``."""
    detail = facility.lot_detail(reader, lot=lot)
    standing = {each.lane_id: each for each in reader.all(passage_store.LANES_OF_LOT, lot=lot) if each.waiting}
    lanes = [
        LaneNow(each, _waiting(reader, standing[each.id]) if each.id in standing else None) for each in detail.lanes
    ]
    return LotGround(detail.lot, detail.areas, lanes, detail.devices)


def waiting_at(reader: Reader, *, lane: Id) -> Waiting | None:
    """Return the car that waits at a lane."""
    standing = reader.one(passage_store.LANE, lane=lane)
    return _waiting(reader, standing) if standing is not None and standing.waiting else None


def plate_named(reader: Reader, *, text: str) -> Id | None:
    """Return the vault id of a plate or pass as somebody wrote it, None for one that was never seen here."""
    for read in (Plate.read, Plate.foreign, Plate.unlicensed):
        try:
            plate = read(text)
        except InvalidPlate:
            continue
        found = vault.find(reader, VaultKind.PLATE, plate.key)
        if found is not None:
            return found
    return None


def stays_of_lot(
    reader: Reader, *, lot: Id, open_ones: bool | None, plate: str | None, before: Id, limit: int
) -> Rows[StayRow]:
    """Return a page of a lot's stays, newest first: open ones, closed ones, or both (None); of one plate or of all."""
    found: list[OpenStay | Stay] = []
    plate_id = None if plate is None else plate_named(reader, text=plate)
    if plate is not None and plate_id is None:
        return Rows([], None)
    if open_ones is not False:
        found += _open_stays(reader, lot, plate_id, before, limit)
    if open_ones is not True:
        found += _closed_stays(reader, lot, plate_id, before, limit)
    # A stay keeps its id when it closes, so one that does between two pages is neither lost nor shown twice.
    newest = sorted(found, key=lambda stay: stay.id, reverse=True)[:limit]
    return Rows.of([StayRow(stay, _masked(reader, stay.plate_id)) for stay in newest], limit)


def stay_detail(reader: Reader, *, stay: Id) -> StayDetail:
    """Return a stay with everything that belongs to it. Raises ``NotFound("stay.not_found")``."""
    found: OpenStay | Stay | None = reader.one(stay_store.OPEN_STAY, stay=stay)
    assessment = None
    if isinstance(found, OpenStay):
        assessment = _assessed(reader, found)
    else:
        found = reader.one(stay_store.STAY, stay=stay)
    if found is None:
        raise NotFound("stay.not_found")
    bills = payments.bills_of(reader, subject=stay)
    receipts = [receipt for bill in bills for receipt in payments.receipts_of(reader, bill=bill.id)]
    row = StayRow(found, _masked(reader, found.plate_id))
    corrections = [
        Corrected(each, _masked(reader, each.old_plate_id), _masked(reader, each.new_plate_id))
        for each in reader.all(stay_store.CORRECTIONS, stay=stay)
    ]
    return StayDetail(
        row, reader.all(stay_store.SEGMENTS, stay=stay), bills, receipts, _passages_of_stay(reader, found), corrections,
        assessment,
    )  # fmt: skip


def passages_of_lot(
    reader: Reader, *, lot: Id, lane: Id | None, plate: str | None, before: Id, limit: int
) -> Rows[PassageRow]:
    """Return a page of a lot's passages, newest first, at one lane or all, of one plate or all."""
    plate_id = None if plate is None else plate_named(reader, text=plate)
    if plate is not None and plate_id is None:
        return Rows([], None)

    def page(after: Id, most: int) -> list[Passage]:
        if plate_id is None:
            return reader.all(passage_store.PASSAGES_OF_LOT, lot=lot, before=after, limit=most)
        return reader.all(passage_store.PASSAGES_OF_PLATE, lot=lot, plate=plate_id, before=after, limit=most)

    if lane is None:
        rows = page(before, limit)
        return Rows.of([_passage_row(reader, row) for row in rows], limit)
    return _filtered(reader, page, lane, before, limit)


def passage_detail(reader: Reader, *, passage: Id) -> PassageRow:
    """Return a passage. Raises ``NotFound("passage.not_found")``."""
    found = reader.one(passage_store.PASSAGE, passage=passage)
    if found is None:
        raise NotFound("passage.not_found")
    return _passage_row(reader, found)


def cases_of_lot(reader: Reader, *, lot: Id, open_ones: bool, before: Id, limit: int) -> Rows[CaseDetail]:
    """Return a page of a lot's cases, newest first, without candidates."""
    statement = case_store.OPEN_OF_LOT if open_ones else case_store.RESOLVED_OF_LOT
    rows = reader.all(statement, lot=lot, before=before, limit=limit)
    return Rows.of([CaseDetail(case, _masked(reader, _plate_of(reader, case)), ()) for case in rows], limit)


def case_detail(reader: Reader, *, case: Id) -> CaseDetail:
    """Return a case; while it is open, with similar plates inside. Raises ``NotFound("exception.not_found")``."""
    found = reader.one(case_store.CASE, case_id=case)
    if found is None:
        raise NotFound("exception.not_found")
    plate_id = _plate_of(reader, found)
    text = vault.reveal(reader, plate_id) if plate_id else None
    if text is None:
        return CaseDetail(found, None, ())
    plate = Plate(text)
    similar = similar_inside(reader, lot=found.lot_id, plate=plate) if found.resolved_at is None else []
    return CaseDetail(found, plate.masked, [(stay, near.masked) for stay, near in similar])


def books(reader: Reader, *, lot: LotSummary) -> Books:
    """Return the totals of a lot since its beginning; sums over its rows."""
    crossed = dict(reader.all(reading.CROSSED, lot=lot.id))
    totals = payments.totals(reader, lot=lot.id)
    states = payments.BillState
    due = paid = 0
    for state, (_, asked, came) in totals.billed.items():
        paid += came
        due += asked - came if state == states.OPEN.value else 0
    ours = [part for part in totals.received if part.amount.currency == lot.currency]
    foreign: dict[str, Money] = {}
    for part in totals.received:
        currency = part.amount.currency
        if currency != lot.currency:
            foreign[currency] = foreign.get(currency, Money(0, currency)) + part.amount
    closed = dict(reader.all(reading.CLOSED_STAYS, lot=lot.id))
    turned_back = closed.pop(CloseReason.TURNED_BACK, 0)
    return Books(
        crossed.get(LaneKind.ENTRY, 0), crossed.get(LaneKind.EXIT, 0),
        reader.all(reading.OPEN_STAYS, lot=lot.id)[0], sum(closed.values()), turned_back,
        Money(paid + due, lot.currency), {part.method: part.amount for part in ours}, Money(due, lot.currency),
        total((part.surplus for part in ours), lot.currency), [foreign[currency] for currency in sorted(foreign)],
    )  # fmt: skip


def _open_stays(reader: Reader, lot: Id, plate: Id | None, before: Id, limit: int) -> list[OpenStay]:
    if plate is None:
        return reader.all(stay_store.OPEN_OF_LOT, lot=lot, before=before, limit=limit)
    found = reader.one(stay_store.BY_OPEN_KEY, open_key=open_key(lot, plate))
    return [found] if found is not None and found.id < before else []


def _closed_stays(reader: Reader, lot: Id, plate: Id | None, before: Id, limit: int) -> list[Stay]:
    if plate is None:
        return reader.all(stay_store.STAYS_OF_LOT, lot=lot, before=before, limit=limit)
    return reader.all(stay_store.STAYS_OF_PLATE, lot=lot, plate=plate, before=before, limit=limit)


def _assessed(reader: Reader, stay: OpenStay) -> prices.Assessment | None:
    try:
        return prices.assess(reader, stay, at=reader.now)
    except tariffs.NotComputable:
        return None


def _passages_of_stay(reader: Reader, stay: OpenStay | Stay) -> list[PassageRow]:
    """Return the passages of a stay in their order; those that were linked by hand stand only in the stay itself."""
    found = {passage.id: passage for passage in reader.all(passage_store.PASSAGES_OF_STAY, stay=stay.id)}
    ends = [stay.entry_passage_id, *([stay.exit_passage_id] if isinstance(stay, Stay) and stay.exit_passage_id else [])]
    for end in ends:
        missing = None if end in found else reader.one(passage_store.PASSAGE, passage=end)
        if missing is not None:
            found[end] = missing
    ordered = sorted(found.values(), key=lambda passage: (passage.captured_at, passage.id))
    return [_passage_row(reader, passage) for passage in ordered]


def _filtered(
    reader: Reader, page: Callable[[Id, int], list[Passage]], lane: Id, before: Id, limit: int
) -> Rows[PassageRow]:
    """Pick a lane's passages out of the lot's, looking at a bounded number; the cursor goes on where it stopped."""
    kept: list[PassageRow] = []
    after = before
    for _ in range(SCANNED_PAGES_MAX):
        rows = page(after, passage_store.PAGE_MAX)
        for row in rows:
            after = row.id
            if row.lane_id == lane:
                kept.append(_passage_row(reader, row))
                if len(kept) == limit:
                    return Rows(kept, after)
        if len(rows) < passage_store.PAGE_MAX:
            return Rows(kept, None)
    return Rows(kept, after)


def _waiting(reader: Reader, standing: LaneState) -> Waiting:
    bill = payments.bill_by_id(reader, bill=standing.bill_id) if standing.bill_id else None
    return Waiting(
        standing.passage_id, _masked(reader, standing.plate_id), standing.ask, standing.captured_at, standing.stay_id,
        bill,
    )  # fmt: skip


def _passage_row(reader: Reader, passage: Passage) -> PassageRow:
    return PassageRow(passage, _masked(reader, passage.plate_id))


def _plate_of(reader: Reader, case: Case) -> Id | None:
    passage = reader.one(passage_store.PASSAGE, passage=case.passage_id) if case.passage_id else None
    return passage.plate_id if passage else None


def _masked(reader: Reader, plate: Id | None) -> str | None:
    text = vault.reveal(reader, plate) if plate else None
    return None if text is None else Plate(text).masked


def _midnight(now: Instant, zone: str) -> Instant:
    local = as_datetime(now, ZoneInfo(zone))
    return instant_of(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))
