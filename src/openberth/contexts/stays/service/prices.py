"""What a stay costs and still owes, and the bills that ask for it."""

from dataclasses import dataclass

from openberth.contexts import payments, tariffs
from openberth.contexts.stays.model.decisions import Right
from openberth.contexts.stays.model.entities import OpenStay, Stay
from openberth.contexts.stays.service.course import course_of
from openberth.contexts.stays.store import passages as passage_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.ids import Id
from openberth.kernel.money import Money, total
from openberth.kernel.time import MINUTE_US, Instant

SUBJECT = "stay"
# A price asked for at a lane or in the app stands at least this long, so that nobody pays an outdated bill while
# typing.
BILL_STANDS_US = 15 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Assessment:
    """The price of an open stay at an instant, what was paid, and what is due.

    Where the stay goes on from others (``earlier``, the newest first), ``quote`` prices all of them together, while
    ``price`` and ``paid`` are those of this one alone. ``versions`` are all that price it, ``tariff_version`` prices
    its end. ``leave_by`` is the end of the minutes to leave in that were paid for, while they run.
    """

    quote: tariffs.Quote
    price: Money
    paid: Money
    due: Money
    surplus: Money
    holds_until: Instant | None
    tariff_version: Id | None
    at: Instant
    versions: tuple[tariffs.TariffVersion, ...] = ()
    earlier: tuple[Stay, ...] = ()
    leave_by: Instant | None = None


@dataclass(frozen=True, slots=True)
class Leaving:
    """The price of a stay whose car is about to leave, the bill that asks for it, and whether an account paid that."""

    assessment: Assessment
    bill: payments.Bill | None = None
    paid_by_account: bool = False


def assess(reader: Reader, stay: OpenStay, *, at: Instant, wholly: bool = False) -> Assessment:
    """Price a stay at an instant, ``wholly`` as ``course_of`` says. Raises ``Problem("tariff.not_computable")`` rather
    than guess.
    """
    moment = max(at, stay.entered_at)
    course = course_of(reader, stay, at=moment, wholly=wholly)
    version, currency = course.main, course.terms.currency
    grace = version.tariff.grace_after_payment_minutes if version else 0
    own = _received(reader, stay.id)
    before = [payment for each in course.earlier for payment in _received_at_all(reader, each.id)]
    settled = tariffs.settlement(course.segments, [*before, *own], course.terms, now=moment, grace_minutes=grace)
    # What is still asked for the stays before is a debt with a bill of its own, and is not asked for twice.
    due = max(settled.due.minor - sum(_debt(reader, each.id) for each in course.earlier), 0)
    price = max(settled.quote.total.minor - sum(each.price_minor for each in course.earlier), 0)
    return Assessment(
        settled.quote, Money(price, currency), total((one.amount for one in own), currency), Money(due, currency),
        settled.surplus, _earliest(settled.holds_until, course.changes_at), version.id if version else None, moment,
        course.versions, course.earlier, settled.grace_until,
    )  # fmt: skip


def _received(reader: Reader, stay: Id) -> list[tariffs.Payment]:
    received = payments.paid_for(reader, subject=stay)
    return [
        tariffs.Payment(each.amount, each.at, each.priced_at, each.grace_minutes, each.told_at) for each in received
    ]


def _received_at_all(reader: Reader, stay: Id) -> list[tariffs.Payment]:
    """Return what was paid for a stay that is over, also what was paid with a later one."""
    credited = [tariffs.Payment(money, at, at) for money, at in payments.credits_of(reader, subject=stay)]
    return [*_received(reader, stay), *credited]


def _debt(reader: Reader, stay: Id) -> int:
    """Return what is owed for a stay before, and what was owed and let go: neither is asked for again."""
    apart = (payments.BillState.OPEN, payments.BillState.WRITTEN_OFF)
    bills = payments.bills_of(reader, subject=stay)
    asked = sum((bill.own_due - bill.paid).minor for bill in bills if bill.state in apart)
    return asked + payments.asked_elsewhere(reader, subject=stay)


def _earliest(*instants: Instant | None) -> Instant | None:
    return min((one for one in instants if one is not None), default=None)


@inner
def assess_alone(unit: Unit, stay: OpenStay, *, at: Instant) -> Assessment:
    """Price a stay while nobody else can bill it, pay for it or close it: what every unit that goes on to do so
    calls.
    """
    unit.lock(payments.subject_lock(stay.id))
    return assess(unit, stay, at=at)


@inner
def assess_anyhow(unit: Unit, stay: OpenStay, *, currency: str, at: Instant) -> tuple[Assessment, str]:
    """Price a stay for somebody who lets its car go in any case.

    Where there is no honest price, what was paid and what was last asked for stand in for it, with the reason.
    """
    try:
        return assess_alone(unit, stay, at=at), ""
    except tariffs.NotComputable as problem:
        return last_asked(unit, stay, currency=currency, at=at), str(problem)


@inner
def assess_leaving(unit: Unit, stay: OpenStay, *, at: Instant, at_exit: bool = True) -> Leaving:
    """Price a stay whose car is about to leave, ask for what is due, and have its prepaid account pay that."""
    assessment = assess_alone(unit, stay, at=at)
    if not assessment.due:
        return Leaving(assessment)
    bill = ensure_bill(unit, stay, assessment, at_exit=at_exit)
    if stay.plate_id is None or payments.pay_by_account(unit, bill=bill, plate=stay.plate_id) is None:
        return Leaving(assessment, bill)
    return Leaving(assess_alone(unit, stay, at=at), bill, paid_by_account=True)


