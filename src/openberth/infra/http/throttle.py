"""How often somebody may ask: by address before anything else, by account once it is known."""

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from openberth.infra.buckets import Buckets, per_minute
from openberth.infra.http.auth import address_of
from openberth.infra.http.limits import limit_key
from openberth.infra.http.spending import BUCKETS, spend_for
from openberth.kernel.authority import Caller, Proof

# Supervisors ask for health by the second, and are to hear of nothing else.
UNLIMITED = "/health/"


class AddressLimit:
    """Limits every address; pure ASGI, outside of all that costs anything."""

    def __init__(self, app: ASGIApp, buckets: Buckets, per_minute_: int) -> None:
        self._app = app
        self._buckets = buckets
        self._rate = per_minute("address", per_minute_, burst=max(1, per_minute_ // 6))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and not scope["path"].startswith(UNLIMITED):
            scope.setdefault("state", {})[BUCKETS] = self._buckets
            connection = HTTPConnection(scope)
            await spend_for(connection, self._rate, limit_key(address_of(connection) or ""))
        await self._app(scope, receive, send)


class AccountLimit:
    """Limits every account, behind the gate; pure ASGI. Whoever holds the machine itself is nobody's guest."""

    def __init__(self, app: ASGIApp, per_minute_: int) -> None:
        self._app = app
        self._rate = per_minute("account", per_minute_, burst=max(1, per_minute_ // 6))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        caller = scope.get("state", {}).get("caller") if scope["type"] == "http" else None
        if isinstance(caller, Caller) and caller.proof is not Proof.OPERATOR:
            await spend_for(HTTPConnection(scope), self._rate, caller.actor.name)
        await self._app(scope, receive, send)
