"""The application with its device port, asked byte by byte: what is sent is exactly what a row of the table says."""

import asyncio
import base64
import json
import re
import socket
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from openberth.contexts.facility.reactions import (
    CollectorDirectory,
    CommandDispatcher,
    DeviceDirectory,
    Presence,
    SensorDesk,
    Strays,
)
from openberth.entrypoints.patience import patient
from openberth.entrypoints.server import DeviceFront
from openberth.gateways.cameras.desk import CameraDesk
from openberth.gateways.cameras.errands import Errands
from openberth.gateways.cameras.port import CameraPort
from openberth.gateways.cameras.signed import Signers
from openberth.gateways.displays.screens import Screens
from openberth.gateways.sensors.http_port import SensorPort
from openberth.infra.blobs import PictureQueue
from openberth.infra.http.limits import AddressRange
from tests.waiting import PATIENCE_S, eventually
from tests.wire.api.house import CAR, TOKEN, House

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) + b"\xff\xd9"
SERIAL = "8a3f-mall-in-2"
CAMERAS_PER_MINUTE = 6_000


class Bench(House):
    """A house whose application stands behind the port of the cameras, as in the server."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.directory = DeviceDirectory(self.database)
        self.pictures = PictureQueue(self.blobs)
        cameras = CameraPort(
            desk=CameraDesk(
                database=self.database, presence=Presence(self.database), pictures=self.pictures, ids=self.ids
            ),
            directory=self.directory, dispatcher=CommandDispatcher(self.database), buckets=self.buckets,
            per_minute=CAMERAS_PER_MINUTE, strays=Strays(self.database, self.refusals.note),
            screens=Screens(self.database, self.directory, base=""), errands=Errands(self.ids),
            signers=Signers(self.database, self.directory),
        )  # fmt: skip
        self.collectors = CollectorDirectory(self.database)
        sensors = SensorPort(
            desk=SensorDesk(self.database), directory=self.collectors, buckets=self.buckets,
            per_minute=CAMERAS_PER_MINUTE, strays=Strays(self.database, self.refusals.note),
        )  # fmt: skip
        self._server.config.app = DeviceFront(self.app, cameras.serve, sensors.serve)
        self._server.config.http = patient(AddressRange())

    async def _serve(self) -> None:
        self.pictures.start()
        await self.directory.reload()
        self.tail.watch(self.directory.watch)
        following = asyncio.create_task(self.directory.run())
        await super()._serve()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        self.pictures.close()

    def furnish(self) -> None:
        """Let a car come in and another one wait, and learn what things are called."""
        self.look_around()
        self.arrive("in-1", CAR)
        self.arrive("in-2", None)
        self.names = {
            "stay": self.get("/v1/stays", lot="mall")["items"][0]["id"],
            "passage": self.get("/v1/passages", lot="mall")["items"][0]["id"],
            "case": "01900000-0000-7000-8000-000000000000",
            "sign": self.lot["scan_code"],
            "camera": self.post("/v1/lots/mall/devices/cam-in-2/credentials", {}).json()["path"],
        }
        self.post("/v1/accounts", {"login": "desk-1", "name": "Desk", "password": "plum-otter-canal-92"})
        known = Sent("POST", "<camera>", b'{"SerialData": {}}', "application/json", token=False)
        assert eventually(lambda: self.send(known).status == 200)  # the directory follows the log

    def send(self, sent: "Sent") -> "Got":
        """Send a request as it is and read the answer to its end."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as line:
            with suppress(ConnectionError):  # it may be refused before all of it was sent
                line.sendall(sent.bytes_for(self.names))
            return Got.read(line)

    def rows(self) -> dict[str, list[Any]]:
        """Return everything in the database but what only tells of the request itself."""
        connection = sqlite3.connect(self.folder / "openberth.db")
        try:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {
                name: connection.execute(f"SELECT * FROM {name}").fetchall()
                for name in names
                if name not in OF_THE_MOMENT
            }
        finally:
            connection.close()


# Consumers move their cursors, devices are heard, wrong passwords are counted: none of it is what was asked for.
OF_THE_MOMENT = frozenset(("consumer", "device_presence", "account", "lease", "seen", "job"))


@dataclass(frozen=True)
class Sent:
    """A request: method, target and headers as they go over the wire; ``<name>`` is the name of a thing."""

    method: str
    target: str
    body: bytes = b""
    kind: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    token: bool = True
    raw: bytes = field(default=b"", repr=False)  # in place of all of it

    def bytes_for(self, names: dict[str, str]) -> bytes:
        """Return what goes over the wire."""
        if self.raw:
            return self.raw
        lines = [f"{self.method} {_named(self.target, names)} HTTP/1.1", "Host: house", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.token:
            lines.append(f"Authorization: Bearer {TOKEN}")
        if self.kind:
            lines.append(f"Content-Type: {self.kind}")
        chunked = any(name.lower() == "transfer-encoding" for name, _ in self.headers)
        if (self.body or self.method != "GET") and not chunked:
            lines.append(f"Content-Length: {len(self.body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")
        return head + _named_bytes(self.body, names)


@dataclass(frozen=True)
class Got:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    names: tuple[str, ...]  # of headers, each as often as it came

    @classmethod
    def read(cls, line: socket.socket) -> "Got":
        parts = []
        with suppress(ConnectionError):
            while part := line.recv(65_536):
                parts.append(part)
        head, _, body = b"".join(parts).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = [each.partition(": ")[::2] for each in lines]
        status = int(first.split(" ")[1]) if first else 0
        return cls(status, {n.lower(): v for n, v in pairs}, body, tuple(n.lower() for n, _ in pairs))

    @property
    def code(self) -> str:
        """Return the code of the problem, or the first one of a document's mistakes."""
        try:
            told = json.loads(self.body)
        except ValueError:
            return ""
        if not isinstance(told, dict):
            return ""
        code = str(told.get("code", told.get("error", "")))
        if code == "document.mistakes":
            return str(told["errors"][0]["code"])
        return code


def _named(text: str, names: dict[str, str]) -> str:
    return re.sub(r"<([a-z]+)>", lambda found: names.get(found[1], found[0]), text)


def _named_bytes(body: bytes, names: dict[str, str]) -> bytes:
    for name, value in names.items():
        mark = f"<{name}>".encode()
        if mark in body and len(mark) == len(value):  # nothing that changes the length
            body = body.replace(mark, value.encode())
    return body


def push(**changes: Any) -> bytes:
    """Return what a camera pushes, with some fields changed."""
    result: dict[str, Any] = {
        "license": "粤B54321", "colorType": 1, "type": 1, "confidence": 95, "direction": 4, "triggerType": 1,
        "plateid": 7, "isoffline": 0, "timeStamp": {"Timeval": {"sec": 1772416800, "usec": 0}},
        "imageFile": base64.b64encode(JPEG).decode(), "imageFileLen": len(JPEG),
    }  # fmt: skip
    frame = {"AlarmInfoPlate": {"serialno": SERIAL, "ipaddr": "127.0.0.1", "result": {"PlateResult": result | changes}}}
    return json.dumps(frame, ensure_ascii=False).encode()
