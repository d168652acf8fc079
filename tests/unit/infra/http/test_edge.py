"""The parts of the HTTP edge that need no socket: cursors, tokens, bodies, problem documents."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import UUID

import msgspec
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from openberth.infra.http.auth import bearer, is_guarded
from openberth.infra.http.middleware import BodyBounds, Surface
from openberth.infra.http.pages import AskByCode, asked_page, asked_page_by_code, cursor_of, cut, last_of
from openberth.infra.http.problems import BadRequest, problem_document
from openberth.kernel.errors import Malformed, Overloaded, Refused
from openberth.kernel.ids import BEYOND_ALL
from tests.waiting import PATIENCE_S

ID = UUID("01900000-0000-7000-8000-0000000000ff")


def test_cursors_name_rows_and_nothing_else() -> None:
    cursor = cursor_of(ID)
    assert len(cursor) == 22
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert asyncio.run(asked_page(cursor, 10)).before == ID
    assert asyncio.run(asked_page(None, 10)).before == BEYOND_ALL
    assert asyncio.run(asked_page_by_code(cursor_of("demo/mall"), 10)).after == "demo/mall"
    for wrong in ("", "A", "====", "AAAA", cursor[:-2], "é"):
        with pytest.raises(Malformed, match=r"request\.cursor"):
            asyncio.run(asked_page(wrong, 10))


def test_a_short_list_is_cut_by_code() -> None:
    rows = ["c", "a", "d", "b"]
    assert cut(rows, AskByCode("", 2), str) == (["a", "b"], "b")
    assert cut(rows, AskByCode("b", 2), str) == (["c", "d"], None)
    assert cut(rows, AskByCode("bb", 1), str) == (["c"], "c")
    assert cut(rows, AskByCode("d", 2), str) == ([], None)
    assert last_of(rows, 5, str) is None
    assert last_of(rows, 4, str) == "b"


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", None), ("Bearer", None), ("", None), (None, None)],
)
def test_bearer_tokens(header: str | None, token: str | None) -> None:
    assert bearer(header) == token


def test_everything_below_v1_is_guarded_and_nothing_else() -> None:
    assert [is_guarded(path) for path in ("/v1", "/v1/", "/v1/x", "/v10", "/c/x", "/")] == [True] * 3 + [False] * 3


def scope(method: str = "POST", path: str = "/v1/x", headers: tuple[tuple[bytes, bytes], ...] = ()) -> Scope:
    return {"type": "http", "method": method, "path": path, "headers": list(headers), "query_string": b""}


async def reading(scope_: Scope, receive: Receive, send: Send) -> None:
    """An application that reads its body and says how long it was."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def answered(
    app: Callable[[Scope, Receive, Send], Awaitable[None]], given: Scope, *messages: Message | None
) -> tuple[int, Any]:
    """Run an application; None in ``messages`` never comes. Returns its status and body, (0, "") without an answer."""
    sent: list[MutableMapping[str, Any]] = []
    waiting = list(messages)

    async def receive() -> MutableMapping[str, Any]:
        message = waiting.pop(0) if waiting else None
        if message is None:
            await asyncio.Event().wait()
        assert message is not None
        return message

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await app(given, receive, send)

    asyncio.run(run())
    if not sent:
        return 0, ""
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def chunk(size: int, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def test_a_body_may_be_as_large_as_its_address_takes() -> None:
    app = Surface(BodyBounds(reading))
    assert answered(app, scope(), chunk(200_000, more=True), chunk(62_144)) == (200, b"262144")
    status, body = answered(app, scope(headers=((b"content-length", b"262145"),)), None)
    assert (status, msgspec.json.decode(body)["code"]) == (413, "request.too_large")
    assert answered(app, scope("PUT"), chunk(300_000)) == (200, b"300000")
    assert answered(app, scope(path="/devices/vzenith/x"), chunk(9_000_000)) == (200, b"9000000")


def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    app = Surface(BodyBounds(reading, within_s=0.05))
    status, body = answered(app, scope(), chunk(5, more=True), None)
    assert (status, msgspec.json.decode(body)["code"]) == (408, "request.timeout")


def test_a_peer_that_left_is_no_defect_and_gets_no_answer() -> None:
    assert answered(Surface(BodyBounds(reading)), scope(), chunk(5, more=True), {"type": "http.disconnect"}) == (0, "")


def test_an_unforeseen_exception_below_is_a_problem_document() -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a detail")

    status, body = answered(Surface(broken, "en"), scope())
    told = msgspec.json.decode(body)
    assert (status, told["code"], told["params"]["trace"] == told["trace"]) == (500, "internal.defect", True)
    assert "a detail" not in body.decode()


def test_a_problem_raised_between_the_layers_is_told_as_one() -> None:
    async def busy(*_: object) -> None:
        raise Overloaded("queue.full", queue="lane", retry_after_s=3)

    status, body = answered(Surface(busy, "en"), scope())
    assert (status, msgspec.json.decode(body)["code"]) == (503, "queue.full")


def test_a_problem_document_has_the_members_of_its_standard() -> None:
    told = problem_document(Refused("lot.code_differs", found="a", expected="b"), "zh")
    assert told["title"] == "文件中的编码 a 与地址中的 b 不一致，请改为相同。"
    assert (told["type"], told["status"]) == ("urn:openberth:problem:lot.code_differs", 409)
    many = problem_document(
        BadRequest({"place": f"body.{number}", "problem": "missing"} for number in range(500)), "en"
    )
    assert len(many["errors"]) == 50
