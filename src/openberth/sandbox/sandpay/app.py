"""The HTTP face of the channel: merchants' requests, the page behind a code, faults on demand."""

import asyncio
import ipaddress
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from openberth.sandbox.sandpay import pages, signing
from openberth.sandbox.sandpay.books import Books
from openberth.sandbox.sandpay.notifier import Notifier
from openberth.sandbox.sandpay.store import AlreadyPaid, Conflict, Full, Order, OrderRequest, Store

BODY_BYTES = 16 * 1024
BODY_WITHIN_S = 5
BACK_AFTER_S = 3
MAX_AMOUNT = 10**12
MAX_LIFE_S = 366 * 24 * 3600
MAX_DELAY_MS = 600_000
MAX_DUPLICATES = 20
_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_URL_TEXT = re.compile(r"[!-~]{1,512}")
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}


class Answer(Exception):
    """A refusal on its way to the client."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong on demand, for payments and orders from now on until changed or the process ends."""

    notify_delay_ms: int = 0
    notify_duplicates: int = 0  # so many tellings more than one
    notify_drop: bool = False  # payments are not told at all
    refuse_orders: bool = False


class Sandpay:
    """The channel: merchants' keys, its own key, the books and the notifier."""

    def __init__(
        self, store: Store, key: Ed25519PrivateKey, merchants: Mapping[str, Ed25519PublicKey], address: str
    ) -> None:
        self._books = Books(store)
        self._merchants = merchants
        self._address = address
        self._notifier = Notifier(self._books, key)
        self._faults = Faults()

    def application(self) -> Starlette:
        """Return the ASGI application; its life starts and stops the notifier and closes the store."""
        routes = [
            Route("/v1/orders", self.open_order, methods=["POST"]),
            Route("/v1/orders/{number}", self.query_order, methods=["GET"]),
            Route("/v1/orders/{number}/close", self.close_order, methods=["POST"]),
            Route("/pay/{code}", self.pay_page, methods=["GET"]),
            Route("/control", self.control, methods=["GET", "POST"]),
            Route("/control/totals", self.totals, methods=["GET"]),
        ]
        handlers: dict[Any, Callable[[Request, Any], Response]] = {Answer: _refusal, Full: _full, HTTPException: _http}
        return Starlette(routes=routes, exception_handlers=handlers, lifespan=self._life)

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        telling = asyncio.create_task(self._notifier.run())
        try:
            yield
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling
            self._books.close()

    async def open_order(self, request: Request) -> Response:
        """Make an order."""
        merchant, body = await self._proved(request)
        wanted = _order_request(_json_object(body))
        now = int(time.time())
        known = await self._books.call(lambda store: store.find(merchant, wanted.out_trade_no, now))
        if known is None:
            if self._faults.refuse_orders:
                raise Answer(403, "ORDERS_REFUSED", "orders are refused on demand")
            if not now < wanted.expires_at <= now + MAX_LIFE_S:
                raise Answer(400, "PARAM_ERROR", "expires_at lies in the past or more than a year ahead")
        try:
            order = await self._books.call(lambda store: store.open(merchant, wanted, now))
        except Conflict:
            raise Answer(409, "ORDER_EXISTS", "an order of this number exists with other values") from None
        made = {"order_id": order.order_id, "code_url": f"{self._address}/pay/{order.code}", "state": order.state}
        return JSONResponse(made, 201)

    async def query_order(self, request: Request) -> Response:
        """Tell what became of an order."""
        merchant, _ = await self._proved(request)
        number = request.path_params["number"]
        order = await self._books.call(lambda store: store.find(merchant, number, int(time.time())))
        return JSONResponse(_public(_there(order)))

    async def close_order(self, request: Request) -> Response:
        """Make an order unpayable."""
        merchant, _ = await self._proved(request)
        number = request.path_params["number"]
        try:
            order = await self._books.call(lambda store: store.close_order(merchant, number, int(time.time())))
        except AlreadyPaid:
            raise Answer(409, "ORDER_PAID", "the order was paid") from None
        return JSONResponse(_public(_there(order)))

    async def pay_page(self, request: Request) -> Response:
        """Pay the order behind a code, as a scanned code does; HEAD only looks."""
        code = request.path_params["code"]
        faults, now_ms = self._faults, time.time_ns() // 1_000_000
        if request.method == "HEAD":
            order = await self._books.call(lambda store: store.by_code(code, now_ms // 1000))
        else:
            times = 0 if faults.notify_drop else 1 + faults.notify_duplicates
            tell_at = now_ms + faults.notify_delay_ms
            order = await self._books.call(lambda store: store.pay(code, now_ms // 1000, tell_at, times))
            self._notifier.wake()
        if "application/json" in request.headers.get("accept", ""):
            if order is not None and order.state == "closed":
                raise Answer(410, "ORDER_CLOSED", "the order is closed or expired")
            return JSONResponse(_public(_there(order)), headers=_PAGE_HEADERS)
        if order is None:
            return HTMLResponse(pages.nowhere(), 404, _PAGE_HEADERS)
        if order.state == "closed":
            return HTMLResponse(pages.closed(order), 410, _PAGE_HEADERS)
        if order.state != "paid":
            return HTMLResponse(pages.ready(order), 200, _PAGE_HEADERS)
        back = request.query_params.get("return", "")
        if not _matches(_URL_TEXT, back) or not _is_web(back):
            return HTMLResponse(pages.paid(order), 200, _PAGE_HEADERS)
        # As channels do, the page leads back to the merchant by itself.
        return HTMLResponse(pages.paid(order, back), 200, {**_PAGE_HEADERS, "Refresh": f"{BACK_AFTER_S}; url={back}"})

    async def control(self, request: Request) -> Response:
        """Show or change the faults."""
        _only_from_here(request)
        if request.method == "POST":
            self._faults = _changed(self._faults, _json_object(await _body(request)))
        return JSONResponse(asdict(self._faults))

    async def totals(self, request: Request) -> Response:
        """Tell the totals of the books."""
        _only_from_here(request)
        paid, orders = await self._books.call(lambda store: store.totals())
        return JSONResponse({"paid_minor": paid, "orders_paid": orders})

    async def _proved(self, request: Request) -> tuple[str, bytes]:
        """Return the merchant who signed the request, and its body."""
        body = await _body(request)
        now = time.time()
        try:
            headers = request.headers.getlist(signing.HEADER)
            if len(headers) != 1:
                raise signing.SignatureRefused(f"exactly one {signing.HEADER} is needed")
            signature = signing.parse(headers[0])
            key = self._merchants.get(signature.id)
            if key is None:
                raise signing.SignatureRefused("there is no such merchant")
            signing.verify(key, signature, request.method, _target(request), body, now)
            forget_at = int(signature.ts) + signing.WINDOW_S + 1
            fresh = await self._books.call(
                lambda store: store.use_nonce(signature.id, signature.nonce, int(now), forget_at)
            )
            if not fresh:
                raise signing.SignatureRefused("the nonce was used before")
        except signing.SignatureRefused as refused:
            raise Answer(401, "SIGN_ERROR", str(refused)) from refused
        return signature.id, body


def _target(request: Request) -> str:
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise Answer(413, "BODY_TOO_LARGE", f"a body has at most {BODY_BYTES} bytes")
    except TimeoutError:
        raise Answer(408, "TOO_SLOW", f"the body did not come within {BODY_WITHIN_S} s") from None
    except ClientDisconnect:
        raise Answer(400, "PARAM_ERROR", "the client went away") from None
    return bytes(body)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Answer(400, "PARAM_ERROR", "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Answer(400, "PARAM_ERROR", "the body is not a JSON object")
    return value


def _order_request(values: dict[str, Any]) -> OrderRequest:
    names = {"out_trade_no", "amount_minor", "currency", "subject", "notify_url", "expires_at"}
    if values.keys() != names:
        raise Answer(400, "PARAM_ERROR", f"exactly these fields are wanted: {', '.join(sorted(names))}")
    subject, expires_at, amount = values["subject"], values["expires_at"], values["amount_minor"]
    good = {
        "out_trade_no": _matches(_NUMBER, values["out_trade_no"]),
        "amount_minor": _whole(amount, 1, MAX_AMOUNT),
        "currency": _matches(_CURRENCY, values["currency"]),
        "subject": isinstance(subject, str) and 0 < len(subject) <= 128 and subject.isprintable(),
        "notify_url": _matches(_URL_TEXT, values["notify_url"]) and _is_web(values["notify_url"]),
        "expires_at": _whole(expires_at, 0, 10**11),
    }
    for name, fine in good.items():
        if not fine:
            raise Answer(400, "PARAM_ERROR", f"{name} is not what the guide says")
    return OrderRequest(**values)


def _changed(faults: Faults, values: dict[str, Any]) -> Faults:
    good = {
        "notify_delay_ms": lambda value: _whole(value, 0, MAX_DELAY_MS),
        "notify_duplicates": lambda value: _whole(value, 0, MAX_DUPLICATES),
        "notify_drop": lambda value: isinstance(value, bool),
        "refuse_orders": lambda value: isinstance(value, bool),
    }
    for name, value in values.items():
        if name not in good or not good[name](value):
            raise Answer(400, "PARAM_ERROR", f"{name} is not a fault, or not of that value")
    return replace(faults, **values)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _whole(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        )
    except ValueError:
        return False


def _there(order: Order | None) -> Order:
    if order is None:
        raise Answer(404, "NO_ORDER", "there is no such order")
    return order


def _public(order: Order) -> dict[str, Any]:
    paid = order.state == "paid"
    return {
        "out_trade_no": order.out_trade_no,
        "state": order.state,
        "amount_minor": order.amount_minor,
        "paid_minor": order.amount_minor if paid else 0,
        "currency": order.currency,
        "transaction_id": order.transaction_id,
        "paid_at": order.paid_at,
    }


def _only_from_here(request: Request) -> None:
    host = request.client.host if request.client else ""
    try:
        here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    if not here:
        raise Answer(403, "LOOPBACK_ONLY", "faults are made on the machine itself")


def _refusal(_request: Request, answer: Answer) -> Response:
    return JSONResponse({"code": answer.code, "message": answer.message}, answer.status)


def _full(_request: Request, _full: Full) -> Response:
    return JSONResponse({"code": "TOO_MUCH", "message": "the channel is at its bound"}, 429)


def _http(_request: Request, error: HTTPException) -> Response:
    return JSONResponse({"code": "NOT_FOUND" if error.status_code == 404 else "BAD_REQUEST", "message": error.detail},
                        error.status_code)  # fmt: skip
