"""What holds for all tests."""

import gc
import os
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

FACES = "tests/faces/"

gc.set_threshold(100_000, 20, 100)

# How long generated tests look: shortly with everything else, for an hour when somebody asks for it.
# ``HYPOTHESIS_PROFILE=long python -m pytest tests/property/tariffs -n 0`` looks fifty times as long.
# The same stays every time: a rare one that differs is found by looking long, not by a run that has to be green. And no
# example has a deadline: a busy machine is no mistake.
settings.register_profile("short", deadline=None, derandomize=True, database=None)
settings.register_profile("long", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave alone what collecting the tests has made: walking it over and over cost every test a sixth of its time."""
    gc.collect()
    gc.freeze()


class ByFile(LoadFileScheduling):
    """File by file, and all that look at pages together: each process that does has a town and a browser of its own."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return FACES if file.startswith(FACES) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Share the tests out among the processes of a run."""
    return ByFile(config, log)
