"""Sealing of personal values and the blind index that finds them again (HMAC-SHA256). No database here.

A sealed value is ``version | nonce 12 bytes | ciphertext | tag 16 bytes`` and stands beside the id of its key. The
version tells the algorithm: ``01`` AES-256-GCM, ``02`` SM4-GCM. Version, key id and the caller's context are
authenticated, so a value cannot be moved to another row or said to be of another key.
"""

import hashlib
import hmac
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openberth.infra.keys import Cipher, KeyRing, SealingKey, load_keys, signature_of
from openberth.kernel.errors import Problem, Refused

VERSIONS: Mapping[Cipher, bytes] = {Cipher.AES: b"\x01", Cipher.SM4: b"\x02"}
_NONCE_BYTES = 12
_TAG_BYTES = 16
OVERHEAD = 1 + _NONCE_BYTES + _TAG_BYTES
MAX_PLAIN = 3_072  # so that the sealed value fits into its column

log = structlog.get_logger()


class _Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


class Sm4Gcm:
    """SM4 in Galois/Counter Mode (RFC 8998 section 3.2), in the shape of the library's other ciphers; thread-safe.

    Raises ``UnsupportedAlgorithm`` at once where the library was built without SM4.
    """

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)
        self.encrypt(bytes(_NONCE_BYTES), b"", None)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return ciphertext and tag."""
        sealing = ciphers.Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(associated_data or b"")
        return sealing.update(data) + sealing.finalize() + sealing.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return the plain bytes. Raises ``InvalidTag``."""
        opening = ciphers.Cipher(self._algorithm, modes.GCM(nonce, data[-_TAG_BYTES:])).decryptor()
        opening.authenticate_additional_data(associated_data or b"")
        return opening.update(data[:-_TAG_BYTES]) + opening.finalize()


def aead_of(key: SealingKey) -> _Aead:
    """Return what seals with a key. Raises ``Refused("vault.cipher_unavailable")`` where this machine cannot."""
    if key.cipher is Cipher.AES:
        return AESGCM(key.secret)
    try:
        return Sm4Gcm(key.secret)
    except UnsupportedAlgorithm:
        raise Refused("vault.cipher_unavailable", cipher=key.cipher.value) from None


@dataclass(frozen=True, slots=True)
class _Held:
    """A ring with its ciphers, swapped as a whole."""

    ring: KeyRing
    ciphers: Mapping[str, tuple[bytes, _Aead]]

    @classmethod
    def of(cls, ring: KeyRing) -> "_Held":
        return cls(ring, {each: (VERSIONS[key.cipher], aead_of(key)) for each, key in ring.sealing.items()})


class RingSealer:
    """Seals and opens values with one key ring, as the database's ``Sealer`` asks; thread-safe.

    With ``path`` the ring follows its file: a value of a key that is not known yet makes it look whether the file has
    changed, before it refuses. ``share`` names the keys that every process holds: only of those one seals, so a new key
    comes into use once all can read what it seals. Nonces are random: a key is good for 2^32 values (NIST SP 800-38D
    section 8.3); rotation long before that is one command.
    """

    def __init__(self, ring: KeyRing, *, path: Path | None = None) -> None:
        self._held = _Held.of(ring)
        self._path = path
        self._seen = (0, 0, 0)  # what was read before may be older than the file: the first look reads it
        self._shared: frozenset[str] | None = None
        self._current = ring.current
        self._changing = threading.Lock()
        self._fingerprint = hmac.new(ring.fingerprint, b"openberth-fingerprint/1\x00", hashlib.sha256)

    @property
    def ring(self) -> KeyRing:
        """Return the ring as it is held now."""
        return self._held.ring

    @property
    def current(self) -> str:
        """Return the id of the key that seals now."""
        return self._current

    @property
    def path(self) -> Path | None:
        """Return the key file."""
        return self._path

    def refresh(self) -> bool:
        """Read the key file again if it has changed; tell whether the ring did.

        A file that cannot be read, or finds nothing by another fingerprint key, leaves what is held and is logged.
        """
        if self._path is None:
            return False
        with self._changing:
            seen = signature_of(self._path)
            if seen == self._seen:
                return False
            self._seen = seen
            try:
                ring = load_keys(self._path)
                if ring.fingerprint != self._held.ring.fingerprint:
                    raise Refused("vault.key_unknown", key=ring.current, path=str(self._path))
                held = _Held.of(ring)
            except Problem as problem:
                log.error("vault.keys_not_read", code=problem.code)
                return False
            changed = list(ring.sealing) != list(self._held.ring.sealing) or ring.current != self._held.ring.current
            self._held = held
            self._choose()
            return changed

    def share(self, shared: frozenset[str] | None) -> None:
        """Say which keys every process holds; None is all of one's own."""
        with self._changing:
            self._shared = shared
            self._choose()

    def _choose(self) -> None:
        ring, shared = self._held.ring, self._shared
        wanted = [ring.current, *reversed(tuple(ring.sealing))]
        self._current = next((each for each in wanted if shared is None or each in shared), ring.current)

    def seal(self, plain: bytes, *, context: bytes) -> tuple[str, bytes]:
        """Return (key id, sealed value); ``context`` says where it belongs, e.g. the kind and id of its row."""
        if len(plain) > MAX_PLAIN:
            raise ValueError(f"a sealed value has at most {MAX_PLAIN} bytes")
        held, current = self._held, self._current
        if current not in held.ciphers:  # between two steps of a change
            current = held.ring.current
        version, cipher = held.ciphers[current]
        nonce = os.urandom(_NONCE_BYTES)
        return current, version + nonce + cipher.encrypt(nonce, plain, _bound(version, current, context))

    def open(self, key_id: str, sealed: bytes, *, context: bytes) -> bytes:
        """Return the plain bytes.

        Raises ``Refused``: ``vault.key_unknown`` when the key is not in the ring, ``vault.tampered`` when value, key
        and context do not belong together.
        """
        found = self._held.ciphers.get(key_id)
        if found is None:
            self.refresh()
            found = self._held.ciphers.get(key_id)
        if found is None:
            raise Refused("vault.key_unknown", key=key_id[:16])
        version, cipher = found
        if len(sealed) < OVERHEAD or not sealed.startswith(version):
            raise Refused("vault.tampered")
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, ciphertext, _bound(version, key_id, context))
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


def _bound(version: bytes, key_id: str, context: bytes) -> bytes:
    return version + bytes.fromhex(key_id) + context
