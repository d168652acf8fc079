"""One-time codes of an authenticator app: HOTP (RFC 4226) over time steps, TOTP (RFC 6238), SHA-1, six digits."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote

from openberth.kernel.time import SECOND_US, Instant

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
RECOVERY_LENGTH = 16
_BASE32 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_MEANT = str.maketrans({"0": "O", "1": "I", "8": "B", "-": None, " ": None})
DRIFT = 1  # steps before and after the present one that are accepted


def new_secret() -> str:
    """Return a fresh secret as authenticators take it: Base32."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def new_recovery_codes() -> list[str]:
    """Return fresh recovery codes of 80 random bits each: Base32 in four groups."""
    return [
        "-".join(made[place : place + 4] for place in range(0, RECOVERY_LENGTH, 4))
        for made in (base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES))
    ]


def recovery_code_of(typed: str) -> str | None:
    """Return a recovery code as it was made, however it was typed; None for what can be none.

    0, 1 and 8 are not in Base32: who types them means O, I and B.
    """
    plain = typed.upper().translate(_MEANT)
    if len(plain) != RECOVERY_LENGTH or not set(plain) <= _BASE32:
        return None
    return "-".join(plain[place : place + 4] for place in range(0, RECOVERY_LENGTH, 4))


def step_of(now: Instant) -> int:
    """Return the time step of an instant (RFC 6238 section 4.2, T0 = 0)."""
    return now // SECOND_US // STEP_S


def code_at(secret: bytes, step: int, *, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """Return the code of a step (RFC 4226 section 5.3)."""
    mac = hmac.new(secret, step.to_bytes(8, "big"), getattr(hashlib, algorithm)).digest()
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def matching_step(secret: str, code: str, *, now: Instant, after: int) -> int | None:
    """Return the step that a code belongs to, None for a wrong code; steps up to ``after`` have been used already."""
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    key, present = base64.b32decode(secret), step_of(now)
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        # Every step is compared, so that the time tells nothing.
        if hmac.compare_digest(code_at(key, step), code) and step > after and found is None:
            found = step
    return found


def address_of(secret: str, *, login: str, issuer: str = "OpenBerth") -> str:
    """Return the address that authenticators read from a QR code (the Key URI format)."""
    return (
        f"otpauth://totp/{quote(issuer)}:{quote(login)}?secret={secret}&issuer={quote(issuer)}"
        f"&digits={DIGITS}&period={STEP_S}"
    )
