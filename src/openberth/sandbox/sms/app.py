"""The wire of the stand-in, the phones that people look at, and the control side by which tests cause faults."""

import asyncio
import json
import secrets
import time
import uuid
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from openberth.sandbox.page import HEADERS
from openberth.sandbox.sms.pages import received
from openberth.sandbox.sms.phones import NUMBER, Phones
from openberth.sandbox.sms.signing import Call, Refusal, fields_of, prove

ACTION, VERSION = "SendSms", "2017-05-25"
FIELDS = frozenset(("PhoneNumbers", "SignName", "TemplateCode", "TemplateParam", "OutId", "SmsUpExtendCode"))
NEEDED = ("PhoneNumbers", "SignName", "TemplateCode")
NONCES_MAX = 10_000
VARIABLE_MAX = 35
TEXT = "【{sign}】您的验证码为：{code}，5分钟内有效，请勿告诉他人。"


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """What happens to the next ``times`` requests: ``slow`` and ``garbled`` are carried out."""

    do: Literal["slow", "broken", "garbled", "refuse"]
    times: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1
    seconds: Annotated[float, msgspec.Meta(ge=0, le=60)] = 6
    code: str = "isv.OUT_OF_SERVICE"


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """What the control side does: let time pass for the bounds of numbers, plan a fault, or let all be well again."""

    advance_s: Annotated[int, msgspec.Meta(ge=0, le=10 * 86_400)] = 0
    fault: Fault | None = None
    reset: bool = False


class Sms:
    """One account with one signature and one template."""

    def __init__(
        self, *, access_key: str, secret: str, sign: str, template: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._secrets = {access_key: secret}
        self._sign = sign
        self._template = template
        self._clock = clock
        self._phones = Phones(clock)
        self._nonces: OrderedDict[str, None] = OrderedDict()
        self._fault: Fault | None = None
        self._answers: Counter[str] = Counter()

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/", self.send, methods=["POST"]),
                Route("/", self.show, methods=["GET"]),
                Route("/phones/{number}", self.show, methods=["GET"]),
                Route("/__sandbox__", self.state, methods=["GET"]),
                Route("/__sandbox__", self.control, methods=["POST"]),
            ]
        )

    async def send(self, request: Request) -> Response:
        """Take a call as the service does."""
        fault = self._take_fault()
        if fault is not None and fault.do == "broken":
            return self._answered(500, "InternalError", "The request processing has failed due to some unknown error.")
        call = Call(
            request.method, request.url.path, request.scope["query_string"].decode("latin-1"), dict(request.headers),
            await request.body(),
        )  # fmt: skip
        try:
            self._use_nonce(prove(call, self._secrets, int(self._clock())))
            self._check_call(call)
            code, message = self._sent(fields_of(call.query), fault)
        except Refusal as refusal:
            return self._answered(refusal.status, refusal.code, refusal.message)
        if fault is not None and fault.do == "slow":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.do == "garbled":
            return Response(b"<html>bad gateway</html>", 200, media_type="text/html")
        return self._answered(200, code, message)

    async def show(self, request: Request) -> Response:
        """Show what a phone, or every phone, received: a page for browsers, JSON for programs."""
        number = request.path_params.get("number")
        messages = self._phones.of(number)
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(received(messages, number), headers=HEADERS)
        told = [{"number": each.number, "text": each.text, "at_s": each.at_s} for each in messages]
        return JSONResponse({"messages": told}, headers={"Cache-Control": "no-store"})

    async def state(self, _request: Request) -> Response:
        """Tell how often each answer was given."""
        return JSONResponse({"answers": dict(self._answers)})

    async def control(self, request: Request) -> Response:
        """Do what a test wishes."""
        try:
            wish = msgspec.json.decode(await request.body(), type=Wish)
        except msgspec.MsgspecError as error:
            return JSONResponse({"message": str(error)}, 400)
        self._phones.advance(wish.advance_s)
        if wish.reset:
            self._fault = None
        self._fault = wish.fault or self._fault
        return await self.state(request)

    def _take_fault(self) -> Fault | None:
        fault = self._fault
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._fault = None
        return fault

    def _use_nonce(self, nonce: str) -> None:
        if nonce in self._nonces:
            raise Refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces[nonce] = None
        if len(self._nonces) > NONCES_MAX:
            self._nonces.popitem(last=False)

    @staticmethod
    def _check_call(call: Call) -> None:
        if call.headers["x-acs-action"] != ACTION:
            raise Refusal(
                404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."
            )
        if call.headers["x-acs-version"] != VERSION:
            raise Refusal(400, "InvalidVersion", "Specified parameter Version is not valid.")

    def _sent(self, fields: dict[str, str], fault: Fault | None) -> tuple[str, str]:
        """Let a message arrive; return what the service says, which is no error of HTTP whatever it says."""
        missing = next((name for name in NEEDED if not fields.get(name)), None)
        if missing is not None:
            raise Refusal(400, f"Missing{missing}", f"{missing} is mandatory for this action.")
        if not fields.keys() <= FIELDS:
            raise Refusal(400, "InvalidParameter", f"{sorted(fields.keys() - FIELDS)[0]} is no parameter of SendSms.")
        if fault is not None and fault.do == "refuse":
            return fault.code, "refused on demand"
        number = NUMBER.fullmatch(fields["PhoneNumbers"])
        if number is None:
            return "isv.MOBILE_NUMBER_ILLEGAL", f"{fields['PhoneNumbers']}invalid mobile number"
        if fields["SignName"] != self._sign:
            return "isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名"
        if fields["TemplateCode"] != self._template:
            return "isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板"
        code = _variable(fields.get("TemplateParam", ""))
        if code is None:
            return "isv.TEMPLATE_MISSING_PARAMETERS", "模板变量缺少对应参数值"
        flooded = self._phones.flooded(number[1])
        if flooded is not None:
            return "isv.BUSINESS_LIMIT_CONTROL", flooded
        self._phones.receive(number[1], TEXT.format(sign=self._sign, code=code))
        return "OK", "OK"

    def _answered(self, status: int, code: str, message: str) -> Response:
        self._answers[code] += 1
        told = {"RequestId": str(uuid.uuid4()).upper(), "Code": code, "Message": message}
        if code == "OK":
            told["BizId"] = f"{secrets.randbelow(10**18):018d}^0"
        return JSONResponse(told, status)


def _variable(text: str) -> str | None:
    """Return the one variable of the template, None when it is not there."""
    try:
        variables = json.loads(text)
    except ValueError:
        return None
    code = variables.get("code") if isinstance(variables, dict) else None
    return code if isinstance(code, str) and 1 <= len(code) <= VARIABLE_MAX else None
