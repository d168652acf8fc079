"""``openberth top``: what happens right now, in a terminal."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from openberth.entrypoints.cli.client import connected, find_server
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.top.frame import frame, natural_height
from openberth.entrypoints.cli.top.keys import leave_key
from openberth.entrypoints.cli.top.model import Board
from openberth.entrypoints.cli.top.watch import Watcher
from openberth.kernel.errors import Refused

REDRAW_S = 0.5


def top(context: typer.Context, once: Annotated[bool, typer.Option("--once", help="cli.option.once")] = False) -> None:
    """Show the live view."""
    session: Session = context.obj
    asyncio.run(_once(session) if once else _live(session))


async def _once(session: Session) -> None:
    async with connected(session) as api:
        board = Board(url=api.where)
        await Watcher(board, api, session, token="").once()
    console = session.out
    height = natural_height(board, width=console.width)
    picture = frame(board, session, width=console.width, height=height, now_s=time.monotonic())
    console.print(picture, height=height)


async def _live(session: Session) -> None:
    server = await find_server(session)
    if server is None:
        raise Refused("cli.no_server", data=str(session.settings().data))
    if not session.out.is_terminal:
        raise Refused("top.no_terminal")
    async with connected(session) as api:
        board = Board(url=api.where)
        watching = asyncio.create_task(Watcher(board, api, session, token=server[1]).run())
        try:
            with stop_signals() as stop, leave_key() as leave:
                await draw(board, session, until=lambda: stop.is_set() or leave.is_set())
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def draw(
    board: Board, session: Session, *, until: Callable[[], bool], extra: Callable[[], Sequence[Text]] = tuple
) -> None:
    """Draw frames in the terminal until told to stop; ``extra`` gives the lines above the last one."""
    console: Console = session.out

    def picture() -> object:
        width, height = console.size
        return frame(board, session, width=width, height=height, now_s=time.monotonic(), extra=extra())

    # Drawn by us, not by rich's thread: the board changes in this loop only.
    with Live(console=console, screen=True, auto_refresh=False, get_renderable=picture) as live:  # type: ignore[arg-type]
        while not until():
            live.refresh()
            await _pause(until)


async def _pause(until: Callable[[], bool]) -> None:
    for _ in range(10):
        if until():
            return
        await asyncio.sleep(REDRAW_S / 10)


class stop_signals:  # noqa: N801 - read as a statement: "with stop_signals() as stop"
    """Turns SIGINT and SIGTERM into an event for as long as it is open."""

    def __enter__(self) -> asyncio.Event:
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._stop.set)
        return self._stop

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError, RuntimeError):
                self._loop.remove_signal_handler(number)
