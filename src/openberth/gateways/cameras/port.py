"""Cameras that push over HTTP: one plain route for each make, the same for every message of a camera.

The route goes by the make and the secret in the path (which camera), the address (whether it may), and the body (what
it says; the make's own file reads it). The answer leaves once the fact is on disk.
"""

import asyncio
import time

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from openberth.contexts.facility import Heartbeat as Held
from openberth.contexts.facility import Outcome
from openberth.contexts.facility.reactions import CommandDispatcher, DeviceDirectory, DeviceEntry, Strays
from openberth.gateways.cameras.desk import PUSHES, CameraDesk
from openberth.gateways.cameras.errands import Errands
from openberth.gateways.cameras.families import PUSHING
from openberth.gateways.cameras.family import Answer, HttpFamily, Reply, SerialFrame
from openberth.gateways.cameras.pushes import CommandReply, GatePush, Heartbeat, InputPush, ListPush, PlatePush, Push
from openberth.gateways.cameras.screens import LaneScreens
from openberth.gateways.cameras.signed import Signers
from openberth.infra.buckets import Buckets, Rate
from openberth.infra.buckets import per_minute as rate_per_minute
from openberth.infra.http.bodies import bounded_body
from openberth.infra.http.limits import limit_key
from openberth.infra.http.problems import TooMany, problem_response
from openberth.infra.http.signatures import claims_to_be_signed
from openberth.infra.telemetry import histogram
from openberth.kernel.errors import Denied, Malformed, NotFound, Problem, Unknown
from openberth.kernel.ids import Id

BODY_S = 10.0
STRANGERS_BODY, STRANGERS_BODY_S = 4_096, 2.0  # a heartbeat says who it is; more is not read of strangers
COMET_S = 5.0
STRANGERS = rate_per_minute("stranger", 120)  # of one address that belongs to no camera

_ANSWER_S = histogram("openberth_camera_answer_seconds", "Seconds from a recognition's arrival to its answer.")

log = structlog.get_logger()


class NotServed(Problem):
    """Nothing is stored, for whatever reason: come again."""

    status = 503
    retry_after_s = 1


class CutOff(Problem):
    """A body that did not come, or not in time."""

    status = 400


