"""The control side, for the machine itself only: what a payer, a bank, an operator and bad luck do."""

import io
import ipaddress
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

import msgspec
import segno
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openberth.sandbox.alipay.apps import Apps, Registration
from openberth.sandbox.alipay.bank import Bank, PhoneRefused
from openberth.sandbox.alipay.bills import COLUMNS, Bills
from openberth.sandbox.alipay.gateway import Gateway
from openberth.sandbox.alipay.instants import read_wall, wall
from openberth.sandbox.alipay.notifier import HOW, Notifier
from openberth.sandbox.alipay.phone import Phone, summary
from openberth.sandbox.alipay.records import App, Flow, Notice, Trade
from openberth.sandbox.alipay.refunds import Refunds
from openberth.sandbox.alipay.refusals import Why
from openberth.sandbox.alipay.wishes import (
    Account,
    AppChange,
    Authorisation,
    Becoming,
    ClockChange,
    Falsify,
    FaultChange,
    Release,
    Sending,
    Tap,
)
from openberth.sandbox.clock import SECOND_US

BASE = "/__sandbox__"
BODY_BYTES = 256 * 1024
LISTED = 1_000
MOST_COPIES = 100

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]


class Control:
    """The handlers of the control side."""

    def __init__(
        self, bank: Bank, refunds: Refunds, apps: Apps, bills: Bills, gateway: Gateway, phone: Phone, notifier: Notifier
    ) -> None:  # fmt: skip
        self._bank = bank
        self._refunds = refunds
        self._apps = apps
        self._bills = bills
        self._gateway = gateway
        self._phone = phone
        self._notifier = notifier

    def routes(self) -> list[Route]:
        """Return the routes."""
        posts: dict[str, Endpoint] = {
            "/apps": self.register, "/apps/{app_id}": self.change, "/tokens": self.authorise, "/clock": self.clock,
            "/faults": self.faults, "/pay": self.pay, "/fail": self.fail, "/scan": self.scan, "/finish": self.finish,
            "/refunds/{number}": self.become, "/notifications/release": self.release,
            "/notifications/{id}": self.send, "/accounts/{pid}": self.account, "/bills": self.falsify,
            "/bills/expire": self.expire,
        }  # fmt: skip
        gets: dict[str, Endpoint] = {
            "": self.overview, "/calls": self.calls, "/trades": self.trades, "/notifications": self.notices,
            "/page": self.page, "/qr.svg": self.qr, "/totals": self.totals,
        }  # fmt: skip
        return [
            *(Route(BASE + path, _guarded(endpoint), methods=["POST"]) for path, endpoint in posts.items()),
            *(Route(BASE + path, _guarded(endpoint), methods=["GET"]) for path, endpoint in gets.items()),
        ]

    async def overview(self, _request: Request) -> Response:
        """Tell how things stand."""
        faults = self._bank.faults
        return JSONResponse({
            "now": wall(self._bank.clock.now()),
            "scale": self._bank.clock.anchor[2],
            "faults": {
                "seed": faults.seed, "rules": msgspec.to_builtins(faults.rules),
                "dice": msgspec.to_builtins(faults.dice), "telling": msgspec.to_builtins(faults.telling),
                "refunds": msgspec.to_builtins(faults.refunds),
            },
            "apps": [
                {
                    "app_id": one.app_id, "pid": one.pid, "mode": one.mode, "mini_apps": one.mini_apps,
                    "restricted": one.restricted, "balance": self._bank.store.balance(one.pid),
                }
                for one in self._bank.apps.values()
            ],
        })  # fmt: skip

    async def register(self, request: Request) -> Response:
        """Register an app."""
        return JSONResponse(self._apps.register(await _read(request, Registration)), 201)

    async def change(self, request: Request) -> Response:
        """Change what an app may do."""
        app = self._bank.apps.get(request.path_params["app_id"])
        if app is None:
            raise ValueError("there is no such app")
        self._apps.restrict(app, (await _read(request, AppChange)).restricted)
        return JSONResponse({"app_id": app.app_id, "restricted": app.restricted})

    async def authorise(self, request: Request) -> Response:
        """Let a provider act for a merchant's app."""
        wanted = await _read(request, Authorisation)
        token = self._apps.authorise(wanted.provider, wanted.app_id, wanted.life_s)
        return JSONResponse({"app_auth_token": token.token}, 201)

    async def clock(self, request: Request) -> Response:
        """Set business time."""
        wanted, clock = await _read(request, ClockChange), self._bank.clock
        now = clock.now() if wanted.now is None else read_wall(wanted.now)
        clock.set(now + wanted.advance_s * SECOND_US, clock.anchor[2] if wanted.scale is None else wanted.scale)
        self._bank.store.put_meta("clock", json.dumps(clock.anchor))
        self._notifier.wake()
        return JSONResponse({"now": wall(clock.now()), "scale": clock.anchor[2]})

    async def faults(self, request: Request) -> Response:
        """Cause faults, or end them."""
        wanted, faults = await _read(request, FaultChange), self._bank.faults
        for rule in wanted.rules or ():
            if rule.reason not in Why.__members__:
                raise ValueError(f"reason is one of {', '.join(Why.__members__)}")
        if wanted.reset:
            faults.reset()
        if wanted.seed is not None:
            faults.reseed(wanted.seed)
        for name in ("rules", "dice", "telling", "refunds"):
            value = getattr(wanted, name)
            if value is not None:
                setattr(faults, name, value)
        return await self.overview(request)

    async def pay(self, request: Request) -> Response:
        """Pay a trade as some user; a code is scanned by it."""
        tap = await _read(request, Tap)
        seq, trade = self._tapped(tap)
        paid = self._bank.pay(
            seq, trade, buyer=tap.buyer, amount=tap.amount, coupon=tap.coupon, overlay=tap.overlay, tell=tap.tell,
            late=tap.late,
        )  # fmt: skip
        return self._told(seq, paid)

    async def fail(self, request: Request) -> Response:
        """Let a try to pay fail; a code is scanned by it."""
        tap = await _read(request, Tap)
        seq, trade = self._tapped(tap)
        return self._told(seq, self._bank.fail(seq, trade, tap.why))

    async def scan(self, request: Request) -> Response:
        """Scan a code, or sign in to a page, and do nothing more."""
        seq, trade = self._tapped(await _read(request, Tap))
        return self._told(*self._bank.bear(seq, trade))

    async def finish(self, request: Request) -> Response:
        """Let a paid trade be past refunding."""
        seq, trade = self._tapped(await _read(request, Tap))
        return self._told(seq, self._bank.finish(seq, trade))

    def _told(self, seq: int, trade: Trade) -> Response:
        self._notifier.wake()
        return JSONResponse(summary(seq, trade, self._phone.page_of(trade)))

    def _tapped(self, tap: Tap) -> tuple[int, Trade]:
        if tap.qr_code is not None:
            return self._phone.looked_at(tap.qr_code)
        if tap.trade_no is not None:
            found = self._bank.store.trades("trade_no = ?", tap.trade_no)
        elif tap.pid is not None:
            found = self._bank.store.trades("number = ? AND pid = ?", tap.number, tap.pid)
        else:
            found = self._bank.store.trades("number = ?", tap.number)
        if len(found) != 1:
            raise PhoneRefused("交易不存在", f"{len(found)} trades are named so")
        return self._bank.aged(*found[0])

    async def become(self, request: Request) -> Response:
        """Let a refund that hangs, or failed, become something now, whatever was planned."""
        wanted = await _read(request, Becoming)
        found = self._bank.store.refunds("number = ?", request.path_params["number"])
        if len(found) != 1:
            raise ValueError(f"{len(found)} refunds are named so")
        refund = self._refunds.become(found[0], wanted.state)
        self._notifier.wake()
        return JSONResponse({"number": refund.number, "state": refund.state})

    async def send(self, request: Request) -> Response:
        """Send a notification now, rightly or wrongly, once or several times at one instant."""
        wanted = await _read(request, Sending)
        (notice,) = self._bank.store.notices("id = ?", request.path_params["id"]) or (None,)
        if notice is None or wanted.how not in HOW or not 1 <= wanted.copies <= MOST_COPIES:
            raise ValueError(f"no such notification, or how is none of {', '.join(HOW)}, or too many copies")
        return JSONResponse({"acknowledged": await self._notifier.send_many(notice, wanted.how, wanted.copies)})

    async def release(self, request: Request) -> Response:
        """Send what was held, one after the other; what is not acknowledged goes on by the schedule."""
        wanted = await _read(request, Release)
        held = self._bank.store.notices("state = 'held'")
        if wanted.order == "reverse":
            held.reverse()
        elif wanted.order == "random":
            self._bank.faults.random.shuffle(held)
        for notice in held:
            await self._notifier.send_held(notice)
        self._notifier.wake()
        return JSONResponse({"sent": [notice.id for notice in held]})

    async def account(self, request: Request) -> Response:
        """Fill an account or draw from it, so that it holds what is wanted."""
        pid, wanted = request.path_params["pid"], await _read(request, Account)
        self._owned(pid)
        more, now = wanted.balance - self._bank.store.balance(pid), self._bank.clock.now()
        if more:
            self._bank.store.move(Flow(
                pid=pid, at_us=now, number=str(now), trade_no="", out_trade_no="", subject="",
                kind="充值" if more > 0 else "提现", amount=more, balance=0, remark="",
            ))  # fmt: skip
        return JSONResponse({"balance": self._bank.store.balance(pid)})

    async def falsify(self, request: Request) -> Response:
        """Make the file of a day's trades lie."""
        wanted = await _read(request, Falsify)
        self._owned(wanted.pid)
        unknown = {name for edit in wanted.edits for name in edit.cells} - set(COLUMNS)
        if unknown:
            raise ValueError(f"the file has no column {', '.join(sorted(unknown))}")
        self._bank.store.put_edits(
            wanted.pid, wanted.day, [msgspec.json.encode(edit).decode() for edit in wanted.edits]
        )
        return JSONResponse({"edits": len(wanted.edits)})

    def _owned(self, pid: str) -> App:
        for app in self._bank.apps.values():
            if app.pid == pid:
                return app
        raise ValueError("no app belongs to such an account")

    async def expire(self, _request: Request) -> Response:
        """Let all addresses of files end now, as 30 seconds would."""
        self._bills.expire()
        return JSONResponse({})

    async def calls(self, request: Request) -> Response:
        """List the requests that came to the gateway, the newest last; ``method`` narrows them."""
        method = request.query_params.get("method", "")
        found = [asdict(call) for call in self._gateway.calls if call.method.startswith(method)]
        return JSONResponse({"calls": found[-LISTED:]})

    async def trades(self, request: Request) -> Response:
        """List trades with their refunds, the newest last; ``number`` names one."""
        number, store = request.query_params.get("number"), self._bank.store
        self._refunds.ripen()
        found = store.trades("1", limit=LISTED) if number is None else store.trades("number = ?", number)
        told = []
        for seq, trade in found:
            aged = self._bank.aged(seq, trade)[1]
            refunds = msgspec.to_builtins(store.refunds("trade_seq = ?", seq))
            told.append(summary(seq, aged, self._phone.page_of(aged)) | {"refunds": refunds})
        return JSONResponse({"trades": told})

    async def totals(self, _request: Request) -> Response:
        """Tell how much was paid in all, whatever was refunded since."""
        minor, trades = self._bank.store.totals()
        return JSONResponse({"paid_minor": {"CNY": minor}, "trades_paid": trades})

    async def notices(self, request: Request) -> Response:
        """List notifications with their attempts, the newest last; ``state`` narrows them."""
        state, store = request.query_params.get("state"), self._bank.store
        found: list[Notice] = (
            store.notices("1", limit=LISTED) if state is None else store.notices("state = ?", state, limit=LISTED)
        )
        return JSONResponse({"notifications": msgspec.to_builtins(found)})

    async def page(self, request: Request) -> Response:
        """Tell the address of the page behind a code, without scanning it."""
        _, trade = self._phone.looked_at(request.query_params.get("qr_code", ""))
        return JSONResponse({"url": self._phone.page_of(trade)})

    async def qr(self, request: Request) -> Response:
        """Draw the code of that page, for a phone that is no Alipay of ours."""
        _, trade = self._phone.looked_at(request.query_params.get("qr_code", ""))
        drawn = io.BytesIO()
        segno.make(self._phone.page_of(trade), error="m").save(drawn, kind="svg", scale=8, border=4)
        return Response(drawn.getvalue(), media_type="image/svg+xml")


def _guarded(endpoint: Endpoint) -> Endpoint:
    async def guarded(request: Request) -> Response:
        if not _from_here(request):
            return _refused("LOOPBACK_ONLY", "the control side is for the machine itself", 403)
        try:
            return await endpoint(request)
        except PhoneRefused as refused:
            return _refused("PHONE_REFUSED", f"{refused.chinese}: {refused.english}", 409)
        except (ValueError, OverflowError, msgspec.ValidationError) as problem:
            return _refused("PARAM_ERROR", str(problem), 400)

    return guarded


def _refused(code: str, message: str, status: int) -> Response:
    return JSONResponse({"code": code, "message": message}, status)


def _from_here(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _read(request: Request, kind: type[T]) -> T:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise ValueError("the body is too long")
    return msgspec.json.decode(bytes(body) or b"{}", type=kind)
