"""The organisation over the API: its tree, grants at every level, settings with locks, and who may touch which."""

import io
import json
import zipfile
from typing import Any

import httpx2
import pytest
from websockets.sync.client import connect

from tests.waiting import eventually
from tests.wire.api.house import House
from tests.wire.api.test_accounts import client, give, make

NAME = {"zh": "名", "en": "Name"}
PICTURES = "/v1/settings/retention.pictures_days"


def post(house: House, path: str, body: dict[str, Any]) -> Any:
    answer = house.post(path, body)
    assert answer.status_code in (201, 204), answer.text
    return answer.json() if answer.content else None


def put(by: httpx2.Client, path: str, body: dict[str, Any]) -> httpx2.Response:
    return by.put(path, json=body)


def turn(house: House, state: str) -> None:
    post_state = house.post("/v1/lots/mall/state", {"state": state, "reason": "test"})
    assert post_state.status_code == 200, post_state.text


@pytest.fixture
def partner(house: House) -> str:
    """A partner with the company of the mall and one more."""
    made = post(house, "/v1/partners", {"code": "north", "name": NAME})
    assert (
        put(house.operator, "/v1/companies/demo/partner", {"partner": "north", "reason": "bought"}).status_code == 204
    )
    post(house, "/v1/companies", {"code": "second", "name": NAME, "partner": "north"})
    post(house, "/v1/companies", {"code": "alone", "name": NAME})
    return str(made["id"])


def test_the_tree_shows_what_one_may_see(house: House, partner: str) -> None:
    post(house, "/v1/properties", {"company": "demo", "code": "garden", "name": NAME})
    assert put(house.operator, "/v1/lots/mall/property", {"property": "garden"}).status_code == 204
    tree = house.get("/v1/organisation")
    assert [each["code"] for each in tree["partners"]] == ["north"]
    assert {each["code"]: each["partner"] for each in tree["companies"]} == {
        "alone": None, "demo": partner, "second": partner,
    }  # fmt: skip
    assert tree["lots"][0]["property"] == tree["properties"][0]["id"]
    make(house, "boss-1", company="demo")
    give(house, "boss-1", "company_manager")
    seen = client(house, "boss-1").get("/v1/organisation").json()
    assert (seen["partners"], [each["code"] for each in seen["companies"]]) == ([], ["demo"])
    assert [each["code"] for each in seen["properties"]] == ["garden"]


def test_who_acts_for_a_partner_acts_in_its_companies_and_no_others(house: House, partner: str) -> None:
    make(house, "boss-1", company="north")
    give(house, "boss-1", "company_manager", "partner", "north")
    boss = client(house, "boss-1")
    me = boss.get("/v1/auth/me").json()
    assert (me["company"], partner in me["companies"], len(me["companies"])) == (None, True, 3)
    assert [each["code"] for each in boss.get("/v1/lots").json()["items"]] == ["mall"]
    assert [each["code"] for each in boss.get("/v1/organisation").json()["companies"]] == ["demo", "second"]
    second = {"x-openberth-company": "second"}
    assert boss.get("/v1/lots/mall", headers=second).status_code == 404
    assert boss.get("/v1/auth/me", headers=second).json()["companies"] is None
    assert boss.get("/v1/auth/me", headers={"x-openberth-company": "north"}).json()["companies"] == me["companies"]
    for stranger in ("alone", "nowhere"):
        assert boss.get("/v1/lots", headers={"x-openberth-company": stranger}).status_code == 404
    # It makes accounts of its companies, and gives there what it has.
    unsaid = boss.post("/v1/accounts", json={"login": "desk-1", "name": "王小明", "password": "plum-otter-canal-93"})
    assert unsaid.json()["code"] == "account.company"
    made = boss.post(
        "/v1/accounts",
        json={"login": "desk-1", "name": "王小明", "password": "plum-otter-canal-93", "company": "second"},
    )
    assert made.status_code == 201, made.text

    def grant(role: str, level: str, node: str) -> str:
        answer = boss.post("/v1/grants", json={"account": "desk-1", "role": role, "level": level, "node": node})
        return str(answer.json().get("code", answer.status_code))

    assert grant("guard", "company", "second") == "201"
    assert grant("company_manager", "partner", "north") == "201"
    assert grant("guard", "lot", "mall") == "201"
    assert grant("guard", "company", "alone") == "company.not_found"
    assert grant("auditor", "partner", "north") == "grant.beyond"


