"""What a walk leaves behind when nothing is taken back."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.service.databases import SqliteFiles
from tests.waiting import eventually
from tests.wire.api.conftest import opened
from tests.wire.walk.asking import Answer, Line, operations, own_names
from tests.wire.walk.rows import rows_of
from tests.wire.walk.test_walk import sentinels_of
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


def test_an_export_holds_what_is_ones_own_and_is_handed_over_once(own_world: World) -> None:
    house, mine = own_world.house, own_world.amber
    hidden = sentinels_of(own_world, mine, own_world.birch)

    def by(name: str) -> httpx2.Client:
        return house.client({"authorization": f"Bearer {own_world.token(mine, name)}"})

    wanted = {"level": "company", "node": mine.code, "reason": "moving house"}
    at_one_lot = by(f"{DOORMAN}-lot").post("/v1/exports", json=wanted)
    assert at_one_lot.status_code in (403, 404), at_one_lot.text
    asked = by(DOORMAN).post("/v1/exports", json=wanted).json()
    assert eventually(lambda: by(DOORMAN).get(f"/v1/exports/{asked['id']}").json()["state"] == "ready")
    for other in ("company_manager", f"{DOORMAN}-lot", "partner"):  # whoever did not ask for it
        assert by(other).get(f"/v1/exports/{asked['id']}/file").status_code in (403, 404)
    handed = by(DOORMAN).get(f"/v1/exports/{asked['id']}/file")
    assert handed.status_code == 200
    with zipfile.ZipFile(io.BytesIO(handed.content)) as packed:
        told = "\n".join(packed.read(name).decode() for name in packed.namelist())
    assert mine.lots[0].names["bill"][0] in told
    assert not hidden.found_in(Answer(200, (), told), "")
    assert by(DOORMAN).get(f"/v1/exports/{asked['id']}/file").status_code == 404
