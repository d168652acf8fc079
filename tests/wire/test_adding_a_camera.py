"""The example of ``docs/devices/adding-a-camera.md`` is put where the page says, served, and pushed to."""

import base64
import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.house import ROOT, House
from tests.waiting import eventually
from tests.wire.makes_lot import commands, furnish, opened_by_hand, passages, path_of, post, told

PAGE = (ROOT / "docs" / "devices" / "adding-a-camera.md").read_text("utf-8")
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")


def block(name: str) -> str:
    found = re.findall(rf"```python {name}\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 1, name
    return str(found[0])


def with_the_make(folder: Path) -> Path:
    """Copy the program, and add the page's file and its line."""
    source = folder / "src"
    shutil.copytree(
        ROOT / "src" / "openberth", source / "openberth", ignore=shutil.ignore_patterns("__pycache__", "faces")
    )
    (source / "openberth" / "gateways" / "cameras" / "acme_http.py").write_text(block("file"), "utf-8")
    wires = source / "openberth" / "contexts" / "facility" / "model" / "wires.py"
    text, last = wires.read_text("utf-8"), "    VZENITH_HTTP ="
    assert text.count(last) == 1
    wires.write_text(text.replace(last, block("line") + last), "utf-8")
    return source


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    extra = {
        "PYTHONPATH": str(with_the_make(folder)),
        "OPENBERTH_CLOCK__ANCHOR_BUSINESS": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    with House(folder, speed=1, extra=extra) as house:
        furnish(house, {"acme": "kind: acme_http, addresses: [127.0.0.0/8], serial: A1"})
        yield house


def test_a_command_rides_on_its_heartbeat(house: House) -> None:
    path = path_of(house, "acme")
    alive = json.dumps({"sn": "A1", "alive": 1}).encode()
    opened_by_hand(house, "acme")
    assert eventually(lambda: told(post(house, path, alive)[1]) == {"ok": 1, "gate": 1})
    assert told(post(house, path, alive)[1]) == {"ok": 1, "gate": 0}
    assert commands(house, "acme")[0]["state"] == "sent"


def test_the_example_is_a_make(house: House) -> None:
    path = path_of(house, "acme")
    assert path.startswith("/devices/acme/")
    car = {"sn": "A1", "no": 17, "plate": "粤B12345", "at": int(time.time()), "jpg": base64.b64encode(JPEG).decode()}
    for _ in range(2):
        status, body = post(house, path, json.dumps(car).encode())
        assert (status, told(body)) == (200, {"ok": 17, "gate": 1})
    [passage] = passages(house, "acme")
    assert passage["plate"] != "粤B12345"  # masked as everywhere
    late = car | {"no": 18, "plate": "粤B54321", "at": int(time.time()) - 3_600}
    assert told(post(house, path, json.dumps(late).encode())[1]) == {"ok": 18, "gate": 0}
    assert post(house, path, json.dumps(car | {"sn": "B2"}).encode())[0] == 403
    assert post(house, path, b"{")[0] == 422


def test_the_page_names_what_is_there() -> None:
    for name in set(re.findall(r"`((?:src|tests|docs)/[\w/.-]+)`", PAGE)):
        assert "acme" in name or (ROOT / name).exists(), name
