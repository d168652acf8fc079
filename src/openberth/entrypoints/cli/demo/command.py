"""``openberth demo``: three car parks, three payment channels and a town of drivers on this machine, in a terminal.

Everything is real but the cars: the server and the stand-ins for the channels are processes of their own that are
reached through their sockets only. At the end both sides' books are compared, and the status says whether they agree.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Coroutine
from functools import partial
from typing import Annotated, Any

import httpx2
import typer

from openberth.entrypoints.cli.client import connected, read_token
from openberth.entrypoints.cli.demo.children import READY_S, Children
from openberth.entrypoints.cli.demo.contracts import make_contracts
from openberth.entrypoints.cli.demo.people import make_people
from openberth.entrypoints.cli.demo.place import Place, opening_time, prepare
from openberth.entrypoints.cli.demo.show import lines, print_balance, print_ways, town_line
from openberth.entrypoints.cli.demo.town import TownThread
from openberth.entrypoints.cli.files import Examples, find_examples, read_text
from openberth.entrypoints.cli.lots import apply_lot
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tariffs import publish_tariff
from openberth.entrypoints.cli.top.command import draw, stop_signals
from openberth.entrypoints.cli.top.keys import leave_key
from openberth.entrypoints.cli.top.model import Board
from openberth.entrypoints.cli.top.watch import Watcher
from openberth.infra.clocks import SystemClock
from openberth.infra.place import TOKEN_FILE, place_of
from openberth.kernel.errors import Refused
from openberth.simulator import Report, TownConfig

SEED_MAX = 1 << 31
CARS_MAX = 1_000_000
ACCOUNTS = 6  # prepaid ones at each lot
FLOAT_MINOR = 20_000  # of every shift of a guard
ABANDON_S = 5.0
MISTAKEN = 1


def demo(
    context: typer.Context,
    minutes: Annotated[float | None, typer.Option(min=0.01, max=100_000, help="cli.option.minutes")] = None,
    speed: Annotated[int, typer.Option(min=1, max=3_600, help="cli.option.speed")] = 60,
    seed: Annotated[int | None, typer.Option(min=0, help="cli.option.seed")] = None,
    load: Annotated[float, typer.Option(min=0.01, max=100, help="cli.option.load")] = 1.0,
    keep: Annotated[bool, typer.Option("--keep", help="cli.option.keep")] = False,
) -> None:
    """Run the demo until it ends, and end with status 0 only when the books agree."""
    session: Session = context.obj
    examples = find_examples()
    chosen = random.randrange(SEED_MAX) if seed is None else seed
    place = prepare(SystemClock().now())
    _say_ports(place, session)
    agreed = False
    try:
        report = asyncio.run(_Demo(session, place, examples, speed, chosen, load).run(minutes))
        print_balance(report, session)
        agreed = report.balanced
    finally:
        if keep or not agreed:
            session.out.print(session.say("demo.kept", folder=str(place.folder)), soft_wrap=True)
        else:
            place.remove()
    raise typer.Exit(0 if agreed else MISTAKEN)


def _say_ports(place: Place, session: Session) -> None:
    for name in place.ports.moved:
        session.out.print(session.say("demo.port_moved", name=name, port=getattr(place.ports, name)))


class _Demo:
    """One run: processes up, files applied, town alive, doors closed, processes down."""

    def __init__(self, session: Session, place: Place, examples: Examples, speed: int, seed: int, load: float) -> None:
        self._session = Session(session.language, url=place.url, token_file=place.data / TOKEN_FILE, out=session.out)
        self._place = place
        self._examples = examples
        self._speed = speed
        self._seed = seed
        self._load = load
        self._children = Children(place.logs)

    async def run(self, minutes: float | None) -> Report:
        """Run everything and return its report. Nothing is left running, however it ends."""
        with stop_signals() as stop:
            try:
                await self._until(stop, self._start())
                town = self._town()
                town.start()
                try:
                    return await self._live(town, minutes, stop)
                finally:
                    if not town.done:
                        town.abandon(ABANDON_S)
            finally:
                # A second Ctrl-C must not leave anything behind.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                await asyncio.to_thread(self._children.stop)
                signal.signal(signal.SIGINT, signal.default_int_handler)

    async def _start(self) -> None:
        session, place, examples = self._session, self._place, self._examples
        _progress(session, "demo.starting", folder=place.folder)
        now = SystemClock().now()
        environment = place.environment(os.environ, speed=self._speed, language=session.language, now=now)
        self._children.start("sandpay", place.sandpay_arguments(), environment)
        self._children.start("wechatpay", place.wechatpay_arguments(), environment)
        self._children.start("alipay", place.alipay_arguments(), environment)
        self._children.start("sms", place.sms_arguments(), environment)
        await self._children.wait_for("sandpay", lambda: (place.sandpay_data / "sandpay.pub").exists())
        self._children.start("server", ["openberth", "serve"], environment)
        await self._children.wait_for("server", lambda: place_of(place.data) is not None)
        await self._answering()
        # What the merchant is handed is written by then, and whole.
        for name in ("wechatpay", "alipay", "sms"):
            await self._children.wait_for(name, partial(self._is_ready, name))
        async with connected(session) as api:
            for path in examples.tariffs:
                await publish_tariff(api, path.stem, read_text(path), name=str(path))
            for path in examples.lots:
                await apply_lot(api, path.stem, read_text(path), name=str(path))
            for path in examples.permits:
                lot = path.name.removesuffix(".permits.yaml")
                await api.put(f"/v1/lots/{lot}/permits", read_text(path), name=str(path))
            await make_contracts(api, place, [path.stem for path in examples.lots], session)
            manager = await make_people(api, examples.lots[0].stem, session)
            sign = (await api.get(f"/v1/lots/{examples.lots[-1].stem}"))["scan_code"]
        _progress(session, "demo.ready", url=place.url, speed=self._speed, seed=self._seed)
        print_ways(session, place, lot=examples.lots[-1].stem, sign=sign, today=opening_time(now), manager=manager)

    def _is_ready(self, name: str) -> bool:
        return f"{name} ready on" in self._children.said(name)

    async def _answering(self) -> None:
        give_up = time.monotonic() + READY_S
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as http:
            while True:
                self._children.check()
                try:
                    if (await http.get(f"{self._place.url}/health/ready")).status_code == 200:
                        return
                except httpx2.HTTPError:
                    pass
                if time.monotonic() > give_up:
                    log = str(self._children.log("server"))
                    raise Refused("demo.child_slow", name="server", seconds=int(READY_S), log=log)
                await asyncio.sleep(0.1)

    def _town(self) -> TownThread:
        return TownThread(
            TownConfig(
                url=self._place.url,
                token=read_token(self._place.data / TOKEN_FILE),
                sandpay_url=self._place.sandpay_url,
                wechatpay_url=self._place.wechatpay_url,
                alipay_url=self._place.alipay_url,
                barrier_port=self._place.ports.barrier,
                sensor_port=self._place.ports.sensor,
                lots=self._examples.lots,
                tariffs=self._examples.tariffs,
                permits=self._examples.permits,
                hours=None,
                load=self._load,
                seed=self._seed,
                cars=CARS_MAX,
                accounts=ACCOUNTS,
                float_minor=FLOAT_MINOR,
                draws=True,
                drain_s=60.0,
                settle_s=15.0,
            )
        )

    async def _live(self, town: TownThread, minutes: float | None, stop: asyncio.Event) -> Report:
        """Show what happens until the time is over or somebody has seen enough, then until the town has ended."""
        session = self._session
        ends_at = None if minutes is None else time.monotonic() + minutes * 60
        board = Board(url=self._place.url)
        token = read_token(self._place.data / TOKEN_FILE)
        async with connected(session) as api:
            watching = asyncio.create_task(Watcher(board, api, session, token=token).run())
            try:
                with leave_key() as leave:
                    closing = asyncio.create_task(self._close_when_due(town, ends_at, stop, leave))
                    try:
                        await self._show(board, town, closing)
                    finally:
                        closing.cancel()
                        await asyncio.gather(closing, return_exceptions=True)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
        self._children.check()
        return town.report()

    async def _show(self, board: Board, town: TownThread, closing: "asyncio.Task[None]") -> None:
        session = self._session

        def over() -> bool:
            return town.done or (closing.done() and closing.exception() is not None)

        if session.out.is_terminal:
            extra = lambda: [town_line(town.counters, session, closing=town.is_closing)]  # noqa: E731
            await draw(board, session, until=over, extra=extra)
        else:
            await lines(board, town.counters, session, until=over)
        if closing.done():
            closing.result()

    async def _close_when_due(
        self, town: TownThread, ends_at: float | None, stop: asyncio.Event, leave: asyncio.Event
    ) -> None:
        """Close the doors when it is time or somebody asks; asked once more, end at once."""
        while not stop.is_set() and not leave.is_set() and (ends_at is None or time.monotonic() < ends_at):
            self._children.check()
            await asyncio.sleep(0.05)
        asked = stop.is_set() or leave.is_set()
        stop.clear()
        leave.clear()
        town.close_doors()
        if not self._session.out.is_terminal:
            _progress(self._session, "demo.closing_asked" if asked else "demo.closing_time")
        while not town.done:
            self._children.check()
            if stop.is_set() or leave.is_set():
                raise Refused("demo.abandoned")
            await asyncio.sleep(0.05)

    async def _until(self, stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
        """Do work, but not longer than until somebody asks to stop."""
        working = asyncio.create_task(work)
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((working, asked), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
            else:
                raise Refused("demo.abandoned")
        finally:
            for task in (working, asked):
                task.cancel()
            await asyncio.gather(working, asked, return_exceptions=True)


def _progress(session: Session, code: str, **params: object) -> None:
    session.out.print(session.say(code, **params), soft_wrap=True, highlight=False)
    sys.stdout.flush()
