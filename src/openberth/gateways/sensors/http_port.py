"""Sensors that push over HTTP: a LoRaWAN server's events and what space cameras see. One plain route for each.

The route goes by the word and the secret in the path (which collector), the address (whether it may), and the body. The
answer leaves once what was said is on disk; what was refused comes again.
"""

import asyncio
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from openberth.contexts.facility import DeviceKind, Reading
from openberth.contexts.facility.reactions import CollectorDirectory, CollectorEntry, SensorDesk, Strays
from openberth.gateways.cameras.port import BODY_S, STRANGERS, CutOff, NotServed
from openberth.gateways.sensors import chirpstack, space_camera
from openberth.infra.buckets import Buckets
from openberth.infra.buckets import per_minute as rate_per_minute
from openberth.infra.http.bodies import bounded_body
from openberth.infra.http.limits import limit_key
from openberth.infra.http.problems import TooMany, problem_response
from openberth.infra.telemetry import counter
from openberth.kernel.errors import Denied, Malformed, NotFound, Problem

MAKES = {
    kind.wire.pushes: kind for kind in (DeviceKind.CHIRPSTACK_HTTP, DeviceKind.SPACE_CAMERA_HTTP) if kind.wire.pushes
}
BODY_MAX = max(chirpstack.BODY_MAX, space_camera.BODY_MAX)

_PUSHES = counter("openberth_sensor_pushes_total", "What sensors pushed, by what became of it.", ("outcome",))

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Said:
    """What a message says, as far as it is about spaces."""

    readings: tuple[Reading, ...]
    key: str | None = None
    serial: str | None = None


class SensorPort:
    """Serves ``POST /devices/chirpstack/SECRET`` and ``POST /devices/space-camera/SECRET``."""

    def __init__(
        self, *, desk: SensorDesk, directory: CollectorDirectory, buckets: Buckets, per_minute: int, strays: Strays,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._directory = directory
        self._buckets = buckets
        self._strays = strays
        self._rate = rate_per_minute("collector", per_minute, burst=max(1, per_minute // 6))

    async def serve(self, request: Request, make: str, rest: str) -> Response:
        """Answer one message; ``make`` is a word of ``MAKES``, ``rest`` the path behind it."""
        address = request.client.host if request.client else ""
        secret, _, _ = rest.partition("/")
        entry = self._directory.by_secret(secret)
        if entry is None or entry.kind is not MAKES[make]:
            return await self._stranger(request, make, address)
        if not entry.networks.admits(address):
            self._strays.came(entry, address=address, method="POST", route=f"/devices/{make}/{{secret}}")
            return _refusal(request, Denied("device.wrong_address"), "address")
        taken = await self._buckets.take(self._rate, entry.id.hex)
        if not taken.granted:
            return _refusal(request, TooMany(taken.retry_after_s), "too_often")
        try:
            said = await self._read(request, entry)
        except (ClientDisconnect, TimeoutError):
            return _refusal(request, CutOff("device.cut_off"), "cut_off")
        except Malformed as refusal:
            log.info("sensors.malformed", collector=entry.code, lot=entry.lot_code, why=str(refusal))
            return _refusal(request, refusal, "malformed")
        except Problem as problem:
            return _refusal(request, NotServed(problem.code, **problem.params), "overloaded")
        if entry.serial and said.serial not in (None, entry.serial):
            return _refusal(request, Denied("device.wrong_serial"), "serial")
        return await self._take(request, entry, said, address)

    async def _take(self, request: Request, entry: CollectorEntry, said: _Said, address: str) -> Response:
        self._desk.heard(entry, address=address)
        unknown: tuple[str, ...] = ()
        if said.readings:
            try:
                found = await self._desk.take(entry, said.readings, address=address, key=said.key)
            except Problem as problem:  # nothing is stored: it comes again
                log.warning("sensors.not_served", collector=entry.code, lot=entry.lot_code, code=problem.code)
                return _refusal(request, NotServed(problem.code, **problem.params), "overloaded")
            unknown = found.unknown
        _PUSHES.labels("taken" if said.readings else "noted").inc()
        return JSONResponse({"ok": True, "unknown": list(unknown)})

    async def _read(self, request: Request, entry: CollectorEntry) -> _Said:
        async with asyncio.timeout(BODY_S):
            body = await bounded_body(request, BODY_MAX)
        if entry.kind is DeviceKind.SPACE_CAMERA_HTTP:
            seen = space_camera.decode(body)
            return _Said(seen.readings, seen.key, seen.serial)
        said = chirpstack.decode(request.query_params.get("event", ""), body)
        if said is None:
            return _Said(())
        if isinstance(said, chirpstack.Status):
            reading = chirpstack.battery_of(said)
        else:
            model = await self._desk.model_of(entry, said.device)
            # A sensor that nobody knows is named in the answer and in the log, and changes nothing.
            reading = Reading(said.device, None, {}) if model is None else chirpstack.reading_of(said, model)
        return _Said(() if reading is None else (reading,), said.key)

    async def _stranger(self, request: Request, make: str, address: str) -> Response:
        taken = await self._buckets.take(STRANGERS, limit_key(address))
        if not taken.granted:
            return _refusal(request, TooMany(taken.retry_after_s), "stranger")
        self._strays.unknown(MAKES[make], "", address)
        return _refusal(request, NotFound("device.no_secret"), "stranger")


def _refusal(request: Request, problem: Problem, outcome: str) -> Response:
    _PUSHES.labels(outcome).inc()
    return problem_response(problem, request.scope)
