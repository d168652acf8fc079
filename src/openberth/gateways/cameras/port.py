"""Cameras that push over HTTP: one plain route, the same for every message of a camera.

The route goes by the secret in the path (which camera), the address (whether it may), and the body (what it says). The
answer leaves once the fact is on disk; pictures are stored beside it and hold a gate up for 10 ms at most.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from openberth.contexts import stays
from openberth.contexts.facility import CommandKind, DeviceKind, Heartbeat
from openberth.contexts.facility.reactions import CommandDispatcher, DeviceDirectory, DeviceEntry, Presence, Strays
from openberth.contexts.stays import LaneAnswer, Recognition, picture_name
from openberth.gateways.cameras import vzenith
from openberth.infra.blobs import PictureQueue
from openberth.infra.buckets import Buckets
from openberth.infra.buckets import per_minute as rate_per_minute
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.http.limits import limit_key
from openberth.infra.http.problems import TooMany, problem_response
from openberth.infra.ids import IdSource
from openberth.infra.telemetry import counter, histogram
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Denied, Malformed, NotFound, Overloaded, Problem
from openberth.kernel.ids import Id

PREFIX = "/devices/vzenith/"
ROUTE = "/devices/vzenith/{secret}"
BODY_S = 10.0
COMET_S = 5.0
PICTURE_WAIT_S = 0.01
LOOP_INPUT = 1  # the loop behind the barrier is wired to input 1
STRANGERS = rate_per_minute("stranger", 120)  # of one address that belongs to no camera
JSON = "application/json"

T = TypeVar("T")

_ANSWER_S = histogram("openberth_camera_answer_seconds", "Seconds from a recognition's arrival to its answer.")
_PUSHES = counter("openberth_camera_pushes_total", "Camera messages by what became of them.", ("outcome",))

log = structlog.get_logger()


class TooBig(Malformed):
    """A body longer than any camera's."""

    status = 413


class NotServed(Problem):
    """Nothing is stored, for whatever reason: come again."""

    status = 503
    retry_after_s = 1


class CutOff(Problem):
    """A body that did not come, or not in time."""

    status = 400


