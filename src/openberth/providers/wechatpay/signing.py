"""How WeChat Pay and its merchants prove themselves: RSA signatures over lines, AES-GCM around what is told.

Both sides sign lines that end in a line feed (RSASSA-PKCS1-v1_5, SHA-256): we method, path with query, time stamp,
nonce and body; WeChat Pay time stamp, nonce and body, with a key that the header ``Wechatpay-Serial`` names.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openberth.kernel.errors import Malformed, Unknown

NAME: Final = "wechatpay"
SCHEMA: Final = "WECHATPAY2-SHA256-RSA2048"
FRESH_S = 300
API_KEY_BYTES = 32

_PADDING, _HASH = PKCS1v15(), hashes.SHA256()


def lines(*parts: str | bytes) -> bytes:
    """Return what is signed: every part with a line feed after it."""
    return b"".join((part.encode() if isinstance(part, str) else part) + b"\n" for part in parts)


def sign(key: RSAPrivateKey, signed: bytes) -> str:
    """Return the signature in Base64."""
    return base64.b64encode(key.sign(signed, _PADDING, _HASH)).decode()


def authorization(
    key: RSAPrivateKey, *, mchid: str, serial: str, method: str, target: str, ts: str, nonce: str, body: bytes
) -> str:
    """Return the ``Authorization`` header of a request; ``target`` is path and query exactly as they are sent."""
    signature = sign(key, lines(method, target, ts, nonce, body))
    return f'{SCHEMA} mchid="{mchid}",nonce_str="{nonce}",signature="{signature}",timestamp="{ts}",serial_no="{serial}"'


def verify(keys: Mapping[str, RSAPublicKey], headers: Mapping[str, str], body: bytes, *, now_s: int) -> None:
    """Prove a message of WeChat Pay.

    Raises ``Unknown``: ``channel.bad_signature`` (also for a key that nobody knows: it is never fetched because
    somebody names it, and for WeChat Pay's own probes, whose signatures are wrong on purpose) or ``channel.stale``.
    """
    named = {name.lower(): value for name, value in headers.items()}
    ts, nonce = named.get("wechatpay-timestamp", ""), named.get("wechatpay-nonce", "")
    key = keys.get(named.get("wechatpay-serial", ""))
    if key is None or not (ts.isascii() and ts.isdigit() and len(ts) <= 12) or not nonce:
        raise Unknown("channel.bad_signature", channel=NAME)
    try:
        signature = base64.b64decode(named.get("wechatpay-signature", ""), validate=True)
        key.verify(signature, lines(ts, nonce, body), _PADDING, _HASH)
    except (binascii.Error, ValueError, InvalidSignature):
        raise Unknown("channel.bad_signature", channel=NAME) from None
    if abs(now_s - int(ts)) > FRESH_S:
        raise Unknown("channel.stale", channel=NAME)


def unseal(api_key: bytes, *, nonce: str, ciphertext: str, associated: str) -> bytes:
    """Return what WeChat Pay encrypted under the APIv3 key. Raises ``Malformed("channel.bad_notice")``."""
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return AESGCM(api_key).decrypt(nonce.encode(), sealed, associated.encode())
    except (binascii.Error, ValueError, InvalidTag):
        raise Malformed("channel.bad_notice", channel=NAME) from None


def private_key_of(pem: str) -> RSAPrivateKey:
    """Read the merchant's key. Raises ``ValueError``."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
        raise ValueError("an RSA key of 2048 bits is needed")
    return key


def public_key_of(pem: str) -> RSAPublicKey:
    """Read WeChat Pay's public key, or the key of a platform certificate. Raises ``ValueError``."""
    key = (
        x509.load_pem_x509_certificate(pem.encode()).public_key()
        if "BEGIN CERTIFICATE" in pem
        else serialization.load_pem_public_key(pem.encode())
    )
    if not isinstance(key, RSAPublicKey):
        raise ValueError("an RSA key is needed")
    return key


def public_bytes(key: RSAPrivateKey) -> bytes:
    """Return the public half of a key (DER)."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
