"""Tells merchants that their orders were paid, until they say so or the tries are used up.

What is still to be told is on disk, so a killed channel goes on telling after its restart. A merchant may be told
twice (a kill between an answer and its note); it can never stay untold while tries are left.
"""

import asyncio
import http.client
import io
import json
import logging
import sqlite3
import ssl
import time
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openberth.sandbox.sandpay import signing
from openberth.sandbox.sandpay.books import Books
from openberth.sandbox.sandpay.store import Notification, Order
from openberth.sandbox.telling import ANSWER_WITHIN_S, AT_ONCE, BROKEN_PAUSE_S, Rounds

ANSWER_BYTES = 64 * 1024

_log = logging.getLogger("sandpay")


class Notifier(Rounds[int]):
    """The loop that tells."""

    def __init__(self, books: Books, key: Ed25519PrivateKey) -> None:
        super().__init__(_log)
        self._books = books
        self._key = key

    async def _round(self) -> float | None:
        free = AT_ONCE - len(self._telling)
        if free <= 0:
            return None  # whoever ends wakes the loop
        now_ms = time.time_ns() // 1_000_000
        due, next_ms = await self._books.call(lambda store: store.due(now_ms, free, set(self._telling)), always=True)
        for notification in due:
            self._begin(notification.id, self._tell(notification))
        return None if next_ms is None else max(0, next_ms - now_ms) / 1000

    async def _tell(self, notification: Notification) -> None:
        order = notification.order
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                success = await post(order.notify_url, body_of(order), self._key)
        except (OSError, TimeoutError, ValueError, http.client.HTTPException) as error:
            _log.info("order %s: try %d failed: %s", order.order_id, notification.tries + 1, type(error).__name__)
            success = False
        now_ms = time.time_ns() // 1_000_000
        try:
            await self._books.call(lambda store: store.told(notification, now_ms, success), always=True)
        except sqlite3.Error:
            # It is still due: pause, or it would be told again and again without end.
            _log.exception("the books cannot be written")
            await asyncio.sleep(BROKEN_PAUSE_S)


def body_of(order: Order) -> bytes:
    """Return what a merchant is told about a paid order."""
    told = {
        "event": "order.paid",
        "out_trade_no": order.out_trade_no,
        "transaction_id": order.transaction_id,
        "amount_minor": order.amount_minor,
        "currency": order.currency,
        "paid_at": order.paid_at,
    }
    return json.dumps(told).encode()


async def post(url: str, body: bytes, key: Ed25519PrivateKey) -> bool:
    """Send a signed notification; True when the answer is 200 with ``{"code":"SUCCESS"}``."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\nUser-Agent: sandpay\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"{signing.HEADER}: {signing.sign(key, 'POST', target, body)}\r\n\r\n"
    )
    answer = await _exchange(parts, head.encode("ascii") + body)
    response = http.client.HTTPResponse(_Received(answer), method="POST")  # type: ignore[arg-type]
    with response:
        response.begin()
        content = response.read()
    if response.status != 200:
        return False
    said: Any = json.loads(content)
    return isinstance(said, dict) and said.get("code") == "SUCCESS"


async def _exchange(parts: SplitResult, request: bytes) -> bytes:
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure)
    try:
        writer.write(request)
        await writer.drain()
        answer = bytearray()
        while chunk := await reader.read(ANSWER_BYTES):
            answer += chunk
            if len(answer) > ANSWER_BYTES:
                raise ValueError("the answer is too long")
        return bytes(answer)
    finally:
        writer.close()


class _Received:
    """A whole answer in the shape that ``http.client`` reads from, so that it need not be parsed by hand."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._answer)
