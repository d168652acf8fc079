"""Proving that prepaid accounts have what was put in, less what was spent, held and paid out."""

from collections.abc import Iterator, Sequence

from openberth.contexts.payments.model import AccountCode
from openberth.contexts.payments.model.prepaid import PrepaidAccount
from openberth.contexts.payments.service import ledger
from openberth.contexts.payments.store import prepaid as store
from openberth.infra.database import Reader
from openberth.infra.verifying import Wrong
from openberth.kernel.ids import Id


def accounts(reader: Reader, after: Id, limit: int) -> tuple[Sequence[PrepaidAccount], Iterator[Wrong]]:
    """Look at the next accounts: what each can spend and holds is what the books owe its holder."""
    rows = reader.all(store.IN_ORDER, after=after, limit=limit)
    if not rows:
        return rows, iter(())
    first, last = rows[0].id, rows[-1].id
    free = ledger.of_parties(reader, AccountCode.PREPAID, first=first, last=last)
    kept = ledger.of_parties(reader, AccountCode.HELD, first=first, last=last)
    holds = dict(reader.all(store.HELD_OF_ACCOUNTS, first=first, last=last))

    def found() -> Iterator[Wrong]:
        for row in rows:
            balance, held = row.balance.minor, row.held.minor
            if free[row.id] != -balance:
                yield Wrong("prepaid.balance", row.id, -balance, free[row.id])
            if kept[row.id] != -held:
                yield Wrong("prepaid.held", row.id, -held, kept[row.id])
            if holds.get(row.id, 0) != held:
                yield Wrong("prepaid.holds", row.id, held, holds.get(row.id, 0))

    return rows, found()
