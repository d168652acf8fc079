"""The front door: who signed a request, in whose name, which method it wants, how the answer is written and signed.

The signed text is what a client signs before it encodes anything; the answer's signature is over the text of its node
as it stands in the answer, which nobody can build again from the values: slashes are escaped, names in no order.
"""

import asyncio
import json
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from openberth.sandbox.alipay import crypto, fields, pages
from openberth.sandbox.alipay.bank import Bank, Party
from openberth.sandbox.alipay.faults import Rule
from openberth.sandbox.alipay.instants import read_wall, wall
from openberth.sandbox.alipay.records import App
from openberth.sandbox.alipay.refusals import SUCCESS, Refusal, Why
from openberth.sandbox.clock import SECOND_US
from openberth.sandbox.page import HEADERS

SKEW_S = 3600
CALLS_KEPT = 20_000
BODY_BYTES = 128 * 1024
BODY_WITHIN_S = 5
CHARSETS = ("utf-8", "gbk", "gb2312")
PAGE = "alipay.trade.wap.pay"


@dataclass(frozen=True, slots=True)
class Asked:
    """A proven request."""

    party: Party
    parameters: dict[str, str]
    content: dict[str, Any]


@dataclass(slots=True)
class Call:
    """A line of the log of calls. It never holds a signature or a token."""

    at: str
    http: str
    method: str
    app_id: str
    parameters: dict[str, str]
    code: str = ""
    sub_code: str = ""
    fault: str = ""
    note: str = ""


Handler = Callable[[Asked], dict[str, Any] | str]  # the node of the answer, or where a page lies


class Gateway:
    """Proves requests and signs answers."""

    def __init__(self, bank: Bank, handlers: dict[str, Handler], changed: Callable[[], None]) -> None:
        self._bank = bank
        self._handlers = handlers
        self._changed = changed  # called after each request: something may have become due
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/gateway.do", self.serve, methods=["GET", "POST"])]

    async def serve(self, request: Request) -> Response:
        """Answer one request. The status is 200 whatever the answer says."""
        call = Call(wall(self._bank.clock.now()), request.method, "", "", {})
        self.calls.append(call)
        charset, rule, app = "utf-8", None, None
        said: dict[str, Any] | str
        try:
            parameters = await _parameters(request, call)
            charset = _charset(parameters.get("charset"))
            call.method, call.app_id = parameters.get("method", ""), parameters.get("app_id", "")
            call.parameters = {
                name: text for name, text in parameters.items() if name not in ("sign", "app_auth_token")
            }
            rule = self._bank.faults.rule(call.method)
            party = self._proved(parameters)
            app = party.caller
            if rule is not None and rule.before:
                raise Refusal(Why[rule.reason])
            content = fields.read(call.method, parameters.get("biz_content", "{}"))
            said = self._handlers[call.method](Asked(party, parameters, content))
            if rule is not None and rule.do == "refuse":
                raise Refusal(Why[rule.reason])
        except Refusal as refusal:
            call.code, call.sub_code = refusal.why.value.code, refusal.why.value.sub_code
            if call.method == PAGE:
                return HTMLResponse(pages.broken(call.sub_code, refusal.node["sub_msg"]), 200, HEADERS)
            node = "error_response" if refusal.why.value.gateway else _node(call.method)
            signer = None if refusal.why.value.gateway else app
            text = self._text(node, refusal.node, signer, charset, rule)
        else:
            call.code = SUCCESS[0]
            if isinstance(said, str):
                self._changed()
                return RedirectResponse(said, 302)
            text = self._text(_node(call.method), {"code": SUCCESS[0], "msg": SUCCESS[1], **said}, app, charset, rule)
        self._changed()
        return await self._out(text, charset, rule, call)

    def _proved(self, parameters: dict[str, str]) -> Party:
        for name, missing in (
            ("method", Why.NO_METHOD), ("app_id", Why.NO_APP), ("timestamp", Why.NO_TIMESTAMP),
            ("version", Why.NO_VERSION), ("sign_type", Why.NO_SIGN_TYPE), ("sign", Why.NO_SIGNATURE),
        ):  # fmt: skip
            if not parameters.get(name):
                raise Refusal(missing)
        method, app = parameters["method"], self._bank.apps.get(parameters["app_id"])
        if method not in self._handlers:
            raise Refusal(Why.METHOD)
        if app is None:
            raise Refusal(Why.APP)
        if not app.public_key:
            raise Refusal(Why.NO_KEY)
        self._formal(parameters)
        self._certified(app, parameters)
        text = crypto.joined(parameters, "sign").encode(_charset(parameters.get("charset")), "replace")
        if not crypto.verifies(crypto.read_public(app.public_key), text, parameters["sign"]):
            raise Refusal(Why.SIGNATURE)
        return Party(app, self._for(app, parameters.get("app_auth_token", "")))

    def _formal(self, parameters: dict[str, str]) -> None:
        if parameters["sign_type"] != "RSA2":
            raise Refusal(Why.SIGN_TYPE)
        if parameters["version"] != "1.0" or len(parameters.get("notify_url", "")) > 256:
            raise Refusal(Why.PARAMETER)
        for name in ("notify_url", "return_url"):
            if not parameters.get(name, "http").startswith("http"):
                raise Refusal(Why.PARAMETER, name)
        if parameters.get("format", "JSON").upper() != "JSON":
            raise Refusal(Why.FORMAT)
        try:
            at_s = read_wall(parameters["timestamp"]) // SECOND_US
        except ValueError:
            raise Refusal(Why.TIMESTAMP) from None
        if abs(at_s - self._bank.clock.machine_s()) > SKEW_S:
            raise Refusal(Why.TIMESTAMP, "与北京时间相差过大")

    def _certified(self, app: App, parameters: dict[str, str]) -> None:
        if app.mode == "key":
            return
        for name, missing, wrong, right in (
            ("app_cert_sn", Why.NO_CERT, Why.CERT, crypto.serial_of(app.public_key)),
            ("alipay_root_cert_sn", Why.NO_ROOT_CERT, Why.ROOT_CERT,
             crypto.root_serial_of(self._bank.store.meta("root_certificate") or "")),
        ):  # fmt: skip
            if not parameters.get(name):
                raise Refusal(missing)
            if parameters[name] != right:
                raise Refusal(wrong)

    def _for(self, app: App, token: str) -> App:
        """Return the merchant's app in whose name is asked."""
        if not token:
            return app
        found = self._bank.tokens.get(token)
        if found is None or found.provider != app.app_id:
            raise Refusal(Why.TOKEN)
        if found.until_us is not None and self._bank.clock.now() >= found.until_us:
            raise Refusal(Why.TOKEN_OVER)
        return self._bank.apps[found.app]

    def _text(self, node: str, said: dict[str, Any], signer: App | None, charset: str, rule: Rule | None) -> str:
        written = written_node(said)
        parts = [f'"{node}":{written}']
        fault = "" if rule is None else rule.do
        if signer is not None and fault != "no_signature":
            key = crypto.stranger() if fault == "wrong_signature" else crypto.read_private(signer.alipay_key)
            # A payer's text may hold what the charset cannot write; it goes out as "?", and is signed so.
            signature = f'"sign":"{crypto.sign(key, written.encode(charset, "replace"))}"'
            parts = [signature, *parts] if fault == "sign_first" else [*parts, signature]
            if signer.mode == "certificate":
                parts.insert(1, f'"alipay_cert_sn":"{crypto.serial_of(signer.alipay_certificate)}"')
        return "{" + ",".join(parts) + "}"

    async def _out(self, text: str, charset: str, rule: Rule | None, call: Call) -> Response:
        call.fault = "" if rule is None else rule.do
        if rule is not None and rule.do == "hold":
            await asyncio.sleep(rule.seconds)
        if rule is not None and rule.do == "bad_gateway":
            return HTMLResponse("<html><body>502 Bad Gateway</body></html>", 502)
        return Response(text.encode(charset, "replace"), 200, {"Content-Type": f"text/html;charset={charset}"})


