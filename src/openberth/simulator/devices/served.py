"""A camera that is called to move its gate: its small web server with digest, a boom, and the manners of real ones.

A locked boom answers that all is well and does not move. After some wrong passwords nobody gets in for a while. What it
serves is its make's: Hikvision's ISAPI or Dahua's CGI.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from openberth.simulator.boom import Boom, BoomState
from openberth.simulator.devices.hikvision_screen import OwnScreen

_HEAD_MAX = 16 * 1024
_BODY_MAX = 64 * 1024
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_OK = "<ResponseStatus><statusCode>1</statusCode><statusString>OK</statusString></ResponseStatus>"
_NOT_SUPPORTED = (
    "<ResponseStatus><statusCode>4</statusCode><statusString>Invalid Operation</statusString>"
    "<subStatusCode>notSupport</subStatusCode></ResponseStatus>"
)
_LCD = "/ISAPI/Parking/channels/1/LCD"
_SHOWN = "/ISAPI/System/LCDScreen/displayInfo"
_SAID = "/ISAPI/Parking/channels/1/voiceBroadcastInfo"
_BAD_XML = "<ResponseStatus><statusCode>5</statusCode><statusString>Invalid XML Format</statusString></ResponseStatus>"
_OK_JSON = '{"statusCode": 1, "statusString": "OK", "subStatusCode": "ok"}'
_BAD_JSON = '{"statusCode": 6, "statusString": "Invalid Content", "subStatusCode": "badParameters"}'
_NOT_SUPPORTED_JSON = '{"statusCode": 4, "statusString": "Invalid Operation", "subStatusCode": "notSupport"}'
XMLNS = 'xmlns="http://www.hikvision.com/ver20/XMLSchema"'


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered."""

    status: int
    body: str = ""


@dataclass(slots=True)
class Manners:
    """How the camera behaves; may be changed while it runs."""

    wrong_max: int = 5  # wrong passwords in a row before nobody gets in
    nonce_uses: int = 1_000  # before a nonce is stale
    delay_s: float = 0.0  # before an answer
    hangs: bool = False  # takes requests and never answers
    hangs_at: tuple[str, ...] = ()  # what such addresses begin with
    denies_at: tuple[str, ...] = ()  # what such addresses begin with: this user may not, and is told to log in
    drops: bool = False  # does what it is told and hangs up instead of answering
    supports: frozenset[str] = frozenset({"/ISAPI/Parking/channels/1/barrierGate"})


@dataclass(frozen=True, slots=True)
class Listed:
    """A car of the camera's own list, with its days as they were said."""

    plate: str
    since: str
    until: str


@dataclass(slots=True)
class Nonce:
    """A nonce and the counts that were seen with it."""

    uses: int = 0
    counts: set[str] = field(default_factory=set)


