"""Why a person did something, in its own words: the one place where such words are checked before they are kept."""

from openberth.kernel.errors import Refused
from openberth.kernel.persons import masked_words

REASON_MAX = 200


def checked_reason(text: str) -> str:
    """Return a reason as it is kept: one line, and no number or plate of anybody in it, for it may never be erased.

    Raises ``Refused``: ``reason.missing``, ``reason.too_long``.
    """
    said = " ".join(text.split())
    if not said:
        raise Refused("reason.missing")
    if len(said) > REASON_MAX:
        raise Refused("reason.too_long", longest=REASON_MAX)
    return masked_words(said)[:REASON_MAX]
