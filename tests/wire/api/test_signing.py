"""Signed requests and fresh proofs over real HTTP: who opens a gate by hand, and what is worth nothing any more."""

import secrets
from typing import Any

import httpx2
import pytest

from openberth.entrypoints.web import build_app
from openberth.infra.http.auth import declarations, may
from openberth.infra.http.signatures import signed_headers
from openberth.infra.one_time import code_at, step_of
from openberth.kernel.time import SECOND_US
from tests.waiting import eventually
from tests.wire.api.house import House

OPEN = "/v1/lots/mall/lanes/in-1/open"
REASON = b'{"reason":"a hose over the lane"}'
PASSWORD = "a long enough password 7"


class Robot:
    """An integrator of the mall's company, with a key."""

    def __init__(self, house: House, *, role: str = "lot_manager", scopes: tuple[str, ...] = ("lot.read", "lane.open"),
                 **form: Any) -> None:  # fmt: skip
        self.house, self.login = house, f"robot-{secrets.token_hex(3)}"
        made = house.post("/v1/accounts", {"kind": "integrator", "login": self.login, "name": "r", "company": "demo"})
        assert made.status_code == 201, made.text
        grant = {"account": self.login, "role": role, "level": "company", "node": "demo"}
        given = house.post("/v1/grants", grant)
        assert given.status_code in (200, 201), given.text
        answer = house.post(f"/v1/accounts/{self.login}/api-keys", {"name": "k", "scopes": list(scopes), **form})
        assert answer.status_code == 201, answer.text
        self.key, self.secret = answer.json()["id"], answer.json()["secret"]

    def headers(self, method: str, target: str, body: bytes = b"", **changes: Any) -> dict[str, str]:
        path, _, query = target.partition("?")
        values = {"key": self.key, "secret": self.secret, "created": self.house.machine.now(),
                  "nonce": secrets.token_hex(16)} | changes  # fmt: skip
        return signed_headers(method=method, path=path, query=query, body=body, **values)

    def ask(self, method: str, target: str, body: bytes = b"", **changes: Any) -> httpx2.Response:
        headers = self.headers(method, target, body, **changes)
        if body:
            headers["content-type"] = "application/json"
        return self.house.stranger.request(method, target, content=body, headers=headers)


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_signed_request_is_let_in_with_the_scopes_of_its_key(house: House) -> None:
    robot = Robot(house)
    answer = robot.ask("GET", "/v1/lots/mall?x=%7Ey&z")
    assert answer.status_code == 200, answer.text
    assert '"key";q=600;w=60, "key-day";q=200000;w=86400' in answer.headers["ratelimit-policy"]
    assert '"key-day";r=199999' in answer.headers["ratelimit"]
    assert code_of(robot.ask("GET", "/v1/bills?lot=mall")) == (403, "auth.denied")  # the account may, the key may not
    (listed,) = house.get(f"/v1/accounts/{robot.login}/api-keys")["items"]
    assert (listed["used_today"], listed["holds"], listed["scopes"]) == (2, True, ["lane.open", "lot.read"])
    assert listed["last_used_at"] is not None
    assert robot.secret not in str(listed)


def test_a_signature_opens_a_gate_once_and_a_copy_of_it_never(house: House) -> None:
    robot = Robot(house)
    headers = robot.headers("POST", OPEN, REASON) | {"content-type": "application/json"}
    before = len(house.get("/v1/commands", lot="mall")["items"])
    first = house.stranger.post(OPEN, content=REASON, headers=headers)
    assert first.status_code == 200, first.text
    for _ in range(2):
        again = house.stranger.post(OPEN, content=REASON, headers=headers)
        assert code_of(again) == (401, "signature.replayed")
    other = House.client(house, {})
    assert other.post(OPEN, content=REASON, headers=headers | {"accept-language": "zh"}).status_code == 401
    assert len(house.get("/v1/commands", lot="mall")["items"]) == before + 1


