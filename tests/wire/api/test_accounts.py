"""Signing in over the API, what an account may then do, and how that ends."""

import base64
import json
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from openberth.contexts import tenancy
from openberth.infra import one_time, signed_tokens
from openberth.kernel.authority import system
from openberth.kernel.time import MINUTE_US
from tests.waiting import eventually
from tests.wire.api.house import House

BY = system("test")
PASSWORD = "plum-otter-canal-92"


def make(house: House, login: str, **form: Any) -> Any:
    body = {"login": login, "name": "王小明", "password": PASSWORD} | form
    made = house.post("/v1/accounts", {name: value for name, value in body.items() if value is not None})
    assert made.status_code == 201, made.text
    return made.json()


def give(house: House, login: str, role: str, level: str = "company", node: str | None = "demo") -> Any:
    given = house.post("/v1/grants", {"account": login, "role": role, "level": level, "node": node})
    assert given.status_code == 201, given.text
    return given.json()


def sign_in(house: House, login: str, password: str = PASSWORD, **more: str) -> httpx2.Response:
    return house.stranger.post("/v1/auth/sign-in", json={"login": login, "password": password, **more})


def client(house: House, login: str) -> httpx2.Client:
    answer = sign_in(house, login)
    assert answer.status_code == 200, answer.text
    return house.client({"authorization": f"Bearer {answer.json()['access_token']}"})


@pytest.fixture
def guard(house: House) -> httpx2.Client:
    make(house, "gina", company="demo")
    give(house, "gina", "guard", "lot", "mall")
    return client(house, "gina")


def test_a_guard_does_what_guards_do_and_no_more(house: House, guard: httpx2.Client) -> None:
    assert guard.get("/v1/lots/mall").status_code == 200
    opened = guard.post("/v1/lots/mall/lanes/in-1/open", json={"reason": "tow truck"}, headers={"idempotency-key": "1"})
    assert opened.status_code == 200, opened.text
    refused = guard.put("/v1/tariffs/mall", content=b"x")
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.denied")
    assert guard.get("/v1/accounts").status_code == 403
    me = guard.get("/v1/auth/me").json()
    assert me["lots"] == [house.lot["id"]]
    assert "lane.open" in me["permissions"]
    assert "tariff.publish" not in me["permissions"]
    acted = house.get("/v1/commands", lot="mall")["items"][0]
    assert acted["actor"].endswith(me["account"])


def test_lots_of_another_company_do_not_exist(house: House) -> None:
    house.database.write_now(lambda unit: tenancy.ensure_company(unit, code="other"), by=BY)
    make(house, "olaf", company="other")
    give(house, "olaf", "company_manager", node="other")
    olaf = client(house, "olaf")
    assert olaf.get("/v1/lots").json()["items"] == []
    for path in ("/v1/lots/mall", f"/v1/lots/{house.lot['id']}", "/v1/bills?lot=mall", "/v1/accounts/operator"):
        assert olaf.get(path).status_code == 404, path
    assert olaf.get("/v1/lots", headers={"x-openberth-company": "demo"}).status_code == 404
    assert (
        olaf.post("/v1/lots/mall/lanes/in-1/open", json={"reason": "x"}, headers={"idempotency-key": "1"}).status_code
        == 404
    )
    beyond = olaf.post("/v1/grants", json={"account": "olaf", "role": "guard", "level": "company", "node": "other"})
    assert (beyond.status_code, beyond.json()["code"]) == (403, "grant.oneself")


def test_who_works_for_two_companies_names_one(house: House) -> None:
    house.database.write_now(lambda unit: tenancy.ensure_company(unit, code="other"), by=BY)
    make(house, "twin")
    give(house, "twin", "finance")
    give(house, "twin", "guard", node="other")
    twin = client(house, "twin")
    unnamed = twin.get("/v1/lots")
    assert (unnamed.status_code, unnamed.json()["code"]) == (409, "auth.which_company")
    demo, other = {"x-openberth-company": "demo"}, {"x-openberth-company": "other"}
    assert twin.get("/v1/lots/mall", headers=demo).status_code == 200
    assert twin.get("/v1/lots/mall", headers=other).status_code == 404
    assert "lane.open" not in twin.get("/v1/auth/me", headers=demo).json()["permissions"]


