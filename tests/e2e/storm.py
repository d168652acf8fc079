"""A payments storm: many cars pay by two channels while everything that can go wrong with money does. One seed."""

import asyncio
import random
import resource
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.storm_books import Findings, compare, next_morning, quiet
from tests.e2e.storm_house import ALIPAY, KINDS, WECHATPAY, StormHouse
from tests.e2e.storm_lanes import Drivers

# What happens to notifications all the time.
TELLING: dict[str, dict[str, Any]] = {
    WECHATPAY: {"drop_percent": 8, "duplicate_percent": 12, "copies": 2, "delay_s": 2, "probe_percent": 4},
    ALIPAY: {"drop_percent": 8, "duplicate_percent": 12, "copies": 2, "delay_s": 2, "forge_percent": 4},
}
# What happens to one of a hundred requests or so, whatever it asks for; only in a long storm, for what is asked after
# an hour too late is waited for.
DICE: dict[str, dict[str, Any]] = {
    WECHATPAY: {
        "busy_percent": 1, "broken_percent": 1, "broken_after_percent": 1, "gateway_percent": 1, "hold_percent": 1,
        "hold_s": 1.0,
    },
    ALIPAY: {
        "limited_percent": 1, "unknown_percent": 1, "unknown_after_percent": 1, "gateway_percent": 1,
        "hold_percent": 1, "hold_s": 1.0,
    },
}  # fmt: skip
# Single blows: a name for the report, the channel, and what the control side is asked for.
BLOWS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("lost answer of an order", WECHATPAY, {"rules": [{"do": "bad_gateway", "path": "/v3/pay/transactions/native"}]}),
    ("lost answer of an order", ALIPAY, {"rules": [{"do": "bad_gateway", "method": "alipay.trade.precreate"}]}),
    ("429 to an order", WECHATPAY,
     {"rules": [{"do": "refuse", "reason": "TOO_OFTEN", "before": True, "path": "/v3/pay/transactions/native"}]}),
    ("limit to an order", ALIPAY,
     {"rules": [{"do": "refuse", "reason": "LIMITED", "before": True, "method": "alipay.trade.precreate"}]}),
    ("unsigned answer of an order", WECHATPAY,
     {"rules": [{"do": "no_signature", "path": "/v3/pay/transactions/native"}]}),
    ("wrongly signed answer of an order", ALIPAY,
     {"rules": [{"do": "wrong_signature", "method": "alipay.trade.precreate"}]}),
    ("lost answer of a refund", WECHATPAY, {"rules": [{"do": "bad_gateway", "path": "/v3/refund", "method": "POST"}]}),
    ("lost answer of a refund", ALIPAY, {"rules": [{"do": "bad_gateway", "method": "alipay.trade.refund"}]}),
    ("lost answer of a close", ALIPAY, {"rules": [{"do": "bad_gateway", "method": "alipay.trade.close"}]}),
    ("refund that the bank does not take", WECHATPAY, {"refunds": {"becomes": "ABNORMAL", "times": 1}}),
    ("refund that hangs", ALIPAY, {"refunds": {"becomes": "hangs", "times": 1}}),
    ("refund that fails", ALIPAY, {"refunds": {"becomes": "failed", "times": 1}}),
    ("notifications held back, then in any order", WECHATPAY, {"telling": {"hold": True}}),
    ("notifications held back, then in any order", ALIPAY, {"telling": {"hold": True}}),
)  # fmt: skip


START_S = 300.0  # a long storm runs beside other work


@dataclass(frozen=True)
class Size:
    """How much, how long, how bad."""

    cars: int
    exits: int
    kill_every_s: tuple[float, float]
    fell_every_s: tuple[float, float]  # a stand-in
    blow_every_s: tuple[float, float] = (0.15, 0.6)
    kills_most: int = 1_000_000
    dice: bool = True
    quiet_s: float = 240.0


SMALL = Size(40, 15, (1.0, 3.0), (1.5, 4.0), kills_most=1, dice=False, quiet_s=0)


def full(cars: int) -> Size:
    """Return a storm of so many cars."""
    return Size(cars, 48, (20.0, 90.0), (20.0, 90.0))


@dataclass
class Report:
    """What a storm was, and what does not agree after it (nothing, or it is a defect)."""

    seed: int
    cars: int = 0
    payments: int = 0
    by_hand: int = 0
    seconds: float = 0
    cpu_s: float = 0
    happened: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=Findings)

    def lines(self) -> list[str]:
        """Return the report for people."""
        told = [f"{name} {count}" for name, count in sorted(self.happened.items()) if count]
        counts = f"{self.cars} cars, {self.payments} payments, {self.findings.refunds} refunds"
        took = f"{self.by_hand} gates opened by hand, {self.seconds:.0f} s, {self.cpu_s:.0f} s of CPU"
        return [
            f"seed {self.seed}: {counts}, {took}",
            "  " + ", ".join(told),
            *(f"  NOT IN ORDER: {wrong}" for wrong in self.findings.wrongs[:40]),
        ]


