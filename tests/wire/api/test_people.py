"""People over HTTP: masked everywhere, unmasked for a reason, changed when verified by one way only; whole plates."""

from typing import Any

import pytest

from openberth.kernel.time import MINUTE_US
from tests.waiting import eventually
from tests.wire.api.house import CAR, House

TEL, OTHER_TEL = "13800138000", "13900139000"
NUMBER = "11010519491231002X"  # the example of GB 11643-1999
NAME = "甲乙丙"


def made(house: House, **values: str) -> Any:
    answer = house.post("/v1/people", {"name": NAME, "phone": TEL, "company": "demo"} | values)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_people_are_masked_and_shown_for_a_reason(house: House) -> None:
    person = made(house, identity=NUMBER)
    assert (person["name"], person["phone"], person["identity"]) == ("甲**", "138****8000", "1101**********002X")
    path = f"/v1/people/{person['id']}"
    found = house.post("/v1/people/find", {"phone": "+86 138-0013-8000"}).json()["items"]
    assert [each["id"] for each in found] == [person["id"]]
    for answer in (house.operator.get("/v1/people"), house.operator.get(path), house.operator.get(f"{path}/changes")):
        assert answer.status_code == 200
        for secret in (NAME, TEL, NUMBER):
            assert secret not in answer.text
    shown = house.post(f"{path}/unmask", {"fields": ["phone", "identity"], "reason": "a call"})
    assert shown.json() == {"name": None, "phone": f"+86{TEL}", "identity": NUMBER}
    assert shown.headers["cache-control"] == "no-store"
    assert house.post(f"{path}/unmask", {"fields": ["name"], "reason": ""}).json()["code"] == "reason.missing"
    assert house.post(f"{path}/unmask", {"fields": [], "reason": "x"}).status_code == 422


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [("phone", "12345", "country"), ("identity", "110105194912310021", "check"), ("name", "<b>x</b>", "character")],
)
def test_what_is_no_value_is_refused_without_being_repeated(house: House, field: str, value: str, fault: str) -> None:
    answer = house.post("/v1/people", {"name": NAME, "company": "demo"} | {field: value})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"place": f"body.{field}", "problem": f"person.fault.{fault}"}]
    assert value not in answer.text


def test_verified_people_change_by_verifying_again_and_are_told(house: House) -> None:
    tokens = house.stranger.post("/v1/auth/wechat", json={"phone_code": TEL}).json()
    me = house.client({"authorization": f"Bearer {tokens['access_token']}"})
    person = me.get("/v1/me/person").json()
    assert person["phone"] == "138****8000"
    path = f"/v1/people/{person['id']}"
    assert me.post("/v1/me/person", json={"name": NAME}).json()["name"] == "甲**"
    verified = house.post(
        f"{path}/reverify", {"identity": NUMBER, "evidence": "identity_card", "reason": "showed it at the desk"}
    )
    assert verified.json()["verified_how"] == "identity_card"
    assert me.post("/v1/me/person", json={"name": "戊"}).json()["code"] == "person.verified"
    assert house.post(f"{path}/values", {"name": "戊", "reason": "x"}).json()["code"] == "person.verified"
    (notice,) = me.get("/v1/me/notices").json()["items"]
    assert "identity number" in notice["text"]
    assert me.post(f"/v1/me/notices/{notice['id']}/read").json()["read_at"] is not None
    assert house.stranger.get("/v1/me/notices").status_code == 401
    assert house.operator.get("/v1/me/notices").json()["code"] == "auth.no_session"
    (entry,) = house.get("/v1/audit", deed="person.reverified")["items"]
    assert entry["after"] == {"evidence": "identity_card", "identity": "1101**********002X"}


def test_consents_are_given_and_taken_back(house: House) -> None:
    tokens = house.stranger.post("/v1/auth/wechat", json={"phone_code": TEL}).json()
    me = house.client({"authorization": f"Bearer {tokens['access_token']}"})
    form = {"purpose": "phone", "document": "2026-01", "given": True, "channel": "app"}
    assert me.post("/v1/me/consents", json=form).status_code == 201
    assert me.post("/v1/me/consents", json=form | {"given": False}).status_code == 201
    said = me.get("/v1/me/consents").json()
    assert [each["given"] for each in said["items"]] == [False, True]
    assert [each["given"] for each in said["now"]] == [False]
    person = me.get("/v1/me/person").json()
    assert person["phone"] is None
    staff = house.post(f"/v1/people/{person['id']}/consents", form | {"channel": "counter"})
    assert staff.status_code == 201
    assert house.get(f"/v1/people/{person['id']}/consents")["now"][0]["channel"] == "counter"


