"""The demo's town: the simulator in a thread with its own event loop, which can be asked to close its doors.

``simulator.run_town`` runs for a time fixed beforehand. A demo ends when somebody has seen enough: then no more cars
come, those under way finish, and the books are compared as they are.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from openberth.kernel.errors import Refused
from openberth.simulator.api import BooksView, Operator, Phone, Refusal
from openberth.simulator.books import CASH, SANDPAY, Books, Fate
from openberth.simulator.boom import BoomTiming
from openberth.simulator.clock import HOUR_US, BusinessClock, instant_us
from openberth.simulator.comparison import Comparison, Opening
from openberth.simulator.counters import Counters
from openberth.simulator.faults import Faults
from openberth.simulator.plan import LotPlan, PlanError, read_plans
from openberth.simulator.plates import PlateMint
from openberth.simulator.site import Waits
from openberth.simulator.tariff import TariffUnknown
from openberth.simulator.town import LotTown, Town, Wiring, phone_source
from openberth.simulator.web import NoAnswer
from openberth.simulator.world import World

CARS_MAX = 1_000_000
FOREVER_US = 366 * 24 * HOUR_US
LOOK_AT_CLOCK_S = 2.0
FIRST_LOOKS = 5
GUARD_LOOKS_S = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate against which server; drain and settle are machine seconds."""

    url: str
    token: str
    sandpay_url: str
    barrier_port: int
    lots: tuple[Path, ...]
    tariffs: tuple[Path, ...]
    permits: tuple[Path, ...]
    seed: int
    load: float
    drain_s: float = 60.0
    settle_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of one lot in both books; amounts are minor units of ``currency``, counts have none."""

    lot: str
    what: str
    ours: int
    theirs: int
    currency: str | None = None

    @property
    def agrees(self) -> bool:
        """Tell whether both books say the same."""
        return self.ours == self.theirs


@dataclass(frozen=True, slots=True)
class Balance:
    """What both books say at the end. ``differences`` also has those of single cars and of the payment channel."""

    seed: int
    cars: int
    lines: tuple[Line, ...]
    differences: tuple[str, ...]
    troubles: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Tell whether every car and every fen is accounted for on both sides."""
        return not self.differences and all(line.agrees for line in self.lines)


class TownThread:
    """A town that lives beside the terminal view. ``counters`` may be read at any time."""

    def __init__(self, plan: Plan) -> None:
        self.counters = Counters()
        self._plan = plan
        self._result: Future[Balance] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._wanted_closed = threading.Event()
        self._task: asyncio.Task[Balance] | None = None
        self._thread = threading.Thread(target=self._live, name="town", daemon=True)

    def start(self) -> None:
        """Let the town live."""
        self._thread.start()

    def close_doors(self) -> None:
        """Let no more cars come; the town ends by itself when those under way have finished."""
        self._wanted_closed.set()
        if self._loop is not None and self._closing is not None:
            with suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._closing.set)

    def abandon(self, within_s: float) -> None:
        """End at once, without a balance."""
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(within_s)

    @property
    def is_closing(self) -> bool:
        """Tell whether the doors are closed to new cars."""
        return self._wanted_closed.is_set()

    @property
    def done(self) -> bool:
        """Tell whether the town has ended."""
        return self._result.done()

    def balance(self) -> Balance:
        """Return the balance of an ended town. Raises ``Refused("demo.town_failed")``."""
        try:
            return self._result.result(0)
        except (NoAnswer, Refusal, PlanError, TariffUnknown, OSError) as error:
            raise Refused("demo.town_failed", reason=str(error) or type(error).__name__) from error

    def _live(self) -> None:
        try:
            self._result.set_result(asyncio.run(self._main()))
        except BaseException as error:
            self._result.set_exception(error)

    async def _main(self) -> Balance:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(_but_cancelled)
        self._task = asyncio.create_task(_live_and_balance(self._plan, self.counters, self._closing))
        if self._wanted_closed.is_set():  # asked before there was a loop to ask
            self._closing.set()
        return await self._task


