"""Who gets in, and what the edge says when something is wrong."""

import re
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from openberth.infra.http.auth import ANYBODY
from openberth.infra.http.limits import LOOPBACK
from openberth.infra.telemetry import Probe
from openberth.kernel.authority import system
from tests.waiting import eventually
from tests.wire.api.house import CAR, TOKEN, House

BY = system("test")
OPEN_TO_ALL = ("/c/", "/r/", "/hooks/", "/health/", "/metrics", "/.well-known/", "/console", "/app")


def every_route(app: FastAPI) -> list[tuple[str, str]]:
    """Return (method, path) of every HTTP route, with its parameters filled in."""
    found = [
        (method, re.sub(r"\{[^}]+\}", "01900000-0000-7000-8000-000000000000", path)) for method, path in templates(app)
    ]
    assert len(found) > 40
    return found


def templates(app: FastAPI) -> list[tuple[str, str]]:
    paths = [(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item]
    return paths + [
        (method, route.path)
        for route in app.router.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    ]


def test_strangers_get_nowhere(house: House) -> None:
    house.arrive("in-1", CAR)
    refused = 0
    declared: dict[tuple[str, str], str] = house.app.state.permissions
    opened = {path for (_, path), word in declared.items() if word == ANYBODY}
    assert opened == {
        "/v1/auth/sign-in", "/v1/auth/refresh", "/v1/auth/wechat", "/v1/auth/phone", "/v1/auth/phone/code",
        "/v1/oauth/token", "/v1/pictures",
    }  # fmt: skip
    for method, path in every_route(house.app):
        if path.startswith(OPEN_TO_ALL) or path in opened:
            continue
        for headers in ({}, {"authorization": f"Basic {TOKEN}"}, {"authorization": "Bearer " + "x" * 43}):
            answer = house.stranger.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path)
            if method != "HEAD":
                assert answer.json()["code"] == "auth.required"
                assert set(answer.json()) == {"type", "title", "status", "code", "params", "trace"}
            assert answer.headers["www-authenticate"] == "Bearer"
            refused += 1
    assert refused > 90


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/openapi.json", "/v1/no/such/thing", "/v1/lots/"])
def test_strangers_learn_nothing_about_addresses(house: House, path: str) -> None:
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        assert house.stranger.request(method, path).status_code == 401


def test_tokens_of_odd_shapes_are_refused(house: House) -> None:
    for token in ("x", "x" * 5_000, "ü" * 40, TOKEN + "x", TOKEN[:-1]):
        header = f"Bearer {token}".encode("latin-1")
        answer = house.stranger.get("/v1/clock", headers=httpx2.Headers([(b"authorization", header)]))
        assert answer.status_code == 401


def test_a_token_that_was_taken_back_ends_within_seconds(house: House) -> None:
    assert house.operator.get("/v1/clock").status_code == 200
    house.database.write_now(lambda unit: unit._session.execute("DELETE FROM operator_token", ()), by=BY)
    assert house.operator.get("/v1/clock").status_code == 200  # remembered
    house.machine.advance(5_000_000)
    assert house.operator.get("/v1/clock").status_code == 401


def test_problems_are_told_in_the_readers_language(house: House) -> None:
    def told(language: str) -> dict[str, Any]:
        answer = house.operator.get("/v1/lots/nowhere", headers={"accept-language": language})
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-trace-id"] == answer.json()["trace"]
        return dict(answer.json())

    chinese, english = told("zh-CN,zh;q=0.9,en;q=0.8"), told("en-GB")
    assert chinese.pop("title").startswith("没有停车场 nowhere")
    assert english.pop("title").startswith("There is no lot nowhere")
    assert chinese.pop("trace") != english.pop("trace")
    assert chinese == english
    assert chinese == {
        "type": "urn:openberth:problem:lot.not_found", "status": 404, "code": "lot.not_found",
        "params": {"lot": "nowhere"},
    }  # fmt: skip
    assert told("fr")["title"].startswith("There is no lot")  # the language of the settings


def test_a_trace_goes_through(house: House) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = house.operator.get("/v1/nowhere", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert (answer.status_code, answer.json()["code"], answer.json()["trace"]) == (404, "request.not_found", trace)


def test_a_wrong_method_says_which_ones_are_right(house: House) -> None:
    answer = house.operator.delete("/v1/clock")
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "request.method", "GET")


