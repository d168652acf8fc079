"""What a receipt looks like to programs, and its paper."""

from openberth.contexts.payments.model import ReceiptMethod
from openberth.contexts.payments.model.e_receipts import Refunded
from openberth.contexts.payments.telling import Issued, moment, paper_of
from openberth.contexts.stays.service.e_receipts import StayReceipt
from openberth.infra.catalogue import Language, text
from openberth.infra.http.answers import MaskedPlate, MoneyView, View, When, instant, instant_or_none, money
from openberth.infra.paper import Paper
from openberth.kernel.time import MINUTE_US


class ReceiptLinkView(View):
    """Where the payer sees the receipt, until when."""

    url: str
    expires_at: When


class EReceiptLineView(View):
    """A line of the price."""

    text: str
    amount: MoneyView


class EReceiptRefundView(View):
    """Money that went back, or is on its way (``at`` is null)."""

    amount: MoneyView
    at: When | None


class EReceiptView(View):
    """A receipt: ``total`` less ``before`` is ``due``; ``due`` less ``earlier`` less what came is ``left``.

    Of ``amount``, ``surplus`` was not owed. ``plate`` is masked.
    """

    number: str
    bill: str
    seller: str
    lot: str
    zone: str
    plate: MaskedPlate | None
    entered_at: When | None
    priced_at: When
    lines: list[EReceiptLineView]
    total: MoneyView
    before: MoneyView
    due: MoneyView
    earlier: MoneyView
    amount: MoneyView
    surplus: MoneyView
    left: MoneyView
    method: ReceiptMethod
    transaction: str
    received_at: When
    refunds: list[EReceiptRefundView]
    refunded: Refunded


def e_receipt_view(found: StayReceipt, language: Language) -> EReceiptView:
    """Return a receipt as it leaves."""
    told, visit, issued = found.e_receipt, found.visit, _issued(found, language)
    return EReceiptView(
        number=told.number, bill=told.bill_number, seller=issued.seller, lot=issued.place, zone=issued.zone,
        plate=None if visit is None else visit.plate,
        entered_at=None if visit is None else instant(visit.entered_at),
        priced_at=instant(told.priced_at),
        lines=[
            EReceiptLineView(text=text(line.code, language, **line.params), amount=money(line.amount))
            for line in told.lines
        ],
        total=money(told.total), before=money(told.before), due=money(told.due), earlier=money(told.earlier),
        amount=money(told.receipt.amount), surplus=money(told.receipt.surplus), left=money(told.left),
        method=told.receipt.method, transaction=told.receipt.transaction,
        received_at=instant(told.receipt.received_at),
        refunds=[EReceiptRefundView(amount=money(each.amount), at=instant_or_none(each.at)) for each in told.refunds],
        refunded=told.state,
    )  # fmt: skip


def paper_of_stay(found: StayReceipt, language: Language, *, link: str | None) -> Paper:
    """Return the paper of a receipt with what the stay adds."""
    return paper_of(found.e_receipt, _issued(found, language), _facts(found, language), language, link=link)


def _issued(found: StayReceipt, language: Language) -> Issued:
    seller, lot = found.seller, found.lot
    if language == "zh":
        return Issued(seller.name, lot.name_zh, lot.zone)
    return Issued(seller.name_en or seller.name, lot.name_en or lot.name_zh, lot.zone)


def _facts(found: StayReceipt, language: Language) -> list[tuple[str, str]]:
    """Return whose car, from when to when."""
    visit, zone = found.visit, found.lot.zone
    priced_at = found.e_receipt.priced_at
    if visit is None:
        return []
    facts = []
    if visit.plate is not None:
        facts.append((text("e_receipt.ticket" if visit.is_unlicensed else "e_receipt.plate", language), visit.plate))
    elif visit.plate_id is None:
        facts.append((text("e_receipt.plate", language), text("e_receipt.no_plate", language)))
    facts.append((text("e_receipt.entered", language), moment(visit.entered_at, zone)))
    facts.append((text("e_receipt.priced_at", language), moment(priced_at, zone)))
    facts.append((text("e_receipt.duration", language), _duration(priced_at - visit.entered_at, language)))
    return facts


def _duration(span_us: int, language: Language) -> str:
    """Return a span in words; a minute that has begun counts, as in the price."""
    whole = max(0, -(-span_us // MINUTE_US))
    hours, minutes = divmod(whole, 60)
    if hours < 24:
        return text("e_receipt.duration_hours", language, hours=hours, minutes=minutes)
    return text("e_receipt.duration_days", language, days=hours // 24, hours=hours % 24, minutes=minutes)
