"""SIGKILL at random instants under load, restart, replay: shared by the test suite (short) and the soak (long)."""

import random
import threading
import time
from pathlib import Path

from openberth.simulator.counters import Counters
from openberth.simulator.faults import Faults
from openberth.simulator.run import Report
from tests.e2e.house import MORNING, House

# Kills on top of everything else that goes wrong with devices.
FAULTS = (
    "lost-ack=0.05",
    "duplicate=0.1",
    "misread=0.02",
    "unread=0.03",
    "retransmit-forever=0.5",
    "barrier-cut",
    "clock-skew",
    "offline=0.5",
)
DOWN_S = (0.2, 2.5)
KILLED_WHILE_STARTING = 0.3
KILLS_LEAST = 2  # however long a busy machine takes to start a server again


def live_through_kills(
    folder: Path,
    *,
    seed: int,
    minutes: float,
    every_s: tuple[float, float],
    speed: int = 300,
    load: float = 1.0,
    database: str | None = None,
) -> tuple[Report, int, str]:
    """Run a town and kill its server again and again; return the report, the number of kills and the server's log."""
    rng = random.Random(seed)
    counters = Counters()
    ended = threading.Event()
    kills = 0
    with House(folder, speed=speed, database=database, day_start=MORNING) as house:
        reports: list[Report] = []
        failures: list[BaseException] = []

        def town() -> None:
            try:
                config = house.town(minutes=minutes, seed=seed, load=load)
                reports.append(house.live(config, faults=Faults.parse(FAULTS), counters=counters))
            except BaseException as failure:
                failures.append(failure)
            finally:
                ended.set()

        thread = threading.Thread(target=town, name="town")
        thread.start()
        while not counters.arrived and not ended.wait(0.05):  # the town is built before it is tried
            continue
        until = time.monotonic() + minutes * 60
        while not ended.wait(rng.uniform(*every_s)) and (time.monotonic() < until or kills < KILLS_LEAST):
            house.kill()
            kills += 1
            time.sleep(rng.uniform(*DOWN_S))
            while rng.random() < KILLED_WHILE_STARTING:
                house.start(wait=False)
                time.sleep(rng.uniform(0.3, 2.0))
                house.kill()
                kills += 1
            house.start()
        thread.join(240)
        assert not thread.is_alive(), "the town did not come to an end"
        if failures:
            raise failures[0]
        return reports[0], kills, house.log()
