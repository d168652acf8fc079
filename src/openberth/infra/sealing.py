"""Sealing of personal values (AES-256-GCM) and the blind index that finds them again (HMAC-SHA256). No database here.

A sealed value is ``01 | nonce 12 bytes | ciphertext | tag 16 bytes`` and stands beside the id of its key. Version, key
id and the caller's context are authenticated, so a value cannot be moved to another row or said to be of another key.
"""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openberth.infra.keys import KeyRing
from openberth.kernel.errors import Refused

_VERSION = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
OVERHEAD = len(_VERSION) + _NONCE_BYTES + _TAG_BYTES
MAX_PLAIN = 3_072  # so that the sealed value fits into its column


class RingSealer:
    """Seals and opens values with one key ring, as the database's ``Sealer`` asks; thread-safe.

    Nonces are random: a key is good for 2^32 values (NIST SP 800-38D section 8.3); rotation long before that is one
    command.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._current = ring.current
        self._ciphers = {key_id: AESGCM(key) for key_id, key in ring.sealing.items()}
        self._fingerprint = hmac.new(ring.fingerprint, b"openberth-fingerprint/1\x00", hashlib.sha256)

    def seal(self, plain: bytes, *, context: bytes) -> tuple[str, bytes]:
        """Return (key id, sealed value); ``context`` says where it belongs, e.g. the kind and id of its row."""
        if len(plain) > MAX_PLAIN:
            raise ValueError(f"a sealed value has at most {MAX_PLAIN} bytes")
        nonce = os.urandom(_NONCE_BYTES)
        ciphertext = self._ciphers[self._current].encrypt(nonce, plain, _bound(self._current, context))
        return self._current, _VERSION + nonce + ciphertext

    def open(self, key_id: str, sealed: bytes, *, context: bytes) -> bytes:
        """Return the plain bytes.

        Raises ``Refused``: ``vault.key_unknown`` when the key is not in the ring, ``vault.tampered`` when value, key
        and context do not belong together.
        """
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise Refused("vault.key_unknown", key=key_id[:16])
        if len(sealed) < OVERHEAD or not sealed.startswith(_VERSION):
            raise Refused("vault.tampered")
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, ciphertext, _bound(key_id, context))
        except InvalidTag:
            raise Refused("vault.tampered") from None

    def is_current(self, key_id: str) -> bool:
        """Tell whether a value of this key is sealed as new ones are, or waits to be sealed anew after a rotation."""
        return key_id == self._current

    def fingerprint(self, kind: str, text: str) -> str:
        """Return the blind index of a value, 64 hexadecimal digits: equal for equal kind and text, telling nothing."""
        if "\x00" in kind:
            raise ValueError("a kind has no NUL, it ends with one")
        mac = self._fingerprint.copy()
        mac.update(f"{kind}\x00{text}".encode())
        return mac.hexdigest()


def _bound(key_id: str, context: bytes) -> bytes:
    return _VERSION + bytes.fromhex(key_id) + context
