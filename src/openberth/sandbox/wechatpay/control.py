"""The control side, for the machine itself only: what a payer, a bank, an operator and bad luck do."""

import io
import ipaddress
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import TypeVar

import msgspec
import segno
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openberth.sandbox.clock import SECOND_US
from openberth.sandbox.wechatpay import faults as wrong
from openberth.sandbox.wechatpay.accounts import Accounts, register
from openberth.sandbox.wechatpay.bank import Bank, PhoneRefused
from openberth.sandbox.wechatpay.bills import Bills
from openberth.sandbox.wechatpay.callbacks import HOW, Notifier
from openberth.sandbox.wechatpay.codepay import CodePay
from openberth.sandbox.wechatpay.front import Front
from openberth.sandbox.wechatpay.instants import read_rfc3339, rfc3339
from openberth.sandbox.wechatpay.merchants import Merchants, Registration, published
from openberth.sandbox.wechatpay.phone import Phone, summary
from openberth.sandbox.wechatpay.records import Callback, Flow, Merchant, Order
from openberth.sandbox.wechatpay.refunds import Refunds
from openberth.sandbox.wechatpay.refusals import Why
from openberth.sandbox.wechatpay.wishes import (
    Account,
    Becoming,
    ClockChange,
    Code,
    Falsify,
    FaultChange,
    MerchantChange,
    Release,
    Sending,
    Tap,
)

BASE = "/__sandbox__"
BODY_BYTES = 256 * 1024
LISTED = 1_000


T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]


