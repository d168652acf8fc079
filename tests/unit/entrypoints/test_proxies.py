"""Who is believed about where a request comes from, and how many connections an address may hold."""

import asyncio
from collections.abc import Callable

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from openberth.entrypoints import patience
from openberth.entrypoints.patience import patient
from openberth.entrypoints.proxies import behind
from openberth.infra.http.limits import AddressRange
from tests.waiting import PATIENCE_S

PROXIES = AddressRange.parse(["10.0.0.1", "10.1.0.0/16", "fd00::/8"])


def seen(
    peer: str, headers: dict[str, str], proxies: AddressRange = PROXIES, kind: str = "http"
) -> tuple[str, str]:  # fmt: skip
    """Return the address and the scheme that the application sees."""
    found: list[tuple[str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append((scope["client"][0], scope["scheme"]))

    scope = {
        "type": kind, "scheme": "ws" if kind == "websocket" else "http", "client": (peer, 4711),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    asyncio.run(behind(app, proxies)(scope, None, None))  # type: ignore[arg-type]
    return found[0]


@pytest.mark.parametrize("peer", ["10.0.0.1", "10.1.7.7", "::ffff:10.0.0.1", "::ffff:10.1.7.7", "fd00::5"])
def test_a_proxy_of_ours_is_believed(peer: str) -> None:
    named = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    assert seen(peer, named) == ("203.0.113.9", "https")
    assert seen(peer, named, kind="websocket") == ("203.0.113.9", "wss")
    assert seen(peer, {}) == (peer, "http")


def test_what_a_client_wrote_itself_is_passed_over() -> None:
    assert seen("10.0.0.1", {"x-forwarded-for": "127.0.0.1, 203.0.113.9, 10.1.0.2"}) == ("203.0.113.9", "http")


@pytest.mark.parametrize("peer", ["10.0.0.2", "127.0.0.1", "::1", "203.0.113.9", "::ffff:10.0.0.2"])
def test_nobody_else_is_believed(peer: str) -> None:
    named = {"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https", "forwarded": "for=127.0.0.1;proto=https"}
    assert seen(peer, named) == (peer, "http")
    assert seen(peer, named, AddressRange()) == (peer, "http")


class PaperTransport(asyncio.Transport):
    def __init__(self, peer: str) -> None:
        super().__init__({"peername": (peer, 4711), "sockname": ("127.0.0.1", 8420)})
        self.aborted = self.closed = False
        self.written = b""

    def abort(self) -> None:
        self.aborted = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.aborted or self.closed


def test_an_address_holds_few_connections_and_a_proxy_those_of_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PER_ADDRESS_MAX", 3)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nothing is asked")

    async def held(peer: str) -> list[bool]:
        config, state = uvicorn.Config(app, lifespan="off", log_config=None), ServerState()
        config.load()
        made = [patient(PROXIES)(config=config, server_state=state, app_state={}) for _ in range(5)]
        transports = [PaperTransport(peer) for _ in made]
        for protocol, transport in zip(made, transports, strict=True):
            protocol.connection_made(transport)
        for protocol in made:
            protocol.connection_lost(None)
        return [transport.aborted for transport in transports]

    for _ in range(2):  # what is given back can be held again
        assert asyncio.run(held("203.0.113.9")) == [False, False, False, True, True]
    assert asyncio.run(held("10.1.0.2")) == [False] * 5


def told(
    *chunks: bytes, wait: Callable[[PaperTransport], bool] | None = None, pause: bool = False, answered: bool = False
) -> PaperTransport:  # fmt: skip
    """Hand bytes to a protocol; return what its transport was told. ``answered``: by an app that reads no body."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if answered:
            await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        await asyncio.Event().wait()

    async def run() -> PaperTransport:
        config, state = uvicorn.Config(app, lifespan="off", log_config=None), ServerState()
        config.load()
        protocol, transport = (
            patient(PROXIES)(config=config, server_state=state, app_state={}),
            PaperTransport("192.0.2.9"),
        )
        protocol.connection_made(transport)
        for chunk in chunks:
            if not transport.is_closing():
                protocol.data_received(chunk)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        if pause:
            protocol.pause_writing()
        async with asyncio.timeout(PATIENCE_S):
            while wait is not None and not wait(transport):  # noqa: ASYNC110 - a transport has no event
                await asyncio.sleep(0.005)
        protocol.connection_lost(None)
        for task in tuple(state.tasks):
            task.cancel()
        return transport

    return asyncio.run(run())


def test_a_head_has_a_size() -> None:
    endless = [b"GET / HTTP/1.1\r\n", *[b"x-filler: " + b"y" * 4_000 + b"\r\n"] * 20]
    transport = told(*endless)
    assert transport.written.startswith(b"HTTP/1.1 431 ")
    long_address = told(b"GET /" + b"a" * 20_000, b"a" * 20_000)
    assert long_address.written.startswith(b"HTTP/1.1 431 ")
    refused_body = [b"POST / HTTP/1.1\r\ncontent-length: 200000\r\n\r\n", *[b"z" * 50_000] * 4]
    assert b" 431 " not in told(*refused_body, answered=True).written
    assert not told(b"GET / HTTP/1.1\r\nx-filler: " + b"y" * 20_000 + b"\r\n\r\n").written


def test_a_head_that_does_not_arrive_and_an_answer_that_nobody_reads_are_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "HEAD_WITHIN_S", 0.02)
    monkeypatch.setattr(patience, "READ_WITHIN_S", 0.02)
    assert told(b"GET / HT", wait=lambda transport: transport.aborted).aborted
    assert told(b"GET / HTTP/1.1\r\n\r\n", wait=lambda transport: transport.aborted, pause=True).aborted
