"""What a walk leaves behind when nothing is taken back."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.service.databases import SqliteFiles
from tests.wire.api.conftest import opened
from tests.wire.walk.asking import Line, operations, own_names
from tests.wire.walk.rows import rows_of
from tests.wire.walk.world import DOORMAN, World, settle


@pytest.fixture
def own_world(tmp_path: Path, sqlite_files: SqliteFiles) -> Iterator[World]:
    for house in opened(sqlite_files.url(tmp_path), tmp_path):
        yield World(house)


def test_neither_requests_nor_what_follows_from_them_touches_others(own_world: World) -> None:
    """Every request that changes something, with one name of another company in it; then consumers and jobs."""
    world = own_world
    before = rows_of(world.house, world.birch)
    foreign = {kind: names[0] for kind, names in world.birch.things().items() if names}
    own = own_names(world.amber)
    asked = 0
    with closing(Line(world.house.url)) as line:
        for operation in operations(world.house.app, world.house.app.state.permissions):
            if operation.method == "GET" or operation.word == "self":
                continue
            for kind in operation.kinds:
                if kind in foreign:
                    token = world.token(world.amber, DOORMAN)
                    answer = line.ask(operation.filled({**own, kind: foreign[kind]}), token)
                    assert answer.status != 401
                    asked += 1
    settle(world.house)
    assert asked > 40
    assert rows_of(world.house, world.birch) == before
