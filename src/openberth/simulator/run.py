"""Run a town against a server: open it, let it live, close it, compare the books."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from openberth.simulator.api import Operator, Phone, Refusal
from openberth.simulator.books import Books, Fate
from openberth.simulator.boom import BoomTiming
from openberth.simulator.clock import HOUR_US, BusinessClock, instant_us
from openberth.simulator.comparison import Comparison
from openberth.simulator.counters import Counters
from openberth.simulator.faults import Faults
from openberth.simulator.plan import LotPlan, read_plans
from openberth.simulator.plates import PlateMint
from openberth.simulator.site import Waits
from openberth.simulator.town import LotTown, Town, Wiring, phone_source
from openberth.simulator.web import NoAnswer
from openberth.simulator.world import World

_LOOK_AT_CLOCK_S = 2.0
_FIRST_LOOKS = 5


@dataclass(frozen=True, slots=True)
class TownConfig:
    """What to simulate against which server. ``hours`` are business hours; ``minutes`` machine minutes, if given.

    ``load`` multiplies the arrivals of the lot files. ``cars`` bounds their number. Without ``timing`` booms are as
    fast as the server's clock asks for. ``drain_s`` and ``settle_s`` are machine seconds: for drivers and cameras to
    finish after the last arrival, and for the books to agree then.
    """

    url: str
    token: str
    lots: tuple[Path, ...]
    tariffs: tuple[Path, ...]
    permits: tuple[Path, ...] = ()
    sandpay_url: str | None = None
    barrier_port: int = 8421
    hours: float = 24.0
    minutes: float | None = None
    load: float = 1.0
    seed: int = 1
    cars: int = 100_000
    timing: BoomTiming | None = None
    waits: Waits = field(default_factory=Waits)
    picture_bytes: int = 0
    guard_poll_s: float = 1.0
    drain_s: float = 90.0
    settle_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a run was and whether the books agree. ``received`` are minor units by lot and method, by our books."""

    seed: int
    faults: str
    cars: int
    left: int
    inside: int
    received: dict[str, dict[str, int]]
    differences: list[str]
    troubles: list[str]
    counters: dict[str, Any]

    @property
    def balanced(self) -> bool:
        """Whether every car and every fen is accounted for."""
        return not self.differences

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {"balanced": self.balanced, **asdict(self)}


async def run_town(config: TownConfig, *, counters: Counters | None = None, faults: Faults | None = None) -> Report:
    """Run a whole simulation and return its report; ``counters`` may be watched and ``faults`` changed meanwhile.

    Raises ``NoAnswer`` or ``Refusal`` when the server cannot be used at the start, ``PlanError`` or ``TariffUnknown``
    for files that cannot be simulated. A server that goes away later is waited for with bounded patience.
    """
    counters, faults = counters or Counters(), faults or Faults()
    plans = read_plans(config.lots, config.tariffs, config.permits)
    api = Operator(config.url, config.token)
    try:
        async with _followed_clock(api) as clock:
            world = _world(config, plans, clock, counters, faults)
            comparison = Comparison(world.books, plans, api, config.sandpay_url, clock)
            opening = await comparison.opening()
            town = await _built(config, plans, api, world)
            try:
                await town.power_on()
                span_us = int(config.hours * HOUR_US)
                if config.minutes is not None:
                    span_us = int(config.minutes * 60 * 1_000_000 * clock.speed)
                until_us = opening.started_us + span_us
                await town.open_doors(until_us, load=config.load, cars=config.cars, seed=str(config.seed))
                await town.close_doors(config.drain_s)
                differences = await comparison.differences(opening, config.settle_s)
            finally:
                await town.power_off()
    finally:
        await api.close()
    return _report(config, plans, world.books, counters, faults, differences)


def _world(config: TownConfig, plans: list[LotPlan], clock: BusinessClock, counters: Counters, faults: Faults) -> World:
    # Plates differ from run to run even with one seed: cars of an earlier run may still be inside.
    mint = PlateMint(Random(f"{config.seed}:{clock.now_us()}"))
    for plan in plans:
        for permit in plan.permits:
            mint.reserve(permit.plate)

    def phone(number: int) -> Phone:
        return Phone(config.url, source=phone_source(config.url, number))

    return World(clock, Books(), counters, faults, mint, phone)


async def _built(config: TownConfig, plans: list[LotPlan], api: Operator, world: World) -> Town:
    timing = config.timing or BoomTiming.for_speed(float(world.clock.speed))
    wiring = Wiring(config.url, config.barrier_port, timing, config.waits, config.picture_bytes, config.guard_poll_s)
    lots = [LotTown(plan, api, world, wiring, str(config.seed)) for plan in plans]
    for lot in lots:
        await lot.build()
    return Town(lots, world)


@asynccontextmanager
async def _followed_clock(api: Operator) -> AsyncIterator[BusinessClock]:
    """Give a clock that follows the server's for as long as it is used."""
    clock = BusinessClock()
    for _ in range(_FIRST_LOOKS):
        await _look_at_clock(api, clock)

    async def keep_looking() -> None:
        while True:
            await asyncio.sleep(_LOOK_AT_CLOCK_S)
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


def _report(
    config: TownConfig, plans: list[LotPlan], books: Books, counters: Counters, faults: Faults, differences: list[str]
) -> Report:
    return Report(
        seed=config.seed,
        faults=str(faults),
        cars=len(books.visits),
        left=sum(visit.fate is Fate.LEFT for visit in books.visits),
        inside=sum(visit.fate is Fate.INSIDE for visit in books.visits),
        received={plan.code: books.received(plan) for plan in plans},
        differences=differences,
        troubles=[f"{visit.name}: {'; '.join(visit.trouble)}" for visit in books.visits if visit.trouble],
        counters=counters.snapshot(),
    )
