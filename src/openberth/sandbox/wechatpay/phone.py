"""The payer's phone: proves what a mini-program hands over as the WeChat app does, and shows pages to pay on."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from openberth.sandbox.page import HEADERS
from openberth.sandbox.wechatpay import bridge, crypto, pages
from openberth.sandbox.wechatpay.bank import Bank, PhoneRefused, client_appid
from openberth.sandbox.wechatpay.records import Order

JSAPI_FIELDS = ("appId", "timeStamp", "nonceStr", "package", "signType", "paySign")
APP_FIELDS = ("appid", "partnerid", "prepayid", "package", "noncestr", "timestamp", "sign")
FORM_BYTES = 4096


class Phone:
    """What a payer holds in the hand."""

    def __init__(self, bank: Bank, wake: Callable[[], None], address: str) -> None:
        self._bank = bank
        self._wake = wake
        self._address = address

    def routes(self) -> list[Route]:
        """Return the routes of the pages. They are for phones, so they answer to everybody who has an address."""
        return [
            Route("/", self.scanner, methods=["GET"]),
            Route("/pay/{page}", self.page, methods=["GET", "POST"]),
            Route("/jsapi", self.jsapi, methods=["GET"]),
            Route("/bridge.js", self.bridge, methods=["GET"]),
            Route("/cgi-bin/mmpayweb-bin/checkmweb", self.h5, methods=["GET"]),
        ]

    def page_of(self, order: Order) -> str:
        """Return the address of the page on which an order is paid."""
        return f"{self._address}/pay/{order.page}"

    def scanned(self, code_url: str) -> tuple[int, Order]:
        """Return the order behind a code. Raises ``PhoneRefused``."""
        address, _, ticket = code_url.removeprefix(f"{self._address}/?code_url=").partition("?pr=")
        found = self._bank.store.order("ticket = ?", ticket)
        if address != "weixin://wxpay/bizpayurl" or found is None or found[1].way != "native":
            raise PhoneRefused("二维码无效", "this code is not one of ours")
        return self._bank.aged(*found)

    def requested(self, given: Mapping[str, object]) -> tuple[int, Order]:
        """Prove what a page inside the app hands to ``requestPayment``. Raises ``PhoneRefused``."""
        app = "partnerid" in given
        names = APP_FIELDS if app else JSAPI_FIELDS
        values = {name: value for name, value in given.items() if name in names}
        if len(values) != len(names):
            raise PhoneRefused("调用支付JSAPI缺少参数", f"missing: {', '.join(sorted(set(names) - values.keys()))}")
        for name, value in values.items():
            if not isinstance(value, str):  # above all timeStamp, which is a text
                raise PhoneRefused("参数类型错误", f"{name} is not a text")
        text = {name: str(value) for name, value in values.items()}
        prepay = text["prepayid"] if app else text["package"].removeprefix("prepay_id=")
        if (text["package"] != "Sign=WXPay") if app else (text["signType"] != "RSA" or prepay == text["package"]):
            raise PhoneRefused("参数错误", "package or signType is not what it should be")
        found = self._bank.store.order("ticket = ?", prepay)
        if found is None or found[1].way != ("app" if app else "jsapi"):
            raise PhoneRefused("预支付交易会话不存在", "there is no such prepay_id")
        seq, order = self._bank.aged(*found)
        self._signed(order, text, app, prepay)
        return seq, order

    def _signed(self, order: Order, text: Mapping[str, str], app: bool, prepay: str) -> None:
        merchant = self._bank.merchants[order.caller]
        if app:
            appid, signature = text["appid"], text["sign"]
            message = crypto.lines(appid, text["timestamp"], text["noncestr"], prepay)
            if text["partnerid"] != (order.payee if order.partner else order.caller):
                raise PhoneRefused("商户号不一致", "partnerid is not the order's merchant")
        else:
            appid, signature = text["appId"], text["paySign"]
            message = crypto.lines(appid, text["timeStamp"], text["nonceStr"], text["package"])
        if appid != client_appid(order):
            raise PhoneRefused("appid不一致", "the order was made for another app")
        key = merchant.keys.get(order.serial)
        if key is None or not crypto.verifies(crypto.read_public(key)[0], message, signature):
            raise PhoneRefused("支付验证签名失败", "the signature is wrong")

    async def scanner(self, request: Request) -> Response:
        """Take the text of a code, as a camera would read it, and go to its page."""
        code_url = request.query_params.get("code_url")
        if code_url is None:
            return _html(pages.scanner())
        try:
            return RedirectResponse(self.page_of(self.scanned(code_url)[1]), 303)
        except PhoneRefused as refused:
            return _html(pages.refused(refused), 404)

    async def jsapi(self, request: Request) -> Response:
        """Prove the fields in the query as the app does, and go to the page of the order."""
        given = dict(request.query_params)
        try:
            _, order = self.requested(given)
        except PhoneRefused as refused:
            return _html(pages.refused(refused), 403)
        query = {name: given[name] for name in ("return", "bridge") if given.get(name)}
        return RedirectResponse(self.page_of(order) + (f"?{urlencode(query)}" if query else ""), 303)

    async def bridge(self, _request: Request) -> Response:
        """Give the script that plays ``WeixinJSBridge`` in a browser that is not WeChat's."""
        return Response(bridge.script(self._address), 200, HEADERS, "text/javascript")

    async def h5(self, request: Request) -> Response:
        """Open what a browser was sent to; ``redirect_url`` says where it goes afterwards."""
        found = self._bank.store.order("ticket = ?", request.query_params.get("prepay_id", ""))
        if found is None or found[1].way != "h5":
            return _html(pages.refused(PhoneRefused("订单不存在", "there is no such order")), 404)
        back = request.query_params.get("redirect_url", "")
        return RedirectResponse(self.page_of(found[1]) + (f"?return={quote(back, safe='')}" if back else ""), 303)

    async def page(self, request: Request) -> Response:
        """Show an order and do what the person taps: pay, fail, or wait."""
        found = self._bank.store.order("page = ?", request.path_params["page"])
        if found is None:
            return _html(pages.refused(PhoneRefused("订单不存在", "there is no such order")), 404)
        seq, order = self._bank.aged(*found)
        back = _web(request.query_params.get("return", ""))
        tapped = parse_qs((await _form(request)).decode(errors="replace")) if request.method == "POST" else {}
        deed = tapped.get("do", [""])[0]
        note = ""
        try:
            if deed == "pay":
                order = self._bank.pay(seq, order, coupon=_fen(tapped.get("coupon", ["0"])[0]))
                self._wake()
            elif deed == "fail":
                self._bank.fail(seq, order, "余额不足")
                note = "支付失败：余额不足 · Payment failed: not enough money"
            elif deed == "wait":
                note = "已暂停，稍后可继续支付 · Not now; it can still be paid"
        except PhoneRefused as refused:
            note = f"{refused.chinese} · {refused.english}"
        expired = order.paid_us is None and self._bank.clock.now() >= order.ticket_until_us
        shown = pages.order(order, note, back, expired)
        how = {"fail": "fail", "wait": "cancel"}.get(deed, "ok" if order.paid_us is not None else "")
        if "bridge" not in request.query_params or not how:
            return _html(shown)
        told, digest = bridge.tell(how)
        policy = f"script-src {digest}; {HEADERS['Content-Security-Policy']}"
        page = shown.replace("</body>", f"{told}</body>")
        return HTMLResponse(page, 200, HEADERS | {"Content-Security-Policy": policy})


def summary(seq: int, order: Order, page: str) -> dict[str, Any]:
    """Return an order as the control side lists it."""
    told = {name: getattr(order, name) for name in order.__struct_fields__ if name not in ("page", "serial")}
    return {"seq": seq, "page": page, **json.loads(json.dumps(told))}


def _html(text: str, status: int = 200) -> Response:
    return HTMLResponse(text, status, HEADERS)


async def _form(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            return b""
    return bytes(body)


def _fen(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _web(url: str) -> str:
    """Return an address that may stand in a link: nothing that runs scripts."""
    try:
        return url if urlsplit(url).scheme in ("http", "https") else ""
    except ValueError:
        return ""