def test_a_company_that_leaves_its_partner_is_out_of_reach_at_once(house: House, partner: str) -> None:
    make(house, "boss-1", company="north")
    give(house, "boss-1", "company_manager", "partner", "north")
    boss = client(house, "boss-1")
    assert boss.get("/v1/lots/mall").status_code == 200
    assert put(house.operator, "/v1/companies/demo/partner", {"partner": None, "reason": "sold"}).status_code == 204
    # The clock of the machine stands still: what was remembered is gone because the log told of the change.
    assert eventually(lambda: boss.get("/v1/lots/mall").status_code == 404)
    assert eventually(lambda: len(house.get("/v1/audit", deed="organisation.changed")["items"]) == 2)
    newest = house.get("/v1/audit", deed="organisation.changed")["items"][0]
    assert (newest["reason"], newest["before"]["values"]) == ("sold", {"partner": partner})


def test_a_grant_at_a_property_reaches_its_lots_as_they_are_now(house: House) -> None:
    post(house, "/v1/properties", {"company": "demo", "code": "garden", "name": NAME})
    make(house, "desk-1", company="demo")
    give(house, "desk-1", "guard", "property", "garden")
    desk = client(house, "desk-1")
    assert desk.get("/v1/lots/mall").status_code == 403  # nothing lies in it: no place, no permission
    assert put(house.operator, "/v1/lots/mall/property", {"property": "garden"}).status_code == 204
    assert eventually(lambda: desk.get("/v1/lots/mall").status_code == 200)
    assert put(house.operator, "/v1/lots/mall/property", {"property": None}).status_code == 204
    assert eventually(lambda: desk.get("/v1/lots/mall").status_code == 403)


def test_a_feed_stops_telling_of_a_company_that_was_taken_away(house: House, partner: str) -> None:
    make(house, "boss-1", company="north")
    give(house, "boss-1", "company_manager", "partner", "north")
    boss = client(house, "boss-1")
    token = boss.headers["authorization"].partition(" ")[2]
    url = f"{house.url.replace('http', 'ws')}/v1/feed"
    with connect(url, additional_headers={"authorization": f"Bearer {token}"}) as feed:
        assert '"ready"' in str(feed.recv(5))
        turn(house, "full")
        assert "facility.lot_state_changed" in str(feed.recv(5))
        moved = put(house.operator, "/v1/companies/demo/partner", {"partner": None, "reason": "sold"})
        assert moved.status_code == 204
        turn(house, "open")
        put(house.operator, "/v1/companies/second", {"name": {"zh": "后", "en": "After"}})
        told = str(feed.recv(5))
        assert "facility" not in told
        assert "tenancy.node_changed" in told