class GateServer:
    """One camera's web server. ``asked`` are the requests that got in, ``wrong`` how many passwords were not right."""

    def __init__(
        self, boom: Boom, answer: "Callable[[GateServer, str, str, bytes], Page]", *, user: str = "admin",
        password: str = "secret",  # noqa: S107 - of a simulated device
        manners: Manners | None = None,
    ) -> None:  # fmt: skip
        self.boom = boom
        self.manners = manners or Manners()
        self.asked: list[tuple[str, str]] = []
        self.commands: list[str] = []
        self.connections = 0
        self.wrong = 0
        self.in_a_row = 0
        self.challenges = 0
        self.cars: dict[str, Listed] = {}  # that it lets in alone, by its own number
        self.screen = OwnScreen()
        self.hung: list[str] = []
        self.port = 0
        self._answer = answer
        self._user = user
        self._password = password
        self._nonces: dict[str, Nonce] = {}
        self._server: asyncio.Server | None = None
        self._busy: set[asyncio.Task[None]] = set()

    async def open(self, port: int = 0) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=_HEAD_MAX)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
            for task in tuple(self._busy):
                task.cancel()
            await asyncio.gather(*self._busy, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    @property
    def locked_out(self) -> bool:
        """Whether nobody gets in any more."""
        return self.in_a_row >= self.manners.wrong_max

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "it is one"
        self._busy.add(task)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._busy.discard(task)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(min(int(headers.get("content-length", 0)), _BODY_MAX))
        if self.manners.hangs or target.startswith(self.manners.hangs_at):
            self.hung.append(target)
            await asyncio.Event().wait()
        await asyncio.sleep(self.manners.delay_s)
        page, challenge = self._page(method, target, headers, body)
        if self.manners.drops and page.status == 200:
            return False
        more = f"WWW-Authenticate: {challenge}\r\n" if challenge else ""
        data = page.body.encode()
        writer.write(f"HTTP/1.1 {page.status} x\r\nContent-Length: {len(data)}\r\n{more}\r\n".encode() + data)
        await writer.drain()
        return True

    def _page(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Page, str]:
        said = headers.get("authorization", "")
        if not said.lower().startswith("digest "):
            return self._challenged()
        if self.locked_out:
            return self._challenged()
        fields = {name: quoted or plain for name, quoted, plain in _FIELD.findall(said[7:])}
        nonce = self._nonces.get(fields.get("nonce", ""))
        if nonce is None or nonce.uses >= self.manners.nonce_uses:
            return self._challenged(stale=True)
        if fields.get("response") != self._expected(method, target, fields) or fields.get("nc", "") in nonce.counts:
            self.wrong += 1
            self.in_a_row += 1
            return self._challenged()
        nonce.uses += 1
        nonce.counts.add(fields["nc"])
        self.in_a_row = 0
        self.asked.append((method, target))
        if target.startswith(self.manners.denies_at):
            return self._challenged()
        return self._answer(self, method, target, body), ""

    def _challenged(self, *, stale: bool = False) -> tuple[Page, str]:
        self.challenges += 1
        nonce = secrets.token_hex(16)
        self._nonces[nonce] = Nonce()
        more = ', stale="TRUE"' if stale else ""
        return Page(401), f'Digest realm="camera", qop="auth", nonce="{nonce}", algorithm="MD5"{more}'

    def _expected(self, method: str, target: str, fields: Mapping[str, str]) -> str:
        one = _md5(f"{self._user}:camera:{self._password}") if fields.get("username") == self._user else ""
        two = _md5(f"{method}:{target}")
        parts = (one, fields.get("nonce", ""), fields.get("nc", ""), fields.get("cnonce", ""), "auth", two)
        return _md5(":".join(parts)) if fields.get("uri") == target else ""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def hikvision_answer(server: GateServer, method: str, target: str, body: bytes) -> Page:
    """Answer as ISAPI does."""
    if target.endswith("/barrierGateStatus"):
        state = 2 if server.boom.state is BoomState.OPEN else 1
        return Page(
            200, f"<BarrierGateStatus {XMLNS}><barrierGateStatus>{state}</barrierGateStatus></BarrierGateStatus>"
        )
    if method == "PUT" and target in server.manners.supports:
        mode = re.search(rb"<ctrlMode>(\w+)</ctrlMode>", body)
        word = mode[1].decode() if mode else "output"
        _move(server, word)
        return Page(200, _OK)
    if method == "PUT" and target in ("/ISAPI/System/time", "/ISAPI/System/reboot"):
        server.commands.append(target.rpartition("/")[2])
        if target.endswith("/reboot"):
            server.screen.lose_power()
        return Page(200, _OK)
    if target.partition("?")[0] in (_LCD, _SHOWN, _SAID):
        return _hikvision_screen(server.screen, method, target, body)
    if target == "/ISAPI/ITC/Entrance/VCL":
        return _hikvision_list(server, method, body.decode())
    return Page(403, _NOT_SUPPORTED) if target.startswith("/ISAPI/Parking/") else Page(404)


def _hikvision_screen(screen: OwnScreen, method: str, target: str, body: bytes) -> Page:
    path = target.partition("?")[0]
    if not (screen.has_voice if path == _SAID else screen.has_display):
        return Page(403, _NOT_SUPPORTED if path == _SAID else _NOT_SUPPORTED_JSON)
    if (method, path) == ("PUT", _SAID):
        return Page(200, _OK) if screen.speak(body) else Page(400, _BAD_XML)
    if (method, path) == ("GET", _LCD):
        return Page(200, screen.setup())
    take = {("PUT", _LCD): screen.set_up, ("POST", _SHOWN): screen.show}.get((method, path))
    return Page(200, _OK_JSON) if take is not None and take(body) else Page(400, _BAD_JSON)


def _hikvision_list(server: GateServer, method: str, body: str) -> Page:
    def said(name: str, text: str) -> str:
        found = re.search(rf"<{name}>([^<]*)</{name}>", text)
        return found[1] if found else ""

    if method == "PUT":
        for one in re.findall(r"<singleVCLData>(.*?)</singleVCLData>", body):
            server.cars[said("plateNum", one)] = Listed(
                said("plateNum", one), said("startTime", one), said("endTime", one)
            )
        return Page(200, _OK)
    if method == "DELETE":
        server.cars.pop(said("plateNum", body), None)
        return Page(200, _OK)
    first, most = int(said("startOffSet", body)), int(said("getVCLNum", body))
    told = "".join(
        f"<singleVCLData><plateNum>{one.plate}</plateNum><startTime>{one.since}</startTime>"
        f"<endTime>{one.until}</endTime></singleVCLData>"
        for one in list(server.cars.values())[first : first + most]
    )
    return Page(
        200,
        f"<GetVCLData {XMLNS}><numTotal>{len(server.cars)}</numTotal><VCLDataList>{told}</VCLDataList></GetVCLData>",
    )


def dahua_answer(server: GateServer, method: str, target: str, body: bytes) -> Page:
    """Answer as the CGI does."""
    parts = urlsplit(target)
    action = parse_qs(parts.query).get("action", [""])[0]
    if parts.path == "/cgi-bin/trafficSnap.cgi" and action in ("openStrobe", "closeStrobe"):
        _move(server, "open" if action == "openStrobe" else "close")
        return Page(200, "OK\r\n")
    if (parts.path, action) in (("/cgi-bin/global.cgi", "setCurrentTime"), ("/cgi-bin/magicBox.cgi", "reboot")):
        server.commands.append(action)
        return Page(200, "OK\r\n")
    if parts.path in ("/cgi-bin/recordUpdater.cgi", "/cgi-bin/recordFinder.cgi"):
        return _dahua_list(server, action, {name: values[0] for name, values in parse_qs(parts.query).items()})
    return Page(400, "Error\r\nBad Request!\r\n")


def _dahua_list(server: GateServer, action: str, said: Mapping[str, str]) -> Page:
    if action in ("insert", "update"):
        number = said.get("recno") or str(1_000 + len(server.asked))
        server.cars[number] = Listed(said["PlateNumber"], said["BeginTime"], said["CancelTime"])
        return Page(200, f"RecNo={number}\r\n" if action == "insert" else "OK\r\n")
    if action == "remove":
        known = server.cars.pop(said["recno"], None)
        return Page(200, "OK\r\n") if known else Page(400, "Error\r\nBad Request!\r\n")
    if action == "removeEx":
        plate = said["condition.PlateNumber"]
        server.cars = {number: one for number, one in server.cars.items() if one.plate != plate}
        return Page(200, "OK\r\n")
    first, most = int(said["offset"]), int(said["count"])
    some = list(server.cars.items())[first : first + most]
    lines = [f"totalCount={len(server.cars)}", f"found={len(some)}"]
    for place, (number, one) in enumerate(some):
        lines += [
            f"records[{place}].RecNo={number}", f"records[{place}].PlateNumber={one.plate}",
            f"records[{place}].BeginTime={one.since}", f"records[{place}].CancelTime={one.until}",
            f"records[{place}].AuthorityList.OpenGate=true",
        ]  # fmt: skip
    return Page(200, "\r\n".join(lines) + "\r\n")


def _move(server: GateServer, word: str) -> None:
    server.commands.append(word)
    if word in ("open", "output"):
        server.boom.raise_()
    elif word == "close":
        server.boom.lower()
    elif word == "stop":
        server.boom.stop()
    elif word == "unlock":
        server.boom.lock(False)
