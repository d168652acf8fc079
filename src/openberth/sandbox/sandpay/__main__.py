"""Starts the channel: ``python -m openberth.sandbox.sandpay --data DIR --merchant ID=PUBLIC_KEY_FILE``."""

import argparse
import asyncio
import contextlib
import ipaddress
import logging
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from openberth.sandbox.sandpay import signing
from openberth.sandbox.sandpay.app import Sandpay
from openberth.sandbox.sandpay.store import Store


class CannotStart(Exception):
    """Why the channel cannot start, in one sentence."""


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the channel until a signal ends it; return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="sandpay: %(message)s")
    try:
        server, listening = _prepare(options)
    except CannotStart as problem:
        sys.stderr.write(f"sandpay: {problem}\n")
        return 1
    asyncio.run(server.serve([listening]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("sandpay", description="A payment channel to practise with; no real money moves.")
    parser.add_argument("--port", type=int, default=8425, help="port to listen on, 0 for any free one (8425)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine only)")
    parser.add_argument("--address", help="how phones reach the channel, for codes (http://HOST:PORT)")
    parser.add_argument("--data", type=Path, required=True, help="folder for keys and books")
    parser.add_argument(
        "--merchant", action="append", required=True, metavar="ID=PUBLIC_KEY_FILE", help="a merchant and its key"
    )
    return parser


def _prepare(options: argparse.Namespace) -> tuple[Server, socket.socket]:
    merchants = _merchants(options.merchant)
    listening = _listen(options.host, options.port)
    here = f"http://{_in_url(options.host)}:{listening.getsockname()[1]}"
    data: Path = options.data
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = signing.own_key(data)
        store = Store(data / "sandpay.sqlite3")
    except sqlite3.Error as error:
        raise CannotStart(f"the books in {data} cannot be opened ({error}); is another sandpay using them?") from error
    except (OSError, ValueError, TypeError) as error:
        raise CannotStart(f"the folder {data} cannot be used: {error}") from error
    address: str = options.address or here
    application = Sandpay(store, key, merchants, address.rstrip("/")).application()
    config = uvicorn.Config(
        application,
        http="h11",  # bounds the size of headers
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the loopback check must see the true peer
        server_header=False,
        limit_concurrency=512,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=3,
    )
    return Server(config, f"sandpay ready on {here}"), listening


def _merchants(texts: Sequence[str]) -> dict[str, Ed25519PublicKey]:
    merchants: dict[str, Ed25519PublicKey] = {}
    for text in texts:
        id_, equals, file = text.partition("=")
        if not equals or signing.MERCHANT_ID.fullmatch(id_) is None or id_ == signing.OWN_ID or id_ in merchants:
            raise CannotStart(f"--merchant {text!r} is not ID=PUBLIC_KEY_FILE with an id of its own")
        try:
            key = signing.merchant_key(Path(file))
        except (OSError, ValueError, TypeError) as error:
            raise CannotStart(f"the key of merchant {id_} cannot be read: {error}") from error
        if any(key == other for other in merchants.values()):
            # A signature does not cover the merchant's id; the key alone tells merchants apart.
            raise CannotStart(f"merchant {id_} has the key of another merchant")
        merchants[id_] = key
    return merchants


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    except ValueError as error:
        raise CannotStart(f"--host {host} is not an IP address") from error
    listening = socket.socket(family, socket.SOCK_STREAM)
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


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    sys.exit(main())
