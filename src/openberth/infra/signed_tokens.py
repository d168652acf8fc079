"""Signed access tokens: JWT (RFC 7519) with EdDSA or RS256, and the keys as JWK (RFC 7517).

EdDSA goes by the name ``Ed25519``: RFC 9864 has deprecated the name ``EdDSA``, which left the curve open. Readers that
know neither are served by the setting ``RS256``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey, RSAKey
from joserfc.jws import extract_compact

from openberth.kernel.errors import Unknown
from openberth.kernel.time import SECOND_US, Instant

Algorithm: TypeAlias = Literal["Ed25519", "RS256"]
Key: TypeAlias = OKPKey | RSAKey
RSA_BITS = 2048
ISSUER = "openberth"
ACCESS = "at+jwt"  # RFC 9068 section 2.1
LEEWAY_S = 5


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says: account, session, when it ends. Nothing personal, and nothing that may change."""

    account: str
    session: str
    issued_at: Instant
    expires_at: Instant
    token_id: str


def make_key(algorithm: Algorithm) -> str:
    """Return a fresh private key as PEM (PKCS #8)."""
    made: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    if algorithm == "Ed25519":
        made = ed25519.Ed25519PrivateKey.generate()
    else:
        made = rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def private_key(pem: str, algorithm: Algorithm) -> Key:
    """Return the private key of a PEM text."""
    return _kind(algorithm).import_key(pem)


def public_jwk(pem: str, algorithm: Algorithm, kid: str) -> dict[str, Any]:
    """Return the public part as it is published."""
    public = private_key(pem, algorithm).as_dict(private=False)
    return {**public, "kid": kid, "use": "sig", "alg": algorithm}


def public_key(jwk: Mapping[str, Any]) -> Key:
    """Return the public key that was published."""
    return _kind(jwk["alg"]).import_key(dict(jwk))


def sign(claims: Claims, *, key: Key, algorithm: Algorithm, kid: str, audience: str) -> str:
    """Return the token."""
    said = {
        "iss": ISSUER, "aud": audience, "sub": claims.account, "sid": claims.session, "jti": claims.token_id,
        "iat": claims.issued_at // SECOND_US, "exp": claims.expires_at // SECOND_US,
    }  # fmt: skip
    return jwt.encode({"alg": algorithm, "kid": kid, "typ": ACCESS}, said, key, algorithms=[algorithm])


def kid_of(token: str) -> str | None:
    """Return the key id that a token names, None for what is no token; nothing has been verified yet."""
    try:
        return str(extract_compact(token.encode()).headers()["kid"])
    except (JoseError, ValueError, KeyError):
        return None


def read(token: str, *, key: Key, algorithm: Algorithm, audience: str, now: Instant) -> Claims:
    """Return what a token says once its signature, algorithm, issuer, audience and time hold. Raises ``Unknown``."""
    try:
        found = jwt.decode(token, key, algorithms=[algorithm])
        said = found.claims
        claims = Claims(
            str(said["sub"]), str(said["sid"]), Instant(int(said["iat"]) * SECOND_US),
            Instant(int(said["exp"]) * SECOND_US), str(said["jti"]),
        )  # fmt: skip
        # Statements of another kind are signed with the same keys (RFC 8725 section 3.11).
        is_ours = found.header.get("typ") == ACCESS and said["iss"] == ISSUER and said["aud"] == audience
    except (JoseError, ValueError, KeyError, TypeError):
        raise Unknown("auth.required") from None
    if not is_ours or not claims.issued_at - LEEWAY_S * SECOND_US <= now < claims.expires_at:
        raise Unknown("auth.required")
    return claims


def attest(text: bytes, *, key: Key, algorithm: Algorithm, kid: str, kind: str) -> str:
    """Return a statement that is no access token, signed (JWS compact, RFC 7515); ``kind`` is its ``typ``."""
    return jws.serialize_compact({"alg": algorithm, "kid": kid, "typ": kind}, text, key, algorithms=[algorithm])


def _kind(algorithm: Algorithm) -> "type[OKPKey] | type[RSAKey]":
    return OKPKey if algorithm == "Ed25519" else RSAKey