class Control:
    """The handlers of the control side."""

    def __init__(
        self, bank: Bank, refunds: Refunds, merchants: Merchants, codepay: CodePay, bills: Bills, front: Front,
        phone: Phone, notifier: Notifier, accounts: Accounts,
    ) -> None:  # fmt: skip
        self._bank = bank
        self._refunds = refunds
        self._merchants = merchants
        self._codepay = codepay
        self._bills = bills
        self._front = front
        self._phone = phone
        self._notifier = notifier
        self._accounts = accounts

    def routes(self) -> list[Route]:
        """Return the routes."""
        posts: dict[str, Endpoint] = {
            "/merchants": self.register, "/merchants/{mchid}": self.change, "/clock": self.clock,
            "/faults": self.faults, "/pay": self.pay, "/fail": self.fail, "/refunds/{number}": self.become,
            "/callbacks/release": self.release, "/callbacks/{id}": self.send, "/accounts/{mchid}": self.account,
            "/bills": self.falsify, "/bills/expire": self.expire, "/auth-codes": self.show_code,
            "/official-accounts": partial(register, self._accounts),
        }  # fmt: skip
        gets: dict[str, Endpoint] = {
            "": self.overview, "/calls": self.calls, "/orders": self.orders, "/callbacks": self.callbacks,
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
            "now": rfc3339(self._bank.clock.now()),
            "scale": self._bank.clock.anchor[2],
            "faults": {
                "seed": faults.seed, "refuse_replays": faults.refuse_replays,
                "rules": msgspec.to_builtins(faults.rules), "dice": msgspec.to_builtins(faults.dice),
                "telling": msgspec.to_builtins(faults.telling), "refunds": msgspec.to_builtins(faults.refunds),
            },
            "merchants": [
                {
                    "mchid": one.mchid, "appids": one.appids, "mode": one.mode, "providers": one.providers,
                    "public_key_percent": one.public_key_percent, "balance": self._bank.store.balance(one.mchid),
                    "restricted": one.restricted, "unusable": one.unusable, "platform_keys": published(one),
                }
                for one in self._bank.merchants.values()
            ],
        })  # fmt: skip

    async def register(self, request: Request) -> Response:
        """Register a merchant."""
        return JSONResponse(self._merchants.register(await _read(request, Registration)), 201)

    async def change(self, request: Request) -> Response:
        """Change a merchant: keys, mode, what it may do."""
        merchant = self._merchant(request.path_params["mchid"])
        wanted = await _read(request, MerchantChange)
        percent = merchant.public_key_percent if wanted.public_key_percent is None else wanted.public_key_percent
        if wanted.mode is not None or wanted.public_key_percent is not None:
            self._merchants.switch(merchant, wanted.mode or merchant.mode, percent)
        if wanted.rotate is not None:
            self._merchants.rotate(merchant, public=wanted.rotate.kind == "public_key", signs=wanted.rotate.signs)
        if wanted.use is not None:
            self._merchants.use(merchant, wanted.use)
        if wanted.retire is not None:
            self._merchants.retire(merchant, wanted.retire)
        self._merchants.set(
            merchant,
            restricted=merchant.restricted if wanted.restricted is None else wanted.restricted,
            unusable=merchant.unusable if wanted.unusable is None else wanted.unusable,
            api_key=merchant.api_key if wanted.api_key is None else wanted.api_key,
        )
        return JSONResponse({"mchid": merchant.mchid, "mode": merchant.mode, "platform_keys": published(merchant)})

    async def clock(self, request: Request) -> Response:
        """Set business time."""
        wanted, clock = await _read(request, ClockChange), self._bank.clock
        now = clock.now() if wanted.now is None else read_rfc3339(wanted.now)
        clock.set(now + wanted.advance_s * SECOND_US, clock.anchor[2] if wanted.scale is None else wanted.scale)
        self._bank.store.put_meta("clock", json.dumps(clock.anchor))
        self._notifier.wake()
        return JSONResponse({"now": rfc3339(clock.now()), "scale": clock.anchor[2]})

    async def faults(self, request: Request) -> Response:
        """Cause faults, or end them."""
        wanted, faults = await _read(request, FaultChange), self._bank.faults
        for rule in wanted.rules or ():
            if rule.reason not in Why.__members__:
                raise ValueError(f"reason is one of {', '.join(Why.__members__)}")
        if wanted.reset:
            faults.rules, faults.dice, faults.telling = [], wrong.Dice(), wrong.Telling()
            faults.refunds, faults.refuse_replays = wrong.RefundPlan(), False
        if wanted.seed is not None:
            faults.reseed(wanted.seed)
        for name in ("rules", "dice", "telling", "refunds", "refuse_replays"):
            value = getattr(wanted, name)
            if value is not None:
                setattr(faults, name, value)
        return await self.overview(request)

    async def pay(self, request: Request) -> Response:
        """Pay an order as some user."""
        tap = await _read(request, Tap)
        seq, order = self._tapped(tap)
        paid = self._bank.pay(
            seq, order, openid=tap.openid, amount=tap.amount, coupon=tap.coupon, cash=tap.cash, bank=tap.bank,
            overlay=tap.overlay, tell=tap.tell, late=tap.late,
        )  # fmt: skip
        self._notifier.wake()
        return JSONResponse(summary(seq, paid, self._phone.page_of(paid)))

    async def fail(self, request: Request) -> Response:
        """Let a try to pay fail."""
        tap = await _read(request, Tap)
        seq, order = self._tapped(tap)
        self._bank.fail(seq, order, tap.why)
        return JSONResponse(summary(seq, order, self._phone.page_of(order)))

    def _tapped(self, tap: Tap) -> tuple[int, Order]:
        if tap.client is not None:
            return self._phone.requested(tap.client)
        if tap.code_url is not None:
            return self._phone.scanned(tap.code_url)
        if tap.prepay_id is not None:
            found = self._bank.store.orders("ticket = ?", tap.prepay_id)
        elif tap.mchid is not None:
            found = self._bank.store.orders("number = ? AND (caller = ?2 OR payee = ?2)", tap.number, tap.mchid)
        else:
            found = self._bank.store.orders("number = ?", tap.number)
        if len(found) != 1:
            raise PhoneRefused("订单不存在", f"{len(found)} orders are named so")
        return self._bank.aged(*found[0])

    async def become(self, request: Request) -> Response:
        """Let a refund become something now, whatever was planned."""
        wanted = await _read(request, Becoming)
        found = self._bank.store.refunds("number = ?", request.path_params["number"])
        if len(found) != 1 or found[0][1].status in ("SUCCESS", "CLOSED"):
            raise ValueError("there is no such refund under way")
        refund = self._refunds.become(*found[0], wanted.state)
        self._notifier.wake()
        return JSONResponse({"number": refund.number, "status": refund.status})

    async def send(self, request: Request) -> Response:
        """Send a callback now, rightly or wrongly, once or several times at one instant."""
        wanted = await _read(request, Sending)
        (callback,) = self._bank.store.callbacks("id = ?", request.path_params["id"]) or (None,)
        if callback is None or wanted.how not in HOW or not 1 <= wanted.copies <= 100:
            raise ValueError(f"no such callback, or how is none of {', '.join(HOW)}, or too many copies")
        heard = await self._notifier.send_many(callback, wanted.how, wanted.copies)
        return JSONResponse({"acknowledged": heard})

    async def release(self, request: Request) -> Response:
        """Send what was held, one after the other; what is not acknowledged goes on by the schedule."""
        wanted = await _read(request, Release)
        held = self._bank.store.callbacks("state = 'held'")
        if wanted.order == "reverse":
            held.reverse()
        elif wanted.order == "random":
            self._bank.faults.random.shuffle(held)
        for callback in held:
            await self._notifier.send_held(callback)
        self._notifier.wake()
        return JSONResponse({"sent": [callback.id for callback in held]})

    async def account(self, request: Request) -> Response:
        """Fill an account or draw from it, so that it holds what is wanted."""
        merchant, wanted = self._merchant(request.path_params["mchid"]), await _read(request, Account)
        more = wanted.balance - self._bank.store.balance(merchant.mchid)
        if more:
            kind, now = "充值" if more > 0 else "提现", self._bank.clock.now()
            self._bank.store.move(Flow(
                payee=merchant.mchid, at_us=now, business_number=str(now), flow_number=str(now), name=kind, kind=kind,
                income=more > 0, amount=abs(more), balance=0, applicant="system", remark="", voucher=str(now),
            ))  # fmt: skip
        return JSONResponse({"balance": self._bank.store.balance(merchant.mchid)})

    async def falsify(self, request: Request) -> Response:
        """Make the file of a day lie."""
        wanted = await _read(request, Falsify)
        self._bank.store.forget_edits(wanted.mchid, wanted.day)
        for edit in wanted.edits:
            self._bank.store.add_edit(wanted.mchid, wanted.day, msgspec.json.encode(edit).decode())
        return JSONResponse({"edits": len(wanted.edits)})

    async def expire(self, _request: Request) -> Response:
        """Let all addresses of files end now, as minutes would."""
        self._bills.expire()
        return JSONResponse({})

    async def show_code(self, request: Request) -> Response:
        """Show a payer's code."""
        wanted = await _read(request, Code)
        return JSONResponse({"auth_code": self._codepay.show(wanted.openid, wanted.behaviour)})

    async def calls(self, request: Request) -> Response:
        """List the requests that came under ``/v3``, the newest last; ``path`` narrows them."""
        path = request.query_params.get("path", "")
        found = [asdict(call) for call in self._front.calls if call.target.startswith(path)]
        return JSONResponse({"calls": found[-LISTED:]})

    async def orders(self, request: Request) -> Response:
        """List orders with their refunds, the newest last; ``number`` names one."""
        number = request.query_params.get("number")
        found = (
            self._bank.store.orders("1", limit=LISTED)
            if number is None
            else self._bank.store.orders("number = ?", number)
        )
        told = []
        for seq, order in found:
            refunds = [self._refunds.ripened(*one) for one in self._bank.store.refunds("order_seq = ?", seq)]
            aged = self._bank.aged(*(self._bank.store.order("seq = ?", seq) or (seq, order)))[1]
            told.append(summary(seq, aged, self._phone.page_of(aged)) | {"refunds": msgspec.to_builtins(refunds)})
        return JSONResponse({"orders": told})

    async def totals(self, _request: Request) -> Response:
        """Tell how much was paid in all, whatever was refunded since."""
        minor, orders = self._bank.store.totals()
        return JSONResponse({"paid_minor": {"CNY": minor}, "orders_paid": orders})

    async def callbacks(self, request: Request) -> Response:
        """List callbacks with their attempts, the newest last; ``state`` narrows them."""
        state = request.query_params.get("state")
        found: list[Callback] = (
            self._bank.store.callbacks("1", limit=LISTED)
            if state is None
            else self._bank.store.callbacks("state = ?", state, limit=LISTED)
        )
        return JSONResponse({"callbacks": msgspec.to_builtins(found)})

    async def page(self, request: Request) -> Response:
        """Tell the address of the page behind a code."""
        _, order = self._phone.scanned(request.query_params.get("code_url", ""))
        return JSONResponse({"url": self._phone.page_of(order)})

    async def qr(self, request: Request) -> Response:
        """Draw the code of that page, for a phone that is no WeChat of ours."""
        _, order = self._phone.scanned(request.query_params.get("code_url", ""))
        drawn = io.BytesIO()
        segno.make(self._phone.page_of(order), error="m").save(drawn, kind="svg", scale=8, border=4)
        return Response(drawn.getvalue(), media_type="image/svg+xml")

    def _merchant(self, mchid: str) -> Merchant:
        merchant = self._bank.merchants.get(mchid)
        if merchant is None:
            raise ValueError("there is no such merchant")
        return merchant


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
