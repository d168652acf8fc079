"""Work that is done again and again goes on after every failure."""

import asyncio
from itertools import count

import pytest
from structlog.testing import capture_logs

from openberth.infra.timers import every
from openberth.kernel.errors import Overloaded
from tests.waiting import PATIENCE_S


def told(*, waits: str | None) -> tuple[int, list[tuple[str, str]]]:
    """Return how often work was done of which the first two times fail, and what the log was told."""
    times = count(1)
    done = asyncio.Event()
    seen = 0

    async def work() -> None:
        nonlocal seen
        seen = next(times)
        if seen == 1:
            raise Overloaded("database.busy")
        if seen == 2:
            raise ValueError("a defect")
        done.set()

    async def run() -> None:
        running = asyncio.create_task(every(0, work, waits=waits, failed="work.failed"))
        await asyncio.wait_for(done.wait(), PATIENCE_S)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    with capture_logs() as logs:
        asyncio.run(run())
    return seen, [(each["log_level"], each["event"]) for each in logs]


def test_no_failure_ends_it_and_each_is_told() -> None:
    seen, logs = told(waits="work.waits")
    assert seen >= 3
    assert logs == [("warning", "work.waits"), ("error", "work.failed")]


def test_a_busy_database_may_be_nothing_to_tell() -> None:
    _, logs = told(waits=None)
    assert logs == [("error", "work.failed")]
