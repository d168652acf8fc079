"""Commands on their way to devices: waiting for one at a camera's heartbeat, handing them to a barrier's link, ending
those whose life is over.

A command is marked as sent before it is handed over, so it goes out at most once however the process ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from uuid import UUID

import structlog

from openberth.contexts.facility.model import Command, CommandIssued
from openberth.contexts.facility.service import commands as service
from openberth.infra.database import Database, Urgency
from openberth.infra.timers import every
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

SWEEP_S = 1.0
SWEEPS_MAX = 40  # units of one sweep: a thousand commands a second
RETRY_S = 0.25
WAITERS_MAX = 20_000
REMEMBERED_MAX = 10_000  # devices with something to do before what is over is thrown out

log = structlog.get_logger()

Callback = Callable[[Command], Awaitable[None]]


async def end_unfinished(database: Database) -> int:
    """End what an earlier process sent and never heard of as uncertain; returns how many.

    For the start of a process that is the only one (SQLite), before it sends anything itself.
    """
    by = system("commands.restart")
    ended = 0
    while some := await database.write(service.after_restart, by=by):
        ended += some
    return ended


class CommandSweeper:
    """Ends commands whose life is over, every second. Several processes may sweep."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("commands.sweeper")

    async def sweep(self) -> int:
        """End what is over now; returns how many."""
        ended = 0
        for _ in range(SWEEPS_MAX):
            some = await self._database.write(service.end_expired, by=self._by, urgency=Urgency.BACKGROUND)
            if not some:
                break
            ended += some
        return ended

    async def run(self) -> None:
        """Sweep until cancelled."""
        await every(SWEEP_S, self.sweep, waits="commands.sweep_waits", failed="commands.sweep_failed")


class CommandDispatcher:
    """Wakes whoever sends a device its commands; used on the event loop.

    Whether a device has something to do is known from the log, so waiting costs no statement.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("commands.dispatcher")
        self._waiting: dict[Id, Instant] = {}  # until when a device's last waiting command lives
        self._bells: dict[Id, set[asyncio.Future[None]]] = {}
        self._waiters = 0
        self._links: dict[Id, asyncio.Task[None]] = {}
        self._handing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Find out who has something to do already. The log must be watched before."""
        for device, expires_at in (await self._database.read(service.waiting_devices, by=self._by)).items():
            self._ring(device, expires_at)

    def watch(self, envelopes: Sequence[Envelope]) -> None:
        """Take note of new events."""
        for envelope in envelopes:
            if envelope.kind == CommandIssued.KIND and not envelope.body["sent"]:
                self._ring(UUID(envelope.body["device"]), Instant(envelope.body["expires_at"]))

    async def ready(self, device: Id, timeout_s: float) -> bool:
        """Wait until a device has something to do; False when the time is over. Changes nothing: it may be cancelled.

        Raises ``Overloaded`` when too many wait already.
        """
        if self._waiters >= WAITERS_MAX:
            raise Overloaded("queue.full", queue="commands")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        self._waiters += 1
        try:
            while not self._has_work(device):
                left_s = deadline - loop.time()
                if left_s <= 0:
                    return False
                await self._rung(device, left_s)
            return True
        finally:
            self._waiters -= 1

    async def take(self, device: Id, most: int = service.TAKEN_MAX) -> list[Command]:
        """Return commands of a device, marked as sent: the caller sends them now, or never."""
        return await self._take(device, most) if self._has_work(device) else []

    def on_command(self, device: Id, callback: Callback) -> Callable[[], None]:
        """Hand every command of a device to ``callback``, in order and one at a time, until the returned function is
        called.

        For devices that hold a connection: registered when it is welcomed, ended when it is gone. A command taken while
        it went is still handed over, so that the callback can say that nothing was sent.
        """
        task = asyncio.get_running_loop().create_task(self._serve(device, callback), name=f"commands.{device}")
        before, self._links[device] = self._links.get(device), task
        if before is not None:
            before.cancel()
        return partial(self._unlink, device, task)

    async def stop(self) -> None:
        """End all registrations and wait for what is being handed over."""
        links = list(self._links.values())
        self._links.clear()
        for task in links:
            task.cancel()
        await asyncio.gather(*links, *self._handing, return_exceptions=True)

    # inside

    async def _serve(self, device: Id, callback: Callback) -> None:
        while True:
            while not self._has_work(device):
                await self._rung(device, None)
            handing = asyncio.get_running_loop().create_task(self._hand_over(device, callback))
            self._handing.add(handing)
            handing.add_done_callback(self._handing.discard)
            await asyncio.shield(handing)

    async def _hand_over(self, device: Id, callback: Callback) -> None:
        try:
            commands = await self._take(device)
        except Exception as error:
            log.warning("commands.waiting", device=str(device), error=str(error))
            await asyncio.sleep(RETRY_S)
            return
        for command in commands:
            try:
                await callback(command)
            except Exception:  # its row stays sent, and ends as uncertain
                log.exception("commands.callback_failed", device=str(device), command=str(command.id))

    async def _take(self, device: Id, most: int = service.TAKEN_MAX) -> list[Command]:
        expires_at = self._waiting.pop(device)
        try:
            commands = await self._database.write(
                partial(service.take_for_sending, device=device, most=most), by=self._by, urgency=Urgency.LANE
            )
        except BaseException:
            self._ring(device, expires_at)
            raise
        if len(commands) == most:
            self._ring(device, expires_at)  # there may be more
        return commands

    def _has_work(self, device: Id) -> bool:
        expires_at = self._waiting.get(device)
        if expires_at is None:
            return False
        if expires_at > self._database.clocks.machine.now():
            return True
        del self._waiting[device]  # the sweeper ends it
        return False

    def _ring(self, device: Id, expires_at: Instant) -> None:
        if len(self._waiting) >= REMEMBERED_MAX:
            now = self._database.clocks.machine.now()
            self._waiting = {one: until for one, until in self._waiting.items() if until > now}
        self._waiting[device] = max(expires_at, self._waiting.get(device, expires_at))
        for bell in self._bells.get(device, ()):
            if not bell.done():
                bell.set_result(None)

    async def _rung(self, device: Id, timeout_s: float | None) -> None:
        bell: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        bells = self._bells.setdefault(device, set())
        bells.add(bell)
        try:
            async with asyncio.timeout(timeout_s):
                await bell
        except TimeoutError:
            return
        finally:
            bells.discard(bell)
            if not bells and self._bells.get(device) is bells:
                del self._bells[device]

    def _unlink(self, device: Id, task: "asyncio.Task[None]") -> None:
        task.cancel()
        if self._links.get(device) is task:
            del self._links[device]
