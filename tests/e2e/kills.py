"""SIGKILL at random instants under load, restart, replay: shared by the test suite (short) and the soak (long)."""

import asyncio
import io
import random
import threading
import time
from pathlib import Path

from openberth.simulator.counters import Counters
from openberth.simulator.faults import Faults
from openberth.simulator.run import Report, TownConfig, run_town
from tests.e2e.house import MORNING, House
from tests.waiting import PATIENCE_S

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
TOWN_ENDS_S = 240.0  # longer than cars, cameras and books are given to come to an end
KILLS_LEAST = 2  # however long a busy machine takes to start a server again


class Town(threading.Thread):
    """The town beside the one who kills its server. ``ended`` is set when it has come to an end."""

    def __init__(self, house: House, config: TownConfig, counters: Counters, ended: threading.Event) -> None:
        super().__init__(name="town", daemon=True)  # one that never ends does not keep the tests from ending
        self._house = house
        self._config = config
        self._counters = counters
        self._ended = ended
        self._loop: asyncio.AbstractEventLoop | None = None
        self._report: Report | None = None
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Let the town live."""
        try:
            self._report = asyncio.run(self._live())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ended.set()

    def report(self) -> Report:
        """Wait for its end and return its report; whatever kept it from that is raised, and said."""
        until = time.monotonic() + TOWN_ENDS_S
        while self.is_alive() and self._house.is_alive and time.monotonic() < until:
            self.join(1)
        if self._failure is not None:
            raise self._failure
        if self._report is None:
            alive = "is there" if self._house.is_alive else "has ended"
            raise AssertionError(
                f"the town did not come to an end; its server {alive}\n{self._where()}\n{self._house.log()[-3000:]}"
            )
        return self._report

    async def _live(self) -> Report:
        self._loop = asyncio.get_running_loop()
        return await run_town(self._config, faults=Faults.parse(FAULTS), counters=self._counters)

    def _where(self) -> str:
        """Tell what everybody in the town waits for."""
        told, lines = threading.Event(), io.StringIO()

        def tell() -> None:
            for task in asyncio.all_tasks():
                task.print_stack(limit=4, file=lines)
            told.set()

        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(tell)
        return lines.getvalue() if told.wait(PATIENCE_S) else "its loop does not turn"


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
        town = Town(house, house.town(minutes=minutes, seed=seed, load=load), counters, ended)
        town.start()
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
        return town.report(), kills, house.log()
