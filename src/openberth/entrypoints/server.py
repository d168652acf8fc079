"""The server process: every role of the settings in one event loop, until it is told to stop."""

import asyncio
import contextlib
import errno
import faulthandler
import gc
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import structlog
import uvicorn
import uvloop
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from openberth.bootstrap import DeviceRoom, House, open_house
from openberth.entrypoints.patience import patient
from openberth.entrypoints.proxies import behind
from openberth.entrypoints.tls import Certificate
from openberth.entrypoints.web import build_app
from openberth.gateways.cameras.families import PUSHING
from openberth.gateways.sensors.http_port import MAKES as SENSORS
from openberth.infra.http.limits import AddressRange
from openberth.infra.http.problems import WrongMethod, problem_response
from openberth.infra.http.safety import SAFE_HEADERS
from openberth.infra.place import PLACE_FILE
from openberth.infra.settings import Settings
from openberth.infra.telemetry import setup_logging
from openberth.kernel.errors import Refused

KEEP_ALIVE_S = 75
GRACE_S = 5
BACKLOG = 2_048
CONNECTIONS_MAX = 4_000
WS_MESSAGE_MAX = 65_536
STEADY = (700, 10, 10)  # the collector's portions while it serves: small ones, unlike those of a start

log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ``Problem`` when the process cannot start."""
    setup_logging(settings.log.level, settings.log.format)
    # Where a library in C breaks, the process ends without a word; then its log says at least what each thread did.
    faulthandler.enable()
    uvloop.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Serve every role of the settings. Ports are taken before anything else, so that a clash changes nothing."""
    certificate = None if settings.http.tls is None else Certificate(settings.http.tls)
    with contextlib.ExitStack() as ports:
        http = ports.enter_context(listening(settings.http.host, settings.http.port))
        barriers = mqtt = sensors = None
        if "devices" in settings.roles:
            barriers = ports.enter_context(listening(settings.barrier.host, settings.barrier.port))
            sensors = ports.enter_context(listening(settings.sensor.host, settings.sensor.port))
            if settings.mqtt.broker is None:
                mqtt = ports.enter_context(listening(settings.mqtt.host, settings.mqtt.port))
        async with open_house(settings) as house:
            await _serve_house(house, _Sockets(http, barriers, mqtt, sensors), certificate)


class _Sockets(NamedTuple):
    http: socket.socket
    barriers: socket.socket | None
    mqtt: socket.socket | None
    sensors: socket.socket | None


async def _serve_house(house: House, sockets: _Sockets, certificate: Certificate | None) -> None:
    settings = house.settings
    devices = sockets.barriers is not None
    app: ASGIApp = build_app(house)
    if devices:
        app = DeviceFront(app, house.devices.cameras.serve, house.devices.sensors.serve)
    proxies = AddressRange.parse(settings.http.trusted_proxies)
    server = _Server(
        uvicorn.Config(
            behind(app, proxies),
            http=patient(proxies),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
            limit_concurrency=CONNECTIONS_MAX,
            backlog=BACKLOG,
            server_header=False,
            ws_max_size=WS_MESSAGE_MAX,
            ssl_context_factory=None if certificate is None else lambda _config, _default: certificate.context,
            proxy_headers=False,  # uvicorn would believe the loopback; ``behind`` believes whom the settings name
        )
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    mqtt_certificate = None if settings.mqtt.tls is None else Certificate(settings.mqtt.tls, http=False)
    ports = await _let_devices_in(house.devices, sockets, mqtt_certificate)
    # What is here now stays: the collector would walk it again and again, tens of milliseconds in front of a gate.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*STEADY)
    work = asyncio.create_task(house.run(), name="house")
    serving = asyncio.create_task(_serve_http(server, sockets.http), name="http")
    certificates = [one for one in (certificate, mqtt_certificate) if one is not None]
    watching = [asyncio.create_task(one.watch(), name="certificate") for one in certificates]
    place = settings.data / PLACE_FILE
    place.write_text(json.dumps({"pid": os.getpid(), **ports}), encoding="utf-8")
    log.info("server.ready", database=house.database.kind, http_port=ports.pop("port"), **ports)
    try:
        await asyncio.wait({asyncio.create_task(stop.wait()), work, serving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        place.unlink(missing_ok=True)
        server.should_exit = True
        if devices:
            await house.devices.stop()
        await asyncio.gather(serving, return_exceptions=True)
        background = [work, *watching]
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        log.info("server.stopped")


async def _let_devices_in(room: DeviceRoom, sockets: _Sockets, certificate: Certificate | None) -> dict[str, int]:
    """Answer at every socket there is; return the ports by name, 0 where nobody listens."""
    ports = {"port": sockets.http.getsockname()[1], "barrier_port": 0, "mqtt_port": 0, "sensor_port": 0}
    if sockets.barriers is not None:
        _, ports["barrier_port"] = await room.barriers.server.start_on(sockets.barriers)
    if sockets.mqtt is not None:
        tls = None if certificate is None else certificate.context
        _, ports["mqtt_port"] = await room.mqtt.endpoint.start_on(sockets.mqtt, tls=tls)
    if sockets.sensors is not None:
        _, ports["sensor_port"] = await room.magnetic.start_on(sockets.sensors)
    return ports


async def _serve_http(server: uvicorn.Server, http: socket.socket) -> None:
    await server.serve(sockets=[http])


DEVICES = "/devices/"
Served = Callable[[Request, str, str], Awaitable[Response]]


class DeviceFront:
    """Sends what devices push straight to their port, past everything that people and programs need.

    A camera's request needs no token, no documents and no log line; measured, the layers in between cost it a third,
    and a router of two routes as much as reading the request. The secret is the part of the path behind the make.
    """

    def __init__(self, app: ASGIApp, cameras: Served, sensors: Served) -> None:
        self._app = app
        self._cameras = cameras
        self._sensors = sensors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        make, rest = _pushed(scope["path"]) if scope["type"] == "http" else ("", "")
        if make:
            answer = await self._device(Request(scope, receive), make, rest)
            answer.raw_headers += SAFE_HEADERS
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _device(self, request: Request, make: str, rest: str) -> Response:
        if request.method != "POST":
            return problem_response(WrongMethod(("POST",)), request.scope)
        served = self._cameras if make in PUSHING else self._sensors
        return await served(request, make, rest)


def _pushed(path: str) -> tuple[str, str]:
    """Return the make whose devices push to a path, and what stands behind it; nothing for any other path."""
    if not path.startswith(DEVICES):
        return "", ""
    make, _, rest = path[len(DEVICES) :].partition("/")
    return (make, rest) if rest and (make in PUSHING or make in SENSORS) else ("", "")


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: we tell it when to stop, after the barriers have hung up."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def _why_not_listening(error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "server.address"
    return "server.port_denied" if error.errno in (errno.EACCES, errno.EPERM) else "server.port_taken"


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Hold a listening socket.

    Raises ``Refused`` with the port: ``server.port_taken``, ``server.port_denied`` (privileged), ``server.address``
    (none of this machine).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            reason = str(error.strerror or error)
            raise Refused(_why_not_listening(error), host=host, port=port, reason=reason) from error
        listener.listen(BACKLOG)
        listener.setblocking(False)
        yield listener
    finally:
        listener.close()
