"""Aliyun SMS: ``SendSms`` with a template whose one variable is ``code``. A ``Texting``.

A business refusal is answered with status 200, as success is; only ``Code`` tells them apart. A call is never repeated:
the service does not know repetitions, and each message costs money and disturbs somebody.
"""

import asyncio
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx2
import msgspec
import structlog

from openberth.infra.shapes import Shape
from openberth.kernel.errors import Overloaded, Problem, Refused
from openberth.kernel.persons import MAINLAND
from openberth.kernel.time import Clock, as_datetime
from openberth.providers.connections import connections
from openberth.providers.sms.signing import EMPTY_BODY, authorization, canonical_query

ACTION, VERSION = "SendSms", "2017-05-25"
TOTAL_S = 5
ANSWER_BYTES = 64 * 1024
OK = "OK"
WRONG_NUMBER = "isv.MOBILE_NUMBER_ILLEGAL"
# Of one number, or of all numbers of a day or month: the console of the account sets them.
LIMITS = frozenset(("isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL"))
# The service's own troubles: nobody knows whether the message went out.
BUSY = frozenset(("isp.SYSTEM_ERROR", "ServiceUnavailable", "InternalError", "Throttling", "Throttling.User"))
CODE_MAX = 80
RETRY_S = 60

log = structlog.get_logger()


class _Said(msgspec.Struct):
    """What of an answer matters."""

    Code: str = ""


_SAID = Shape(_Said)


class AliyunSms:
    """One account with its signature and template. ``clock`` is the machine clock."""

    def __init__(
        self, *, base_url: str, access_key: str, secret: str, sign_name: str, template: str, clock: Clock
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._host = urlsplit(self._base_url).netloc
        self._access_key = access_key
        self._secret = secret
        self._sign_name = sign_name
        self._template = template
        self._clock = clock
        self._http = connections(TOTAL_S)

    def __repr__(self) -> str:
        return f"AliyunSms({self._base_url!r}, access_key={self._access_key!r})"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send_code(self, phone: str, code: str) -> None:
        """Send a code. Raises ``Refused`` (``sms.number``, ``sms.limit``, ``sms.refused``), ``Overloaded``."""
        parameters = {
            "PhoneNumbers": phone.removeprefix(MAINLAND), "SignName": self._sign_name,
            "TemplateCode": self._template, "TemplateParam": msgspec.json.encode({"code": code}).decode(),
        }  # fmt: skip
        try:
            async with asyncio.timeout(TOTAL_S):
                status, content = await self._received(self._request(parameters))
        except (httpx2.HTTPError, TimeoutError) as error:
            # "from None": the error quotes the address, which holds the number.
            log.warning("sms.unreachable", error=type(error).__name__)
            raise Overloaded("sms.busy", retry_after_s=RETRY_S) from None
        said = _code_in(content)
        if status == 200 and said == OK:
            return
        log.warning("sms.refused", status=status, said=said)
        raise _problem(status, said)

    def _request(self, parameters: Mapping[str, str]) -> httpx2.Request:
        query = canonical_query(parameters)
        headers = {
            "host": self._host, "x-acs-action": ACTION, "x-acs-version": VERSION,
            "x-acs-date": as_datetime(self._clock.now()).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": secrets.token_hex(16), "x-acs-content-sha256": EMPTY_BODY,
        }  # fmt: skip
        signed = authorization(
            access_key=self._access_key, secret=self._secret, method="POST", query=query, headers=headers
        )
        return self._http.build_request(
            "POST", f"{self._base_url}/?{query}", headers={**headers, "authorization": signed}
        )

    async def _received(self, request: httpx2.Request) -> tuple[int, bytes]:
        content = b""
        answer = await self._http.send(request, stream=True)
        try:
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) > ANSWER_BYTES:
                    break
        finally:
            await answer.aclose()
        return answer.status_code, content


def _code_in(content: bytes) -> str:
    """Return what an answer says as ``Code``, empty for one that cannot be read."""
    try:
        return _SAID.read(content).Code[:CODE_MAX]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def _problem(status: int, said: str) -> Problem:
    if said == WRONG_NUMBER:
        return Refused("sms.number")
    if said in LIMITS:
        return Refused("sms.limit")
    if not said or status >= 500 or said in BUSY:
        return Overloaded("sms.busy", retry_after_s=RETRY_S)
    return Refused("sms.refused")
