"""What a stay costs and still owes: its segments with their rights and tariffs, handed to the pure engine."""

from dataclasses import dataclass
from itertools import pairwise

from openberth.contexts import facility, payments, permits, tariffs
from openberth.contexts.stays.model.entities import OpenStay, Segment
from openberth.contexts.stays.store import stays as store
from openberth.infra.database import Reader, Unit
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, Instant, Period

SUBJECT = "stay"
# A price asked for at a lane or in the app stands at least this long, so that nobody pays an outdated bill while
# typing.
BILL_STANDS_US = 15 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Assessment:
    """The price of an open stay at an instant, what was paid, and what is due."""

    quote: tariffs.Quote
    paid: Money
    due: Money
    holds_until: Instant | None
    tariff_version: Id | None
    at: Instant


def assess(reader: Reader, stay: OpenStay, *, lot_tariff: str, currency: str, at: Instant) -> Assessment:
    """Price a stay at an instant. Raises ``Problem("tariff.not_computable")`` rather than guess."""
    moment = max(at, stay.entered_at)
    segments, version = _segments(reader, stay, lot_tariff)
    grace = version.tariff.grace_after_payment_minutes if version else 0
    paid = [tariffs.Payment(money, when) for money, when in payments.paid_for(reader, kind=SUBJECT, subject=stay.id)]
    settled = tariffs.settlement(segments, paid, currency=currency, now=moment, grace_minutes=grace)
    return Assessment(
        settled.quote, settled.paid, settled.due, settled.holds_until, version.id if version else None, moment
    )


def ensure_bill(unit: Unit, stay: OpenStay, assessment: Assessment) -> payments.Bill:
    """Return the open bill that asks for what is due, reusing the one that already does and superseding any other."""
    open_bill = payments.open_bill_of(unit, kind=SUBJECT, subject=stay.id)
    if open_bill is not None:
        if open_bill.left == assessment.due and open_bill.stands(unit.now):
            return open_bill
        payments.withdraw_bill(unit, bill=open_bill.id, into=payments.BillState.SUPERSEDED)
    stands_until = Instant(unit.now + BILL_STANDS_US)
    if assessment.holds_until is not None and assessment.holds_until > unit.now:
        stands_until = min(stands_until, assessment.holds_until)
    return payments.issue_bill(
        unit,
        company=stay.company_id,
        lot=stay.lot_id,
        kind=SUBJECT,
        subject=stay.id,
        due=assessment.due,
        tariff_version=assessment.tariff_version,
        quote=tariffs.quote_to_plain(assessment.quote),
        quoted_at=assessment.at,
        valid_until=stands_until,
    )


def _segments(
    reader: Reader, stay: OpenStay, lot_tariff: str
) -> tuple[list[tariffs.Segment], tariffs.TariffVersion | None]:
    area_tariffs = facility.area_tariffs(reader, lot=stay.lot_id)
    versions: dict[str, tariffs.TariffVersion | None] = {}
    parts = [(part.area_id, part.permit_id, part.start_at, part.end_at) for part in _finished(reader, stay)]
    now_there = (stay.area_id, stay.permit_id, stay.since, None)
    spans: list[tuple[Id, Id | None, Instant, Instant | None]] = [*parts, now_there]
    segments: list[tariffs.Segment] = []
    for area, permit_id, start, end in spans:
        code = area_tariffs.get(area) or lot_tariff
        if code not in versions:
            versions[code] = tariffs.in_force(reader, company=stay.company_id, code=code, at=stay.entered_at)
        version = versions[code]
        permit = permits.permit(reader, permit=permit_id) if permit_id else None
        segments += _cut(Period(start, end), permit, version.tariff if version else None)
    main = versions.get(lot_tariff) or next((found for found in versions.values() if found), None)
    return segments, main


def _finished(reader: Reader, stay: OpenStay) -> list[Segment]:
    return reader.all(store.SEGMENTS, stay=stay.id) if stay.segments > 1 else []


def _cut(period: Period, permit: permits.GrantedPermit | None, tariff: tariffs.Tariff | None) -> list[tariffs.Segment]:
    """Cut a segment where its permit begins or ends: free while it is valid, the tariff's before and after."""
    if permit is None or not permit.parks_free:
        return [tariffs.Segment(period, tariff)]
    cuts = sorted({edge for edge in (permit.valid.start, permit.valid.end) if edge and period.contains(edge)})
    edges: list[Instant | None] = [period.start, *(edge for edge in cuts if edge > period.start), period.end]
    pieces: list[tariffs.Segment] = []
    for start, end in pairwise(edges):
        assert start is not None, "only the last edge may be open"
        if start == end:
            continue
        right = permit.kind.value if permit.valid.contains(start) else None
        pieces.append(tariffs.Segment(Period(start, end), None if right else tariff, right))
    return pieces
