"""Tells merchants what happened: signed forms on the published schedule, until they answer exactly ``success``.

What is still to be told is in the books, so a killed stand-in goes on after its restart. A merchant may be told twice
(a kill between an answer and its note); nothing stays untold while tries are left.
"""

import asyncio
import logging
import sqlite3
from contextlib import suppress
from functools import partial
from urllib.parse import urlencode

import httpx2

from openberth.sandbox.alipay import crypto
from openberth.sandbox.alipay.bank import Bank
from openberth.sandbox.alipay.clock import SECOND_US, wall
from openberth.sandbox.alipay.records import Notice
from openberth.sandbox.alipay.refunds import Refunds

REPEATS_S = (240, 600, 600, 3600, 7200, 21600, 54000)
ANSWER_WITHIN_S = 5  # of the machine's time: how long a merchant may think is no matter of business time
AT_ONCE = 16
ATTEMPTS_KEPT = 40
LONGEST_PAUSE_S = 60
BROKEN_PAUSE_S = 5
ANSWER_BYTES = 64
LIES = {
    "other_amount": {"total_amount": "0.01"}, "other_seller": {"seller_id": "2088999999999999"},
    "other_app": {"app_id": "2021999999999999"},
}  # fmt: skip
# ``keep_sign_type``: signed as some notifications that are not of payments are, with sign_type in the signed text.
HOW = ("good", "wrong_signature", "no_signature", "keep_sign_type", *LIES)

_log = logging.getLogger("alipay")


class Notifier:
    """The loop that tells. ``wake`` it when something may be due; cancel ``run`` to stop it."""

    def __init__(self, bank: Bank, refunds: Refunds) -> None:
        self._bank = bank
        self._refunds = refunds
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
        self._bank.age()
        now = self._bank.clock.now()
        for notice in self._bank.store.due(now, AT_ONCE + len(self._telling)):
            if notice.id not in self._telling and len(self._telling) < AT_ONCE:
                task = asyncio.create_task(self._tell(notice))
                self._telling[notice.id] = task
                task.add_done_callback(partial(self._ended, notice.id))
        if len(self._telling) >= AT_ONCE:
            return None  # whoever ends wakes the loop
        due = self._bank.store.next_due(now)
        return None if due is None else min(LONGEST_PAUSE_S, self._bank.clock.until(due))

    def _ended(self, notice_id: str, _task: asyncio.Task[None]) -> None:
        del self._telling[notice_id]
        self._woken.set()

    async def _tell(self, notice: Notice) -> None:
        try:
            await self._told(notice)
        except Exception:
            # It is still due: pause, or it would be told again and again without end.
            _log.exception("notification %s cannot be told", notice.id)
            await asyncio.sleep(BROKEN_PAUSE_S)

    async def _told(self, notice: Notice) -> None:
        faults = self._bank.faults
        if faults.hits(faults.telling.forge_percent):
            await self.send(notice, "wrong_signature")
        copies = 1 + (faults.telling.copies if faults.hits(faults.telling.duplicate_percent) else 0)
        heard = await asyncio.gather(*(self.send(notice, "good") for _ in range(copies)))
        self._noted(notice.id, any(heard))

    def _noted(self, notice_id: str, heard: bool) -> None:
        """Note a try: a success or the last try ends the telling, else it is due again after the next pause."""
        (notice,) = self._bank.store.notices("id = ?", notice_id)
        if notice.state != "waiting":
            return  # told by hand in the meantime
        notice.tries += 1
        if heard:
            notice.state, notice.due_us = "done", None
        elif notice.tries > len(REPEATS_S):
            notice.state, notice.due_us = "given_up", None
        else:
            notice.due_us = self._bank.clock.now() + REPEATS_S[notice.tries - 1] * SECOND_US
        self._bank.store.save_notice(notice)

    async def send(self, notice: Notice, how: str) -> bool:
        """Send a notification once; True when it is answered in time as it must be. The attempt is noted."""
        form = self._form(notice, how)
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "User-Agent": "Mozilla/4.0"}
        status, answered, error = 0, b"", ""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                async with self._http.stream("POST", notice.url, content=urlencode(form), headers=headers) as answer:
                    status = answer.status_code
                    async for chunk in answer.aiter_bytes():
                        answered += chunk
                        if len(answered) > ANSWER_BYTES:
                            break
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError, ValueError) as problem:
            error = type(problem).__name__
        attempt = {
            "at": form["notify_time"], "how": how, "status": status, "error": error,
            "answered": answered[:ANSWER_BYTES].decode(errors="replace"),
        }  # fmt: skip
        for known in self._bank.store.notices("id = ?", notice.id):
            known.attempts = [*known.attempts, attempt][-ATTEMPTS_KEPT:]
            self._bank.store.save_notice(known)
        return not error and status == 200 and answered == b"success"

    def _form(self, notice: Notice, how: str) -> dict[str, str]:
        """Return the form: the same ``notify_id`` at every repetition, the time of sending in ``notify_time``."""
        form = {**notice.plain, **LIES.get(how, {}), "notify_time": wall(self._bank.clock.now()), "sign_type": "RSA2"}
        key = crypto.read_private(self._bank.apps[notice.app].alipay_key)
        if how == "wrong_signature":
            key = crypto.stranger()
        without = () if how == "keep_sign_type" else ("sign_type",)
        if how != "no_signature":
            form["sign"] = crypto.sign(key, crypto.joined(form, *without).encode())
        return form

    async def send_many(self, notice: Notice, how: str, copies: int) -> int:
        """Send a notification now, whatever its state, so many times at one instant; return how many were acknowledged.

        A good one that is acknowledged is told. Others change nothing.
        """
        heard = sum(await asyncio.gather(*(self.send(notice, how) for _ in range(copies))))
        if heard and how == "good":
            (known,) = self._bank.store.notices("id = ?", notice.id)
            known.state, known.due_us = "done", None
            self._bank.store.save_notice(known)
        return heard

    async def send_held(self, notice: Notice) -> None:
        """Send a notification that was held back; unacknowledged it goes on by the schedule."""
        (known,) = self._bank.store.notices("id = ?", notice.id)
        known.state = "waiting"
        self._bank.store.save_notice(known)  # not due: only this sending tells it
        self._noted(notice.id, await self.send(known, "good"))
