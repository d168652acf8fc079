import asyncio
from collections.abc import Awaitable, Callable

import pytest

from openberth.simulator.api import Client, Refusal
from openberth.simulator.web import Address, NoAnswer, WebConnection
from tests.waiting import PATIENCE_S
from tests.wire.simulator.fake_http import FakeHttp, Reply, Request


def served(
    raw: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], timeout_s: float = PATIENCE_S
) -> bytes:
    """Ask a server that answers with raw bytes and return the body."""

    async def scene() -> bytes:
        server = await asyncio.start_server(raw, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        link = WebConnection(Address("127.0.0.1", port), timeout_s=timeout_s)
        try:
            return (await link.ask("GET", "/")).body
        finally:
            await link.close()
            server.close()
            await server.wait_closed()
            await asyncio.sleep(0.01)  # the transports of the other side end in the next turns of the loop

    return asyncio.run(scene())


def replying(*pieces: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        writer.close()

    return answer


def test_chunked_bodies_with_trailers() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert served(replying(head, b"5;x=1\r\nhello\r\n", b"1\r\n!\r\n0\r\nTrailer: 1\r\n\r\n")) == b"hello!"


@pytest.mark.parametrize(
    "piece",
    [
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000,
    ],
)
def test_what_is_no_answer_is_told_as_such(piece: bytes) -> None:
    with pytest.raises(NoAnswer):
        served(replying(piece))


def test_silence_ends_after_its_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    with pytest.raises(NoAnswer, match="Timeout"):
        served(silent, timeout_s=0.05)


def test_one_connection_is_kept_and_made_again_when_it_was_lost() -> None:
    async def scene() -> None:
        async def answer(request: Request) -> Reply:
            return Reply(200, {"path": request.path})

        server = FakeHttp(answer)
        await server.open()
        link = WebConnection(Address.of(server.url))
        for path in ("/a", "/b"):
            assert (await link.ask("GET", path)).json() == {"path": path}
        server.cut()
        await asyncio.sleep(0.01)
        assert (await link.ask("POST", "/c", b"{}")).json() == {"path": "/c"}
        await server.close()
        with pytest.raises(NoAnswer):
            await link.ask("GET", "/d")
        await link.close()

    asyncio.run(scene())


def test_a_client_asks_again_with_one_key_and_gives_up_in_the_end() -> None:
    async def scene() -> None:
        keys: list[str] = []
        statuses = iter([503, 429, 201, 409])

        async def answer(request: Request) -> Reply | None:
            keys.append(request.headers["idempotency-key"])
            status = next(statuses, None)
            return Reply(status, {"code": "bill.settled"}, (("Retry-After", "0"),)) if status else None

        server = FakeHttp(answer)
        await server.open()
        client, hasty = Client(server.url, patience_s=PATIENCE_S), Client(server.url, patience_s=4)
        try:
            assert await client.post("/x") == {"code": "bill.settled"}
            assert len(set(keys)) == 1
            assert len(keys) == 3
            with pytest.raises(Refusal, match=r"409 bill\.settled"):
                await client.post("/y")
            with pytest.raises(NoAnswer):
                await hasty.post("/z")  # the server hangs up every time
            assert len(keys) > 5
        finally:
            await client.close()
            await hasty.close()
            await server.close()

    asyncio.run(scene())


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:80", "http://"])
def test_addresses_must_be_http(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        Address.of(url)


def test_an_answer_that_comes_too_late_never_answers_the_next_request() -> None:
    async def scene() -> None:
        async def answer(request: Request) -> Reply:
            await asyncio.sleep(0.1 if request.path == "/slow" else 0)
            return Reply(200, {"path": request.path})

        server = FakeHttp(answer)
        await server.open()
        link = WebConnection(Address.of(server.url))
        with pytest.raises(NoAnswer):
            await link.ask("GET", "/slow", timeout_s=0.02)
        await asyncio.sleep(0.15)
        assert (await link.ask("GET", "/next")).json() == {"path": "/next"}
        await link.close()
        await server.close()

    asyncio.run(scene())
