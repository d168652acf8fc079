"""``Idempotency-Key`` on unsafe POSTs: the answer is written in the unit whose effect it describes.

The same key with the same request gets the first answer; with another request it is refused. Keys of one account in
two companies are two keys. An answer that holds a
secret is kept sealed.
"""

import base64
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Header, Request
from starlette.responses import Response

from openberth.infra.database import Unit
from openberth.infra.http.auth import caller_of
from openberth.infra.idempotency import KEY_MAX, Answer, RequestKey, earlier_answer, remember_answer
from openberth.kernel.errors import Malformed

JSON = "application/json"


async def request_key(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(max_length=KEY_MAX, description="a new value for each operation: sent again it has no second effect"),
    ] = None,
) -> RequestKey | None:
    """Read the key of a request (a dependency), None when it has none."""
    if idempotency_key is None:
        return None
    if not idempotency_key.isascii() or not idempotency_key.isprintable():
        raise Malformed("request.idempotency_key", longest=KEY_MAX)
    by = caller_of(request)
    query = request.url.query
    return RequestKey.of(
        idempotency_key, caller=f"{by.actor.name}@{by.scope.company or by.scope.companies}", method=request.method,
        path=f"{request.url.path}?{query}" if query else request.url.path, body=await request.body(),
    )  # fmt: skip


Key = Annotated[RequestKey | None, Depends(request_key)]


def once(
    key: RequestKey | None, effect: Callable[[Unit], Any], *, status: int = 200, secret: bool = False
) -> Callable[[Unit], Answer]:
    """Return the use case that has its effect once per key and answers the same every time.

    ``effect`` returns a JSON-able body or a model with ``model_dump``. With ``secret`` the remembered answer is sealed.
    """

    def run(unit: Unit) -> Answer:
        earlier = earlier_answer(unit, key) if key is not None else None
        if earlier is not None and key is not None:
            return Answer(earlier.status, _unsealed(unit, key, earlier.body) if secret else earlier.body)
        body = effect(unit)
        answer = Answer(status, body.model_dump(mode="json", by_alias=True) if hasattr(body, "model_dump") else body)
        if key is not None:
            remember_answer(unit, key, Answer(status, _sealed(unit, key, answer.body)) if secret else answer)
        return answer

    return run


def answered(answer: Answer) -> Response:
    """Return the HTTP answer."""
    headers = {"cache-control": "no-store"}
    if answer.status == 204:
        return Response(status_code=204, headers=headers)
    return Response(msgspec.json.encode(answer.body), answer.status, headers, JSON)


def _sealed(unit: Unit, key: RequestKey, body: Any) -> dict[str, str]:
    key_id, sealed = unit.keys.seal(msgspec.json.encode(body), context=_context(key))
    return {"key": key_id, "sealed": base64.b64encode(sealed).decode()}


def _unsealed(unit: Unit, key: RequestKey, body: Any) -> Any:
    plain = unit.keys.open(body["key"], base64.b64decode(body["sealed"]), context=_context(key))
    return msgspec.json.decode(plain)


def _context(key: RequestKey) -> bytes:
    return b"idempotency:" + key.key_hash.encode()
