"""Keys by which machines sign their requests: what they are good for, and how often. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from openberth.contexts.tenancy.model.permissions import PERMISSIONS
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, Instant

KEY_PREFIX = "obk_"
KEYS_MAX = 2  # that hold at a time, so that a client can change over without a pause
PER_MINUTE, PER_MINUTE_MAX = 600, 60_000
PER_DAY, PER_DAY_MAX = 200_000, 50_000_000
NAME_MAX = 60


class Use(StrEnum):
    """What became of a signed request at the door."""

    GOOD = "good"
    REPLAYED = "replayed"
    OVER = "over"  # of what the key may do in a day


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key: whose it is, for which permissions (at most those of its account), how often, and until when."""

    id: Id
    company: Id | None
    account: Id
    key: str
    secret: Id
    name: str
    scopes: frozenset[str]
    per_minute: int
    per_day: int
    created_at: Instant
    created_by: str
    until: Instant | None
    ended_at: Instant | None

    def holds_at(self, now: Instant) -> bool:
        """Tell whether requests may be signed with it."""
        return self.ended_at is None and (self.until is None or now < self.until)


def check_scopes(scopes: Iterable[str], *, held: frozenset[str]) -> frozenset[str]:
    """Return the permissions of a key. Raises ``Malformed("api_key.scopes")`` for one its account does not hold."""
    wanted = frozenset(scopes)
    for word in sorted(wanted - (held & PERMISSIONS)):
        raise Malformed("api_key.scopes", permission=word[:60])
    return wanted


def day_of(now: Instant) -> int:
    """Return the day of an instant, counted from 1970 in UTC: quotas of a day begin with it."""
    return now // DAY_US


def day_ends_in_us(now: Instant) -> int:
    """Return how long the day still lasts."""
    return (day_of(now) + 1) * DAY_US - now
