"""The wire of the stand-in, and the control side by which tests and demos make codes and faults."""

import json
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CODE_S = 300
TOKEN_S = 7_200
OLD_TOKEN_S = 300
TOKEN_LENGTH = 512
FORCED_A_DAY, FORCED_EVERY_S = 20, 30
LOGINS_A_MINUTE = 100
CODES_MAX = 10_000
MESSAGES = {
    -1: "system error", 40001: "invalid credential, access_token is invalid or not latest", 40002: "invalid grant_type",
    40013: "invalid appid", 40029: "invalid code", 40125: "invalid appsecret", 40163: "code been used",
    40226: "code blocked", 41001: "access_token missing", 41008: "missing code", 42001: "access_token expired",
    43002: "require POST method", 45009: "reach max api daily quota limit", 45011: "api minute-quota reach limit",
    47001: "data format error", 47003: "argument invalid",
}  # fmt: skip


@dataclass(slots=True)
class Code:
    """A code that a mini-program would have got."""

    kind: str
    openid: str
    phone: str
    country: str
    made_at: float
    blocked: bool = False
    used: bool = False


@dataclass(slots=True)
class Token:
    """An interface token and until when it holds."""

    text: str
    until: float


@dataclass(slots=True)
class Faults:
    """What goes wrong on demand: so many answers that say the system is busy, and phones of another mini-program."""

    busy: int = 0
    foreign_watermark: bool = False
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Weixin:
    """One mini-program at WeChat."""

    def __init__(self, appid: str, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._appid = appid
        self._secret = secret
        self._clock = clock
        self._codes: dict[str, Code] = {}
        self._tokens: list[Token] = []
        self._forced: deque[float] = deque(maxlen=FORCED_A_DAY)
        self._logins: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=LOGINS_A_MINUTE))
        self._faults = Faults()

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/sns/jscode2session", self.session, methods=["GET"]),
                Route("/cgi-bin/stable_token", self.token, methods=["GET", "POST"]),
                Route("/wxa/business/getuserphonenumber", self.phone, methods=["GET", "POST"]),
                Route("/control/codes", self.make_code, methods=["POST"]),
                Route("/control", self.control, methods=["GET", "POST"]),
            ]
        )

    async def session(self, request: Request) -> Response:
        """Change a login code for the openid and the session key of a user."""
        asked = request.query_params
        fault = self._fault("session")
        if fault is not None:
            return fault
        if asked.get("appid") != self._appid:
            return _error(40013)
        if asked.get("secret") != self._secret:
            return _error(40125)
        if asked.get("grant_type") != "authorization_code":
            return _error(40002)
        found = self._taken(asked.get("js_code"), "login")
        if isinstance(found, int):
            return _error(found)
        now, recent = self._clock(), self._logins[found.openid]
        if len(recent) == LOGINS_A_MINUTE and now - recent[0] < 60:
            return _error(45011)
        recent.append(now)
        # The real one leaves errcode out on success, and says that its JSON is text.
        return _text({"session_key": secrets.token_urlsafe(16), "openid": found.openid})

    async def token(self, request: Request) -> Response:
        """Give the interface token: the same one while it holds, another one only by force."""
        fault = self._fault("token")
        if fault is not None:
            return fault
        body = await _body(request)
        if isinstance(body, int):
            return _error(body)
        if body.get("grant_type") != "client_credential":
            return _error(40002)
        if body.get("appid") != self._appid:
            return _error(40013)
        if body.get("secret") != self._secret:
            return _error(40125)
        force = body.get("force_refresh", False)
        if not isinstance(force, bool):
            return _error(47001)
        now = self._clock()
        last = self._tokens[-1] if self._tokens else None
        if force:
            if self._forced and now - self._forced[-1] < FORCED_EVERY_S:
                return _error(45011)
            if len(self._forced) == FORCED_A_DAY and now - self._forced[0] < 86_400:
                return _error(45009)
            self._forced.append(now)
            if last is not None:
                last.until = min(last.until, now + OLD_TOKEN_S)
        if last is None or force or now >= last.until:
            last = Token(secrets.token_hex(TOKEN_LENGTH // 2), now + TOKEN_S)
            self._tokens = [*self._tokens[-4:], last]
        return JSONResponse({"access_token": last.text, "expires_in": int(last.until - now)})

    async def phone(self, request: Request) -> Response:
        """Change a phone code for a number."""
        fault = self._fault("phone")
        if fault is not None:
            return fault
        refused = self._token_refused(request.query_params.get("access_token"))
        if refused is not None:
            return _error(refused)
        body = await _body(request)
        if isinstance(body, int):
            return _error(body)
        found = self._taken(body.get("code"), "phone")
        if isinstance(found, int):
            return _error(found)
        appid = "wx-of-somebody-else" if self._faults.foreign_watermark else self._appid
        # The country comes as a number as well as a text; whoever reads only one of them breaks here.
        country = int(found.country) if secrets.randbelow(2) else found.country
        return _text({
            "errcode": 0, "errmsg": "ok",
            "phone_info": {
                "phoneNumber": found.phone if found.country == "86" else f"+{found.country}{found.phone}",
                "purePhoneNumber": found.phone, "countryCode": country,
                "watermark": {"timestamp": int(self._clock()), "appid": appid},
            },
        })  # fmt: skip

    async def make_code(self, request: Request) -> Response:
        """Do what a phone would: get a code of a user. ``kind`` is login or phone."""
        asked = await request.json()
        code = secrets.token_urlsafe(24)
        self._codes[code] = Code(
            asked["kind"], asked.get("openid", ""), asked.get("phone", ""), asked.get("country", "86"), self._clock(),
            blocked=asked.get("blocked", False),
        )  # fmt: skip
        while len(self._codes) > CODES_MAX:
            self._codes.pop(next(iter(self._codes)))
        return JSONResponse({"code": code})

    async def control(self, request: Request) -> Response:
        """Cause faults, and tell how often each address was called."""
        if request.method == "POST":
            asked = await request.json()
            self._faults.busy = asked.get("busy", self._faults.busy)
            self._faults.foreign_watermark = asked.get("foreign_watermark", self._faults.foreign_watermark)
            for token in self._tokens if asked.get("expire_tokens") else ():
                token.until = self._clock() - 1
            for code in self._codes.values() if asked.get("expire_codes") else ():
                code.made_at -= CODE_S
        return JSONResponse({"calls": dict(self._faults.calls), "tokens": len(self._tokens)})

    def _fault(self, address: str) -> Response | None:
        self._faults.calls[address] += 1
        if self._faults.busy <= 0:
            return None
        self._faults.busy -= 1
        return _error(-1)

    def _taken(self, text: object, kind: str) -> Code | int:
        """Take a code, once, or return the number of what is wrong with it."""
        if not isinstance(text, str) or not text:
            return 41008
        found = self._codes.get(text)
        if found is None or found.kind != kind or self._clock() - found.made_at >= CODE_S:
            return 40029
        if found.used:
            return 40163
        if found.blocked:
            return 40226
        found.used = True
        return found

    def _token_refused(self, text: str | None) -> int | None:
        if not text:
            return 41001
        found = next((token for token in self._tokens if secrets.compare_digest(token.text, text)), None)
        if found is None:
            return 40001
        return 42001 if self._clock() >= found.until else None


async def _body(request: Request) -> dict[str, Any] | int:
    if request.method != "POST":
        return 43002
    try:
        body = json.loads(await request.body())
    except ValueError:
        return 47001
    return body if isinstance(body, dict) else 47001


def _text(value: object) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), media_type="text/plain")


def _error(code: int) -> Response:
    return _text({"errcode": code, "errmsg": f"{MESSAGES[code]} rid: {secrets.token_hex(4)}"})
