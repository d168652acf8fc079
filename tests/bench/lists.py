"""Lists over a million stays, in wall-clock time: every filter that is offered, alone and in pairs, both ways, at the
beginning, in the middle, and counted.

``python -m tests.bench.lists`` alone (some minutes, most of them for writing the history).
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from openberth.contexts.stays.store import listing as lanes
from openberth.infra import lists
from openberth.infra.clocks import Clocks, SystemClock
from openberth.infra.database import Database, Reader, open_database
from openberth.infra.database.migrating import migrate
from openberth.infra.keys import KeyRing
from openberth.infra.lists import Key, ListAsk, Stream, over
from openberth.infra.sealing import RingSealer
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant
from tests.service.history import BEGIN, STEP_US, Place, fill
from tests.service.stays.test_lists import EVERY_FILTER, chosen

GOAL_MS = 200
COMPANY = Id(int=0xC0)
LOTS = tuple(Id(int=0xA0 + number) for number in range(20))
PERSON = Caller(Actor(ActorKind.SYSTEM, "bench"), Scope(COMPANY))


def asks(count: int) -> Iterator[tuple[str, ListAsk]]:
    """Return what is asked of each list."""
    middle: Key = (Instant(BEGIN + count // 2 * STEP_US), LOTS[0])
    for newest in (True, False):
        yield "first page", ListAsk(50, newest)
        yield "page in the middle", ListAsk(50, newest, after=middle)
        yield "first page, counted", ListAsk(50, newest, counted=True)
        yield "page of 200 of one day", ListAsk(200, newest, middle[0], Instant(middle[0] + 1_440 * STEP_US))


def took_ms(database: Database, streams: Sequence[Stream[Any]], ask: ListAsk) -> float:
    """Return how long an answer takes, the better of two."""

    def once() -> float:
        begun = time.perf_counter()
        database.read_now(partial(_page, streams=streams, ask=ask), by=PERSON)
        return (time.perf_counter() - begun) * 1e3

    return min(once(), once())


def _page(reader: Reader, *, streams: Sequence[Stream[Any]], ask: ListAsk) -> None:
    lists.page(reader, streams, ask)


def streams_of(what: str, given: Mapping[str, Any], lots: Sequence[Id]) -> list[Stream[Any]]:
    """Return what a list walks."""
    streams = over(EVERY_FILTER[what][0], lots, **given)
    if what == "stays" and not given:  # with those inside, as the list has them
        streams += over(lanes.OPEN_STAYS, lots)
    return streams


def report(count: int = 1_000_000) -> None:
    """Print the rows for docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        migrate(url)
        clock = SystemClock()
        database = open_database(url, Clocks(clock, clock), RingSealer(KeyRing.fresh()), node="bench")
        try:
            # Half of everything is in one lot.
            fill(
                database, [Place(COMPANY, LOTS[0])] * (len(LOTS) - 1) + [Place(COMPANY, lot) for lot in LOTS[1:]], count
            )
            heading = f"{count:,} stays, {len(LOTS)} lots (goal < {GOAL_MS} ms)"
            print(f"\n| {heading} | questions | median ms | worst ms | the worst |")
            print("| --- | --- | --- | --- | --- |")
            for what, (_, filters) in EVERY_FILTER.items():
                for name, lots in (("one lot", LOTS[:1]), ("all lots", LOTS)):
                    took = sorted(
                        (took_ms(database, streams_of(what, given, lots), ask), f"{' + '.join(given)}: {how}")
                        for given in chosen(filters) for how, ask in asks(count)
                    )  # fmt: skip
                    middle, (worst, which) = took[len(took) // 2][0], took[-1]
                    print(f"| {what}, {name} | {len(took)} | {middle:.1f} | {worst:.0f} | {which} |", flush=True)
        finally:
            database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stays", type=int, default=1_000_000)
    report(parser.parse_args().stays)
