"""How Alipay and its merchants prove themselves: RSA signatures (RSA2: PKCS #1 v1.5, SHA-256) over sorted parameters.

Requests sign every parameter that has a value, ``sign_type`` too; answers sign the raw text of one node; notifications
sign their fields without ``sign_type``, a few kinds with it. In certificate mode both sides name their certificate by a
serial number of Alipay's own making.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import SignatureAlgorithmOID

from openberth.kernel.errors import Unknown

NAME: Final = "alipay"
SIGN_TYPE: Final = "RSA2"
KEY_BITS = 2048

_PADDING, _HASH = PKCS1v15(), hashes.SHA256()
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_ROOTS = (SignatureAlgorithmOID.RSA_WITH_SHA1, SignatureAlgorithmOID.RSA_WITH_SHA256)


def content(fields: Mapping[str, str], *without: str) -> bytes:
    """Return what is signed of parameters: those that have a value, sorted by name, not encoded for addresses."""
    names = (name for name in sorted(fields) if fields[name] and name not in without)
    return "&".join(f"{name}={fields[name]}" for name in names).encode()


def sign(key: RSAPrivateKey, signed: bytes) -> str:
    """Return the signature in Base64."""
    return base64.b64encode(key.sign(signed, _PADDING, _HASH)).decode()


def is_signed(key: RSAPublicKey, signed: bytes, signature: str) -> bool:
    """Tell whether a signature in Base64 is the key's."""
    try:
        key.verify(base64.b64decode(signature, validate=True), signed, _PADDING, _HASH)
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


class Trust:
    """The keys that Alipay may sign with: by the serial number of their certificate, or one without any."""

    def __init__(self, keys: Mapping[str, RSAPublicKey]) -> None:
        if not keys:
            raise ValueError("a key is needed")
        self._keys = dict(keys)

    def prove(self, signed: bytes, signature: str, certificate: str | None) -> bool:
        """Tell whether Alipay signed. A certificate that nobody knows is never fetched because somebody names it."""
        key = self._key(certificate)
        return key is not None and is_signed(key, signed, signature)

    def prove_notice(self, fields: Mapping[str, str]) -> None:
        """Prove the fields of a notification. Raises ``Unknown("channel.bad_signature")``."""
        signature, certificate = fields.get("sign", ""), fields.get("alipay_cert_sn")
        if fields.get("sign_type", SIGN_TYPE) == SIGN_TYPE:
            for without in (("sign", "sign_type"), ("sign",)):
                if self.prove(content(fields, *without), signature, certificate):
                    return
        raise Unknown("channel.bad_signature", channel=NAME)

    def _key(self, certificate: str | None) -> RSAPublicKey | None:
        if "" in self._keys:
            return self._keys[""]
        if certificate:
            return self._keys.get(certificate)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None


def private_key_of(text: str) -> RSAPrivateKey:
    """Read a merchant's key: PEM, or the bare Base64 of Alipay's tool (PKCS #8 or #1). Raises ``ValueError``."""
    key = (
        serialization.load_pem_private_key(text.encode(), password=None)
        if "-----BEGIN" in text
        else serialization.load_der_private_key(_bare(text), password=None)
    )
    if not isinstance(key, RSAPrivateKey) or key.key_size < KEY_BITS:
        raise ValueError("an RSA key of 2048 bits is needed")
    return key


def public_key_of(text: str) -> RSAPublicKey:
    """Read Alipay's public key: PEM, or the bare Base64 of its web site. Raises ``ValueError``."""
    key = (
        serialization.load_pem_public_key(text.encode())
        if "-----BEGIN" in text
        else serialization.load_der_public_key(_bare(text))
    )
    return _rsa(key)


def certificate_of(pem: str) -> tuple[str, RSAPublicKey]:
    """Return serial number and key of a certificate. Raises ``ValueError``."""
    found = x509.load_pem_x509_certificate(pem.encode())
    return _serial(found), _rsa(found.public_key())


def certificates_of(bundle: str) -> dict[str, RSAPublicKey]:
    """Return the keys of certificates by serial number: two while one follows another. Raises ``ValueError``."""
    found = dict(certificate_of(pem) for pem in _CERTIFICATE.findall(bundle))
    if not found:
        raise ValueError("no certificate")
    return found


def root_serial_of(bundle: str) -> str:
    """Return the serial number of Alipay's roots: of each that RSA signed, joined. Raises ``ValueError``.

    The bundle has roots of other algorithms, too, which count for nothing here and which not every library can read.
    """
    serials = []
    for pem in _CERTIFICATE.findall(bundle):
        try:
            root = x509.load_pem_x509_certificate(pem.encode())
            if root.signature_algorithm_oid in _ROOTS:
                serials.append(_serial(root))
        except ValueError:
            continue
    if not serials:
        raise ValueError("no root certificate that RSA signed")
    return "_".join(serials)


def public_bytes(key: RSAPrivateKey | RSAPublicKey) -> bytes:
    """Return a public key, or the public half of a private one (DER)."""
    public = key.public_key() if isinstance(key, RSAPrivateKey) else key
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _serial(certificate: x509.Certificate) -> str:
    named = f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}"
    return hashlib.md5(named.encode(), usedforsecurity=False).hexdigest()


def _rsa(key: object) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey):
        raise ValueError("an RSA key is needed")
    return key


def _bare(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("neither PEM nor Base64") from error
