"""The lane of one camera that is called: its commands one after the other, and looks at its gate in between.

Each camera has a line of its own, so one that hangs costs its own lane only. A command is sent once. Accepted is not
done: the boom is looked at until it has moved or the command's life is over. What the camera's own display shows gives
way to a command at any time, what its list is told after a moment: it is told again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from openberth.contexts.facility import TO_ITSELF, Command, CommandKind, Outcome
from openberth.contexts.facility.reactions import DeviceEntry
from openberth.gateways.cameras.calling_display import BOUND_S, RESTART_S, CalledDisplay, GaveWay
from openberth.gateways.cameras.calls import UNSUPPORTED, Ask, CallingFamily, Heard, OwnScreen, Told
from openberth.gateways.cameras.camera_client import CameraClient, LoginRefused, NoAnswer, NotConnected, Paused
from openberth.gateways.cameras.desk import CameraDesk
from openberth.gateways.cameras.pushes import Boom, GatePush
from openberth.kernel.time import SECOND_US, Clock

QUEUE_MAX = 8
ERRANDS_MAX = 4
GRACE_S = 0.5  # in which an errand may come to its end while a command waits
LOOK_S = 0.5  # while a movement is awaited
IDLE_LOOK_S = 30.0
TROUBLE_S = 1.0
MISSED_MAX = 2
LEFT_US = SECOND_US  # before the end of its life a command gets its outcome from here, not from the sweeper

_FITS = {CommandKind.OPEN: Boom.OPEN, CommandKind.CLOSE: Boom.CLOSED}

log = structlog.get_logger()


@dataclass(slots=True)
class _Awaited:
    """A command that was sent; ``detail`` is what is said of it when nothing shows that it was carried out."""

    command: Command
    detail: str


class CallObserver(Protocol):
    """Who learns how calls fare."""

    async def refused(self, entry: DeviceEntry) -> None:
        """Learn that a camera has refused the login twice and is not called for a while."""
        ...

    async def unanswered(self, entry: DeviceEntry, why: str) -> None:
        """Learn that two calls in a row came to nothing: ``not_connected`` or ``no_answer``, the last one."""
        ...

    async def taken(self, entry: DeviceEntry) -> None:
        """Learn that a camera has taken the login, for the first time or again."""
        ...


class Line:
    """Serves one camera; used on the event loop. ``observer`` learns how calls fare, ``came`` that the camera is back
    after it was away. ``display`` is its own one, None for a make without.
    """

    def __init__(
        self, entry: DeviceEntry, *, family: CallingFamily, client: CameraClient, desk: CameraDesk, clock: Clock,
        observer: CallObserver, host: str, display: CalledDisplay | None, came: Callable[[DeviceEntry], None],
        idle_look_s: float = IDLE_LOOK_S,
    ) -> None:  # fmt: skip
        self.entry = entry
        self._family = family
        self._client = client
        self._desk = desk
        self._clock = clock
        self._observer = observer
        self._host = host
        self._display = display
        self._came = came
        self._idle_look_s = idle_look_s
        self._queue: asyncio.Queue[Command | None] = asyncio.Queue(QUEUE_MAX)  # None: there is something else to do
        self._errands: list[tuple[Ask, asyncio.Future[Told]]] = []
        self._awaited: list[_Awaited] = []
        self._way: str | None = None if entry.call is None else entry.call.gate
        self._tells = True  # where its boom is
        self._boom: Boom | None = None
        self._taken = False
        self._missed = 0  # calls in a row that came to nothing
        self._is_away = False
        self._waiting = 0  # commands
        self._gives_way: asyncio.Task[Told] | None = None
        self._grace_s = 0.0  # that it has before it does

    async def command(self, command: Command) -> None:
        """Take a command that is marked as sent; one that finds no room was not sent."""
        try:
            self._queue.put_nowait(command)
        except asyncio.QueueFull:
            await self._desk.ended(self.entry, command, Outcome.UNREACHABLE, "busy")
            return
        self._waiting += 1
        if self._gives_way is not None and self._grace_s:
            asyncio.get_running_loop().call_later(self._grace_s, self._gives_way.cancel)
        elif self._gives_way is not None:
            self._gives_way.cancel()

    def show(self, showing: OwnScreen) -> bool:
        """Take what the camera's own display shows from now on; False for a make without."""
        if self._display is None:
            return False
        self._display.show(showing)
        self._ring()
        return True

    async def errand(self, ask: Ask) -> Told:
        """Ask something that moves nothing, when nothing else is to be done; raises as ``CameraClient.ask``."""
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        if len(self._errands) >= ERRANDS_MAX:
            raise NotConnected
        self._errands.append((ask, answer))
        self._ring()
        return await answer

    def heard(self, told: Told) -> Heard:
        """Return what an answer means."""
        return self._family.heard(told)

    def _ring(self) -> None:
        if self._queue.empty():  # otherwise whoever is served rings after itself
            self._queue.put_nowait(None)

    async def _run_errand(self) -> None:
        while self._errands:
            ask, answer = self._errands.pop(0)
            if answer.done():  # nobody waits any more
                continue
            try:
                told = await self._asked(ask, is_aside=True)
            except GaveWay:
                if not answer.done():
                    answer.set_exception(NoAnswer())
            except (NotConnected, NoAnswer, LoginRefused, Paused) as error:
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(told)
            return

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            while True:
                try:
                    await self._turn()
                except Exception:  # a defect costs this camera a moment, and no other one anything
                    log.exception("camera.line_failed", device=self.entry.code, lot=self.entry.lot_code)
                    await asyncio.sleep(TROUBLE_S)
        finally:
            for _, answer in self._errands:
                answer.cancel()
            await self._client.aclose()

    async def _turn(self) -> None:
        shows_in = None if self._display is None else self._display.due_in()
        look_in = LOOK_S if self._awaited else self._idle_look_s
        try:
            async with asyncio.timeout(look_in if shows_in is None else min(shows_in, look_in)):
                command = await self._queue.get()
        except TimeoutError:
            if shows_in is not None and shows_in <= look_in:
                await self._tell_display()
            else:
                await self._look()
            return
        if command is None and self._waiting:
            return  # that comes first, and rings after itself
        if command is None:
            await self._run_errand()
            if shows_in == 0.0:  # errands never end for a while
                await self._tell_display()
        else:
            self._waiting -= 1
            await self._carry_out(command)
        if self._errands:
            self._ring()

    async def _tell_display(self) -> None:
        """Tell the camera's own display what is due, until a command comes."""
        assert self._display is not None, "it has something to tell"
        with suppress(GaveWay):
            await self._display.tell(partial(self._asked, is_display=True))

    async def _asked_giving_way(self, ask: Ask, within_s: float, grace_s: float) -> Told:
        """Ask what is none of the gate; raises ``GaveWay`` when a command waits or comes and the grace is over."""
        if self._waiting:
            raise GaveWay
        asking = asyncio.create_task(self._client.ask(ask, within_s=within_s, aside=True))
        self._gives_way, self._grace_s = asking, grace_s
        try:
            await asyncio.wait((asking,))
        finally:
            self._gives_way = None
            asking.cancel()
        if asking.cancelled():
            raise GaveWay
        return asking.result()

    async def _carry_out(self, command: Command) -> None:
        left_us = command.expires_at - self._clock.now()
        if left_us <= 0:
            await self._desk.ended(self.entry, command, Outcome.UNREACHABLE, "expired")
            return
        try:
            heard = await self._tell(command.kind, left_us / SECOND_US)
        except NotConnected:
            await self._desk.ended(self.entry, command, Outcome.UNREACHABLE, "not_connected")
        except LoginRefused:
            await self._desk.ended(self.entry, command, Outcome.REJECTED, "login_refused")
        except Paused:
            await self._desk.ended(self.entry, command, Outcome.REJECTED, "login_paused")
        except NoAnswer:  # it may have opened: nothing is sent again, the boom is looked at
            self._await(command, "no_answer")
        else:
            if heard.accepted and command.kind in TO_ITSELF:
                if command.kind is CommandKind.RESTART and self._display is not None:
                    self._display.forget(rest_s=RESTART_S)
                await self._desk.ended(self.entry, command, Outcome.DONE, "accepted")
            elif heard.accepted:
                self._await(command, "expired")
            else:
                await self._desk.ended(self.entry, command, Outcome.REJECTED, heard.detail)

    async def _tell(self, kind: CommandKind, within_s: float) -> Heard:
        """Ask for a movement in the way that is known; while none is, in one after the other as long as the camera says
        clearly that it does not know a way. What concerns the camera itself has one way only.
        """
        if kind in TO_ITSELF:
            ask = self._to_itself(kind)
            return UNSUPPORTED if ask is None else self._family.heard(await self._asked(ask, within_s))
        for way in (self._way,) if self._way else self._family.WAYS:
            ask = self._family.gate(way, kind)
            if ask is None:
                continue
            heard = self._family.heard(await self._asked(ask, within_s))
            if heard.supported:
                self._way = way
                return heard
        return UNSUPPORTED

    def _to_itself(self, kind: CommandKind) -> Ask | None:
        if kind is CommandKind.RESTART:
            return self._family.restart()
        return self._family.clock(self._desk.business_now(), self.entry.zone)

    def _await(self, command: Command, detail: str) -> None:
        if command.kind in _FITS:
            self._awaited.append(_Awaited(command, detail))

    async def _look(self) -> None:
        """Look where the boom is, and end what it shows, or what nothing has shown in its life."""
        boom = await self._seen_boom()
        if boom in (Boom.OPEN, Boom.CLOSED) and (self._awaited or boom is not self._boom):
            self._boom = boom
            await self._desk.gate_told(self.entry, GatePush(None, boom), self._host)
        awaited, self._awaited = self._awaited, []
        for one in awaited:
            if boom is _FITS[one.command.kind]:
                continue  # done: the desk has said so
            if boom is Boom.CLOSED:
                one.detail = "still_closed"
            if self._clock.now() < one.command.expires_at - LEFT_US:
                self._awaited.append(one)
            else:
                await self._desk.ended(self.entry, one.command, Outcome.UNCERTAIN, one.detail)

    async def _seen_boom(self) -> Boom | None:
        ask = self._family.status(self._way or self._family.WAYS[0]) if self._tells else None
        if ask is None:
            return None
        try:
            told = await self._asked(ask)
        except (NotConnected, NoAnswer, LoginRefused, Paused):
            return None
        if not self._family.heard(told).supported:
            self._tells = False
            return None
        return self._family.boom(told)

    async def _asked(
        self, ask: Ask, within_s: float = 3_600.0, *, is_aside: bool = False, is_display: bool = False
    ) -> Told:  # fmt: skip
        """Ask, and take note of what that tells of the camera; the silence of its display says nothing of the rest, and
        a login that is refused aside of the gate nothing of the gate.
        """
        was_paused = self._client.paused
        try:
            if is_display:
                told = await self._asked_giving_way(ask, BOUND_S, 0.0)
            elif is_aside:
                told = await self._asked_giving_way(ask, within_s, GRACE_S)
            else:
                told = await self._client.ask(ask, within_s=within_s)
        except LoginRefused:
            if is_display or is_aside:
                raise
            self._taken, self._missed = False, 0
            if self._client.paused and not was_paused:
                await self._tell_observer(self._observer.refused)
            raise
        except (NotConnected, NoAnswer) as error:
            if not is_display or isinstance(error, NotConnected):
                await self._not_answered(error)
            raise
        self._missed = 0
        self._desk.presence.seen(self.entry, address=self._host)
        if self._is_away:
            self._is_away = False
            if self._display is not None:
                self._display.forget()
            self._came(self.entry)
        if not self._taken:
            self._taken = True
            await self._tell_observer(self._observer.taken)
        return told

    async def _not_answered(self, error: NotConnected | NoAnswer) -> None:
        self._is_away = True
        self._missed += 1
        if self._missed == MISSED_MAX:
            self._taken = False
            why = "not_connected" if isinstance(error, NotConnected) else "no_answer"
            await self._tell_observer(partial(self._observer.unanswered, why=why))

    async def _tell_observer(self, tell: Callable[[DeviceEntry], Awaitable[None]]) -> None:
        """Tell how calls fare; whether that could be noted changes nothing for the command."""
        try:
            await tell(self.entry)
        except Exception:
            log.exception("camera.call_untold", device=self.entry.code, lot=self.entry.lot_code)
