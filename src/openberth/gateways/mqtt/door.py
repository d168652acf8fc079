"""The door of a TLS listener: a peer takes a stranger's place when its socket is accepted, its handshake has seconds.

``asyncio`` shows a server a connection only when the handshake is over, and waits for it for a minute: whoever says
nothing would be counted by nobody until then.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from openberth.gateways.mqtt.connection import Connection

HANDSHAKE_S = 5.0
_TIRED_S = 1.0  # accepting goes on so long after it failed, as for want of descriptors


class TlsDoor:
    """Accepts sockets until it is closed; shaped like ``asyncio.Server``.

    ``came`` gives the connection for a peer's address, None when there are too many strangers; ``failed`` is told of
    one whose handshake came to nothing.
    """

    def __init__(
        self, listener: socket.socket, tls: ssl.SSLContext, *, came: Callable[[str], Connection | None],
        failed: Callable[[Connection], None],
    ) -> None:  # fmt: skip
        listener.setblocking(False)
        self._listener = listener
        self._tls = tls
        self._came = came
        self._failed = failed
        self._shaking: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Accept no more, and give up handshakes."""
        self._accepting.cancel()
        for task in self._shaking:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nothing of it is left."""
        await asyncio.wait((self._accepting, *self._shaking))
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                peer, address = await loop.sock_accept(self._listener)
            except OSError:
                await asyncio.sleep(_TIRED_S)
                continue
            connection = self._came(str(address[0]))
            if connection is None:
                peer.close()
                continue
            task = loop.create_task(self._shake_hands(peer, connection))
            self._shaking.add(task)
            task.add_done_callback(self._shaking.discard)

    async def _shake_hands(self, peer: socket.socket, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        is_in = False
        try:
            with suppress(OSError):  # also what TLS does not like, and time that is over
                await loop.connect_accepted_socket(
                    lambda: connection, peer, ssl=self._tls, ssl_handshake_timeout=HANDSHAKE_S
                )  # fmt: skip
                is_in = True
        finally:
            if not is_in:
                self._failed(connection)
