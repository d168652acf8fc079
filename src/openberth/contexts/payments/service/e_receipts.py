"""Electronic receipts: what they say, and the links by which their payers reach them without an account.

A link names a receipt, or the attempt whose receipt it will be, and proves by a keyed hash that we made it: nobody can
guess or change one, nothing has to be kept for it, and it ends by itself a year after. The key is the one that finds
personal values, which never changes, so what stands printed on paper stays good while keys that seal come and go.
"""

import base64
import binascii
import hmac
from enum import StrEnum

from openberth.contexts.payments.model import Receipt
from openberth.contexts.payments.model.e_receipts import LINK_LIFE_US, EReceipt, e_receipt
from openberth.contexts.payments.service.bills import bill_by_id
from openberth.contexts.payments.service.refunds import receipt_by_id
from openberth.contexts.payments.store import receipts as receipt_store
from openberth.contexts.payments.store import refunds as refund_store
from openberth.infra.database import Reader
from openberth.infra.database.unit import Sealer
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id, unix_ms_of
from openberth.kernel.time import Instant, as_datetime

PLACE = "/r"  # where payers reach their receipts: short, for it stands in QR codes
_ID_BYTES = 16
_PROOF_BYTES = 16
_PURPOSE = "receipt-link/1"


class LinkKind(StrEnum):
    """What a link names; its first letter."""

    RECEIPT = "r"
    ATTEMPT = "a"


def e_receipt_of(reader: Reader, *, receipt: Id) -> EReceipt:
    """Return what the paper of a receipt says now. Raises ``NotFound("receipt.not_found")``."""
    found = receipt_by_id(reader, receipt=receipt)
    return e_receipt(
        bill_by_id(reader, bill=found.bill), found,
        earlier=reader.all(receipt_store.RECEIPTS_OF_BILL, bill_id=found.bill),
        refunds=reader.all(refund_store.REFUNDS_OF_RECEIPT, receipt=receipt),
        day=as_datetime(found.received_at).strftime("%y%m%d"),
    )  # fmt: skip


def receipt_of_attempt(reader: Reader, *, attempt: Id) -> Receipt | None:
    """Return the money that an attempt brought, None while it brought none."""
    found = reader.all(receipt_store.RECEIPTS_OF_ATTEMPT, attempt=attempt)
    return found[0] if found else None


def receipt_named(reader: Reader, *, kind: LinkKind, named: Id) -> Id:
    """Return the receipt that a link leads to. Raises ``NotFound("e_receipt.not_paid")`` for an unpaid order."""
    if kind is LinkKind.RECEIPT:
        return named
    found = receipt_of_attempt(reader, attempt=named)
    if found is None:
        raise NotFound("e_receipt.not_paid")
    return found.id


class ReceiptLinks:
    """Makes and reads the links to receipts; reads no row, so whoever guesses costs a hash."""

    def __init__(self, keys: Sealer, *, base: str = "") -> None:
        """``base`` is the address under which payers reach this service."""
        self._keys = keys
        self._base = base

    def address(self, kind: LinkKind, named: Id) -> str:
        """Return the address of the paper of a receipt, or of that of whatever an attempt will bring."""
        return f"{self._base}{PLACE}/{self.link(kind, named)}"

    def link(self, kind: LinkKind, named: Id) -> str:
        """Return the link alone."""
        proof = bytes.fromhex(self._keys.fingerprint(_PURPOSE, f"{kind}{named.hex}"))[:_PROOF_BYTES]
        return kind + base64.urlsafe_b64encode(named.bytes + proof).rstrip(b"=").decode()

    def read(self, link: str, *, now: Instant) -> tuple[LinkKind, Id]:
        """Return what a link of ours names; ``now`` is machine time.

        Raises ``NotFound("e_receipt.not_found")`` alike for every other link and for one that is over.
        """
        try:
            kind, packed = LinkKind(link[:1]), base64.b64decode(link[1:] + "=", altchars=b"-_", validate=True)
            named = Id(bytes=packed[:_ID_BYTES])
            ends = link_ends(named)
        except (ValueError, binascii.Error):
            raise NotFound("e_receipt.not_found") from None
        # Compared as a whole: one link has one spelling.
        if not hmac.compare_digest(link, self.link(kind, named)) or now >= ends:
            raise NotFound("e_receipt.not_found")
        return kind, named


def link_ends(named: Id) -> Instant:
    """Return when a link to this ends: a year of machine time after it came about."""
    return Instant(unix_ms_of(named) * 1_000 + LINK_LIFE_US)
