"""Work that is done again and again, and that no single failure ends."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from openberth.kernel.errors import Overloaded

log = structlog.get_logger()


async def every(seconds: float, work: Callable[[], Awaitable[object]], *, waits: str | None, failed: str) -> None:
    """Do something every so many seconds of machine time until cancelled, the first time after that long.

    A database that takes no more is told of in the log as ``waits`` (None: not at all), any other failure as
    ``failed`` with its trace; the next time comes all the same.
    """
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Overloaded as problem:
            if waits is not None:
                log.warning(waits, code=problem.code)
        except Exception:
            log.exception(failed)
