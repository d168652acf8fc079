"""Do the books of channels agree: fees, days that were read, payouts, and what each contract owes?"""

from collections import Counter
from collections.abc import Iterator, Sequence

from openberth.contexts.payments.model.payouts import Payout, PayoutState
from openberth.contexts.payments.service.payouts import clearing_of
from openberth.contexts.payments.store import reconciling as reconciling_store
from openberth.contexts.payments.store import verifying_channels as store
from openberth.contexts.payments.store.reconciling import Day
from openberth.contexts.payments.store.verifying_channels import ConfirmedRow, ContractRow
from openberth.infra.database import Reader
from openberth.infra.verifying import Wrong
from openberth.kernel.ids import Id


def fees(reader: Reader, after: Id, limit: int) -> tuple[Sequence[ConfirmedRow], Iterator[Wrong]]:
    """Compare what a channel keeps of each receipt and refund, by its statement, with the ledger."""
    rows = reader.all(store.CONFIRMED, after=after, limit=limit)
    if not rows:
        return rows, iter(())
    booked = dict(reader.all(store.FEES_OF_SUBJECTS, first=rows[0].id, last=rows[-1].id))
    return rows, (
        Wrong("fee.booked", row.id, row.fee_minor or 0, booked.get(row.id, 0))
        for row in rows
        if booked.get(row.id, 0) != (row.fee_minor or 0)
    )


def days(reader: Reader, after: Id, limit: int) -> tuple[Sequence[Day], Iterator[Wrong]]:
    """Compare the fees of each day's statement with those of what it confirms, and what it told of nobody's."""
    rows = reader.all(store.DAYS, after=after, limit=limit)

    def found() -> Iterator[Wrong]:
        for row in rows:
            if row.unbooked_fee_minor is None:  # read before fees were booked
                continue
            of_day = {"account": row.account, "on_day": row.day.isoformat()}
            known = reader.all(reconciling_store.FEES_OF_DAY, **of_day)[0] + row.unbooked_fee_minor
            if known != row.fee_minor:
                yield Wrong("day.fees", row.id, row.fee_minor, known)

    return rows, found()


def payouts(reader: Reader, after: Id, limit: int) -> tuple[Sequence[Payout], Iterator[Wrong]]:
    """Compare each payout with its shares, and those with the ledger."""
    rows = reader.all(store.PAYOUTS, after=after, limit=limit)
    if not rows:
        return rows, iter(())
    first, last = rows[0].id, rows[-1].id
    shared = dict(reader.all(store.SHARES_OF_PAYOUTS, first=first, last=last))
    booked = dict(reader.all(store.BOOKED_OF_PAYOUTS, first=first, last=last))

    def found() -> Iterator[Wrong]:
        for row in rows:
            if shared.get(row.id, 0) != row.amount.minor:
                yield Wrong("payout.shares", row.id, row.amount.minor, shared.get(row.id, 0))
            counts = shared.get(row.id, 0) if row.state is PayoutState.BOOKED else 0
            if booked.get(row.id, 0) != counts:
                yield Wrong("payout.booked", row.id, counts, booked.get(row.id, 0))

    return rows, found()


def contracts(reader: Reader, after: Id, limit: int) -> tuple[Sequence[ContractRow], Iterator[Wrong]]:
    """See that no channel paid out more than it took.

    Less than nothing is right after refunds, which a channel takes out of what it owes later, and by what a person gave
    a reason for: both are added before.
    """
    rows = reader.all(store.CONTRACTS, after=after, limit=limit)

    def found() -> Iterator[Wrong]:
        for row in rows:
            held = Counter[str]()
            for _company, _lot, currency, minor in clearing_of(reader, account=row.id):
                held[currency] += minor
            for currency, minor in reader.all(store.LESSENED, account=row.id):
                held[currency] += minor
            for currency, minor in reader.all(store.EXCESSES, account=row.id, counting=PayoutState.BOOKED):
                held[currency] += minor
            yield from (Wrong("clearing.negative", row.id, 0, minor) for minor in held.values() if minor < 0)

    return rows, found()
