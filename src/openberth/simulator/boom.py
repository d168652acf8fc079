"""The boom of a lane: an arm that takes its time, a loop before it and one under it. Machine time.

Whoever raises or lowers it (a camera's relay, a barrier controller, a hand) sees the same arm. A raised boom comes down
by itself when no car stands before it, as controllers do with their hold time; while a car does, it stays up.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum


class BoomState(IntEnum):
    """Where the arm is; the numbers are those of the barrier link's STATUS."""

    CLOSED = 1
    OPENING = 2
    OPEN = 3
    CLOSING = 4


@dataclass(frozen=True, slots=True)
class BoomTiming:
    """Machine seconds: one movement of the arm, how long it stays up without a car, a car's drive under it."""

    move_s: float = 0.05
    hold_s: float = 1.0
    drive_s: float = 0.02

    @classmethod
    def for_speed(cls, speed: float) -> "BoomTiming":
        """Return what suits a town: real seconds as far as lanes keep up with the arrivals of sped-up time."""
        return cls(_between(0.002, 3 / speed, 0.05), _between(0.05, 60 / speed, 1.0), _between(0.001, 2 / speed, 0.02))


class Boom:
    """One arm. ``on_change`` is called after every change that STATUS tells; ``on_stray`` when it opens for nobody."""

    def __init__(self, timing: BoomTiming, *, on_stray: Callable[[], None] = lambda: None) -> None:
        self.timing = timing
        self.on_change: Callable[[], None] = lambda: None
        self._on_stray = on_stray
        self.state = BoomState.CLOSED
        self.locked = False
        self.car_before = False
        self.car_under = False
        self.passes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._end: asyncio.Future[bool] | None = None
        self._at = {BoomState.CLOSED: asyncio.Event(), BoomState.OPEN: asyncio.Event()}
        self._at[BoomState.CLOSED].set()

    def raise_(self) -> asyncio.Future[bool]:
        """Begin to open; the future tells whether the arm got there. A locked boom does not move."""
        if not self.car_before and self.state in (BoomState.CLOSED, BoomState.CLOSING):
            self._on_stray()
        return self._move(BoomState.OPENING, BoomState.OPEN)

    def lower(self) -> asyncio.Future[bool]:
        """Begin to close; it does not move while locked or while a car is under it."""
        return self._move(BoomState.CLOSING, BoomState.CLOSED)

    def stop(self) -> None:
        """Stop where it is: what had begun does not get to its end, and the arm counts as open."""
        if self.state in (BoomState.OPENING, BoomState.CLOSING):
            self._settle(BoomState.OPEN, reached=False)

    def lock(self, locked: bool) -> None:
        """Hold the arm where it is, or let it go again; an open one then comes down after its hold time."""
        self.locked = locked
        self._hold()
        self.on_change()

    def car_arrives(self) -> None:
        """Put a car before the boom."""
        self.car_before = True
        self.on_change()

    def car_backs_out(self) -> None:
        """Take the car away again; a boom that was raised for it comes down."""
        self.car_before = False
        self._hold()
        self.on_change()

    async def drive_through(self) -> None:
        """Drive the waiting car through the open boom, which comes down behind it; return when the lane is clear."""
        if self.state is not BoomState.OPEN:
            raise RuntimeError("a car drove into a closed boom")
        self.car_under = True
        self.on_change()
        await asyncio.sleep(self.timing.drive_s)
        self.car_before = self.car_under = False
        self.passes += 1
        self.on_change()
        if not self.locked:
            await self.lower()

    async def wait_open(self, within_s: float) -> bool:
        """Wait until the arm is up; tell whether it was in time."""
        return await self._wait(BoomState.OPEN, within_s)

    async def wait_clear(self, within_s: float) -> bool:
        """Wait until the arm is down, as drivers do behind another car; one locked open lets everybody on."""
        return self.locked or await self._wait(BoomState.CLOSED, within_s)

    async def _wait(self, state: BoomState, within_s: float) -> bool:
        if not self._at[state].is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._at[state].wait()
        return self.state is state

    def _move(self, moving: BoomState, end: BoomState) -> asyncio.Future[bool]:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self.state is end:
            future.set_result(True)
            self._hold()
        elif self.locked or (end is BoomState.CLOSED and self.car_under):
            future.set_result(False)
        elif self.state is moving and self._end is not None:
            return self._end
        else:
            self._cancel()
            self._end = future
            self._set(moving)
            self._timer = future.get_loop().call_later(self.timing.move_s, self._settle, end)
        return future

    def _settle(self, state: BoomState, reached: bool = True) -> None:
        future, self._end = self._end, None
        self._cancel()
        self._set(state)
        if future is not None and not future.done():
            future.set_result(reached)
        self._hold()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._end is not None:
            if not self._end.done():
                self._end.set_result(False)
            self._end = None

    def _hold(self) -> None:
        """Let an open boom without a car come down after its hold time."""
        if self.state is BoomState.OPEN and not self.car_before and not self.locked:
            self._cancel()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.timing.hold_s, self._fall)

    def _fall(self) -> None:
        self._timer = None
        if not self.car_before:
            self.lower()

    def _set(self, state: BoomState) -> None:
        self.state = state
        for place, event in self._at.items():
            (event.set if place is state else event.clear)()
        self.on_change()


def _between(least: float, value: float, most: float) -> float:
    return min(max(value, least), most)
