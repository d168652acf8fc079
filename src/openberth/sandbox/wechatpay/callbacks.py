"""Tells merchants what happened: signed, encrypted, on the published schedule, until they acknowledge."""

import asyncio
import json
import logging
import secrets
from collections.abc import Sequence
from typing import Any

import httpx2

from openberth.sandbox.telling import ANSWER_WITHIN_S, Teller
from openberth.sandbox.wechatpay import crypto
from openberth.sandbox.wechatpay.bank import Bank
from openberth.sandbox.wechatpay.front import Front
from openberth.sandbox.wechatpay.instants import rfc3339
from openberth.sandbox.wechatpay.records import Callback, Merchant, PlatformKey
from openberth.sandbox.wechatpay.refunds import Refunds

REPEATS_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
HOW = ("good", "wrong_signature", "old_signature", "unknown_serial", "probe")


class Notifier(Teller[Callback]):
    """The loop that tells."""

    def __init__(self, bank: Bank, refunds: Refunds, front: Front) -> None:
        super().__init__(logging.getLogger("wechatpay"), bank.clock, REPEATS_S)
        self._bank = bank
        self._refunds = refunds
        self._front = front

    def _ripen(self) -> None:
        self._refunds.ripen()

    def _due(self, now_us: int, limit: int) -> Sequence[Callback]:
        return self._bank.store.due(now_us, limit)

    def _next_due(self, now_us: int) -> int | None:
        return self._bank.store.next_due(now_us)

    def _kept(self, note_id: str) -> Callback:
        (callback,) = self._bank.store.callbacks("id = ?", note_id)
        return callback

    def _keep(self, note: Callback) -> None:
        self._bank.store.save_callback(note)

    async def _tell(self, note: Callback) -> bool:
        faults = self._bank.faults
        if faults.hits(faults.telling.probe_percent):
            await self.send(note, "probe")
        copies = 1 + (faults.telling.copies if faults.hits(faults.telling.duplicate_percent) else 0)
        return any(await self._sent(note, "good", copies))

    async def send(self, note: Callback, how: str) -> bool:
        """Send a callback once; True when it is acknowledged with 200 or 204 in time. The attempt is noted."""
        merchant = self._bank.merchants[note.mchid]
        if not merchant.api_key:
            return False  # taken away since: nothing can be encrypted, and the tries run out
        key = self._key(merchant)
        body = content(note, merchant.api_key)
        headers = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "Mozilla/4.0"}
        headers |= {"Request-ID": f"08{secrets.token_hex(16).upper()}-0"} | self._front.signed(key, body, how)
        began = self._bank.clock.machine_s()
        status, error = 0, ""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await self._http.post(note.url, content=body, headers=headers)
                status = answer.status_code
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError, ValueError) as problem:
            error = type(problem).__name__
        attempt = {
            "at": rfc3339(self._bank.clock.now()), "machine_s": began, "how": how, "status": status, "error": error,
            "serial": headers["Wechatpay-Serial"],
        }  # fmt: skip
        self._attempted(note.id, attempt)
        return status in (200, 204)

    def _key(self, merchant: Merchant) -> PlatformKey:
        public = merchant.mode == "public_key"
        if merchant.mode == "switching":
            public = self._bank.faults.hits(merchant.public_key_percent)
        return merchant.newest(public=public)


def content(callback: Callback, api_key: str) -> bytes:
    """Return the body of a callback: the same id and time at every repetition, a new nonce and ciphertext each time."""
    plain = json.dumps(callback.plain, ensure_ascii=False, separators=(",", ":")).encode()
    said: dict[str, Any] = {
        "id": callback.id,
        "create_time": rfc3339(callback.created_us),
        "resource_type": "encrypt-resource",
        "event_type": callback.event,
        "summary": callback.summary,
        "resource": {
            "original_type": callback.original_type,
            **crypto.seal(api_key.encode(), plain, callback.original_type),
        },
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
