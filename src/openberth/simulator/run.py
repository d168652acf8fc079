"""Run a town against a server: open it, let it live, close it, compare the books."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from openberth.simulator.api import Operator, Phone, Refusal
from openberth.simulator.balance import Line, side_by_side
from openberth.simulator.books import Books, Fate
from openberth.simulator.boom import BoomTiming
from openberth.simulator.clock import HOUR_US, BusinessClock, instant_us
from openberth.simulator.comparison import Comparison
from openberth.simulator.counters import Counters
from openberth.simulator.faults import Faults
from openberth.simulator.lot_town import LotTown, Wiring
from openberth.simulator.paying import Purse
from openberth.simulator.plan import LotPlan, read_plans
from openberth.simulator.plates import PlateMint
from openberth.simulator.site import Waits
from openberth.simulator.town import Town, phone_source
from openberth.simulator.web import NoAnswer
from openberth.simulator.world import World

_LOOK_AT_CLOCK_S = 2.0
_FIRST_LOOKS = 5
_FOREVER_US = 366 * 24 * HOUR_US


@dataclass(frozen=True, slots=True)
class TownConfig:
    """What to simulate against which server.

    ``hours`` are business hours; ``minutes`` machine minutes, if given; without both, cars come until the closing.

    ``load`` multiplies the arrivals of the lot files. ``cars`` bounds their number. Without ``timing`` booms are as
    fast as the server's clock asks for. ``drain_s`` and ``settle_s`` are machine seconds: for drivers and cameras to
    finish after the last arrival, and for the books to agree then. ``accounts`` is how many cars of each lot have a
    prepaid account; with ``float_minor`` guards work in shifts that begin with so much change.
    """

    url: str
    token: str
    lots: tuple[Path, ...]
    tariffs: tuple[Path, ...]
    permits: tuple[Path, ...] = ()
    sandpay_url: str | None = None
    wechatpay_url: str | None = None
    alipay_url: str | None = None
    barrier_port: int = 8421
    sensor_port: int = 8423
    accounts: int = 0
    float_minor: int | None = None
    hours: float | None = 24.0
    minutes: float | None = None
    load: float = 1.0
    seed: int = 1
    cars: int = 100_000
    timing: BoomTiming | None = None
    waits: Waits = field(default_factory=Waits)
    picture_bytes: int = 0
    draws: bool = False  # pictures as a person would see them, for demos
    guard_poll_s: float = 1.0
    drain_s: float = 90.0
    settle_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a run was and whether the books agree. ``received`` are minor units by lot and method, by our books.

    ``lines`` are both books side by side; ``differences`` also those of single cars and of the payment channel.
    """

    seed: int
    faults: str
    cars: int
    left: int
    inside: int
    received: dict[str, dict[str, int]]
    lines: list[Line]
    differences: list[str]
    troubles: list[str]
    counters: dict[str, Any]

    @property
    def balanced(self) -> bool:
        """Whether every car and every fen is accounted for."""
        return not self.differences and all(line.agrees for line in self.lines)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {"balanced": self.balanced, **asdict(self)}


async def run_town(
    config: TownConfig,
    *,
    counters: Counters | None = None,
    faults: Faults | None = None,
    closing: asyncio.Event | None = None,
) -> Report:
    """Run a whole simulation and return its report; ``counters`` may be watched and ``faults`` changed meanwhile.

    When ``closing`` is set no more cars come, those under way finish, and the books are compared as they are.
    Raises ``NoAnswer`` or ``Refusal`` when the server cannot be used at the start, ``PlanError`` or ``TariffUnknown``
    for files that cannot be simulated. A server that goes away later is waited for with bounded patience.
    """
    counters, faults = counters or Counters(), faults or Faults()
    plans = read_plans(config.lots, config.tariffs, config.permits)
    api = Operator(config.url, config.token)
    try:
        async with _followed_clock(api) as clock:
            world = _world(config, plans, clock, counters, faults)
            comparison = Comparison(world.books, plans, api, world.purse, clock)
            opening = await comparison.opening()
            town = await _built(config, plans, api, world)
            try:
                await town.power_on()
                until_us = opening.started_us + _span_us(config, clock)
                await town.open_doors(
                    until_us, load=config.load, cars=config.cars, seed=str(config.seed), closing=closing
                )
                await town.close_doors(config.drain_s)
                differences = await town.hand_over()
                handed = {lot.plan.code: lot.till.handed for lot in town.lots}
                differences += await comparison.differences(opening, config.settle_s)
                lines = await side_by_side(world.books, plans, opening, api, handed)
            finally:
                await town.power_off()
    finally:
        await api.close()
    return _report(config, plans, world, lines, differences)


def _span_us(config: TownConfig, clock: BusinessClock) -> int:
    if config.minutes is not None:
        return int(config.minutes * 60 * 1_000_000 * clock.speed)
    return _FOREVER_US if config.hours is None else int(config.hours * HOUR_US)


def _world(config: TownConfig, plans: list[LotPlan], clock: BusinessClock, counters: Counters, faults: Faults) -> World:
    # Plates differ from run to run even with one seed: cars of an earlier run may still be inside.
    mint = PlateMint(Random(f"{config.seed}:{clock.now_us()}"))
    for plan in plans:
        for permit in plan.permits:
            mint.reserve(permit.plate)

    def phone(number: int) -> Phone:
        return Phone(config.url, source=phone_source(config.url, number))

    purse = Purse(sandpay=config.sandpay_url, wechatpay=config.wechatpay_url, alipay=config.alipay_url)
    return World(clock, Books(), counters, faults, mint, phone, purse)


async def _built(config: TownConfig, plans: list[LotPlan], api: Operator, world: World) -> Town:
    timing = config.timing or BoomTiming.for_speed(float(world.clock.speed))
    wiring = Wiring(config.url, config.barrier_port, config.sensor_port, timing,
                    config.waits, config.picture_bytes, config.draws,
                    config.guard_poll_s, config.float_minor, config.accounts)  # fmt: skip
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
    config: TownConfig, plans: list[LotPlan], world: World, lines: list[Line], differences: list[str]
) -> Report:
    visits = world.books.visits
    return Report(
        seed=config.seed,
        faults=str(world.faults),
        cars=len(visits),
        left=sum(visit.fate is Fate.LEFT for visit in visits),
        inside=sum(visit.fate is Fate.INSIDE for visit in visits),
        received={plan.code: world.books.received(plan) for plan in plans},
        lines=lines,
        differences=differences,
        troubles=[f"{visit.name}: {'; '.join(visit.trouble)}" for visit in visits if visit.trouble],
        counters=world.counters.snapshot(),
    )