class Weather:
    """What goes wrong, and when: everything thrown from one seed."""

    def __init__(self, house: StormHouse, size: Size, seed: int) -> None:
        self._house, self._size = house, size
        self._rng = random.Random(f"{seed}:weather")
        self.happened: Counter[str] = Counter()
        self._kill_at = self._fell_at = self._blow_at = 0.0

    def rage(self, until: threading.Event) -> None:
        """Make it go wrong until all cars have left."""
        for kind in KINDS:
            self._set(kind)
        self._plan(time.monotonic())
        while not until.wait(0.05):
            now = time.monotonic()
            if now >= self._kill_at and self.happened["server killed"] < self._size.kills_most:
                self._kill_server()
            elif now >= self._fell_at and self.happened["stand-in killed"] < self._size.kills_most:
                self._fell(self._rng.choice(KINDS))
            elif now >= self._blow_at:
                self._blow()

    def calm(self) -> None:
        """Let nothing go wrong any more, and everything be told that was held back."""
        for kind in KINDS:
            self._control(kind, "faults", reset=True)
            self._release(kind)

    def _set(self, kind: str) -> None:
        wanted = {"telling": TELLING[kind]} | ({"dice": DICE[kind]} if self._size.dice else {})
        self._control(kind, "faults", seed=self._rng.randrange(1 << 30), **wanted)

    def _kill_server(self) -> None:
        self._house.kill()
        self.happened["server killed"] += 1
        time.sleep(self._rng.uniform(0.0, 1.0))
        while self._size.dice and self._rng.random() < 0.2:
            self._house.start(wait=False)
            time.sleep(self._rng.uniform(0.3, 3.0))
            self._house.kill()
            self.happened["server killed while starting"] += 1
        self._house.start()
        self._plan(time.monotonic())

    def _fell(self, kind: str) -> None:
        self._house.stand_ins[kind].kill()
        self.happened["stand-in killed"] += 1
        time.sleep(self._rng.uniform(0.0, 0.5))
        self._house.begin(kind)
        self._set(kind)
        self._fell_at = time.monotonic() + self._rng.uniform(*self._size.fell_every_s)

    def _blow(self) -> None:
        name, kind, wanted = self._rng.choice(BLOWS)
        self.happened[name] += 1
        if "telling" in wanted:
            self._control(kind, "faults", telling=TELLING[kind] | wanted["telling"])
            time.sleep(self._rng.uniform(0.1, 0.5))
            self._control(kind, "faults", telling=TELLING[kind])
            self._release(kind)
        else:
            self._control(kind, "faults", **wanted)
        self._blow_at = time.monotonic() + self._rng.uniform(*self._size.blow_every_s)

    def _release(self, kind: str) -> None:
        self._control(kind, f"{'callbacks' if kind == WECHATPAY else 'notifications'}/release", order="random")

    def _control(self, kind: str, where: str, **wanted: Any) -> None:
        self._house.stand_ins[kind].control(where, **wanted)

    def _plan(self, now: float) -> None:
        self._kill_at = now + self._rng.uniform(*self._size.kill_every_s)
        self._fell_at = max(self._fell_at, now + self._rng.uniform(*self._size.fell_every_s))
        self._blow_at = now + self._rng.uniform(*self._size.blow_every_s)


def brave(folder: Path, *, seed: int, size: Size, database: str | None = None) -> Report:
    """Live through a storm and its next morning; return what is not in order."""
    begun, cpu = time.monotonic(), _cpu_s()
    report = Report(seed)
    with StormHouse(folder, database=database, exits=size.exits, start_s=START_S) as house:
        drivers, weather = Drivers(house, seed=seed, cars=size.cars), Weather(house, size, seed)
        _let_rage(drivers, weather)
        weather.calm()
        quiet(house, within_s=size.quiet_s)
        house.stop()
        differences = next_morning(house, drivers.ledger)
        books = house.close_books()
        report.findings = compare(house, drivers.ledger, books)
        report.findings.wrongs += drivers.wrongs + differences + drivers.ledger.troubles
    report.cars, report.payments, report.by_hand = (
        drivers.ledger.cars, drivers.ledger.payments, drivers.ledger.by_hand,
    )  # fmt: skip
    report.happened = weather.happened + drivers.ledger.deeds
    for book in books.values():
        report.happened += Counter(book.told)
    report.seconds, report.cpu_s = time.monotonic() - begun, _cpu_s() - cpu
    return report


def _let_rage(drivers: Drivers, weather: Weather) -> None:
    ended = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(drivers.drive())
        except BaseException as failure:
            failures.append(failure)
        finally:
            ended.set()

    thread = threading.Thread(target=work, name="drivers", daemon=True)  # nobody waits for them where weather broke
    thread.start()
    weather.rage(ended)
    thread.join()
    if failures:
        raise failures[0]


def _cpu_s() -> float:
    """Return the CPU time of this process and of all its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
