"""What stands around every route: limits with their headers, content types, methods, headers for browsers, origins."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.service.databases import SqliteFiles
from tests.wire.api.conftest import opened
from tests.wire.api.house import CAR, UNLIMITED, House

CONSOLE = "https://console.example.com"
JSON = {"content-type": "application/json"}


@pytest.fixture
def narrow_house(tmp_path: Path, sqlite_files: SqliteFiles) -> Iterator[House]:
    """A server with narrow limits, whose answers one other origin may read."""
    limits = UNLIMITED | {"address_per_minute": 120, "account_per_minute": 60, "wrong_tokens_per_minute": 5}
    yield from opened(
        sqlite_files.url(tmp_path), tmp_path, limits=limits, http={"cors_origins": [CONSOLE]}
    )  # fmt: skip


def test_an_address_is_limited_and_told_so(narrow_house: House) -> None:
    answers = [narrow_house.operator.get("/v1/clock") for _ in range(21)]
    assert [each.status_code for each in answers] == [200] * 20 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"address";q=120;w=60'
    assert answers[0].headers["ratelimit"] == '"address";r=19;t=1'
    last = answers[-1]
    assert (last.json()["code"], last.headers["retry-after"]) == ("request.too_many", "1")
    assert last.headers["ratelimit"] == '"address";r=0;t=10'
    assert last.headers["cache-control"] == "no-store"
    assert narrow_house.stranger.get("/health/live").status_code == 200  # a supervisor is told, whatever else happens
    narrow_house.pass_minutes(1)
    assert narrow_house.operator.get("/v1/clock").status_code == 200


def test_wrong_tokens_of_an_address_are_limited_and_a_right_one_passes_all_the_same(narrow_house: House) -> None:
    wrong = narrow_house.client({"authorization": "Bearer " + "x" * 43})
    answers = [wrong.get("/v1/clock") for _ in range(7)]
    assert [each.status_code for each in answers] == [401] * 5 + [429] * 2
    assert answers[-1].headers["retry-after"] == "12"
    assert narrow_house.operator.get("/v1/clock").status_code == 200
    narrow_house.pass_minutes(1)
    assert wrong.get("/v1/clock").status_code == 401


def test_an_account_is_limited_wherever_it_comes_from_and_the_operator_is_not(narrow_house: House) -> None:
    body = {"kind": "integrator", "login": "robot", "name": "robot"}
    assert narrow_house.post("/v1/accounts", body).status_code == 201
    secret = narrow_house.post("/v1/accounts/robot/secret", {}).json()["client_secret"]
    narrow_house.pass_minutes(1)
    granted = narrow_house.stranger.post(
        "/v1/oauth/token", data={"grant_type": "client_credentials"}, auth=("robot", secret)
    ).json()
    robot = narrow_house.client({"authorization": f"Bearer {granted['access_token']}"})
    answers = [robot.get("/v1/auth/me") for _ in range(11)]
    assert [each.status_code for each in answers] == [200] * 10 + [429]
    assert answers[-1].headers["ratelimit-policy"] == '"address";q=120;w=60, "account";q=60;w=60'
    assert narrow_house.operator.get("/v1/clock").headers["ratelimit-policy"] == '"address";q=120;w=60'


def test_the_limit_of_a_class_of_routes_is_its_accounts(house: House) -> None:
    reason = {"reason": "a hose over the lane"}
    house.arrive("in-1", CAR)
    answer = house.post("/v1/lots/mall/lanes/in-1/open", reason, key="1")
    assert answer.status_code == 200, answer.text
    assert "command" not in answer.headers["ratelimit-policy"]  # the operator of this machine is nobody's guest


SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


def test_every_answer_tells_browsers_what_they_may_do_with_it(house: House) -> None:
    page = house.client({"accept": "text/html"}).get(house.code("in-1"))
    answers = [
        house.operator.get("/v1/clock"), house.operator.get("/v1/nothing"), house.stranger.get("/v1/clock"),
        house.stranger.get("/nothing"), house.stranger.get("/health/live"), house.stranger.get("/metrics"),
        house.operator.post("/v1/quotes", content=b"{", headers=JSON), house.stranger.get("/.well-known/jwks.json"),
        house.operator.request("PUT", "/v1/clock"), page,
    ]  # fmt: skip
    for answer in answers:
        wanted = SAFE
        if answer is page:
            own = {"referrer-policy": "strict-origin"}  # a channel's page takes nobody who does not say where from
            wanted = SAFE | own | {"content-security-policy": page.headers["content-security-policy"]}
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert {name: answer.headers[name] for name in wanted} == wanted, answer.request.url
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert "strict-transport-security" not in answer.headers
    assert all(each.headers["cache-control"] == "no-store" for each in answers[:3])
    assert answers[7].headers["cache-control"] == "public, max-age=300"


def test_only_pages_of_named_origins_read_answers_and_never_with_cookies(narrow_house: House) -> None:
    asks = {"origin": CONSOLE, "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,idempotency-key"}  # fmt: skip
    preflight = narrow_house.stranger.options("/v1/quotes", headers=asks)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, CONSOLE)
    assert preflight.headers["x-content-type-options"] == "nosniff"
    read = narrow_house.operator.get("/v1/clock", headers={"origin": CONSOLE})
    refused = narrow_house.stranger.get("/v1/clock", headers={"origin": CONSOLE})
    for answer in (read, refused):
        assert answer.headers["access-control-allow-origin"] == CONSOLE
        assert "RateLimit" in answer.headers["access-control-expose-headers"]
    other = {"origin": "https://elsewhere.example.com", "access-control-request-method": "POST"}
    assert narrow_house.stranger.options("/v1/quotes", headers=other).status_code == 400
    strange = narrow_house.operator.get("/v1/clock", headers={"origin": other["origin"]})
    for answer in (preflight, read, refused, strange):
        assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in strange.headers


def test_without_a_list_no_other_origin_reads_anything(house: House) -> None:
    asks = {"origin": CONSOLE, "access-control-request-method": "GET"}
    assert house.stranger.options("/v1/clock", headers=asks).status_code == 401
    assert "access-control-allow-origin" not in house.operator.get("/v1/clock", headers={"origin": CONSOLE}).headers


QUOTES, LOT, DAYS, CHECK = "/v1/quotes", "/v1/lots/mall", "/v1/calendars/cn/days", "/v1/tariffs/check"
DOCUMENT = "application/yaml, application/json"


@pytest.mark.parametrize(
    ("method", "path", "headers", "accepted"),
    [
        ("POST", QUOTES, {"content-type": "text/plain"}, "application/json"),
        ("POST", QUOTES, {"content-type": "application/json; charset=gbk"}, "application/json"),
        ("POST", QUOTES, {"content-type": "application/x-www-form-urlencoded"}, "application/json"),
        ("POST", QUOTES, {"content-type": "multipart/form-data; boundary=x"}, "application/json"),
        ("POST", QUOTES, {"content-type": "application/xml"}, "application/json"),
        ("POST", QUOTES, {}, "application/json"),
        ("PUT", LOT, {"content-type": "application/xml"}, DOCUMENT),
        ("PUT", LOT, {"content-type": "text/csv"}, DOCUMENT),
        ("PUT", DAYS, {"content-type": "image/jpeg"}, "application/yaml, text/csv, application/json"),
        ("POST", CHECK, {"content-type": "text/html"}, DOCUMENT),
    ],
)
def test_a_body_of_another_content_type_is_refused_with_those_that_are_taken(
    house: House, method: str, path: str, headers: dict[str, str], accepted: str
) -> None:
    answer = house.operator.request(method, path, content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "request.media_type")
    assert answer.json()["params"] == {"accepted": accepted}
    assert answer.headers["accept"] == accepted
    assert accepted in answer.json()["title"]


def test_content_types_that_are_taken(house: House) -> None:
    for kind in (
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ):
        assert house.operator.post(QUOTES, content=b"{}", headers={"content-type": kind}).status_code == 422
    lot = b"lot: openberth/1"
    for headers in ({}, {"content-type": "application/yaml"}, {"content-type": "application/json"}):
        assert house.operator.put(LOT, content=lot, headers=headers).json()["code"] == "document.mistakes"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_bodies_that_are_encoded_are_refused(house: House, encoding: str) -> None:
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    for path in (QUOTES, house.code("in-1") + "/enter", house.hook, "/v1/oauth/token"):
        answer = house.operator.post(path, content=b"\x1f\x8b\x08", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "request.encoding")
        assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/v1/accounts", "GET, POST"),
        ("POST", "/v1/auth/sessions", "GET"),
        ("PATCH", "/v1/lots/mall", "GET, PUT"),
        ("GET", "/v1/oauth/token", "POST"),
        ("OPTIONS", "/health/live", "GET, HEAD"),
        ("TRACE", "/v1/quotes", "POST"),
        ("PUT", "/v1/openapi.json", "GET, HEAD"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_answered_with_all_that_it_takes(
    house: House, method: str, path: str, allow: str
) -> None:
    answer = house.operator.request(method, path)
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "request.method", allow)


def test_made_up_methods_are_no_requests(house: House) -> None:
    with httpx2.Client(base_url=house.url, trust_env=False) as client:
        answer: Any = client.request("BREW", "/v1/quotes")
    assert answer.status_code in (400, 405)
