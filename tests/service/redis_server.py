"""A Redis server of the tests: the one that OPENBERTH_TEST_REDIS names, or one of our own on a free port."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port, is_listening
from tests.waiting import PATIENCE_S, eventually

NAMED = "OPENBERTH_TEST_REDIS"


class OwnRedis:
    """A server that tests may stop and start again; it keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self._binary = shutil.which("redis-server")
        if self._binary is None:
            pytest.skip(f"needs redis-server, or a server named by {NAMED}")
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert self._binary is not None
        command = [self._binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL)
        assert eventually(lambda: is_listening(self.port)), "the server did not start"

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)
            self._process = None


@contextmanager
def own_redis(folder: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def some_redis(folder: Path) -> Iterator[str]:
    """Give the address of a server."""
    named = os.environ.get(NAMED)
    if named:
        yield named
        return
    with own_redis(folder) as server:
        yield server.url
