"""The front door of ``/v3``: who signed a request, which key answers it, and what goes wrong on the way."""

import asyncio
import json
import re
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from openberth.sandbox.wechatpay import crypto
from openberth.sandbox.wechatpay.bank import Bank
from openberth.sandbox.wechatpay.faults import Rule
from openberth.sandbox.wechatpay.fields import BODY_BYTES
from openberth.sandbox.wechatpay.instants import rfc3339
from openberth.sandbox.wechatpay.records import Merchant, PlatformKey
from openberth.sandbox.wechatpay.refusals import Refusal, Why

SKEW_S = 300
CALLS_KEPT = 20_000
NONCES_KEPT = 100_000
BODY_WITHIN_S = 5
DAY_S = 86_400
_PAIR = re.compile(r'([a-z_]+)="([^"]*)"')
_ATTRIBUTES = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A proven request."""

    merchant: Merchant
    serial: str  # of the merchant's key
    key: PlatformKey  # that answers
    key_named: bool  # the request said which
    body: bytes
    query: dict[str, str]
    path: dict[str, str]


@dataclass(frozen=True, slots=True)
class File:
    """An answer that is not JSON and is not signed: a bill."""

    content: bytes


Handler = Callable[[Asked], dict[str, Any] | File | None]


@dataclass(slots=True)
class Call:
    """A line of the log of calls. It never holds the signature."""

    at: str
    method: str
    target: str
    body: str
    mchid: str = ""
    nonce: str = ""
    replayed: bool = False
    status: int = 0
    code: str = ""
    number: int = 0
    request_id: str = ""
    fault: str = ""


@dataclass(slots=True)
class _Answer:
    """An answer being made; without a key it goes out unsigned."""

    status: int
    body: bytes
    number: int = 0
    key: PlatformKey | None = None
    headers: dict[str, str] = field(default_factory=dict)
    signature: str = "good"


class Front:
    """Proves requests and signs answers."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._nonces: dict[tuple[str, str], None] = {}
        self._stranger = crypto.new_key()
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)

    def serve(self, handler: Handler, *, any_key: bool = False) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a handler. ``any_key``: the request need not say by which key it wants the answer."""

        async def endpoint(request: Request) -> Response:
            target = _target(request)
            call = Call(rfc3339(self._bank.clock.now()), request.method, target, "")
            self.calls.append(call)
            rule = self._bank.faults.rule(request.method, target)
            answer = await self._answer(request, call, handler, any_key, rule)
            if rule is not None:
                await self._spoil(answer, rule, call)
            return self._out(answer, call)

        return endpoint

    async def _answer(
        self, request: Request, call: Call, handler: Handler, any_key: bool, rule: Rule | None
    ) -> _Answer:
        key: PlatformKey | None = None
        try:
            body = await _body(request)
            call.body = body.decode(errors="replace")
            merchant, serial = self._proved(request, body, call)
            key, named = self._key(merchant, request.headers.get("wechatpay-serial"), any_key)
            _polite(request)
            if rule is not None and rule.before:
                broken = Refusal(Why.BROKEN)
                # Only a refusal by the channel itself is signed (and, as ever, none above 499).
                signer = key if rule.do == "refuse" else None
                return _Answer(500, _json(broken.body), broken.why.value.number, signer)
            asked = Asked(merchant, serial, key, named, body, dict(request.query_params), dict(request.path_params))
            said = handler(asked)
        except Refusal as refusal:
            reason = refusal.why.value
            if key is None and call.mchid:
                key = _default_key(self._bank.merchants[call.mchid])
            call.code = reason.code
            return _Answer(reason.status, _json(refusal.body), reason.number, key)
        if isinstance(said, File):
            return _Answer(200, said.content, headers={"Content-Type": "text/plain"})
        return _Answer(204, b"", key=key) if said is None else _Answer(200, _json(said), key=key)

    def _proved(self, request: Request, body: bytes, call: Call) -> tuple[Merchant, str]:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        pairs = _PAIR.findall(rest)
        given = dict(pairs)
        if scheme != crypto.SCHEME or given.keys() != _ATTRIBUTES or len(pairs) != len(given):
            raise Refusal(Why.SIGNATURE, "Authorization不合法")
        merchant = self._bank.merchants.get(given["mchid"])
        if merchant is None or not merchant.keys:
            raise Refusal(Why.SIGNATURE, "商户号不存在或未设置证书")
        call.mchid, call.nonce = merchant.mchid, given["nonce_str"]
        key = merchant.keys.get(given["serial_no"])
        if key is None:
            raise Refusal(Why.SIGNATURE, "商户证书序列号有误")
        if not 1 <= len(given["nonce_str"]) <= 32 or re.fullmatch(r"[0-9]{1,12}", given["timestamp"]) is None:
            raise Refusal(Why.SIGNATURE, "随机串或时间戳不合法")
        text = crypto.lines(request.method, call.target, given["timestamp"], given["nonce_str"], body)
        if not crypto.verifies(crypto.read_public(key)[0], text, given["signature"]):
            raise Refusal(Why.SIGNATURE)
        if abs(self._bank.clock.machine_s() - int(given["timestamp"])) > SKEW_S:
            raise Refusal(Why.SIGNATURE, "时间戳与当前时间相差超过5分钟")
        self._note_nonce(call)
        return merchant, given["serial_no"]

    def _note_nonce(self, call: Call) -> None:
        used = (call.mchid, call.nonce)
        call.replayed = used in self._nonces
        self._nonces[used] = None
        while len(self._nonces) > NONCES_KEPT:
            del self._nonces[next(iter(self._nonces))]
        if call.replayed and self._bank.faults.refuse_replays:
            raise Refusal(Why.SIGNATURE, "随机串重复")

    def _key(self, merchant: Merchant, named: str | None, any_key: bool) -> tuple[PlatformKey, bool]:
        """Return the key that answers: the one that the request names, else what the merchant's mode says."""
        found = None if named is None else merchant.by_id(named)
        if found is not None:
            return found, True
        if not any_key and (named is not None or merchant.mode == "public_key"):
            raise Refusal(Why.SERIAL)
        return _default_key(merchant), False

    async def _spoil(self, answer: _Answer, rule: Rule, call: Call) -> None:
        call.fault = rule.do
        if rule.do == "refuse":
            refusal = Refusal(Why[rule.reason])
            reason = refusal.why.value
            answer.status, answer.body, answer.number = reason.status, _json(refusal.body), reason.number
            answer.key = None if reason.status >= 500 else answer.key
            call.code = reason.code
        elif rule.do == "bad_gateway":  # what stands before the real one says so, and signs nothing
            answer.status, answer.body, answer.key = 502, b"<html><body>502 Bad Gateway</body></html>", None
            answer.headers = {"Content-Type": "text/html"}
        elif rule.do == "hold":
            await asyncio.sleep(rule.seconds)
        else:
            answer.signature = rule.do

    def _out(self, answer: _Answer, call: Call) -> Response:
        call.status, call.number = answer.status, answer.number
        call.request_id = f"08{secrets.token_hex(20).upper()}-{answer.number}"
        headers = {"Request-ID": call.request_id, "Cache-Control": "no-cache, must-revalidate"}
        if answer.status != 204:
            headers["Content-Type"] = "application/json; charset=utf-8"
        headers |= answer.headers
        if answer.key is not None and answer.signature != "no_signature":
            headers |= self.signed(answer.key, answer.body, answer.signature)
        return Response(answer.body, answer.status, headers)

    def signed(self, key: PlatformKey, body: bytes, how: str = "good") -> dict[str, str]:
        """Return the five headers that prove an answer or a callback, or that fail to.

        ``how``: good, wrong_signature, old_signature (a day old, else right), unknown_serial, probe.
        """
        at = str(self._bank.clock.machine_s() - (DAY_S if how == "old_signature" else 0))
        nonce = secrets.token_hex(16)
        stranger = how in ("wrong_signature", "unknown_serial", "probe")
        private = self._stranger if stranger else crypto.read_private(key.private)
        signature = crypto.sign(private, crypto.lines(at, nonce, body))
        serial = key.id
        if how == "unknown_serial":
            serial = crypto.new_serial() if key.certificate else f"PUB_KEY_ID_{secrets.randbelow(10**28):028d}"
        return {
            "Wechatpay-Serial": serial,
            "Wechatpay-Timestamp": at,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{signature}" if how == "probe" else signature,
            "Wechatpay-Signature-Type": crypto.SCHEME,
        }


def _default_key(merchant: Merchant) -> PlatformKey:
    return merchant.newest(public=merchant.mode == "public_key")


def _polite(request: Request) -> None:
    """Refuse a request without the headers that the real one wants."""
    accept = request.headers.get("accept", "")
    if "application/json" not in accept and "*/*" not in accept:
        raise Refusal(Why.PARAMETER, "请求头Accept应为application/json")
    if not request.headers.get("user-agent"):
        raise Refusal(Why.PARAMETER, "请求头User-Agent不能为空")
    if request.method == "POST" and not request.headers.get("content-type", "").startswith("application/json"):
        raise Refusal(Why.PARAMETER, "请求头Content-Type应为application/json")


def _json(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


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
                    raise Refusal(Why.PARAMETER, "请求体过大")
    except (TimeoutError, ClientDisconnect):
        raise Refusal(Why.PARAMETER, "请求体不完整") from None
    return bytes(body)
