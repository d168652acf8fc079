"""Official accounts: the page that sends a browser back with a code, and what the code is changed for.

A person is an openid. The silent scope asks nobody anything, so a browser that said once who it is goes straight back;
one that did not is asked on a page of this stand-in. Codes are good once and for five minutes of machine time.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from openberth.sandbox.page import HEADERS
from openberth.sandbox.wechatpay import pages
from openberth.sandbox.wechatpay.bank import PhoneRefused
from openberth.sandbox.wechatpay.store import Store

CODE_S, TOKEN_S = 300, 7_200
CODES_MAX = 10_000
STATE_MAX = 128
COOKIE = "openid"
ORDER = ["appid", "redirect_uri", "response_type", "scope", "state"]
MESSAGES = {
    -1: "system error", 40002: "invalid grant_type", 40013: "invalid appid", 40029: "invalid code",
    40125: "invalid appsecret", 40163: "code been used", 41008: "missing code",
}  # fmt: skip


@dataclass(slots=True)
class Code:
    """A code that a browser was sent back with."""

    appid: str
    openid: str
    made_at: float
    snapshot: bool
    used: bool = False


class Accounts:
    """The official accounts and the people who visit their pages."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._codes: dict[str, Code] = {}
        self._secrets: dict[str, str] = json.loads(store.meta("official_accounts") or "{}")
        self.busy = 0  # so many answers that say so

    def routes(self) -> list[Route]:
        """Return the routes of the wire and of the phone."""
        return [
            Route("/connect/oauth2/authorize", self.authorize, methods=["GET"]),
            Route("/sns/oauth2/access_token", self.token, methods=["GET"]),
        ]

    def register(self, appid: str, secret: str | None = None) -> str:
        """Register an official account, or a known one anew; return its secret."""
        self._secrets[appid] = secret or self._secrets.get(appid) or secrets.token_hex(16)
        self._store.put_meta("official_accounts", json.dumps(self._secrets))
        return self._secrets[appid]

    def expire(self) -> None:
        """Let every code be over."""
        for code in self._codes.values():
            code.made_at -= CODE_S

    async def authorize(self, request: Request) -> Response:
        """Send a browser back with a code; ask it who it is where that is not known. ``preview`` is the page preview,
        in which the person is a made-up one.
        """
        given = parse_qsl(request.url.query, keep_blank_values=True)
        asked = dict(given)
        why = self._wrong(given, asked)
        if why is not None:
            return _page(pages.refused(why), 400)
        openid = asked.get("openid") or request.cookies.get(COOKIE, "")
        if not openid:
            return _page(pages.who([(name, asked[name]) for name in ORDER], f"o{secrets.token_urlsafe(20)[:27]}"))
        code = secrets.token_urlsafe(24)
        self._codes[code] = Code(asked["appid"], openid, self._clock(), "preview" in asked)
        while len(self._codes) > CODES_MAX:
            self._codes.pop(next(iter(self._codes)))
        back = asked["redirect_uri"]
        joined = "&" if urlsplit(back).query else "?"
        sent = RedirectResponse(f"{back}{joined}{urlencode({'code': code, 'state': asked['state']})}", 302)
        sent.set_cookie(COOKIE, quote(openid), httponly=True, samesite="lax")
        return sent

    async def token(self, request: Request) -> Response:
        """Change a code for the person behind it. The real one says that its JSON is text."""
        if self.busy > 0:
            self.busy -= 1
            return _error(-1)
        asked = request.query_params
        secret = self._secrets.get(asked.get("appid", ""))
        if secret is None:
            return _error(40013)
        if asked.get("secret") != secret:
            return _error(40125)
        if asked.get("grant_type") != "authorization_code":
            return _error(40002)
        if not asked.get("code"):
            return _error(41008)
        found = self._codes.get(asked["code"])
        if found is None or found.appid != asked["appid"] or self._clock() - found.made_at >= CODE_S:
            return _error(40029)
        if found.used:
            return _error(40163)
        found.used = True
        told: dict[str, object] = {
            "access_token": secrets.token_urlsafe(64), "expires_in": TOKEN_S,
            "refresh_token": secrets.token_urlsafe(64), "openid": found.openid, "scope": "snsapi_base",
        }  # fmt: skip
        return _text(told | ({"is_snapshotuser": 1} if found.snapshot else {}))

    def _wrong(self, given: list[tuple[str, str]], asked: dict[str, str]) -> PhoneRefused | None:
        if [name for name, _ in given if name in ORDER] != ORDER:
            return PhoneRefused("参数错误", f"wanted once and in this order: {', '.join(ORDER)}")
        if asked["appid"] not in self._secrets:
            return PhoneRefused("AppID 参数错误", "there is no such official account (10013)")
        if urlsplit(asked["redirect_uri"]).scheme not in ("http", "https"):
            return PhoneRefused("redirect_uri 参数错误", "redirect_uri is no web address (10003)")
        if asked["response_type"] != "code" or asked["scope"] != "snsapi_base":
            return PhoneRefused("scope 参数错误", "only code and snsapi_base are played here (10005)")
        state = asked["state"]
        if not state.isascii() or not state.isalnum() or len(state) > STATE_MAX:
            return PhoneRefused("state 参数错误", "state is up to 128 letters and digits")
        return None


async def register(accounts: Accounts, request: Request) -> Response:
    """Register an account (``appid``, perhaps ``secret``), or cause faults: ``busy`` answers, ``expire_codes``."""
    try:
        asked = json.loads(await request.body())
        told: dict[str, str] = {}
        if "appid" in asked:
            told = {"appid": asked["appid"], "secret": accounts.register(str(asked["appid"]), asked.get("secret"))}
        accounts.busy = int(asked.get("busy", accounts.busy))
    except (ValueError, TypeError) as error:
        return JSONResponse({"message": str(error)}, 400)
    if asked.get("expire_codes"):
        accounts.expire()
    return JSONResponse(told)


def _page(text: str, status: int = 200) -> Response:
    return HTMLResponse(text, status, HEADERS)


def _text(value: object) -> Response:
    return Response(json.dumps(value), media_type="text/plain")


def _error(code: int) -> Response:
    return _text({"errcode": code, "errmsg": f"{MESSAGES[code]} rid: {secrets.token_hex(4)}"})
