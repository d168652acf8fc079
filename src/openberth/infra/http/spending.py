"""Taking tokens for requests, and what answers tell of it.

Answers tell where one stands with the fields of draft-ietf-httpapi-ratelimit-headers-10 (``RateLimit-Policy`` and
``RateLimit``, one item for each rule that was looked at), and a refusal (429) with ``Retry-After`` as well.
"""

from starlette.requests import HTTPConnection
from starlette.types import Scope

from openberth.infra.buckets import Buckets, Rate, Taken, per_minute
from openberth.infra.http.problems import TooMany

# Classes of routes, by account. What they cost the house differs, so one number for all would fit none.
COMMANDS = per_minute("command", 120, burst=30)  # of gates by hand: a person cannot be quicker, a program need not be
HEAVY = per_minute("heavy", 60)  # exports, and prices of whole months

TAKEN, BUCKETS = "taken", "buckets"  # in the state of a request


async def spend(buckets: Buckets, rate: Rate, key: str) -> Taken:
    """Take a token. Raises ``TooMany`` when there is none."""
    taken = await buckets.take(rate, key)
    if not taken.granted:
        raise TooMany(taken.retry_after_s)
    return taken


async def spend_for(connection: HTTPConnection, rate: Rate, key: str) -> None:
    """Take a token for a request and have its answer tell of it. Raises ``TooMany``."""
    state = connection.scope.setdefault("state", {})
    buckets: Buckets | None = state.get(BUCKETS)
    if buckets is None:
        return  # no limits stand around this application
    taken = await buckets.take(rate, key)
    state.setdefault(TAKEN, []).append(taken)
    if not taken.granted:
        raise TooMany(taken.retry_after_s)


def told_limits(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the fields that tell what is left, none when nothing was counted."""
    taken: list[Taken] = scope.get("state", {}).get(TAKEN, [])
    if not taken:
        return []
    policies = ", ".join(each.rate.policy for each in taken)
    states = ", ".join(each.state for each in taken)
    return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", states.encode())]
