"""Stays, passages and cases as the routes answer them."""

from openberth.contexts.facility import Codes, LotSummary
from openberth.contexts.payments.api import bill_view, debt_view, receipt_view, refund_view
from openberth.contexts.permits import GrantedPermit
from openberth.contexts.stays.api.views import (
    AssessmentView,
    BooksView,
    CandidateView,
    CaseDetailView,
    CaseView,
    CorrectionView,
    OtherCarView,
    PassageView,
    PermitRefView,
    SegmentView,
    StayDetailView,
    StayView,
)
from openberth.contexts.stays.model.entities import Case, OpenStay
from openberth.contexts.stays.service.queries import Books, CaseDetail, Corrected, PassageRow, StayDetail, StayRow
from openberth.infra.catalogue import Language, text
from openberth.infra.http.answers import instant, instant_or_none, money
from openberth.kernel.ids import Id
from openberth.kernel.money import Money


def stay_view(row: StayRow, lot: LotSummary) -> StayView:
    """Return a stay for a list."""
    stay = row.stay
    if isinstance(stay, OpenStay):
        return StayView(
            id=stay.id, lot=lot.code, state="open", plate=row.plate, plate_kind=stay.plate_kind,
            entered=instant(stay.entered_at), left=None, reason=None, price=None, paid=None,
        )  # fmt: skip
    return StayView(
        id=stay.id, lot=lot.code, state="closed", plate=row.plate, plate_kind=stay.plate_kind,
        entered=instant(stay.entered_at), left=instant(stay.left_at), reason=stay.closed_reason,
        price=money(Money(stay.price_minor, stay.currency)), paid=money(Money(stay.paid_minor, stay.currency)),
    )  # fmt: skip


def stay_detail_view(found: StayDetail, lot: LotSummary, codes: Codes, language: Language) -> StayDetailView:
    """Return a stay with everything that belongs to it."""
    stay, assessment = found.row.stay, found.assessment
    segments = [
        SegmentView(
            area=codes.areas.get(part.area_id, str(part.area_id)), entered=instant(part.start_at),
            left=instant(part.end_at), right=part.right, permit=permit_view(found.permits.get(part.permit_id)),
        )
        for part in found.segments
    ]  # fmt: skip
    if isinstance(stay, OpenStay):
        area = codes.areas.get(stay.area_id, str(stay.area_id))
        permit = permit_view(found.permits.get(stay.permit_id))
        segments.append(SegmentView(area=area, entered=instant(stay.since), left=None, right=stay.right, permit=permit))
    return StayDetailView(
        **dict(stay_view(found.row, lot)),
        segments=segments,
        bills=[bill_view(bill, language) for bill in found.bills],
        receipts=[receipt_view(receipt) for receipt in found.receipts],
        passages=[passage_view(row, lot, codes, language) for row in found.passages],
        corrections=[correction_view(each) for each in found.corrections],
        refunds=[refund_view(each) for each in found.refunds],
        debts=[debt_view(each) for each in found.debts],
        cases=[case_view(each.case, each.plate, lot, codes, language) for each in found.cases],
        continues=None if isinstance(stay, OpenStay) else stay.continues_id,
        assessment=None
        if assessment is None
        else AssessmentView(
            total=money(assessment.price), paid=money(assessment.paid), due=money(assessment.due),
            holds_until=instant_or_none(assessment.holds_until),
        ),
    )  # fmt: skip


def permit_view(found: GrantedPermit | None) -> PermitRefView | None:
    """Return a permit as things name it."""
    return None if found is None else PermitRefView(id=found.id, code=found.code, kind=found.kind.value)


def correction_view(corrected: Corrected) -> CorrectionView:
    """Return a correction of a plate."""
    found = corrected.correction
    return CorrectionView(
        at=instant(found.corrected_at), by=found.corrected_by, reason=found.reason, before=corrected.before,
        after=corrected.after, before_id=found.old_plate_id, after_id=found.new_plate_id,
    )  # fmt: skip


def passage_view(row: PassageRow, lot: LotSummary, codes: Codes, language: Language) -> PassageView:
    """Return a passage."""
    found = row.passage
    device = None if found.device_id is None else codes.devices.get(found.device_id, str(found.device_id))
    return PassageView(
        id=found.id, lot=lot.code, lane=codes.lanes.get(found.lane_id, str(found.lane_id)), direction=found.lane_kind,
        device=device, source=found.source, plate=row.plate, plate_kind=found.plate_kind, colour=found.colour,
        confidence=found.confidence, captured_at=instant(found.captured_at),
        device_at=instant_or_none(found.device_at), received_at=instant(found.received_at), action=found.action,
        reason=found.reason, decision=text(found.reason, language), state=found.state, ask=found.ask,
        stay=found.stay_id, bill=found.bill_id, command=found.command_id,
        pictures=picture_places(found.id, found.pictures),
        flaws=list(found.flaws),
    )  # fmt: skip


def case_view(case: Case, plate: str | None, lot: LotSummary, codes: Codes, language: Language) -> CaseView:
    """Return a case."""
    return CaseView(
        id=case.id, lot=lot.code, kind=case.kind, text=text(f"case.{case.kind}", language),
        lane=None if case.lane_id is None else codes.lanes.get(case.lane_id, str(case.lane_id)),
        passage=case.passage_id, stay=case.stay_id, plate=plate, evidence=case.evidence,
        raised_at=instant(case.raised_at), state="open" if case.resolved_at is None else "resolved",
        resolution=case.resolution, resolved_at=instant_or_none(case.resolved_at), resolved_by=case.resolved_by,
        reason=case.reason,
    )  # fmt: skip


def case_detail_view(found: CaseDetail, lot: LotSummary, codes: Codes, language: Language) -> CaseDetailView:
    """Return a case with the cars inside that look like the one in question."""
    candidates = [
        CandidateView(
            stay=each.stay, plate=each.plate, entered=instant(each.entered_at), passage=each.passage,
            pictures=picture_places(each.passage, each.pictures),
        )
        for each in found.candidates
    ]  # fmt: skip
    others = [
        OtherCarView(
            passage=each.id, stay=each.stay_id, captured_at=instant(each.captured_at),
            lane=codes.lanes.get(each.lane_id, str(each.lane_id)), pictures=picture_places(each.id, each.pictures),
        )
        for each in found.passages
    ]  # fmt: skip
    return CaseDetailView(
        **dict(case_view(found.case, found.plate, lot, codes, language)), candidates=candidates, others=others
    )


def picture_places(passage: Id, pictures: int) -> list[str]:
    """Return the addresses of the pictures of a passage."""
    return [f"/v1/passages/{passage}/pictures/{number}" for number in range(pictures)]


def books_view(books: Books) -> BooksView:
    """Return the totals of a lot."""
    return BooksView(
        passages_in=books.passages_in, passages_out=books.passages_out, stays_open=books.stays_open,
        stays_closed=books.stays_closed, stays_turned_back=books.stays_turned_back, billed=money(books.billed),
        received={method: money(amount) for method, amount in books.received.items()}, due=money(books.due),
        surplus=money(books.surplus), foreign=[money(amount) for amount in books.foreign],
    )  # fmt: skip
