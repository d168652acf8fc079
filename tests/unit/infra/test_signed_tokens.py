"""Access tokens: signed, read back, and refused when anything about them is wrong."""

import base64
import json
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest

from openberth.infra.signed_tokens import (
    Algorithm,
    Claims,
    kid_of,
    make_key,
    private_key,
    public_jwk,
    public_key,
    read,
    sign,
)
from openberth.kernel.errors import Unknown
from openberth.kernel.time import SECOND_US, Instant

NOW = Instant(1_790_000_000 * SECOND_US)
CLAIMS = Claims("account", "session", NOW, Instant(NOW + 600 * SECOND_US), "id")


@lru_cache
def pem(algorithm: Algorithm, which: int) -> str:
    del which
    return make_key(algorithm)


def token(claims: Claims = CLAIMS, algorithm: Algorithm = "Ed25519", audience: str = "api") -> str:
    return sign(claims, key=private_key(pem(algorithm, 0), algorithm), algorithm=algorithm, kid="k", audience=audience)


def verified(text: str, algorithm: Algorithm = "Ed25519", now: int = NOW, which: int = 0) -> Claims:
    key = public_key(public_jwk(pem(algorithm, which), algorithm, "k"))
    return read(text, key=key, algorithm=algorithm, audience="api", now=Instant(now))


@pytest.mark.parametrize("algorithm", ["Ed25519", "RS256"])
def test_a_token_says_what_was_signed(algorithm: Algorithm) -> None:
    text = token(algorithm=algorithm)
    assert kid_of(text) == "k"
    assert verified(text, algorithm) == CLAIMS
    assert "d" not in public_jwk(pem(algorithm, 0), algorithm, "k")


def test_a_token_holds_while_it_holds() -> None:
    text = token()
    assert verified(text, now=CLAIMS.expires_at - 1) == CLAIMS
    for wrong in (CLAIMS.expires_at, NOW - 60 * SECOND_US):
        with pytest.raises(Unknown):
            verified(text, now=wrong)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_forged_tokens_are_refused() -> None:
    header, body, signature = token().split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = [
        f"{header}.{part({**said, 'sub': 'other'})}.{signature}",
        f"{part({'alg': 'none', 'kid': 'k'})}.{body}.",
        f"{part({'alg': 'HS256', 'kid': 'k'})}.{body}.{signature}",
        f"{header}.{body}.{signature[:-4]}AAAA",
        f"{header}.{body}",
        "a.b.c",
        "",
        token(audience="others"),
        token(algorithm="RS256"),
    ]
    for text in forged:
        with pytest.raises(Unknown):
            verified(text)
    with pytest.raises(Unknown):
        verified(token(), which=1)


def test_expired_before_it_began_is_refused() -> None:
    with pytest.raises(Unknown):
        verified(token(replace(CLAIMS, expires_at=NOW)))
