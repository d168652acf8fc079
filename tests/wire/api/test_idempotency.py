"""The same key twice: one effect, one answer. Another request under the same key: refused."""

import threading
from functools import partial

import httpx2

from openberth.contexts import tenancy
from openberth.kernel.authority import system
from tests.wire.api.house import CAR, House

PASSWORD = "plum-otter-canal-92"

OPEN = "/v1/lots/mall/lanes/in-1/open"


def commands(house: House) -> int:
    return len(house.get("/v1/commands", lot="mall")["items"])


def test_the_same_key_opens_once(house: House) -> None:
    first = house.post(OPEN, {"reason": "ambulance"}, key="k-1")
    again = house.post(OPEN, {"reason": "ambulance"}, key="k-1")
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert commands(house) == 1
    # Pressed again at once it is the same opening; later it is another one.
    assert house.post(OPEN, {"reason": "ambulance"}, key="k-2").json()["id"] == first.json()["id"]
    house.machine.advance(6_000_000)
    assert house.post(OPEN, {"reason": "ambulance"}, key="k-3").json()["id"] != first.json()["id"]
    house.machine.advance(6_000_000)
    assert house.post(OPEN, {"reason": "ambulance"}, key="k-4").status_code == 200
    assert commands(house) == 3


def test_a_key_belongs_to_its_request(house: House) -> None:
    assert house.post(OPEN, {"reason": "ambulance"}, key="k-1").status_code == 200
    for path, body in ((OPEN, {"reason": "fire"}), (OPEN.replace("in-1", "in-2"), {"reason": "ambulance"})):
        answer = house.post(path, body, key="k-1")
        assert (answer.status_code, answer.json()["code"]) == (409, "request.idempotency_reused")
    assert commands(house) == 1


def test_a_key_belongs_to_its_query_and_its_company_too(house: House) -> None:
    for name in ("demo", "other"):
        house.database.write_now(partial(tenancy.ensure_company, code=name), by=system("test"))
    seed = "/v1/calendars/cn/seed?company="
    assert house.post(seed + "demo", {"years": [2026]}, key="k-1").json()["company"] == "demo"
    answer = house.post(seed + "other", {"years": [2026]}, key="k-1")
    assert (answer.status_code, answer.json()["code"]) == (409, "request.idempotency_reused")
    form = {"login": "desk-2", "name": "Desk", "password": PASSWORD}
    assert house.post("/v1/accounts", form).status_code == 201
    for name in ("demo", "other"):
        grant = {"account": "desk-2", "role": "company_manager", "level": "company", "node": name}
        assert house.post("/v1/grants", grant).status_code == 201
    signed_in = house.stranger.post("/v1/auth/sign-in", json={"login": "desk-2", "password": PASSWORD}).json()
    desk = house.client({"authorization": f"Bearer {signed_in['access_token']}", "idempotency-key": "k-2"})
    told = {
        desk.post("/v1/calendars/cn/seed", json={"years": [2026]}, headers={"x-openberth-company": name}).json()[
            "company"
        ]
        for name in ("demo", "other")
    }
    assert told == {"demo", "other"}


def test_a_refused_request_may_try_again_with_its_key(house: House) -> None:
    assert house.post(OPEN, {"reason": " "}, key="k-1").status_code == 409
    assert commands(house) == 0
    assert house.post(OPEN, {"reason": "ambulance"}, key="k-1").status_code == 200


def test_cash_is_taken_once_however_often_it_is_sent(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    bill = house.waiting("out-1")["bill"]["id"]
    body = {"bill": bill, "received": {"minor": 1000, "currency": "CNY"}}
    path = "/v1/lots/mall/lanes/out-1/cash"
    answers: list[httpx2.Response] = []
    senders = [threading.Thread(target=lambda: answers.append(house.post(path, body, key="cash"))) for _ in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["receipt"]["id"] for answer in answers}) == 1
    assert len(house.get("/v1/receipts", lot="mall")["items"]) == 1


def test_the_same_key_shows_the_same_secret_and_it_lies_sealed(house: House) -> None:
    path = "/v1/lots/mall/devices/cam-in-1/credentials"
    first = house.post(path, {}, key="k-1").json()
    assert house.post(path, {}, key="k-1").json() == first
    assert house.post(path, {}, key="k-2").json()["secret"] != first["secret"]
    for file in house.folder.glob("openberth.db*"):
        assert first["secret"].encode() not in file.read_bytes()


def test_keys_of_odd_shapes_are_refused(house: House) -> None:
    for key in ("x" * 201, "schlüssel"):
        headers = httpx2.Headers([(b"idempotency-key", key.encode("latin-1"))])
        answer = house.operator.post(OPEN, json={"reason": "x"}, headers=headers)
        assert answer.status_code == 422
    assert house.post(OPEN, {"reason": "x"}, key="x" * 200).status_code == 200
