"""One bad input and how it is sent."""

import hashlib
import json
from dataclasses import dataclass

from tests.wire.bad.bench import Sent

JSON, YAML = "application/json", "application/yaml"
OPEN = "/v1/lots/mall/lanes/in-1/open"
CASH = "/v1/lots/mall/lanes/out-1/cash"
NEVER_TWICE = (OPEN, CASH)  # they ask for a key of their own


@dataclass(frozen=True)
class Bad:
    """One bad input: what it is, where it goes, and what comes back. A harmless one is taken (2xx) as plain text."""

    what: str
    where: str
    sent: Sent
    status: int
    code: str = ""
    then: str = ""  # what it comes to
    changes: bool = False  # it is taken, and written

    def __str__(self) -> str:
        return f"{self.what}, {self.where}"[:80]


def get(target: str, **headers: str) -> Sent:
    """Return a request that reads."""
    return Sent("GET", target, headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()))


def post(target: str, body: object, kind: str = JSON, **headers: str) -> Sent:
    """Return a request with a body."""
    sent = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    if target in NEVER_TWICE:
        headers.setdefault("idempotency-key", hashlib.sha256(sent).hexdigest())
    return Sent("POST", target, sent, kind, tuple((name.replace("_", "-"), value) for name, value in headers.items()))


def put(target: str, text: str | bytes, kind: str = YAML) -> Sent:
    """Return a request with a document."""
    return Sent("PUT", target, text if isinstance(text, bytes) else text.encode(), kind)


def sign_in(login: str) -> Sent:
    """Return a sign-in with a wrong password."""
    return Sent("POST", "/v1/auth/sign-in", json.dumps({"login": login, "password": "x"}).encode(), JSON, token=False)


def new_account(login: str) -> Sent:
    """Return the making of an account."""
    return post("/v1/accounts", {"login": login, "name": "Desk", "password": "plum-otter-canal-92"})


def asked_plate(plate: str) -> Sent:
    """Return what a driver asks about a plate."""
    return Sent("POST", "/c/<sign>/bills", json.dumps({"plate": plate}).encode(), JSON, token=False)


def reason(words: str) -> Sent:
    """Return an opening of a gate for a reason."""
    return post(OPEN, {"reason": words})


def cash(minor: bytes | int, currency: str = "CNY") -> bytes:
    """Return a body that says how much cash came for a bill that there is not; ``minor`` as it is written."""
    written = minor if isinstance(minor, bytes) else str(minor).encode()
    return (
        b'{"bill": "01900000-0000-7000-8000-000000000000", "received": {"minor": '
        + written + b', "currency": "' + currency.encode() + b'"}}'
    )  # fmt: skip
