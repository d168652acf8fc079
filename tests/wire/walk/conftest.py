from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.databases import SqliteFiles
from tests.wire.api.conftest import opened
from tests.wire.walk.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, sqlite_files: SqliteFiles) -> Iterator[World]:
    """Two companies with rows of every kind, made once for all walks of a worker."""
    folder: Path = tmp_path_factory.mktemp("walk")
    for house in opened(sqlite_files.url(folder), folder):
        yield World(house)


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("template-of-walks"))