def test_what_is_wrong_with_a_signature_is_told_and_changes_nothing(house: House) -> None:
    robot = Robot(house)
    minutes = 5 * 60 * SECOND_US + SECOND_US
    now = house.machine.now()
    tries: list[tuple[httpx2.Response, str]] = [
        (robot.ask("GET", "/v1/lots/mall", secret="x" * 43), "signature.wrong"),
        (robot.ask("GET", "/v1/lots/mall", key="obk_nobody"), "signature.wrong"),
        (robot.ask("GET", "/v1/lots/mall", key="k" * 200), "signature.wrong"),
        (robot.ask("GET", "/v1/lots/mall", created=now - minutes), "signature.time"),
        (robot.ask("GET", "/v1/lots/mall", created=now + minutes), "signature.time"),
        (robot.ask("GET", "/v1/lots/mall", nonce="short"), "signature.malformed"),
    ]
    stolen = robot.headers("GET", "/v1/lots/mall")
    tries += [
        (house.stranger.get("/v1/lots", headers=stolen), "signature.wrong"),
        (house.stranger.get("/v1/lots/mall?a=1", headers=stolen), "signature.wrong"),
        (house.stranger.request("PUT", "/v1/lots/mall", headers=stolen), "signature.wrong"),
        (house.stranger.request("GET", "/v1/lots/mall", content=b"x", headers=stolen), "signature.digest"),
        (house.stranger.request("GET", "/v1/lots/mall", content=b"x" * 5_000, headers=stolen), "request.too_large"),
    ]
    for answer, code in tries:
        assert answer.json()["code"] == code
        assert answer.status_code == (413 if code == "request.too_large" else 401)
    half = {"signature-input": stolen["signature-input"], "authorization": house.operator.headers["authorization"]}
    assert code_of(house.stranger.get("/v1/lots/mall", headers=half)) == (401, "signature.malformed")
    assert house.stranger.get("/v1/lots/mall", headers=stolen).status_code == 200  # nobody has used its nonce up


def test_an_ended_key_an_old_one_and_one_of_a_locked_account_let_nobody_in(house: House) -> None:
    ended, old, locked = Robot(house), Robot(house, days=1), Robot(house)
    for robot in (ended, old, locked):
        assert robot.ask("GET", "/v1/lots/mall").status_code == 200
    assert house.operator.delete(f"/v1/accounts/{ended.login}/api-keys/{ended.key}").status_code == 204
    assert house.post(f"/v1/accounts/{locked.login}/lock", {"locked": True}).status_code == 204
    house.machine.advance(6 * SECOND_US)
    assert code_of(ended.ask("GET", "/v1/lots/mall")) == (401, "signature.wrong")
    assert code_of(locked.ask("GET", "/v1/lots/mall")) == (401, "auth.required")
    house.pass_minutes(24 * 60)
    assert code_of(old.ask("GET", "/v1/lots/mall")) == (401, "signature.wrong")
    assert code_of(house.operator.delete(f"/v1/accounts/{ended.login}/api-keys/obk_x")) == (404, "api_key.not_found")


def test_keys_are_for_machines_two_at_a_time_and_never_for_more_than_their_account(house: House) -> None:
    robot = Robot(house, role="guard", scopes=("lot.read",))
    path = f"/v1/accounts/{robot.login}/api-keys"
    assert code_of(house.post(path, {"name": "k", "scopes": ["role.write"]})) == (422, "api_key.scopes")
    assert code_of(house.post(path, {"name": "k", "scopes": ["no.such"]})) == (422, "api_key.scopes")
    first = house.post(path, {"name": "second", "scopes": ["lot.read"]}, key="the-same")
    assert first.json() == house.post(path, {"name": "second", "scopes": ["lot.read"]}, key="the-same").json()
    assert code_of(house.post(path, {"name": "third", "scopes": ["lot.read"]})) == (409, "api_key.two_already")
    assert house.operator.delete(f"{path}/{robot.key}").status_code == 204
    assert house.post(path, {"name": "third", "scopes": ["lot.read"]}).status_code == 201
    person(house, "desk-9")
    assert code_of(house.post("/v1/accounts/desk-9/api-keys", {"name": "k", "scopes": ["lot.read"]})) == (
        409, "api_key.person",
    )  # fmt: skip


def test_quotas_hold_over_a_restart(house: House) -> None:
    robot = Robot(house, per_day=3, per_minute=60)
    assert [robot.ask("GET", "/v1/lots/mall").status_code for _ in range(4)] == [200, 200, 200, 429]
    over = robot.ask("GET", "/v1/lots/mall")
    assert int(over.headers["retry-after"]) > 3_600  # until the day ends
    door = house.entrance.door
    door._book.forget()  # what a restart leaves of the memory of a process
    house.buckets._limiters.clear()
    assert robot.ask("GET", "/v1/lots/mall").status_code == 429
    house.pass_minutes(24 * 60)
    assert robot.ask("GET", "/v1/lots/mall").status_code == 200
    hurried = Robot(house, per_minute=6)
    assert [hurried.ask("GET", "/v1/lots/mall").status_code for _ in range(2)] == [200, 429]


# Sensitive deeds


def person(house: House, login: str, role: str = "guard") -> None:
    form = {"login": login, "name": "g", "company": "demo", "password": PASSWORD}
    assert house.post("/v1/accounts", form).status_code == 201
    given = house.post("/v1/grants", {"account": login, "role": role, "level": "company", "node": "demo"})
    assert given.status_code in (200, 201), given.text


