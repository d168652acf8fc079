"""Who asks: operators by bearer token (RFC 6750). Everything under ``/v1`` is refused without one, whatever it is.

The gate stands before the routes, so unknown addresses and the API description say nothing to strangers either. A
token is looked up by its digest; what was found is remembered for seconds, so that a token taken back ends soon.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import Unknown
from openberth.kernel.time import SECOND_US, Clock, Instant

PREFIX = "/v1"
FEED = "/v1/feed"  # a browser cannot send headers with a WebSocket: the feed asks for the token itself
KNOWN_US = 5 * SECOND_US
KNOWN_MAX = 1_000
TOKEN_LENGTHS = range(16, 201)

FindOperator = Callable[[str], Awaitable[str | None]]


class Operators:
    """Finds operators by token and remembers the answers of the last seconds, yes and no alike, in bounded memory."""

    def __init__(self, find: FindOperator, machine: Clock) -> None:
        self._find = find
        self._machine = machine
        self._known: OrderedDict[bytes, tuple[Instant, str | None]] = OrderedDict()

    async def caller(self, token: str, address: str | None) -> Caller:
        """Return who a token belongs to. Raises ``Unknown("auth.required")``."""
        if len(token) not in TOKEN_LENGTHS or not token.isascii():
            raise Unknown("auth.required")
        name = await self._name(token)
        if name is None:
            raise Unknown("auth.required")
        return Caller(Actor(ActorKind.PERSON, name, address), EVERYTHING)

    async def _name(self, token: str) -> str | None:
        digest = hashlib.sha256(token.encode()).digest()
        now = self._machine.now()
        known = self._known.get(digest)
        if known is not None and 0 <= now - known[0] < KNOWN_US:
            return known[1]
        name = await self._find(token)
        self._known[digest] = (now, name)
        self._known.move_to_end(digest)
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return name


class OperatorGate:
    """Lets requests under ``/v1`` through for operators only; pure ASGI."""

    def __init__(self, app: ASGIApp, operators: Operators) -> None:
        self._app = app
        self._operators = operators

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        guarded = scope["type"] == "http" and is_guarded(scope["path"])
        if guarded:
            connection = HTTPConnection(scope)
            token = bearer(connection.headers.get("authorization"))
            if token is None:
                raise Unknown("auth.required")
            scope.setdefault("state", {})["caller"] = await self._operators.caller(token, address_of(connection))
        await self._app(scope, receive, send)


def is_guarded(path: str) -> bool:
    """Tell whether a path is for operators only."""
    return path == PREFIX or path.startswith(PREFIX + "/")


def bearer(header: str | None) -> str | None:
    """Return the token of an ``Authorization`` header, None when it is of another kind."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def address_of(connection: HTTPConnection) -> str | None:
    """Return the address a connection comes from."""
    return connection.client.host if connection.client else None


async def operator(connection: HTTPConnection) -> Caller:
    """Return the operator of a request (a dependency); without the gate before it there is none."""
    caller = getattr(connection.state, "caller", None)
    if not isinstance(caller, Caller):
        raise Unknown("auth.required")
    return caller


Operator = Annotated[Caller, Depends(operator)]
