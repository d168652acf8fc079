"""What the slip of a card terminal, a transfer or a voucher says, as it is kept."""

import re
import unicodedata

from openberth.contexts.payments.model.entities import SLIPS, ReceiptMethod
from openberth.kernel.errors import Malformed
from openberth.kernel.reasons import checked_reason

_WORD = re.compile(r"[0-9A-Z][0-9A-Z._-]{0,39}")
REFERENCE_MAX = 40


def transaction_of(method: ReceiptMethod, *, terminal: str | None, reference: str) -> str:
    """Return the number under which a slip is counted once at its lot.

    Terminals are numbered by their acquirer, and their slips by themselves. Raises ``Malformed``: ``offline.method``,
    ``offline.terminal`` (a card slip names one, nothing else does), ``offline.reference``.
    """
    if method not in SLIPS:
        raise Malformed("offline.method")
    if (terminal is not None) != (method is ReceiptMethod.POS):
        raise Malformed("offline.terminal")
    number = checked_number(reference)
    return number if terminal is None else f"{_word(terminal, 'offline.terminal')}/{number}"


def checked_number(reference: str) -> str:
    """Return the number of a slip as it is kept. Raises ``Malformed("offline.reference")``."""
    return _word(reference, "offline.reference")


def note_of(method: ReceiptMethod, note: str | None) -> str | None:
    """Return what a person says about the money: of what came otherwise it has to. Raises as ``checked_reason``."""
    if method is ReceiptMethod.OTHER or note is not None:
        return checked_reason(note or "")
    return None


def _word(text: str, code: str) -> str:
    # Chinese keyboards type digits twice as wide, and people type small letters: the same slip all the same.
    kept = unicodedata.normalize("NFKC", text).strip().upper()
    if not _WORD.fullmatch(kept):
        raise Malformed(code)
    return kept
