"""Identifiers: UUID version 7 (RFC 9562 section 5.7), so that keys of new rows lie side by side on disk."""

from typing import TypeAlias
from uuid import UUID, SafeUUID

Id: TypeAlias = UUID

BEYOND_ALL = Id(int=(1 << 128) - 1)  # before it comes every row: where a walk from the newest on begins

_VERSION_AND_VARIANT = (0x7 << 76) | (0b10 << 62)
_RAND_A_MAX = (1 << 12) - 1
_RAND_B_MAX = (1 << 62) - 1

# A UUID refuses to be changed; its slots do not.
_new = object.__new__
_set_int = vars(UUID)["int"].__set__
_set_is_safe = vars(UUID)["is_safe"].__set__
_UNKNOWN = SafeUUID.unknown


def uuid7(unix_ms: int, rand_a: int, rand_b: int) -> Id:
    """Build a version 7 UUID from milliseconds since 1970, 12 bits and 62 bits."""
    if not 0 <= unix_ms < 1 << 48:
        raise ValueError("milliseconds do not fit in 48 bits")
    low = (rand_a & _RAND_A_MAX) << 64 | (rand_b & _RAND_B_MAX)
    return id_from_int(unix_ms << 80 | _VERSION_AND_VARIANT | low)


def id_from_bytes(data: bytes) -> Id:
    """Build an id from its 16 bytes: what reading a row does a dozen times, so the general constructor is bypassed."""
    return id_from_int(int.from_bytes(data, "big"))


def id_from_int(number: int) -> Id:
    """Build an id from a number of 128 bits that is known to be one."""
    made = _new(UUID)
    _set_int(made, number)
    _set_is_safe(made, _UNKNOWN)
    return made


def unix_ms_of(identifier: Id) -> int:
    """Return the milliseconds since 1970 that a version 7 UUID was made at."""
    if identifier.version != 7:
        raise ValueError("only version 7 ids carry their time")
    return identifier.int >> 80


def lowest_at(unix_ms: int) -> Id:
    """Return the smallest version 7 id of a millisecond: the bound of a history partition."""
    return UUID(int=unix_ms << 80 | _VERSION_AND_VARIANT)
