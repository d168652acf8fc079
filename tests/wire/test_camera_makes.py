"""Cameras of each make that pushes against the whole server: real process, real sockets, bodies of the makers' forms.

The faults that lanes know: the same record twice, late, out of order, never acknowledged and sent for ever.
"""

import itertools
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.house import House
from tests.waiting import eventually
from tests.wire.makes_lot import commands, furnish, opened_by_hand, passages, path_of, post, told, waits_for_a_person

VECTORS = Path(__file__).parents[1] / "vectors"
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
FORM = "multipart/form-data; boundary=---------------------------7e13971310878"
PLATES = itertools.count(10_000)
DEVICES = {
    "hik": "kind: hikvision, addresses: [127.0.0.0/8], serial: lane-7",
    "dahua": "kind: dahua, addresses: [127.0.0.0/8], serial: 8d0b6f3e62",
    "huaxia": "kind: huaxia_http, addresses: [127.0.0.0/8], serial: '0c:ef:15:00:00:07'",
    "generic": "kind: generic_http, addresses: [127.0.0.0/8], serial: g-7",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    folder = tmp_path_factory.mktemp("house")
    with House(folder, speed=1, extra={"OPENBERTH_CLOCK__ANCHOR_BUSINESS": now}) as house:
        furnish(house, DEVICES)
        yield house


@dataclass
class Record:
    """A record of a car as a make sends it, to which path below the secret, and with what type."""

    body: bytes
    kind: str = "application/json"
    below: str = ""


def shanghai(at: float, form: str = "%Y-%m-%dT%H:%M:%S") -> str:
    return time.strftime(form, time.gmtime(at + 8 * 3600))


def hikvision(plate: str, at: float, *, offline: bool = False, serial: str = "lane-7") -> Record:
    xml = (VECTORS / "hikvision-anpr.xml").read_text("utf-8")
    xml = xml.replace("蓝粤B12345", plate).replace(
        "2026-11-22T08:00:00.250+08:00", f"{shanghai(at)}.{at % 1:.3f}"[:-4] + "+08:00"
    )
    xml = xml.replace("46dd0716-1dd2-11b2-821f-8ba17e6f56b7", str(uuid.uuid4())).replace(">lane-7<", f">{serial}<")
    if offline:
        xml = xml.replace("<alarmDataType>0<", "<alarmDataType>1<")
    head = "-----------------------------7e13971310878\r\nContent-Disposition: form-data; "
    body = (
        f'{head}name="anpr.xml"; filename="anpr.xml"\r\nContent-Type: application/xml\r\n\r\n{xml}\r\n'.encode()
        + f'{head}name="detectionPicture.jpg"\r\nContent-Type: application/octet-stream\r\n\r\n'.encode() + JPEG
        + b"\r\n-----------------------------7e13971310878--\r\n"
    )  # fmt: skip
    return Record(body, FORM)


def dahua(plate: str, at: float, *, offline: bool = False, serial: str = "8d0b6f3e62") -> Record:
    body = json.loads((VECTORS / "dahua-tollgate.json").read_text("utf-8"))
    body["Picture"]["Plate"]["PlateNumber"] = plate
    clock = f"{shanghai(at, '%Y-%m-%d %H:%M:%S')}.{int(at % 1 * 1000):03d}"
    body["Picture"]["SnapInfo"] |= {"AccurateTime": clock, "SnapTime": clock[:-4], "DeviceID": serial}
    return Record(json.dumps(body).encode(), below="/NotificationInfo/TollgateInfo")


def huaxia(plate: str, at: float, *, offline: bool = False, serial: str = "0c:ef:15:00:00:07") -> Record:
    form = (VECTORS / "huaxia-mode5.txt").read_text("ascii").replace("%E6%B2%AAA99999", quote(plate))
    form = form.replace("start_time=1763769600", f"start_time={int(at)}").replace("0c:ef:15:00:00:07", serial)
    if offline:
        form = form.replace("type=online", "type=offline")
    return Record(form.encode(), "application/x-www-form-urlencoded")


def generic(plate: str, at: float, *, offline: bool = False, serial: str = "g-7") -> Record:
    message = {"openberth": 1, "type": "recognition", "serial": serial, "id": uuid.uuid4().hex, "offline": offline,
               "at": f"{shanghai(at)}+08:00", "plate": plate}  # fmt: skip
    return Record(json.dumps(message).encode())


Maker = Callable[..., Record]
MAKES: dict[str, Maker] = {"hik": hikvision, "dahua": dahua, "huaxia": huaxia, "generic": generic}
ANSWERED = {"huaxia", "generic"}  # whose gates are moved by answers
makes = pytest.mark.parametrize("make", list(MAKES))


class Camera:
    """The camera of a lane."""

    def __init__(self, house: House, lane: str) -> None:
        self.house, self.lane, self.path = house, lane, path_of(house, lane)

    def push(self, record: Record) -> bytes:
        status, body = post(self.house, self.path + record.below, record.body, record.kind)
        assert status == 200, (status, body)
        return body

    def opens(self, record: Record) -> bool:
        body = self.push(record)
        return b'"gpio_data"' in body or b'"open":true' in body


@pytest.fixture(scope="module")
def cameras(house: House) -> dict[str, Camera]:
    return {lane: Camera(house, lane) for lane in DEVICES}


def plate() -> str:
    return f"粤B{next(PLATES)}"


@makes
def test_a_car_comes_in_with_its_picture_and_a_record_sent_again_is_the_same(
    make: str, house: House, cameras: dict[str, Camera]
) -> None:
    camera, before = cameras[make], len(passages(house, make))
    record = MAKES[make](plate(), time.time())
    first = camera.push(record)
    assert camera.push(record) == first
    assert camera.push(record) == first
    found = passages(house, make)
    assert len(found) == before + 1
    assert found[0]["action"] in ("admit", "open", "opened"), found[0]
    if make in ANSWERED:
        assert b'"gpio_data"' in first or b'"open":true' in first
    else:  # its own call opens: this one has no address to be called at
        assert eventually(lambda: commands(house, make)[0]["outcome"] == "unreachable")


@pytest.mark.parametrize("make", [make for make in MAKES if make != "dahua"])  # which stores nothing
def test_stored_records_out_of_order_and_sent_for_ever_are_counted_once_and_open_nothing(
    make: str, house: House, cameras: dict[str, Camera]
) -> None:
    camera, before = cameras[make], len(passages(house, make))
    sent = len(commands(house, make))
    now = time.time()
    records = [MAKES[make](plate(), now - 7_200 + 60 * number, offline=True) for number in range(6)]
    storm = records * 3
    random.Random(7).shuffle(storm)
    assert not any(camera.opens(record) for record in storm)
    assert len(passages(house, make)) == before + 6
    assert len(commands(house, make)) == sent


@makes
def test_what_another_device_says_is_refused_and_a_stranger_opens_nothing(
    make: str, house: House, cameras: dict[str, Camera]
) -> None:
    camera, before = cameras[make], len(passages(house, make))
    foreign = MAKES[make](plate(), time.time(), serial="another")
    status, body = post(house, camera.path + foreign.below, foreign.body, foreign.kind)
    assert (status, told(body)["code"]) == (403, "device.wrong_serial")
    word = camera.path.split("/")[2]
    stranger = MAKES[make](plate(), time.time())
    status, body = post(house, f"/devices/{word}/{'0' * 64}{stranger.below}", stranger.body, stranger.kind)
    assert (status, told(body)["code"]) == (404, "device.no_secret")
    assert len(passages(house, make)) == before


STRANGERS = {
    "hikvision": Record(
        b"<EventNotificationAlert><macAddress>44:19:b6:99:99:99</macAddress><eventType>videoloss</eventType>"
        b"<eventState>inactive</eventState></EventNotificationAlert>", "application/xml",
    ),
    "dahua": Record(b'{"DeviceID":"dahua-of-nobody"}', below="/NotificationInfo/KeepAlive"),
    "huaxia": Record(b"type=heartbeat&cam_id=huaxia-of-nobody", "application/x-www-form-urlencoded"),
    "webhook": Record(b'{"openberth":1,"type":"heartbeat","serial":"generic-of-nobody"}'),
}  # fmt: skip
SAID = {"hikvision": "44:19:b6:99:99:99", "dahua": "dahua-of-nobody", "huaxia": "huaxia-of-nobody",
        "webhook": "generic-of-nobody"}  # fmt: skip


@pytest.mark.parametrize("word", list(STRANGERS))
def test_a_camera_that_nobody_knows_waits_for_a_person(word: str, house: House) -> None:
    record = STRANGERS[word]
    status, _ = post(house, f"/devices/{word}/{'0' * 64}{record.below}", record.body, record.kind)
    assert status == 404
    assert waits_for_a_person(house, SAID[word])


def test_a_command_rides_on_the_answer_to_a_heartbeat(house: House, cameras: dict[str, Camera]) -> None:
    beats = {
        "huaxia": Record(b"type=heartbeat&cam_id=0c:ef:15:00:00:07", "application/x-www-form-urlencoded"),
        "generic": Record(b'{"openberth":1,"type":"heartbeat","serial":"g-7"}'),
    }
    for make, beat in beats.items():
        opened_by_hand(house, make)
        answers: list[bytes] = []

        def asked(camera: Camera = cameras[make], beat: Record = beat, answers: list[bytes] = answers) -> bool:
            answers.append(camera.push(beat))
            return b'"gpio_data"' in answers[-1] or b'"command":"open"' in answers[-1]

        assert eventually(asked), answers
        assert not asked()  # once
        assert commands(house, make)[0]["state"] == "sent"


def test_a_gate_that_says_it_is_open_and_a_loop_end_a_command(house: House, cameras: dict[str, Camera]) -> None:
    camera = cameras["generic"]
    for message in ({"type": "gate", "boom": "open"}, {"type": "input", "number": 1, "active": True}):
        assert camera.opens(generic(plate(), time.time()))
        camera.push(Record(json.dumps({"openberth": 1} | message).encode()))
        assert commands(house, "generic")[0]["outcome"] == "done"


def test_other_messages_are_noted(cameras: dict[str, Camera]) -> None:
    event = b"<ns1:EventNotificationAlert><eventType>VMD</eventType></ns1:EventNotificationAlert>"
    assert b"<statusCode>1<" in cameras["hik"].push(Record(event, "application/xml"))
    alive = Record(b'{"Active":"keepAlive","DeviceID":"8d0b6f3e62"}', below="/NotificationInfo/KeepAlive")
    assert cameras["dahua"].push(alive) == b'{"Result":true}'
    refused: Any = post(cameras["generic"].house, cameras["generic"].path, b'{"openberth":1,"type":"dance"}')
    assert refused[0] == 422