@inner
def leave_free(unit: Unit, stay: OpenStay, *, currency: str, at: Instant) -> Leaving:
    """Return that a stay costs nothing beyond what was paid: a rule says so, whatever it was priced at before."""
    withdraw_open_bill(unit, stay)
    return Leaving(last_asked(unit, stay, currency=currency, at=at))


@inner
def leaving(
    unit: Unit, stay: OpenStay, *, currency: str, at: Instant, on_duty: bool, at_exit: bool = True
) -> Leaving:  # fmt: skip
    """Price a stay whose car leaves, as ``assess_leaving``; on duty, as it is seen now or as it came in, it parks
    free.
    """
    if on_duty or is_free(stay):
        return leave_free(unit, stay, currency=currency, at=at)
    return assess_leaving(unit, stay, at=at, at_exit=at_exit)


def is_free(stay: OpenStay) -> bool:
    """Tell whether a car is on duty: it came in so, or a person has said whose plate it is. It parks free."""
    return stay.right == Right.EMERGENCY


@inner
def assess_out(unit: Unit, stay: OpenStay, *, currency: str, at: Instant) -> tuple[Assessment, str]:
    """Price a stay for somebody who lets its car go in any case, as ``assess_anyhow``; on duty it parked free."""
    if is_free(stay):
        return leave_free(unit, stay, currency=currency, at=at).assessment, ""
    return assess_anyhow(unit, stay, currency=currency, at=at)


@inner
def last_asked(unit: Unit, stay: OpenStay, *, currency: str, at: Instant) -> Assessment:
    """Return what is known without pricing: what was paid, and what the open bill still asks."""
    unit.lock(payments.subject_lock(stay.id))
    nothing = Money(0, currency)
    paid = total((each.amount for each in payments.paid_for(unit, subject=stay.id)), currency)
    open_bill = payments.open_bill_of(unit, kind=SUBJECT, subject=stay.id)
    left = open_bill.own_left if open_bill else nothing
    quote = tariffs.Quote((), paid + left, stay.entered_at, max(at, stay.entered_at), None, 0, 0, 0, paid + left)
    return Assessment(quote, paid + left, paid, left, nothing, None, None, max(at, stay.entered_at))


@inner
def ensure_bill(unit: Unit, stay: OpenStay, assessment: Assessment, *, at_exit: bool = True) -> payments.Bill:
    """Return the open bill that asks for what is due, reusing the one that already does and superseding any other.

    Whoever waits at a lane for this stay waits for the bill that is returned. At an exit it asks for what the car left
    unpaid before, too, where the lot wants that.
    """
    open_bill = payments.open_bill_of(unit, kind=SUBJECT, subject=stay.id)
    if open_bill is not None:
        if (
            open_bill.own_left == assessment.due
            and open_bill.stands(unit.now)
            and _carried(unit, open_bill) == {each.id for each in _to_carry(unit, stay, assessment, open_bill, at_exit)}
        ):
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
        quote=tariffs.quote_to_plain(assessment.quote) | {"versions": versions_of(assessment)},
        quoted_at=assessment.at,
        valid_until=Instant(unit.now + BILL_STANDS_US),
        carrying=_to_carry(unit, stay, assessment, None, at_exit),
    )
    for standing in unit.all(passage_store.LANES_WAITING_FOR_STAY, stay=stay.id):
        unit.run(passage_store.REPOINT_LANE, lane=standing.lane_id, new_bill=issued.id)
        unit.run(passage_store.REPOINT_PASSAGE, passage=standing.passage_id, new_bill=issued.id)
    return issued


def _to_carry(
    reader: Reader, stay: OpenStay, assessment: Assessment, onto: payments.Bill | None, at_exit: bool
) -> list[payments.Debt]:
    if not at_exit or stay.plate_id is None:
        return []
    return payments.debts_to_ask(
        reader, lot=stay.lot_id, plate=stay.plate_id, currency=assessment.due.currency,
        onto=None if onto is None else onto.id,
    )  # fmt: skip


def _carried(reader: Reader, bill: payments.Bill) -> set[Id]:
    return set() if bill.carried is None else {each.id for each in payments.carried_by(reader, bill=bill.id)}


@inner
def alone(unit: Unit, bill: payments.Bill) -> payments.Bill | None:
    """Return an open bill without debts of before: they are asked for by bills of their own from now on."""
    if bill.carried is None:
        return bill
    payments.withdraw_bill(unit, bill=bill.id, into=payments.BillState.SUPERSEDED)
    if not bill.own_left:
        return None
    return payments.issue_bill(
        unit, company=bill.company, lot=bill.lot, kind=bill.subject_kind, subject=bill.subject_id, due=bill.own_left,
        tariff_version=bill.tariff_version, quote=bill.quote, quoted_at=bill.quoted_at, valid_until=bill.valid_until,
    )  # fmt: skip


def versions_of(assessment: Assessment) -> list[dict[str, str | int]]:
    """Return which versions of tariffs a price comes from: they never change, so it can be explained for ever."""
    return [{"tariff": each.code, "number": each.number, "id": str(each.id)} for each in assessment.versions]


@inner
def withdraw_open_bill(unit: Unit, stay: OpenStay) -> None:
    """Withdraw what is asked for a stay that owes nothing any more."""
    open_bill = payments.open_bill_of(unit, kind=SUBJECT, subject=stay.id)
    if open_bill is not None:
        into = payments.BillState.SUPERSEDED if open_bill.paid else payments.BillState.VOID
        payments.withdraw_bill(unit, bill=open_bill.id, into=into)
