"""Who asks, by bearer token (RFC 6750), and what it may. Everything under ``/v1`` is refused without a token.

Every route declares one permission (``may``), ``signed_in`` or ``anybody``; ``declarations`` finds those that do not.
The gate stands before the routes, so unknown addresses and the API description say nothing to strangers either.
Who has grants in several companies names the one it acts in, or a partner (``X-OpenBerth-Company``: code or id).
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any, Generic, Protocol, TypeVar

from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from openberth.infra.buckets import Rate, Taken
from openberth.infra.http.freshness import CONFIRMING, Confirming, check_fresh
from openberth.infra.http.problems import TooLarge
from openberth.infra.http.signatures import COMPANY_FIELD, SignedRequest, claims_to_be_signed
from openberth.infra.http.spending import TAKEN, spend_for
from openberth.infra.permitting import require
from openberth.kernel.authority import Caller, Proof
from openberth.kernel.errors import Unknown
from openberth.kernel.events import Envelope

PREFIX = "/v1"
FEED = "/v1/feed"  # a browser cannot send headers with a WebSocket: the feed asks for the token itself
COMPANY_HEADER = COMPANY_FIELD
BODYLESS_MAX = 4_096  # of a signed request whose method gives a body no meaning


class Door(Confirming, Protocol):
    """Knows whom tokens and signatures belong to, and who has proved itself lately."""

    async def caller(self, token: str, address: str | None, company: str | None = None) -> Caller:
        """Return the caller of a token, acting in the company that is named. Raises ``Unknown("auth.required")``."""
        ...

    async def signed(
        self, request: SignedRequest, address: str | None, company: str | None = None
    ) -> tuple[Caller, tuple[Taken, ...]]:
        """Return who signed a request, which is used up by it, and what is left of the quotas of its key."""
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
            if claims_to_be_signed(connection.headers):
                receive = await self._signed(connection, receive)
            else:
                await self._by_token(connection)
        await self._app(scope, receive, send)

    async def _by_token(self, connection: HTTPConnection) -> None:
        token = bearer(connection.headers.get("authorization"))
        if token is None:
            raise Unknown("auth.required")
        state = connection.scope.setdefault("state", {})
        state[CONFIRMING] = self._door
        state["caller"] = await self._door.caller(token, address_of(connection), connection.headers.get(COMPANY_HEADER))

    async def _signed(self, connection: HTTPConnection, receive: Receive) -> Receive:
        """Let a signed request in; returns what gives its body once more."""
        scope = connection.scope
        body = await read_body(scope, receive)
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        request = SignedRequest(
            scope["method"], path.partition(b"?")[0], scope["query_string"], connection.headers, body
        )  # fmt: skip
        caller, taken = await self._door.signed(request, address_of(connection), connection.headers.get(COMPANY_HEADER))
        state = scope.setdefault("state", {})
        state["caller"] = caller
        state.setdefault(TAKEN, []).extend(taken)
        given = False

        async def again() -> MutableMapping[str, Any]:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        return again


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Return the whole body of a request, which layers outside have bounded, but for methods that have none.

    Raises ``TooLarge`` and ``ClientDisconnect``.
    """
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > BODYLESS_MAX and scope["method"] in ("GET", "HEAD"):
            raise TooLarge(BODYLESS_MAX)
        more = message.get("more_body", False)
    return b"".join(chunks)


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
    account may; ``fresh`` asks for more than a bearer token (``infra.http.freshness``).
    """

    __slots__ = ("fresh", "permission", "rate")

    def __init__(self, permission: str, *, fresh: bool = False, rate: Rate | None = None) -> None:
        self.permission = permission
        self.fresh = fresh
        self.rate = rate

    async def __call__(self, connection: HTTPConnection) -> Caller:
        """Return the caller of a request. Raises ``Denied("auth.denied")``, ``TooMany``, and as ``check_fresh``."""
        caller = caller_of(connection)
        self.check(caller)
        if self.fresh:
            await check_fresh(connection, caller, bearer(connection.headers.get("authorization")), self.permission)
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


def may(permission: str, *, fresh: bool = False, rate: Rate | None = None) -> May:
    """Return the one declaration that every route under ``/v1`` has."""
    return May(permission, fresh=fresh, rate=rate)


async def ask_fresh(connection: HTTPConnection, caller: Caller, deed: str) -> None:
    """Ask for a fresh proof where only some of a route's deeds need one. Raises as ``check_fresh``."""
    await check_fresh(connection, caller, bearer(connection.headers.get("authorization")), deed)


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


def declarations(
    routes: Iterable[BaseRoute], *, known: Collection[str], sensitive: Collection[str] = ()
) -> dict[tuple[str, str], str]:
    """Return the permission of every route under ``/v1`` by method and path; a socket's method is ``WS``.

    Raises ``Undeclared``, also for a route of a sensitive permission that does not ask for a fresh proof.
    """
    found: dict[tuple[str, str], str] = {}
    for route in routes:
        path = getattr(route, "path", "")
        if not is_guarded(path):
            continue
        declared = _declared_by(route)
        words = [each.permission for each in declared]
        if any(each.permission in sensitive and not each.fresh for each in declared):
            raise Undeclared(f"{path} asks for no fresh proof")
        if len(words) != 1 or words[0] not in (*known, SELF, ANYBODY):
            raise Undeclared(f"{path} declares {words or 'no permission'}")
        for method in getattr(route, "methods", None) or ("WS",):
            found[(method, path)] = words[0]
    return found


def _declared_by(route: BaseRoute) -> list[May]:
    if isinstance(route, APIRoute):
        calls: list[object] = []
        waiting = [route.dependant]
        while waiting:
            dependant = waiting.pop()
            calls.append(dependant.call)
            waiting += dependant.dependencies
    else:
        calls = [getattr(getattr(route, "endpoint", None), "__self__", None)]
    declared = [call for call in calls if isinstance(call, May)]
    declared += [call.may for call in calls if isinstance(call, Declared)]
    return declared + [may(ANYBODY) for call in calls if call is anybody]
