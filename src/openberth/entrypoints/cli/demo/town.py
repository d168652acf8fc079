"""The demo's town: the simulator in a thread with its own event loop, which can be asked to close its doors."""

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress

from openberth.kernel.errors import Refused
from openberth.simulator.api import Refusal
from openberth.simulator.counters import Counters
from openberth.simulator.plan import PlanError
from openberth.simulator.run import Report, TownConfig, run_town
from openberth.simulator.tariff import TariffUnknown
from openberth.simulator.web import NoAnswer


class TownThread:
    """A town that lives beside the terminal view. ``counters`` may be read at any time."""

    def __init__(self, config: TownConfig) -> None:
        self.counters = Counters()
        self._config = config
        self._result: Future[Report] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._wanted_closed = threading.Event()
        self._task: asyncio.Task[Report] | None = None
        self._thread = threading.Thread(target=self._live, name="town", daemon=True)

    def start(self) -> None:
        """Let the town live."""
        self._thread.start()

    def close_doors(self) -> None:
        """Let no more cars come; the town ends by itself when those under way have finished."""
        self._wanted_closed.set()
        if self._loop is not None and self._closing is not None:
            with suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._closing.set)

    def abandon(self, within_s: float) -> None:
        """End at once, without a report."""
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(within_s)

    @property
    def is_closing(self) -> bool:
        """Tell whether the doors are closed to new cars."""
        return self._wanted_closed.is_set()

    @property
    def done(self) -> bool:
        """Tell whether the town has ended."""
        return self._result.done()

    def report(self) -> Report:
        """Return the report of an ended town. Raises ``Refused("demo.town_failed")``."""
        try:
            return self._result.result(0)
        except (NoAnswer, Refusal, PlanError, TariffUnknown, OSError) as error:
            raise Refused("demo.town_failed", reason=str(error) or type(error).__name__) from error

    def _live(self) -> None:
        try:
            self._result.set_result(asyncio.run(self._main()))
        except BaseException as error:
            self._result.set_exception(error)

    async def _main(self) -> Report:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        self._task = asyncio.create_task(run_town(self._config, counters=self.counters, closing=self._closing))
        if self._wanted_closed.is_set():  # asked before there was a loop to ask
            self._closing.set()
        return await self._task
