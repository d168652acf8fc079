"""Where the server of a data folder is found."""

import json
import os
from pathlib import Path

import pytest

from openberth.infra import place


def test_a_running_server_is_found(tmp_path: Path) -> None:
    found = {"pid": os.getpid(), "port": 1, "barrier_port": 2, "mqtt_port": 3, "sensor_port": 4}
    (tmp_path / "server.json").write_text(json.dumps(found))
    assert place.place_of(tmp_path) == found


@pytest.mark.parametrize("content", ["", "[]", "3", "{}", '{"pid": "x"}', '{"pid": 4194305, "port": 1}', '{"pid": -3}'])
def test_what_is_left_behind_is_no_server(tmp_path: Path, content: str) -> None:
    (tmp_path / "server.json").write_text(content)
    assert place.place_of(tmp_path) is None
    assert place.place_of(tmp_path / "nowhere") is None
