"""`make bench-history`: what a passage costs with millions of closed stays behind it, against a hundred thousand.

Two houses, one after the other, on SQLite: the history is written into the stopped server's own database, in the lot
that the cameras stand in, then the server starts and the same cars come. Ten million stays take about two hours to
write and 12 GB; ``--stays`` takes fewer.
"""

import argparse
import datetime
import sqlite3
import sys
import tempfile
from functools import partial
from pathlib import Path

from openberth.bootstrap import opened_database
from openberth.contexts import facility
from openberth.infra.clocks import system_clocks
from openberth.infra.settings import Settings
from openberth.kernel.authority import system
from tests.bench.__main__ import BenchHouse, Row, drive
from tests.service.history import Place, fill

FEW = 100_000
GOAL = 1.2


def behind(house: BenchHouse, stays: int) -> None:
    """Put a history behind the lot of a house, and nobody inside who would not be there without it."""
    data = house.folder / "data"
    settings = Settings(data=data, keys=house.folder / "keys" / "keys.json", demo=True)
    house.stop()
    with opened_database(settings, system_clocks()) as database:
        lot = database.read_now(partial(facility.lot_named, name="big"), by=system("bench"))
        for first in range(0, stays, FEW):
            fill(database, [Place(lot.company, lot.id)], min(FEW, stays - first), first=first)
            print(f"{first + FEW:,} stays", file=sys.stderr, end="\r", flush=True)
    with sqlite3.connect(data / "openberth.db") as books:
        books.execute("DELETE FROM open_stay")
        books.execute("ANALYZE")
    books.close()
    house.start()


def with_history(stays: int, *, per_second: int, seconds: float) -> Row:
    """Return what passages cost behind so many closed stays."""
    now = datetime.datetime.now(datetime.UTC).isoformat()
    with tempfile.TemporaryDirectory(prefix="openberth-history-") as folder:
        extra = {"OPENBERTH_CLOCK__ANCHOR_BUSINESS": now}
        with BenchHouse(Path(folder), speed=1, extra=extra) as house:
            behind(house, stays)
            assert house.server is not None
            paths, pid = house.paths, house.server.pid
            drive("warm-up", house.http_port, paths, pid, per_second=50, seconds=4)
            return drive(f"{stays:,} closed stays", house.http_port, paths, pid, per_second=per_second, seconds=seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stays", type=int, default=10_000_000)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    print("| camera event → answer | rate | p50 ms | p95 ms | p99 ms | max ms | server CPU µs/passage | failed |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    few, many = (with_history(stays, per_second=given.rate, seconds=given.seconds) for stays in (FEW, given.stays))
    print(few.line(), many.line(), sep="\n")
    print(f"\nCPU of a passage with {given.stays:,} closed stays: {many.cpu_us / few.cpu_us:.2f} × (goal ≤ {GOAL} ×)")


if __name__ == "__main__":
    main()
