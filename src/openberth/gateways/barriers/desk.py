"""One barrier over all its connections: what became of its commands, and what the observer has still to be told.

Reports are told one at a time and in order; when too many wait, the barrier's connection stops reading until the
observer has caught up, so the queue stays short and nothing is thrown away.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from openberth.gateways.barriers.commands import BarrierCommand, CommandLedger
from openberth.kernel.ids import Id

_log = logging.getLogger(__name__)

_REPORTS_HIGH = 64
_REPORTS_LOW = 16
_REPORT_S = 30


class Link(Protocol):
    """The welcomed connection of a barrier, as its desk sees it."""

    @property
    def takes_commands(self) -> bool:
        """Tell whether a command written now has a chance to arrive."""
        ...

    def command(self, command: BarrierCommand) -> bool:
        """Write a command; False when it could not be written or its life is over."""
        ...

    def hold_for_observer(self, *, held: bool) -> None:
        """Stop or go on reading, because the observer is behind or has caught up."""
        ...

    def end(self, reason: str) -> None:
        """End the connection."""
        ...


class Desk:
    """One barrier over all its connections: its ledger, and the reports that wait for the observer."""

    def __init__(self, device_id: Id, count: Callable[[str], None]) -> None:
        self.device_id = device_id
        self.ledger = CommandLedger()
        self.connection: Link | None = None
        self._count = count
        self._reports: deque[Callable[[], Awaitable[None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def report(self, tell: Callable[[], Awaitable[None]]) -> None:
        """Queue a call of the observer."""
        self._reports.append(tell)
        if len(self._reports) >= _REPORTS_HIGH and self.connection is not None:
            self.connection.hold_for_observer(held=True)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._drain())

    async def drained(self) -> None:
        """Wait until the observer has been told everything."""
        if self._task is not None:
            await self._task

    async def _drain(self) -> None:
        while self._reports:
            tell = self._reports.popleft()
            try:
                async with asyncio.timeout(_REPORT_S):
                    await tell()
            except Exception:
                # The report is lost, the link lives on; durable rows end as uncertain by their own timers.
                self._count("observer_failed")
                _log.exception("barrier observer failed")
            if len(self._reports) <= _REPORTS_LOW and self.connection is not None:
                self.connection.hold_for_observer(held=False)
        self._task = None
