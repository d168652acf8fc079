"""Keeps a board up to date: the overview once a second, and what the event feed says has changed in between.

Everything survives a server that goes away: the board then says how old it is, and the feed goes on from its position.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from openberth.entrypoints.cli.client import Api
from openberth.entrypoints.cli.mistakes import lines_of
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.top.model import (
    CASE_EVENTS,
    MONEY_EVENTS,
    PASSAGE_EVENTS,
    Board,
    Overview,
    histogram_of,
    percentile_us,
)
from openberth.entrypoints.cli.top.reading import alarms_of, cases_of, overview_of, passages_of
from openberth.entrypoints.cli.top.takings import PAGE, Takings
from openberth.kernel.errors import Problem

OVERVIEW_EVERY_S = 1.0
DETAILS_EVERY_S = 0.5
EVERYTHING_EVERY_S = 15.0
FIGURES_EVERY_S = 5.0
FIGURES_WINDOW = 12  # looks: the percentile is that of the last minute
PASSAGES_ASKED = 40
CASES_ASKED = 50
AGAIN_FIRST_S, AGAIN_LAST_S = 0.5, 5.0
FRAME_MAX_BYTES = 8 * 1024 * 1024
ANSWERS = "openberth_camera_answer_seconds"


class Watcher:
    """Fills a board from one server."""

    def __init__(self, board: Board, api: Api, session: Session, *, token: str) -> None:
        self._board = board
        self._api = api
        self._session = session
        self._token = token
        # Lots whose details have changed, by id.
        self._passages: set[str] = set()
        self._cases: set[str] = set()
        self._money: set[str] = set()
        self._takings: dict[str, Takings] = {}
        self._figures: deque[dict[float, int]] = deque(maxlen=FIGURES_WINDOW)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for work in (self._overviews, self._feed, self._details, self._watch_figures):
                group.create_task(work())

    async def once(self) -> None:
        """Fill the board one time. Raises ``Problem``."""
        overview = await self._look()
        self._everything(overview)
        await self._catch_up(overview)
        await self._figure()
        await self._alarms()
        self._board.single = True

    async def _overviews(self) -> None:
        while True:
            began = time.monotonic()
            await self._quietly(self._look)
            await asyncio.sleep(max(0.1, OVERVIEW_EVERY_S - (time.monotonic() - began)))

    async def _details(self) -> None:
        everything_at = 0.0
        while True:
            overview = self._board.overview
            if overview is not None:
                if time.monotonic() >= everything_at:
                    self._everything(overview)
                    every_s = EVERYTHING_EVERY_S if self._board.feed_live else OVERVIEW_EVERY_S
                    everything_at = time.monotonic() + every_s
                await self._quietly(partial(self._catch_up, overview))
            await asyncio.sleep(DETAILS_EVERY_S)

    async def _watch_figures(self) -> None:
        while True:
            await self._quietly(self._figure)
            await self._quietly(self._alarms)
            await asyncio.sleep(FIGURES_EVERY_S)

    async def _quietly(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do something that may fail now and then; the board says why it has nothing new."""
        try:
            await work()
        except Problem as problem:
            self._board.trouble = lines_of(problem, self._session)[-1]

    async def _look(self) -> Overview:
        if self._board.overview is None:
            self._board.speed = int((await self._api.get("/v1/clock")).get("speed", 1))
        overview = overview_of(await self._api.get("/v1/overview"))
        self._board.take_overview(overview, time.monotonic())
        return overview

    def _everything(self, overview: Overview) -> None:
        ids = {lot.id for lot in overview.lots}
        for changed in (self._passages, self._cases, self._money):
            changed |= ids

    async def _catch_up(self, overview: Overview) -> None:
        """Ask for the details that have changed since the last time."""
        for lot in overview.lots:
            if lot.id in self._passages:
                self._passages.discard(lot.id)
                page = await self._api.get("/v1/passages", lot=lot.code, limit=str(PASSAGES_ASKED))
                self._board.take_passages(lot.code, passages_of(page))
            if lot.id in self._cases:
                self._cases.discard(lot.id)
                page = await self._api.get("/v1/exceptions", lot=lot.code, state="open", limit=str(CASES_ASKED))
                self._board.cases[lot.code] = cases_of(page)
            if lot.id in self._money:
                self._money.discard(lot.id)
                await self._count(lot.code, lot.zone, overview)

    async def _count(self, lot: str, zone: str, overview: Overview) -> None:
        async def receipts(cursor: str) -> Any:
            return await self._api.get("/v1/receipts", lot=lot, limit=str(PAGE), cursor=cursor)

        takings = self._takings.setdefault(lot, Takings(zone))
        sums = await takings.look(receipts, overview.now)
        if sums is None:
            self._board.takings.pop(lot, None)
        else:
            self._board.takings[lot] = sums

    async def _figure(self) -> None:
        buckets = dict(histogram_of(await self._api.text("/metrics"), ANSWERS))
        oldest = self._figures[0] if self._figures else {}
        self._figures.append(buckets)
        recent = [(bound, count - oldest.get(bound, 0)) for bound, count in buckets.items()]
        if any(count < 0 for _, count in recent):  # the server began anew
            self._figures.clear()
            recent = list(buckets.items())
        self._board.p99_us = percentile_us(recent, 99)

    async def _alarms(self) -> None:
        self._board.alarms = alarms_of(await self._api.get("/v1/alarms"))

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

    async def _frames(self) -> AsyncIterator[Mapping[str, Any]]:
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
            self._board.feed_began(time.monotonic())
            async for message in socket:
                yield json.loads(message)

    def _take(self, frame: Mapping[str, Any]) -> None:
        if frame.get("type") == "problem":
            raise ValueError("the server ends the feed")
        position = frame.get("position")
        if type(position) is not int:
            return
        events = frame.get("events", ())
        self._board.take_events(events, position, time.monotonic())
        for event in events:
            lot, kind = event.get("lot"), event.get("kind")
            if lot is None:
                continue
            for kinds, changed in (
                (PASSAGE_EVENTS, self._passages), (CASE_EVENTS, self._cases), (MONEY_EVENTS, self._money),
            ):  # fmt: skip
                if kind in kinds:
                    changed.add(lot)
