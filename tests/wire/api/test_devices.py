"""The list of devices, commands by device and outcome, and devices that wait to be taken in, over HTTP."""

import asyncio

from openberth.contexts import facility
from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import Strays
from openberth.kernel.authority import system
from tests.wire.api.house import CAR, OTHER_CAR, House


def test_devices_are_listed_with_what_went_wrong(house: House) -> None:
    house.arrive("in-1", CAR)
    house.machine.advance(31_000_000)
    house.database.write_now(facility.end_expired, by=system("t"))
    house.arrive("in-2", OTHER_CAR)
    listed = house.get("/v1/devices", lot="mall", limit=3)
    rest = house.get("/v1/devices", limit=50, cursor=listed["next"])
    devices = {each["code"]: each for each in (*listed["items"], *rest["items"])}
    assert len(devices) == 8
    assert rest["next"] is None
    bar = devices["bar-in-1"]
    assert (bar["lane"], bar["state"], bar["last_error"]["outcome"]) == ("in-1", "never_seen", "unreachable")
    assert devices["cam-in-2"]["last_error"] is None
    assert house.get("/v1/devices", state="online")["items"] == []
    assert {each["code"] for each in house.get("/v1/devices", kind="barrier_tcp")["items"]} == {"bar-in-1", "bar-out-1"}

    def asked(**only: str) -> list[str]:
        return [each["device"] for each in house.get("/v1/commands", lot="mall", **only)["items"]]

    assert asked() == ["cam-in-2", "bar-in-1"]
    assert asked(device="bar-in-1") == asked(outcome="unreachable") == ["bar-in-1"]
    assert asked(device="cam-in-2", outcome="unreachable") == []
    assert asked(since=house.get("/v1/clock")["machine_now"]) == ["cam-in-2"]
    unknown = house.operator.get("/v1/commands", params={"lot": "mall", "device": "cam-9"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "device.not_found")


def test_a_device_that_waits_is_taken_in_or_refused(house: House) -> None:
    strays = Strays(house.database, lambda _: None)
    strays.unknown(DeviceKind.VZENITH_HTTP, "new-cam", "127.0.0.7")
    strays.unknown(DeviceKind.BARRIER_TCP, "what", "127.0.0.7")
    asyncio.run(strays.flush())
    waiting = {each["serial"]: each for each in house.get("/v1/devices/waiting")["items"]}
    path = f"/v1/devices/waiting/{waiting['new-cam']['id']}"
    taken = house.post(f"{path}/approve", {"lot": "mall", "lane": "in-1", "code": "cam-in-1b"}).json()
    assert (taken["lot"], taken["lane"], taken["code"]) == ("mall", "in-1", "cam-in-1b")
    assert "cam-in-1b" in house.operator.get("/v1/lots/mall/document").text
    assert house.post("/v1/lots/mall/devices/cam-in-1b/credentials", {}).json()["serial"] == "new-cam"
    odd = house.post(f"/v1/devices/waiting/{waiting['what']['id']}/approve", {"lot": "mall", "lane": "x", "code": "É"})
    assert odd.status_code == 422
    refused = house.post(f"/v1/devices/waiting/{waiting['what']['id']}/refuse", {"reason": "not ours"})
    assert refused.status_code == 204
    assert house.get("/v1/devices/waiting")["items"] == []
    again = house.post(f"{path}/approve", {"lot": "mall", "lane": "in-1", "code": "cam-9"})
    assert (again.status_code, again.json()["code"]) == (404, "device.not_waiting")
