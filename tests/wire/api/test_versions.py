"""Forms that two people fill in at once: the second is told so, over every route that takes a version."""

from typing import Any

import httpx2
import pytest

from tests.wire.api.house import CAR, House
from tests.wire.api.test_accounts import make

SETTING = "/v1/settings/retention.pictures_days"
NAME = {"zh": "名", "en": "Name"}


def put(house: House, path: str, version: int | None, body: dict[str, Any]) -> httpx2.Response:
    return house.operator.put(path, params={} if version is None else {"version": version}, json=body)


def refused(answer: httpx2.Response) -> bool:
    """Tell whether somebody was faster; nothing but that may be the matter."""
    return answer.status_code == 409 and answer.json()["code"] == "state.changed"


def test_a_role_is_saved_and_dropped_as_it_was_read(house: House) -> None:
    path = "/v1/roles/night?company=demo"
    made = house.operator.put(f"{path}&version=0", json={"name": "Night", "permissions": ["lot.read"]}).json()
    read = next(each for each in house.get("/v1/roles", company="demo")["items"] if each["code"] == "night")
    assert read["version"] == made["version"]
    mine, theirs = ({"name": name, "permissions": ["lot.read"]} for name in ("Mine", "Theirs"))
    saved = house.operator.put(f"{path}&version={read['version']}", json=theirs)
    assert saved.status_code == 200
    assert refused(house.operator.put(f"{path}&version={read['version']}", json=mine))
    assert refused(house.operator.put(f"{path}&version=0", json=mine))
    assert refused(house.operator.delete(f"{path}&version={read['version']}"))
    assert house.operator.delete(f"{path}&version={saved.json()['version']}").status_code == 204


def test_a_setting_is_set_and_taken_back_as_it_was_read(house: House) -> None:
    at = {"level": "platform"}
    items = house.get("/v1/settings", level="platform")["items"]
    assert next(each["version"] for each in items if SETTING.endswith(each["key"])) == 0
    theirs = put(house, SETTING, 0, at | {"value": 90})
    assert theirs.status_code == 200
    assert refused(put(house, SETTING, 0, at | {"value": 30}))
    assert refused(put(house, SETTING, 0, at | {"value": 90, "locked": True}))
    assert refused(house.operator.delete(SETTING, params=at | {"version": 1}))
    version = theirs.json()["version"]
    cleared = house.operator.delete(SETTING, params=at | {"version": version})
    assert (cleared.status_code, cleared.json()["version"]) == (200, 0)
    assert put(house, SETTING, None, at | {"value": 31}).status_code == 200


@pytest.mark.parametrize("deed", ["lock", "password", "close"])
def test_an_account_is_dealt_with_as_it_was_read(house: House, deed: str) -> None:
    make(house, "desk-1")
    read = house.get("/v1/accounts/desk-1")["version"]
    bodies: dict[str, Any] = {"lock": {"locked": True}, "password": {"password": "copper lantern drifts"}, "close": {}}
    faster = house.post(f"/v1/accounts/desk-1/password?version={read}", {"password": "tram seven moon river"})
    assert faster.status_code == 204, faster.text
    assert refused(house.post(f"/v1/accounts/desk-1/{deed}?version={read}", bodies[deed]))
    now = house.get("/v1/accounts/desk-1")["version"]
    assert house.post(f"/v1/accounts/desk-1/{deed}?version={now}", bodies[deed]).status_code == 204


def test_a_permit_is_given_a_holder_as_it_was_read(house: House) -> None:
    person = house.post("/v1/people", {"name": "甲乙", "phone": "13800138000", "company": "demo"}).json()["id"]
    text = f"permits: openberth/1\nlot: mall\nlist:\n  - {{code: p-1, plate: {CAR}, kind: free}}\n"
    assert house.operator.put("/v1/lots/mall/permits", content=text.encode()).status_code == 200
    path = "/v1/lots/mall/permits/p-1/holder"
    read = house.get("/v1/lots/mall/permits")["items"][0]["version"]
    for _ in range(2):  # the second is the same again
        assert put(house, path, read, {"person": person}).status_code == 204
    assert refused(put(house, path, read, {"person": None}))
    now = house.get("/v1/lots/mall/permits")["items"][0]
    assert now["holder"] == person
    assert put(house, path, now["version"], {"person": None}).status_code == 204


@pytest.mark.parametrize("node", ["partners/north", "companies/demo", "properties/garden"])
def test_a_node_is_renamed_as_it_was_read(house: House, node: str) -> None:
    house.post("/v1/partners", {"code": "north", "name": NAME})
    house.post("/v1/properties", {"company": "demo", "code": "garden", "name": NAME})
    level, code = node.split("/")

    def version() -> int:
        return next(int(each["version"]) for each in house.get("/v1/organisation")[level] if each["code"] == code)

    read = version()
    assert put(house, f"/v1/{node}", read, {"name": NAME | {"en": "Theirs"}}).status_code == 204
    assert refused(put(house, f"/v1/{node}", read, {"name": NAME | {"en": "Mine"}}))
    assert put(house, f"/v1/{node}", version(), {"name": NAME | {"en": "Mine"}}).status_code == 204


def test_a_company_is_moved_as_it_was_read(house: House) -> None:
    house.post("/v1/partners", {"code": "north", "name": NAME})
    read = next(each["version"] for each in house.get("/v1/organisation")["companies"] if each["code"] == "demo")
    assert put(house, "/v1/companies/demo", read, {"name": NAME}).status_code == 204
    assert refused(put(house, "/v1/companies/demo/partner", read, {"partner": "north", "reason": "bought"}))
