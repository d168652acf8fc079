"""What drivers who are signed in send and get. Guide: ``docs/guides/drivers.md``."""

from typing import Literal

from pydantic import Field

from openberth.contexts import payments
from openberth.contexts.facility import LaneKind
from openberth.contexts.payments import DebtState, LinkKind, ReceiptLinks
from openberth.contexts.payments.api import BillView, OwnBillView, OwnLotView, bill_view, own_lot_view
from openberth.contexts.payments.model import ReceiptMethod
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.model.debts import WORDS_MAX
from openberth.contexts.stays.api.views import DueView
from openberth.contexts.stays.model.entities import Ask, Barrier, CloseReason, Stay
from openberth.contexts.stays.service.mine import Now, OwnDebt, OwnStay, Paid
from openberth.contexts.tariffs import quote_to_plain
from openberth.contexts.tariffs.api import LineView, lines_view
from openberth.infra.catalogue import Language
from openberth.infra.http.answers import MoneyView, NameView, View, When, instant, instant_or_none, money
from openberth.infra.http.asks import Form, Words
from openberth.kernel.ids import Id
from openberth.kernel.money import Money

CODE_MAX = 40


class PresenceForm(Form):
    """The code of the lane at which one's car waits, as it stands on the sign there."""

    lane_code: str = Field(min_length=1, max_length=CODE_MAX)


class OwnBillForm(Form):
    """Where the car is: nothing for a plate that is verified, unless it is inside more than once (``stay``); the code
    on the sign of the lot for any other.
    """

    lot_code: str | None = Field(None, min_length=1, max_length=CODE_MAX)
    stay: Id | None = None


class ContestForm(Form):
    """Why one disputes a debt; staff reads it. Numbers and plates in it are masked."""

    reason: Words = Field(min_length=1, max_length=WORDS_MAX)


class OwnLaneView(View):
    """The lane at which one's car waits, and what it has to do. ``scan_code`` is that of its sign."""

    code: str
    name: NameView
    direction: LaneKind
    ask: Ask
    scan_code: str


class OwnNowView(View):
    """What a visit costs at ``at``, explained by ``lines``. What is due stays as it is until ``changes_at`` (null: for
    ever). ``leave_by``: paid for, and free to leave until then (null while no such time runs).
    """

    at: When
    total: MoneyView
    paid: MoneyView
    due: MoneyView
    lines: list[LineView]
    changes_at: When | None
    leave_by: When | None


class OwnReceiptView(View):
    """Money that was paid; ``url`` leads to the electronic receipt, for a year."""

    id: Id
    bill: Id
    method: ReceiptMethod
    amount: MoneyView
    received_at: When
    url: str


class OwnStayView(View):
    """A visit of one's own car, its plate whole. ``now`` is null once it is over, and where no price can be told;
    ``bill`` is the one to be paid now, if there is one; ``waits`` where the car stands before a barrier.
    """

    id: Id
    own_plate: Id
    plate: str = Field(examples=["粤B12345"])
    lot: OwnLotView
    state: Literal["open", "closed"]
    entered: When
    left: When | None
    reason: CloseReason | None
    price: MoneyView | None
    paid: MoneyView | None
    now: OwnNowView | None
    bill: Id | None
    waits: OwnLaneView | None
    bills: list[BillView]
    receipts: list[OwnReceiptView]


class OwnStaysView(View):
    """One's own cars that are inside, the newest first."""

    items: list[OwnStayView]


class OwnDueView(View):
    """What is due by now, and the ways to pay it, the usual one first. ``bill.id`` is empty when nothing is due."""

    bill: DueView
    channels: list[ChannelKind]


class OwnBillNowView(View):
    """A bill as it is now. ``barrier`` is what the barrier did for the car that waited for it, null away from lanes and
    while it is not paid; ``receipts`` are those of plates that are verified, and of one's own accounts.
    """

    bill: OwnBillView
    channels: list[ChannelKind]
    barrier: Barrier | None
    receipts: list[OwnReceiptView]


