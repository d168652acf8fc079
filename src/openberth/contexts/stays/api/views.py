"""What the routes of stays answer, and how it is made of what the queries return. Plates are masked already."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from openberth.contexts import facility, payments
from openberth.contexts.facility import DeviceKind, LaneKind, LotState, LotSummary
from openberth.contexts.payments.api import BillView, ReceiptView
from openberth.contexts.stays.model.entities import (
    Action,
    Ask,
    CaseKind,
    CloseReason,
    PassageState,
    Resolution,
    Source,
)
from openberth.contexts.stays.service.queries import LaneNow, LotGround, LotNow, Waiting
from openberth.contexts.tariffs.api import LineView, lines_view
from openberth.infra.catalogue import Language
from openberth.infra.http.answers import MaskedPlate, MoneyView, View, When, instant, instant_or_none, money
from openberth.kernel.ids import Id


class NameView(View):
    """A name in both languages."""

    zh: str
    en: str


class DueView(View):
    """What is asked for: the bill with its lines. ``due`` is what may still be paid."""

    id: str = Field(description="id of the bill; empty when nothing is due and no bill was written")
    number: str
    due: MoneyView
    paid: MoneyView
    state: str
    quoted_at: When
    valid_until: When | None
    lines: list[LineView]


class WaitingView(View):
    """The car that waits at a lane and what it is asked for. ``since`` is business time."""

    passage: Id
    plate: MaskedPlate | None
    ask: Ask
    since: When
    stay: Id | None
    bill: DueView | None


class AreaView(View):
    """An area with its three numbers, and what they come to."""

    code: str
    name: NameView
    inside: str | None
    capacity: int
    count: int
    adjustment: int
    occupied: int
    free: int
    tariff: str


class LaneView(View):
    """A lane; ``from`` and ``to`` are areas, null is the street. ``scan_code`` is on its sign."""

    id: Id
    code: str
    name: NameView
    kind: LaneKind
    from_area: str | None
    to_area: str | None
    booth: str | None
    scan_code: str
    waiting: WaitingView | None


class DeviceView(View):
    """A device and when it was last heard (machine time)."""

    id: Id
    code: str
    kind: DeviceKind
    lane: str
    serial: str | None
    addresses: list[str]
    has_credentials: bool
    online: bool
    last_seen: When | None
    address: str | None
    clock_offset_us: int | None
    state: Mapping[str, Any] | None


class LotView(View):
    """A lot. ``free`` is below zero when it is overfull."""

    id: Id
    code: str
    name: NameView
    zone: str
    currency: str
    tariff: str
    state: LotState
    scan_code: str
    capacity: int
    occupied: int
    free: int


class LotDetailView(LotView):
    """A lot with what stands on it and who waits."""

    areas: list[AreaView]
    lanes: list[LaneView]
    devices: list[DeviceView]


class RateView(View):
    """How many cars went through entries and exits in the last ``window_s`` seconds of machine time."""

    window_s: int
    entries: int
    exits: int


class OverviewLotView(LotDetailView):
    """A lot as it is at this moment. ``received_today`` counts from local midnight."""

    waiting: int
    exceptions_open: int
    received_today: MoneyView
    rate: RateView


class OverviewView(View):
    """All lots as they are at this moment."""

    business_now: When
    machine_now: When
    lots: list[OverviewLotView]


class SegmentView(View):
    """A part of a stay in one area under one right; ``left`` is null while the car is there."""

    area: str
    entered: When
    left: When | None
    right: str | None


class AssessmentView(View):
    """What an open stay costs at this moment, what was paid, and until when what is due stays as it is."""

    total: MoneyView
    paid: MoneyView
    due: MoneyView
    holds_until: When | None


class StayView(View):
    """A stay in a list. Price and payment are those at its end."""

    id: Id
    lot: str
    state: str = Field(pattern="^(open|closed)$")
    plate: MaskedPlate | None
    plate_kind: str
    entered: When
    left: When | None
    reason: CloseReason | None
    price: MoneyView | None
    paid: MoneyView | None


class PassageView(View):
    """One car at one lane, with its decision: ``reason`` as a code, ``decision`` in words."""

    id: Id
    lot: str
    lane: str
    direction: LaneKind
    device: str | None
    source: Source
    plate: MaskedPlate | None
    plate_kind: str
    colour: str
    confidence: int
    captured_at: When
    device_at: When | None
    received_at: When
    action: Action
    reason: str
    decision: str
    state: PassageState
    ask: Ask
    stay: Id | None
    bill: Id | None
    command: Id | None
    pictures: list[str]
    flaws: list[str]


class CorrectionView(View):
    """A person gave a stay another plate: which before, which after, who, when and why."""

    at: When
    by: str
    reason: str
    before: MaskedPlate | None
    after: MaskedPlate | None
    before_id: Id | None = Field(description="id under which the plate before is kept")
    after_id: Id


class StayDetailView(StayView):
    """A stay with everything that belongs to it."""

    segments: list[SegmentView]
    bills: list[BillView]
    receipts: list[ReceiptView]
    passages: list[PassageView]
    corrections: list[CorrectionView]
    assessment: AssessmentView | None


class CandidateView(View):
    """A car inside whose plate looks like the one in question."""

    stay: Id
    plate: MaskedPlate


class CaseView(View):
    """Something that needs a person: ``kind`` as a word, ``text`` in words."""

    id: Id
    lot: str
    kind: CaseKind
    text: str
    lane: str | None
    passage: Id | None
    stay: Id | None
    plate: MaskedPlate | None
    evidence: Mapping[str, Any]
    raised_at: When
    state: str = Field(pattern="^(open|resolved)$")
    resolution: Resolution | None
    resolved_at: When | None
    resolved_by: str | None
    reason: str | None


class CaseDetailView(CaseView):
    """A case with the cars inside that look like the one in question."""

    candidates: list[CandidateView]


class BooksView(View):
    """Totals of a lot since its beginning. ``billed`` is ``due`` plus what was received, less ``surplus``.

    ``foreign`` is money that came in other currencies than the lot's: none of it was owed, and it is in no other sum.
    A car that was let in and backed out of the lane again is among ``stays_turned_back``, not among ``stays_closed``.
    """

    passages_in: int
    passages_out: int
    stays_open: int
    stays_closed: int
    stays_turned_back: int
    billed: MoneyView
    received: Mapping[str, MoneyView]
    due: MoneyView
    surplus: MoneyView
    foreign: list[MoneyView]


def due_view(bill: payments.Bill, language: Language) -> DueView:
    """Return what a bill asks for."""
    return DueView(
        id=str(bill.id), number=bill.number, due=money(bill.left), paid=money(bill.paid), state=bill.state.value,
        quoted_at=instant(bill.quoted_at), valid_until=instant(bill.valid_until),
        lines=lines_view(bill.quote.get("lines", []), language),
    )  # fmt: skip


def waiting_view(waiting: Waiting | None, language: Language) -> WaitingView | None:
    """Return who waits at a lane."""
    if waiting is None:
        return None
    return WaitingView(
        passage=waiting.passage, plate=waiting.plate, ask=waiting.ask, since=instant(waiting.since), stay=waiting.stay,
        bill=due_view(waiting.bill, language) if waiting.bill else None,
    )  # fmt: skip


def lane_view(now: LaneNow, language: Language) -> LaneView:
    """Return a lane with who waits there."""
    lane = now.lane
    return LaneView(
        id=lane.id, code=lane.code, name=NameView(zh=lane.name_zh, en=lane.name_en), kind=lane.kind,
        from_area=lane.from_area, to_area=lane.to_area, booth=lane.booth, scan_code=lane.scan_code,
        waiting=waiting_view(now.waiting, language),
    )  # fmt: skip


def lot_view(lot: LotSummary) -> LotView:
    """Return a lot by itself."""
    return LotView(
        id=lot.id, code=lot.code, name=NameView(zh=lot.name_zh, en=lot.name_en), zone=lot.zone, currency=lot.currency,
        tariff=lot.tariff_code, state=lot.state, scan_code=lot.scan_code, capacity=lot.capacity, occupied=lot.occupied,
        free=lot.free,
    )  # fmt: skip


def lot_detail_view(ground: LotGround, language: Language) -> LotDetailView:
    """Return a lot with what stands on it."""
    return LotDetailView(
        **dict(lot_view(ground.lot)), areas=[_area(each) for each in ground.areas if not each.retired or each.count],
        lanes=[lane_view(each, language) for each in ground.lanes], devices=[_device(each) for each in ground.devices],
    )  # fmt: skip


def overview_lot_view(now: LotNow, language: Language, window_s: int) -> OverviewLotView:
    """Return a lot as it is at this moment."""
    return OverviewLotView(
        **dict(lot_detail_view(now.ground, language)),
        waiting=sum(each.waiting is not None for each in now.ground.lanes),
        exceptions_open=now.cases_open, received_today=money(now.received_today),
        rate=RateView(window_s=window_s, entries=now.entries, exits=now.exits),
    )  # fmt: skip


def _area(area: facility.AreaView) -> AreaView:
    return AreaView(
        code=area.code, name=NameView(zh=area.name_zh, en=area.name_en), inside=area.inside, capacity=area.capacity,
        count=area.count, adjustment=area.adjustment, occupied=area.occupied, free=area.free, tariff=area.tariff_code,
    )  # fmt: skip


def _device(device: facility.DeviceView) -> DeviceView:
    return DeviceView(
        id=device.id, code=device.code, kind=device.kind, lane=device.lane, serial=device.serial,
        addresses=list(device.networks), has_credentials=device.has_credentials, online=device.online,
        last_seen=instant_or_none(device.last_seen_at), address=device.address,
        clock_offset_us=device.clock_offset_us, state=device.state,
    )  # fmt: skip