def signed_in(house: House, login: str = "desk-1") -> httpx2.Client:
    form = {"login": login, "password": PASSWORD}
    answer = house.stranger.post("/v1/auth/sign-in", json=form)
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    client = house.client({"authorization": f"Bearer {tokens['access_token']}"})
    client.refresh_token = tokens["refresh_token"]  # type: ignore[attr-defined]
    return client


def later(house: House, client: httpx2.Client, minutes: int) -> None:
    """Let time pass; access tokens are over by then, and refreshing one proves nothing."""
    house.pass_minutes(minutes)
    form = {"refresh_token": client.refresh_token}  # type: ignore[attr-defined]
    tokens = house.stranger.post("/v1/auth/refresh", json=form).json()
    client.headers["authorization"] = f"Bearer {tokens['access_token']}"
    client.refresh_token = tokens["refresh_token"]  # type: ignore[attr-defined]


def open_lane(client: httpx2.Client, **headers: str) -> httpx2.Response:
    return client.post(
        OPEN, content=REASON,
        headers={"content-type": "application/json", "idempotency-key": secrets.token_hex(8)} | headers,
    )  # fmt: skip


def test_a_guard_opens_after_signing_in_and_proves_itself_again_after_a_while(house: House) -> None:
    person(house, "desk-1")
    guard = signed_in(house)
    assert open_lane(guard).status_code == 200
    later(house, guard, 16)
    stale = open_lane(guard)
    assert code_of(stale) == (401, "auth.confirm_needed")
    assert stale.headers["www-authenticate"] == 'Bearer error="insufficient_user_authentication", max_age=900'
    assert guard.get("/v1/lots/mall").status_code == 200  # everything else goes on
    assert code_of(guard.post("/v1/auth/confirm", json={"password": "wrong words"})) == (401, "auth.wrong")
    assert open_lane(guard).status_code == 401
    confirmed = guard.post("/v1/auth/confirm", json={"password": PASSWORD})
    assert (confirmed.status_code, confirmed.json()["confirmation"]) == (200, None)
    assert open_lane(guard).status_code == 200
    later(house, guard, 16)
    assert open_lane(guard).status_code == 401


def test_a_confirmation_is_for_one_deed_of_one_session_once_and_for_two_minutes(house: House) -> None:
    person(house, "desk-1")
    guard, other = signed_in(house), signed_in(house)
    later(house, guard, 16)
    later(house, other, 0)

    def confirmation(deed: str = "lane.open", subject: str = OPEN) -> str:
        form = {"password": PASSWORD, "deed": deed, "subject": subject}
        return str(guard.post("/v1/auth/confirm", json=form).json()["confirmation"])

    shown = confirmation()
    assert open_lane(other, **{"x-openberth-confirmation": shown}).status_code == 401
    elsewhere = OPEN.replace("in-1", "in-2")
    moved = guard.post(elsewhere, content=REASON, headers={"content-type": "application/json", "idempotency-key": "k",
                                                           "x-openberth-confirmation": shown})  # fmt: skip
    assert moved.status_code == 401
    assert open_lane(guard, **{"x-openberth-confirmation": shown}).status_code == 200
    assert code_of(open_lane(guard, **{"x-openberth-confirmation": shown})) == (401, "auth.confirm_needed")
    assert open_lane(guard).status_code == 401  # the session itself was not made fresh
    for wrong in (confirmation("refund.write"), confirmation(subject=elsewhere), "1.2.3", "x", shown[:-1] + "0"):
        assert open_lane(guard, **{"x-openberth-confirmation": wrong}).status_code == 401
    late = confirmation()
    house.machine.advance(120 * SECOND_US)
    assert open_lane(guard, **{"x-openberth-confirmation": late}).status_code == 401


def test_a_code_of_the_authenticator_confirms_too_and_wrong_ones_make_the_account_wait(house: House) -> None:
    person(house, "desk-1")
    guard = signed_in(house)
    secret = guard.post("/v1/auth/second-factor").json()["secret"]
    import base64

    def code() -> str:
        return code_at(base64.b32decode(secret), step_of(house.machine.now()))

    form = {"secret": secret, "code": code(), "password": PASSWORD}
    assert guard.put("/v1/auth/second-factor", json=form).status_code in (200, 204)
    later(house, guard, 16)
    assert guard.post("/v1/auth/confirm", json={"code": code()}).status_code == 200
    assert open_lane(guard).status_code == 200
    later(house, guard, 16)
    for _ in range(5):
        assert guard.post("/v1/auth/confirm", json={"code": "000000"}).status_code == 401
    assert code_of(guard.post("/v1/auth/confirm", json={"password": PASSWORD})) == (401, "auth.wrong")  # it waits
    for bad in ({}, {"password": "x", "code": "123456"}, {"password": "x", "deed": "lane.open"}):
        assert guard.post("/v1/auth/confirm", json=bad).status_code == 422


