"""Starts the stand-in: ``python -m openberth.sandbox.alipay [--data DIR] [--app APPID=PID]``."""

import argparse
import json
import logging
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from openberth.sandbox.alipay.app import Alipay
from openberth.sandbox.alipay.apps import Registration
from openberth.sandbox.alipay.store import Store
from openberth.sandbox.server import CannotStart, address_of, listen, run

_FILES = {
    "private_key": "app_private_key.pem", "app_certificate": "appCertPublicKey.crt",
    "alipay_public_key": "alipay_public_key.pem", "alipay_certificate": "alipayCertPublicKey_RSA2.crt",
    "root_certificate": "alipayRootCert.crt",
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stand-in until a signal ends it; return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="alipay: %(message)s")
    try:
        listening = listen(options.host, options.port)
        address = (options.address or address_of(options.host, listening)).rstrip("/")
        channel = _channel(options, address)
    except CannotStart as problem:
        sys.stderr.write(f"alipay: {problem}\n")
        return 1
    run(channel.application(), listening, f"alipay ready on {address_of(options.host, listening)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("alipay", description="An Alipay to practise with; no real money moves.")
    parser.add_argument("--port", type=int, default=8428, help="port to listen on, 0 for any free one (8428)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine only)")
    parser.add_argument("--address", help="how phones reach it, for codes and pages (http://HOST:PORT)")
    parser.add_argument("--data", type=Path, help="folder for books and keys; without it nothing survives the end")
    parser.add_argument("--app", action="append", default=[], metavar="APPID=PID", help="an app and its account")
    parser.add_argument("--sub-app", action="append", default=[], metavar="APPID@PROVIDER=PID",
                        help="an app that authorises a provider's app and signs nothing itself")  # fmt: skip
    parser.add_argument("--plain-codes", action="store_true",
                        help="codes that any camera opens, not only one that knows qr.alipay.com")  # fmt: skip
    parser.add_argument("--mode", choices=["key", "certificate"], default="key",
                        help="how apps made now and the channel prove themselves to each other (key)")  # fmt: skip
    return parser


def _channel(options: argparse.Namespace, address: str) -> Alipay:
    data: Path | None = options.data
    try:
        if data is not None:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        books = Store(None if data is None else data / "alipay.sqlite3")
        channel = Alipay(books, address, plain_codes=options.plain_codes)
    except sqlite3.Error as error:
        raise CannotStart(f"the books cannot be opened ({error}); is another one using them?") from error
    except OSError as error:
        raise CannotStart(f"the folder {data} cannot be used: {error}") from error
    try:
        for text in options.app:
            app_id, _, pid = text.partition("=")
            _make(channel, data, Registration(app_id, pid, options.mode))
        for text in options.sub_app:
            names, _, pid = text.partition("=")
            app_id, _, provider = names.partition("@")
            _make(channel, data, Registration(app_id, pid, served_only=True, provider=provider))
    except (ValueError, OSError) as error:
        raise CannotStart(f"an app cannot be made: {error}") from error
    return channel


def _make(channel: Alipay, data: Path | None, wanted: Registration) -> None:
    """Register an app once, and write what its owner has to know as the web site would hand it over."""
    if wanted.app_id in channel.bank.apps:
        return
    told = channel.apps.register(wanted)
    if data is None:
        return
    folder = data / "apps" / wanted.app_id
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = {name: told[key] for key, name in _FILES.items() if key in told}
    files["app.json"] = json.dumps(told, ensure_ascii=False, indent=1)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
        (folder / name).chmod(0o600)


if __name__ == "__main__":
    sys.exit(main())