def test_settings_over_the_api(house: House, partner: str) -> None:
    make(house, "boss-1", company="demo")
    give(house, "boss-1", "company_manager")
    boss = client(house, "boss-1")
    assert put(boss, PICTURES, {"level": "lot", "node": "mall", "value": 30}).json()["source"] == "lot"
    locked = put(house.operator, PICTURES, {"level": "partner", "node": "north", "value": 90, "locked": True})
    assert locked.status_code == 200, locked.text
    shown = boss.get("/v1/settings", params={"level": "lot", "node": "mall"}).json()["items"]
    mine = next(each for each in shown if each["key"] == "retention.pictures_days")
    wanted = {"value": 90, "default": 60, "source": "partner", "locked_by": "partner", "own": 30, "overruled": True,
        "least": 1, "most": 3_650, "words": []}  # fmt: skip
    assert {name: mine[name] for name in wanted} == wanted
    refused = put(boss, PICTURES, {"level": "company", "node": "demo", "value": 31})
    assert (refused.status_code, refused.json()["code"]) == (409, "setting.locked_by_partner")
    for level, node, code in (
        ("platform", None, 403), ("partner", "north", 404), ("company", "second", 404), ("company", "demo", 409),
    ):  # fmt: skip
        assert put(boss, PICTURES, {"level": level, "node": node, "value": 31}).status_code == code, level
    assert boss.get("/v1/settings").status_code == 404
    gone = house.operator.delete(PICTURES, params={"level": "partner", "node": "north"})
    assert gone.status_code == 200, gone.text
    shown = boss.get("/v1/settings", params={"level": "lot", "node": "mall"}).json()["items"]
    assert next(each for each in shown if each["key"] == "retention.pictures_days")["value"] == 30
    for bad in ({"value": "30"}, {"value": 1.5}, {"value": 30, "locked": "yes"}, {"value": 30, "colour": 1}):
        assert put(boss, PICTURES, {"level": "lot", "node": "mall", **bad}).status_code in (400, 422), bad


def test_a_second_factor_is_asked_of_administrators_where_it_was_set(house: House, partner: str) -> None:
    make(house, "boss-1", company="demo")
    give(house, "boss-1", "company_manager")
    make(house, "desk-1", company="demo")
    give(house, "desk-1", "guard")
    boss, desk = client(house, "boss-1"), client(house, "desk-1")
    assert boss.get("/v1/lots").status_code == 200
    factor = "/v1/settings/accounts.second_factor"
    assert put(house.operator, factor, {"level": "partner", "node": "north", "value": True}).status_code == 200
    assert eventually(lambda: boss.get("/v1/lots").status_code == 403)
    assert desk.get("/v1/lots").status_code == 200
    assert put(house.operator, factor, {"level": "company", "node": "demo", "value": False}).status_code == 200
    assert eventually(lambda: boss.get("/v1/lots").status_code == 200)


def test_a_lot_that_moves_is_out_of_reach_of_the_company_that_had_it(house: House) -> None:
    post(house, "/v1/companies", {"code": "second", "name": NAME})
    for login, company in (("boss-1", "demo"), ("boss-2", "second")):
        make(house, login, company=company)
        give(house, login, "company_manager", node=company)
    old, new = client(house, "boss-1"), client(house, "boss-2")
    assert (old.get("/v1/lots/mall").status_code, new.get("/v1/lots/mall").status_code) == (200, 404)
    refused = old.put("/v1/lots/mall/company", json={"company": "second", "reason": "mine"})
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.denied")
    moved = put(house.operator, "/v1/lots/mall/company", {"company": "second", "reason": "sold"})
    assert moved.status_code == 204, moved.text
    assert (old.get("/v1/lots/mall").status_code, new.get("/v1/lots/mall").status_code) == (404, 200)
    assert new.get("/v1/tariffs/mall").status_code == 200
    assert eventually(lambda: bool(house.get("/v1/audit", deed="lot.came")["items"]))
    assert house.get("/v1/audit", deed="lot.left")["items"][0]["reason"] == "sold"


def test_all_data_of_a_company_is_fetched_once(house: House) -> None:
    asked = house.post("/v1/exports", {"level": "company", "node": "demo", "reason": "audit"})
    assert asked.status_code == 202, asked.text
    export = asked.json()["id"]
    assert eventually(lambda: house.get(f"/v1/exports/{export}")["state"] == "ready")
    make(house, "admin-1")
    give(house, "admin-1", "platform_administrator", "platform", None)
    other = client(house, "admin-1")
    assert [other.get(f"/v1/exports/{export}{end}").status_code for end in ("", "/file")] == [404, 404]
    file = house.operator.get(f"/v1/exports/{export}/file")
    assert file.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("manifest.json"))["code"] == "demo"
        assert "lane/" in "".join(archive.namelist())
    assert house.operator.get(f"/v1/exports/{export}/file").status_code == 404
    assert house.get(f"/v1/exports/{export}")["state"] == "fetched"
    for bad, code in (({"level": "lot", "node": "mall"}, 422), ({"level": "company", "node": "none"}, 404)):
        assert house.post("/v1/exports", {**bad, "reason": "x"}).status_code == code
    unmasked = other.post(
        "/v1/exports", json={"level": "company", "node": "demo", "reason": "audit", "unmasked": True}
    )  # fmt: skip
    assert (unmasked.status_code, unmasked.json()["code"]) == (403, "auth.denied")