class PaidView(View):
    """A payment, and what for: the plate of the visit, null for money that was put into a prepaid account."""

    receipt: OwnReceiptView
    stay: Id | None
    plate: str | None


class OwnDebtView(View):
    """What a visit left unpaid. ``bill`` asks for it now, ``left`` is what may still be paid; ``reason`` is why it is
    disputed or was waived.
    """

    id: Id
    stay: Id
    own_plate: Id
    plate: str
    lot: OwnLotView
    bill: Id
    amount: MoneyView
    left: MoneyView
    state: DebtState
    raised_at: When
    lapses_at: When
    reason: str | None
    ended_at: When | None


def own_stay_view(found: OwnStay, links: ReceiptLinks, language: Language) -> OwnStayView:
    """Return a visit as its own driver is shown it."""
    stay, now = found.stay, found.now
    closed = stay if isinstance(stay, Stay) else None
    return OwnStayView(
        id=stay.id, own_plate=found.sight.own_plate, plate=found.sight.text, lot=own_lot_view(found.lot),
        state="open" if closed is None else "closed", entered=instant(stay.entered_at),
        left=None if closed is None else instant(closed.left_at),
        reason=None if closed is None else closed.closed_reason,
        price=None if closed is None else money(Money(closed.price_minor, closed.currency)),
        paid=None if closed is None else money(Money(closed.paid_minor, closed.currency)),
        now=_now(now, language), bill=None if now is None or now.bill is None else now.bill.id, waits=_lane(now),
        bills=[bill_view(each, language) for each in found.bills],
        receipts=[own_receipt_view(each, links) for each in found.receipts],
    )  # fmt: skip


def _now(now: Now | None, language: Language) -> OwnNowView | None:
    known = None if now is None else now.assessment
    if known is None:
        return None
    return OwnNowView(
        at=instant(known.at), total=money(known.price), paid=money(known.paid), due=money(known.due),
        lines=lines_view(quote_to_plain(known.quote)["lines"], language),
        changes_at=instant_or_none(known.holds_until), leave_by=None if known.due else instant_or_none(known.leave_by),
    )  # fmt: skip


def _lane(now: Now | None) -> OwnLaneView | None:
    if now is None or now.standing is None:
        return None
    lane = now.standing.lane
    return OwnLaneView(
        code=lane.code, name=NameView(zh=lane.name_zh, en=lane.name_en), direction=lane.kind, ask=now.standing.ask,
        scan_code=lane.scan_code,
    )  # fmt: skip


def own_receipt_view(receipt: payments.Receipt, links: ReceiptLinks) -> OwnReceiptView:
    """Return a payment as whoever made it sees it."""
    return OwnReceiptView(
        id=receipt.id, bill=receipt.bill, method=receipt.method, amount=money(receipt.amount),
        received_at=instant(receipt.received_at), url=links.address(LinkKind.RECEIPT, receipt.id),
    )  # fmt: skip


def paid_views(paid: Paid, links: ReceiptLinks) -> list[PaidView]:
    """Return what was paid for one thing, the newest first."""
    stay = None if paid.plate is None else paid.id
    newest = sorted(paid.receipts, key=lambda each: each.id, reverse=True)
    return [PaidView(receipt=own_receipt_view(each, links), stay=stay, plate=paid.plate) for each in newest]


def own_debt_view(found: OwnDebt) -> OwnDebtView:
    """Return a debt as whoever owes it sees it."""
    debt = found.debt
    left = debt.carried_minor if debt.carried_to is not None else found.bill.left.minor
    return OwnDebtView(
        id=debt.id, stay=debt.subject, own_plate=found.sight.own_plate, plate=found.sight.text,
        lot=own_lot_view(found.lot), bill=found.bill.id, amount=money(debt.amount),
        left=money(Money(left, debt.amount.currency)), state=debt.state, raised_at=instant(debt.raised_at),
        lapses_at=instant(debt.lapses_at), reason=debt.reason, ended_at=instant_or_none(debt.ended_at),
    )  # fmt: skip
