"""HTTP connections that are not waited for without end.

uvicorn waits for ever for the head of a request, however long it grows, and for a peer to read its answer, and counts
idle connections against its bound, so one stranger with a few thousand sockets would shut out every camera. Here a head
has a size and has to arrive in time, an answer has to be read in time, and an address may hold so many connections and
no more, unless it is one of our own proxies, through which everybody comes. Bodies are for ``infra.http.middleware``.
"""

import asyncio
from collections import Counter
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from openberth.infra.http.limits import AddressRange, limit_key

HEAD_WITHIN_S = 10.0
HEAD_MAX = 32 * 1024  # the parser has no bound of its own on addresses and headers
READ_WITHIN_S = 60.0  # how long an answer may wait for a peer that does not read
PER_ADDRESS_MAX = 512  # a whole site may come from one address
HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\ncontent-length: 0\r\nx-content-type-options: nosniff\r\n\r\n"
)


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a bound on the time of a request's head and on the connections of an address."""

    proxies: ClassVar[AddressRange] = AddressRange()
    _held: ClassVar[Counter[str]] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_late: asyncio.TimerHandle | None = None
        self._head_size = 0
        self._in_body = False
        self._unread: asyncio.TimerHandle | None = None
        self._address: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless its address holds too many already."""
        peer = transport.get_extra_info("peername")
        host = str(peer[0]) if peer else ""
        super().connection_made(transport)
        if not self.proxies.admits(host):
            self._address = limit_key(host)
            self._held[self._address] += 1
            if self._held[self._address] > PER_ADDRESS_MAX:
                transport.abort()
                return
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the first ones of a further request start its clock."""
        if self._head_late is None and _is_idle(self.cycle):
            self._expect_head()
        of_head = not self._in_body  # a refusal may leave before the body it refuses has come
        super().data_received(data)
        if self._head_late is not None and of_head:
            self._head_size += len(data)
            if self._head_size > HEAD_MAX and not self.transport.is_closing():
                self.transport.write(HEAD_TOO_LARGE)
                self.transport.close()

    def pause_writing(self) -> None:
        """Note that the peer does not read what it asked for."""
        super().pause_writing()
        self._unread = self.loop.call_later(READ_WITHIN_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Note that the peer reads again."""
        super().resume_writing()
        self._forget_unread()

    def on_headers_complete(self) -> None:
        """Note that the head has arrived in time."""
        self._cancel()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the body is over; what comes next is a head."""
        self._in_body = False
        self._cancel()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over: the feed has bounds of its own."""
        self._release()
        self._forget_unread()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._release()
        self._forget_unread()
        super().connection_lost(exc)

    def _release(self) -> None:
        self._cancel()
        address, self._address = self._address, None
        if address is not None:
            self._held[address] -= 1
            if self._held[address] <= 0:
                del self._held[address]

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _expect_head(self) -> None:
        self._head_size = 0
        self._head_late = self.loop.call_later(HEAD_WITHIN_S, self._give_up)

    def _give_up(self) -> None:
        self._head_late = None
        self.transport.abort()

    def _cancel(self) -> None:
        if self._head_late is not None:
            self._head_late.cancel()
            self._head_late = None


def patient(proxies: AddressRange) -> type[PatientProtocol]:
    """Return the protocol of a server behind these proxies."""
    return type("PatientBehindProxies", (PatientProtocol,), {"proxies": proxies})


def _is_idle(cycle: RequestResponseCycle | None) -> bool:
    return cycle is None or cycle.response_complete
