"""Starts the stand-in: ``python -m openberth.sandbox.wechatpay [--data DIR] [--merchant MCHID=APPID,…]``."""

import argparse
import json
import logging
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from openberth.sandbox.server import CannotStart, address_of, listen, run
from openberth.sandbox.wechatpay.app import Wechatpay
from openberth.sandbox.wechatpay.merchants import Registration
from openberth.sandbox.wechatpay.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stand-in until a signal ends it; return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="wechatpay: %(message)s")
    try:
        listening = listen(options.host, options.port)
        address = (options.address or address_of(options.host, listening)).rstrip("/")
        channel = _channel(options, address)
    except CannotStart as problem:
        sys.stderr.write(f"wechatpay: {problem}\n")
        return 1
    run(channel.application(), listening, f"wechatpay ready on {address_of(options.host, listening)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("wechatpay", description="A WeChat Pay to practise with; no real money moves.")
    parser.add_argument("--port", type=int, default=8427, help="port to listen on, 0 for any free one (8427)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine only)")
    parser.add_argument("--address", help="how phones reach it, for codes and pages (http://HOST:PORT)")
    parser.add_argument("--data", type=Path, help="folder for books and keys; without it nothing survives the end")
    parser.add_argument("--merchant", action="append", default=[], metavar="MCHID=APPID[,APPID]", help="a merchant")
    parser.add_argument("--sub-merchant", action="append", default=[], metavar="MCHID@PROVIDER=APPID[,APPID]",
                        help="a merchant that a provider acts for; APPID may be left empty")  # fmt: skip
    parser.add_argument("--official-account", action="append", default=[], metavar="APPID",
                        help="an official account that knows its visitors; its secret lies in the folder")  # fmt: skip
    parser.add_argument("--plain-codes", action="store_true",
                        help="codes that any camera opens, not only one that knows weixin://")  # fmt: skip
    parser.add_argument("--mode", choices=["public_key", "certificates", "switching"], default="public_key",
                        help="how the channel proves itself to merchants made now (public_key)")  # fmt: skip
    return parser


def _channel(options: argparse.Namespace, address: str) -> Wechatpay:
    data: Path | None = options.data
    try:
        if data is not None:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        books = Store(None if data is None else data / "wechatpay.sqlite3")
        channel = Wechatpay(books, address, plain_codes=options.plain_codes)
    except sqlite3.Error as error:
        raise CannotStart(f"the books cannot be opened ({error}); is another one using them?") from error
    except OSError as error:
        raise CannotStart(f"the folder {data} cannot be used: {error}") from error
    try:
        for text in options.merchant:
            mchid, _, appids = text.partition("=")
            _make(channel, data, Registration(mchid, appids.split(","), options.mode))
        for text in options.sub_merchant:
            names, _, appids = text.partition("=")
            mchid, _, provider = names.partition("@")
            wanted = Registration(mchid, [one for one in appids.split(",") if one], options.mode)
            wanted.providers, wanted.served_only = [provider], True
            _make(channel, data, wanted)
        for appid in options.official_account:
            _account(channel, data, appid)
    except (ValueError, OSError) as error:
        raise CannotStart(f"a merchant cannot be made: {error}") from error
    return channel


def _account(channel: Wechatpay, data: Path | None, appid: str) -> None:
    secret = channel.accounts.register(appid)
    if data is not None:
        folder = data / "official-accounts"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / f"{appid}.secret"
        file.write_text(secret, encoding="ascii")
        file.chmod(0o600)


def _make(channel: Wechatpay, data: Path | None, wanted: Registration) -> None:
    """Register a merchant once, and write what it has to know as its web site would hand it over."""
    if wanted.mchid in channel.bank.merchants:
        return
    told = channel.merchants.register(wanted)
    if data is None:
        return
    folder = data / "merchants" / wanted.mchid
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = {"apiclient_key.pem": told.get("private_key"), "apiclient_cert.pem": told.get("certificate")}
    for key in told["platform_keys"]:
        files["pub_key.pem" if key["kind"] == "public_key" else "wechatpay_cert.pem"] = (
            key.get("certificate") or key["public_key"]
        )
    files["merchant.json"] = json.dumps(told, ensure_ascii=False, indent=1)
    for name, content in files.items():
        if content is not None:
            (folder / name).write_text(content, encoding="utf-8")
            (folder / name).chmod(0o600)


if __name__ == "__main__":
    sys.exit(main())
