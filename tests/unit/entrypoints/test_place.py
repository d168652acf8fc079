"""Where the server of a data folder is found."""

import os
from pathlib import Path

import pytest

from openberth import bootstrap
from openberth.contexts.facility.model import LotState
from openberth.entrypoints import place, server
from openberth.entrypoints.cli.top.frame import STATE_STYLES


def test_the_light_rooms_agree_with_the_heavy_ones() -> None:
    assert place.PLACE_FILE == server.PLACE_FILE
    assert place.TOKEN_FILE == bootstrap.TOKEN_FILE
    assert set(STATE_STYLES) == {state.value for state in LotState}


def test_a_running_server_is_found(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text(f'{{"pid": {os.getpid()}, "port": 1, "barrier_port": 2}}')
    assert place.place_of(tmp_path) == {"pid": os.getpid(), "port": 1, "barrier_port": 2}


@pytest.mark.parametrize("content", ["", "[]", "3", "{}", '{"pid": "x"}', '{"pid": 4194305, "port": 1}', '{"pid": -3}'])
def test_what_is_left_behind_is_no_server(tmp_path: Path, content: str) -> None:
    (tmp_path / "server.json").write_text(content)
    assert place.place_of(tmp_path) is None
    assert place.place_of(tmp_path / "nowhere") is None
