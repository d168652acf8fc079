"""Keeps a board up to date: the overview once a second, the event feed for what happens in between, figures now and then.

Everything survives a server that goes away: the board then says how old it is, and the feed goes on from its position.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from openberth.entrypoints.cli.client import Api
from openberth.entrypoints.cli.mistakes import lines_of
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.top.model import Board, histogram_of, percentile_us
from openberth.entrypoints.cli.top.reading import overview_of, passages_of
from openberth.kernel.errors import Problem

OVERVIEW_EVERY_S = 1.0
PASSAGES_EVERY_S = 0.5
PASSAGES_QUIET_S = 5.0
FIGURES_EVERY_S = 5.0
FIGURES_WINDOW = 12  # looks: the percentile is that of the last minute
PASSAGES_ASKED = 40
AGAIN_FIRST_S, AGAIN_LAST_S = 0.5, 5.0
FRAME_MAX_BYTES = 8 * 1024 * 1024
SECONDS = "openberth_http_seconds"
CAMERAS = 'route="/devices/'


class Watcher:
    """Fills a board from one server."""

    def __init__(self, board: Board, api: Api, session: Session, *, token: str) -> None:
        self._board = board
        self._api = api
        self._session = session
        self._token = token
        self._happened = asyncio.Event()
        self._figures: deque[dict[float, int]] = deque(maxlen=FIGURES_WINDOW)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for work in (self._overviews, self._feed, self._passages, self._watch_figures):
                group.create_task(work())

    async def once(self) -> None:
        """Fill the board one time. Raises ``Problem``."""
        await self._look()
        await self._list()
        await self._figure()
        self._board.feed_live = True  # one frame has nothing to follow

    async def _overviews(self) -> None:
        while True:
            began = time.monotonic()
            await self._quietly(self._look)
            await asyncio.sleep(max(0.1, OVERVIEW_EVERY_S - (time.monotonic() - began)))

    async def _passages(self) -> None:
        while True:
            await self._quietly(self._list)
            await asyncio.sleep(PASSAGES_EVERY_S)
            self._happened.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(PASSAGES_QUIET_S if self._board.feed_live else OVERVIEW_EVERY_S):
                    await self._happened.wait()

    async def _watch_figures(self) -> None:
        while True:
            await self._quietly(self._figure)
            await asyncio.sleep(FIGURES_EVERY_S)

    async def _quietly(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something that may fail now and then; the board says why it has nothing new."""
        try:
            await work()
        except Problem as problem:
            self._board.trouble = lines_of(problem, self._session)[-1]

    async def _look(self) -> None:
        self._board.take_overview(overview_of(await self._api.get("/v1/overview")), time.monotonic())

    async def _list(self) -> None:
        page = await self._api.get("/v1/passages", limit=str(PASSAGES_ASKED))
        self._board.take_passages(passages_of(page, self._board.overview))

    async def _figure(self) -> None:
        buckets = dict(histogram_of(await self._api.text("/metrics"), SECONDS, CAMERAS))
        oldest = self._figures[0] if self._figures else {}
        self._figures.append(buckets)
        recent = [(bound, count - oldest.get(bound, 0)) for bound, count in buckets.items()]
        if any(count < 0 for _, count in recent):  # the server began anew
            self._figures.clear()
            recent = list(buckets.items())
        self._board.p99_us = percentile_us(recent, 99)

    async def _feed(self) -> None:
        pause_s = AGAIN_FIRST_S
        while True:
            try:
                async for frame in self._frames():
                    pause_s = AGAIN_FIRST_S
                    self._take(frame)
            except (OSError, TimeoutError, ValueError, WebSocketException):
                pass
            self._board.feed_live = False
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, AGAIN_LAST_S)

    async def _frames(self) -> Any:
        after = "" if self._board.position is None else f"?after={self._board.position}"
        address = "ws" + self._api.where.removeprefix("http") + f"/v1/feed{after}"
        async with connect(
            address,
            additional_headers={"Authorization": f"Bearer {self._token}"},
            proxy=None,
            open_timeout=5,
            close_timeout=1,
            max_size=FRAME_MAX_BYTES,
        ) as socket:
            self._board.feed_live = True
            async for message in socket:
                yield json.loads(message)

    def _take(self, frame: Mapping[str, Any]) -> None:
        if frame.get("type") == "problem":
            raise ValueError("the server ends the feed")
        position = frame.get("position")
        if type(position) is int:
            seen = self._board.take_events(frame.get("events", ()), position, time.monotonic())
            if seen:
                self._happened.set()
