"""Ports for servers of tests: outside the range that systems give to connections by themselves, so that no connection
beside a test has taken one before its server does.
"""

import socket
from contextlib import suppress
from random import SystemRandom

from tests.waiting import PATIENCE_S

_OURS = range(12_000, 32_000)
_random = SystemRandom()


def is_listening(port: int) -> bool:
    """Tell whether something on this machine listens at a port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    while True:
        port = _random.choice(_OURS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
