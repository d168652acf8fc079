"""Starts the channel: ``python -m openberth.sandbox.sandpay --data DIR --merchant ID=PUBLIC_KEY_FILE``."""

import argparse
import logging
import socket
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from starlette.applications import Starlette

from openberth.sandbox.sandpay import signing
from openberth.sandbox.sandpay.app import Sandpay
from openberth.sandbox.sandpay.store import Store
from openberth.sandbox.server import CannotStart, address_of, listen, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the channel until a signal ends it; return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="sandpay: %(message)s")
    try:
        application, listening = _prepare(options)
    except CannotStart as problem:
        sys.stderr.write(f"sandpay: {problem}\n")
        return 1
    run(application, listening, f"sandpay ready on {address_of(options.host, listening)}")
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


def _prepare(options: argparse.Namespace) -> tuple[Starlette, socket.socket]:
    merchants = _merchants(options.merchant)
    listening = listen(options.host, options.port)
    data: Path = options.data
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = signing.own_key(data)
        store = Store(data / "sandpay.sqlite3")
    except sqlite3.Error as error:
        raise CannotStart(f"the books in {data} cannot be opened ({error}); is another sandpay using them?") from error
    except (OSError, ValueError, TypeError) as error:
        raise CannotStart(f"the folder {data} cannot be used: {error}") from error
    address: str = options.address or address_of(options.host, listening)
    return Sandpay(store, key, merchants, address.rstrip("/")).application(), listening


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


if __name__ == "__main__":
    sys.exit(main())
