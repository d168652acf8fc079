"""The money of the day by method, counted from the receipts of a lot: each page is read once, then only what is new."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from openberth.entrypoints.cli.top.model import instant_of, money_of
from openberth.kernel.money import Money
from openberth.kernel.time import Instant, as_datetime

PAGES_MAX = 40
PAGE = 200

Ask = Callable[[str], Awaitable[Any]]


@dataclass(slots=True)
class Takings:
    """What a lot has received since its local midnight. Past 8 000 receipts before the first look it says nothing."""

    zone: str
    day: date | None = None
    known: set[str] = field(default_factory=set)
    sums: dict[str, Money] = field(default_factory=dict)
    complete: bool = True

    async def look(self, ask: Ask, now: Instant) -> Mapping[str, Money] | None:
        """Read new receipts, newest first, through ``ask(cursor)``; None when the day has too many to count."""
        today = as_datetime(now, ZoneInfo(self.zone)).date()
        if today != self.day:
            self.day, self.complete = today, True
            self.known.clear()
            self.sums.clear()
        cursor = ""
        for _ in range(PAGES_MAX):
            page = await ask(cursor)
            if self._take(page.get("items", ())):
                return dict(self.sums) if self.complete else None
            cursor = page.get("next") or ""
            if not cursor:
                return dict(self.sums) if self.complete else None
        self.complete = False
        return None

    def _take(self, items: Any) -> bool:
        """Count the receipts of a page; tell whether the rest is known or of another day."""
        for item in items:
            at, amount, id_ = instant_of(item.get("received_at")), money_of(item.get("amount")), str(item.get("id"))
            if at is None or amount is None:
                continue
            if id_ in self.known or as_datetime(at, ZoneInfo(self.zone)).date() != self.day:
                return True
            self.known.add(id_)
            method = str(item.get("method", ""))
            self.sums[method] = self.sums[method] + amount if method in self.sums else amount
        return False
