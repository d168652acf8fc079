"""The payer's phone: scans codes, opens pages that a browser was sent to, and pays what a mini-program hands over."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from openberth.sandbox.alipay import crypto, fields, pages
from openberth.sandbox.alipay.bank import Bank, PhoneRefused
from openberth.sandbox.alipay.instants import wall
from openberth.sandbox.alipay.records import Trade
from openberth.sandbox.page import HEADERS

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
            Route("/tradepay", self.tradepay, methods=["GET"]),
        ]

    def page_of(self, trade: Trade) -> str:
        """Return the address of the page on which a trade is paid."""
        return f"{self._address}/pay/{trade.page}"

    def scanned(self, qr_code: str) -> tuple[int, Trade]:
        """Return the trade behind a code: from now on it is one. Raises ``PhoneRefused``."""
        seq, trade = self.looked_at(qr_code)
        return self._bank.bear(seq, trade)

    def looked_at(self, qr_code: str) -> tuple[int, Trade]:
        """Return what is behind a code without scanning it. Raises ``PhoneRefused``."""
        code = qr_code.removeprefix(f"{self._address}/?qr_code=")
        found = self._bank.store.trade("ticket = ?", code.removeprefix("https://qr.alipay.com/"))
        if found is None or not code.startswith("https://qr.alipay.com/") or found[1].way != "precreate":
            raise PhoneRefused("二维码无效", "this code is not one of ours")
        return self._bank.aged(*found)

    async def scanner(self, request: Request) -> Response:
        """Take the text of a code, as a camera would read it, and go to its page."""
        qr_code = request.query_params.get("qr_code")
        if qr_code is None:
            return _html(pages.scanner())
        try:
            return RedirectResponse(self.page_of(self.scanned(qr_code)[1]), 303)
        except PhoneRefused as refused:
            return _html(pages.refused(refused), 404)

    async def tradepay(self, request: Request) -> Response:
        """Do what ``my.tradePay({tradeNO})`` does: go to the page of a trade that was made for a mini-program."""
        found = self._bank.store.trade("trade_no = ?", request.query_params.get("trade_no", ""))
        if found is None or found[1].way != "create":
            return _html(pages.refused(PhoneRefused("交易不存在", "there is no such trade")), 404)
        back = request.query_params.get("return", "")
        return RedirectResponse(self.page_of(found[1]) + (f"?return={quote(back, safe='')}" if back else ""), 303)

    async def page(self, request: Request) -> Response:
        """Show a trade and do what the person taps: pay, fail, or wait.

        A code that is looked at here was scanned; a page of the web is a trade only when somebody has signed in, which
        any tap does.
        """
        found = self._bank.store.trade("page = ?", request.path_params["page"])
        if found is None:
            return _html(pages.refused(PhoneRefused("交易不存在", "there is no such trade")), 404)
        tapped = parse_qs((await _form(request)).decode(errors="replace")) if request.method == "POST" else {}
        deed = tapped.get("do", [""])[0]
        seq, trade = self._bank.aged(*found) if found[1].way == "wap" and not deed else self._bank.bear(*found)
        note = ""
        try:
            if deed == "pay":
                trade = self._bank.pay(seq, trade)
            elif deed == "fail":
                trade = self._bank.fail(seq, trade, "余额不足")
                note = "支付失败：余额不足 · Payment failed: not enough money"
            elif deed == "wait":
                note = "已暂停，稍后可继续支付 · Not now; it can still be paid"
        except PhoneRefused as refused:
            note = f"{refused.chinese} · {refused.english}"
        self._wake()
        back = _web(request.query_params.get("return", "")) or self._back(trade)
        return _html(pages.trade(trade, note, back, self._bank.stale(trade)))

    def _back(self, trade: Trade) -> str:
        """Return where the merchant wants a browser afterwards: signed when paid, else where the payer gave up."""
        if trade.paid_us is None:
            return _web(str(trade.body.get("quit_url", "")))
        url = _web(trade.return_url)
        if not url:
            return ""
        told = {
            "app_id": trade.caller, "auth_app_id": trade.app, "charset": "utf-8", "sign_type": "RSA2", "version": "1.0",
            "method": "alipay.trade.wap.pay.return", "out_trade_no": trade.number, "trade_no": trade.trade_no or "",
            "total_amount": fields.yuan(trade.total), "seller_id": trade.pid, "timestamp": wall(trade.paid_us),
        }  # fmt: skip
        key = crypto.read_private(self._bank.apps[trade.caller].alipay_key)
        told["sign"] = crypto.sign(key, crypto.joined(told, "sign_type").encode())
        return f"{url}{'&' if '?' in url else '?'}{urlencode(told)}"


def summary(seq: int, trade: Trade, page: str) -> dict[str, Any]:
    """Return a trade as the control side lists it."""
    told = {name: getattr(trade, name) for name in trade.__struct_fields__ if name != "page"}
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


def _web(url: str) -> str:
    """Return an address that may stand in a link: nothing that runs scripts."""
    try:
        return url if urlsplit(url).scheme in ("http", "https") else ""
    except ValueError:
        return ""
