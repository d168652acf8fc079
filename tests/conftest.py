"""What holds for all tests."""

import gc
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

FACES = "tests/faces/"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave alone what collecting the tests has made: walking it over and over cost every test a sixth of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


class ByFile(LoadFileScheduling):
    """File by file, and all that look at pages together: each process that does has a town and a browser of its own."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return FACES if file.startswith(FACES) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Share the tests out among the processes of a run."""
    return ByFile(config, log)
