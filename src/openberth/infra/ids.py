"""Where ids come from: version 7 UUIDs that grow within the process, so that rows are inserted at the end of their
index.
"""

import os
import threading

from openberth.kernel.ids import Id, uuid7
from openberth.kernel.time import Clock

_RANDOM_BYTES = 8
_BUFFERED = 512
_COUNTER_MAX = (1 << 12) - 1


class IdSource:
    """Makes ids by machine time; thread-safe.

    ``rand_a`` counts within a millisecond (RFC 9562 section 6.2, method 1), so ids of one process are strictly
    growing; when the counter is full or the clock steps back, the last millisecond is carried on.
    """

    def __init__(self, machine: Clock) -> None:
        self._machine = machine
        self._lock = threading.Lock()
        self._last_ms = 0
        self._counter = 0
        self._random = b""
        self._used = 0
        self._process = os.getpid()

    def new_id(self) -> Id:
        """Return a fresh id, greater than every one before it."""
        now_ms = self._machine.now() // 1_000
        with self._lock:
            if now_ms > self._last_ms:
                self._last_ms = now_ms
                self._counter = 0
            elif self._counter < _COUNTER_MAX:
                self._counter += 1
            else:
                self._last_ms += 1
                self._counter = 0
            if self._used >= len(self._random) or self._process != os.getpid():
                # A forked child must not go on with its parent's random bytes: it would make the same ids.
                self._random = os.urandom(_RANDOM_BYTES * _BUFFERED)
                self._used = 0
                self._process = os.getpid()
            random = int.from_bytes(self._random[self._used : self._used + _RANDOM_BYTES], "big")
            self._used += _RANDOM_BYTES
            return uuid7(self._last_ms, self._counter, random >> 2)
