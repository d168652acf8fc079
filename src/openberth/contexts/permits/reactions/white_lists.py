"""Keeps the lists of cameras in step: every camera by itself, so one that hangs is behind alone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import structlog

from openberth.contexts import facility
from openberth.contexts.facility.reactions import DeviceDirectory, DeviceEntry
from openberth.contexts.permits.model import PermitsApplied
from openberth.contexts.permits.model.white_lists import STEP_MAX
from openberth.contexts.permits.ports import ListCarrier
from openberth.contexts.permits.service import white_lists as service
from openberth.contexts.permits.service.white_lists import Camera, Car, Telling
from openberth.contexts.permits.store.white_lists import Standing
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded, Problem
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US

LOOK_S = 60.0  # rights begin and end by themselves
REST_S = 0.2  # between two steps of a camera
COMPARED_US = DAY_US
REFUSED, REFUSED_MAX = "white_list.refused", 10  # cars, before a camera is left alone until the next look
DOUBTED_US = 7 * DAY_US  # a camera that cannot tell what it holds is told all of it so often
AT_ONCE = 16  # readings of what a camera should hold; no place is held while a camera is waited for

T = TypeVar("T")

log = structlog.get_logger()


class WhiteLists:
    """Tells cameras what to hold; used on the event loop of the process that reaches them."""

    def __init__(self, database: Database, directory: DeviceDirectory, carriers: Sequence[ListCarrier]) -> None:
        self._database = database
        self._directory = directory
        self._carriers = carriers
        self._by = system("white_lists")
        self._told = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._at_work: dict[Id, asyncio.Task[None]] = {}
        self._again: set[Id] = set()

    def watch(self, envelopes: Sequence[Envelope]) -> None:
        """Take note of new events: a list of permits that was applied, or somebody who was let go of."""
        if any(envelope.kind == PermitsApplied.KIND for envelope in envelopes):
            self._told.set()

    async def run(self) -> None:
        """Look every minute, and whenever the log tells of permits, until cancelled."""
        try:
            while True:
                try:
                    async with asyncio.timeout(LOOK_S):
                        await self._told.wait()
                except TimeoutError:
                    pass
                self._told.clear()
                self.look()
        finally:
            await self._leave()

    def look(self) -> Sequence[asyncio.Task[None]]:
        """Have every camera that can be reached brought in step, each in a task of its own, and wait for none of them.
        Of one that has a list and is not reached, or says no more that it has one, is noted what it should drop.

        A camera that is still at work looks again when it is through. Returns the tasks.
        """
        for entry in self._directory.cameras():
            if entry.id in self._at_work:
                self._again.add(entry.id)
            else:
                self._begin(entry)
        return list(self._at_work.values())

    def _begin(self, entry: DeviceEntry) -> None:
        carrier = self._carrier_of(entry)
        if carrier is not None or any(one.lists(entry) for one in self._carriers):
            task = asyncio.create_task(self._keep(entry, carrier), name=f"white_list.{entry.code}")
            self._at_work[entry.id] = task
            task.add_done_callback(partial(self._through, entry.id))

    def _through(self, device: Id, _task: asyncio.Task[None]) -> None:
        """Forget a camera's task; what was told meanwhile is looked at now."""
        del self._at_work[device]
        entry = self._directory.by_id(device) if device in self._again else None
        self._again.discard(device)
        if entry is not None:
            self._begin(entry)

    async def _leave(self) -> None:
        """End the work of all cameras; what was told and not confirmed is told again by whoever comes next."""
        self._again.clear()
        work = list(self._at_work.values())
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    def _carrier_of(self, entry: DeviceEntry) -> ListCarrier | None:
        return next((one for one in self._carriers if one.carries(entry)), None)

    async def _keep(self, entry: DeviceEntry, carrier: ListCarrier | None) -> None:
        try:
            await (self._unreached(entry) if carrier is None else self._steps(entry, carrier))
        except Overloaded as problem:
            log.warning("white_list.waiting", device=entry.code, code=problem.code)
        except Exception:
            log.exception("white_list.failed", device=entry.code, lot=entry.lot_code)

    async def _unreached(self, entry: DeviceEntry) -> None:
        camera = _camera_of(entry)
        standing = await self._met(camera)
        if standing is None:
            return
        telling = await self._read(partial(service.next_telling, camera=camera))
        if telling.step.drop or standing.behind_since is not None:
            await self._write(partial(service.note_unreached, camera=camera, telling=telling))

    async def _met(self, camera: Camera) -> Standing | None:
        """Return how a camera stands, None before it was ever told anything; nothing is believed of another box."""
        standing = await self._read(partial(service.standing_of, device=camera.device))
        if standing is None or standing.told_to == camera.box:
            return standing
        await self._write(partial(service.meet, camera=camera))
        return await self._read(partial(service.standing_of, device=camera.device))

    async def _steps(self, entry: DeviceEntry, carrier: ListCarrier) -> None:
        camera = _camera_of(entry)
        lot = await self._read(partial(facility.lot_by_id, lot=entry.lot))
        # A list that cannot be read back is told of all the same: who is blocked must come off it.
        unread = await self._compare(camera, entry, carrier, lot.zone)
        trouble, refused = None, set[Id]()
        while self._is_still(entry):
            telling = await self._read(partial(service.next_telling, camera=camera, without=frozenset(refused)))
            if telling.step and trouble is None:
                trouble = await self._tell(camera, telling, entry, carrier, lot.zone, refused)
            await self._note(camera, telling, trouble or (REFUSED if refused else unread))
            if trouble is not None or not telling.step or len(refused) >= REFUSED_MAX:
                return
            await asyncio.sleep(REST_S)

    async def _tell(
        self, camera: Camera, telling: Telling, entry: DeviceEntry, carrier: ListCarrier, zone: str,
        refused: set[Id],
    ) -> str | None:  # fmt: skip
        """Tell a camera one step; returns why it was not done. Cars that it does not take, or does not drop, become
        ``refused``.
        """
        await self._write(partial(service.begin, camera=camera, step=telling.step))
        within_s = carrier.within_s

        async def dropped(cars: Sequence[Car]) -> Mapping[str, str]:
            await carrier.drop(entry, cars)
            return {}

        async def put(cars: Sequence[Car]) -> Mapping[str, str]:
            return await carrier.put(entry, cars, zone)

        try:
            _, not_dropped = await _one_by_one_if_refused(telling.drop, dropped, within_s)
            marks, not_taken = await _one_by_one_if_refused(telling.put, put, within_s)
        except TimeoutError:
            return "timeout"
        except Problem as problem:
            return problem.code
        done = telling.without(not_taken, not_dropped)
        refused |= telling.plates() - done.plates()
        await self._write(partial(service.confirm, camera=camera, telling=done, marks=marks))
        return None

    async def _compare(self, camera: Camera, entry: DeviceEntry, carrier: ListCarrier, zone: str) -> str | None:
        """Read a camera's list back once a day, and when somebody asks for it."""
        standing = await self._met(camera)
        now = self._database.clocks.machine.now()
        if standing is None or (
            standing.ask_at is None and standing.compared_at is not None and now - standing.compared_at < COMPARED_US
        ):
            return None
        try:
            async with asyncio.timeout(carrier.within_s):
                found = await carrier.held(entry, zone)
        except TimeoutError:
            return "timeout"
        except Problem as problem:
            return problem.code
        if found is not None:
            differences, there = await self._read(partial(service.differences_of, camera=camera, found=found))
            for start in range(0, len(differences), STEP_MAX):  # small units: lanes go in between
                part = differences[start : start + STEP_MAX]
                await self._write(partial(service.note_differences, camera=camera, differences=part))
            for start in range(0, len(there), STEP_MAX):
                rows = there[start : start + STEP_MAX]
                await self._write(partial(service.note_there, camera=camera, rows=rows))
            told = [one for one, _ in differences]
            await self._write(partial(service.note_compared, camera=camera, found=len(found), differences=told))
        else:
            old = standing.compared_at is not None and now - standing.compared_at >= DOUBTED_US
            if standing.compared_at is None or old or standing.ask_at is not None:
                again = old or standing.ask_at is not None
                await self._write(partial(service.note_untold, camera=camera, again=again))
        return None

    def _is_still(self, entry: DeviceEntry) -> bool:
        """Tell whether the same box stands behind the code as when the work began."""
        now = self._directory.by_id(entry.id)
        return now is not None and now.box == entry.box

    async def _note(self, camera: Camera, telling: Telling, trouble: str | None) -> None:
        await self._write(partial(service.note_step, camera=camera, telling=telling, trouble=trouble))

    async def _read(self, query: Callable[[Reader], T]) -> T:
        """Read in a place of one's own: a thousand cameras must not open their lists at once."""
        async with self._places:
            return await self._database.read(query, by=self._by)

    async def _write(self, use_case: Callable[[Unit], object]) -> None:
        await self._database.write(use_case, by=self._by, urgency=Urgency.BACKGROUND)


def _camera_of(entry: DeviceEntry) -> Camera:
    return Camera(entry.id, entry.company, entry.lot, entry.lot_code, entry.code, entry.box)


async def _one_by_one_if_refused(
    cars: Sequence[Car], tell: Callable[[Sequence[Car]], Awaitable[Mapping[str, str]]], within_s: float
) -> tuple[Mapping[str, str], set[str]]:
    """Tell a camera of cars; returns its numbers of records, and the plates of the cars that it refused.

    One car that a camera refuses must not keep the others out, or in: they are told one by one then.
    """
    if not cars:
        return {}, set()
    try:
        async with asyncio.timeout(within_s):
            return await tell(cars), set()
    except Problem as problem:
        if problem.code != REFUSED:
            raise
    if len(cars) == 1:
        return {}, {cars[0].plate}
    marks, refused = dict[str, str](), set[str]()
    for car in cars:
        if len(refused) >= REFUSED_MAX:  # it seems to take none at all
            refused.add(car.plate)
            continue
        some, others = await _one_by_one_if_refused([car], tell, within_s)
        marks |= some
        refused |= others
    return marks, refused
