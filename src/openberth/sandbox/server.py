"""What all stand-ins share as processes: one listening socket, a line when ready, an end with status 0 by a signal.

Nothing here knows a wire format; those stay independent of each other and of the house.
"""

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Literal

import uvicorn
from starlette.applications import Starlette


class CannotStart(Exception):
    """Why a stand-in cannot start, in one sentence."""


class Server(uvicorn.Server):
    """A server that says when it is ready, and that a signal ends with status 0."""

    def __init__(self, config: uvicorn.Config, ready_line: str) -> None:
        super().__init__(config)
        self._ready_line = ready_line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the ready line."""
        await super().startup(sockets)
        sys.stdout.write(self._ready_line + "\n")
        sys.stdout.flush()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM end the server; unlike the original, do not raise them again afterwards."""
        before = {name: signal.signal(name, self.handle_exit) for name in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)


def run(
    application: Starlette, listening: socket.socket, ready_line: str, *, lifespan: Literal["on", "off"] = "on",
    at_once: int = 512,
) -> None:  # fmt: skip
    """Serve until a signal ends it. ``at_once`` bounds the connections."""
    config = uvicorn.Config(
        application,
        http="h11",  # bounds the size of headers
        ws="none",
        loop="asyncio",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # checks for loopback must see the true peer
        server_header=False,
        limit_concurrency=at_once,
        timeout_keep_alive=15,  # clients keep theirs for 5 s: as long, and one would ask while it is being closed
        timeout_graceful_shutdown=3,
    )
    asyncio.run(Server(config, ready_line).serve([listening]))


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an IP address; port 0 takes any free one. Raises ``CannotStart``."""
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    except ValueError as error:
        raise CannotStart(f"--host {host} is not an IP address") from error
    # Only a socket that says that it is TCP gets its answers sent at once; else each waits 40 ms for a second packet.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere this option would let two processes share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(256)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise CannotStart(f"cannot listen on {host}:{port} ({reason}); choose another --port") from error
    return listening


def address_of(host: str, listening: socket.socket) -> str:
    """Return ``http://HOST:PORT`` of a listening socket."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
