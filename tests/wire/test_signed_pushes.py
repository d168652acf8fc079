"""A device that signs what it pushes, against the whole server: its secret never leaves it, and every request is good
once, for a while, with the body that was signed, and for nobody else.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from fractions import Fraction
from random import Random

import pytest

from openberth.gateways.cameras.port import STRANGERS
from openberth.simulator.clock import BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.makes import SPEECHES
from openberth.simulator.devices.pushing import Patience, PushingCamera
from openberth.simulator.devices.signing import Signer
from openberth.simulator.devices.vzenith_wire import Reading
from openberth.simulator.faults import Faults
from openberth.simulator.web import Address, WebConnection
from tests.e2e.house import House
from tests.waiting import eventually
from tests.wire.makes_lot import furnish, operator, passages, path_of
from tests.wire.test_camera_makes import plate

KIND = "kind: generic_http, heartbeat: plain, addresses: [127.0.0.0/8]"
LANES = {"one": f"{KIND}, serial: g-1", "two": f"{KIND}, serial: g-2",
         "hua": "kind: huaxia_http, addresses: [127.0.0.0/8]"}  # fmt: skip
BEAT = json.dumps({"openberth": 1, "type": "heartbeat", "serial": "g-1"}).encode()


class Device:
    """A generic device of the house with its key."""

    def __init__(self, house: House, lane: str) -> None:
        self.house, self.lane = house, lane
        self.secret = path_of(house, lane).rpartition("/")[2]
        with operator(house) as api:
            found = api.get("/v1/devices?lot=makes").json()["items"]
        self.id = next(one["id"] for one in found if one["code"] == f"cam-{lane}")
        self.path = f"/devices/webhook/{self.id}"
        self.signer = Signer(self.id, self.secret, Random(lane))

    def send(self, fields: list[tuple[str, str]], body: bytes = BEAT, path: str = "") -> tuple[int, str]:
        async def sent() -> tuple[int, str]:
            connection = WebConnection(Address.of(self.house.url))
            answer = await connection.ask("POST", path or self.path, body, headers=fields)
            await connection.close()
            return answer.status, str(answer.json().get("code", ""))

        return asyncio.run(sent())

    def signed(self, body: bytes = BEAT) -> list[tuple[str, str]]:
        return self.signer.fields("POST", self.path, body)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with House(tmp_path_factory.mktemp("house"), speed=1, extra={"OPENBERTH_CLOCK__ANCHOR_BUSINESS": now}) as house:
        furnish(house, LANES)
        yield house


@pytest.fixture(scope="module")
def device(house: House) -> Device:
    return Device(house, "one")


def test_a_car_comes_in_by_signed_pushes_alone(house: House, device: Device) -> None:
    clock = BusinessClock()
    clock.follow(time.time_ns() // 1000, Fraction(1), clock.machine_ns(), clock.machine_ns())
    rng, opened = Random(7), list[int]()
    camera = PushingCamera(
        speech=SPEECHES["generic_http"](rng, "Asia/Shanghai"), serial="g-1", server=Address.of(house.url),
        path=device.path, comet=False, clock=clock, counters=Counters(), faults=Faults(), rng=rng,
        patience=Patience(beat_s=0.2), signer=device.signer, on_open=lambda: opened.append(1),
    )  # fmt: skip

    async def scene() -> bool:
        running = asyncio.create_task(camera.run())
        shown = await camera.recognise(Reading(plate()))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return shown.delivered

    assert asyncio.run(scene())
    assert len(passages(house, "one")) == 1
    assert opened


def test_a_signed_request_is_good_once(device: Device) -> None:
    fields = device.signed()
    assert device.send(fields) == (200, "")
    assert device.send(fields) == (401, "signature.replayed")


def test_a_signature_is_for_one_body_one_path_one_key_and_now(device: Device) -> None:
    other = json.dumps({"openberth": 1, "type": "input", "number": 1, "active": True}).encode()
    assert device.send(device.signed(), other) == (401, "signature.digest")
    assert device.send(device.signed(), path=f"{device.path}/below") == (401, "signature.wrong")
    wrong = Signer(device.id, "0" * 64, Random(1))
    assert device.send(wrong.fields("POST", device.path, BEAT)) == (401, "signature.wrong")
    late = Signer(device.id, device.secret, Random(2), skew_s=-400)
    assert device.send(late.fields("POST", device.path, BEAT)) == (401, "signature.time")
    assert device.send([("Signature-Input", "sig=nonsense"), ("Signature", "sig=:AAAA:")])[0] == 401


def test_a_device_speaks_for_itself_alone(house: House, device: Device) -> None:
    other = Device(house, "two")
    for key, secret in ((device.id, device.secret), (other.id, device.secret), (device.id, other.secret)):
        fields = Signer(key, secret, Random(key + secret)).fields("POST", other.path, BEAT)
        assert device.send(fields, path=other.path) == (401, "signature.wrong")
    huaxia = Device(house, "hua")
    path = f"/devices/huaxia/{huaxia.id}"
    fields = huaxia.signer.fields("POST", path, b"type=heartbeat")
    assert device.send(fields, b"type=heartbeat", path)[0] == 404, "such a camera cannot sign"


def test_the_address_of_a_device_that_signs_is_no_secret(house: House, device: Device) -> None:
    assert device.send([]) == (404, "device.no_secret")
    assert device.send(device.signed(), path=f"/devices/webhook/{device.secret}")[0] == 404


def test_a_new_secret_signs_while_the_old_one_holds(house: House) -> None:
    device = Device(house, "two")
    body = json.dumps({"openberth": 1, "type": "heartbeat", "serial": "g-2"}).encode()
    assert device.send(device.signed(body), body) == (200, "")
    with operator(house) as api:
        issued = api.post("/v1/lots/makes/devices/cam-two/credentials", json={"old_for_s": 3_600}).json()
    assert issued["signed_address"].endswith(device.path)
    new = Signer(device.id, issued["path"].rpartition("/")[2], Random(3))
    assert eventually(lambda: device.send(new.fields("POST", device.path, body), body)[0] == 200)
    assert device.send(device.signed(body), body) == (200, "")
    with operator(house) as api:
        api.post("/v1/lots/makes/devices/cam-two/credentials")
    assert eventually(lambda: device.send(new.fields("POST", device.path, body), body)[0] == 401)


def test_whoever_cannot_sign_is_soon_read_no_more(house: House, device: Device) -> None:
    """Anybody may know the address of a device that signs; its megabytes are not read again and again for that."""
    furnish(house, LANES | {"new": f"{KIND}, serial: g-4"})
    new = Device(house, "new")
    wrong = Signer(new.id, "0" * 64, Random(4))
    answers = [new.send(wrong.fields("POST", new.path, BEAT))[0]]
    while answers[-1] == 401 and len(answers) < 10 * STRANGERS.burst:  # it is filled again meanwhile
        answers.append(new.send(wrong.fields("POST", new.path, BEAT))[0])
    assert (answers[0], answers[-1]) == (401, 429)
    assert device.send(device.signed()) == (200, ""), "who has proved itself from there is read as before"