def test_a_whole_plate_is_shown_for_a_reason(house: House) -> None:
    passage = house.arrive("in-1", CAR).passage
    stay = house.get("/v1/stays", lot="mall")["items"][0]
    assert CAR not in house.operator.get("/v1/stays", params={"lot": "mall"}).text
    for path in (f"/v1/stays/{stay['id']}/unmask", f"/v1/passages/{passage}/unmask"):
        assert house.post(path, {"reason": "the owner is at the booth"}).json() == {"plate": CAR}
        assert house.post(path, {}).status_code == 422
        assert house.post(path.replace(path.split("/")[3], str(UNKNOWN)), {"reason": "x"}).status_code == 404
    text = f"permits: openberth/1\nlot: mall\nlist:\n  - {{code: p-1, plate: {CAR}, kind: free}}\n"
    assert house.operator.put("/v1/lots/mall/permits", content=text.encode()).status_code == 200
    assert house.post("/v1/lots/mall/permits/p-1/unmask", {"reason": "asked"}).json() == {"plate": CAR}
    assert house.post("/v1/lots/mall/permits/none/unmask", {"reason": "x"}).json()["code"] == "permit.not_found"
    deeds = house.get("/v1/audit", deed="plate.unmasked")["items"]
    assert [each["subject"]["kind"] for each in deeds] == ["permit", "passage", "stay"]


UNKNOWN = "01890000-0000-7000-8000-000000000000"


def test_somebody_takes_its_data_along_and_is_forgotten(house: House) -> None:
    tokens = house.stranger.post("/v1/auth/wechat", json={"phone_code": TEL}).json()
    me = house.client({"authorization": f"Bearer {tokens['access_token']}"})
    person = me.get("/v1/me/person").json()["id"]
    text = f"permits: openberth/1\nlot: mall\nlist:\n  - {{code: p-1, plate: {CAR}, kind: free}}\n"
    assert house.operator.put("/v1/lots/mall/permits", content=text.encode()).status_code == 200
    assert house.get("/v1/lots/mall/permits")["items"][0]["holder"] is None
    held = house.operator.put("/v1/lots/mall/permits/p-1/holder", json={"person": person})
    assert house.get("/v1/lots/mall/permits")["items"][0]["holder"] == person
    assert held.status_code == 204
    house.arrive("in-1", CAR)
    mine = me.post("/v1/me/export", headers={"idempotency-key": "1"}).json()["document"]
    assert (mine["person"]["phone"], mine["stays"][0]["plate"]) == (f"+86{TEL}", CAR)
    theirs = house.post(f"/v1/people/{person}/export", {"reason": "a letter"}).json()["document"]
    assert (theirs["person"]["phone"], theirs["stays"][0]["plate"]) == ("138****8000", "粤B·**345")
    assert [each["kind"] for each in me.get("/v1/me/hindrances").json()["items"]] == ["car_inside"]
    refused = me.post("/v1/me/erase", headers={"idempotency-key": "2"}).json()
    assert (refused["code"], refused["params"]["count"]) == ("person.hindered", 1)
    house.pass_minutes(5)
    house.arrive("out-1", CAR)
    assert eventually(lambda: not house.get(f"/v1/people/{person}/hindrances")["items"])
    assert me.post("/v1/me/erase", headers={"idempotency-key": "3"}).json()["gone"]["plates"] == 1
    assert eventually(lambda: me.get("/v1/me/person").status_code == 401)
    assert house.get("/v1/stays", lot="mall")["items"][0]["plate"] is None


def test_a_session_of_long_ago_takes_nothing_along(house: House) -> None:
    tokens = house.stranger.post("/v1/auth/wechat", json={"phone_code": TEL}).json()
    house.machine.advance(16 * MINUTE_US)
    tokens = house.stranger.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).json()
    me = house.client({"authorization": f"Bearer {tokens['access_token']}"})
    for path in ("/v1/me/export", "/v1/me/erase"):
        assert me.post(path, headers={"idempotency-key": path}).json()["code"] == "auth.confirm_needed"