class CameraPort:
    """Serves ``POST /devices/MAKE/SECRET`` and everything below it."""

    def __init__(
        self, *, desk: CameraDesk, directory: DeviceDirectory, dispatcher: CommandDispatcher, buckets: Buckets,
        per_minute: int, strays: Strays, screens: LaneScreens, errands: Errands,
        signers: Signers,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._directory = directory
        self._dispatcher = dispatcher
        self._buckets = buckets
        self._strays = strays
        self._screens = screens
        self._errands = errands
        self._signers = signers
        self._rate = rate_per_minute("device", per_minute, burst=max(1, per_minute // 6))
        self._polls: dict[Id, asyncio.Future[bool]] = {}
        self._proved: dict[Id, str] = {}  # from where devices that sign did so last

    async def serve(self, request: Request, make: str, rest: str) -> Response:
        """Answer one message of a camera; ``make`` is a word of ``PUSHING``, ``rest`` the path behind it."""
        address = request.client.host if request.client else ""
        secret, _, below = rest.partition("/")
        kind, family = PUSHING[make]
        signed = claims_to_be_signed(request.headers)
        camera = self._signers.named(kind, secret) if signed else self._directory.camera_by_secret(secret)
        if camera is None or camera.kind is not kind:
            return await self._stranger(request, make, below, address)
        if not camera.networks.admits(address):
            self._strays.came(camera, address=address, method="POST", route=f"/devices/{make}/{{secret}}")
            return _refusal(request, Denied("device.wrong_address"), "address")
        began = time.perf_counter()
        try:
            push = await self._heard(request, camera, family, below, address, signed=signed)
        except (ClientDisconnect, TimeoutError):
            return _refusal(request, CutOff("device.cut_off"), "cut_off")
        except Problem as refusal:  # the camera keeps what it has and sends it again, if that is of any use
            outcome = _outcome_of(refusal)
            log.info("camera.refused", outcome=outcome, device=camera.code, lot=camera.lot_code, why=str(refusal))
            return _refusal(request, refusal, outcome)
        try:
            reply = await self._reply(request, camera, family, push, address)
        except Problem as problem:  # nothing is stored: the camera keeps its record and sends it again
            log.warning("camera.not_served", device=camera.code, lot=camera.lot_code, code=problem.code)
            return _refusal(request, NotServed(problem.code, **problem.params), "overloaded")
        if isinstance(push, PlatePush):
            _ANSWER_S.observe(time.perf_counter() - began)
        return Response(reply.body, reply.status, media_type=reply.media_type)

    async def _heard(
        self, request: Request, camera: DeviceEntry, family: HttpFamily, below: str, address: str, *, signed: bool
    ) -> Push:  # fmt: skip
        """Read and prove one message of a camera. Raises ``Problem``, ``TimeoutError`` and ``ClientDisconnect``."""
        if signed:
            await self._may_prove(camera, address)
        else:
            await self._take_turn(self._rate, camera.id.hex)
        async with asyncio.timeout(BODY_S):
            body = await bounded_body(request, family.MAX_BODY)
        if signed:
            await self._signers.check(request, camera, body)
            self._proved[camera.id] = limit_key(address)
            await self._take_turn(self._rate, camera.id.hex)
        push = family.decode(body, request.headers.get("content-type", ""), below)
        if camera.serial and push.serial is not None and push.serial != camera.serial:
            raise Denied("device.wrong_serial")
        return push

    async def _may_prove(self, camera: DeviceEntry, address: str) -> None:
        """Let somebody be read who says that it signs. The device's own turn comes when that is proved, for its address
        is no secret; where it has never proved itself from, everybody is a stranger.
        """
        peer = limit_key(address)
        if self._proved.get(camera.id) == peer:
            await self._take_turn(self._rate, f"{camera.id.hex} {peer}")
        else:
            await self._take_turn(STRANGERS, peer)

    async def _take_turn(self, rate: Rate, whose: str) -> None:
        taken = await self._buckets.take(rate, whose)
        if not taken.granted:
            raise TooMany(taken.retry_after_s)

    async def _reply(
        self, request: Request, camera: DeviceEntry, family: HttpFamily, push: Push, address: str
    ) -> Reply:
        match push:
            case PlatePush():
                seen = self._desk.placed(camera, push, address)
                answer = await self._desk.recognised(camera, seen, address)
                shown = self._screens.decided(camera, answer)
                return family.answered(push, Answer(answer.opens and not seen.offline, shown))
            case InputPush():
                await self._desk.input_changed(camera, push, address)
            case GatePush():
                await self._desk.gate_told(camera, push, address)
            case Heartbeat():
                self._desk.lives(camera, push, address)
                return await self._beat(request, camera, family, push)
            case CommandReply() | ListPush():
                self._desk.presence.seen(camera, address=address)
                PUSHES.labels("reply").inc()
                self._errands.told(camera.id, push)
            case _:
                self._desk.presence.seen(camera, address=address)
                PUSHES.labels("noted").inc()
        return family.noted(push)

    async def _beat(self, request: Request, camera: DeviceEntry, family: HttpFamily, push: Heartbeat) -> Reply:
        """Answer a heartbeat; a held one waits for a command, and a newer request of the camera takes it over."""
        PUSHES.labels("heartbeat").inc()
        self._errands.came(camera.id, push.has_list)
        if not camera.kind.wire.answered or camera.heartbeat is Held.PLAIN:
            return self._noted(camera, family, push, await self._screens.due(camera))
        if not camera.kind.wire.held:
            told = await self._waiting(camera, family)
            return told or self._noted(camera, family, push, await self._screens.due(camera))
        earlier = self._polls.get(camera.id)
        if earlier is not None:  # the camera has given that request up: a command must not be answered into it
            earlier.cancel()
        waiting = asyncio.ensure_future(self._dispatcher.ready(camera.id, COMET_S))
        gone = asyncio.ensure_future(_disconnected(request))
        errand = asyncio.ensure_future(self._errands.next(camera.id))
        shows = asyncio.ensure_future(self._screens.next(camera)) if self._screens.has(camera.id) else None
        self._polls[camera.id] = waiting
        try:
            await asyncio.wait(
                [one for one in (waiting, gone, errand, shows) if one is not None],
                return_when=asyncio.FIRST_COMPLETED,
            )
            newest = self._polls.get(camera.id) is waiting  # else a newer request of the camera has taken over
            if gone.done() or not newest:
                return family.noted(push)
            if waiting.done() and not waiting.cancelled() and waiting.result():
                told = await self._waiting(camera, family)  # a gate goes first; its display follows at once
                if told is not None:
                    return told
            frames: tuple[SerialFrame, ...] = ()
            if shows is not None and shows.done():
                frames, shows = shows.result(), None
            return self._noted(camera, family, push, frames)
        finally:
            for task in (waiting, gone, errand):
                task.cancel()
            if shows is not None and not shows.cancel() and not shows.cancelled():
                self._screens.missed(camera.id)
            if self._polls.get(camera.id) is waiting:
                del self._polls[camera.id]

    def _noted(
        self, camera: DeviceEntry, family: HttpFamily, push: Heartbeat, frames: tuple[SerialFrame, ...]
    ) -> Reply:
        """Answer a heartbeat without a command, with what the camera's list becomes if there is something to tell."""
        return self._errands.hand(camera.id, frames) or family.noted(push, frames)

    async def _waiting(self, camera: DeviceEntry, family: HttpFamily) -> Reply | None:
        """Return the camera's next command as its answer; None without one, or for one that it cannot be told."""
        commands = await self._dispatcher.take(camera.id, most=1)
        if not commands:
            return None
        reply = family.told(commands[0].kind)
        if reply is None:
            await self._desk.ended(camera, commands[0], Outcome.REJECTED, "not_supported")
        return reply

    async def _stranger(self, request: Request, make: str, below: str, address: str) -> Response:
        taken = await self._buckets.take(STRANGERS, limit_key(address))
        if not taken.granted:
            return _refusal(request, TooMany(taken.retry_after_s), "stranger")
        kind, family = PUSHING[make]
        self._strays.unknown(kind, await _said_serial(request, family, below), address)
        return _refusal(request, NotFound("device.no_secret"), "stranger")


async def _said_serial(request: Request, family: HttpFamily, below: str) -> str:
    """Return the serial that a stranger says it has, empty when it does not say so in a few bytes."""
    declared = request.headers.get("content-length", "")
    if not (declared.isascii() and declared.isdigit() and int(declared[:9]) <= STRANGERS_BODY):
        return ""
    try:
        async with asyncio.timeout(STRANGERS_BODY_S):
            body = await bounded_body(request, STRANGERS_BODY)
        serial = family.decode(body, request.headers.get("content-type", ""), below).serial or ""
    except (ClientDisconnect, TimeoutError, Malformed):
        return ""
    return serial if serial.isprintable() else ""


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


def _outcome_of(refusal: Problem) -> str:
    match refusal:
        case TooMany():
            return "too_often"
        case Denied():
            return "serial"
        case Unknown():
            return "signature"
        case Malformed():
            return "malformed"
    return "overloaded"


def _refusal(request: Request, problem: Problem, outcome: str) -> Response:
    """Count a refusal and say why; a camera goes by the status, whoever installs it by the words."""
    PUSHES.labels(outcome).inc()
    return problem_response(problem, request.scope)
