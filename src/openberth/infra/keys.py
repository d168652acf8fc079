"""The key file: the keys that personal values are sealed and found with, kept outside the data folder.

Format ``openberth-keys/2``: JSON, mode 0600::

    {"format": "openberth-keys/2", "current": "9f03a1c2",
     "sealing": {"9f03a1c2": {"algorithm": "aes-256-gcm", "key": BASE64, "made_at": RFC 3339 or null}},
     "fingerprint": BASE64 of 32 bytes}

Sealing keys stand in the order in which they were made; old ones stay until nothing needs them (``retire_key``).
``openberth-keys/1``, in which a key is its Base64 alone and always AES-256, is read as well and stays what it is until
the first change, which writes the new form. The fingerprint key never changes, because the look-up of every row hangs
on it. Whoever loses this file loses every personal value: it belongs into the backup, apart from the data.
"""

import base64
import binascii
import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from openberth.kernel.errors import Refused
from openberth.kernel.time import Instant, from_iso, to_iso

FORMAT = "openberth-keys/2"
FIRST_FORMAT = "openberth-keys/1"
RETIRED_FORMAT = "openberth-retired-key/1"
FINGERPRINT_BYTES = 32
KEY_ID_BYTES = 4
MAX_FILE_BYTES = 1_000_000


