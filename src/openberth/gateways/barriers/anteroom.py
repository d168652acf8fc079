"""Where connections wait until they have proved who they are: a room of its own, small, with little room for each
address, so that strangers use up no place of a barrier that has proved itself.
"""

from collections import Counter
from typing import Protocol

from openberth.infra.http.limits import limit_key


class Caller(Protocol):
    """Somebody who has connected."""

    @property
    def address(self) -> str:
        """Return where from."""
        ...


class Anteroom:
    """At most ``most`` callers, of an address (an IPv6 /64 counts as one) at most ``most_per_address``."""

    def __init__(self, *, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._waiting: dict[Caller, str] = {}
        self._per_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, caller: Caller) -> bool:
        """Let a caller wait here; False when there is no room."""
        key = limit_key(caller.address)
        if len(self._waiting) >= self._most or self._per_address[key] >= self._most_per_address:
            return False
        self._waiting[caller] = key
        self._per_address[key] += 1
        return True

    def leave(self, caller: Caller) -> None:
        """Make room again, whatever became of the caller; one that is not here changes nothing."""
        key = self._waiting.pop(caller, None)
        if key is None:
            return
        self._per_address[key] -= 1
        if self._per_address[key] <= 0:
            del self._per_address[key]
