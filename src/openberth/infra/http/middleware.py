"""What stands around every request, as pure ASGI: trace, language, access log, figures, bounds on the body.

Neither the log nor the figures name a path: secrets of devices and codes of signs stand in paths. They name the
route's template.
"""

import asyncio
import time
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import structlog
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openberth.infra.catalogue import Language, language_of
from openberth.infra.http.problems import Encoded, Interrupted, TooLarge, TooSlow, problem_of, problem_response
from openberth.infra.http.spending import told_limits
from openberth.infra.telemetry import counter, histogram, trace_of, traced

BODY_MAX = 256 * 1024
DOCUMENT_MAX = 4 * 1024 * 1024  # lot files and permit lists; the reader of documents has its own, lower bound
BODY_WITHIN_S = 30.0
# They come often and have figures of their own.
QUIET = ("/devices/", "/metrics", "/health/")
# Their ports bound bodies themselves: a camera's pictures are larger than anything else.
OWN_BOUNDS = "/devices/"
UNMATCHED = "unmatched"
WENT_WRONG = 1011  # RFC 6455 section 7.4.1

_REQUESTS = counter("openberth_http_requests_total", "Requests by route and status.", ("method", "route", "status"))
_SECONDS = histogram("openberth_http_seconds", "Seconds from a request to the end of its answer.", ("route",))
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

log = structlog.get_logger()


class Surface:
    """The outermost layer: gives a request its trace and language, turns what escapes into a problem document, counts.

    A problem raised by a layer below, or an exception nobody foresaw, ends here and never in the server.
    """

    def __init__(self, app: ASGIApp, language: Language = "zh") -> None:
        self._app = app
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = _headers(scope, b"traceparent", b"accept-language")
        # A state of its own: the server shares one dictionary between the requests of a process.
        scope["state"] = {
            **scope.get("state", {}),
            "language": language_of(headers.get(b"accept-language"), self._language),
        }
        with traced(trace_of(headers.get(b"traceparent"))) as trace:
            if scope["type"] == "websocket":
                await self._live(scope, receive, send)
            else:
                await self._request(scope, receive, _Outgoing(scope, send, trace))

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            problem_of(error)
            with suppress(OSError, RuntimeError):  # closed already
                await send({"type": "websocket.close", "code": WENT_WRONG, "reason": ""})

    async def _request(self, scope: Scope, receive: Receive, out: "_Outgoing") -> None:
        began = time.perf_counter()
        try:
            await self._app(scope, receive, out)
        except ClientDisconnect:
            return  # it left while it was sending
        except Exception as error:
            problem = problem_of(error)
            if not out.started:
                with suppress(OSError):  # the peer has gone
                    await problem_response(problem, scope)(scope, receive, out)
        finally:
            _note(scope, out.status, time.perf_counter() - began)


class _Outgoing:
    """Watches an answer leave, adds its trace and what is left of the limits."""

    __slots__ = ("_scope", "_send", "_trace", "started", "status")

    def __init__(self, scope: Scope, send: Send, trace: str) -> None:
        self._scope = scope
        self._send = send
        self._trace = trace
        self.started = False
        self.status = 499  # the peer left before there was an answer

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            trace = (b"x-trace-id", self._trace.encode())
            message["headers"] = [*message.get("headers", ()), trace, *told_limits(self._scope)]
        await self._send(message)


class BodyBounds:
    """Bounds how large a body is and how long it takes to arrive; takes none that is encoded."""

    def __init__(self, app: ASGIApp, within_s: float = BODY_WITHIN_S) -> None:
        self._app = app
        self._within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD") or scope["path"].startswith(OWN_BOUNDS):
            await self._app(scope, receive, send)
            return
        limit = DOCUMENT_MAX if scope["method"] == "PUT" else BODY_MAX
        said = _headers(scope, b"content-length", b"content-encoding")
        if said.get(b"content-encoding", "identity").strip().lower() not in ("identity", ""):
            raise Encoded
        declared = said.get(b"content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > limit:
            raise TooLarge(limit)
        await self._app(scope, _Incoming(receive, limit, self._within_s), send)


class _Incoming:
    """Watches a body arrive."""

    __slots__ = ("_complete", "_deadline", "_left", "_limit", "_receive")

    def __init__(self, receive: Receive, limit: int, within_s: float) -> None:
        self._receive = receive
        self._limit = limit
        self._left = limit
        self._deadline = asyncio.get_running_loop().time() + within_s
        self._complete = False

    async def __call__(self) -> MutableMapping[str, Any]:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise Interrupted(TooSlow()) from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._left < 0:
                raise Interrupted(TooLarge(self._limit))
        return message


def named(route: BaseRoute) -> BaseRoute:
    """Return a plain route that tells the log and the figures its template, as the framework's own routes do."""
    if isinstance(route, Route):
        inner = route.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope["route"] = route
            await inner(scope, receive, send)

        route.app = app
    return route


def route_of(scope: Scope) -> str:
    """Return the template of the route that served a request, e.g. ``/c/{code}/pay``."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))


def method_of(scope: Scope) -> str:
    """Return the method of a request, ``other`` for what a stranger made up."""
    return str(scope["method"]) if scope["method"] in _METHODS else "other"


def _note(scope: Scope, status: int, seconds: float) -> None:
    method = method_of(scope)
    route = route_of(scope)
    _REQUESTS.labels(method, route, str(status)).inc()
    _SECONDS.labels(route).observe(seconds)
    say = log.debug if scope["path"].startswith(QUIET) else log.info
    say("http.request", method=method, route=route, status=status, took_us=int(seconds * 1_000_000))


def _headers(scope: Scope, *wanted: bytes) -> dict[bytes, str]:
    return {name: value.decode("latin-1") for name, value in scope["headers"] if name in wanted}
