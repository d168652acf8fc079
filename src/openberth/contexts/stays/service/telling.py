"""What the account is told whose car it is, or whose prepaid account: of money that came, went back, or is owed."""

from collections.abc import Mapping

from openberth.contexts import payments, tenancy
from openberth.contexts.stays.model.entities import OpenStay, Stay
from openberth.contexts.stays.service.prices import SUBJECT
from openberth.contexts.stays.store import stays as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.persons import masked_words

# What a text says of a car, and of a prepaid account.
PAID = ("notice.bill_settled", "notice.topped_up")
REFUNDED = ("notice.refund_made", "notice.refund_prepaid")
OWED = ("notice.debt_recorded", "")


@by_construction
def tell(unit: Unit, *, bill: Id, amount: Money, texts: tuple[str, str]) -> bool:
    """Tell whose bill it is what became of it; tell whether there was somebody to be told."""
    found = payments.bill_by_id(unit, bill=bill)
    if found.subject_kind == payments.PREPAID:
        account = payments.prepaid_by_id(unit, account=found.subject_id)
        holder = None if account.holder is None else tenancy.account_of_person(unit, person=account.holder)
        about: Mapping[str, tenancy.Told] = {"prepaid": account.id, "account": masked_words(account.code)}
        text = texts[1]
    else:
        stay = _stay(unit, found.subject_id) if found.subject_kind == SUBJECT else None
        own = None if stay is None else _holder(unit, stay)
        holder = None if own is None else own.account
        about = {} if own is None else {"plate": tenancy.PlateShown(own.value), "stay": found.subject_id}
        text = texts[0]
    if holder is None or not text:
        return False
    told = {"bill": bill, "amount": amount, **about}
    tenancy.leave_notice(unit, account=holder, company=found.company, code=text, params=told)
    return True


def _stay(reader: Reader, stay: Id) -> OpenStay | Stay | None:
    return reader.one(store.OPEN_STAY, stay=stay) or reader.one(store.STAY, stay=stay)


def _holder(reader: Reader, stay: OpenStay | Stay) -> tenancy.OwnPlate | None:
    """Return whose plate it is, if it may see this visit."""
    own = None if stay.plate_id is None else tenancy.holder_of(reader, plate=stay.plate_id)
    if own is None or own.sees_from is None or (own.sees_until is not None and stay.entered_at > own.sees_until):
        return None
    return own if isinstance(stay, OpenStay) or stay.left_at >= own.sees_from else None
