"""Waiting for a wake-up call or the next poll, whichever comes first."""

import asyncio


async def woken(wake: asyncio.Event, *, within_s: float) -> None:
    """Wait until the event is set, at most so many seconds of machine time, and take the event down again."""
    try:
        # Not wait_for: that of Python 3.11 can lose a cancellation, and the task would never end.
        async with asyncio.timeout(within_s):
            await wake.wait()
    except TimeoutError:
        pass
    finally:
        wake.clear()
