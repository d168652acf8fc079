"""The bytes of sensors, as their documents print them, and what is made of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from openberth.contexts.facility import Reading
from openberth.contexts.facility.model import SensorModel
from openberth.gateways.sensors import chirpstack, geomagnetic, space_camera, tekzipark, tps110
from openberth.kernel.errors import Malformed
from openberth.kernel.time import from_iso

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "space-sensors.json").read_text("utf-8"))
LORA = {"tps110": tps110.decode, "tekzipark": tekzipark.decode}


@pytest.mark.parametrize("vector", VECTORS["lorawan"], ids=lambda vector: vector["name"])
def test_uplinks_are_read_as_documented(vector: dict[str, Any]) -> None:
    found = LORA[vector["model"]]("s", vector["port"], bytes.fromhex(vector["bytes"]))
    if vector["reading"] is None:
        assert found is None
        return
    assert found is not None
    told = {"occupied": found.occupied, "battery_low": found.battery_low, "fault": found.fault}
    assert told == {"battery_low": None, "fault": None} | vector["reading"]
    assert {name: found.raw[name] for name in vector["raw"]} == vector["raw"]


@pytest.mark.parametrize(
    ("model", "port", "data"), [("tps110", 1, ""), ("tps110", 3, "00" * 16), ("tekzipark", 1, "80")]
)
def test_too_few_bytes_are_refused(model: str, port: int, data: str) -> None:
    with pytest.raises(Malformed):
        LORA[model]("s", port, bytes.fromhex(data))


@pytest.mark.parametrize("vector", VECTORS["geomagnetic"], ids=lambda vector: vector["name"])
def test_lines_of_collectors_are_read_as_documented(vector: dict[str, Any]) -> None:
    report = geomagnetic.decode(vector["line"].encode())
    assert (report.collector, report.state) == (vector["collector"], vector["state"])
    told = [[r.sensor, r.occupied, r.confidence, r.battery_mv, r.battery_low, r.fault] for r in report.readings]
    assert told == vector["readings"]


def test_the_field_of_a_sensor_is_kept_as_it_came() -> None:
    line = '{"CID":7,"MAG":[{"ID":1,"X":-12,"Y":3,"Z":900,"Q":640,"D":55,"V":361}]}'
    [reading] = geomagnetic.decode(line.encode()).readings
    assert reading.raw == {"ID": 1, "X": -12, "Y": 3, "Z": 900, "Q": 640, "D": 55, "V": 361}


@pytest.mark.parametrize(
    "line",
    ["", "{}", "[]", '{"CID":""}', '{"CID":"x","MAG":[{"ID":1}]}', '{"CID":"\\u0007"}', '{"CID":"' + "x" * 65 + '"}'],
)
def test_what_is_no_line_is_refused(line: str) -> None:
    with pytest.raises(Malformed):
        geomagnetic.decode(line.encode())


def test_an_uplink_of_chirpstack_is_read_as_documented() -> None:
    uplink = chirpstack.decode("up", json.dumps(VECTORS["chirpstack_up"]).encode())
    assert isinstance(uplink, chirpstack.Uplink)
    assert (uplink.device, uplink.port, uplink.data) == ("0101010101010101", 1, b"\xaa")
    assert uplink.at == from_iso("2022-07-18T09:34:15.775023Z")
    assert (uplink.key, uplink.gateways) == ("3ac7e3c4-4401-4b8d-9386-a5c902f9202d", (("4217106255657378", -36),))
    reading = chirpstack.reading_of(uplink, SensorModel.TPS110)
    assert reading is not None
    assert (reading.occupied, reading.at) == (False, uplink.at)
    assert reading.raw["heard"] == [{"gateway": "4217106255657378", "rssi": -36}]


def test_a_status_of_chirpstack_tells_of_the_battery_alone() -> None:
    said = {"deduplicationId": "d", "deviceInfo": {"devEui": "ABCDEF0123456789"}, "batteryLevel": 11.8}
    status = chirpstack.decode("status", json.dumps(said).encode())
    assert isinstance(status, chirpstack.Status)
    assert chirpstack.battery_of(status) == Reading(
        "abcdef0123456789", None, {"battery_percent": 12}, battery_low=True
    )  # fmt: skip
    powered = chirpstack.decode("status", json.dumps({**said, "externalPowerSource": True}).encode())
    assert isinstance(powered, chirpstack.Status)
    assert chirpstack.battery_of(powered) is None
    assert chirpstack.decode("join", b"whatever") is None


@pytest.mark.parametrize(
    "change",
    [
        {"data": "§"}, {"data": "A" * 4_000}, {"time": "yesterday"}, {"deduplicationId": ""},
        {"deviceInfo": {"devEui": "12"}}, {"deviceInfo": None}, {"fPort": "one"},
    ],
)  # fmt: skip
def test_what_is_no_uplink_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        chirpstack.decode("up", json.dumps({**VECTORS["chirpstack_up"], **change}).encode())


def test_events_of_space_cameras() -> None:
    body = {"id": "m-1", "time": "2026-03-02T08:00:00Z", "spaces": [{"spot": n, "event": n} for n in range(7)]}
    seen = space_camera.decode(json.dumps(body).encode())
    assert [each.occupied for each in seen.readings] == [False, True, None, True, None, None, None]
    assert [each.over_line for each in seen.readings] == [False, None, None, None, None, True, False]
    assert [each.fault for each in seen.readings] == [None, None, None, None, "camera", None, None]
    assert {each.at for each in seen.readings} == {from_iso("2026-03-02T08:00:00Z")}
    full = space_camera.decode(json.dumps({**body, "full": True}).encode())
    assert {each.at for each in full.readings} == {None}  # of now, whatever its clock says


@pytest.mark.parametrize(
    "body",
    ["{}", '{"spaces":[{"spot":1,"event":7}]}', '{"spaces":[{"spot":1,"event":-1}]}', '{"spaces":[],"time":"x"}'],
)
def test_what_a_space_camera_cannot_say_is_refused(body: str) -> None:
    with pytest.raises(Malformed):
        space_camera.decode(body.encode())
