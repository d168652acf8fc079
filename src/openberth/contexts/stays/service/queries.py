"""What people look at: the overview, who waits at lanes, stays and passages with all that belongs to them, the books.

Plates leave masked; they are opened in memory, one by one, for the rows that are shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from openberth.contexts import facility, payments, permits, tariffs
from openberth.contexts.facility import LaneKind, LotSummary
from openberth.contexts.permits import GrantedPermit
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
from openberth.contexts.stays.service import prices, which_visit
from openberth.contexts.stays.service.candidates import KEPT, Candidate, candidates, ended, kept, similar_inside
from openberth.contexts.stays.store import cases as case_store
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import reading
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra import vault
from openberth.infra.database import Reader
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id, lowest_at
from openberth.kernel.money import Money, total
from openberth.kernel.plates import Plate
from openberth.kernel.time import SECOND_US, Instant, as_datetime, instant_of

RATE_WINDOW_US = 60 * SECOND_US


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
    booths: Sequence[facility.BoothView]
    device_skew_s: int


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
    refunds: Sequence[payments.Refund]
    debts: Sequence[payments.Debt]
    cases: Sequence["CaseDetail"]
    permits: Mapping[Id | None, GrantedPermit]


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
    """A case with the plate it is about, and stays inside that look like it, nearest first (plates masked).

    While it is open they are those of now; afterwards those of when it was raised, as far as they were kept.
    ``passages`` are those of other cars that the case is about, too.
    """

    case: Case
    plate: str | None
    candidates: Sequence[Candidate]
    passages: Sequence[Passage] = ()

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
    return LotGround(
        detail.lot, detail.areas, lanes, detail.devices, detail.booths, detail.rules.device_skew_s
    )  # fmt: skip


def waiting_at(reader: Reader, *, lane: Id) -> Waiting | None:
    """Return the car that waits at a lane."""
    standing = reader.one(passage_store.LANE, lane=lane)
    return _waiting(reader, standing) if standing is not None and standing.waiting else None


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
    row = StayRow(found, masked(reader, found.plate_id))
    passages = _passages_of_stay(reader, found)
    segments = reader.all(stay_store.SEGMENTS, stay=stay)
    refunds = [refund for receipt in receipts for refund in payments.refunds_of(reader, receipt=receipt.id)]
    return StayDetail(
        row, segments, bills, receipts, passages, corrections_of(reader, stay=stay), assessment,
        refunds, payments.debts_of(reader, subject=stay), _cases_of_stay(reader, stay, passages),
        _permits(reader, found, segments),
    )  # fmt: skip


def corrections_of(reader: Reader, *, stay: Id) -> list[Corrected]:
    """Return the corrections of a stay's plate, oldest first."""
    return [
        Corrected(each, masked(reader, each.old_plate_id), masked(reader, each.new_plate_id))
        for each in reader.all(stay_store.CORRECTIONS, stay=stay)
    ]


def passage_detail(reader: Reader, *, passage: Id) -> PassageRow:
    """Return a passage. Raises ``NotFound("passage.not_found")``."""
    found = reader.one(passage_store.PASSAGE, passage=passage)
    if found is None:
        raise NotFound("passage.not_found")
    return passage_row(reader, found)


def case_detail(reader: Reader, *, case: Id, then: bool = False) -> CaseDetail:
    """Return a case; while it is open, with similar plates inside: of now, or as they were when it was raised.

    Raises ``NotFound("exception.not_found")``.
    """
    found = reader.one(case_store.CASE, case_id=case)
    if found is None:
        raise NotFound("exception.not_found")
    plate_id = plate_of(reader, found)
    text = vault.reveal(reader, plate_id) if plate_id else None
    others = [reader.one(passage_store.PASSAGE, passage=Id(each)) for each in found.evidence.get("passages", ())]
    passages = [each for each in others if each is not None]
    if text is None:
        return CaseDetail(found, None, (), passages)
    plate = Plate(text)
    if which_visit.asks(found) and found.stay_id is not None:
        both = candidates(reader, [Id(found.evidence[which_visit.EARLIER]), found.stay_id])
        return CaseDetail(found, plate.masked, both, passages)
    if found.resolved_at is not None or (then and KEPT in found.evidence):
        return CaseDetail(found, plate.masked, kept(reader, found), passages)
    shown = [*ended(reader, found), *similar_inside(reader, lot=found.lot_id, plate=plate)]
    return CaseDetail(found, plate.masked, shown, passages)


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
    return [passage_row(reader, passage) for passage in ordered]


def _cases_of_stay(reader: Reader, stay: Id, passages: Sequence[PassageRow]) -> list[CaseDetail]:
    """Return the cases that name the stay, or a passage of it, oldest first."""
    found = {case.id: case for case in reader.all(case_store.OF_STAY, stay=stay)}
    for row in passages:
        found |= {case.id: case for case in reader.all(case_store.OF_PASSAGE, passage=row.id)}
    return [CaseDetail(found[key], masked(reader, plate_of(reader, found[key])), ()) for key in sorted(found)]


def _permits(reader: Reader, stay: OpenStay | Stay, segments: Sequence[Segment]) -> dict[Id | None, GrantedPermit]:
    ids = {part.permit_id for part in segments} | ({stay.permit_id} if isinstance(stay, OpenStay) else set())
    found = [permits.permit(reader, permit=each) for each in ids if each is not None]
    return {each.id: each for each in found if each is not None}


def _waiting(reader: Reader, standing: LaneState) -> Waiting:
    bill = payments.bill_by_id(reader, bill=standing.bill_id) if standing.bill_id else None
    return Waiting(
        standing.passage_id, masked(reader, standing.plate_id), standing.ask, standing.captured_at, standing.stay_id,
        bill,
    )  # fmt: skip


def passage_row(reader: Reader, passage: Passage) -> PassageRow:
    """Return a passage with its plate masked."""
    return PassageRow(passage, masked(reader, passage.plate_id))


def plate_of(reader: Reader, case: Case) -> Id | None:
    """Return the plate that a case is about."""
    passage = reader.one(passage_store.PASSAGE, passage=case.passage_id) if case.passage_id else None
    return passage.plate_id if passage else None


def masked(reader: Reader, plate: Id | None) -> str | None:
    """Return a plate of the vault as people see it."""
    text = vault.reveal(reader, plate) if plate else None
    return None if text is None else Plate(text).masked


def _midnight(now: Instant, zone: str) -> Instant:
    local = as_datetime(now, ZoneInfo(zone))
    return instant_of(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))
