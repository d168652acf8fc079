"""`make bench`: the promises, measured as ratios in one run. Prints Markdown for docs/benchmarks.md.

Method: a server process of its own on the loopback, a load process beside it, cameras on kept connections that push a
recognition with a 75 KB scene and a 3 KB crop evenly; CPU is user + system time of the server process from /proc. The
baseline is `tests/bench/baseline.py`: the same HTTP server, decoder, rows and group commit, without any decision.
"""

import argparse
import asyncio
import datetime
import os
import platform
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from sqlalchemy import create_engine, make_url, text

from tests.bench import crowd, door, finance, load, mqtt, notices, papers, quotes, screens, spaces
from tests.bench.load import cpu_seconds
from tests.e2e.house import ROOT, YAML, House, _answers, _end, _sent, _wait
from tests.ports import free_port

CAMERAS = 50
PICTURE_BYTES = 75_000
DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}


@dataclass(frozen=True)
class Row:
    name: str
    measured: load.Measured
    cpu_us: float

    def line(self) -> str:
        one = self.measured
        rate = one.sent / one.seconds
        return (
            f"| {self.name} | {rate:.0f}/s | {one.percentile(0.5):.1f} | {one.percentile(0.95):.1f} | "
            f"{one.percentile(0.99):.1f} | {max(one.latencies_ms):.0f} | {self.cpu_us:.0f} | {one.failed} |"
        )


class BenchHouse(House):
    """A server with one big lot of fifty entries whose cameras have relays."""

    paths: list[str]
    shows = False  # a display at every lane

    def furnish(self) -> None:
        lanes = "".join(
            f"  - {{code: in-{n}, name: {{zh: 入口, en: Entry}}, kind: entry, to: main}}\n" for n in range(CAMERAS)
        )
        devices = "".join(
            f"  - {{code: cam-{n}, kind: vzenith_http, lane: in-{n}, addresses: [127.0.0.0/8]}}\n"
            for n in range(CAMERAS)
        )
        lot = (
            "lot: openberth/1\ncode: big\ncompany: demo\nname: {zh: 大, en: Big}\nzone: Asia/Shanghai\ncurrency: CNY\n"
            f"capacity: 100000\ntariff: mall\nlanes:\n{lanes}devices:\n{devices}"
        )
        if self.shows:
            screens = "".join(f"  - {{lane: in-{n}, maker: kf}}\n" for n in range(CAMERAS))
            lot += f"displays:\n  screens:\n{screens}"
        with httpx2.Client(base_url=self.url, headers={"authorization": f"Bearer {self.token}"}, timeout=60) as api:
            _sent(api.put("/v1/tariffs/mall", content=(ROOT / "tariffs" / "mall.yaml").read_bytes(), headers=YAML))
            _sent(api.put("/v1/lots/big", content=lot.encode(), headers=YAML))
            self.paths = [
                _sent(api.post(f"/v1/lots/big/devices/cam-{n}/credentials")).json()["path"] for n in range(CAMERAS)
            ]
        time.sleep(1)


class ShowingHouse(BenchHouse):
    """The same with a display at every lane, told with the answers."""

    shows = True


def drive(name: str, port: int, paths: list[str], pid: int, *, per_second: int, seconds: float) -> Row:
    before = cpu_seconds(pid)
    measured = asyncio.run(
        load.run(
            "127.0.0.1", port, paths, per_second=per_second, seconds=seconds, picture_bytes=PICTURE_BYTES,
            seed=int(time.time() * 1000),
        )
    )  # fmt: skip
    return Row(name, measured, (cpu_seconds(pid) - before) / measured.sent * 1e6)


def lane(
    name: str, database: str | None, *, per_second: int, seconds: float, house_of: type[BenchHouse] = BenchHouse
) -> tuple[Row, Path]:
    folder = Path(tempfile.mkdtemp(prefix="openberth-bench-"))
    now = datetime.datetime.now(datetime.UTC).isoformat()
    with house_of(folder, speed=1, database=database, extra={"OPENBERTH_CLOCK__ANCHOR_BUSINESS": now}) as house:
        assert house.server is not None
        drive("warm-up", house.http_port, house.paths, house.server.pid, per_second=50, seconds=2)
        row = drive(name, house.http_port, house.paths, house.server.pid, per_second=per_second, seconds=seconds)
        return row, folder


def baseline(folder: Path, *, per_second: int, seconds: float) -> Row:
    port = free_port()
    command = [
        sys.executable, "-m", "tests.bench.baseline", "--port", str(port),
        "--database", str(folder / "data" / "openberth.db"), "--pictures", str(folder / "baseline-pictures"),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        _wait(lambda: _answers(f"http://127.0.0.1:{port}/health"), "baseline")
        paths = [f"/devices/vzenith/{secrets.token_hex(8)}" for _ in range(CAMERAS)]
        drive("warm-up", port, paths, process.pid, per_second=50, seconds=2)
        return drive("baseline (plain sqlite3)", port, paths, process.pid, per_second=per_second, seconds=seconds)
    finally:
        _end(process)


@contextmanager
def server_database(variable: str) -> Iterator[str | None]:
    """Make a database of our own on the server a variable names, and drop it afterwards."""
    address = os.environ.get(variable)
    if not address:
        yield None
        return
    url = make_url(address)
    name = f"openberth_bench_{secrets.token_hex(4)}"
    admin = create_engine(url.set(drivername=DRIVERS[url.get_backend_name()]), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        admin.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--server-rate", type=int, default=100)
    given = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"Machine: {machine}; {time.strftime('%Y-%m-%d')}\n")
    print("| camera event → answer | rate | p50 ms | p95 ms | p99 ms | max ms | server CPU µs/passage | failed |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    ours, folder = lane("OpenBerth, SQLite", None, per_second=given.rate, seconds=given.seconds)
    print(ours.line(), flush=True)
    plain = baseline(folder, per_second=given.rate, seconds=given.seconds)
    print(plain.line(), flush=True)
    again, _ = lane("OpenBerth, SQLite", None, per_second=given.server_rate, seconds=given.seconds)
    print(again.line(), flush=True)
    shown, _ = lane(
        "OpenBerth, SQLite, displays", None, per_second=given.server_rate, seconds=given.seconds, house_of=ShowingHouse
    )
    print(shown.line(), flush=True)
    for name, variable in (("PostgreSQL", "OPENBERTH_TEST_POSTGRES"), ("MariaDB", "OPENBERTH_TEST_MARIADB")):
        with server_database(variable) as url:
            if url is None:
                print(f"| {name} | skipped: {variable} is not set | | | | | | |")
                continue
            row, _ = lane(f"OpenBerth, {name}", url, per_second=given.server_rate, seconds=given.seconds)
            print(row.line(), flush=True)
    print(f"\nCPU per passage against the baseline: {ours.cpu_us / plain.cpu_us:.2f} × (goal ≤ 2 ×)")
    print(f"p99 at {given.rate}/s: {ours.measured.percentile(0.99):.1f} ms (goal ≤ 50 ms)")
    print(door.line())
    notices.report()
    quotes.report()
    papers.report()
    finance.report()
    mqtt.report()
    crowd.report()
    screens.report()
    print("measuring sensors of spaces …", file=sys.stderr)
    spaces.report()


if __name__ == "__main__":
    main()
