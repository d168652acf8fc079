"""The money in a booth: shifts with a float, what the guard takes in them, and a blind count at the end of each.

What should be there is known from what was taken here; the server says what it expects only after the count.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from openberth.simulator.api import Operator, Refusal, Sum, shaped
from openberth.simulator.books import CASH
from openberth.simulator.clock import HOUR_US, BusinessClock

SHIFT_US = 8 * HOUR_US
_COUNTED = "counted"  # the state of a shift whose difference wants a reason


class _Method(msgspec.Struct, frozen=True):
    method: str
    taken: Sum


class _Sheet(msgspec.Struct, frozen=True):
    id: str
    number: int
    state: str
    methods: list[_Method] = []
    expected: Sum | None = None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A shift that is over: what was counted and what the server expected, and what either says was taken by method."""

    number: int
    counted: int
    expected: int
    taken: Mapping[str, int]
    told: Mapping[str, int]

    @property
    def differences(self) -> list[str]:
        """Every difference in words."""
        words = [f"{self.counted} in the till, the sheet expects {self.expected}"] * (self.counted != self.expected)
        for method in sorted({*self.taken, *self.told}):
            ours, theirs = self.taken.get(method, 0), self.told.get(method, 0)
            words += [f"took {ours} by {method}, the sheet says {theirs}"] * (ours != theirs)
        return [f"shift {self.number}: {word}" for word in words]


class Till:
    """The till of a booth. Without a float its guard works without shifts."""

    def __init__(self, lot: str, currency: str, api: Operator, clock: BusinessClock, float_minor: int | None) -> None:
        self._lot = lot
        self._currency = currency
        self._api = api
        self._clock = clock
        self._float_minor = float_minor
        self._open: _Sheet | None = None
        self._ends_us = 0
        self._taken: dict[str, int] = {}
        self.handed: list[HandedOver] = []

    @property
    def is_due(self) -> bool:
        """Tell whether the shift is over by the clock."""
        return self._open is not None and self._clock.now_us() >= self._ends_us

    async def open(self) -> None:
        """Begin a shift, for whose float change is fetched from the bank first."""
        if self._float_minor is None:
            return
        change = {"minor": self._float_minor, "currency": self._currency}
        slip = f"CHANGE-{uuid.uuid4().hex[:12].upper()}"
        move = {"kind": "fetched", "amount": change, "reference": slip}
        await self._api.client.post(f"/v1/lots/{self._lot}/safe/moves", move)
        told = await self._api.client.post("/v1/shifts", {"lot": self._lot, "opening": change})
        self._open, self._taken = shaped(_Sheet, told), {}
        self._ends_us = self._clock.now_us() + SHIFT_US

    def take(self, method: str, minor: int) -> None:
        """Write down money that the guard took."""
        self._taken[method] = self._taken.get(method, 0) + minor

    async def hand_over(self) -> None:
        """Count, and only then read what the server expected; a difference is told as the reason that it wants."""
        if self._open is None or self._float_minor is None:
            return
        counted = self._float_minor + self._taken.get(CASH, 0)
        form = {"counted": {"minor": counted, "currency": self._currency}}
        target = f"/v1/shifts/{self._open.id}/hand-over"
        try:
            told = await self._api.client.post(target, form)
        except Refusal:  # an answer was lost: it is handed over already
            told = await self._api.client.get(f"/v1/my/shifts/{self._open.id}")
        sheet = shaped(_Sheet, told)
        if sheet.state == _COUNTED:
            await self._api.client.post(target, {"reason": "simulator: counted as it is"})
        expected = 0 if sheet.expected is None else sheet.expected.minor
        by_method = {each.method: each.taken.minor for each in sheet.methods if each.taken.minor}
        self.handed.append(HandedOver(sheet.number, counted, expected, self._taken, by_method))
        self._open = None
