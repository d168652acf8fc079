"""The displays of all lanes: what they show follows decisions, payments, people and counts, and never holds up a gate.

What a car is told leaves with the answer to its recognition. Everything later leaves with the answer to a heartbeat of
the camera, or over the connection that a device holds (``LaneScreen``). Only the newest counts: nothing is queued, and
what is meant for a device that is not there is dropped. Whoever was silent is sent everything when it is back, for
while it is online the house owns the display.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

import structlog

from openberth.contexts import facility, stays, tenancy
from openberth.contexts.facility import DeviceCredentialsIssued, LaneDisplay, LaneTextShown, LotApplied, LotStateChanged
from openberth.contexts.facility.model.displays import Moment, Screen
from openberth.contexts.facility.reactions import DeviceDirectory, DeviceEntry
from openberth.contexts.payments.model import BillIssued
from openberth.contexts.stays import LaneAnswer, StandingText
from openberth.gateways.cameras.family import SerialFrame
from openberth.gateways.displays.adverts import Advert
from openberth.gateways.displays.hanging import Hanging
from openberth.gateways.displays.ports import LaneScreen, Showing
from openberth.infra.database import Database, Reader, Urgency
from openberth.infra.telemetry import counter
from openberth.infra.waking import woken
from openberth.kernel.authority import system
from openberth.kernel.errors import Problem
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

TICK_S = 1.0
REST_S = 0.05
RETRY_S = 5.0

_OF_A_LANE = frozenset(("stays.passage_decided", "stays.passage_released", LaneTextShown.KIND))
_COUNTING = frozenset((
    "stays.stay_opened", "stays.stay_closed", "stays.stay_moved", "facility.occupancy_adjusted", LotStateChanged.KIND,
))  # fmt: skip
_HANGING_ANEW = frozenset((LotApplied.KIND, DeviceCredentialsIssued.KIND, tenancy.LotCame.KIND))

TOLD = counter("openberth_display_texts_total", "Texts for displays by what became of them.", ("outcome",))

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Looked:
    wanted: StandingText | None
    free: Sequence[int]


class Screens:
    """What hangs at lanes; used on the event loop. Empty until ``start`` has run."""

    def __init__(self, database: Database, directory: DeviceDirectory, *, base: str) -> None:
        self._database = database
        self._directory = directory
        self._base = base
        self._by = system("displays")
        self._lanes: dict[Id, Hanging] = {}
        self._on_device: dict[Id, list[Hanging]] = {}
        self._of_lot: dict[Id, list[Hanging]] = {}
        self._links: list[LaneScreen] = []
        self._bells: defaultdict[Id, asyncio.Event] = defaultdict(asyncio.Event)
        self._work = asyncio.Event()
        self._again: set[Id] = set()  # lots whose file changed
        self._sequence = 0

    def attach(self, *links: LaneScreen) -> None:
        """Reach devices over these, too; they call ``connected`` whenever one of them is there."""
        self._links += links

    async def start(self) -> None:
        """Find out what hangs where. The log must be watched before."""
        self._hang(await self._database.read(facility.lane_displays, by=self._by))

    # What cameras ask (``gateways.cameras.screens.LaneScreens``)

    def decided(self, camera: DeviceEntry, answer: LaneAnswer) -> tuple[SerialFrame, ...]:
        """Return what leaves with the answer to a recognition; what hangs elsewhere is told another way."""
        hanging = self._lanes.get(camera.lane)
        if hanging is None or hanging.screen is None:
            return ()
        if answer.news is None:
            if answer.repeated:  # its first answer may be lost, and what it would have shown with it
                hanging.sent = None
            return ()
        screen = hanging.screen
        shown = stays.shown_after(hanging.display, screen, answer.news, base=self._base)
        now = self._now()
        until = None if answer.action is stays.Action.HOLD else Instant(now + stays.TOLD_US)
        hanging.decided(StandingText(shown, answer.news.passage, None, until))
        if hanging.display.device != camera.id or not camera.kind.wire.answered:
            self._ring(hanging)
            return ()
        hanging.heard(now)
        showing = hanging.due(now, self._business(), self._numbered())
        return () if showing is None else self._leaves(showing, "answered")

    def has(self, camera: Id) -> bool:
        """Tell whether anything hangs on a camera."""
        return camera in self._on_device

    async def due(self, camera: DeviceEntry) -> tuple[SerialFrame, ...]:
        """Take note that a camera asks, and return what its displays do not show yet, nothing where answers carry
        nothing.
        """
        if not camera.kind.wire.answered:
            return ()
        here = self._on_device.get(camera.id, ())
        for hanging in here:
            hanging.heard(self._now())
            if hanging.display.device == camera.id:  # it asks again, so what it was answered has arrived
                await self._remember(hanging)
            await self._look(hanging)
        found: list[SerialFrame] = []  # from here on nothing waits: what counts as sent is returned
        for hanging in here:
            if hanging.display.device == camera.id:
                showing = hanging.due(self._now(), self._business(), self._numbered())
                found += () if showing is None else self._leaves(showing, "asked")
            found += hanging.boards_due(camera.id)
        for hanging in () if found else here:
            if hanging.display.device == camera.id:
                found += hanging.advert_due(self._now(), self._numbered())
        return tuple(found)

    async def next(self, camera: DeviceEntry) -> tuple[SerialFrame, ...]:
        """Wait for something that a camera's displays do not show yet. May be cancelled."""
        bell = self._bells[camera.id]
        while True:
            bell.clear()
            frames = await self.due(camera)
            if frames:
                return frames
            await woken(bell, within_s=self._next_s(self._on_device.get(camera.id, ())))

    def missed(self, camera: Id) -> None:
        """Take note that what was returned last did not leave."""
        for hanging in self._on_device.get(camera, ()):
            hanging.missed()

    # What happens

    def connected(self, device: DeviceEntry) -> None:
        """Take note that a device with a connection is there: it is sent everything."""
        for hanging in self._on_device.get(device.id, ()):
            hanging.forget()
            self._ring(hanging)

    def watch(self, envelopes: Sequence[Envelope]) -> None:
        """Take note of new events."""
        for envelope in envelopes:
            if envelope.kind in _OF_A_LANE:
                hanging = self._lanes.get(UUID(envelope.body["lane"]))
                if hanging is not None and not self._is_told(hanging, envelope):
                    hanging.stale = True
                    if envelope.kind == "stays.passage_decided":  # its own answer is about to tell
                        hanging.looked_at = self._now()
                    self._ring(hanging)
            if envelope.kind in _HANGING_ANEW and envelope.lot is not None:
                self._again.add(envelope.lot)
                self._work.set()
            if envelope.lot in self._of_lot and (envelope.kind in _COUNTING or envelope.kind == BillIssued.KIND):
                self._changed(self._of_lot[envelope.lot], billed=envelope.kind == BillIssued.KIND)

    async def run(self) -> None:
        """Tell devices with a connection, and hang anew what lot files change, until cancelled."""
        while True:
            await woken(self._work, within_s=TICK_S)
            try:
                await self._hang_anew()
                for hanging in self._linked():
                    await self._tell(hanging)
            except Problem as problem:
                log.warning("displays.waiting", code=problem.code)
                await asyncio.sleep(RETRY_S)
            await asyncio.sleep(REST_S)

    # inside

    def _is_told(self, hanging: Hanging, envelope: Envelope) -> bool:
        """Tell whether an event is what the display shows already: the decision that its answer told of."""
        wanted = hanging.wanted
        if envelope.kind != "stays.passage_decided" or wanted is None:
            return False
        return wanted.passage == UUID(envelope.body["passage"])

    def _changed(self, lanes: Iterable[Hanging], *, billed: bool) -> None:
        for hanging in lanes:
            if not billed:
                hanging.counted = True
            elif hanging.wanted is not None and hanging.wanted.shown.moment is Moment.PAY:
                hanging.stale = True
                self._ring(hanging)

    def _ring(self, hanging: Hanging) -> None:
        for device in hanging.devices():
            if device in self._bells:
                self._bells[device].set()
        self._work.set()

    def _linked(self) -> list[Hanging]:
        return [each for each in self._lanes.values() if self._links and self._link_device(each) is not None]

    def _link_device(self, hanging: Hanging) -> DeviceEntry | None:
        """Return the device that a display hangs on and that is told over a link, not by answers."""
        device = None if hanging.display.device is None else self._directory.by_id(hanging.display.device)
        return device if device is not None and not device.kind.wire.answered else None

    async def _tell(self, hanging: Hanging) -> None:
        device = self._link_device(hanging)
        if device is None:
            return
        await self._look(hanging)
        showing = hanging.due(self._now(), self._business(), self._numbered())
        behind = hanging.boards_due(device.id) + hanging.advert_due(self._now(), self._numbered())
        if showing is None and not behind:
            return
        shown = showing or hanging.standing()
        whole = replace(shown, frames=(*shown.frames, *behind))
        there = any(link.show(device, whole) for link in self._links)
        TOLD.labels("linked" if there else "absent").inc()
        if hanging.advert is not None and not there:
            hanging.advert.missed()
        await self._remember(hanging)

    async def _remember(self, hanging: Hanging) -> None:
        """Remember what a display has been given to keep by itself; if that fails it is written once more some day."""
        mark = None if hanging.advert is None else hanging.advert.to_remember()
        display = hanging.display
        if hanging.advert is None or mark is None or display.device is None:
            return
        keep = partial(facility.keep_advert, company=display.company, lot=display.lot, device=display.device, mark=mark)
        try:
            await self._database.write(keep, by=self._by, urgency=Urgency.BACKGROUND)
        except Problem as problem:
            hanging.advert.missed()
            log.warning("displays.not_remembered", lane=display.lane_code, code=problem.code)
        else:
            hanging.advert.remembered(self._now())

    async def _look_up_advert(self, hanging: Hanging) -> None:
        """Read what a display keeps by itself, where it may have to be written: another process may have done so."""
        device = hanging.display.device
        if hanging.advert is not None and device is not None and hanging.may_write(self._now()):
            try:
                found = await self._database.read(partial(facility.advert_kept, device=device), by=self._by)
            except Problem as problem:
                log.warning("displays.not_read", lane=hanging.display.lane_code, code=problem.code)
            else:
                hanging.advert.found(*found)

    async def _look(self, hanging: Hanging) -> None:
        await self._look_up_advert(hanging)
        now = self._now()
        if not hanging.must_look(now):
            return
        hanging.looking, hanging.stale, hanging.counted = True, False, False
        try:
            read = partial(_looked, display=hanging.display, screen=hanging.screen, base=self._base)
            found = await self._database.read(read, by=self._by)
        except Problem as problem:
            hanging.stale = True
            hanging.looked_at = now
            log.warning("displays.not_read", lane=hanging.display.lane_code, code=problem.code)
        except BaseException:
            hanging.stale = True
            raise
        else:
            hanging.looked(found.wanted, found.free, now)
        finally:
            hanging.looking = False

    async def _hang_anew(self) -> None:
        lots, self._again = self._again, set()
        for lot in lots:
            try:
                found = await self._database.read(partial(facility.lane_displays, lot=lot), by=self._by)
            except BaseException:
                self._again |= lots
                raise
            self._hang(found, lot=lot)

    def _hang(self, displays: Iterable[LaneDisplay], lot: Id | None = None) -> None:
        lanes = {} if lot is None else {lane: each for lane, each in self._lanes.items() if each.display.lot != lot}
        for display in displays:
            before = self._lanes.get(display.lane)
            same = before is not None and before.display == display
            lanes[display.lane] = before if before is not None and same else _hung(display, before)
        on_device: defaultdict[Id, list[Hanging]] = defaultdict(list)
        of_lot: defaultdict[Id, list[Hanging]] = defaultdict(list)
        for each in lanes.values():
            of_lot[each.display.lot].append(each)
            for device in each.devices():
                on_device[device].append(each)
        self._lanes, self._on_device, self._of_lot = lanes, dict(on_device), dict(of_lot)
        for device in [each for each in self._bells if each not in on_device]:
            del self._bells[device]

    def _next_s(self, lanes: Iterable[Hanging]) -> float:
        now = self._now()
        ends = [end for end in (each.next_at() for each in lanes) if end is not None]
        return max(REST_S, min(((end - now) / SECOND_US for end in ends), default=TICK_S))

    def _leaves(self, showing: Showing, how: str) -> tuple[SerialFrame, ...]:
        TOLD.labels(how).inc()
        return showing.frames

    def _numbered(self) -> int:
        """Return the number of the next frame, and leave room for all that go with it."""
        self._sequence = self._sequence % 96 + 4
        return self._sequence - 3

    def _now(self) -> Instant:
        return self._database.clocks.machine.now()

    def _business(self) -> Instant:
        return self._database.clocks.business.now()


def _hung(display: LaneDisplay, before: Hanging | None) -> Hanging:
    screen = display.screen
    if screen is None:
        return Hanging(display)
    advert = Advert(screen, stays.display_advert(display))
    if before is not None and before.advert is not None and before.display.device == display.device:
        advert.follow(before.advert)
    return Hanging(display, advert)


def _looked(reader: Reader, *, display: LaneDisplay, screen: Screen | None, base: str) -> _Looked:
    wanted = None if screen is None else stays.standing_text(reader, display=display, screen=screen, base=base)
    return _Looked(wanted, stays.free_of_boards(reader, display=display) if display.boards else ())