def test_a_role_that_is_taken_back_ends_at_once(house: House, guard: httpx2.Client) -> None:
    grant = house.get("/v1/grants", account="gina")["items"][0]["id"]
    assert guard.get("/v1/lots/mall").status_code == 200
    assert house.operator.delete(f"/v1/grants/{grant}").status_code == 204
    assert eventually(lambda: guard.get("/v1/lots/mall").status_code == 403)  # the machine's clock stands still


def test_wrong_logins_and_wrong_passwords_are_told_the_same(house: House) -> None:
    make(house, "desk")
    answers = [sign_in(house, "desk", "wrong-password"), sign_in(house, "nobody", "wrong-password")]
    told = [{**answer.json(), "trace": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert told[0] == told[1]
    assert told[0]["code"] == "auth.wrong"
    for _ in range(4):
        sign_in(house, "desk", "wrong-password")
    assert sign_in(house, "desk").status_code == 401  # the right one waits, too
    house.machine.advance(MINUTE_US)
    assert sign_in(house, "desk").status_code == 200


def test_an_address_signs_in_a_bounded_number_of_times(house: House) -> None:
    codes = [sign_in(house, f"n{number}", "x").status_code for number in range(22)]
    assert codes[:20] == [401] * 20
    assert codes[20:] == [429] * 2


@pytest.mark.parametrize(
    ("password", "code"),
    [("short", "password.length"), ("password2026", "password.common"), ("xx-desk-yy-zz", "password.holds_login")],
)
def test_weak_passwords_are_refused(house: House, password: str, code: str) -> None:
    answer = house.post("/v1/accounts", {"login": "desk", "name": "A", "password": password})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_tokens_are_refreshed_once_and_a_thief_ends_the_session(house: House) -> None:
    make(house, "desk")
    first = sign_in(house, "desk").json()
    second = house.stranger.post("/v1/auth/refresh", json={"refresh_token": first["refresh_token"]}).json()
    desk = house.client({"authorization": f"Bearer {second['access_token']}"})
    assert len(desk.get("/v1/auth/sessions").json()["items"]) == 1
    stolen = house.stranger.post("/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert (stolen.status_code, stolen.json()["code"]) == (401, "auth.reused")
    assert eventually(lambda: desk.get("/v1/auth/me").status_code == 401)
    again = house.stranger.post("/v1/auth/refresh", json={"refresh_token": second["refresh_token"]})
    assert again.json()["code"] == "auth.refresh"


def test_an_access_token_ends_after_minutes(house: House, guard: httpx2.Client) -> None:
    assert guard.get("/v1/lots/mall").status_code == 200
    house.machine.advance(10 * MINUTE_US)
    assert guard.get("/v1/lots/mall").status_code == 401


def test_signing_out_here_and_everywhere(house: House) -> None:
    make(house, "desk")
    here, there = client(house, "desk"), client(house, "desk")
    assert [each["current"] for each in here.get("/v1/auth/sessions").json()["items"]] == [False, True]
    assert here.post("/v1/auth/sign-out", json={}).status_code == 204
    assert eventually(lambda: here.get("/v1/auth/me").status_code == 401)
    assert there.get("/v1/auth/me").status_code == 200
    other = client(house, "desk")
    assert other.post("/v1/auth/sign-out", json={"everywhere": True}).status_code == 204
    assert eventually(lambda: there.get("/v1/auth/me").status_code == 401)
    assert house.operator.post("/v1/auth/sign-out", json={}).json()["code"] == "auth.no_session"


def test_changing_ones_password_ends_the_other_sessions(house: House) -> None:
    make(house, "desk")
    here, there = client(house, "desk"), client(house, "desk")
    wrong = here.post("/v1/auth/password", json={"old": "wrong", "new": "walnut-bridge-77"})
    assert wrong.json()["code"] == "auth.wrong"
    assert here.post("/v1/auth/password", json={"old": PASSWORD, "new": "walnut-bridge-77"}).status_code == 204
    assert eventually(lambda: there.get("/v1/auth/me").status_code == 401)
    assert here.get("/v1/auth/me").status_code == 200
    assert sign_in(house, "desk", "walnut-bridge-77").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "field", "more"),
    [
        ("POST", "/v1/auth/password", "old", {"new": "walnut-bridge-77"}),
        ("POST", "/v1/auth/second-factor/recovery-codes", "password", {}),
        ("PUT", "/v1/auth/second-factor", "password", {"secret": "A" * 32, "code": "123456"}),
    ],
)
def test_whoever_has_a_token_tries_no_passwords(
    house: House, method: str, path: str, field: str, more: dict[str, str]
) -> None:
    make(house, "desk")
    thief = client(house, "desk")
    for _ in range(5):
        assert thief.request(method, path, json={field: "wrong", **more}).json()["code"] == "auth.wrong"
    assert thief.request(method, path, json={field: PASSWORD, **more}).json()["code"] == "auth.wrong"
    assert sign_in(house, "desk").json()["code"] == "auth.wrong"  # it waits
    house.machine.advance(MINUTE_US)
    assert sign_in(house, "desk").status_code == 200


def test_a_second_factor_is_asked_for_once_it_was_shown(house: House) -> None:
    make(house, "desk")
    desk = client(house, "desk")
    secret = desk.post("/v1/auth/second-factor").json()["secret"]

    def code() -> str:
        return one_time.code_at(base64.b32decode(secret), one_time.step_of(house.machine.now()))

    assert (
        desk.put("/v1/auth/second-factor", json={"secret": secret, "code": "000000", "password": PASSWORD}).status_code
        == 422
    )
    form = {"secret": secret, "code": code()}
    assert desk.put("/v1/auth/second-factor", json={**form, "password": "wrong"}).status_code == 401
    done = desk.put("/v1/auth/second-factor", json={**form, "password": PASSWORD})
    codes = done.json()["recovery_codes"]
    assert (done.status_code, len(set(codes)), done.headers["cache-control"]) == (200, 10, "no-store")
    assert sign_in(house, "desk").json()["code"] == "auth.code_needed"
    house.machine.advance(30_000_000)
    assert sign_in(house, "desk", code=code()).status_code == 200
    assert house.get("/v1/accounts/desk")["second_factor"] is True
    assert desk.get("/v1/auth/second-factor").json() == {"active": True, "recovery_codes_left": 10}
    assert sign_in(house, "desk", code=codes[0]).status_code == 200
    assert sign_in(house, "desk", code=codes[0]).json()["code"] == "auth.wrong"
    assert desk.get("/v1/auth/second-factor").json()["recovery_codes_left"] == 9
    assert desk.post("/v1/auth/second-factor/recovery-codes", json={"password": "wrong"}).status_code == 401
    fresh = desk.post("/v1/auth/second-factor/recovery-codes", json={"password": PASSWORD}).json()["recovery_codes"]
    assert not set(fresh) & set(codes)
    assert sign_in(house, "desk", code=codes[1]).json()["code"] == "auth.wrong"
    assert house.post("/v1/accounts/desk/second-factor/remove", {"reason": ""}).status_code == 409
    assert house.post("/v1/accounts/desk/second-factor/remove", {"reason": "lost"}).status_code == 204
    assert sign_in(house, "desk").status_code == 200
    assert eventually(lambda: "account.second_factor_removed" in str(house.get("/v1/audit")["items"]))


def test_accounts_are_looked_for_by_who_and_state(house: House) -> None:
    make(house, "gina", company="demo")
    make(house, "robot", kind="integrator", company="demo", password=None)
    house.post("/v1/accounts/gina/lock", {"locked": True})

    def logins(**asked: str) -> set[str]:
        return {each["login"] for each in house.get("/v1/accounts", **asked)["items"]}

    assert logins(who="integrators") == {"robot"}
    assert logins(who="staff", state="locked") == {"gina"}
    assert logins(who="drivers") == logins(who="boxes") == set()
    assert logins(state="active") == logins() - {"gina"}


def test_integrators_get_tokens_for_their_secret(house: House) -> None:
    make(house, "robot", kind="integrator", company="demo", password=None)
    give(house, "robot", "finance")
    made = house.post("/v1/accounts/robot/secret", {}).json()
    form = {"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["client_secret"]}
    for answer in (
        house.stranger.post("/v1/oauth/token", data=form),
        house.stranger.post(
            "/v1/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(made["client_id"], made["client_secret"]),
        ),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        said = answer.json()
        assert said.keys() == {"access_token", "token_type", "expires_in"}
        robot = house.client({"authorization": f"Bearer {said['access_token']}"})
        assert robot.get("/v1/bills", params={"lot": "mall"}).status_code == 200
        assert robot.post("/v1/lots/mall/lanes/in-1/open", json={"reason": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "robot", "client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "password", "username": "a", "password": "b"}, 400, "unsupported_grant_type"),
        ({"client_id": "robot"}, 400, "invalid_request"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, 400, "invalid_request"),
    ],
)
def test_refusals_of_the_token_address_are_those_of_the_standard(
    house: House, form: dict[str, Any], status: int, error: str
) -> None:
    answer = house.stranger.post("/v1/oauth/token", data=form)
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert house.stranger.post("/v1/oauth/token", json=form).json() == {"error": "invalid_request"}


def test_keys_change_without_anybody_noticing(house: House) -> None:
    make(house, "desk")
    before = client(house, "desk")
    token = before.headers["authorization"].partition(" ")[2]
    published = house.stranger.get("/.well-known/jwks.json").json()["keys"]
    assert [key["kid"] for key in published] == [signed_tokens.kid_of(token)]
    assert "d" not in published[0]
    assert house.post("/v1/keys/rotate", {}).status_code == 204
    both = house.stranger.get("/.well-known/jwks.json").json()["keys"]
    assert len(both) == 2
    assert signed_tokens.kid_of(sign_in(house, "desk").json()["access_token"]) == both[0]["kid"]  # not signing yet
    assert before.get("/v1/auth/me").status_code == 200
    house.machine.advance(16 * MINUTE_US)
    fresh = sign_in(house, "desk").json()["access_token"]
    assert signed_tokens.kid_of(fresh) == both[1]["kid"]
    assert house.client({"authorization": f"Bearer {fresh}"}).get("/v1/auth/me").status_code == 200


def test_a_feed_is_for_those_who_may_and_ends_with_the_session(house: House, guard: httpx2.Client) -> None:
    address = house.url.replace("http", "ws") + "/v1/feed"
    headers = {"authorization": guard.headers["authorization"]}
    with connect(address, additional_headers=headers, proxy=None) as feed:
        assert json.loads(feed.recv(5))["type"] == "ready"
        assert guard.post("/v1/auth/sign-out", json={}).status_code == 204
        with pytest.raises(ConnectionClosed) as closed:
            drain(feed)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def drain(feed: ClientConnection) -> None:
    while True:
        feed.recv(5)


def test_drivers_come_in_by_wechat_and_may_look_after_themselves(house: House) -> None:
    def come(**codes: str) -> httpx2.Response:
        return house.stranger.post("/v1/auth/wechat", json=codes)

    first = come(login_code="o1", phone_code="13800138000").json()
    driver = house.client({"authorization": f"Bearer {first['access_token']}"})
    me = driver.get("/v1/auth/me").json()
    assert (me["permissions"], me["lots"]) == ([], [])
    assert driver.get("/v1/lots").status_code == 403
    again = house.client({"authorization": f"Bearer {come(phone_code='13800138000').json()['access_token']}"})
    assert again.get("/v1/auth/me").json()["account"] == me["account"]
    assert driver.post("/v1/auth/sign-out", json={"everywhere": True}).status_code == 204
    assert come(phone_code="x").json()["code"] == "wechat.code"
    assert come().json()["code"] == "wechat.code"
    listed = house.operator.get("/v1/accounts").text
    assert "13800138000" not in listed
    assert "o1" not in {str(each["login"]) for each in json.loads(listed)["items"]}
