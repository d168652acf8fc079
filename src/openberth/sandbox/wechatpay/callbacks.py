"""Tells merchants what happened: signed, encrypted, on the published schedule, until they acknowledge.

What is still to be told is in the books, so a killed stand-in goes on after its restart. A merchant may be told twice
(a kill between an answer and its note); nothing stays untold while tries are left.
"""

import asyncio
import json
import logging
import secrets
import sqlite3
from contextlib import suppress
from functools import partial
from typing import Any

import httpx2

from openberth.sandbox.wechatpay import crypto
from openberth.sandbox.wechatpay.bank import Bank
from openberth.sandbox.wechatpay.clock import SECOND_US, rfc3339
from openberth.sandbox.wechatpay.front import Front
from openberth.sandbox.wechatpay.records import Callback, Merchant, PlatformKey
from openberth.sandbox.wechatpay.refunds import Refunds

REPEATS_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
ANSWER_WITHIN_S = 5  # of the machine's time: how long a merchant may think is no matter of business time
AT_ONCE = 16
ATTEMPTS_KEPT = 40
LONGEST_PAUSE_S = 60
BROKEN_PAUSE_S = 5
HOW = ("good", "wrong_signature", "old_signature", "unknown_serial", "probe")

_log = logging.getLogger("wechatpay")


class Notifier:
    """The loop that tells. ``wake`` it when something may be due; cancel ``run`` to stop it."""

    def __init__(self, bank: Bank, refunds: Refunds, front: Front) -> None:
        self._bank = bank
        self._refunds = refunds
        self._front = front
        self._woken = asyncio.Event()
        self._telling: dict[str, asyncio.Task[None]] = {}
        self._http = httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=None)  # bounded below

    def wake(self) -> None:
        """Look again at what is due."""
        self._woken.set()

    async def run(self) -> None:
        """Tell what is due, for ever."""
        try:
            while True:
                self._woken.clear()
                try:
                    pause_s = self._round()
                except sqlite3.Error:
                    _log.exception("the books cannot be read or written")
                    pause_s = BROKEN_PAUSE_S
                # Not wait_for: in Python 3.11 it can swallow a cancellation.
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._woken.wait()
        finally:
            for task in self._telling.values():
                task.cancel()
            await asyncio.gather(*self._telling.values(), return_exceptions=True)
            await self._http.aclose()

    def _round(self) -> float | None:
        self._refunds.ripen()
        now = self._bank.clock.now()
        for callback in self._bank.store.due(now, AT_ONCE + len(self._telling)):
            if callback.id not in self._telling and len(self._telling) < AT_ONCE:
                task = asyncio.create_task(self._tell(callback))
                self._telling[callback.id] = task
                task.add_done_callback(partial(self._ended, callback.id))
        if len(self._telling) >= AT_ONCE:
            return None  # whoever ends wakes the loop
        due = self._bank.store.next_due(now)
        return None if due is None else min(LONGEST_PAUSE_S, self._bank.clock.until(due))

    def _ended(self, callback_id: str, _task: asyncio.Task[None]) -> None:
        del self._telling[callback_id]
        self._woken.set()

    async def _tell(self, callback: Callback) -> None:
        try:
            await self._told(callback)
        except Exception:
            # It is still due: pause, or it would be told again and again without end.
            _log.exception("callback %s cannot be told", callback.id)
            await asyncio.sleep(BROKEN_PAUSE_S)

    async def _told(self, callback: Callback) -> None:
        faults = self._bank.faults
        if faults.hits(faults.telling.probe_percent):
            await self.send(callback, "probe")
        copies = 1 + (faults.telling.copies if faults.hits(faults.telling.duplicate_percent) else 0)
        heard = await asyncio.gather(*(self.send(callback, "good") for _ in range(copies)))
        self._noted(callback.id, any(heard))

    def _noted(self, callback_id: str, heard: bool) -> None:
        """Note a try: a success or the last try ends the telling, else it is due again after the next pause."""
        (callback,) = self._bank.store.callbacks("id = ?", callback_id)
        if callback.state != "waiting":
            return  # taken back, or told by hand, in the meantime
        callback.tries += 1
        if heard:
            callback.state, callback.due_us = "done", None
        elif callback.tries > len(REPEATS_S):
            callback.state, callback.due_us = "given_up", None
        else:
            callback.due_us = self._bank.clock.now() + REPEATS_S[callback.tries - 1] * SECOND_US
        self._bank.store.save_callback(callback)

    async def send(self, callback: Callback, how: str) -> bool:
        """Send a callback once; True when it is acknowledged with 200 or 204 in time. The attempt is noted."""
        merchant = self._bank.merchants[callback.mchid]
        if not merchant.api_key:
            return False  # taken away since: nothing can be encrypted, and the tries run out
        key = self._key(merchant)
        body = content(callback, merchant.api_key)
        headers = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "Mozilla/4.0"}
        headers |= {"Request-ID": f"08{secrets.token_hex(16).upper()}-0"} | self._front.signed(key, body, how)
        began = self._bank.clock.machine_s()
        status, error = 0, ""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await self._http.post(callback.url, content=body, headers=headers)
                status = answer.status_code
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError, ValueError) as problem:
            error = type(problem).__name__
        attempt = {
            "at": rfc3339(self._bank.clock.now()), "machine_s": began, "how": how, "status": status, "error": error,
            "serial": headers["Wechatpay-Serial"],
        }  # fmt: skip
        for known in self._bank.store.callbacks("id = ?", callback.id):
            known.attempts = [*known.attempts, attempt][-ATTEMPTS_KEPT:]
            self._bank.store.save_callback(known)
        return status in (200, 204)

    async def send_many(self, callback: Callback, how: str, copies: int) -> int:
        """Send a callback now, whatever its state, so many times at one instant; return how many were acknowledged.

        A good one that is acknowledged is told. Others change nothing.
        """
        heard = sum(await asyncio.gather(*(self.send(callback, how) for _ in range(copies))))
        if heard and how == "good":
            (known,) = self._bank.store.callbacks("id = ?", callback.id)
            known.state, known.due_us = "done", None
            self._bank.store.save_callback(known)
        return heard

    async def send_held(self, callback: Callback) -> None:
        """Send a callback that was held back; unacknowledged it goes on by the schedule."""
        callback.state = "waiting"
        self._bank.store.save_callback(callback)  # not due: only this sending tells it
        self._noted(callback.id, await self.send(callback, "good"))

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