class Cipher(StrEnum):
    """How a key seals. Both are GCM with a nonce of 96 and a tag of 128 bits (NIST SP 800-38D; RFC 8998 for SM4)."""

    AES = "aes-256-gcm"
    SM4 = "sm4-gcm"  # GB/T 32907-2016, where commercial cryptography is assessed

    @property
    def key_bytes(self) -> int:
        """Return the length of its keys."""
        return 32 if self is Cipher.AES else 16


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A key, how it seals, and when it was made (None: before files said so). ``repr`` does not show the key."""

    cipher: Cipher
    secret: bytes = field(repr=False)
    made_at: Instant | None = None

    def __post_init__(self) -> None:
        if len(self.secret) != self.cipher.key_bytes:
            raise ValueError(f"a key of {self.cipher} has {self.cipher.key_bytes} bytes")

    @classmethod
    def fresh(cls, cipher: Cipher, made_at: Instant | None = None) -> "SealingKey":
        """Return a new key."""
        return cls(cipher, secrets.token_bytes(cipher.key_bytes), made_at)


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """Sealing keys by id, oldest first, which of them is current, and the fingerprint key. ``repr`` shows ids only."""

    current: str
    sealing: Mapping[str, SealingKey]
    fingerprint: bytes

    def __post_init__(self) -> None:
        if self.current not in self.sealing or len(self.fingerprint) != FINGERPRINT_BYTES:
            raise ValueError("the current key must be there and the fingerprint key has 32 bytes")
        if any(len(key_id) != 2 * KEY_ID_BYTES or not _is_hex(key_id) for key_id in self.sealing):
            raise ValueError("key ids are 8 lower-case hexadecimal digits")

    def __repr__(self) -> str:
        return f"KeyRing(current={self.current}, {len(self.sealing)} sealing keys)"

    @classmethod
    def fresh(cls, cipher: Cipher = Cipher.AES, made_at: Instant | None = None) -> "KeyRing":
        """Return a new ring with one sealing key."""
        key_id = secrets.token_hex(KEY_ID_BYTES)
        sealing = MappingProxyType({key_id: SealingKey.fresh(cipher, made_at)})
        return cls(key_id, sealing, secrets.token_bytes(FINGERPRINT_BYTES))

    def rotated(
        self, cipher: Cipher = Cipher.AES, *, key_id: str | None = None, made_at: Instant | None = None
    ) -> "KeyRing":
        """Return the ring with a new current sealing key; all old ones stay."""
        key_id = key_id or self.unused_id()
        if key_id in self.sealing:
            raise ValueError("a new key has an id of its own")
        sealing = MappingProxyType({**self.sealing, key_id: SealingKey.fresh(cipher, made_at)})
        return KeyRing(key_id, sealing, self.fingerprint)

    def unused_id(self) -> str:
        """Return an id that no key of the ring has."""
        while (key_id := secrets.token_hex(KEY_ID_BYTES)) in self.sealing:
            pass
        return key_id

    def without(self, key_id: str) -> "KeyRing":
        """Return the ring without one old key."""
        kept = {each: key for each, key in self.sealing.items() if each != key_id}
        return KeyRing(self.current, MappingProxyType(kept), self.fingerprint)

    def with_old(self, key_id: str, key: SealingKey) -> "KeyRing":
        """Return the ring with one more old key, which seals nothing."""
        return KeyRing(self.current, MappingProxyType({key_id: key, **self.sealing}), self.fingerprint)


def open_keys(path: Path, *, key_in_use: str | None) -> KeyRing:
    """Return the keys of a file and make the file at the first start; see ``read_keys`` and ``settle_keys``."""
    ring = read_keys(path)
    settle_keys(path, ring, keys_in_use=() if key_in_use is None else (key_in_use,))
    return ring


def read_keys(path: Path, *, cipher: Cipher = Cipher.AES, now: Instant | None = None) -> KeyRing:
    """Return the keys of a file, or fresh ones, not yet written, when there is no file.

    A start opens the database with them, learns which keys it uses, and calls ``settle_keys`` before it seals anything.
    """
    return load_keys(path) if path.exists() else KeyRing.fresh(cipher, now)


def settle_keys(path: Path, ring: KeyRing, *, keys_in_use: Collection[str]) -> None:
    """Make sure that the keys fit the database, and write them when they are fresh.

    ``keys_in_use`` are the ids of the keys that vault rows are sealed with. Raises ``Refused``: ``vault.key_missing``
    when there is no file but the vault holds rows (new keys would leave them unreadable for ever),
    ``vault.key_unknown`` when the file lacks a key of this database, ``vault.key_unwritable``.
    """
    if path.exists():
        missing = sorted(set(keys_in_use) - set(ring.sealing))
        if missing:
            raise Refused("vault.key_unknown", key=", ".join(missing[:5]), path=str(path))
        return
    if keys_in_use:
        raise Refused("vault.key_missing", path=str(path))
    _write_new(path, ring)


def load_keys(path: Path) -> KeyRing:
    """Read a key file.

    Raises ``Refused``: ``vault.key_missing``, ``vault.key_exposed`` (others may read it), ``vault.key_unreadable`` or
    ``vault.key_malformed``.
    """
    content = _read(path)
    try:
        return _ring_of(content)
    except (ValueError, KeyError, TypeError, AttributeError):
        # "from None": the error may quote the text it failed on, and that text is keys.
        raise Refused("vault.key_malformed", path=str(path)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and mode & 0o077:
            raise Refused("vault.key_exposed", path=str(path), mode=f"{mode & 0o777:04o}")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES)
    except FileNotFoundError as error:
        raise Refused("vault.key_missing", path=str(path)) from error
    except OSError as error:
        raise Refused("vault.key_unreadable", path=str(path), reason=error.strerror) from error
    try:
        found = json.loads(content)
    except ValueError:
        raise Refused("vault.key_malformed", path=str(path)) from None
    if not isinstance(found, dict):
        raise Refused("vault.key_malformed", path=str(path))
    return found


def signature_of(path: Path) -> tuple[int, int, int]:
    """Return what changes when the file is replaced; zeros when it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_ino, found.st_size)


def rotate_keys(
    path: Path, cipher: Cipher = Cipher.AES, *, key_id: str | None = None, made_at: Instant | None = None
) -> KeyRing:
    """Add a new current sealing key to a key file, atomically, and return the new ring."""
    with _changing(path):
        ring = load_keys(path).rotated(cipher, key_id=key_id, made_at=made_at)
        _replace(path, ring)
    return ring


