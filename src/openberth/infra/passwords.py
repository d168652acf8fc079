"""Passwords as they are kept: Argon2id (RFC 9106) off the event loop, a few at a time, and a list of common ones.

19 MiB and two passes are what OWASP names for interactive sign-in. A semaphore bounds the memory that a flood of
sign-ins may take. Whoever does not exist is checked against a digest of nothing, so that it takes the same time.
"""

import asyncio
import re
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

MEMORY_KIB = 19 * 1024
PASSES = 2
AT_ONCE = 2

# Pinyin and numbers that stand at the head of Chinese lists; the English list has its own.
_COMMON_IN_CHINA = frozenset((
    "woaini", "woaini1314", "woaini520", "5201314", "1314520", "wo123456", "qq123456", "aini1314", "zhang123",
    "wang123", "woshishui", "nihao123", "mima123", "mima1234", "admin888", "a12345678", "aa123456", "abc123456",
    "zxcvbnm123",
    "1qaz2wsx3edc", "qazwsxedc", "caonima", "taobao", "wangyut2", "boweixitong", "openberth", "tingchechang",
))  # fmt: skip
# What people put around a common word to please a rule.
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")


class Hashing:
    """Makes and checks digests; one of a process."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES, at_once: int = AT_ONCE) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._places = asyncio.Semaphore(at_once)
        self._nobody: str | None = None

    async def digest(self, password: str) -> str:
        """Return the digest of a password, with its salt and parameters."""
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, digest: str | None, password: str) -> bool:
        """Tell whether a password belongs to a digest; without one it takes the same time and is False."""
        async with self._places:
            if self._nobody is None:
                self._nobody = await asyncio.to_thread(self._hasher.hash, "")
            found = await asyncio.to_thread(self._verified, digest or self._nobody, password)
        return found and digest is not None

    def _verified(self, digest: str, password: str) -> bool:
        try:
            return self._hasher.verify(digest, password)
        except (VerifyMismatchError, InvalidHashError):
            return False


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    return _COMMON_IN_CHINA | frozenset(FREQUENCY_LISTS["passwords"])


def is_common(password: str) -> bool:
    """Tell whether a password is one that everybody tries first, also with digits and signs around it or repeated."""
    lowered = password.casefold()
    bare = _AROUND.sub("", lowered)
    if lowered in _common() or (bare in _common() and len(bare) >= len(lowered) - 6) or len(set(lowered)) < 4:
        return True
    halves = {lowered[: len(lowered) // parts] for parts in (2, 3, 4) if len(lowered) % parts == 0}
    return any(half in _common() and half * (len(lowered) // len(half)) == lowered for half in halves)
