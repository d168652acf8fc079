"""What the electronic receipt of a payment says: values only, and sums that add up. Pure.

On it ``total`` (the lines of the quote) less ``before`` is ``due``; ``due`` less ``earlier`` less ``applied`` is
``left``, or ``dropped`` where the bill asks for nothing more; ``applied`` and ``surplus`` are the ``amount`` that came.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from openberth.contexts.payments.model.entities import Bill, BillState, Receipt
from openberth.contexts.payments.model.refunds import Refund, RefundState
from openberth.kernel.ids import Id
from openberth.kernel.money import Money, total
from openberth.kernel.time import DAY_US, Instant

LINES_MAX = 80  # of a quote; what is beyond stands in one more line
REFUNDS_MAX = 40  # of a receipt, likewise: by one fen after the other a paper would never end
MORE_LINE, OTHER_LINE = "e_receipt.line.more", "e_receipt.line.other"
LINK_LIFE_US = 366 * DAY_US  # an expense report, a dispute with a bank and the yearly accounts are over by then


class Refunded(StrEnum):
    """How much of what came went back."""

    NOTHING = "nothing"
    PART = "part"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class EReceiptLine:
    """A line of the price: a text of the catalogue with its parameters, and an amount, which may be negative."""

    code: str
    params: Mapping[str, Any]
    amount: Money


@dataclass(frozen=True, slots=True)
class EReceiptRefund:
    """Money that went back, or is on its way (``at`` is None); the first of very many are one, of the last's day."""

    amount: Money
    at: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EReceipt:
    """One payment as its paper tells it. Instants are business time.

    ``before`` is what bills before this one have asked for of the same price; ``earlier`` is what receipts before this
    one paid on this bill. ``priced_at`` is the moment the price is of. ``is_over``: the bill was withdrawn or let go
    and asks for nothing more; what it asked for was not owed, or another bill asks for it.
    """

    number: str
    receipt: Receipt
    bill_number: str
    subject_kind: str
    subject: Id
    lines: tuple[EReceiptLine, ...]
    due: Money
    earlier: Money
    priced_at: Instant
    refunds: tuple[EReceiptRefund, ...]
    is_over: bool = False

    @property
    def total(self) -> Money:
        """All lines together."""
        return total((line.amount for line in self.lines), self.due.currency)

    @property
    def before(self) -> Money:
        """The part of the price that this bill does not ask for, because one before it did."""
        return self.total - self.due

    @property
    def applied(self) -> Money:
        """What this payment paid on the bill; nothing when it came in another currency."""
        is_same = self.receipt.amount.currency == self.due.currency
        return self.receipt.applied if is_same else Money(0, self.due.currency)

    @property
    def left(self) -> Money:
        """What the bill asks for still, once this payment was made."""
        return Money(0, self.due.currency) if self.is_over else self._unpaid

    @property
    def dropped(self) -> Money:
        """What the bill asked for still, once this payment was made, and asks for no longer."""
        return self._unpaid if self.is_over else Money(0, self.due.currency)

    @property
    def _unpaid(self) -> Money:
        return self.due - self.earlier - self.applied

    @property
    def refunded(self) -> Money:
        """What went back of this payment."""
        return total((each.amount for each in self.refunds if each.at is not None), self.receipt.amount.currency)

    @property
    def state(self) -> Refunded:
        """How much of this payment went back."""
        if not self.refunded:
            return Refunded.NOTHING
        return Refunded.ALL if self.refunded == self.receipt.amount else Refunded.PART


def e_receipt(
    bill: Bill, receipt: Receipt, *, earlier: Iterable[Receipt], refunds: Iterable[Refund], day: str
) -> EReceipt:
    """Return what the paper of a receipt says.

    ``earlier`` are receipts of the bill (those that came later are passed over), ``refunds`` those of this receipt,
    ``day`` is the one on which it came, as in the numbers of bills.
    """
    currency = bill.due.currency
    before = [
        one.applied
        for one in earlier
        if one.id < receipt.id and one.bill == bill.id and one.amount.currency == currency
    ]
    return EReceipt(
        number=receipt_number(receipt.id, day), receipt=receipt, bill_number=bill.number,
        subject_kind=bill.subject_kind, subject=bill.subject_id, lines=_lines(bill), due=bill.due,
        earlier=total(before, currency), priced_at=bill.quoted_at,
        refunds=tuple(_refunds(refunds)), is_over=bill.state not in (BillState.OPEN, BillState.SETTLED),
    )  # fmt: skip


def receipt_number(receipt: Id, day: str) -> str:
    """Return what people call a receipt: like the number of a bill, and no bill's."""
    return f"R{day}-{receipt.hex[-16:]}".upper()


def _lines(bill: Bill) -> tuple[EReceiptLine, ...]:
    """Return the lines of the price, so many as a paper may have, that are never less than what the bill asks for."""
    currency = bill.due.currency
    lines = [
        EReceiptLine(line["code"], dict(line["params"]), Money(line["amount"]["minor"], line["amount"]["currency"]))
        for line in bill.quote.get("lines", [])
    ]
    if len(lines) > LINES_MAX:
        rest = lines[LINES_MAX:]
        lines = [
            *lines[:LINES_MAX],
            EReceiptLine(MORE_LINE, {"count": len(rest)}, total((line.amount for line in rest), currency)),
        ]
    told = total((line.amount for line in lines), currency)
    if told < bill.due:  # a bill that explains less than it asks for, such as one with no price but what was last asked
        lines.append(EReceiptLine(OTHER_LINE, {}, bill.due - told))
    return tuple(lines)


def _refunds(refunds: Iterable[Refund]) -> Sequence[EReceiptRefund]:
    standing = [one for one in refunds if one.state is not RefundState.GIVEN_UP]
    standing.sort(key=lambda one: one.id)
    told = [EReceiptRefund(one.amount, one.ended_at if one.state is RefundState.DONE else None) for one in standing]
    first, last = told[: max(0, len(told) - REFUNDS_MAX)], told[-REFUNDS_MAX:]
    done, coming = [one for one in first if one.at is not None], [one for one in first if one.at is None]
    return [*_together(done), *_together(coming), *last]


def _together(refunds: Sequence[EReceiptRefund]) -> Sequence[EReceiptRefund]:
    """Return refunds as one, of the latest moment; none as none."""
    if not refunds:
        return ()
    amount = total((one.amount for one in refunds), refunds[0].amount.currency)
    return (EReceiptRefund(amount, max((one.at for one in refunds if one.at is not None), default=None)),)
