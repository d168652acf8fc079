"""Cameras that are called, in a loop of their own, and the line to one of them with a desk that only listens."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from openberth.contexts.facility import Command, CommandKind, CommandState, DeviceKind, Outcome
from openberth.contexts.facility.reactions import DeviceEntry
from openberth.contexts.facility.service.presence import Call
from openberth.gateways.cameras.calling_display import CalledDisplay
from openberth.gateways.cameras.calling_line import Line
from openberth.gateways.cameras.camera_client import PAUSE_S, CameraClient
from openberth.gateways.cameras.desk import CameraDesk
from openberth.gateways.cameras.families import CALLED, SHOWING
from openberth.gateways.cameras.pushes import Boom, GatePush
from openberth.infra.clocks import ManualClock
from openberth.infra.http.limits import AddressRange
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant
from openberth.simulator.boom import Boom as Arm
from openberth.simulator.boom import BoomTiming
from openberth.simulator.devices.served import GateServer, Manners, dahua_answer, hikvision_answer
from tests.waiting import PATIENCE_S, until

T = TypeVar("T")
TIMING = BoomTiming(move_s=0.05, hold_s=60, drive_s=0.02)
NOW = Instant(1_795_305_600_000_000)
LIFE_S = 30  # of a command
ANSWERS = {DeviceKind.HIKVISION: hikvision_answer, DeviceKind.DAHUA: dahua_answer}


def id_of(number: int) -> Id:
    return UUID(int=(0x0190 << 112) | (7 << 76) | (8 << 60) | number)


@dataclass
class ListeningDesk:
    """Keeps what a line tells; ends nothing."""

    ends: dict[Id, tuple[Outcome, str]] = field(default_factory=dict)
    booms: list[Boom] = field(default_factory=list)
    seen: int = 0

    async def gate_told(self, _camera: DeviceEntry, push: GatePush, _address: str) -> None:
        self.booms.append(push.boom)

    async def ended(self, _camera: DeviceEntry, command: Command, outcome: Outcome, detail: str) -> None:
        assert command.id not in self.ends, "a command ends once"
        self.ends[command.id] = (outcome, detail)


class _Presence:
    def __init__(self, desk: ListeningDesk) -> None:
        self._desk = desk

    def seen(self, *_: Any, **__: Any) -> None:
        self._desk.seen += 1


class _Desk:
    def __init__(self, desk: ListeningDesk) -> None:
        self.presence = _Presence(desk)
        self.gate_told = desk.gate_told
        self.ended = desk.ended

    def business_now(self) -> Instant:
        return NOW


@dataclass
class Logins:
    """Keeps how calls fared."""

    said: list[str] = field(default_factory=list)

    async def refused(self, _entry: DeviceEntry) -> None:
        self.said.append("refused")

    async def unanswered(self, _entry: DeviceEntry, why: str) -> None:
        self.said.append(why)

    async def taken(self, _entry: DeviceEntry) -> None:
        self.said.append("taken")


class Stage:
    """A camera's web server and the line to it. The lives of commands end and pauses are over when a test says so; an
    answer is waited for long, unless a test hangs a camera up on purpose.
    """

    def __init__(
        self, kind: DeviceKind = DeviceKind.HIKVISION, *, password: str = "secret", manners: Manners | None = None,
        gate: str | None = None, timeout_s: float = PATIENCE_S, idle_look_s: float = 60.0,
    ) -> None:  # fmt: skip
        self.kind = kind
        self.arm = Arm(TIMING)
        self.server = GateServer(self.arm, ANSWERS[kind], manners=manners)
        self.desk, self.logins, self.clock = ListeningDesk(), Logins(), ManualClock(NOW)
        self._password, self._gate, self._timeout_s, self._idle_look_s = password, gate, timeout_s, idle_look_s
        self._ahead_s = 0.0
        self.came: list[str] = []
        self._number = 100
        self.line: Line
        self._running: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        port = await self.server.open()
        self.begin(f"http://127.0.0.1:{port}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self.server.close()

    def begin(self, endpoint: str) -> None:
        call = Call(endpoint, self._gate, "admin", self._password)
        entry = DeviceEntry(
            id_of(1), id_of(2), id_of(3), "lot", id_of(4), "cam", self.kind, None, AddressRange.parse(["127.0.0.0/8"]),
            None, "Asia/Shanghai", call=call,
        )  # fmt: skip
        client = CameraClient(
            endpoint=endpoint, user=call.user, password=call.password, now=self._loop_s, timeout_s=self._timeout_s
        )
        family, own = CALLED[self.kind], SHOWING.get(self.kind)
        self.display = None if own is None else CalledDisplay(own, family.heard, now=self._loop_s, name="cam")
        self.line = Line(
            entry, family=family, client=client, desk=cast(CameraDesk, _Desk(self.desk)), clock=self.clock,
            observer=self.logins, host="127.0.0.1", display=self.display, came=lambda each: self.came.append(each.code),
            idle_look_s=self._idle_look_s,
        )  # fmt: skip
        self._running = asyncio.create_task(self.line.run())

    def _loop_s(self) -> float:
        return asyncio.get_running_loop().time() + self._ahead_s

    def pass_pause(self) -> None:
        """Let the time be over in which the camera is not called."""
        self._ahead_s += PAUSE_S

    def end_lives(self) -> None:
        """Let the life of every command that was sent be over."""
        self.clock.advance(LIFE_S * SECOND_US)

    async def send(self, kind: CommandKind = CommandKind.OPEN) -> Command:
        """Hand a command over as the dispatcher does."""
        self._number += 1
        now = self.clock.now()
        command = Command(
            id_of(self._number), id_of(2), id_of(3), id_of(1), id_of(4), kind, CommandState.SENT, None, None, None,
            None, "person:guard", now, Instant(now + LIFE_S * SECOND_US), now, None,
        )  # fmt: skip
        await self.line.command(command)
        return command

    async def end_of(self, command: Command, within_s: float = PATIENCE_S) -> tuple[Outcome, str]:
        await until(lambda: command.id in self.desk.ends, within_s)
        return self.desk.ends[command.id]


class Yard:
    """A loop in a thread of its own, for cameras beside a server in another process."""

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="yard", daemon=True)
        self._thread.start()
        self._servers: list[GateServer] = []
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            self.do(server.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_S)
        self.loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(2 * PATIENCE_S)

    def camera(self, kind: DeviceKind, *, manners: Manners | None = None) -> GateServer:
        async def made() -> GateServer:
            server = GateServer(Arm(TIMING), ANSWERS[kind], manners=manners)
            await server.open()
            return server

        server = self.do(made())
        self._servers.append(server)
        return server

    def run(self, what: Callable[[], Any]) -> None:
        """Do something in the loop and wait for it."""

        async def done() -> None:
            what()

        self.do(done())