def _but_cancelled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Pass over futures that nobody waits for any more because the arrivals were stopped; report all else."""
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


async def _live_and_balance(plan: Plan, counters: Counters, closing: asyncio.Event) -> Balance:
    plans = read_plans(plan.lots, plan.tariffs, plan.permits)
    api = Operator(plan.url, plan.token)
    try:
        async with _followed_clock(api) as clock:
            books = Books()
            comparison = Comparison(books, plans, api, plan.sandpay_url, clock)
            opening = await comparison.opening()
            town = await _built(plan, plans, api, _world(plan, plans, clock, books, counters))
            try:
                await town.power_on()
                await _until(closing, town, opening.started_us + FOREVER_US, plan)
                await town.close_doors(plan.drain_s)
                differences = await comparison.differences(opening, plan.settle_s)
                lines = await _lines(books, plans, opening, api)
            finally:
                await town.power_off()
    finally:
        await api.close()
    troubles = tuple(f"{visit.name}: {'; '.join(visit.trouble)}" for visit in books.visits if visit.trouble)
    return Balance(plan.seed, len(books.visits), tuple(lines), tuple(differences), troubles)


async def _until(closing: asyncio.Event, town: Town, until_us: int, plan: Plan) -> None:
    """Let cars arrive until the doors close, or raise what broke in the town."""
    living = asyncio.create_task(town.open_doors(until_us, load=plan.load, cars=CARS_MAX, seed=str(plan.seed)))
    asked = asyncio.create_task(closing.wait())
    try:
        await asyncio.wait((living, asked), return_when=asyncio.FIRST_COMPLETED)
        if living.done():
            living.result()
    finally:
        for task in (living, asked):
            task.cancel()
        await asyncio.gather(living, asked, return_exceptions=True)


def _world(plan: Plan, plans: list[LotPlan], clock: BusinessClock, books: Books, counters: Counters) -> World:
    mint = PlateMint(Random(f"{plan.seed}:{clock.now_us()}"))
    for lot in plans:
        for permit in lot.permits:
            mint.reserve(permit.plate)

    def phone(number: int) -> Phone:
        return Phone(plan.url, source=phone_source(plan.url, number))

    return World(clock, books, counters, Faults(), mint, phone)


async def _built(plan: Plan, plans: list[LotPlan], api: Operator, world: World) -> Town:
    timing = BoomTiming.for_speed(float(world.clock.speed))
    wiring = Wiring(plan.url, plan.barrier_port, timing, Waits(), 0, GUARD_LOOKS_S)
    lots = [LotTown(lot, api, world, wiring, str(plan.seed)) for lot in plans]
    for lot in lots:
        await lot.build()
    return Town(lots, world)


@asynccontextmanager
async def _followed_clock(api: Operator) -> AsyncIterator[BusinessClock]:
    clock = BusinessClock()
    for _ in range(FIRST_LOOKS):
        await _look_at_clock(api, clock)

    async def keep_looking() -> None:
        while True:
            await asyncio.sleep(LOOK_AT_CLOCK_S)
            with suppress(NoAnswer, Refusal):
                await _look_at_clock(api, clock)

    following = asyncio.create_task(keep_looking())
    try:
        yield clock
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _look_at_clock(api: Operator, clock: BusinessClock) -> None:
    asked_ns = clock.machine_ns()
    view = await api.clock()
    clock.follow(instant_us(view.business_now), view.exact_speed, asked_ns, clock.machine_ns())


async def _lines(books: Books, plans: list[LotPlan], opening: Opening, api: Operator) -> list[Line]:
    lines: list[Line] = []
    for lot in plans:
        before, after = opening.lots[lot.code], await api.books(lot.code)
        visits = list(books.of_lot(lot))
        received = books.received(lot)
        lines += [
            Line(lot.code, "left", sum(visit.fate is Fate.LEFT for visit in visits),
                 after.stays_closed - before.stays_closed),
            Line(lot.code, "inside", sum(visit.fate is Fate.INSIDE for visit in visits),
                 after.stays_open - before.stays_open),
        ]  # fmt: skip
        for method in (SANDPAY, CASH):
            theirs = _received(after, method) - _received(before, method)
            lines.append(Line(lot.code, method, received.get(method, 0), theirs, lot.currency))
    return lines


def _received(view: BooksView, method: str) -> int:
    return view.received[method].minor if method in view.received else 0
