"""Signed requests: HTTP Message Signatures (RFC 9421) with HMAC-SHA256 in one fixed profile, bodies by RFC 9530. Pure.

Three fields carry a signature::

    Content-Digest: sha-256=:BASE64 OF THE BODY'S SHA-256:
    Signature-Input: sig=("@method" "@path" "@query" "content-digest");created=SECONDS;nonce="…";keyid="…"
    Signature: sig=:BASE64 OF THE MAC:

Exactly these components are covered, in this order, and behind them ``"x-openberth-company"`` by a request that says
in which company it acts: else whoever stands between could have it act in another. ``alg="hmac-sha256"`` may be
named. What is signed are the lines of RFC 9421 section 2.5, without an end of line after the last; the key is the
secret as it was shown, in ASCII. A request is good for five minutes around ``created``, and once: the nonce (16 to 64
of A-Z a-z 0-9 - _) is remembered.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from openberth.kernel.errors import Unknown
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant

WINDOW_US = 5 * MINUTE_US
FIELDS = ("signature-input", "signature", "content-digest")
FIELD_MAX = 1_000

COMPANY_FIELD = "x-openberth-company"

_COMPONENTS = '"@method" "@path" "@query" "content-digest"'
_WITH_COMPANY = f' "{COMPANY_FIELD}"'
_INPUT = re.compile(
    r"([a-z][a-z0-9_-]{0,31})=(\(" + re.escape(_COMPONENTS) + f"({_WITH_COMPANY})?"
    r"\)((?:;[a-z]+=(?:\d{1,12}|\"[!#-\[\]-~]*\"))+))\Z"
)  # fmt: skip
_PARAMETER = re.compile(r";([a-z]+)=(\d+|\"[^\"]*\")")
_BYTES = re.compile(r"([a-z0-9_-]+)=:([A-Za-z0-9+/]*={0,2}):\Z")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}\Z")
_KNOWN = frozenset(("created", "nonce", "keyid", "alg"))
_ALGORITHM = "hmac-sha256"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it arrived: the path as it stood in the request line, the query without its question mark."""

    method: str
    path: bytes
    query: bytes
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a signature says: by which key, when (to the second), with which nonce; and what it is held against."""

    key: str
    created: Instant
    nonce: str
    base: bytes = field(repr=False)
    mac: bytes = field(repr=False)

    def is_signed_with(self, secret: str) -> bool:
        """Tell whether this secret made the signature, in constant time."""
        return hmac.compare_digest(self.mac, mac_of(secret, self.base))

    def is_timely(self, now: Instant) -> bool:
        """Tell whether the request was signed within five minutes of now, by either clock."""
        return abs(now - self.created) <= WINDOW_US


def claims_to_be_signed(headers: Mapping[str, str]) -> bool:
    """Tell whether a request carries a signature, good or not."""
    return "signature-input" in headers or "signature" in headers


def read_claim(request: SignedRequest) -> Claim:
    """Read the signature of a request and hold its digest against the body.

    Raises ``Unknown``: ``signature.malformed`` for fields of another form, ``signature.digest`` for another body.
    """
    said = {name: request.headers.get(name, "") for name in FIELDS}
    if any(len(value) > FIELD_MAX for value in said.values()):
        raise Unknown("signature.malformed")
    found = _INPUT.match(said["signature-input"].strip())
    signature = _BYTES.match(said["signature"].strip())
    if found is None or signature is None or signature[1] != found[1]:
        raise Unknown("signature.malformed")
    company = request.headers.get(COMPANY_FIELD)
    if (company is None) != (found[3] is None):
        raise Unknown("signature.malformed")
    parameters = _parameters(found[4])
    if said["content-digest"].strip() != digest_of(request.body):
        raise Unknown("signature.digest")
    try:
        mac = base64.b64decode(signature[2], validate=True)
    except binascii.Error:
        raise Unknown("signature.malformed") from None
    base = base_of(request.method, request.path, request.query, said["content-digest"].strip(), found[2], company)
    created = Instant(int(parameters["created"]) * SECOND_US)
    return Claim(parameters["keyid"], created, parameters["nonce"], base, mac)


def check_claim(claim: Claim, secrets: Iterable[str], now: Instant) -> None:
    """Hold a signature against the secrets that its key has now, none for a key that there is not.

    Raises ``Unknown``: ``signature.wrong``, ``signature.time``. That its nonce is new is for the caller to see to.
    """
    if not any(claim.is_signed_with(secret) for secret in secrets):
        raise Unknown("signature.wrong")
    if not claim.is_timely(now):
        raise Unknown("signature.time", minutes=WINDOW_US // MINUTE_US)


def digest_of(body: bytes) -> str:
    """Return the ``Content-Digest`` of a body (RFC 9530); an empty body has one, too."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def base_of(
    method: str, path: bytes, query: bytes, digest: str, parameters: str, company: str | None = None
) -> bytes:  # fmt: skip
    """Return what is signed (RFC 9421 section 2.5)."""
    named = () if company is None else (f'"{COMPANY_FIELD}": {company.strip()}'.encode(),)
    lines = (
        b'"@method": ' + method.encode(), b'"@path": ' + path, b'"@query": ?' + query,
        b'"content-digest": ' + digest.encode(), *named, b'"@signature-params": ' + parameters.encode(),
    )  # fmt: skip
    return b"\n".join(lines)


def mac_of(secret: str, base: bytes) -> bytes:
    """Return the signature (RFC 9421 section 3.3.3)."""
    return hmac.digest(secret.encode(), base, "sha256")


def signed_headers(
    *, method: str, path: str, query: str = "", body: bytes = b"", key: str, secret: str, created: Instant, nonce: str,
    company: str | None = None,
) -> dict[str, str]:  # fmt: skip
    """Return the three fields of a request, as a client makes them, and the one of a company that it names."""
    digest = digest_of(body)
    components = f"({_COMPONENTS}{'' if company is None else _WITH_COMPANY})"
    parameters = f'{components};created={created // SECOND_US};nonce="{nonce}";keyid="{key}"'
    mac = mac_of(secret, base_of(method, path.encode(), query.encode(), digest, parameters, company))
    named = {} if company is None else {COMPANY_FIELD: company}
    return named | {
        "content-digest": digest, "signature-input": f"sig={parameters}",
        "signature": f"sig=:{base64.b64encode(mac).decode()}:",
    }  # fmt: skip


def _parameters(text: str) -> dict[str, str]:
    found = [(name, value.strip('"')) for name, value in _PARAMETER.findall(text)]
    parameters = dict(found)
    if (
        len(parameters) != len(found)
        or not parameters.keys() <= _KNOWN
        or not {"created", "nonce", "keyid"} <= parameters.keys()
        or parameters.get("alg", _ALGORITHM) != _ALGORITHM
        or not parameters["created"].isdigit()
        or not _NONCE.match(parameters["nonce"])
    ):
        raise Unknown("signature.malformed")
    return parameters
