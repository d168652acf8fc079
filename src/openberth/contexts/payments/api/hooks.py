"""The address where channels tell what was paid."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openberth.contexts.payments.reactions import Cashier

HOOKS = "/hooks/{channel}/{account}"


class ChannelHooks:
    """Takes what channels notify; each proves itself by its own signature."""

    def __init__(self, cashier: Cashier) -> None:
        self._cashier = cashier

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route(HOOKS, self.notified, methods=["POST"])]

    async def notified(self, request: Request) -> Response:
        """Take a notification over; the answer that stops the channel comes once the fact is on disk."""
        asked = request.path_params
        channel = await self._cashier.notified(
            asked["channel"], asked["account"], method=request.method, path=_target(request),
            headers=dict(request.headers), body=await request.body(),
        )  # fmt: skip
        said = channel.acknowledgement()
        return Response(said.body, said.status, media_type=said.content_type)


def _target(request: Request) -> str:
    """Return the request target exactly as received: channels sign it still percent-encoded."""
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return (path.partition(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")
