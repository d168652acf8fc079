"""What quotes cost, beside the reckoning minute by minute: CPU time, the least of several rounds (`make bench`)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tariffs.engine import quote, single
from openberth.contexts.tariffs.model import Band, Cap, CapKind, Free, FreeMode, Plan, Segment, Tariff, Terms, Tier
from openberth.kernel.money import Money, Rate
from openberth.kernel.time import DAY_US, SECOND_US, Instant, Period, later
from tests.property.tariffs.clock import walls
from tests.property.tariffs.reckoning import reckoned

ROUNDS = 7
ENTERED = Instant(1_790_000_000_000_000)
TARIFFS = Path(__file__).parents[2] / "tariffs"


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one quote and of one reckoning of the same stay."""

    name: str
    goal: str
    engine: float
    reckoning: float

    def line(self) -> str:
        return (
            f"| {self.name} | {self.engine * 1e6:.0f} µs = {1 / self.engine:,.0f} /s | {self.goal} | "
            f"{self.reckoning * 1e3:.1f} ms | {self.reckoning / self.engine:,.0f} × |"
        )


def busy_tariff() -> Tariff:
    """Four bands a day in steps of 15, 30 and 60 minutes, free minutes, and caps by day, window and week."""

    def tier(up_to: int | None, unit: int, price: str) -> Tier:
        return Tier(up_to, unit, Rate.of(price, "CNY"))

    bands = (
        Band("morning", (tier(60, 15, "2.50"), tier(None, 30, "4")), 420, 720),
        Band("noon", (tier(None, 30, "2.75"),), 720, 1020),
        Band("evening", (tier(60, 15, "1.50"), tier(None, 60, "3.10")), 1020, 1320),
        Band("night", (tier(None, 120, "1"),), 1320, 420),
    )
    caps = (
        Cap(CapKind.DAY, Money.of("60", "CNY")),
        Cap(CapKind.WINDOW, Money.of("3", "CNY"), bands=("night",)),
        Cap(CapKind.WEEK, Money.of("330", "CNY")),
    )
    return Tariff("busy", "demo", "忙", "Busy", "CNY", (Plan(bands, Free(15, FreeMode.DEDUCT), caps),))


def costs() -> Iterator[Cost]:
    """Measure a day with ``tariffs/mall.yaml`` and a month with bands and caps."""
    mall = read_tariff((TARIFFS / "mall.yaml").read_text("utf-8"), name="mall")
    yield _cost("one day, tariffs/mall.yaml", "≥ 20,000 /s", mall, DAY_US, 2_000)
    yield _cost("30 days, four bands a day and three caps", "< 1 ms", busy_tariff(), 30 * DAY_US, 100)


def _cost(name: str, goal: str, tariff: Tariff, lasted: int, count: int) -> Cost:
    terms = Terms("CNY")
    segments = (Segment(Period(ENTERED), tariff),)
    until = later(ENTERED, lasted)
    found = quote(segments, terms, now=until)
    assert found.total.minor == reckoned(segments, terms, until).total

    def quotes() -> None:
        for index in range(count):
            single(tariff, entered=ENTERED, until=later(until, index * SECOND_US))

    def reckonings() -> None:
        walls.cache_clear()
        reckoned(segments, terms, until)

    return Cost(name, goal, _least(quotes) / count, _least(reckonings))


def _least(work: Callable[[], None]) -> float:
    """CPU seconds of the fastest of several rounds: what other work on the machine adds is not the engine's."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        rounds.append(time.process_time() - begun)
    return min(rounds)


def report() -> None:
    """Print the table for docs/benchmarks.md."""
    print("| quote, with explanation and next change | engine, CPU | goal | minute by minute | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for cost in costs():
        print(cost.line(), flush=True)


if __name__ == "__main__":
    report()
