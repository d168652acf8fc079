"""What the holder of a prepaid account, who is signed in, sees and does: wherever the account is kept."""

from openberth.contexts.payments.model import Bill
from openberth.contexts.payments.model.prepaid import PrepaidAccount
from openberth.contexts.payments.service import prepaid as accounts
from openberth.contexts.payments.store import prepaid as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_itself
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.money import Money


def prepaid_of_holder(reader: Reader, *, holder: Id) -> list[PrepaidAccount]:
    """Return the prepaid accounts of somebody, the oldest first."""
    return reader.all(store.OF_HOLDER, holder=holder)


def held_prepaid(reader: Reader, *, holder: Id, prepaid: Id) -> PrepaidAccount:
    """Return a prepaid account of somebody. Raises ``NotFound("prepaid.not_found")``, also for one of others."""
    for each in prepaid_of_holder(reader, holder=holder):
        if each.id == prepaid:
            return each
    raise NotFound("prepaid.not_found")


@by_itself
def fill_own(unit: Unit, *, account: Id, prepaid: Id, amount: Money) -> Bill:
    """Issue the bill by which the holder (``account``, who signs in) puts money in. Raises as ``held_prepaid`` and
    ``prepaid.bill_top_up`` do.
    """
    held_prepaid(unit, holder=account, prepaid=prepaid)
    return accounts.bill_top_up(unit, account=prepaid, amount=amount)
