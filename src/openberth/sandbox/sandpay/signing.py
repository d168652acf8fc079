"""Ed25519 signatures over HTTP messages, as ``docs/guides/sandpay.md`` writes them."""

import base64
import binascii
import hashlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HEADER = "Sandpay-Signature"
OWN_ID = "sandpay"
WINDOW_S = 300
MERCHANT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FIELDS = re.compile(
    r"id=(?P<id>[A-Za-z0-9_-]{1,64}),ts=(?P<ts>[1-9][0-9]{0,11}),"
    r"nonce=(?P<nonce>[A-Za-z0-9]{16,64}),sig=(?P<sig>[A-Za-z0-9+/]{86}==)"
)


class SignatureRefused(Exception):
    """A message that its sender has not proved to be its own; the text says why and holds no secret."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The fields of a signature header. ``ts`` stays the text that was signed."""

    id: str
    ts: str
    nonce: str
    raw: bytes


def message(method: str, target: str, ts: str, nonce: str, body: bytes) -> bytes:
    """Return the signed text: method, path with query, time stamp, nonce and digest of the body, a line each."""
    return f"{method}\n{target}\n{ts}\n{nonce}\n{hashlib.sha256(body).hexdigest()}\n".encode()


def parse(header: str) -> Signature:
    """Read a signature header; only its one canonical spelling is taken, so that no altered header verifies."""
    found = _FIELDS.fullmatch(header)
    if found is None:
        raise SignatureRefused(f"{HEADER} cannot be read")
    try:
        raw = base64.b64decode(found["sig"], validate=True)
    except binascii.Error as error:
        raise SignatureRefused("the signature is not Base64") from error
    if base64.b64encode(raw).decode() != found["sig"]:
        raise SignatureRefused("the signature is not canonical Base64")
    return Signature(found["id"], found["ts"], found["nonce"], raw)


def verify(key: Ed25519PublicKey, signature: Signature, method: str, target: str, body: bytes, now: float) -> None:
    """Raise ``SignatureRefused`` unless the message was signed by the key within the last (or next) 300 seconds."""
    try:
        key.verify(signature.raw, message(method, target, signature.ts, signature.nonce, body))
    except InvalidSignature as error:
        raise SignatureRefused("the signature is wrong") from error
    if abs(now - int(signature.ts)) > WINDOW_S:
        raise SignatureRefused(f"the time stamp is more than {WINDOW_S} s away")


def sign(key: Ed25519PrivateKey, method: str, target: str, body: bytes) -> str:
    """Return the header that signs a message of our own, now and with a new nonce."""
    ts, nonce = str(int(time.time())), os.urandom(16).hex()
    signature = base64.b64encode(key.sign(message(method, target, ts, nonce, body))).decode()
    return f"id={OWN_ID},ts={ts},nonce={nonce},sig={signature}"


def own_key(folder: Path) -> Ed25519PrivateKey:
    """Return the key of this channel, made at first start; the public half lies beside it as ``sandpay.pub``.

    Raises ``OSError`` when the folder cannot be used and ``ValueError`` when the file holds no Ed25519 key.
    """
    path = folder / "sandpay.key"
    if not path.exists():
        fresh = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write(path, fresh, 0o600)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} holds no Ed25519 key")
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    _write(folder / "sandpay.pub", public, 0o644)
    return key


def merchant_key(path: Path) -> Ed25519PublicKey:
    """Read the public key of a merchant. Raises ``OSError`` or ``ValueError``."""
    key = serialization.load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path} holds no Ed25519 public key")
    return key


def _write(path: Path, content: bytes, mode: int) -> None:
    # Beside and then over: a kill leaves the old file or the new one, never half a key.
    beside = path.with_suffix(path.suffix + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