@pytest.mark.parametrize(
    ("body", "places"),
    [
        (b"{", [{"place": "body[1]", "problem": "json_invalid"}]),
        (b"", [{"place": "body", "problem": "missing"}]),
        (b"[1]", [{"place": "body", "problem": "model_attributes_type"}]),
        (b'{"reason": 5}', [{"place": "body.reason", "problem": "string_type"}]),
        (b'{"reason": "a\\u0000b"}', [{"place": "body.reason", "problem": "value_error"}]),
        (b'{"reason": "\\ud800"}', [{"place": "body.reason", "problem": "string_unicode"}]),
        (b'{"reason": "x", "why": "secret words"}', [{"place": "body.why", "problem": "extra_forbidden"}]),
    ],
)
def test_a_malformed_body_is_named_by_place_and_never_quoted(house: House, body: bytes, places: object) -> None:
    answer = house.operator.post(
        "/v1/lots/mall/lanes/in-1/open", content=body,
        headers={"content-type": "application/json", "idempotency-key": "1"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"], answer.json()["errors"]) == (422, "request.malformed", places)
    assert "secret words" not in answer.text


def test_bytes_that_are_no_text_are_refused(house: House) -> None:
    for body in (b"\xff\xfe", b"[" * 100_000):
        answer = house.operator.post("/v1/quotes", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (422, "request.malformed")


def test_large_bodies_are_refused_before_they_are_read(house: House) -> None:
    answer = house.operator.post("/v1/quotes", content=b"x" * 300_000)
    assert (answer.status_code, answer.json()["code"], answer.json()["params"]) == (
        413, "request.too_large", {"limit": 262144},
    )  # fmt: skip
    data = {"content-type": "application/json"}
    streamed = house.operator.post("/v1/quotes", content=iter([b"x" * 100_000] * 3), headers=data)
    assert (streamed.status_code, streamed.json()["code"]) == (413, "request.too_large")
    document = house.operator.put("/v1/lots/mall", content=b"x" * 1_500_000)
    assert (document.status_code, document.json()["code"]) == (422, "document.mistakes")


def test_a_defect_says_nothing_but_its_trace(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("openberth.contexts.stays.api.places.overview", broken)
    answer = house.operator.get("/v1/overview")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal.defect")
    assert "secret inside" not in answer.text
    assert answer.json()["trace"] in answer.json()["title"]
    told = next(line for line in house.log.getvalue().splitlines() if "secret inside" in line)
    assert answer.json()["trace"] in told  # the log knows what it was


def test_an_overloaded_database_asks_to_come_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2_000):
        house.database._reading.acquire()
    try:
        answer = house.operator.get("/v1/lots")
    finally:
        for _ in range(2_000):
            house.database._reading.release()
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "queue.full", "1")


def test_health_names_checks_and_their_findings(house: House) -> None:
    house.health.add("database", lambda: None)
    assert house.stranger.get("/health/ready").json() == {
        "ok": True, "checks": [{"name": "database", "ok": True, "reason": None}],
    }  # fmt: skip
    house.health.add("tail", lambda: "queue.full", Probe.LIVE)
    for path in ("/health/live", "/health/ready"):
        assert (house.stranger.get(path).status_code, house.stranger.get(path).json()["ok"]) == (503, False)


def test_figures_name_templates_and_no_codes(house: House) -> None:
    house.stranger.get(house.code("in-1"))
    house.stranger.get("/c/AAAAAAAAAA")
    house.stranger.get("/wp-login.php")
    figures = house.stranger.get("/metrics").text
    assert 'route="/c/{code}"' in figures
    assert 'route="unmatched"' in figures
    assert house.lanes["in-1"]["scan_code"] not in figures
    assert "wp-login" not in figures
    assert 'openberth_database{figure="units"}' in figures


def test_figures_are_for_this_machine_and_operators() -> None:
    assert LOOPBACK.admits("127.0.0.1")
    assert LOOPBACK.admits("::1")
    assert not LOOPBACK.admits("192.168.1.5")


def test_the_access_log_holds_no_paths_with_secrets(house: House) -> None:
    code = house.lanes["in-1"]["scan_code"]
    house.stranger.get(house.code("in-1"))
    house.stranger.post("/devices/vzenith/" + "5" * 64)
    house.operator.get("/v1/stays", params={"lot": "mall", "plate": CAR})
    house.operator.get("/v1/clock")
    # A line is written once the answer has left, so it may come a moment after it.
    assert eventually(lambda: '"route": "/v1/clock"' in house.log.getvalue())
    said = house.log.getvalue()
    assert '"route": "/c/{code}"' in said
    for secret in (code, "5" * 64, CAR, TOKEN):
        assert secret not in said


def test_every_route_under_v1_declares_one_permission(house: House) -> None:
    declared: dict[tuple[str, str], str] = house.app.state.permissions
    served = {(method, path) for method, path in templates(house.app) if path.startswith("/v1")}
    assert served - {("HEAD", path) for _, path in served} <= set(declared)
    assert declared[("POST", "/v1/lots/{lot}/lanes/{lane}/open")] == "lane.open"
    assert declared[("WS", "/v1/feed")] == "feed.read"
