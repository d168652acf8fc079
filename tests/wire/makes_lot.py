"""A lot with an entry for a camera of each make, on a whole server, and what tests ask of it."""

import http.client
import json
import uuid
from typing import Any

import httpx2

from tests.e2e.house import House
from tests.waiting import PATIENCE_S, eventually

LOT = """
lot: openberth/1
code: makes
company: demo
name: {{zh: 各家相机, en: Makes}}
zone: Asia/Shanghai
currency: CNY
capacity: 500
tariff: mall
areas:
  - {{code: main, name: {{zh: 场内, en: Inside}}, capacity: 500}}
lanes:
{lanes}
devices:
{devices}
"""


def lot_file(devices: dict[str, str]) -> bytes:
    """Return a lot file whose lanes are the keys; the values are what follows a device's code and lane."""
    lanes = [f"  - {{code: {name}, name: {{zh: 入口, en: Entry}}, kind: entry, to: main}}" for name in devices]
    lines = [f"  - {{code: cam-{name}, lane: {name}, {rest}}}" for name, rest in devices.items()]
    return LOT.format(lanes="\n".join(lanes), devices="\n".join(lines)).encode()


def operator(house: House) -> httpx2.Client:
    """Return a client that may do everything."""
    return httpx2.Client(base_url=house.url, headers={"authorization": f"Bearer {house.token}"}, timeout=PATIENCE_S)


def furnish(house: House, devices: dict[str, str], more: str = "") -> None:
    """Put the lot there; ``more`` is what its file says beside that."""
    with operator(house) as api:
        whole = lot_file(devices) + more.encode()
        answer = api.put("/v1/lots/makes", content=whole, headers={"content-type": "application/yaml"})
        assert answer.is_success, answer.text


def path_of(house: House, lane: str) -> str:
    """Give the camera of a lane a secret and return its path, once the server knows it."""
    with operator(house) as api:
        issued = api.post(f"/v1/lots/makes/devices/cam-{lane}/credentials").json()
    assert eventually(lambda: post(house, issued["path"], b"?")[0] == 422)
    return str(issued["path"])


def post(house: House, path: str, body: bytes, kind: str = "application/json") -> tuple[int, bytes]:
    """Push something and return status and answer."""
    connection = http.client.HTTPConnection("127.0.0.1", house.http_port, timeout=PATIENCE_S)
    try:
        connection.request("POST", path, body, {"Content-Type": kind})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def passages(house: House, lane: str) -> list[dict[str, Any]]:
    """Return the passages of a lane, the newest first."""
    with operator(house) as api:
        found: list[dict[str, Any]] = api.get(f"/v1/passages?lot=makes&lane={lane}&limit=100").json()["items"]
    return found


def commands(house: House, lane: str) -> list[dict[str, Any]]:
    """Return the commands to the camera of a lane, the newest first."""
    with operator(house) as api:
        found: list[dict[str, Any]] = api.get(f"/v1/commands?lot=makes&device=cam-{lane}&limit=100").json()["items"]
    return found


def opened_by_hand(house: House, lane: str) -> None:
    """Open a lane as a person does."""
    with operator(house) as api:
        key = {"idempotency-key": uuid.uuid4().hex}
        answer = api.post(f"/v1/lots/makes/lanes/{lane}/open", json={"reason": "a guest"}, headers=key)
        assert answer.is_success, answer.text


def waits_for_a_person(house: House, serial: str) -> bool:
    """Tell whether a device of nobody waits, by its serial."""

    def waits() -> bool:
        with operator(house) as api:
            found = api.get("/v1/devices/waiting").json()["items"]
        return serial in {each["serial"] for each in found}

    return eventually(waits)


def told(body: bytes) -> dict[str, Any]:
    """Return a JSON answer."""
    found: dict[str, Any] = json.loads(body)
    return found