class CameraPort:
    """Serves ``POST /devices/vzenith/SECRET`` and everything below it: ``secret`` is that part of the path."""

    def __init__(
        self, *, database: Database, directory: DeviceDirectory, presence: Presence, dispatcher: CommandDispatcher,
        pictures: PictureQueue, ids: IdSource, buckets: Buckets, per_minute: int, strays: Strays,
    ) -> None:  # fmt: skip
        self._database = database
        self._directory = directory
        self._presence = presence
        self._dispatcher = dispatcher
        self._pictures = pictures
        self._ids = ids
        self._buckets = buckets
        self._strays = strays
        self._rate = rate_per_minute("device", per_minute, burst=max(1, per_minute // 6))
        self._polls: dict[Id, asyncio.Future[bool]] = {}

    async def serve(self, request: Request, secret: str) -> Response:
        """Answer one message of a camera."""
        address = request.client.host if request.client else ""
        camera = self._directory.camera_by_secret(secret)
        if camera is None or camera.kind is not DeviceKind.VZENITH_HTTP:
            return await self._stranger(request, address)
        if not camera.networks.admits(address):
            self._strays.came(camera, address=address, method="POST", route=ROUTE)
            return _refusal(request, Denied("device.wrong_address"), "address")
        taken = await self._buckets.take(self._rate, camera.id.hex)
        if not taken.granted:  # the camera keeps what it has and sends it again
            log.warning("camera.too_often", device=camera.code, lot=camera.lot_code)
            return _refusal(request, TooMany(taken.retry_after_s), "too_often")
        began = time.perf_counter()
        try:
            async with asyncio.timeout(BODY_S):
                body = await _body(request)
            push = vzenith.decode(body, request.headers.get("content-type", ""))
        except (ClientDisconnect, TimeoutError):
            return _refusal(request, CutOff("device.cut_off"), "cut_off")
        except Malformed as refusal:
            log.info("camera.malformed", device=camera.code, lot=camera.lot_code, why=str(refusal))
            return _refusal(request, refusal, "malformed")
        if camera.serial and getattr(push, "serial", camera.serial) != camera.serial:
            return _refusal(request, Denied("device.wrong_serial"), "serial")
        try:
            answer = await self._answer(request, camera, push, address)
        except Problem as problem:  # nothing is stored: the camera keeps its record and sends it again
            log.warning("camera.not_served", device=camera.code, lot=camera.lot_code, code=problem.code)
            return _refusal(request, NotServed(problem.code, **problem.params), "overloaded")
        if isinstance(push, vzenith.PlatePush):
            _ANSWER_S.observe(time.perf_counter() - began)
        return answer

    async def _answer(self, request: Request, camera: DeviceEntry, push: vzenith.Push, address: str) -> Response:
        match push:
            case vzenith.PlatePush():
                offset = None if push.recognition.offline else self._offset_us(push.recognition)
                self._presence.seen(camera, address=address, clock_offset_us=offset)
                return await self._recognised(camera, push, address)
            case vzenith.InputPush():
                self._presence.seen(camera, address=address)
                return await self._input(camera, push, address)
            case vzenith.Heartbeat():
                self._presence.seen(camera, address=address)
                return await self._heartbeat(request, camera, address)
            case vzenith.OtherPush():
                self._presence.seen(camera, address=address)
        _PUSHES.labels("noted").inc()
        return _done(vzenith.comet_idle())

    async def _recognised(self, camera: DeviceEntry, push: vzenith.PlatePush, address: str) -> Response:
        seen = push.recognition
        passage = self._ids.new_id()
        kept = self._keep(passage, seen)  # beside the unit, not after it
        answer = await self._decided(camera, seen, passage, address)
        if answer.passage != passage:
            kept = self._kept_elsewhere(passage, answer, seen)
        if kept is not None and not kept.done():
            await asyncio.wait((kept,), timeout=PICTURE_WAIT_S)
        _PUSHES.labels("repeated" if answer.repeated else answer.action.value).inc()
        if seen.offline:
            return _done(vzenith.answer_offline(push.plate_id))
        return _done(vzenith.answer_open(push.plate_id) if answer.opens else vzenith.answer_wait(push.plate_id))

    async def _decided(self, camera: DeviceEntry, seen: Recognition, passage: Id, address: str) -> LaneAnswer:
        """Decide in one unit; if deciding raises, keep the fact in another one with a case for a person."""
        by = _caller(camera, address)
        case = _Case(camera, passage, seen)
        try:
            return await self._write(case.recognise, by)
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

    async def _input(self, camera: DeviceEntry, push: vzenith.InputPush, address: str) -> Response:
        if push.number == LOOP_INPUT and push.level:
            await self._write(partial(stays.car_passed, lane=camera.lane, device=camera.id), _caller(camera, address))
        _PUSHES.labels("input").inc()
        return _done(vzenith.comet_idle())

    async def _heartbeat(self, request: Request, camera: DeviceEntry, address: str) -> Response:
        _PUSHES.labels("heartbeat").inc()
        if camera.heartbeat is Heartbeat.PLAIN:
            return _done(vzenith.comet_idle())
        earlier = self._polls.get(camera.id)
        if earlier is not None:  # the camera has given that request up: a command must not be answered into it
            earlier.cancel()
        waiting = asyncio.ensure_future(self._dispatcher.ready(camera.id, COMET_S))
        gone = asyncio.ensure_future(_disconnected(request))
        self._polls[camera.id] = waiting
        try:
            await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
            if gone.done() or not waiting.done() or waiting.cancelled() or not waiting.result():
                return _done(vzenith.comet_idle())
            if self._polls.get(camera.id) is not waiting:  # a newer request of the camera has taken over
                return _done(vzenith.comet_idle())
            commands = await self._dispatcher.take(camera.id, most=1)
        finally:
            waiting.cancel()
            gone.cancel()
            if self._polls.get(camera.id) is waiting:
                del self._polls[camera.id]
        return _done(_ANSWERS.get(commands[0].kind, vzenith.comet_idle)() if commands else vzenith.comet_idle())

    async def _write(self, use_case: Callable[[Unit], T], by: Caller) -> T:
        return await self._database.write(use_case, by=by, urgency=Urgency.LANE)

    def _offset_us(self, seen: Recognition) -> int:
        return int(seen.captured_at) - self._database.clocks.business.now()

    async def _stranger(self, request: Request, address: str) -> Response:
        taken = await self._buckets.take(STRANGERS, limit_key(address))
        if not taken.granted:
            return _refusal(request, TooMany(taken.retry_after_s), "stranger")
        return _refusal(request, NotFound("device.no_secret"), "stranger")


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


_ANSWERS: dict[CommandKind, Callable[[], bytes]] = {
    CommandKind.OPEN: vzenith.comet_open,
    CommandKind.CLOSE: vzenith.comet_close,
}


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > vzenith.MAX_BODY:
        raise TooBig("device.too_large")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > vzenith.MAX_BODY:
            raise TooBig("device.too_large")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


def _caller(camera: DeviceEntry, address: str) -> Caller:
    return Caller(Actor(ActorKind.DEVICE, camera.code, address), Scope(camera.company, (camera.lot,)))


def _done(body: bytes) -> Response:
    return Response(body, media_type=JSON)


def _refusal(request: Request, problem: Problem, outcome: str) -> Response:
    """Count a refusal and say why; a camera goes by the status, whoever installs it by the words."""
    _PUSHES.labels(outcome).inc()
    return problem_response(problem, request.scope)


def _note_lost_pictures(future: "asyncio.Future[None]") -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        log.warning("camera.pictures_lost", error=str(error))
