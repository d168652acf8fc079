"""The layer that notes what people are refused under ``/v1``: 401, 403 and 409, whatever layer or route refused it."""

from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openberth.infra.http.auth import address_of, is_guarded
from openberth.infra.http.middleware import method_of, route_of
from openberth.infra.refusals import Refusal
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Problem

STATUSES = frozenset((401, 403, 409))
NOBODY = "nobody"


class RefusalWatch:
    """Hands every refusal to ``note``, which must not wait; pure ASGI, right inside the outermost layer."""

    def __init__(self, app: ASGIApp, note: Callable[[Refusal], None]) -> None:
        self._app = app
        self._note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not is_guarded(scope["path"]):
            await self._app(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Problem as problem:
            if problem.status in STATUSES:
                self._note(_refusal(scope, problem.status, problem.code))
            raise
        if status in STATUSES:
            self._note(_refusal(scope, status, scope["state"].get("problem", "-")))


def refusal_of(
    connection: HTTPConnection, caller: Caller | None, *, method: str, route: str, status: int, code: str
) -> Refusal:  # fmt: skip
    """Return what is noted of a refused connection."""
    kind, name = (NOBODY, "-") if caller is None else (caller.actor.kind.value, caller.actor.name)
    return Refusal(kind, name, address_of(connection), method, route, status, code)


def _refusal(scope: Scope, status: int, code: str) -> Refusal:
    found = scope["state"].get("caller")
    caller = found if isinstance(found, Caller) else None
    return refusal_of(
        HTTPConnection(scope), caller, method=method_of(scope), route=route_of(scope), status=status, code=code
    )