def test_a_bearer_token_of_an_integrator_opens_nothing(house: House) -> None:
    robot = Robot(house)
    secret = house.post(f"/v1/accounts/{robot.login}/secret", {}).json()["client_secret"]
    granted = house.stranger.post(
        "/v1/oauth/token", data={"grant_type": "client_credentials"}, auth=(robot.login, secret)
    ).json()
    bearer = house.client({"authorization": f"Bearer {granted['access_token']}"})
    assert bearer.get("/v1/lots/mall").status_code == 200
    assert code_of(open_lane(bearer)) == (403, "auth.signature_needed")
    assert robot.ask("POST", OPEN, REASON).status_code == 200


def test_opening_by_an_exception_is_opening_by_hand(house: House) -> None:
    person(house, "desk-1")
    guard = signed_in(house)
    later(house, guard, 16)
    path, headers = "/v1/exceptions/01900000-0000-7000-8000-000000000000/resolve", {"idempotency-key": "k"}
    opens = guard.post(path, json={"action": "open", "reason": "x"}, headers=headers)
    assert code_of(opens) == (401, "auth.confirm_needed")
    assert guard.post(path, json={"action": "dismiss", "reason": "x"}, headers=headers).status_code == 404


def test_without_a_signature_a_sensitive_request_names_its_idempotency_key(house: House) -> None:
    answer = house.post(OPEN, {"reason": "x"})
    assert code_of(answer) == (422, "request.idempotency_required")
    before = len(house.get("/v1/commands", lot="mall")["items"])
    first, again = (house.post(OPEN, {"reason": "x"}, key="once") for _ in range(2))
    assert (first.status_code, first.json()) == (200, again.json())
    assert len(house.get("/v1/commands", lot="mall")["items"]) == before + 1


def test_a_token_that_was_found_confirms_no_count_and_moves_no_cash_and_no_payout(house: House) -> None:
    person(house, "boss", "company_manager")
    boss = signed_in(house, "boss")
    later(house, boss, 16)
    nothing, key = "01900000-0000-7000-8000-000000000000", {"idempotency-key": "k"}
    carried = {"kind": "deposited", "amount": {"minor": 1, "currency": "CNY"}, "reference": "B-1"}
    for path, body in (
        ("/v1/lots/mall/safe/moves", carried), (f"/v1/shifts/{nothing}/confirm", {}),
        (f"/v1/shifts/{nothing}/correct", {"reason": "lost"}), (f"/v1/shifts/{nothing}/close", {}),
        (f"/v1/channels/{nothing}/payouts", {"amount_minor": 1, "day": "2026-03-02", "reference": "B-1"}),
        (f"/v1/payouts/{nothing}/withdraw", {"reason": "wrong"}),
    ):  # fmt: skip
        assert code_of(boss.post(path, json=body, headers=key)) == (401, "auth.confirm_needed"), path
    assert boss.post("/v1/auth/confirm", json={"password": PASSWORD}).status_code == 200
    missing = boss.post(f"/v1/shifts/{nothing}/confirm", headers=key)
    assert code_of(missing) == (404, "shift.not_found")


def test_every_route_of_a_sensitive_permission_asks_for_a_fresh_proof(house: House) -> None:
    from openberth.contexts import tenancy
    from openberth.contexts.tenancy.model.permissions import PERMISSIONS
    from openberth.infra.http.auth import Undeclared

    looked_at = {"shift.confirm", "safe.write", "payout.write", "plate.verify"}
    assert {"lane.open", "refund.write", "debt.waive"} | looked_at == tenancy.SENSITIVE <= PERMISSIONS
    routes = [route for (_, route), word in house.app.state.permissions.items() if word in tenancy.SENSITIVE]
    assert len(routes) >= 2
    build_app(house)  # a sensitive route without one stops the start
    from fastapi import APIRouter, Depends

    async def endpoint() -> None:
        return None

    router = APIRouter()
    router.add_api_route("/v1/x", endpoint, methods=["POST"], dependencies=[Depends(may("lane.open"))])
    with pytest.raises(Undeclared, match="no fresh proof"):
        declarations(router.routes, known=PERMISSIONS, sensitive=tenancy.SENSITIVE)


def test_it_is_written_down(house: House) -> None:
    robot = Robot(house)
    person(house, "desk-1")
    guard = signed_in(house)
    assert guard.post("/v1/auth/confirm", json={"password": PASSWORD}).status_code == 200
    assert house.operator.delete(f"/v1/accounts/{robot.login}/api-keys/{robot.key}").status_code == 204

    def deeds() -> set[str]:
        return {entry["deed"] for entry in house.get("/v1/audit", limit=200)["items"]}

    assert eventually(lambda: {"api_key.made", "api_key.ended", "session.confirmed"} <= deeds())
    assert robot.secret not in str(house.get("/v1/audit", limit=200))
