"""Notifications of channels that settle bills, durably on SQLite, beside the bare proof of the same messages.

Signed (and for WeChat Pay sealed) notifications of distinct open orders go over fifty kept connections to a server
process of its own; CPU is that process's. The bare proof is what the cipher library alone takes for the same messages,
without reading them: RSA over the text, and opening the sealed part. ``python -m tests.bench.notices`` alone, or as a
part of ``make bench``.
"""

import asyncio
import base64
import json
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openberth.bootstrap import opened_database
from openberth.contexts import tenancy
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.service.attempts import begin_attempt
from openberth.contexts.payments.service.bills import issue_bill
from openberth.contexts.payments.service.channels import add_account
from openberth.contexts.tenancy.model.organisation import Node
from openberth.infra.clocks import system_clocks
from openberth.infra.database import Unit
from openberth.infra.settings import Settings
from openberth.kernel.authority import system
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import HOUR_US, later
from tests.bench.load import cpu_seconds
from tests.e2e.house import House

ORDERS = 2_000
AT_ONCE = 50
FEN = 750
PAGE = 100
APPID, MCHID, PUBLIC_KEY_ID = "wx00000000000bench", "1900000099", "PUB_KEY_ID_0000000000000000000000000099"
APP, PID = "2021000000000099", "2088000000000099"
BEIJING = timezone(timedelta(hours=8))
_BY = system("bench")


@dataclass(frozen=True)
class Message:
    """A notification as it goes over the wire, and the bare proof of it."""

    head: Mapping[str, str]
    body: bytes
    prove: Callable[[], object]


class Quiet(House):
    """A server alone: nothing stands beside it."""

    def environment(self) -> dict[str, str]:
        ours = super().environment().items()
        kept = {name: value for name, value in ours if not name.startswith(("OPENBERTH_SANDPAY", "OPENBERTH_CLOCK"))}
        return kept | {"OPENBERTH_LIMITS__ADDRESS_PER_MINUTE": "10000000"}

    def _start_sandpay(self) -> None:
        """No channel is asked anything."""

    def furnish(self) -> None:
        """Everything is in the database already."""


class Wechatpay:
    """The channel's side of a contract with WeChat Pay."""

    kind = ChannelKind.WECHATPAY

    def __init__(self) -> None:
        self._key, self._api_key = _new_key(), secrets.token_hex(16)
        self.params = {
            "appid": APPID, "mchid": MCHID, "serial_no": "A" * 40, "public_key_id": PUBLIC_KEY_ID,
            "public_key": _public(self._key), "url": "http://127.0.0.1:9",
        }  # fmt: skip
        self.secrets = {"private_key": _private(_new_key()), "api_v3_key": self._api_key}

    def message(self, number: str) -> Message:
        """Tell that an order was paid."""
        told = {
            "appid": APPID, "mchid": MCHID, "out_trade_no": number, "transaction_id": f"42{secrets.token_hex(13)}",
            "trade_type": "NATIVE", "trade_state": "SUCCESS", "trade_state_desc": "支付成功", "bank_type": "OTHERS",
            "success_time": datetime.now(BEIJING).isoformat(timespec="seconds"), "payer": {"openid": "o-bench"},
            "amount": {"total": FEN, "payer_total": FEN, "currency": "CNY", "payer_currency": "CNY"},
        }  # fmt: skip
        nonce, cipher = secrets.token_hex(6), AESGCM(self._api_key.encode())
        sealed = cipher.encrypt(nonce.encode(), json.dumps(told, ensure_ascii=False).encode(), b"transaction")
        body = json.dumps(
            {
                "id": secrets.token_hex(16), "create_time": told["success_time"], "event_type": "TRANSACTION.SUCCESS",
                "resource_type": "encrypt-resource", "summary": "支付成功",
                "resource": {
                    "algorithm": "AEAD_AES_256_GCM", "ciphertext": base64.b64encode(sealed).decode(), "nonce": nonce,
                    "associated_data": "transaction", "original_type": "transaction",
                },
            },
            ensure_ascii=False,
        ).encode()  # fmt: skip
        at, once = str(int(time.time())), secrets.token_hex(16)
        text = f"{at}\n{once}\n".encode() + body + b"\n"
        signature = _sign(self._key, text)
        head = {
            "Content-Type": "application/json", "Wechatpay-Serial": PUBLIC_KEY_ID, "Wechatpay-Timestamp": at,
            "Wechatpay-Nonce": once, "Wechatpay-Signature": base64.b64encode(signature).decode(),
        }  # fmt: skip
        public = self._key.public_key()

        def prove() -> bytes:
            public.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
            return AESGCM(self._api_key.encode()).decrypt(nonce.encode(), sealed, b"transaction")

        return Message(head, body, prove)


