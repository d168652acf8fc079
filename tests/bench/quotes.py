"""How fast prices are worked out, beside the loop that goes minute by minute (`tests/property/tariffs/reckoning.py`).

One process, no server, nothing stored: CPU time of `quote` with its explanation and the next moment at which the price
changes. Every stay has another length, so nothing is priced twice; both reckonings have to agree, or the run fails.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tariffs.engine import single
from openberth.contexts.tariffs.model import Segment, Tariff, Terms
from openberth.kernel.time import DAY_US, MINUTE_US, Instant, Period
from tests.property.tariffs.reckoning import reckoned

TARIFFS = Path(__file__).resolve().parents[2] / "tariffs"
ENTERED = Instant(1_790_000_000_000_000)
ROUNDS = 3
# Two bands a day, tiers in one of them, a cap of each night and one of each 24 hours.
BANDS_AND_CAPS = """
tariff: openberth/1
code: bench
company: demo
name: {zh: 测试, en: Bench}
currency: CNY
bands:
  - code: day
    hours: "07:00-22:30"
    charge: {unit_minutes: 30, tiers: [{up_to_minutes: 120, price: "1.50"}, {price: "2.25"}]}
  - {code: night, hours: "22:30-07:00", charge: {unit_minutes: 60, price: "1.00"}, cap: "5.00"}
caps: [{kind: rolling_24h, amount: "60.00"}]
"""


@dataclass(frozen=True)
class Speed:
    """CPU seconds a price costs the engine and the loop."""

    name: str
    engine_s: float
    loop_s: float

    def line(self) -> str:
        return (
            f"| {self.name} | {1 / self.engine_s:,.0f}/s | {self.engine_s * 1e6:,.0f} µs | {self.loop_s * 1e6:,.0f} µs "
            f"| {self.loop_s / self.engine_s:,.0f} × |"
        )


def measured() -> tuple[Speed, Speed]:
    """Measure a day at the mall and a month with bands and caps."""
    mall = read_tariff((TARIFFS / "mall.yaml").read_text("utf-8"), name="mall.yaml")
    month = read_tariff(BANDS_AND_CAPS, name="bench.yaml")
    return (
        _speed("one day, `tariffs/mall.yaml`", mall, days=1, engine_count=10_000, loop_count=20),
        _speed("30 days, bands and caps", month, days=30, engine_count=500, loop_count=2),
    )


def _speed(name: str, tariff: Tariff, *, days: int, engine_count: int, loop_count: int) -> Speed:
    ends = [Instant(ENTERED + days * DAY_US + number * MINUTE_US) for number in range(engine_count)]
    segments, terms = (Segment(Period(ENTERED), tariff),), Terms(tariff.currency)
    for end in ends[:loop_count]:
        by_engine = single(tariff, entered=ENTERED, until=end).total.minor
        by_loop = reckoned(segments, terms, end).total
        if by_engine != by_loop:
            raise AssertionError(f"{name}: the engine says {by_engine}, the loop {by_loop} until {end}")
    engine = _best(lambda end: single(tariff, entered=ENTERED, until=end), ends)
    return Speed(name, engine, _best(lambda end: reckoned(segments, terms, end), ends[:loop_count]))


def _best(price: Callable[[Instant], object], ends: Sequence[Instant]) -> float:
    """Return CPU seconds a price: the best of a few rounds, as other work on the machine only ever adds."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for end in ends:
            price(end)
        rounds.append((time.process_time() - begun) / len(ends))
    return min(rounds)


def report() -> None:
    """Print the rows and what was promised."""
    day, month = measured()
    print("\n| price | engine | CPU a price | minute by minute | ratio |\n| --- | --- | --- | --- | --- |")
    print(f"{day.line()}\n{month.line()}\n")
    print(f"Quotes of a one-day stay with tariffs/mall.yaml: {1 / day.engine_s:,.0f} /s a core (goal ≥ 20 000)")
    print(f"A 30-day stay with bands and caps: {month.engine_s * 1e3:.2f} ms (goal < 1 ms)")


if __name__ == "__main__":
    report()
