"""Signed requests at the door: whose key it is, whether the signature is good, that it comes once and not too often.

What is cheap comes first: form, key, time, signature, the bucket of the minute. Only a good request reaches the one
unit that uses its nonce up and counts it, so that strangers write nothing.
"""

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

from openberth.contexts.tenancy.model.api_keys import Use, day_ends_in_us
from openberth.contexts.tenancy.service import api_keys
from openberth.contexts.tenancy.service.api_keys import Opened
from openberth.infra.buckets import Buckets, Rate, Taken, per_minute
from openberth.infra.database import Database
from openberth.infra.http.problems import TooMany
from openberth.infra.http.signatures import WINDOW_US, SignedRequest, check_claim, read_claim
from openberth.kernel.authority import system
from openberth.kernel.errors import Unknown
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, SECOND_US, Instant

KNOWN_US = 5 * SECOND_US
KNOWN_MAX = 2_000
KEY_LENGTH_MAX = 40


@dataclass(frozen=True, slots=True)
class _Known:
    read_at: Instant
    opened: Opened


class KeyBook:
    """The keys that were used lately."""

    def __init__(self, database: Database, buckets: Buckets) -> None:
        self._database = database
        self._buckets = buckets
        self._by = system("auth")
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def forget(self, account: Id | None = None) -> None:
        """Read the keys of an account anew at their next use, or all of them."""
        for key in [key for key, known in self._known.items() if account in (None, known.opened.key.account)]:
            del self._known[key]

    async def verified(self, request: SignedRequest) -> tuple[Opened, tuple[Taken, ...]]:
        """Return the key that signed a request, and what is left of its quotas; the request is used up by it.

        Raises ``Unknown`` (``signature.…``) and ``TooMany``.
        """
        claim = read_claim(request)
        now = self._database.clocks.machine.now()
        opened = await self._opened(claim.key, now)
        check_claim(claim, () if opened is None else (opened.secret,), now)
        assert opened is not None, "a key that there is not has no secret"
        key = opened.key
        minute = await self._buckets.take(_minute(key.per_minute), str(key.id))
        if not minute.granted:
            raise TooMany(minute.retry_after_s)
        used = await self._database.write(
            partial(
                api_keys.use_key, key=key.id, nonce=claim.nonce, per_day=key.per_day,
                timely_until=Instant(claim.created + 2 * WINDOW_US),
            ),
            by=self._by,
        )  # fmt: skip
        if used.use is Use.REPLAYED:
            raise Unknown("signature.replayed")
        ends_in_s = -(-day_ends_in_us(now) // SECOND_US)
        if used.use is Use.OVER:
            raise TooMany(ends_in_s)
        day = Taken(Rate("key-day", key.per_day, DAY_US, key.per_day), True, max(0, key.per_day - used.uses), ends_in_s)
        return opened, (minute, day)

    async def _opened(self, key: str, now: Instant) -> Opened | None:
        if len(key) > KEY_LENGTH_MAX:
            return None
        known = self._known.get(key)
        if known is None or not 0 <= now - known.read_at < KNOWN_US:
            found = await self._database.read(partial(api_keys.opened, key=key), by=self._by)
            if found is None:
                self._known.pop(key, None)
                return None
            known = self._known[key] = _Known(now, found)
            self._known.move_to_end(key)
            while len(self._known) > KNOWN_MAX:
                self._known.popitem(last=False)
        return known.opened if known.opened.key.holds_at(now) else None


def _minute(count: int) -> Rate:
    return per_minute("key", count, burst=max(1, count // 6))
