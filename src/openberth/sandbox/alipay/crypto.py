"""The few primitives of the v2 gateway, on ``cryptography`` alone: RSA2 signatures, names of certificates."""

import base64
import binascii
import datetime
import functools
import hashlib
from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

CERTIFICATE_DAYS = 5 * 365
_RSA_SIGNED = (SignatureAlgorithmOID.RSA_WITH_SHA1, SignatureAlgorithmOID.RSA_WITH_SHA256)


def joined(parameters: Mapping[str, str], *without: str) -> str:
    """Return the signed text: what is not empty, sorted by name, ``name=value`` joined by ``&``, nothing encoded."""
    return "&".join(f"{name}={value}" for name, value in sorted(parameters.items()) if value and name not in without)


def sign(key: rsa.RSAPrivateKey, text: bytes) -> str:
    """Sign with RSA PKCS #1 v1.5 over SHA-256 (``RSA2``); Base64."""
    return base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()


def verifies(key: rsa.RSAPublicKey, text: bytes, signature: str) -> bool:
    """Tell whether a Base64 signature is one of the key over the text."""
    try:
        key.verify(base64.b64decode(signature, validate=True), text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def new_key() -> rsa.RSAPrivateKey:
    """Make a key pair of 2048 bits; takes a tenth of a second."""
    return rsa.generate_private_key(65537, 2048)


@functools.lru_cache(1)
def stranger() -> rsa.RSAPrivateKey:
    """Return a key that nobody knows, for signatures that must fail."""
    return new_key()


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
    return _private(serialization.load_pem_private_key(pem.encode(), password=None))


@functools.lru_cache(256)
def read_public(pem: str) -> rsa.RSAPublicKey:
    """Read a public RSA key, or that of a certificate. Raises ``ValueError``."""
    if "BEGIN CERTIFICATE" in pem:
        return _public(x509.load_pem_x509_certificate(pem.encode()).public_key())
    return _public(serialization.load_pem_public_key(pem.encode()))


def certificate(of: rsa.RSAPublicKey, name: str, issuer_key: rsa.RSAPrivateKey, issuer: str, starts_at: float) -> str:
    """Return a certificate as PEM. ``starts_at`` is in Unix seconds."""
    start = datetime.datetime.fromtimestamp(int(starts_at), datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(of)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=CERTIFICATE_DAYS))
        .sign(issuer_key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def serial_of(pem: str) -> str:
    """Return how the gateway names a certificate: MD5 over its issuer, most specific part first, and its serial."""
    found = x509.load_pem_x509_certificate(pem.encode())
    text = found.issuer.rfc4514_string() + str(found.serial_number)
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - what the wire asks for


def root_serial_of(bundle: str) -> str:
    """Return how the gateway names a bundle of roots: those signed with RSA, joined by ``_``, without SM2 and EC."""
    named = []
    for part in bundle.split("-----END CERTIFICATE-----")[:-1]:
        pem = part[part.index("-----BEGIN") :] + "-----END CERTIFICATE-----\n"
        try:
            found = x509.load_pem_x509_certificate(pem.encode()).signature_algorithm_oid
        except ValueError:  # a curve that is not known here
            continue
        if found in _RSA_SIGNED:
            named.append(serial_of(pem))
    return "_".join(named)


def _name(name: str) -> x509.Name:
    return x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "sandbox"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "practice"), x509.NameAttribute(NameOID.COMMON_NAME, name),
    ])  # fmt: skip


def _private(key: object) -> rsa.RSAPrivateKey:
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key


def _public(key: object) -> rsa.RSAPublicKey:
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("not an RSA key")
    return key