def retire_key(path: Path, key_id: str) -> Path:
    """Move an old key out of a key file into a file beside it, and return that file.

    Nothing is destroyed: old backups may still need the key, and ``restore_key`` brings it back. Whoever calls makes
    sure that no row needs it. Raises ``Refused``: ``vault.key_current``, ``vault.key_not_there`` and those of
    ``load_keys``.
    """
    with _changing(path):
        ring = load_keys(path)
        if key_id == ring.current:
            raise Refused("vault.key_current", key=key_id)
        if key_id not in ring.sealing:
            raise Refused("vault.key_not_there", key=key_id)
        retired = path.with_name(f"{path.stem}.retired-{key_id}.json")
        content = {"format": RETIRED_FORMAT, "id": key_id, **_json_of_key(ring.sealing[key_id])}
        if not retired.exists():  # an interrupted retirement has written the same
            temporary = _written_beside(retired, _json_text(content))
            temporary.replace(retired)
            _sync_folder(path.parent)
        _replace(path, ring.without(key_id))
    return retired


def restore_key(path: Path, retired: Path) -> str:
    """Take a retired key into a key file again, as one that only opens; return its id. Twice does no harm.

    Raises ``Refused``: ``vault.key_malformed`` and those of ``load_keys``.
    """
    content = _read(retired)
    try:
        if content["format"] != RETIRED_FORMAT:
            raise ValueError("another format")
        key_id, key = str(content["id"]), _key_of(content)
    except (ValueError, KeyError, TypeError):
        raise Refused("vault.key_malformed", path=str(retired)) from None
    with _changing(path):
        ring = load_keys(path)
        if key_id not in ring.sealing:
            _replace(path, ring.with_old(key_id, key))
        elif ring.sealing[key_id].secret != key.secret:
            raise Refused("vault.key_malformed", path=str(retired))
    return key_id


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[None]:
    """Hold a key file for one change: of two at once the later would forget the key of the earlier."""
    try:
        handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
    except OSError as error:
        raise Refused("vault.key_unwritable", path=str(path), reason=error.strerror or str(error)) from error


def _replace(path: Path, ring: KeyRing) -> None:
    temporary = _written_beside(path, _json_of(ring))
    try:
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write_new(path: Path, ring: KeyRing) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = _written_beside(path, _json_of(ring))
        try:
            # A hard link fails when the file exists: half a file is never seen, and no other start's keys are lost.
            path.hardlink_to(temporary)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise Refused("vault.key_unwritable", path=str(path), reason=error.strerror) from error


def _written_beside(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _json_of(ring: KeyRing) -> bytes:
    return _json_text({
        "format": FORMAT,
        "current": ring.current,
        "sealing": {key_id: _json_of_key(key) for key_id, key in ring.sealing.items()},
        "fingerprint": base64.b64encode(ring.fingerprint).decode(),
    })  # fmt: skip


def _json_of_key(key: SealingKey) -> dict[str, str | None]:
    made_at = None if key.made_at is None else to_iso(key.made_at)
    return {"algorithm": key.cipher.value, "key": base64.b64encode(key.secret).decode(), "made_at": made_at}


def _json_text(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=2).encode() + b"\n"


def _ring_of(content: Mapping[str, Any]) -> KeyRing:
    if content["format"] not in (FORMAT, FIRST_FORMAT):
        raise ValueError("unknown format")
    sealing = content["sealing"]
    if not isinstance(sealing, dict):
        raise TypeError("sealing keys are a mapping")
    read = _key_of if content["format"] == FORMAT else _first_key_of
    keys = {str(key_id): read(found) for key_id, found in sealing.items()}
    return KeyRing(str(content["current"]), MappingProxyType(keys), _bytes_of(content["fingerprint"]))


def _key_of(found: Mapping[str, Any]) -> SealingKey:
    made_at = None if found["made_at"] is None else from_iso(found["made_at"])
    return SealingKey(Cipher(found["algorithm"]), _bytes_of(found["key"]), made_at)


def _first_key_of(text: object) -> SealingKey:
    return SealingKey(Cipher.AES, _bytes_of(text))


def _bytes_of(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("a key is Base64 text")
    return base64.b64decode(text, validate=True)


def _is_hex(text: str) -> bool:
    try:
        return binascii.unhexlify(text).hex() == text
    except (binascii.Error, ValueError):
        return False
