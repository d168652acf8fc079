"""Lists of bills, receipts, refunds and debts: of several lots, by time either way, narrowed by what came of them."""

from collections.abc import Collection

from openberth.contexts.payments.model import (
    Bill,
    BillState,
    Receipt,
    ReceiptMethod,
    Refund,
    RefundCause,
    RefundState,
)
from openberth.contexts.payments.model.debts import Debt, DebtState
from openberth.contexts.payments.store import listing as store
from openberth.infra import lists
from openberth.infra.database import Reader
from openberth.infra.lists import ListAsk, Listed
from openberth.kernel.ids import Id


def listed_bills(
    reader: Reader, *, lots: Collection[Id], ask: ListAsk, state: BillState | None = None
) -> Listed[Bill]:  # fmt: skip
    """Return a page of bills by when they were issued."""
    return lists.page(reader, lists.over(store.BILLS, lots, state=state), ask)


def listed_receipts(
    reader: Reader, *, lots: Collection[Id], ask: ListAsk, method: ReceiptMethod | None = None
) -> Listed[Receipt]:
    """Return a page of receipts by when they were received."""
    return lists.page(reader, lists.over(store.RECEIPTS, lots, method=method), ask)


def listed_refunds(
    reader: Reader, *, lots: Collection[Id], ask: ListAsk, state: RefundState | None = None,
    method: ReceiptMethod | None = None, cause: RefundCause | None = None,
) -> Listed[Refund]:  # fmt: skip
    """Return a page of refunds by when they were asked for."""
    return lists.page(reader, lists.over(store.REFUNDS, lots, state=state, method=method, cause=cause), ask)


def listed_debts(
    reader: Reader, *, lots: Collection[Id], ask: ListAsk, state: DebtState | None = None
) -> Listed[Debt]:  # fmt: skip
    """Return a page of debts by when they were raised."""
    return lists.page(reader, lists.over(store.DEBTS, lots, state=state), ask)
