"""How tests wait for what happens beside them: long, so that a busy machine turns no test red."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 30.0


def eventually(condition: Callable[..., Any], within_s: float = PATIENCE_S) -> bool:
    """Tell whether a condition comes true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def soon(condition: Callable[..., Any], within_s: float = PATIENCE_S) -> bool:
    """Tell whether a condition that has to be waited for itself comes true in time."""
    return await asyncio.to_thread(eventually, condition, within_s)


async def until(condition: Callable[..., Any], within_s: float = PATIENCE_S) -> None:
    """Wait on the event loop until a condition comes true; raises ``TimeoutError`` when it does not in time."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what tests look at rings no bell
            await asyncio.sleep(0.005)
