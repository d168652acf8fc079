"""What a stay costs and still owes: its segments with their rights and tariffs, handed to the pure engine."""

from dataclasses import dataclass

from openberth.contexts import facility, payments, permits, tariffs
from openberth.contexts.stays.model.entities import OpenStay, Segment
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.ids import Id
from openberth.kernel.money import Money, total
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
    surplus: Money
    holds_until: Instant | None
    tariff_version: Id | None
    at: Instant


def assess(reader: Reader, stay: OpenStay, *, lot_tariff: str, currency: str, at: Instant) -> Assessment:
    """Price a stay at an instant. Raises ``Problem("tariff.not_computable")`` rather than guess."""
    moment = max(at, stay.entered_at)
    segments, version = segments_of(reader, stay, lot_tariff=lot_tariff)
    grace = version.tariff.grace_after_payment_minutes if version else 0
    received = payments.paid_for(reader, kind=SUBJECT, subject=stay.id)
    paid = [tariffs.Payment(money, when, priced_at) for money, when, priced_at in received]
    terms = tariffs.Terms(currency)
    settled = tariffs.settlement(segments, paid, terms, now=moment, grace_minutes=grace)
    return Assessment(
        settled.quote,
        settled.paid,
        settled.due,
        settled.surplus,
        settled.holds_until,
        version.id if version else None,
        moment,
    )


@inner
def assess_alone(unit: Unit, stay: OpenStay, *, lot_tariff: str, currency: str, at: Instant) -> Assessment:
    """Price a stay while nobody else can bill it, pay for it or close it: what every unit that goes on to do so
    calls.
    """
    unit.lock(payments.subject_lock(stay.id))
    return assess(unit, stay, lot_tariff=lot_tariff, currency=currency, at=at)


@inner
def assess_anyhow(unit: Unit, stay: OpenStay, *, lot_tariff: str, currency: str, at: Instant) -> tuple[Assessment, str]:
    """Price a stay for somebody who lets its car go in any case.

    Where there is no honest price, what was paid and what was last asked for stand in for it, with the reason.
    """
    try:
        return assess_alone(unit, stay, lot_tariff=lot_tariff, currency=currency, at=at), ""
    except tariffs.NotComputable as problem:
        return last_asked(unit, stay, currency=currency, at=at), str(problem)


@inner
def last_asked(unit: Unit, stay: OpenStay, *, currency: str, at: Instant) -> Assessment:
    """Return what is known without pricing: what was paid, and what the open bill still asks."""
    unit.lock(payments.subject_lock(stay.id))
    nothing = Money(0, currency)
    paid = total((money for money, _, _ in payments.paid_for(unit, kind=SUBJECT, subject=stay.id)), currency)
    open_bill = payments.open_bill_of(unit, kind=SUBJECT, subject=stay.id)
    left = open_bill.left if open_bill else nothing
    quote = tariffs.Quote((), paid + left, stay.entered_at, max(at, stay.entered_at), None, 0, 0, 0, paid + left)
    return Assessment(quote, paid, left, nothing, None, None, max(at, stay.entered_at))


@inner
def ensure_bill(unit: Unit, stay: OpenStay, assessment: Assessment) -> payments.Bill:
    """Return the open bill that asks for what is due, reusing the one that already does and superseding any other.

    Whoever waits at a lane for this stay waits for the bill that is returned.
    """
    open_bill = payments.open_bill_of(unit, kind=SUBJECT, subject=stay.id)
    if open_bill is not None:
        if open_bill.left == assessment.due and open_bill.stands(unit.now):
            return open_bill
        payments.withdraw_bill(unit, bill=open_bill.id, into=payments.BillState.SUPERSEDED)
    issued = payments.issue_bill(
        unit,
        company=stay.company_id,
        lot=stay.lot_id,
        kind=SUBJECT,
        subject=stay.id,
        due=assessment.due,
        tariff_version=assessment.tariff_version,
        quote=tariffs.quote_to_plain(assessment.quote),
        quoted_at=assessment.at,
        valid_until=Instant(unit.now + BILL_STANDS_US),
    )
    for standing in unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=stay.id):
        unit.run(passage_store.REPOINT_LANE, lane=standing.lane_id, new_bill=issued.id)
        unit.run(passage_store.REPOINT_PASSAGE, passage=standing.passage_id, new_bill=issued.id)
    return issued


@inner
def withdraw_open_bill(unit: Unit, stay: OpenStay) -> None:
    """Withdraw what is asked for a stay that owes nothing any more."""
    open_bill = payments.open_bill_of(unit, kind=SUBJECT, subject=stay.id)
    if open_bill is not None:
        into = payments.BillState.SUPERSEDED if open_bill.paid else payments.BillState.VOID
        payments.withdraw_bill(unit, bill=open_bill.id, into=into)


def segments_of(
    reader: Reader, stay: OpenStay, *, lot_tariff: str
) -> tuple[list[tariffs.Segment], tariffs.TariffVersion | None]:
    """Return a stay as it is priced, its last segment without end, and the version that stands on its bill."""
    area_tariffs = facility.area_tariffs(reader, lot=stay.lot_id)
    versions: dict[str, tariffs.TariffVersion | None] = {}
    parts = [(part.area_id, part.right, part.permit_id, part.start_at, part.end_at) for part in _finished(reader, stay)]
    now_there = (stay.area_id, stay.right, stay.permit_id, stay.since, None)
    spans: list[tuple[Id, str | None, Id | None, Instant, Instant | None]] = [*parts, now_there]
    segments: list[tariffs.Segment] = []
    for area, right, permit_id, start, end in spans:
        code = area_tariffs.get(area) or lot_tariff
        if code not in versions:
            versions[code] = tariffs.in_force(reader, company=stay.company_id, code=code, at=stay.entered_at)
        version = versions[code]
        permit = permits.permit(reader, permit=permit_id) if permit_id else None
        segments += _cut(Period(start, end), right, permit, version.tariff if version else None)
    main = versions.get(lot_tariff) or next((found for found in versions.values() if found), None)
    return segments, main


def _finished(reader: Reader, stay: OpenStay) -> list[Segment]:
    if stay.segments == 1:
        return []
    return [part for part in reader.all(store.SEGMENTS, stay=stay.id) if part.ordinal < stay.segments]


def _cut(
    period: Period, right: str | None, permit: permits.GrantedPermit | None, tariff: tariffs.Tariff | None
) -> list[tariffs.Segment]:
    """Cut a segment where its right ends: free under the right it began with, the tariff's afterwards.

    The right of the entry stays what it was: a list that is renewed meanwhile changes the end, never the past.
    """
    if right is None:
        return [tariffs.Segment(period, tariff)]
    end = permit.valid.end if permit is not None else None
    if end is None or (period.end is not None and end >= period.end):
        return [tariffs.Segment(period, None, right)]
    if end <= period.start:
        return [tariffs.Segment(period, tariff)]
    return [tariffs.Segment(Period(period.start, end), None, right), tariffs.Segment(Period(end, period.end), tariff)]
