"""A receipt in the words of the catalogue: the paper that its payer gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from openberth.contexts.payments.model.e_receipts import EReceipt, Refunded
from openberth.contexts.payments.model.prepaid import SUBJECT as PREPAID
from openberth.infra.catalogue import Language, text
from openberth.infra.paper import Align, Block, Gap, Paper, Qr, Row, Rule, Text
from openberth.infra.paper.model import DARK, GREY, HUGE, LARGE, SMALL, TITLE
from openberth.kernel.money import Money
from openberth.kernel.time import Instant, as_datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """Who issued a receipt and where, as its paper says it. ``zone`` is the one that all times are told in."""

    seller: str
    place: str
    zone: str


def paper_of(
    e_receipt: EReceipt, issued: Issued, facts: Sequence[tuple[str, str]], language: Language, *, link: str | None
) -> Paper:
    """Return the paper of a receipt. ``facts`` are what the owner of its subject adds, each with its name; ``link`` is
    the address to look it up at, which stands on it as a QR code.
    """
    received = e_receipt.receipt
    is_put_in = e_receipt.subject_kind == PREPAID
    title = text("e_receipt.title_prepaid" if is_put_in else "e_receipt.title", language)
    amount = str(received.amount)
    blocks: list[Block] = [
        Text(issued.seller, SMALL, GREY, Align.CENTRE),
        Text(issued.place, TITLE, align=Align.CENTRE),
        Text(title, LARGE, DARK, Align.CENTRE),
        Gap(6),
        Text(text("e_receipt.paid", language), SMALL, GREY, Align.CENTRE),
        Text(amount, HUGE, align=Align.CENTRE),
        *_refund_words(e_receipt, language),
        Gap(2),
        Rule(),
        _fact(text("e_receipt.number", language), e_receipt.number),
        _fact(text("e_receipt.paid_at", language), moment(received.received_at, issued.zone, seconds=True)),
        _fact(text("e_receipt.method", language), text(f"top.method.{received.method.value}", language)),
        _fact(text("e_receipt.transaction", language), received.transaction),
        _fact(text("e_receipt.bill", language), e_receipt.bill_number),
    ]
    if facts:
        blocks += [Rule(), *(_fact(name, value) for name, value in facts)]
    blocks += [Rule(), Text(text("e_receipt.lines", language), SMALL, GREY), Gap(2)]
    blocks += [Row(text(line.code, language, **line.params), line.amount.amount_text) for line in e_receipt.lines]
    blocks += [Rule(dashed=True), *_sums(e_receipt, issued.zone, language), Rule()]
    if link is not None:
        blocks += [Gap(4), Qr(link), Gap(3), Text(text("e_receipt.scan", language), SMALL, GREY, Align.CENTRE)]
    blocks += [
        Gap(5),
        Text(text("e_receipt.no_invoice", language), SMALL, DARK, Align.CENTRE),
        Text(text("e_receipt.zone", language, zone=issued.zone), SMALL, GREY, Align.CENTRE),
    ]
    mark = text("e_receipt.mark_refunded", language) if e_receipt.state is Refunded.ALL else None
    return Paper(f"{title} {e_receipt.number}", language, tuple(blocks), mark, text("e_receipt.page", language))


def moment(instant: Instant, zone: str, *, seconds: bool = False) -> str:
    """Return an instant as papers tell it."""
    return as_datetime(instant, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def _fact(name: str, value: str) -> Row:
    return Row(name, value, left_ink=GREY)


def _refund_words(e_receipt: EReceipt, language: Language) -> list[Block]:
    if e_receipt.state is Refunded.NOTHING:
        return []
    words = text(f"e_receipt.refunded_{e_receipt.state.value}", language, amount=str(e_receipt.refunded))
    return [Text(words, LARGE, align=Align.CENTRE)]


def _sums(e_receipt: EReceipt, zone: str, language: Language) -> list[Block]:
    """Return the sums; what is nothing is not told, but for the first and the last."""

    def sum_of(code: str, amount: Money, **params: object) -> Row:
        return Row(text(code, language, **params), amount.amount_text)

    received = e_receipt.receipt
    rows: list[Block] = [sum_of("e_receipt.total", e_receipt.total)]
    if e_receipt.before:
        rows.append(sum_of("e_receipt.before", -e_receipt.before))
    if e_receipt.before or e_receipt.earlier:
        rows.append(sum_of("e_receipt.due", e_receipt.due))
    if e_receipt.earlier:
        rows.append(sum_of("e_receipt.earlier", -e_receipt.earlier))
    rows.append(Row(text("e_receipt.this", language), str(received.amount), LARGE))
    if received.surplus:
        rows.append(sum_of("e_receipt.surplus", received.surplus))
    if e_receipt.left:
        rows.append(sum_of("e_receipt.left", e_receipt.left))
    if e_receipt.dropped:
        rows.append(sum_of("e_receipt.dropped", e_receipt.dropped))
    for refund in e_receipt.refunds:
        if refund.at is None:
            rows.append(sum_of("e_receipt.refund_coming", -refund.amount))
        else:
            rows.append(sum_of("e_receipt.refund", -refund.amount, at=moment(refund.at, zone)))
    return rows
