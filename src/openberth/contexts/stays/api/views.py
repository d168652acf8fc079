"""What the routes of stays answer, and how it is made of what the queries return. Plates are masked already."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from openberth.contexts import payments
from openberth.contexts.facility import LaneKind
from openberth.contexts.payments.api import BillView, DebtView, ReceiptView, RefundView
from openberth.contexts.stays.model.entities import (
    Action,
    Ask,
    CaseKind,
    CloseReason,
    PassageState,
    Resolution,
    Source,
)
from openberth.contexts.tariffs.api import LineView, lines_view
from openberth.infra.catalogue import Language
from openberth.infra.http.answers import MaskedPlate, MoneyView, View, When, instant, money
from openberth.kernel.ids import Id


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


class PermitRefView(View):
    """A permit as things name it."""

    id: Id
    code: str
    kind: str


class SegmentView(View):
    """A part of a stay in one area under one right; ``left`` is null while the car is there."""

    area: str
    entered: When
    left: When | None
    right: str | None
    permit: PermitRefView | None


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
    refunds: list[RefundView]
    debts: list[DebtView]
    cases: list["CaseView"]
    continues: Id | None = Field(description="the stay before, when the car came back so soon that this one goes on")


class CandidateView(View):
    """A car inside whose plate looks like the one in question, with the pictures of its entry."""

    stay: Id
    plate: MaskedPlate
    entered: When
    passage: Id
    pictures: list[str]


class OtherCarView(View):
    """Another car that an exception is about: the one with the same plate, or the one in front."""

    passage: Id
    stay: Id | None
    captured_at: When
    lane: str
    pictures: list[str]


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
    """A case with the cars inside that look like the one in question: of now, and of then once it is resolved."""

    candidates: list[CandidateView]
    others: list[OtherCarView]


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
