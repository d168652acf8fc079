"""What every answer tells browsers, which other origins may read answers, and which content types an address takes."""

from collections.abc import Iterable, Sequence
from typing import Any

from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openberth.infra.http.auth import COMPANY_HEADER, is_guarded
from openberth.infra.http.problems import WrongMediaType

# For answers that are data. Pages send a policy of their own, which stands.
SAFE_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
_NO_STORE = (b"cache-control", b"no-store")
_JSON = "application/json"
_UNSAFE = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_READABLE = ["RateLimit", "RateLimit-Policy", "Retry-After", "X-Trace-Id", "Location", "Allow", "Accept"]
_SENT = ["Authorization", "Content-Type", "Idempotency-Key", "Accept-Language", "Traceparent", COMPANY_HEADER,
         "X-OpenBerth-Confirmation"]  # fmt: skip
_PREFLIGHT_S = 600


class SafeHeaders:
    """Adds to every answer what browsers should know, unless the answer says it itself; pure ASGI, outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_missing(scope, message)]
            await send(message)

        await self._app(scope, receive, safely)


def _missing(scope: Scope, message: Message) -> Iterable[tuple[bytes, bytes]]:
    there = {name.lower() for name, _ in message.get("headers", ())}
    wanted = [*SAFE_HEADERS]
    if scope.get("scheme") == "https":
        wanted.append(_STRICT_TRANSPORT)
    if is_guarded(scope["path"]):
        wanted.append(_NO_STORE)
    return (header for header in wanted if header[0] not in there)


def shared_with(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Let pages of these origins read answers, and of no other.

    Never with cookies: callers prove themselves by token.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app, allow_origins=list(origins), allow_credentials=False, allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=_SENT, expose_headers=_READABLE, max_age=_PREFLIGHT_S,
    )  # fmt: skip


class Shared:
    """``shared_with`` as a layer."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = shared_with(app, origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self._app(scope, receive, send)


class MediaTypes:
    """Refuses bodies of a content type that their address does not take (415, with those that it takes); pure ASGI.

    What an address takes stands in its description. One that describes no body looks for itself or reads none.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._taking = [(route, found) for route in routes if (found := accepted_by(route))]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and scope["method"] in _UNSAFE:
            said = next((value for name, value in scope["headers"] if name == b"content-type"), b"").decode("latin-1")
            if said != _JSON or not is_guarded(scope["path"]):
                self._check(scope, said)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, said: str) -> None:
        for route, accepted in self._taking:
            if route.matches(scope)[0] is Match.FULL:
                kind, charset = content_type_of(said)
                # A document says itself what it is, whatever program sends it; data has to be declared.
                silent = not kind and (accepted != (_JSON,) or not _has_body(scope))
                if not silent and (kind not in accepted or charset not in ("", "utf-8", "utf8")):
                    raise WrongMediaType(accepted)
                return


def content_type_of(header: str) -> tuple[str, str]:
    """Return kind and charset of a ``Content-Type``, in lower case; empty what it does not say."""
    kind, _, parameters = header.partition(";")
    charset = ""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    return kind.strip().lower(), charset


def accepted_by(route: BaseRoute) -> tuple[str, ...]:
    """Return the content types that a route describes, none when it describes no body."""
    if not isinstance(route, APIRoute):
        return ()
    described: Any = (route.openapi_extra or {}).get("requestBody", {}).get("content")
    if described:
        return tuple(described)
    return (_JSON,) if route.body_field is not None else ()


def allowed_by(routes: Iterable[BaseRoute], scope: Scope) -> tuple[str, ...]:
    """Return the methods that some route takes at the address of a request."""
    methods: set[str] = set()
    for route in routes:
        if route.matches(scope)[0] is not Match.NONE:
            methods |= set(getattr(route, "methods", None) or ())
    return tuple(sorted(methods))


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() not in (b"0", b""))
        for name, value in scope["headers"]
    )
