"""The way of a browser to a channel that knows who it is, and back: only whoever went comes back, once and soon.

What comes back in the address is a proof alone, which tells nothing; what it proves is kept by the browser in a cookie.
So a state that is seen, guessed or shown by somebody else fits no other browser, sign or bill, and nothing has to be
stored for those who never come back. That it is good once is written down when it comes (``take_errand``).
"""

import hmac
import re
import secrets
from dataclasses import dataclass

from openberth.infra.database.unit import Sealer
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant, later

COOKIE = "payer"
LIFE_US = 10 * MINUTE_US
LIFE_S = LIFE_US // SECOND_US
_PURPOSE = "payer-state/1"
_NONCE_BYTES = 16
_KEPT = re.compile(r"[A-Za-z0-9_-]{22}\.(?P<bill>[0-9a-f]{32})\.(?P<account>[0-9a-f]{32})\.(?P<until>[0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Errand:
    """What a browser went for: to pay a bill by a contract. ``until`` is machine time."""

    bill: Id
    account: Id
    until: Instant


class Errands:
    """Sends browsers out and knows them again."""

    def __init__(self, keys: Sealer) -> None:
        self._keys = keys

    def begin(self, *, sign: str, bill: Id, account: Id, now: Instant) -> tuple[str, str]:
        """Return (state, what the browser keeps). The state is letters and digits, as WeChat wants it."""
        kept = f"{secrets.token_urlsafe(_NONCE_BYTES)}.{bill.hex}.{account.hex}.{later(now, LIFE_US)}"
        return self._state(sign, kept), kept

    def read(self, *, sign: str, state: str, kept: str, now: Instant) -> Errand:
        """Return what a browser that comes back to a sign went for. Raises ``Refused("payer.state")`` for any other."""
        found = _KEPT.fullmatch(kept)
        if found is None or not state.isascii() or not hmac.compare_digest(state, self._state(sign, kept)):
            raise Refused("payer.state")
        until = Instant(int(found["until"]))
        if now >= until:
            raise Refused("payer.state")
        return Errand(Id(found["bill"]), Id(found["account"]), until)

    def _state(self, sign: str, kept: str) -> str:
        return self._keys.fingerprint(_PURPOSE, f"{sign}|{kept}")
