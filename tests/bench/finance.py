"""Finance over three years of rollups, in CPU time, beside ten times as many receipts: the answer must cost the same.

``python -m tests.bench.finance`` alone, or as a part of ``make bench``.
"""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from openberth.contexts import insight
from openberth.contexts.insight.model.finance import Dimension, Question
from openberth.contexts.insight.service import feeding
from openberth.contexts.insight.store import rows as store
from openberth.contexts.payments.model import ReceiptRecorded
from openberth.infra.clocks import Clocks, SystemClock
from openberth.infra.database import Database, Unit, open_database
from openberth.infra.database.migrating import migrate
from openberth.infra.keys import KeyRing
from openberth.infra.sealing import RingSealer
from openberth.kernel.authority import Actor, ActorKind, system
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import instant_of

GOAL_MS = 200
LOTS = 6
FIRST, DAYS = date(2024, 1, 1), 1_096
METHODS = ("cash", "wechatpay", "alipay")
TARIFF = str(Id(int=0x7A))
BY = system("bench")
TIMES = 40
CHANNEL = Actor(ActorKind.CHANNEL, "bench")


def _receipts(lot: Id, day: date, a_day: int) -> Iterator[Envelope]:
    at = instant_of(datetime(day.year, day.month, day.day, 4, tzinfo=UTC))
    for method in METHODS:
        for number in range(a_day):
            body = {
                "receipt": str(lot), "bill": str(lot), "attempt": None, "method": method, "amount_minor": 500 + number,
                "surplus_minor": 0, "currency": "CNY", "account": None, "tariff_version": TARIFF,
                "subject_kind": "stay",
            }  # fmt: skip
            yield Envelope(
                lot, 1, ReceiptRecorded.KIND, ReceiptRecorded.VERSION, lot, lot, lot, "bench", 1, CHANNEL, None, at, at,
                body,
            )  # fmt: skip


def _fill(database: Database, a_day: int) -> None:
    for number in range(LOTS):
        lot = Id(int=0x1000 + number)

        def fill(unit: Unit, lot: Id = lot) -> None:
            unit.run(
                store.INSERT_LOT, lot_id=lot, since=0, company_id=lot, code=f"lot-{lot.int}", zone="Asia/Shanghai"
            )  # fmt: skip
            days = [FIRST + timedelta(days=offset) for offset in range(DAYS)]
            feeding.add(unit, generation=1, envelopes=(one for day in days for one in _receipts(lot, day, a_day)))

        database.write_now(fill, by=BY)


def _cpu_ms(database: Database, question: Question) -> float:
    ask = partial(insight.finance, question=question)
    database.read_now(ask, by=BY)
    begun = time.process_time()
    for _ in range(TIMES):
        database.read_now(ask, by=BY)
    return (time.process_time() - begun) / TIMES * 1e3


def measure(a_day: int) -> dict[str, float]:
    """Return CPU milliseconds of an answer by what is asked, with so many receipts a day, lot and method."""
    last = FIRST + timedelta(days=DAYS - 1)
    questions = {
        "by lot and method": Question(first=FIRST, last=last, by=(Dimension.LOT, Dimension.METHOD)),
        "by month, from the second day on": Question(
            first=FIRST + timedelta(days=1), last=last - timedelta(days=1), by=(Dimension.MONTH,)
        ),
        "by day": Question(first=FIRST, last=last, by=(Dimension.DAY,)),
    }
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        migrate(url)
        clock = SystemClock()
        database = open_database(url, Clocks(clock, clock), RingSealer(KeyRing.fresh()), node="bench")
        try:
            _fill(database, a_day)
            return {name: _cpu_ms(database, question) for name, question in questions.items()}
        finally:
            database.close()


def report() -> None:
    """Print the rows for docs/benchmarks.md."""
    few, many = measure(1), measure(10)
    receipts = LOTS * DAYS * len(METHODS)
    print(f"\n| finance over 3 years, {LOTS} lots | {receipts:,} receipts, CPU | {receipts * 10:,}, CPU | ratio |")
    print("| --- | --- | --- | --- |")
    for name, once in few.items():
        print(f"| {name} (goal < {GOAL_MS} ms) | {once:.1f} ms | {many[name]:.1f} ms | {many[name] / once:.2f} × |")


if __name__ == "__main__":
    report()