class Alipay:
    """The channel's side of a contract with Alipay."""

    kind = ChannelKind.ALIPAY

    def __init__(self) -> None:
        self._key = _new_key()
        self.params = {
            "app_id": APP, "seller_id": PID, "alipay_public_key": _public(self._key), "url": "http://127.0.0.1:9",
        }  # fmt: skip
        self.secrets = {"private_key": _private(_new_key())}

    def message(self, number: str) -> Message:
        """Tell that a trade was paid."""
        at = f"{datetime.now(BEIJING):%Y-%m-%d %H:%M:%S}"
        form = {
            "notify_time": at, "notify_type": "trade_status_sync", "notify_id": secrets.token_hex(17), "app_id": APP,
            "seller_id": PID, "charset": "utf-8", "version": "1.0", "trade_status": "TRADE_SUCCESS", "gmt_payment": at,
            "trade_no": f"2026112622{secrets.randbelow(10**18):018d}", "out_trade_no": number, "gmt_create": at,
            "total_amount": f"{FEN // 100}.{FEN % 100:02d}", "receipt_amount": f"{FEN // 100}.{FEN % 100:02d}",
            "subject": "OpenBerth 停车费", "buyer_open_id": "o-bench",
        }  # fmt: skip
        text = "&".join(f"{name}={form[name]}" for name in sorted(form)).encode()
        signature, public = _sign(self._key, text), self._key.public_key()
        signed = form | {"sign_type": "RSA2", "sign": base64.b64encode(signature).decode()}
        head = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        prove = partial(public.verify, signature, text, padding.PKCS1v15(), hashes.SHA256())
        return Message(head, urlencode(signed).encode(), prove)


def measure(channel: Wechatpay | Alipay, orders: int = ORDERS) -> str:
    """Settle so many bills by notifications; return the row of the table."""
    with tempfile.TemporaryDirectory(prefix="openberth-bench-") as name:
        folder = Path(name)
        hook, numbers = _prepare(folder, channel, orders)
        with Quiet(folder) as house:
            assert house.server is not None
            messages = [channel.message(number) for number in numbers]
            bare_us = _bare_us(messages)
            warm = asyncio.run(_tell(house.http_port, hook, messages[:PAGE]))
            before = cpu_seconds(house.server.pid)
            spent, refused = asyncio.run(_tell(house.http_port, hook, messages[PAGE:]))
            cpu_us = (cpu_seconds(house.server.pid) - before) / (orders - PAGE) * 1e6
        refused += warm[1]
        with sqlite3.connect(folder / "data" / "openberth.db") as books:
            (settled,) = books.execute("SELECT COUNT(*) FROM bill WHERE state = 'settled'").fetchone()
        assert (settled, refused) == (orders, 0), f"{settled} of {orders} settled, {refused} refused"
    rate = (orders - PAGE) / spent
    return f"| {channel.kind.value} | {rate:.0f}/s | {cpu_us:.0f} | {bare_us:.0f} | {cpu_us / bare_us:.1f} × |"


def _prepare(folder: Path, channel: Wechatpay | Alipay, orders: int) -> tuple[str, list[str]]:
    """Write a contract and open orders; return where the channel tells of them, and their numbers."""
    settings = Settings(data=folder / "data", keys=folder / "keys" / "keys.json", demo=True)
    with opened_database(settings, system_clocks()) as database:
        add = partial(
            add_account, node=Node.platform(), kind=channel.kind, name="bench", rank=1, params=channel.params,
            secrets=channel.secrets,
        )  # fmt: skip
        account = database.write_now(add, by=_BY).id
        company = database.write_now(partial(tenancy.ensure_company, code="demo"), by=_BY).id

        def page(unit: Unit) -> list[str]:
            return [_order(unit, company, channel.kind, account) for _ in range(PAGE)]

        numbers = [number for _ in range(orders // PAGE) for number in database.write_now(page, by=_BY)]
    with sqlite3.connect(folder / "data" / "openberth.db") as books:
        books.execute("DELETE FROM job WHERE kind = 'payments.check_attempt'")  # there is nobody to be asked
    return f"/hooks/{channel.kind.value}/{account}", numbers


def _order(unit: Unit, company: Id, kind: ChannelKind, account: Id) -> str:
    bill = issue_bill(
        unit, company=company, lot=unit.new_id(), kind="stay", subject=unit.new_id(), due=Money(FEN, "CNY"),
        tariff_version=None, quote={"lines": []}, quoted_at=unit.now, valid_until=later(unit.now, HOUR_US),
    )  # fmt: skip
    return begin_attempt(unit, bill=bill.id, channel=kind.value, account=account).number


def _bare_us(messages: list[Message]) -> float:
    begun = time.process_time()
    for message in messages:
        message.prove()
    return (time.process_time() - begun) / len(messages) * 1e6


async def _tell(port: int, hook: str, messages: list[Message]) -> tuple[float, int]:
    """Post all messages over kept connections; return the seconds it took and how many were not acknowledged."""
    waiting, refused = iter(messages), 0

    async def channel() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        bad = 0
        for message in waiting:
            lines = [f"{name}: {value}" for name, value in message.head.items()]
            head = [f"POST {hook} HTTP/1.1", "Host: openberth", *lines, f"Content-Length: {len(message.body)}", "", ""]
            writer.write("\r\n".join(head).encode() + message.body)
            status = await reader.readline()
            length = 0
            while (line := await reader.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            await reader.readexactly(length)
            bad += b" 200 " not in status
        writer.close()
        await writer.wait_closed()
        return bad

    begun = time.perf_counter()
    refused = sum(await asyncio.gather(*(channel() for _ in range(AT_ONCE))))
    return time.perf_counter() - begun, refused


def _new_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def _sign(key: RSAPrivateKey, text: bytes) -> bytes:
    return key.sign(text, padding.PKCS1v15(), hashes.SHA256())


def _private(key: RSAPrivateKey) -> str:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, plain).decode()


def _public(key: RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def report() -> None:
    """Print the table."""
    print(f"\n| notification → settled, SQLite, {AT_ONCE} at once | rate | server CPU µs | bare proof µs | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for channel in (Wechatpay(), Alipay()):
        print(measure(channel), flush=True)


if __name__ == "__main__":
    report()
