"""Who asks, by bearer token (RFC 6750), and what it may. Everything under ``/v1`` is refused without a token.

Every route declares one permission (``may``), ``signed_in`` or ``anybody``; ``declarations`` finds those that do not.
The gate stands before the routes, so unknown addresses and the API description say nothing to strangers either.
Who has grants in several companies names the one it acts in, or a partner (``X-OpenBerth-Company``: code or id).
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Generic, Protocol, TypeVar

from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from openberth.infra.buckets import Rate
from openberth.infra.http.spending import spend_for
from openberth.infra.permitting import require
from openberth.kernel.authority import Caller, Proof
from openberth.kernel.errors import Unknown
from openberth.kernel.events import Envelope

PREFIX = "/v1"
FEED = "/v1/feed"  # a browser cannot send headers with a WebSocket: the feed asks for the token itself
COMPANY_HEADER = "x-openberth-company"


class Door(Protocol):
    """Knows whom tokens belong to."""

    async def caller(self, token: str, address: str | None, company: str | None = None) -> Caller:
        """Return the caller of a token, acting in the company that is named. Raises ``Unknown("auth.required")``."""
        ...

    def concerns_everybody(self, event: Envelope) -> bool:
        """Tell whether an event may change what anybody may do, so that whoever listens is asked about again."""
        ...


class Gate:
    """Lets requests under ``/v1`` through with a valid token only, except where ``anybody`` may come; pure ASGI."""

    def __init__(self, app: ASGIApp, door: Door, open_paths: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._door = door
        self._open = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        guarded = scope["type"] == "http" and is_guarded(scope["path"]) and scope["path"] not in self._open
        if guarded:
            connection = HTTPConnection(scope)
            token = bearer(connection.headers.get("authorization"))
            if token is None:
                raise Unknown("auth.required")
            scope.setdefault("state", {})["caller"] = await self._door.caller(
                token, address_of(connection), connection.headers.get(COMPANY_HEADER)
            )
        await self._app(scope, receive, send)


def is_guarded(path: str) -> bool:
    """Tell whether a path asks for a token."""
    return path == PREFIX or path.startswith(PREFIX + "/")


def bearer(header: str | None) -> str | None:
    """Return the token of an ``Authorization`` header, None when it is of another kind."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def address_of(connection: HTTPConnection) -> str | None:
    """Return the address a connection comes from."""
    return connection.client.host if connection.client else None


class May:
    """What a route asks of its caller: ``by: Annotated[Caller, Depends(may("lot.read"))]``.

    ``permission`` is one of the words, or what ``signed_in`` and ``anybody`` declare; ``rate`` limits how often one
    account may.
    """

    __slots__ = ("permission", "rate")

    def __init__(self, permission: str, *, rate: Rate | None = None) -> None:
        self.permission = permission
        self.rate = rate

    async def __call__(self, connection: HTTPConnection) -> Caller:
        """Return the caller of a request. Raises ``Denied("auth.denied")`` and ``TooMany``."""
        caller = caller_of(connection)
        self.check(caller)
        if self.rate is not None and caller.proof is not Proof.OPERATOR:
            await spend_for(connection, self.rate, caller.actor.name)
        return caller

    def check(self, caller: Caller) -> None:
        """Refuse a caller who does not hold the permission."""
        if self.permission != SELF:
            require(caller, self.permission)

    def around(self, endpoint: Callable[[Request], Awaitable[Response]]) -> "Declared[Request, Response]":
        """Return the endpoint of a plain route that proves its callers itself, with this declaration."""
        return Declared(self, endpoint)

    def before(self, endpoint: Callable[[Request], Awaitable[Response]]) -> "Declared[Request, Response]":
        """Return the endpoint of a plain route with this check before it."""

        async def checked(request: Request) -> Response:
            self.check(caller_of(request))
            return await endpoint(request)

        return Declared(self, checked)


Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class Declared(Generic[Asked, Answered]):
    """The endpoint of a plain route or socket that tells which permission it checks."""

    __slots__ = ("_endpoint", "may")

    def __init__(self, may: May, endpoint: Callable[[Asked], Awaitable[Answered]]) -> None:
        self.may = may
        self._endpoint = endpoint

    async def serve(self, asked: Asked) -> Answered:
        """Serve one request or socket."""
        return await self._endpoint(asked)


def may(permission: str, *, rate: Rate | None = None) -> May:
    """Return the one declaration that every route under ``/v1`` has."""
    return May(permission, rate=rate)


# Whoever is signed in, about nothing but itself; and whoever comes, to prove who it is.
SELF, ANYBODY = "self", "anybody"
signed_in = May(SELF)


async def anybody(connection: HTTPConnection) -> str | None:
    """Declare that a route asks for no token (a dependency); returns the address that it is asked from."""
    return address_of(connection)


def caller_of(connection: HTTPConnection) -> Caller:
    """Return who makes a request; without the gate before it there is nobody. Raises ``Unknown``."""
    caller = getattr(connection.state, "caller", None)
    if not isinstance(caller, Caller):
        raise Unknown("auth.required")
    return caller


class Undeclared(Exception):
    """A route under ``/v1`` without exactly one permission, or with one nobody knows: a defect that stops the start."""


def declarations(routes: Iterable[BaseRoute], *, known: Collection[str]) -> dict[tuple[str, str], str]:
    """Return the permission of every route under ``/v1`` by method and path; a socket's method is ``WS``.

    Raises ``Undeclared``.
    """
    found: dict[tuple[str, str], str] = {}
    for route in routes:
        path = getattr(route, "path", "")
        if not is_guarded(path):
            continue
        words = _words_of(route)
        if len(words) != 1 or words[0] not in (*known, SELF, ANYBODY):
            raise Undeclared(f"{path} declares {words or 'no permission'}")
        for method in getattr(route, "methods", None) or ("WS",):
            found[(method, path)] = words[0]
    return found


def _words_of(route: BaseRoute) -> list[str]:
    if isinstance(route, APIRoute):
        calls: list[object] = []
        waiting = [route.dependant]
        while waiting:
            dependant = waiting.pop()
            calls.append(dependant.call)
            waiting += dependant.dependencies
    else:
        calls = [getattr(getattr(route, "endpoint", None), "__self__", None)]
    words = [call.permission for call in calls if isinstance(call, May)]
    words += [call.may.permission for call in calls if isinstance(call, Declared)]
    return words + [ANYBODY for call in calls if call is anybody]
