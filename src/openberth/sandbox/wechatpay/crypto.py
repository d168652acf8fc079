"""The few primitives of APIv3, on ``cryptography`` alone."""

import base64
import binascii
import datetime
import functools
import os
import secrets

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

SCHEME = "WECHATPAY2-SHA256-RSA2048"
CERTIFICATE_DAYS = 5 * 365


def lines(*parts: str | bytes) -> bytes:
    """Return the signed text: each part and a line feed after it, also after the last."""
    return b"".join((part.encode() if isinstance(part, str) else part) + b"\n" for part in parts)


def sign(key: rsa.RSAPrivateKey, text: bytes) -> str:
    """Sign with RSA PKCS #1 v1.5 over SHA-256; Base64."""
    return base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()


def verifies(key: rsa.RSAPublicKey, text: bytes, signature: str) -> bool:
    """Tell whether a Base64 signature is one of the key over the text."""
    try:
        key.verify(base64.b64decode(signature, validate=True), text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def seal(api_key: bytes, plain: bytes, aad: str) -> dict[str, str]:
    """Encrypt with AES-GCM; a new nonce of 12 ASCII characters each time, the tag at the end of the ciphertext."""
    nonce = secrets.token_hex(6)
    ciphertext = AESGCM(api_key).encrypt(nonce.encode(), plain, aad.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(ciphertext).decode(),
        "associated_data": aad,
        "nonce": nonce,
    }


def unseal(api_key: bytes, nonce: str, ciphertext: str, aad: str) -> bytes:
    """Decrypt what ``seal`` made. Raises ``ValueError`` when key, nonce, data or tag do not fit together."""
    try:
        return AESGCM(api_key).decrypt(nonce.encode(), base64.b64decode(ciphertext), aad.encode())
    except InvalidTag as error:
        raise ValueError("the ciphertext is not authentic") from error


def open_field(key: rsa.RSAPrivateKey, text: str) -> str:
    """Decrypt one sensitive field: RSA-OAEP with SHA-1, as the real one takes it. Raises ``ValueError``."""
    sha1 = hashes.SHA1()  # noqa: S303 - the scheme of the wire; OAEP does not need a collision-free digest
    plain = key.decrypt(base64.b64decode(text, validate=True), padding.OAEP(padding.MGF1(sha1), sha1, None))
    return plain.decode()


def new_key() -> rsa.RSAPrivateKey:
    """Make a key pair of 2048 bits; takes a tenth of a second."""
    return rsa.generate_private_key(65537, 2048)


def new_serial() -> str:
    """Return a certificate's serial number as it is written: 40 hexadecimal digits, upper case, zeros kept."""
    return f"{int.from_bytes(os.urandom(20)) >> 2 | 1:040X}"


def certificate(key: rsa.RSAPrivateKey, serial: str, name: str, starts_at: float) -> str:
    """Return a certificate for a key as PEM, signed by the key itself."""
    subject = x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "sandbox"), x509.NameAttribute(NameOID.COMMON_NAME, name),
    ])  # fmt: skip
    start = datetime.datetime.fromtimestamp(int(starts_at), datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(int(serial, 16))
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """Return a private key as PEM (PKCS #8, not encrypted: these keys guard nothing)."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: rsa.RSAPublicKey) -> str:
    """Return a public key as PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@functools.lru_cache(256)  # reading checks a key, which costs more than signing with it
def read_private(pem: str) -> rsa.RSAPrivateKey:
    """Read a private RSA key. Raises ``ValueError``."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key


@functools.lru_cache(256)
def read_public(pem: str) -> tuple[rsa.RSAPublicKey, str | None]:
    """Read a public RSA key from a key or a certificate, with the certificate's serial. Raises ``ValueError``."""
    if "BEGIN CERTIFICATE" in pem:
        found = x509.load_pem_x509_certificate(pem.encode())
        return _rsa(found.public_key()), f"{found.serial_number:040X}"
    return _rsa(serialization.load_pem_public_key(pem.encode())), None


def _rsa(key: object) -> rsa.RSAPublicKey:
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("not an RSA key")
    return key
