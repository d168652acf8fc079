"""What a lot's money adds up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openberth.contexts.payments.store import bills as bill_store
from openberth.contexts.payments.store import receipts as receipt_store
from openberth.infra.database import Reader
from openberth.kernel.ids import Id, lowest_at
from openberth.kernel.money import Money
from openberth.kernel.time import Instant


@dataclass(frozen=True, slots=True)
class Received:
    """Money that came by one method in one currency: how many receipts, how much, and what of it was not owed."""

    method: str
    count: int
    amount: Money
    surplus: Money


@dataclass(frozen=True, slots=True)
class Totals:
    """The money of a lot: what came, and by bill state (count, due, paid) in minor units of the lot's currency."""

    received: Sequence[Received]
    billed: Mapping[str, tuple[int, int, int]]


def totals(reader: Reader, *, lot: Id) -> Totals:
    """Return the money totals of a lot since its beginning."""
    received = reader.all(receipt_store.RECEIVED_BY_METHOD, lot=lot)
    billed = reader.all(bill_store.BILLED, lot=lot)
    return Totals(
        [
            Received(method.value, count, Money(amount, currency), Money(surplus, currency))
            for method, currency, count, amount, surplus in received
        ],
        {state.value: (count, due, paid) for state, count, due, paid in billed},
    )


def received_since(reader: Reader, *, lot: Id, currency: str, since: Instant) -> Money:
    """Return the money of a currency that came since an instant of business time, what was not owed included. What a
    prepaid account pays came when that was filled.

    Reads the receipts of that span only, by their time-ordered ids: ids carry machine time, and business time since
    then is never shorter than machine time.
    """
    earliest = max(0, reader.machine_now - max(0, reader.now - since)) // 1_000
    found = reader.all(
        receipt_store.RECEIVED_SINCE, lot=lot, wanted_currency=currency, since_id=lowest_at(earliest), since=since
    )
    return Money(found[0], currency)
