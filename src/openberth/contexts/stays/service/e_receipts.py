"""What a stay adds to the receipt of its payment: whose car, from when to when, and where; the plate is masked."""

from dataclasses import dataclass

from openberth.contexts import facility, payments, tenancy
from openberth.contexts.payments.model.e_receipts import EReceipt
from openberth.contexts.stays.model.entities import OpenStay, Stay
from openberth.contexts.stays.service.codes import find_inside
from openberth.contexts.stays.service.prices import SUBJECT
from openberth.contexts.stays.store import stays as store
from openberth.infra import vault
from openberth.infra.database import Reader
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id, unix_ms_of
from openberth.kernel.plates import Plate
from openberth.kernel.time import Instant


@dataclass(frozen=True, slots=True)
class Visit:
    """The stay that was paid for. ``plate`` is masked, None for a car without one or one that was erased.

    When the car left is not told: an order is the same for all who know a plate, and whoever opened one without paying
    it shall not learn of its movements.
    """

    plate_id: Id | None
    plate: str | None
    is_unlicensed: bool
    entered_at: Instant


@dataclass(frozen=True, slots=True)
class StayReceipt:
    """A receipt with everything that its paper tells. Who took the money is the seller, whoever has the lot now."""

    e_receipt: EReceipt
    seller: tenancy.Company
    lot: facility.LotSummary
    visit: Visit | None


def stay_receipt(reader: Reader, *, receipt: Id) -> StayReceipt:
    """Return what the paper of a receipt says. Raises ``NotFound``: ``receipt.not_found``, ``lot.not_found``."""
    e_receipt = payments.e_receipt_of(reader, receipt=receipt)
    seller = tenancy.company_by_id(reader, company=e_receipt.receipt.company)
    visit = _visit(reader, e_receipt.subject) if e_receipt.subject_kind == SUBJECT else None
    return StayReceipt(e_receipt, seller, facility.lot_by_id(reader, lot=e_receipt.receipt.lot), visit)


def payers_receipt(reader: Reader, *, kind: payments.LinkKind, named: Id) -> StayReceipt:
    """Return what somebody is shown who has the link to a receipt.

    Raises ``NotFound``: ``e_receipt.not_paid`` while there is nothing, ``e_receipt.not_found`` once the person whose
    car it was is forgotten, also where the law has us keep the plate for some time.
    """
    try:
        found = stay_receipt(reader, receipt=payments.receipt_named(reader, kind=kind, named=named))
    except NotFound as problem:
        if problem.code == "e_receipt.not_paid":
            raise
        raise NotFound("e_receipt.not_found") from None
    plate = None if found.visit is None else found.visit.plate_id
    if plate is not None:
        forgotten = tenancy.forgotten_at(reader, value=plate)
        came_at = unix_ms_of(found.e_receipt.receipt.id) * 1_000
        if vault.reveal(reader, plate) is None or (forgotten is not None and came_at <= forgotten):
            raise NotFound("e_receipt.not_found")
    return found


def receipts_inside(reader: Reader, *, lot: Id, plate: Plate) -> list[payments.Receipt]:
    """Return what was paid for a car that is inside, oldest first: for whoever holds its pass."""
    stay = find_inside(reader, lot=lot, plate=plate)
    bills = payments.bills_of(reader, subject=stay.id)
    return [receipt for bill in bills for receipt in payments.receipts_of(reader, bill=bill.id)]


def _visit(reader: Reader, stay: Id) -> Visit | None:
    found: OpenStay | Stay | None = reader.one(store.OPEN_STAY, stay=stay) or reader.one(store.STAY, stay=stay)
    if found is None:
        return None
    text = vault.reveal(reader, found.plate_id) if found.plate_id else None
    plate = None if text is None else Plate(text)
    return Visit(
        found.plate_id, None if plate is None else plate.masked, plate is not None and plate.is_unlicensed,
        found.entered_at,
    )  # fmt: skip
