"""Proves a request that was signed by ACS3-HMAC-SHA256, from what came over the wire and nothing else.

The canonical request is rebuilt from ``SignedHeaders``: official clients sign more headers than the least.
"""

import datetime
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus, unquote_to_bytes

SKEW_S = 900
NONCE_MAX = 64
NEEDED = frozenset(("host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce",
                    "x-acs-content-sha256"))  # fmt: skip
_SHAPE = re.compile(
    r"ACS3-HMAC-SHA256 Credential=(?P<key>[^,\s]+),\s*SignedHeaders=(?P<names>[a-z0-9;_-]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


class Refusal(Exception):
    """Why a request is not taken: status, code and message as the service says them."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came: the query undecoded, headers by lower-case names."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def prove(call: Call, secrets_by_key: Mapping[str, str], now_s: int) -> str:
    """Check who signed a request and when; return its nonce. Raises ``Refusal``."""
    shape = _SHAPE.fullmatch(call.headers.get("authorization", ""))
    if shape is None:
        raise Refusal(400, "MissingAuthorization", "The Authorization header is missing or malformed.")
    secret = secrets_by_key.get(shape["key"])
    if secret is None:
        raise Refusal(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
    names = shape["names"].split(";")
    unsigned = {name for name in call.headers if name.startswith("x-acs-")} | NEEDED
    if names != sorted(set(names)) or not unsigned <= set(names) or any(name not in call.headers for name in names):
        raise _mismatch("SignedHeaders lacks a header, or is not in order")
    if hashlib.sha256(call.body).hexdigest() != call.headers["x-acs-content-sha256"]:
        raise _mismatch("x-acs-content-sha256 is not that of the body")
    lines = [call.method, call.path, _sorted_query(call.query)]
    lines += [f"{name}:{call.headers[name].strip()}" for name in names]
    lines += ["", shape["names"], call.headers["x-acs-content-sha256"]]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    expected = hmac.digest(secret.encode(), b"ACS3-HMAC-SHA256\n" + digest.encode(), "sha256").hex()
    if not hmac.compare_digest(expected, shape["signature"]):
        raise _mismatch("the signature")
    if abs(_seconds(call.headers["x-acs-date"]) - now_s) > SKEW_S:
        raise Refusal(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
    nonce = call.headers["x-acs-signature-nonce"]
    if not 1 <= len(nonce) <= NONCE_MAX:
        raise Refusal(400, "InvalidParameter.SignatureNonce", "The nonce is too long.")
    return nonce


def fields_of(query: str) -> dict[str, str]:
    """Return the parameters of a query. Raises ``Refusal`` for one that comes twice or is no UTF-8."""
    fields: dict[str, str] = {}
    for name, value in _pairs(query):
        if name in fields:
            raise Refusal(400, "InvalidParameter", f"The parameter {name} is repeated.")
        fields[name] = value
    return fields


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return [
            (unquote_to_bytes(name).decode(), unquote_to_bytes(value).decode())
            for name, _, value in (part.partition("=") for part in query.split("&") if part)
        ]
    except UnicodeDecodeError:
        raise Refusal(400, "InvalidParameter", "A parameter is not UTF-8.") from None


def _sorted_query(query: str) -> str:
    pairs = sorted(_pairs(query))
    return "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in pairs)


def _escaped(text: str) -> str:
    # A plus of ours would be a blank: %20 is what the documents ask for.
    return quote_plus(text, safe="-_.~").replace("+", "%20")


def _seconds(text: str) -> int:
    try:
        moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
    except ValueError:
        raise Refusal(
            400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
        ) from None
    return int(moment.timestamp())


def _mismatch(what: str) -> Refusal:
    message = f"Specified signature is not matched with our calculation ({what})."
    return Refusal(400, "SignatureDoesNotMatch", message)
