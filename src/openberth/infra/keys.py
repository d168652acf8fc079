"""The key file: the keys that personal values are sealed and found with, kept outside the data folder.

Format ``openberth-keys/1``: JSON, mode 0600::

    {"format": "openberth-keys/1", "current": "9f03a1c2",
     "sealing": {"9f03a1c2": BASE64 of 32 bytes}, "fingerprint": BASE64 of 32 bytes}

Sealing keys are added and old ones kept, so that old rows stay readable; the fingerprint key never changes, because the
look-up of every row hangs on it. Whoever loses this file loses every personal value: it belongs into the backup, apart
from the data.
"""

import base64
import binascii
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from openberth.kernel.errors import Refused

FORMAT = "openberth-keys/1"
KEY_BYTES = 32
KEY_ID_BYTES = 4
MAX_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """Sealing keys by id, which of them is current, and the fingerprint key. ``repr`` shows ids only."""

    current: str
    sealing: Mapping[str, bytes]
    fingerprint: bytes

    def __post_init__(self) -> None:
        keys = [*self.sealing.values(), self.fingerprint]
        if self.current not in self.sealing or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError("the current key must be there and every key has 32 bytes")
        if any(len(key_id) != 2 * KEY_ID_BYTES or not _is_hex(key_id) for key_id in self.sealing):
            raise ValueError("key ids are 8 lower-case hexadecimal digits")

    def __repr__(self) -> str:
        return f"KeyRing(current={self.current}, {len(self.sealing)} sealing keys)"

    @classmethod
    def fresh(cls) -> "KeyRing":
        """Return a new ring with one sealing key."""
        key_id = secrets.token_hex(KEY_ID_BYTES)
        sealing = MappingProxyType({key_id: secrets.token_bytes(KEY_BYTES)})
        return cls(key_id, sealing, secrets.token_bytes(KEY_BYTES))

    def rotated(self) -> "KeyRing":
        """Return the ring with a new current sealing key; all old ones stay."""
        key_id = secrets.token_hex(KEY_ID_BYTES)
        while key_id in self.sealing:
            key_id = secrets.token_hex(KEY_ID_BYTES)
        sealing = MappingProxyType({**self.sealing, key_id: secrets.token_bytes(KEY_BYTES)})
        return KeyRing(key_id, sealing, self.fingerprint)


def open_keys(path: Path, *, key_in_use: str | None) -> KeyRing:
    """Return the keys of a file and make the file at the first start; see ``read_keys`` and ``settle_keys``."""
    ring = read_keys(path)
    settle_keys(path, ring, key_in_use=key_in_use)
    return ring


def read_keys(path: Path) -> KeyRing:
    """Return the keys of a file, or fresh ones, not yet written, when there is no file.

    A start opens the database with them, learns which key it uses, and calls ``settle_keys`` before it seals anything.
    """
    return load_keys(path) if path.exists() else KeyRing.fresh()


def settle_keys(path: Path, ring: KeyRing, *, key_in_use: str | None) -> None:
    """Make sure that the keys fit the database, and write them when they are fresh.

    ``key_in_use`` is the id of a key that some vault row is sealed with, None for an empty vault. Raises ``Refused``:
    ``vault.key_missing`` when there is no file but the vault holds rows (new keys would leave them unreadable for
    ever), ``vault.key_unknown`` when the file is not the one of this database, ``vault.key_unwritable``.
    """
    if path.exists():
        if key_in_use is not None and key_in_use not in ring.sealing:
            raise Refused("vault.key_unknown", key=key_in_use, path=str(path))
        return
    if key_in_use is not None:
        raise Refused("vault.key_missing", path=str(path))
    _write_new(path, ring)


def load_keys(path: Path) -> KeyRing:
    """Read a key file.

    Raises ``Refused``: ``vault.key_missing``, ``vault.key_exposed`` (others may read it), ``vault.key_unreadable`` or
    ``vault.key_malformed``.
    """
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
        return _ring_of(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError):
        # "from None": a parser's error quotes the text it failed on, and that text is keys.
        raise Refused("vault.key_malformed", path=str(path)) from None


def rotate_keys(path: Path) -> KeyRing:
    """Add a new current sealing key to a key file, atomically, and return the new ring."""
    ring = load_keys(path).rotated()
    temporary = _written_beside(path, ring)
    try:
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return ring


def _write_new(path: Path, ring: KeyRing) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = _written_beside(path, ring)
        try:
            # A hard link fails when the file exists: half a file is never seen, and no other start's keys are lost.
            path.hardlink_to(temporary)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise Refused("vault.key_unwritable", path=str(path), reason=error.strerror) from error


def _written_beside(path: Path, ring: KeyRing) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(_json_of(ring))
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
    content = {
        "format": FORMAT,
        "current": ring.current,
        "sealing": {key_id: base64.b64encode(key).decode() for key_id, key in ring.sealing.items()},
        "fingerprint": base64.b64encode(ring.fingerprint).decode(),
    }
    return json.dumps(content, indent=2).encode() + b"\n"


def _ring_of(content: dict[str, object]) -> KeyRing:
    if content["format"] != FORMAT:
        raise ValueError("unknown format")
    sealing = content["sealing"]
    if not isinstance(sealing, dict):
        raise TypeError("sealing keys are a mapping")
    keys = {str(key_id): _key_of(text) for key_id, text in sealing.items()}
    return KeyRing(str(content["current"]), MappingProxyType(keys), _key_of(content["fingerprint"]))


def _key_of(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("a key is Base64 text")
    return base64.b64decode(text, validate=True)


def _is_hex(text: str) -> bool:
    try:
        return binascii.unhexlify(text).hex() == text
    except (binascii.Error, ValueError):
        return False
