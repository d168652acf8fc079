"""The house's side of every camera, whatever wire it speaks: what it saw is decided about, kept with its pictures, and
what it tells of loops and gates ends what had been sent.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from openberth.contexts import facility, stays
from openberth.contexts.facility import Command, InputUse, Outcome
from openberth.contexts.facility.reactions import DeviceEntry, Presence
from openberth.contexts.stays import LaneAnswer, LoopPlace, LoopWatch, Recognition, picture_name
from openberth.gateways.cameras.pushes import Boom, GatePush, Heartbeat, InputPush, PlatePush, at_home, in_zone, is_late
from openberth.infra.blobs import PictureQueue
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.ids import IdSource
from openberth.infra.telemetry import counter
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Overloaded, Problem
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

PICTURE_WAIT_S = 0.01
# A clock that is slow is as slow for minutes; what a camera has stored is late by another span each time.
STEADY_US, STEADY_LEAST_US, STEADY_MAX_US = 10 * SECOND_US, 60 * SECOND_US, 3_600 * SECOND_US

T = TypeVar("T")

PUSHES = counter("openberth_camera_pushes_total", "Camera messages by what became of them.", ("outcome",))

log = structlog.get_logger()


class CameraDesk:
    """Takes what cameras tell; used on the event loop. Raises ``Problem`` where nothing could be stored."""

    def __init__(
        self, *, database: Database, presence: Presence, pictures: PictureQueue, ids: IdSource,
        loops: LoopWatch | None = None,
    ) -> None:  # fmt: skip
        self.presence = presence
        self._database = database
        self._pictures = pictures
        self._ids = ids
        self._loops = loops
        self._lateness: dict[Id, tuple[int, Instant]] = {}  # of cameras that do not mark stored records

    def business_now(self) -> Instant:
        """Return the present of business time, in which cameras stamp what they see."""
        return self._database.clocks.business.now()

    def placed(self, camera: DeviceEntry, push: PlatePush, address: str) -> Recognition:
        """Return a recognition with its instant as one of UTC. Of a camera that does not mark stored records one that
        is late is such a record, unless the camera has been as late for a minute: then its clock is slow.
        """
        now, machine = self.business_now(), self._database.clocks.machine.now()
        seen = in_zone(push, camera.zone)
        if not is_late(push, seen, now):
            self._lateness.pop(camera.id, None)
            return seen
        late_us = now - seen.captured_at
        self.presence.seen(camera, address=address, clock_offset_us=-late_us)  # a person sees to the clock
        known, since = self._lateness.get(camera.id, (late_us, machine))
        if abs(known - late_us) > STEADY_US or machine - since > STEADY_MAX_US:
            known, since = late_us, machine
        self._lateness[camera.id] = known, since
        return at_home(push, camera.zone, now, steady=machine - since >= STEADY_LEAST_US)

    async def recognised(self, camera: DeviceEntry, seen: Recognition, address: str) -> LaneAnswer:
        """Decide about what a camera saw; its pictures are stored beside the unit and hold it up for 10 ms at most."""
        offset = None if seen.offline or "clock" in seen.flaws else self._offset_us(seen)
        self.presence.seen(camera, address=address, clock_offset_us=offset)
        passage = self._ids.new_id()
        kept = self._keep(passage, seen)  # beside the unit, not after it
        answer = await self._decided(camera, seen, passage, address)
        if answer.passage != passage:
            kept = self._kept_elsewhere(passage, answer, seen)
        if kept is not None and not kept.done():
            await asyncio.wait((kept,), timeout=PICTURE_WAIT_S)
        PUSHES.labels("repeated" if answer.repeated else answer.action.value).inc()
        return answer

    def lives(self, camera: DeviceEntry, push: Heartbeat, address: str) -> None:
        """Take note of a heartbeat, and of what the camera says that it runs."""
        self.presence.seen(
            camera, address=address, state=push.state or None, firmware=push.state.get("firmware")
        )  # fmt: skip

    async def input_changed(self, camera: DeviceEntry, push: InputPush, address: str) -> None:
        """Take note of an input by what is wired to it: a car that crossed behind the gate ends what had opened it, a
        counting loop counts; what stands before the gate without being read is told after a while.
        """
        wired = next((each for each in camera.inputs if each.number == push.number), None)
        before = {"before": bool(push.level)} if wired and wired.use is InputUse.BEFORE else None
        self.presence.seen(camera, address=address, state=before)
        if wired is not None and wired.use is InputUse.BEFORE and self._loops is not None:
            place = LoopPlace(camera.lot, camera.lane, camera.id)
            self._loops.changed(place, occupied=bool(push.level), by=caller_of(camera, address))
        elif wired is not None and push.level:
            if wired.use is InputUse.BEHIND:
                passed = partial(stays.car_passed, lot=camera.lot, lane=camera.lane, device=camera.id)
                await self._write(passed, caller_of(camera, address))
            elif wired.area is not None:
                inward = wired.use is InputUse.COUNTS_IN
                counted = partial(facility.count_loop, lot=camera.lot, area=wired.area, inward=inward)
                await self._write(counted, caller_of(camera, address))
        PUSHES.labels("input").inc()

    async def gate_told(self, camera: DeviceEntry, push: GatePush, address: str) -> None:
        """Take note of the gate's state: an open boom ends what was sent to open it, a closed one what was to close; a
        locked one refuses what was sent to open it, whatever was answered.
        """
        locked = {} if push.locked is None else {"locked": push.locked}
        self.presence.seen(camera, address=address, state={"boom": push.boom.value, **locked})
        if push.boom is not Boom.UNKNOWN:
            moved = partial(facility.gate_moved, lane=camera.lane, device=camera.id, is_open=push.boom is Boom.OPEN)
            await self._write(moved, caller_of(camera, address))
        if push.locked and push.boom is not Boom.OPEN:
            locked_out = partial(facility.gate_locked, lane=camera.lane, device=camera.id)
            await self._write(locked_out, caller_of(camera, address))
        PUSHES.labels("gate").inc()

    async def ended(self, camera: DeviceEntry, command: Command, outcome: Outcome, detail: str) -> None:
        """Write how a command ended that was sent, or could not be."""
        end = partial(facility.report_outcome, command=command.id, outcome=outcome, detail=detail)
        await self._write(end, caller_of(camera, ""))

    async def _decided(self, camera: DeviceEntry, seen: Recognition, passage: Id, address: str) -> LaneAnswer:
        """Decide in one unit; if deciding raises, keep the fact in another one with a case for a person."""
        by = caller_of(camera, address)
        case = _Case(camera, passage, seen)
        # A day of stored records comes at once, and no car waits for any of them: cars that stand at gates go first.
        urgency = Urgency.NORMAL if seen.offline else Urgency.LANE
        try:
            return await self._database.write(case.recognise, by=by, urgency=urgency)
        except Overloaded:
            raise
        except Exception as error:
            code = error.code if isinstance(error, Problem) else type(error).__name__
            log.exception("camera.undecided", device=camera.code, lot=camera.lot_code, code=code)
            return await self._write(partial(case.store_undecided, error=code), by)

    def _keep(self, passage: Id, seen: Recognition) -> asyncio.Future[None] | None:
        if not seen.pictures:
            return None
        pictures = [(picture_name(passage, number), picture.jpeg) for number, picture in enumerate(seen.pictures)]
        kept = asyncio.wrap_future(self._pictures.put_nowait(pictures))
        kept.add_done_callback(_note_lost_pictures)
        return kept

    def _kept_elsewhere(self, passage: Id, answer: LaneAnswer, seen: Recognition) -> asyncio.Future[None] | None:
        """Put the pictures of a car that was known already where they belong, and take the new ones away again."""
        if seen.pictures:
            self._pictures.forget([picture_name(passage, number) for number in range(len(seen.pictures))])
        return self._keep(answer.passage, seen) if answer.keep_pictures else None

    async def _write(self, use_case: Callable[[Unit], T], by: Caller) -> T:
        return await self._database.write(use_case, by=by, urgency=Urgency.LANE)

    def _offset_us(self, seen: Recognition) -> int:
        return int(seen.captured_at) - self._database.clocks.business.now()


@dataclass(frozen=True, slots=True)
class _Case:
    """A recognition with where it was made, as the two use cases take it."""

    camera: DeviceEntry
    passage: Id
    seen: Recognition

    def recognise(self, unit: Unit) -> LaneAnswer:
        camera = self.camera
        return stays.recognise(
            unit, lot=camera.lot, lane=camera.lane, device=camera.id, passage=self.passage, recognition=self.seen
        )

    def store_undecided(self, unit: Unit, *, error: str) -> LaneAnswer:
        camera = self.camera
        return stays.store_undecided(
            unit, lot=camera.lot, lane=camera.lane, device=camera.id, passage=self.passage, recognition=self.seen,
            error=error,
        )  # fmt: skip


def caller_of(camera: DeviceEntry, address: str) -> Caller:
    """Return the camera as the caller of a unit."""
    return Caller(Actor(ActorKind.DEVICE, camera.code, address), Scope(camera.company, (camera.lot,)))


def _note_lost_pictures(future: "asyncio.Future[None]") -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        log.warning("camera.pictures_lost", error=str(error))