def test_a_closed_company_lets_nobody_in_and_can_be_looked_at(house: House, partner: str) -> None:
    make(house, "boss-1", company="second")
    give(house, "boss-1", "company_manager", node="second")
    make(house, "boss-2", company="north")
    give(house, "boss-2", "company_manager", "partner", "north")
    inside, above = client(house, "boss-1"), client(house, "boss-2")
    busy = house.post("/v1/companies/demo/close", {"reason": "over"})
    assert (busy.status_code, busy.json()["code"]) == (409, "company.has_lots")
    post(house, "/v1/companies/second/close", {"reason": "over"})
    assert eventually(lambda: inside.get("/v1/lots").status_code == 401)
    second = {"x-openberth-company": "second"}
    assert eventually(lambda: "lot.write" not in above.get("/v1/auth/me", headers=second).json()["permissions"])
    assert above.get("/v1/organisation", headers=second).status_code == 200
    assert above.post(
        "/v1/properties", json={"company": "second", "code": "x", "name": NAME}, headers=second
    ).status_code == 403  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/partners", {"code": "demo", "name": NAME}, 409, "organisation.code_taken"),
        ("/v1/partners", {"code": "no/rth", "name": NAME}, 422, "organisation.code"),
        ("/v1/partners", {"code": "x", "name": {"zh": " ", "en": "x"}}, 422, "organisation.name"),
        ("/v1/companies", {"code": "demo", "name": NAME}, 409, "organisation.code_taken"),
        ("/v1/companies", {"code": "north", "name": NAME}, 409, "organisation.code_taken"),
        ("/v1/companies", {"code": "x", "name": NAME, "partner": "west"}, 404, "partner.not_found"),
        ("/v1/properties", {"company": "west", "code": "x", "name": NAME}, 404, "company.not_found"),
        ("/v1/partners/north/close", {"reason": "over"}, 409, "partner.has_companies"),
        ("/v1/partners/west/close", {"reason": "over"}, 404, "partner.not_found"),
        ("/v1/properties/x/close", {"reason": "over"}, 404, "property.not_found"),
    ],
)
def test_what_does_not_fit_the_tree_is_refused(
    house: House, partner: str, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = house.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_a_closed_partner_and_property_change_no_more(house: House) -> None:
    post(house, "/v1/partners", {"code": "south", "name": NAME})
    post(house, "/v1/partners/south/close", {"reason": "over"})
    renamed = put(house.operator, "/v1/partners/south", {"name": {"zh": "新", "en": "New"}})
    assert renamed.json()["code"] == "partner.closed"
    moved = put(house.operator, "/v1/companies/demo/partner", {"partner": "south", "reason": "bought"})
    assert moved.json()["code"] == "partner.closed"
    post(house, "/v1/properties", {"company": "demo", "code": "garden", "name": NAME})
    assert put(house.operator, "/v1/lots/mall/property", {"property": "garden"}).status_code == 204
    busy = house.post("/v1/properties/garden/close", {"reason": "over"})
    assert busy.json()["code"] == "property.has_lots"
    assert put(house.operator, "/v1/lots/mall/property", {"property": None}).status_code == 204
    post(house, "/v1/properties/garden/close", {"reason": "over"})
    again = put(house.operator, "/v1/lots/mall/property", {"property": "garden"})
    assert again.json()["code"] == "property.closed"
