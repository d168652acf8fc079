"""Tells merchants what happened: signed forms on the published schedule, until they answer exactly ``success``."""

import asyncio
import logging
from collections.abc import Sequence
from urllib.parse import urlencode

import httpx2

from openberth.sandbox.alipay import crypto
from openberth.sandbox.alipay.bank import Bank
from openberth.sandbox.alipay.instants import wall
from openberth.sandbox.alipay.records import Notice
from openberth.sandbox.alipay.refunds import Refunds
from openberth.sandbox.telling import ANSWER_WITHIN_S, Teller

REPEATS_S = (240, 600, 600, 3600, 7200, 21600, 54000)
ANSWER_BYTES = 64
LIES = {
    "other_amount": {"total_amount": "0.01"}, "other_seller": {"seller_id": "2088999999999999"},
    "other_app": {"app_id": "2021999999999999"},
}  # fmt: skip
# ``keep_sign_type``: signed as some notifications that are not of payments are, with sign_type in the signed text.
HOW = ("good", "wrong_signature", "no_signature", "keep_sign_type", *LIES)


class Notifier(Teller[Notice]):
    """The loop that tells."""

    def __init__(self, bank: Bank, refunds: Refunds) -> None:
        super().__init__(logging.getLogger("alipay"), bank.clock, REPEATS_S)
        self._bank = bank
        self._refunds = refunds

    def _ripen(self) -> None:
        self._refunds.ripen()
        self._bank.age()

    def _due(self, now_us: int, limit: int) -> Sequence[Notice]:
        return self._bank.store.due(now_us, limit)

    def _next_due(self, now_us: int) -> int | None:
        return self._bank.store.next_due(now_us)

    def _kept(self, note_id: str) -> Notice:
        (notice,) = self._bank.store.notices("id = ?", note_id)
        return notice

    def _keep(self, note: Notice) -> None:
        self._bank.store.save_notice(note)

    async def _tell(self, note: Notice) -> bool:
        faults = self._bank.faults
        if faults.hits(faults.telling.forge_percent):
            await self.send(note, "wrong_signature")
        copies = 1 + (faults.telling.copies if faults.hits(faults.telling.duplicate_percent) else 0)
        return any(await self._sent(note, "good", copies))

    async def send(self, note: Notice, how: str) -> bool:
        """Send a notification once; True when it is answered in time as it must be. The attempt is noted."""
        form = self._form(note, how)
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "User-Agent": "Mozilla/4.0"}
        status, answered, error = 0, b"", ""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                async with self._http.stream("POST", note.url, content=urlencode(form), headers=headers) as answer:
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
        self._attempted(note.id, attempt)
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
