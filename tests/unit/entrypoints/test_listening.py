"""Why a server cannot listen: a sentence for each reason."""

import errno
import socket

import pytest

from openberth.entrypoints.server import _why_not_listening


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.EADDRINUSE, "in use"), "server.port_taken"),
        (OSError(errno.EADDRNOTAVAIL, "not ours"), "server.address"),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "server.address"),
        (PermissionError(errno.EACCES, "no"), "server.port_denied"),
    ],
)
def test_the_reason_names_what_to_do(error: OSError, code: str) -> None:
    assert _why_not_listening(error) == code
