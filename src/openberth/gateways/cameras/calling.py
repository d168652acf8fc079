"""Cameras that are called: a line for each one whose lot file says where, once somebody has given us its login.

Only addresses inside of the device's own networks are called. Commands come from the dispatcher, marked as sent before
they are handed over, so each goes out at most once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

import structlog

from openberth.contexts import facility
from openberth.contexts.facility import endpoint_host
from openberth.contexts.facility.reactions import CommandDispatcher, DeviceDirectory, DeviceEntry
from openberth.gateways.cameras.calling_display import CalledDisplay
from openberth.gateways.cameras.calling_line import Line
from openberth.gateways.cameras.calls import OwnScreen
from openberth.gateways.cameras.camera_client import PAUSE_S, CameraClient
from openberth.gateways.cameras.desk import CameraDesk
from openberth.gateways.cameras.families import CALLED, SHOWING
from openberth.gateways.cameras.screens import LaneScreens
from openberth.infra.database import Database, Urgency
from openberth.kernel.authority import system
from openberth.kernel.ids import Id

log = structlog.get_logger()


@dataclass(slots=True)
class _Held:
    line: Line
    task: "asyncio.Task[None]"
    unlink: Callable[[], None]


class CameraCalls:
    """Holds the lines; used on the event loop. Also a way to the cameras' own displays (``LaneScreen``). ``at_home``:
    this server is reached on this machine alone, so a camera on it is one of a demo or a test.
    """

    def __init__(
        self,
        *,
        database: Database,
        directory: DeviceDirectory,
        dispatcher: CommandDispatcher,
        desk: CameraDesk,
        screens: LaneScreens,
        at_home: bool,
    ) -> None:
        self._database = database
        self._directory = directory
        self._dispatcher = dispatcher
        self._desk = desk
        self._screens = screens
        self._by = system("cameras.calls")
        self._held: dict[Id, _Held] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._at_home = at_home
        self._running = False
        self._watching = False

    def line_of(self, device: Id) -> Line | None:
        """Return the line to a camera, None when it is not called."""
        held = self._held.get(device)
        return None if held is None else held.line

    def show(self, device: DeviceEntry, showing: OwnScreen) -> bool:
        """Hand over what a camera's own display shows; False for one that is not called or has none."""
        line = self.line_of(device.id)
        return line is not None and line.show(showing)

    async def run(self) -> None:
        """Hold lines to the cameras that are called, until cancelled."""
        self._running = True
        try:
            if not self._watching:
                self._watching = True
                self._directory.on_change(self._review)
            self._review()
            while True:
                await self._settle()
                await self._changed.wait()
                self._changed.clear()
        finally:
            self._running = False
            for device in list(self._held):
                self._end(device)
            await asyncio.gather(*self._ending, return_exceptions=True)

    # as the observer of calls

    async def refused(self, entry: DeviceEntry) -> None:
        """Let an alarm stand: the login is wrong, and the gate cannot be opened from afar."""
        log.warning("camera.login_refused", device=entry.code, lot=entry.lot_code)
        note = partial(
            facility.login_refused, company=entry.company, lot=entry.lot, lot_code=entry.lot_code, device=entry.id,
            code=entry.code, minutes=int(PAUSE_S // 60),
        )  # fmt: skip
        await self._database.write(note, by=self._by, urgency=Urgency.BACKGROUND)

    async def unanswered(self, entry: DeviceEntry, why: str) -> None:
        """Let an alarm stand: the camera is not reached where its endpoint says."""
        log.warning("camera.unanswered", device=entry.code, lot=entry.lot_code, why=why)
        assert entry.call is not None, "it is called"
        note = partial(
            facility.call_unanswered, company=entry.company, lot=entry.lot, lot_code=entry.lot_code, device=entry.id,
            code=entry.code, endpoint=entry.call.endpoint, why=why,
        )  # fmt: skip
        await self._database.write(note, by=self._by, urgency=Urgency.BACKGROUND)

    async def taken(self, entry: DeviceEntry) -> None:
        """End the alarms, if any stands."""
        stands = partial(facility.is_call_failing, company=entry.company, device=entry.id)
        if await self._database.read(stands, by=self._by):
            over = partial(facility.call_answered, company=entry.company, lot=entry.lot, device=entry.id)
            await self._database.write(over, by=self._by, urgency=Urgency.BACKGROUND)

    # inside

    async def _settle(self) -> None:
        """End alarms about devices that are not called any more; nobody else would."""
        try:
            called = {entry.id for entry in self._directory.called() if _may_be_called(entry, at_home=self._at_home)}
            for company, lot, device in await self._database.read(facility.failing_calls, by=self._by):
                if device not in called:
                    over = partial(facility.call_answered, company=company, lot=lot, device=device)
                    await self._database.write(over, by=self._by, urgency=Urgency.BACKGROUND)
        except Exception:  # the lines go on; the next change brings another try
            log.exception("camera.alarms_left")

    def _review(self) -> None:
        """Devices have changed: end lines that are not what they were, and begin those that are new."""
        if not self._running:
            return
        self._changed.set()
        wanted = {entry.id: entry for entry in self._directory.called() if _may_be_called(entry, at_home=self._at_home)}
        for device, held in list(self._held.items()):
            entry = wanted.get(device)
            if entry is None or _differs(entry, held.line.entry):
                self._end(device)
            else:
                held.line.entry = entry
        for device, entry in wanted.items():
            if device not in self._held:
                self._begin(entry)

    def _begin(self, entry: DeviceEntry) -> None:
        call = entry.call
        assert call is not None, "it may be called"
        loop = asyncio.get_running_loop()
        client = CameraClient(endpoint=call.endpoint, user=call.user, password=call.password, now=loop.time)
        family, own = CALLED[entry.kind], SHOWING.get(entry.kind)
        display = None if own is None else CalledDisplay(own, family.heard, now=loop.time, name=entry.code)
        line = Line(
            entry, family=family, client=client, desk=self._desk, clock=self._database.clocks.machine, observer=self,
            host=endpoint_host(call.endpoint) or "", display=display, came=self._screens.connected,
        )  # fmt: skip
        task = loop.create_task(line.run(), name=f"camera.{entry.code}")
        self._held[entry.id] = _Held(line, task, self._dispatcher.on_command(entry.id, line.command))
        self._screens.connected(entry)

    def _end(self, device: Id) -> None:
        held = self._held.pop(device)
        held.unlink()
        held.task.cancel()
        self._ending.add(held.task)
        held.task.add_done_callback(self._ending.discard)


def _may_be_called(entry: DeviceEntry, *, at_home: bool) -> bool:
    """Tell whether a camera may be called: nobody makes this machine call itself, or what stands beside it only."""
    host = None if entry.call is None else endpoint_host(entry.call.endpoint)
    if entry.kind not in CALLED or host is None or not entry.networks.admits(host):
        return False
    address = ip_address(host)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return at_home or not address.is_loopback


def _differs(entry: DeviceEntry, before: DeviceEntry) -> bool:
    return (entry.kind, entry.call, entry.networks) != (before.kind, before.call, before.networks)