def written_node(said: dict[str, Any]) -> str:
    """Write a node as the real one does: slashes escaped, names in an order that follows from nothing."""
    mixed = {name: said[name] for name in sorted(said, key=lambda name: zlib.crc32(name.encode()))}
    return json.dumps(mixed, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")


def _node(method: str) -> str:
    return method.replace(".", "_") + "_response"


def _charset(named: str | None) -> str:
    found = (named or "utf-8").lower()
    if found not in CHARSETS:
        raise Refusal(Why.CHARSET)
    return found


async def _parameters(request: Request, call: Call) -> dict[str, str]:
    """Read the query and, in a POST, the form, both by the charset that the query names.

    Without one a form is taken for GBK, as by the real one, so that Chinese texts do not verify.
    """
    sent: bytes = request.scope["query_string"]
    query = _pairs(sent, _charset(_pairs(sent, "latin-1").get("charset")))
    if request.method == "GET":
        return query
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Refusal(Why.FORMAT, "Content-Type")
    if "charset" not in query:
        call.note = "charset is missing in the query string: the form is read as GBK"
    return query | _pairs(await _body(request), _charset(query.get("charset", "gbk")))


def _pairs(text: bytes, charset: str) -> dict[str, str]:
    read = parse_qsl(text.decode("latin-1"), keep_blank_values=True, encoding=charset, errors="replace")
    if len(dict(read)) != len(read):
        raise Refusal(Why.PARAMETER, "参数重复")
    return dict(read)


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise Refusal(Why.PARAMETER, "请求体过大")
    except (TimeoutError, ClientDisconnect):
        raise Refusal(Why.PARAMETER, "请求体不完整") from None
    return bytes(body)
